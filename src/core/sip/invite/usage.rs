//! What every dialog understands, early or confirmed.

use super::info::was_overtaken;
use super::send::ALLOW;
use super::state::{AskPhase, Asked, ClientUse, Event, Hop, LegTimer, Owed, Usage};
use super::{Body, EndCause, Failure, Leg, LegEvent, LegOrder, ReofferAnswer};
use crate::sip::Peer;
use crate::sip::transaction::ServerKey;
use crate::sip::wire::{HeaderName, Message, Method};
use crate::timer::Moment;

impl Leg {
    /// Handles an event of one dialog. `Some` means that the dialog is at its end and why.
    pub(super) fn in_usage(&mut self, usage: &mut Usage, event: Event, now: Moment) -> Option<EndCause> {
        match event {
            Event::Response { used_for: ClientUse::Reoffer, request, response, retries, .. } => {
                return self.offer_response(usage, request, response, retries, now);
            }
            Event::Failed { used_for: ClientUse::Reoffer, failure } => {
                return self.offer_failed(usage, failure, now);
            }
            Event::Response { used_for: ClientUse::Order(number), request, response, retries, .. } => {
                if retries == 0 && was_overtaken(usage, &request, &response) {
                    self.say_again(usage, number, request, now);
                    return None;
                }
                return self.order_response(number, &request, response);
            }
            Event::Failed { used_for: ClientUse::Order(number), failure } => {
                self.tell(LegEvent::Replied { number, outcome: Err(failure) });
                // RFC 5057 §5.1: no response is as good as a 408.
                return (failure == Failure::Timeout).then_some(EndCause::Timeout);
            }
            Event::Request { key, request, peer } => self.request(usage, key, request, peer, now),
            Event::Order(LegOrder::Reoffer { body }) => self.reoffer(usage, body, now),
            Event::Order(LegOrder::AnswerReoffer(answer)) => return self.answer_owed(usage, answer, now),
            Event::Order(LegOrder::Request { number, method, headers, body }) => {
                self.order_request(usage, number, method, headers, body, now);
            }
            Event::Order(LegOrder::Reply { handle, status, reason, headers, body }) => {
                self.reply(handle, (status, &reason), headers, body.as_ref(), now);
            }
            Event::Cancelled { key, .. } => {
                self.offer_withdrawn(usage, &key, (487, "Request Terminated"), now);
            }
            Event::Unanswered(key) => self.offer_withdrawn(usage, &key, (500, "No Answer"), now),
            // As good as no response at all (RFC 3261 §14.1): the session ends.
            Event::Expired(LegTimer::AskLimit) => return usage.asked.is_some().then_some(EndCause::Timeout),
            Event::Expired(LegTimer::Glare) => self.ask_when_free(usage, now),
            Event::Expired(LegTimer::Refresh) => self.refresh(usage, now),
            // What a state handles itself, or what has come too late to matter.
            _ => {}
        }
        None
    }

    fn request(&mut self, usage: &mut Usage, key: ServerKey, request: Message, peer: Peer, now: Moment) {
        if self.answered_before_restart(usage, &key, &request) {
            return;
        }
        if !usage.dialog.owns(&request) {
            return self.refuse(&key, &request, 481, "Call/Transaction Does Not Exist", now);
        }
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        if usage.dialog.take_cseq(number).is_err() {
            return self.refuse(&key, &request, 500, "CSeq Out of Order", now);
        }
        let unknown = self.unknown_extensions(&request);
        if !unknown.is_empty() {
            return self.refuse_extensions(&key, &request, &unknown, now);
        }
        usage.towards = peer.back();
        usage.learn(&request);
        match request.method() {
            Some(Method::Invite) => self.peer_reinvites(usage, key, request, now),
            Some(Method::Update) => self.peer_updates(usage, key, request, now),
            Some(Method::Options) => {
                let mut response = self.response_to(&request, 200, "OK");
                self.put_abilities(&mut response);
                response.headers.push(HeaderName::Accept, "application/sdp");
                self.respond(&key, response, now);
            }
            Some(Method::Info | Method::Refer | Method::Notify | Method::Message) => {
                self.pass_on(key, request, now);
            }
            // No reliable response waits for it.
            Some(Method::Prack) => self.refuse(&key, &request, 481, "Call/Transaction Does Not Exist", now),
            Some(Method::Other(_)) => self.refuse(&key, &request, 501, "Not Implemented", now),
            _ => {
                // RFC 3261 §8.2.1: 405 "MUST also add an Allow header field".
                let mut response = self.response_to(&request, 405, "Method Not Allowed");
                response.headers.push(HeaderName::Allow, ALLOW);
                self.respond(&key, response, now);
            }
        }
    }

