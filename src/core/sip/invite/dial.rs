//! Calling somebody: the INVITE and its responses (RFC 3261 §13.2).

use super::send::{put_body, put_headers};
use super::state::{
    ANSWER_LIMIT, Calling, Cancel, ClientUse, Confirmed, Early, Event, Hop, LegTimer, MAX_FORKS, MAX_RETRIES,
    Owed, State, Usage,
};
use super::{Body, Dial, EndCause, Leg, LegEvent, LegOrder};
use crate::sip::dialog::Dialog;
use crate::sip::offer_answer::{Exchange, Meaning};
use crate::sip::session_timer::{MIN_SE, SessionTimer, min_se};
use crate::sip::wire::{HeaderName, Message, Method};
use crate::timer::Moment;

impl Leg {
    pub(super) fn dial(&mut self, dial: Dial, now: Moment) -> State {
        if let Some(contact) = &dial.contact {
            self.local.contact = contact.clone();
        }
        self.onward = dial.onward.clone();
        let invite = self.first_invite(&dial);
        let hop = Hop::known(dial.destination);
        self.ask(invite, ClientUse::Invite, hop.clone(), now);
        self.timers.set(LegTimer::AnswerLimit, now + ANSWER_LIMIT);
        State::Calling(Box::new(Calling {
            hop,
            offer: dial.body,
            early: Vec::new(),
            cancel: Cancel::No,
            farewell: Vec::new(),
        }))
    }

    fn first_invite(&mut self, dial: &Dial) -> Message {
        let host = self.local.sent_by.rsplit_once(':').map_or(self.local.sent_by.as_str(), |(host, _)| host);
        let call_id = format!("{}@{host}", self.tokens.word());
        let mut invite = Message::request(Method::Invite, dial.request_uri.as_str());
        for route in &dial.route {
            invite.headers.push(HeaderName::Route, route.as_str());
        }
        invite.headers.push(HeaderName::MaxForwards, dial.onward.max_forwards());
        invite.headers.push(HeaderName::From, format!("{};tag={}", dial.from, self.local_tag));
        invite.headers.push(HeaderName::To, dial.to.as_str());
        invite.headers.push(HeaderName::CallId, call_id);
        invite.headers.push(HeaderName::CSeq, "1 INVITE");
        self.put_abilities(&mut invite);
        invite.headers.push(HeaderName::UserAgent, self.local.product.as_str());
        if let Some(seconds) = self.local.session_expires {
            invite.headers.push(HeaderName::SessionExpires, seconds.max(MIN_SE).to_string());
            invite.headers.push(HeaderName::MinSe, MIN_SE.to_string());
        }
        put_headers(&mut invite, dial.headers.clone());
        match &dial.body {
            Some(offer) if !dial.parts.is_empty() => {
                put_body(&mut invite, Some(&offer.with_parts(&dial.parts, &self.tokens.word())));
            }
            body => put_body(&mut invite, body.as_ref()),
        }
        invite
    }

    pub(super) fn invite_response(
        &mut self,
        mut calling: Box<Calling>,
        request: Message,
        response: Message,
        retries: u8,
        now: Moment,
    ) -> State {
        match response.status().unwrap_or(100) {
            ..=199 => {
                self.heard_progress(&mut calling, &request, response, now);
                if calling.cancel == Cancel::Wanted {
                    self.send_cancel(&mut calling, now);
                }
                State::Calling(calling)
            }
            200..=299 => self.answered(calling, request, response, now),
            422 if retries < MAX_RETRIES && !self.ended => {
                self.dial_longer(&mut calling, request, &response, retries, now);
                State::Calling(calling)
            }
            _ => {
                self.tell(LegEvent::Refused { response });
                self.finish();
                self.enter_ending(None, now)
            }
        }
    }

