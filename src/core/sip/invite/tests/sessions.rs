//! Session timers and restarts.

use std::time::Duration;

use super::super::state::State;
use super::super::*;
use super::pair::*;
use crate::id::Tokens;
use crate::machine::Machine;
use crate::sip::session_timer::SessionExpires;
use crate::sip::{Destination, Facing, Transport};

fn timed(a: Option<u32>, b: Option<u32>) -> Pair {
    let mut pair = Pair::new();
    pair.a.leg.local.session_expires = a;
    pair.b.leg.local.session_expires = b;
    pair.connect();
    pair
}

#[test]
fn a_session_is_refreshed_at_half_by_the_caller() {
    let mut pair = timed(Some(1800), None);
    pair.run(Duration::from_secs(899));
    assert_eq!(pair.a.count("UPDATE"), 0);
    pair.run(Duration::from_secs(2 * 3600));
    assert_eq!(pair.a.count("UPDATE"), 8);
    assert_eq!(pair.b.count("UPDATE"), 0);
    pair.same_dialog();
}

#[test]
fn a_callee_may_ask_for_a_timer_when_the_caller_knows_it() {
    let mut pair = timed(None, Some(600));
    let ok = pair.b.sent.iter().find(|m| line(m) == "200 INVITE").unwrap();
    assert_eq!(SessionExpires::of(ok).unwrap().seconds, 600);
    pair.run(Duration::from_secs(310));
    assert_eq!(pair.a.count("UPDATE"), 1);
    pair.same_dialog();
}

#[test]
fn a_session_that_nobody_refreshes_ends_before_its_time() {
    let mut pair = timed(Some(1800), None);
    pair.a.silent = true;
    pair.run(Duration::from_secs(1767));
    assert_eq!(pair.b.cause(), None);
    pair.run(Duration::from_secs(100));
    assert_eq!(pair.b.cause(), Some(EndCause::SessionExpired));
    assert!(pair.b.count("BYE") > 0);
    pair.drive();
    pair.both_closed();
}

#[test]
fn a_422_is_followed_with_the_longer_interval() {
    let mut pair = Pair::new();
    pair.a.leg.local.session_expires = Some(90);
    pair.b.silent = true;
    pair.dial();
    let invite = pair.a.sent[0].clone();
    let mut refusal = crate::sip::wire::Message::response(&invite, 422, "x", Some("t"));
    refusal.headers.push(crate::sip::wire::HeaderName::MinSe, "300");
    pair.deliver(A, refusal);
    let again = pair.a.sent.iter().rfind(|m| line(m) == "INVITE").unwrap();
    assert_eq!(SessionExpires::of(again).unwrap().seconds, 300);
    assert_eq!(again.cseq().unwrap().number, 2);
}

fn restart(pair: &mut Pair, side: Side) {
    let end = pair.end(side);
    let Some(LegSave::Put(record)) = end.saves.last().cloned() else { panic!("nothing saved") };
    end.leg = Leg::restore(*record, Tokens::new([0x77; 32]));
    pair.input(side, LegInput::Started).unwrap();
}

#[test]
fn a_restarted_leg_goes_on_as_if_nothing_had_happened() {
    let mut pair = Pair::talking(Transport::Udp);
    restart(&mut pair, A);
    restart(&mut pair, B);
    pair.same_dialog();
    pair.order(B, reoffer("offer b2"));
    pair.ms(50);
    pair.order(A, agree("answer a2"));
    pair.ms(50);
    assert_eq!(pair.b.told("ReofferAnswered"), 1);
    pair.order(A, hang_up());
    pair.drive();
    pair.both_closed();
}

#[test]
fn a_callee_restarted_before_the_ack_says_its_2xx_again() {
    let mut pair = Pair::new();
    pair.b.lose = vec![1];
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    restart(&mut pair, B);
    pair.ms(200);
    assert_eq!((pair.a.told("Answered"), pair.b.told("Acknowledged")), (1, 1));
    pair.same_dialog();
}

#[test]
fn a_caller_restarted_after_a_lost_ack_says_it_again() {
    let mut pair = Pair::new();
    pair.a.lose = vec![1];
    pair.dial();
    pair.ms(50);
    pair.order(B, accept(Some("answer")));
    pair.ms(50);
    restart(&mut pair, A);
    pair.drive();
    assert_eq!(pair.b.told("Acknowledged"), 1);
    pair.same_dialog();
}

