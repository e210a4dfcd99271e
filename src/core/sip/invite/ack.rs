//! The ACK to a 2xx: sent, sent again, received (RFC 3261 §13.2.2.4, §13.3.1.4).

use super::send::put_body;
use super::state::{Confirmed, LegTimer, MAX_FORKS, SentAck, State, Usage};
use super::{Body, EndCause, Leg, LegEvent};
use crate::sip::offer_answer::Exchange;
use crate::sip::wire::{HeaderName, Message, Method};
use crate::timer::Moment;

impl Leg {
    /// Acknowledges the 2xx to `invite` in this dialog, and keeps the ACK for a 2xx that comes again.
    pub(super) fn acknowledge(&mut self, usage: &Usage, invite: &Message, body: Option<&Body>) {
        let mut ack = usage.dialog.ack(invite.cseq().map_or(0, |cseq| cseq.number));
        // "The ACK MUST contain the same credentials as the INVITE."
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            for value in invite.headers.get_all(&name) {
                ack.headers.push(name.clone(), value.clone());
            }
        }
        put_body(&mut ack, body);
        let hop = usage.hop();
        self.put_via(&mut ack, hop.destination.transport);
        let remote_tag = usage.dialog.id.remote_tag.clone();
        self.acks.retain(|sent| sent.remote_tag != remote_tag);
        if self.acks.len() < MAX_FORKS {
            self.acks.push(SentAck { remote_tag, ack: ack.clone(), hop: hop.clone() });
        }
        self.send(ack, &hop);
    }

    /// Whether this 2xx was acknowledged before; if so the ACK goes again.
    pub(super) fn repeat_ack(&mut self, response: &Message) -> bool {
        let success = response.status().is_some_and(|status| (200..300).contains(&status));
        let (Some(tag), Some(cseq)) = (response.to_tag(), response.cseq()) else { return false };
        let same = |sent: &&SentAck| {
            tag == sent.remote_tag.as_str()
                && sent.ack.cseq().is_some_and(|acked| acked.number == cseq.number)
                && sent.ack.call_id() == response.call_id()
        };
        if !success || cseq.method != Method::Invite {
            return false;
        }
        let sent = self.acks.iter().find(same).cloned();
        if let Some(SentAck { ack, hop, .. }) = &sent {
            self.send(ack.clone(), hop);
        }
        sent.is_some()
    }

    /// The other end has our 2xx.
    pub(super) fn acknowledged(&mut self, mut confirmed: Box<Confirmed>, ack: Message, now: Moment) -> State {
        let usage = &mut confirmed.usage;
        let number = ack.cseq().map(|cseq| cseq.number);
        let open = usage.unacknowledged.as_ref().map(|open| open.cseq);
        if open.is_none() || open != number || !usage.dialog.owns(&ack) {
            return State::Confirmed(confirmed);
        }
        self.stop_accepting(usage);
        let body = Body::of(&ack);
        let wanted = usage.exchange.exchange() == Exchange::Offered;
        let body = body.filter(|_| wanted);
        if wanted && body.is_some() {
            usage.exchange.receive();
        }
        self.tell(LegEvent::Acknowledged { body: body.clone() });
        if confirmed.farewell.is_some() {
            return self.part(confirmed, now);
        }
        if wanted && body.is_none() {
            return self.break_off(confirmed, EndCause::AnswerMissing, now);
        }
        self.ask_when_free(&mut confirmed.usage, now);
        State::Confirmed(confirmed)
    }

    pub(super) fn stop_accepting(&mut self, usage: &mut Usage) {
        usage.unacknowledged = None;
        self.timers.stop(LegTimer::AcceptAgain);
        self.timers.stop(LegTimer::AcceptLimit);
    }
}
