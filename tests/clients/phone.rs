//! What every telephone can do, whoever made it.

use std::time::Duration;

use crate::audio::{Heard, Tone};

/// A telephone with one account.
pub trait Phone {
    fn user(&self) -> &str;
    /// Whether its recordings hold packet after packet, rather than what a clock of its own played.
    fn records_packets(&self) -> bool;
    /// What it sends in a call.
    fn tone(&self) -> Tone;
    fn dial(&mut self, number: &str);
    fn hang_up(&mut self);
    fn wait_established(&mut self);
    /// Waits until a call has ended; answers its words for why, if it has any.
    fn wait_closed(&mut self) -> String;
    /// What was heard of a tone in the running call so far.
    fn heard(&self, tone: Tone) -> Option<Heard>;
    fn hold(&mut self);
    fn resume(&mut self);
    /// Connects whom it talks with with somebody else, unseen.
    fn transfer(&mut self, number: &str);
    /// Waits until so much of a tone was heard in the running call.
    fn wait_heard(&self, tone: Tone, duration: Duration) -> Heard;
}

/// Who ends a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ender {
    Caller,
    Callee,
}

/// Long enough to hear gaps, short enough for many calls.
pub const SPEECH: Duration = Duration::from_secs(3);

/// A phone on a busy machine stumbles by itself now and then; a path that is broken is so every time.
const TRIES: usize = 3;

/// Calls to a phone that answers by itself: both hear the other's tone whole, and when one ends the call it
/// ends for both. Where a tone came with gaps, the call is made again.
pub fn talk(caller: &mut dyn Phone, callee: &mut dyn Phone, ender: Ender) {
    for attempt in 1..=TRIES {
        let heard = one_call(caller, callee, ender);
        println!("{} heard {}; {} heard {}", caller.user(), heard[0], callee.user(), heard[1]);
        let whole = is_whole(caller, &heard[0]) && is_whole(callee, &heard[1]);
        if whole {
            return;
        }
        assert!(
            attempt < TRIES,
            "{} heard {}; {} heard {}",
            caller.user(),
            heard[0],
            callee.user(),
            heard[1]
        );
    }
}

fn one_call(caller: &mut dyn Phone, callee: &mut dyn Phone, ender: Ender) -> [Heard; 2] {
    caller.dial(callee.user());
    caller.wait_established();
    callee.wait_established();
    let heard = [caller.wait_heard(callee.tone(), SPEECH), callee.wait_heard(caller.tone(), SPEECH)];
    match ender {
        Ender::Caller => caller.hang_up(),
        Ender::Callee => callee.hang_up(),
    }
    caller.wait_closed();
    callee.wait_closed();
    heard
}

fn is_whole(who: &dyn Phone, heard: &Heard) -> bool {
    let loud = (heard.level_db + 10.0).abs() < 1.0;
    let gapless = heard.longest_gap <= Duration::from_millis(60);
    loud && gapless && (!who.records_packets() || heard.packets_cut <= 2)
}