    /// RFC 4028 §7.3: "the UAC MAY retry … the Session-Expires … MUST be greater than or equal to the
    /// value in the Min-SE header field of the 422."
    fn dial_longer(
        &mut self,
        calling: &mut Calling,
        request: Message,
        response: &Message,
        retries: u8,
        now: Moment,
    ) {
        let least = min_se(response).unwrap_or(MIN_SE).to_string();
        let mut again = request;
        again.headers.set(HeaderName::SessionExpires, least.as_str());
        again.headers.set(HeaderName::MinSe, least.as_str());
        self.dial_again(calling, again, retries + 1, now);
    }

    /// The same INVITE with the next CSeq (RFC 3261 §8.1.3.5: same Call-ID, From and To).
    pub(super) fn dial_again(&mut self, calling: &mut Calling, mut again: Message, retries: u8, now: Moment) {
        let number = again.cseq().map_or(1, |cseq| cseq.number) + 1;
        again.headers.set(HeaderName::CSeq, format!("{number} INVITE"));
        calling.early.clear();
        self.ask_again(again, ClientUse::Invite, calling.hop.clone(), retries, now);
    }

    fn heard_progress(&mut self, calling: &mut Calling, request: &Message, response: Message, now: Moment) {
        // "1xx with a tag … creates an early dialog" (§12.1); 100 has none.
        if response.status() == Some(100) || response.to_tag().is_none() {
            return;
        }
        let Some(at) = calling.early_of(request, &response) else { return };
        let early = &mut calling.early[at];
        early.usage.learn(&response);
        let body = Body::of(&response);
        let meaning = match self.prove(early, &response, body.is_some(), now) {
            super::prack::Proof::Repeated => return,
            super::prack::Proof::Unreliable => None,
            super::prack::Proof::Reliable(meaning) => meaning,
        };
        // RFC 6337 §2.2: an unreliable 1xx cannot hold an offer.
        let misplaced = meaning.is_none() && early.usage.exchange.exchange() != Exchange::Offered;
        self.tell(LegEvent::Progress { response, body: body.filter(|_| !misplaced), meaning });
    }

    fn answered(
        &mut self,
        mut calling: Box<Calling>,
        request: Message,
        response: Message,
        now: Moment,
    ) -> State {
        self.timers.stop_all();
        let mut usage = match calling.early_of(&request, &response) {
            Some(at) => calling.early.swap_remove(at).usage,
            None => calling.usage(&request, &response),
        };
        usage.dialog.confirm(&request, &response);
        usage.early = false;
        usage.learn(&response);
        if calling.cancel != Cancel::No || self.ended {
            // The 2xx crossed our CANCEL: "the UAC … MUST … ACK … [and] send a BYE" (RFC 3261 §9.1, §15).
            let farewell = std::mem::take(&mut calling.farewell);
            self.acknowledge(&usage, &request, None);
            self.say_bye(&mut usage, farewell, now);
            return self.enter_ending(Some(Box::new(usage)), now);
        }
        let described = Body::of(&response);
        let meaning = match usage.exchange.is_stable() && usage.exchange.is_settled() {
            true => None,
            false => described.as_ref().and_then(|_| usage.exchange.receive()),
        };
        let body = described.filter(|_| meaning.is_some());
        usage.session = SessionTimer::agreed(&response, now);
        self.arm_session(usage.session);
        let missing = meaning.is_none() && !usage.exchange.is_settled();
        if meaning == Some(Meaning::Offer) {
            usage.owed = Some(Owed::Ack(request));
        } else {
            self.acknowledge(&usage, &request, None);
        }
        let confirmed = Box::new(Confirmed { usage, farewell: None });
        // RFC 3261 §13.2.1: "the initial offer MUST be in either an INVITE or … in the first reliable
        // non-failure message", and its answer in a reliable one back. A 2xx without is no session.
        if missing {
            return self.break_off(confirmed, EndCause::AnswerMissing, now);
        }
        self.tell(LegEvent::Answered { response, body, meaning });
        State::Confirmed(confirmed)
    }

