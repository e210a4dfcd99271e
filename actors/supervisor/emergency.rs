//! Emergency calls: counted, told to people at once, and given a channel when none is free.

use kirkwall_core::call::preempt::victim;
use kirkwall_core::id::BaseStationId;
use kirkwall_core::sip::wire::{HeaderName, Message as SipMessage};
use kirkwall_core::sip::{Facing, Peer};
use metrics::counter;
use tracing::warn;

use super::{Admit, Supervisor};
use crate::call::Preempt;
use kirkwall_core::call::forward::{Diversion, trail_of};
use kirkwall_core::call::represented::is_private;

impl Supervisor {
    /// Told to whoever watches, and remembered for the call back.
    pub(super) fn note_emergency(&mut self, ask: &Admit) {
        counter!("ipdect_emergency_calls_total").increment(1);
        let base = ask.caller.base.as_ref().map_or("none", |base| base.0.as_str());
        warn!(call = %ask.call, caller = %ask.caller.number, number = %ask.dialled.user_text(), base, "emergency call");
        self.alert_desk(ask);
        if let Some(user) = &ask.caller.user {
            self.emergencies.insert(user.clone(), self.ports.clock.now());
        }
    }

    /// Ends as many calls as it takes for this one to get a media channel and one of its base station's.
    pub(super) fn make_room(&mut self, ask: &Admit, srtp: bool) {
        while !self.admission.media_fits(ask.call, srtp) && self.preempt(ask, None) {}
        if let (Facing::South, Some(base)) = (ask.facing, &ask.caller.base) {
            let limit = self.base_limit(base);
            while !self.admission.base_fits(base, limit, ask.srtp) && self.preempt(ask, Some(base)) {}
        }
    }

    /// Whether a call was there that could be ended.
    fn preempt(&mut self, ask: &Admit, base: Option<&BaseStationId>) -> bool {
        let holds = |call| self.admission.holds(call, base);
        let Some(call) = victim(self.standing().filter(|summary| summary.reference != ask.call), holds)
        else {
            return false;
        };
        counter!("ipdect_calls_preempted_total").increment(1);
        warn!(%call, by = %ask.call, "a call is ended to make room for an emergency call");
        self.admission.release(call);
        if let Some(entry) = self.calls.get(&call) {
            entry.addr.do_send(Preempt);
        }
        true
    }

    /// What an INVITE of the north says of its past. A handset's own word on that is not believed.
    pub(super) fn brought_along(&self, request: &SipMessage, peer: &Peer) -> (Vec<Diversion>, bool) {
        if peer.facing != Facing::North {
            return (Vec::new(), false);
        }
        let user_of = |uri: &kirkwall_core::sip::wire::Uri| {
            let user = uri.user_text();
            let named = user.parse().ok().filter(|user| self.accounts.contains_key(user));
            named.or_else(|| self.numbers.get(&user).cloned())
        };
        // RFC 7090 §5: "psap-callback", believed because only our proxies are heard here.
        let priority = request.header(&HeaderName::Priority);
        let callback = priority.is_some_and(|word| word.trim().eq_ignore_ascii_case("psap-callback"));
        let called = request.to().map(|to| to.uri.user_text());
        let private = is_private(request) || called.is_some_and(|called| self.by_private_line(&called));
        (trail_of(request, user_of), callback || private)
    }
}
