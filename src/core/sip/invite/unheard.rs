//! A BYE that did not get through to a handset, kept until there is a way again.
//!
//! A handset behind a stream is reached by that stream alone. When it is gone, a BYE is lost, and the handset
//! sits in a silent call until its user hangs up. So the ended dialog is kept: the handset registers again
//! over a new stream ([`LegInput::Moved`](super::LegInput::Moved)), and the BYE goes there. It ends in three
//! ways: an answer, a BYE of the handset's own, or [`LIMIT`] and the session timer, whichever is sooner.

use std::time::Duration;

use super::state::{ClientUse, LegTimer, State, Usage};
use super::{Leg, LegEvent, LegOutput};
use crate::sip::Facing;
use crate::sip::wire::{HeaderName, Text};
use crate::timer::Moment;

/// The longest lifetime of a handset's registration here: one that has not registered by then is gone.
const LIMIT: Duration = Duration::from_secs(7_200);

/// A BYE that has not been answered.
#[derive(Debug, Clone)]
pub(super) struct Unheard {
    /// Its headers.
    headers: Vec<(HeaderName, Text)>,
    /// It did not get through, and no way is known.
    pub(super) waits: bool,
}

impl Unheard {
    /// Of a peer that is reached by its own stream alone.
    pub(super) fn of(usage: &Usage, headers: &[(HeaderName, Text)]) -> Option<Self> {
        let towards = &usage.towards;
        let own_stream = towards.facing == Facing::South && towards.transport.is_reliable();
        own_stream.then(|| Self { headers: headers.to_vec(), waits: false })
    }
}

impl Leg {
    /// The BYE did not get through: again when there is a new way.
    pub(super) fn not_heard(&mut self, usage: Option<Box<Usage>>, now: Moment) -> State {
        let (Some(usage), Some(unheard)) = (usage, self.unheard.take()) else { return State::Ending(None) };
        // RFC 4028 §10: an end that hears no refresh ends the session by itself.
        let session = usage.session.map(|timer| timer.since + Duration::from_secs(timer.seconds.into()));
        let until = session.map_or(now + LIMIT, |ends| ends.clamp(now, now + LIMIT));
        self.timers.set(LegTimer::Unheard, until);
        self.unheard = Some(Unheard { waits: true, ..unheard });
        // Said after the end, so not by `tell`.
        self.then.push(LegOutput::Event(LegEvent::Unheard { until }));
        State::Ending(Some(usage))
    }

    /// The handset is reached another way now. A BYE that is still under way went the old one, where nobody
    /// hears it; a stream tells so late or never.
    pub(super) fn heard_of_again(&mut self, now: Moment) {
        let Some(Unheard { headers, .. }) = self.unheard.take() else { return };
        self.timers.stop(LegTimer::Unheard);
        self.clients.retain(|client| client.used_for != ClientUse::Bye);
        if let State::Ending(Some(mut usage)) = std::mem::replace(&mut self.state, State::Closed) {
            self.say_bye(&mut usage, headers, now);
            self.state = State::Ending(Some(usage));
        }
    }

    pub(super) fn waits_for_a_way(&self) -> bool {
        self.unheard.as_ref().is_some_and(|unheard| unheard.waits)
    }
}
