//! The supervisor's books as the router reads them.

use std::time::Duration;

use kirkwall_core::call::conference::RoomName;
use kirkwall_core::call::dialling::AllowedCalls;
use kirkwall_core::call::forward::Forwarding;
use kirkwall_core::call::route::Map;
use kirkwall_core::id::Username;
use kirkwall_core::sip::wire::Host;

use super::{CallEntry, Supervisor};

/// How long after an emergency call whoever calls the user may be the desk that calls back, so that no
/// forward and no wish for quiet stands in the way.
const CALLBACK_WITHIN: Duration = Duration::from_secs(30 * 60);

/// The supervisor's books as the router reads them.
pub(super) struct Books<'a>(pub &'a Supervisor);

impl Map for Books<'_> {
    fn user(&self, user: &Username) -> Option<bool> {
        self.0.accounts.get(user).map(|record| record.enabled)
    }

    fn located(&self, user: &Username) -> bool {
        !self.0.places(user).is_empty()
    }

    fn has_north(&self) -> bool {
        self.0.settings.north.is_some()
    }

    fn line_up(&self, user: &Username) -> bool {
        self.0.lines.get(user).is_some_and(|entry| entry.state.way.is_some())
    }

    fn is_ours(&self, host: &Host) -> bool {
        let settings = &self.0.settings;
        let name = host.to_string();
        let named = [&settings.domain, &settings.realm].iter().any(|ours| ours.eq_ignore_ascii_case(&name));
        named || settings.own_hosts.contains(host)
    }

    fn user_of_number(&self, number: &str) -> Option<Username> {
        self.0.numbers.get(number).or_else(|| self.0.line_book.private.get(number)).cloned()
    }

    fn is_private(&self, number: &str) -> bool {
        self.0.line_book.private.contains_key(number)
    }

    fn forwarded_by_north(&self, user: &Username) -> bool {
        self.0.forwarded_by_north(user)
    }

    fn any_line(&self) -> Option<Username> {
        let up = self.0.lines.iter().filter(|(_, entry)| entry.state.way.is_some());
        up.map(|(user, _)| user).min().cloned()
    }

    fn allowed(&self, user: &Username) -> Option<AllowedCalls> {
        self.0.accounts.get(user)?.allowed_calls
    }

    fn forwarding(&self, user: &Username) -> Option<&Forwarding> {
        self.0.forwarding.get(user)
    }

    fn room(&self, dialled: &str) -> Option<(RoomName, bool)> {
        let room = &self.0.room_named(dialled)?.view.room;
        Some((room.name.clone(), room.outside))
    }

    fn goes_on(&self, digits: &str) -> bool {
        let names = self.0.accounts.keys().map(Username::as_str);
        let numbers = self.0.numbers.keys().map(String::as_str);
        let mut known = names.chain(numbers).chain(self.0.rooms.keys().map(RoomName::as_str));
        !digits.is_empty() && known.any(|number| number != digits && number.starts_with(digits))
    }

    fn engaged(&self, user: &Username) -> (usize, usize) {
        let rings = |entry: &&CallEntry| entry.rings_for(user);
        let calls = self.0.calls.values().filter(|entry| entry.summary.occupies(user) || rings(entry));
        (self.0.places(user).len(), calls.count())
    }

    fn awaits_emergency_callback(&self, user: &Username) -> bool {
        let now = self.0.ports.clock.now();
        self.0.emergencies.get(user).is_some_and(|called| now.since(*called) < CALLBACK_WITHIN)
    }
}
