//! What a user of a handset notices, and does about it.

use std::time::Duration;

use tokio::time::Instant;

use super::task::Holder;
use super::{NativeReport, User};
use crate::dect::pt::{CallState, Event};
use crate::media::Heard;
use crate::phone::report::Direction;

/// A handset that could not tell where it is tries again after this.
pub(super) const LOCATE_AGAIN: Duration = Duration::from_secs(10);

impl Holder {
    pub(super) fn happened(&mut self, event: Event) {
        let now = Instant::now();
        match &event {
            Event::Subscribed => (self.subscribing, self.locate_at) = (false, Some(now)),
            Event::NotSubscribed { .. } => self.subscribing = false,
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
            Event::MessageWaiting { count } => self.seen.messages = *count,
            Event::Malformed { why } if self.seen.faults.len() < 32 => self.seen.faults.push(why.clone()),
            _ => {}
        }
        let _ = self.outlets.events.send(event);
    }

    fn call_is(&mut self, state: CallState, now: Instant) {
        let Some(report) = &mut self.report else { return };
        match state {
            CallState::Delivered => report.rang = true,
            CallState::Active => {
                report.answered = true;
                self.seen.ringing = None;
                self.user_acts_at = self.talk.map(|talk| now + talk);
                // What was heard before the answer is no conversation.
                let _ = self.sound.finish();
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
            let _ = self.outlets.reports.send(report);
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