    /// The INVITE whose 2xx waits for its ACK comes again, and its transaction was lost in a restart: the
    /// 2xx goes again, as the transaction would have seen to (RFC 6026 §7.1).
    fn answered_before_restart(&mut self, usage: &Usage, key: &ServerKey, request: &Message) -> bool {
        let Some(open) = &usage.unacknowledged else { return false };
        let same = ServerKey::of_response(&open.response).as_ref() == Some(key)
            && request.call_id() == open.response.call_id();
        if same {
            self.servers.retain(|server| server.transaction.key() != key);
            self.send(open.response.clone(), &Hop::known(open.back.clone()));
        }
        same
    }

    /// The call answers an offer, wherever the answer must stand.
    fn answer_owed(&mut self, usage: &mut Usage, answer: ReofferAnswer, now: Moment) -> Option<EndCause> {
        let answer = match answer {
            ReofferAnswer::Agree(body) => Ok(body),
            ReofferAnswer::Settle(body) => {
                self.forget_what_waits(usage);
                Ok(Some(body))
            }
            ReofferAnswer::Refuse { status, reason } => Err((status, reason)),
        };
        match (usage.owed.take()?, answer) {
            (Owed::Response(key), Ok(body)) => self.agree(usage, &key, body, now),
            (Owed::Response(key), Err((status, reason))) => {
                usage.exchange.roll_back();
                let request = self.open_request(&key)?;
                self.refuse(&key, &request, status, &reason, now);
            }
            (Owed::Ack(invite), Ok(body)) => {
                self.note_sent(usage, body.as_ref());
                self.acknowledge(usage, &invite, body.as_ref());
            }
            // RFC 3261 §13.2.2.4: "If the offer in the 2xx response is not acceptable, the UAC core MUST
            // generate a valid answer in the ACK and then send a BYE immediately."
            (Owed::Ack(invite), Err(_)) => {
                self.acknowledge(usage, &invite, None);
                return Some(EndCause::ByUs);
            }
            (Owed::Prack(rack), Ok(body)) => {
                self.note_sent(usage, body.as_ref());
                self.send_prack(usage, &rack, body.as_ref(), now);
            }
            (Owed::Prack(_), Err(_)) => return Some(EndCause::ByUs),
        }
        None
    }

    /// What was to be asked after a glare stands in our answer to theirs.
    fn forget_what_waits(&mut self, usage: &mut Usage) {
        let waits = |asked: &Asked| !asked.refresh && asked.phase != AskPhase::Out;
        if usage.asked.take_if(|asked| waits(asked)).is_some() {
            self.timers.stop(LegTimer::Glare);
        }
    }

    fn agree(&mut self, usage: &mut Usage, key: &ServerKey, body: Option<Body>, now: Moment) {
        let Some(request) = self.open_request(key) else { return };
        let response = self.success(usage, &request, body, now);
        match request.method() {
            Some(Method::Invite) => self.accept_until_acknowledged(usage, key, response, now),
            _ => self.respond(key, response, now),
        }
    }

    fn note_sent(&mut self, usage: &mut Usage, body: Option<&Body>) {
        if body.is_some() {
            usage.exchange.send();
            usage.last_local = body.cloned();
        }
    }

    pub(super) fn open_request(&self, key: &ServerKey) -> Option<Message> {
        let open = self.servers.iter().find(|s| s.transaction.key() == key && s.transaction.is_pending());
        open.map(|server| server.transaction.request().clone())
    }
}

/// RFC 5057 §5.1: responses after which the dialog is of no more use.
pub(super) const fn ends_dialog(status: u16) -> bool {
    matches!(status, 404 | 408 | 410 | 416 | 481 | 482 | 483 | 484 | 485 | 502 | 604)
}
