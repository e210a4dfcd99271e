//! The session timer of a running session (RFC 4028 §7.4, §10).

use std::time::Duration;

use super::Leg;
use super::state::{AskPhase, Asked, LegTimer, Usage};
use crate::sip::session_timer::SessionTimer;
use crate::sip::wire::Method;
use crate::timer::Moment;

/// When a refresh that was not possible is tried again. The session's end limits the tries.
const AGAIN: Duration = Duration::from_secs(10);

impl Leg {
    pub(super) fn arm_session(&mut self, session: Option<SessionTimer>) {
        self.timers.stop(LegTimer::Refresh);
        self.timers.stop(LegTimer::SessionEnd);
        if let Some(session) = session {
            self.timers.set(LegTimer::SessionEnd, session.ends_at());
            if let Some(at) = session.refresh_at() {
                self.timers.set(LegTimer::Refresh, at);
            }
        }
    }

    /// By UPDATE without a body when the peer takes it (RFC 4028 §7.4: "It is RECOMMENDED that the UPDATE
    /// request not contain an offer"), else by re-INVITE with the description as it was.
    pub(super) fn refresh(&mut self, usage: &mut Usage, now: Moment) {
        if usage.asked.is_some() || usage.owed.is_some() || usage.unacknowledged.is_some() {
            return self.refresh_later(now);
        }
        let by_update = usage.peer_updates || usage.last_local.is_none();
        let (method, body) = match by_update {
            true => (Method::Update, None),
            false => (Method::Invite, usage.last_local.clone()),
        };
        usage.asked = Some(Asked { method, body, refresh: true, phase: AskPhase::Held, retries: 0 });
        self.ask_offer(usage, now);
    }

    pub(super) fn refresh_later(&mut self, now: Moment) {
        if self.timers.runs(LegTimer::SessionEnd) {
            self.timers.set(LegTimer::Refresh, now + AGAIN);
        }
    }
}
