//! UPDATE from the other end (RFC 3311 §5.2).

use super::state::{Owed, Usage};
use super::{Body, Leg, LegEvent};
use crate::sip::offer_answer::Exchange;
use crate::sip::session_timer::SessionTimer;
use crate::sip::transaction::ServerKey;
use crate::sip::wire::Message;
use crate::timer::Moment;

impl Leg {
    pub(super) fn peer_updates(&mut self, usage: &mut Usage, key: ServerKey, request: Message, now: Moment) {
        if let Err(small) = SessionTimer::decide(&request, self.local.session_expires, now) {
            return self.refuse_interval(&key, &request, small, now);
        }
        let Some(body) = Body::of(&request) else {
            // A refresh of session or target; the call need not know.
            usage.dialog.refresh_target(&request);
            let response = self.success(usage, &request, None, now);
            return self.respond(&key, response, now);
        };
        match usage.exchange.exchange() {
            // "If an UPDATE is received that contains an offer, and the UAS has generated an offer … to
            // which it has not yet received an answer, the UAS MUST reject the UPDATE with a 491".
            Exchange::Offered => self.refuse(&key, &request, 491, "Request Pending", now),
            // "… and the UAS has not yet generated an answer to a previous offer … 500 … Retry-After".
            Exchange::Owing => self.refuse_for_now(&key, &request, now),
            Exchange::Stable => {
                usage.dialog.refresh_target(&request);
                usage.exchange.receive();
                usage.owed = Some(Owed::Response(key.clone()));
                self.expect_answer(&key, None, now);
                self.tell(LegEvent::Reoffered { body: Some(body) });
            }
        }
    }
}
