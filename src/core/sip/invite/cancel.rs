//! CANCEL, sent and received (RFC 3261 §9).

use super::send::put_headers;
use super::state::{Calling, Cancel, ClientUse, LegTimer, Owed, Ringing, State, Usage};
use super::{EndCause, Leg, LegEvent};
use crate::sip::transaction::{ServerKey, TIMEOUT, cancel_of};
use crate::sip::wire::{HeaderName, Message, Text};
use crate::timer::Moment;

impl Leg {
    /// The caller does not want any more. The call hears the end at once; the leg sees to it that a 2xx
    /// which crosses the CANCEL gets ACK and BYE.
    pub(super) fn cancel(
        &mut self,
        mut calling: Box<Calling>,
        cause: EndCause,
        headers: Vec<(HeaderName, Text)>,
        now: Moment,
    ) -> State {
        if calling.cancel != Cancel::No {
            return State::Calling(calling);
        }
        self.end(cause, None);
        calling.farewell = headers;
        calling.cancel = Cancel::Wanted;
        let open =
            self.clients.iter().find(|c| c.used_for == ClientUse::Invite && c.transaction.is_pending());
        match open.map(|c| c.transaction.is_proceeding()) {
            // It was challenged and goes no further.
            None => self.enter_ending(None, now),
            Some(true) => {
                self.send_cancel(&mut calling, now);
                State::Calling(calling)
            }
            // Timer B ends the wait for the first provisional response.
            Some(false) => State::Calling(calling),
        }
    }

    pub(super) fn send_cancel(&mut self, calling: &mut Calling, now: Moment) {
        let open =
            self.clients.iter().find(|c| c.used_for == ClientUse::Invite && c.transaction.is_pending());
        let Some(invite) = open.map(|c| c.transaction.request().clone()) else { return };
        calling.cancel = Cancel::Sent;
        let mut cancel = cancel_of(&invite);
        // RFC 3326 §2: a Reason may stand in CANCEL.
        put_headers(&mut cancel, calling.farewell.clone());
        self.timers.set(LegTimer::CancelLimit, now + TIMEOUT);
        self.ask(cancel, ClientUse::Cancel, calling.hop.clone(), now);
    }

    /// RFC 3261 §9.2: "the UAS … SHOULD immediately respond to the INVITE with a 487".
    pub(super) fn cancelled(&mut self, ringing: Box<Ringing>, cancel: Message, now: Moment) -> State {
        let response = self.response_to(&ringing.invite, 487, "Request Terminated");
        self.respond(&ringing.key, response, now);
        self.end(EndCause::ByPeer, Some(cancel));
        self.enter_ending(None, now)
    }

    /// A re-INVITE is withdrawn before the call has answered it.
    pub(super) fn offer_withdrawn(
        &mut self,
        usage: &mut Usage,
        key: &ServerKey,
        status: (u16, &str),
        now: Moment,
    ) {
        let Some(server) = self.servers.iter().find(|s| s.transaction.key() == key) else { return };
        let request = server.transaction.request().clone();
        self.refuse(key, &request, status.0, status.1, now);
        if matches!(&usage.owed, Some(Owed::Response(owed)) if owed == key) {
            usage.owed = None;
            usage.exchange.roll_back();
            self.tell(LegEvent::ReofferWithdrawn);
        }
    }
}