#[test]
fn a_leg_restarted_before_its_bye_was_answered_says_it_again() {
    let mut pair = Pair::talking(Transport::Udp);
    pair.a.silent = true;
    pair.order(A, hang_up());
    restart(&mut pair, A);
    pair.a.silent = false;
    pair.drive();
    assert_eq!(pair.b.cause(), Some(EndCause::ByPeer));
    assert_eq!(pair.a.told("Ended"), 1);
    assert!(matches!(pair.a.saves.last(), Some(LegSave::Delete(_))));
    pair.both_closed();
}

#[test]
fn timers_of_a_session_survive_the_restart() {
    let mut pair = timed(Some(1800), None);
    pair.run(Duration::from_secs(600));
    restart(&mut pair, A);
    pair.run(Duration::from_secs(310));
    assert_eq!(pair.a.count("UPDATE"), 1);
}

/// B is a handset behind its own stream, and A hangs up while that is gone.
fn unheard() -> (Pair, String, Destination) {
    let mut pair = Pair::talking(Transport::Tcp);
    let State::Confirmed(confirmed) = &mut pair.a.leg.state else { panic!() };
    (confirmed.usage.towards.facing, confirmed.usage.towards.transport) = (Facing::South, Transport::Tcp);
    let (contact, way) = (confirmed.usage.dialog.remote_target.clone(), confirmed.usage.towards.clone());
    pair.order(A, hang_up());
    let bye = pair.a.sent.last().unwrap().clone();
    pair.input(A, LegInput::TransportFailed(bye)).unwrap();
    (pair, contact, way)
}

fn byes(pair: &Pair) -> usize {
    pair.a.count("BYE")
}

#[test]
fn a_bye_to_a_handset_without_a_stream_is_said_when_it_registers_again() {
    let (mut pair, contact, way) = unheard();
    assert!(matches!(pair.a.events.last(), Some(LegEvent::Unheard { .. })));
    assert!(!pair.a.leg.is_closed());
    pair.ms(60_000);
    assert_eq!(byes(&pair), 1);
    let new = Destination { address: ([192, 0, 2, 1], 5999).into(), ..way };
    pair.input(A, LegInput::Moved { contact, destination: new }).unwrap();
    assert_eq!(byes(&pair), 2);
    let numbers: Vec<_> =
        pair.a.sent.iter().filter(|m| line(m) == "BYE").map(|m| m.cseq().unwrap().number).collect();
    assert!(numbers[0] < numbers[1], "a new request: {numbers:?}");
    pair.drive();
    pair.both_closed();
    assert_eq!(pair.b.cause(), Some(EndCause::ByPeer));
}

#[test]
fn a_handset_that_registers_while_its_bye_is_on_the_way_gets_it_again() {
    let mut pair = Pair::talking(Transport::Tcp);
    let State::Confirmed(confirmed) = &mut pair.a.leg.state else { panic!() };
    (confirmed.usage.towards.facing, confirmed.usage.towards.transport) = (Facing::South, Transport::Tcp);
    let (contact, way) = (confirmed.usage.dialog.remote_target.clone(), confirmed.usage.towards.clone());
    pair.a.lose = vec![pair.a.sent.len()];
    pair.order(A, hang_up());
    let new = Destination { address: ([192, 0, 2, 1], 5999).into(), ..way };
    pair.input(A, LegInput::Moved { contact, destination: new }).unwrap();
    assert_eq!(byes(&pair), 2, "the first went where nobody hears it");
    pair.drive();
    assert_eq!(byes(&pair), 2);
    pair.both_closed();
}

#[test]
fn a_bye_that_nobody_will_hear_is_given_up_with_the_session() {
    let (mut pair, ..) = unheard();
    pair.run(Duration::from_secs(7_201));
    assert!(pair.a.leg.is_closed());
    assert_eq!((byes(&pair), pair.a.leg.deadline()), (1, None));
    assert!(matches!(pair.a.saves.last(), Some(LegSave::Delete(_))), "nothing stays on disk");
}