    /// RFC 3261 §13.2.2.4: a 2xx after the first. The same dialog has lost our ACK; another fork is
    /// acknowledged and hung up: "it MUST generate … ACK … terminate … by sending a BYE".
    pub(super) fn further_success(
        &mut self,
        usage: &Usage,
        request: Message,
        response: Message,
        hop: Hop,
        now: Moment,
    ) {
        let success = response.status().is_some_and(|status| (200..300).contains(&status));
        let ours = response.to_tag().is_some_and(|tag| tag == usage.dialog.id.remote_tag.as_str());
        if success && !self.repeat_ack(&response) && !ours && self.acks.len() < MAX_FORKS {
            self.drop_fork(request, response, hop, now);
        }
    }

    pub(super) fn drop_fork(&mut self, request: Message, response: Message, hop: Hop, now: Moment) {
        let mut stray = Usage::new(Dialog::uac(&request, &response), hop.destination, true);
        self.acknowledge(&stray, &request, None);
        let bye = self.in_dialog(&mut stray, Method::Bye);
        self.ask(bye, ClientUse::Stray, stray.hop(), now);
    }

    pub(super) fn in_early_dialog(&mut self, calling: &mut Calling, event: Event, now: Moment) {
        let at = match &event {
            Event::Request { key, request, .. } => {
                let at = calling.early.iter().position(|early| early.usage.dialog.owns(request));
                match (at, request.method()) {
                    (None, _) => {
                        let (key, request) = (key.clone(), request.clone());
                        return self.refuse(&key, &request, 481, "Call/Transaction Does Not Exist", now);
                    }
                    (Some(at), Some(Method::Bye)) => {
                        let (key, request) = (key.clone(), request.clone());
                        calling.early.remove(at);
                        return self.refuse(&key, &request, 200, "OK", now);
                    }
                    // RFC 3261 §14.2: "A UAS that receives an INVITE on a dialog while an INVITE it had
                    // sent on that dialog is in progress MUST return a 491 (Request Pending)."
                    (Some(_), Some(Method::Invite)) => {
                        let (key, request) = (key.clone(), request.clone());
                        return self.refuse(&key, &request, 491, "Request Pending", now);
                    }
                    (at, _) => at,
                }
            }
            Event::Order(LegOrder::Reoffer { .. }) => {
                calling.early.iter().rposition(|early| early.usage.may_update())
            }
            Event::Order(LegOrder::AnswerReoffer(_)) => {
                calling.early.iter().rposition(|early| early.usage.owed.is_some())
            }
            Event::Response { used_for: ClientUse::Reoffer, .. }
            | Event::Failed { used_for: ClientUse::Reoffer, .. }
            | Event::Expired(LegTimer::Glare | LegTimer::AskLimit) => {
                calling.early.iter().position(|early| early.usage.asked.is_some())
            }
            _ => calling.early.len().checked_sub(1),
        };
        if let Some(at) = at {
            // RFC 5057 §5: a response that ends a dialog ends this fork; the INVITE goes on.
            if self.in_usage(&mut calling.early[at].usage, event, now).is_some() {
                calling.early.remove(at);
            }
        }
    }
}

impl Calling {
    /// The early dialog of a response, made when it is new. `None` when there are too many.
    fn early_of(&mut self, request: &Message, response: &Message) -> Option<usize> {
        let tag = response.to_tag().map_or(String::new(), |tag| tag.to_string());
        let known = self.early.iter().position(|early| early.usage.dialog.id.remote_tag == tag);
        if known.is_some() || self.early.len() >= MAX_FORKS {
            return known;
        }
        self.early.push(Early { usage: self.usage(request, response), rseq: None });
        Some(self.early.len() - 1)
    }

    fn usage(&self, request: &Message, response: &Message) -> Usage {
        let dialog = Dialog::uac(request, response);
        let kind = self.offer.as_ref().map(|body| body.content_type.as_str());
        let mut usage = Usage::new(dialog, self.hop.destination.clone(), true).without_session(kind);
        if self.offer.is_some() && !usage.exchange.is_settled() {
            usage.exchange.send();
        }
        usage.last_local = self.offer.clone();
        usage
    }
}
