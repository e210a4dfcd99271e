//! What a user of a handset notices, and does about it.

use std::time::Duration;

use tokio::time::Instant;

use super::task::Holder;
use super::{NativeReport, User};
use crate::dect::pt::{CallState, Event};
use crate::media::Heard;
use crate::phone::{CallReport, Direction, Ended, Key, LiveCall, Outcome, Progress};
use crate::radio::locked;

/// Calls that are shown to whoever watches a handset: more than any test makes.
const REMEMBERED: usize = 1_024;
/// Texts that are remembered.
const MOST_TEXTS: usize = 16;
/// A handset that could not tell where it is tries again after this.
pub(super) const LOCATE_AGAIN: Duration = Duration::from_secs(10);

impl Holder {
    pub(super) fn happened(&mut self, event: Event) {
        let now = Instant::now();
        match &event {
            Event::Subscribed => {
                (self.subscribing, self.searching, self.locate_at) = (false, false, Some(now));
            }
            Event::NotSubscribed { .. } => (self.subscribing, self.searching) = (false, false),
            Event::Located => (self.seen.located, self.locate_at) = (true, None),
            Event::NotLocated { reason } => {
                self.seen.located = false;
                // A system that refuses us will not like us better in a moment.
                let wait = LOCATE_AGAIN * if reason.is_some() { 6 } else { 1 };
                self.locate_at = Some(now + wait);
            }
            Event::Deleted => (self.seen.located, self.locate_at) = (false, None),
            Event::Ringing(ringing) => {
                self.seen.ringing = Some(ringing.clone());
                let mut report = report(Direction::Served, ringing.number.as_deref().unwrap_or_default());
                (report.name, report.rang) = (ringing.name.clone(), true);
                self.begin(&report, Progress::Ringing);
                self.report = Some(report);
                self.user_acts_at = match self.user {
                    User::Answers { after, talk } => {
                        self.talk = talk;
                        Some(now + after)
                    }
                    User::Rejects { after } => Some(now + after),
                    User::Waits => None,
                };
            }
            Event::Call { state } => self.call_is(*state, now),
            Event::Ended { reason } => self.end(*reason),
            Event::Signal { signal } => self.seen.signal = Some(*signal),
            Event::Text { text } => {
                self.seen.texts.push(text.clone());
                let surplus = self.seen.texts.len().saturating_sub(MOST_TEXTS);
                self.seen.texts.drain(..surplus);
            }
            Event::Sent { taken: true } => self.seen.sent.0 += 1,
            Event::Sent { taken: false } => self.seen.sent.1 += 1,
            Event::MessageWaiting { count } => self.seen.messages = *count,
            Event::Malformed { why } if self.seen.faults.len() < 32 => self.seen.faults.push(why.clone()),
            _ => {}
        }
        let _ = self.outlets.events.send(event);
    }

    fn call_is(&mut self, state: CallState, now: Instant) {
        let Some(report) = &mut self.report else { return };
        match state {
            CallState::Delivered => {
                report.rang = true;
                self.live.stands(Progress::Ringing);
            }
            CallState::Active => {
                report.answered = true;
                self.seen.ringing = None;
                self.user_acts_at = self.talk.map(|talk| now + talk);
                // What was heard before the answer is no conversation.
                let _ = self.sound.finish();
                self.live.hear_with(Some(self.sound.ears()));
                self.live.tell_with(Some(self.sound.teller()));
                self.live.stands(Progress::Talking);
            }
            _ => {}
        }
    }

    pub(super) fn end(&mut self, reason: Option<u8>) {
        (self.user_acts_at, self.seen.ringing) = (None, None);
        if let Some(mut report) = self.report.take() {
            let heard = self.sound.finish();
            report.heard = if report.answered { heard } else { Heard::default() };
            report.reason = reason;
            self.live.stands(Progress::Ended(Box::new(report.as_of_sip())));
            let _ = self.outlets.reports.send(report);
        }
    }
}

impl Holder {
    /// A call begins; whoever watches the handset sees it.
    pub(super) fn begin(&mut self, report: &NativeReport, progress: Progress) {
        self.live = LiveCall::new(report.direction, &report.peer, progress);
        self.pressed = None;
        let mut calls = locked(&self.outlets.calls);
        if calls.len() < REMEMBERED {
            calls.push(self.live.clone());
        }
    }

    /// Whoever watches the handset presses a key.
    pub(super) fn press(&mut self, key: Key) {
        let now = Instant::now();
        self.pressed = Some(key);
        match key {
            Key::Answer => drop(self.portable.answer(now)),
            Key::Refuse(_) | Key::HangUp => self.on_hook(now),
        }
    }
}

impl NativeReport {
    /// As a telephone of SIP would tell it; a RELEASE-REASON stands for the status.
    fn as_of_sip(&self) -> CallReport {
        let outcome = match (self.answered, self.reason) {
            (true, _) => Outcome::Answered,
            (false, Some(code)) if code != 0 => Outcome::Refused { code: code.into() },
            (false, _) => Outcome::Cancelled,
        };
        let ended = if self.ended_here { Ended::Here } else { Ended::There };
        CallReport {
            direction: self.direction,
            peer: self.peer.clone(),
            call_id: String::new(),
            outcome,
            progress: None,
            early_media: false,
            diagnostics: None,
            redirected_to: None,
            rang_after: None,
            answered_after: None,
            talked: None,
            ended: self.answered.then_some(ended),
            heard: self.answered.then(|| self.heard.clone()),
        }
    }
}

/// A call that begins.
pub(super) fn report(direction: Direction, peer: &str) -> NativeReport {
    NativeReport {
        direction,
        peer: peer.to_owned(),
        name: None,
        answered: false,
        rang: false,
        reason: None,
        ended_here: false,
        handovers: 0,
        heard: Heard::default(),
    }
}
