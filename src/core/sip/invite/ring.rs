//! Being called: the INVITE, provisional responses, refusal (RFC 3261 §13.3).

use std::time::Duration;

use super::send::{copy_record_route, put_body, put_headers};
use super::state::{ANSWER_LIMIT, Event, LegTimer, REMINDER, Ringing, State, Unproven, Usage};
use super::{Body, EndCause, Leg, LegEvent};
use crate::sip::Peer;
use crate::sip::dialog::Dialog;
use crate::sip::session_timer::{IntervalTooSmall, SessionTimer, has_option};
use crate::sip::transaction::{ServerKey, TIMEOUT};
use crate::sip::wire::{HeaderName, Message, Method, Text};
use crate::timer::{Moment, T1};

impl Leg {
    pub(super) fn invited(&mut self, key: ServerKey, invite: Message, peer: Peer, now: Moment) -> State {
        let dialog = match self.check_invite(&invite) {
            Ok(dialog) => dialog,
            Err(refusal) => {
                self.refuse_invite(&key, &invite, refusal, now);
                self.finish();
                return self.enter_ending(None, now);
            }
        };
        let kind = invite.typed_body().map(|(kind, _)| kind);
        let mut usage = Usage::new(dialog, peer.back(), false).without_session(kind);
        usage.learn(&invite);
        let offer = Body::of(&invite);
        if offer.is_some() {
            usage.exchange.receive();
        }
        let next_rseq = first_rseq(self.tokens.number());
        self.timers.set(LegTimer::AnswerLimit, now + answer_limit(&invite));
        self.tell(LegEvent::Invited { invite: invite.clone(), peer, offer });
        State::Ringing(Box::new(Ringing {
            key,
            invite,
            usage,
            next_rseq,
            unproven: None,
            waiting: Default::default(),
            accept: None,
            alert: None,
            reminder: None,
        }))
    }

    fn check_invite(&self, request: &Message) -> Result<Dialog, Refused> {
        if request.method() != Some(Method::Invite) || request.to_tag().is_some() {
            return Err(Refused::NoDialog);
        }
        let unknown = self.unknown_extensions(request);
        if !unknown.is_empty() {
            return Err(Refused::Extension(unknown));
        }
        SessionTimer::decide(request, self.local.session_expires, Moment::default())
            .map_err(Refused::Interval)?;
        Dialog::uas(request, &self.local_tag).ok_or(Refused::Malformed)
    }

    fn refuse_invite(&mut self, key: &ServerKey, request: &Message, refusal: Refused, now: Moment) {
        match refusal {
            Refused::NoDialog => self.refuse(key, request, 481, "Call/Transaction Does Not Exist", now),
            Refused::Malformed => self.refuse(key, request, 400, "Bad From, To or Contact", now),
            Refused::Interval(too_small) => self.refuse_interval(key, request, too_small, now),
            Refused::Extension(tags) => self.refuse_extensions(key, request, &tags, now),
        }
    }

    /// Option tags in Require that nobody here understands.
    pub(super) fn unknown_extensions(&self, request: &Message) -> Vec<Text> {
        let known = self.supported();
        let mut required = request.headers.list(&HeaderName::Require);
        required.retain(|tag| !known.iter().any(|ours| tag.eq_ignore_ascii_case(ours)));
        required
    }

    /// RFC 3261 §8.2.2.3: "MUST respond … 420 … The UAS MUST add an Unsupported header field, and list in
    /// it those options it does not understand".
    pub(super) fn refuse_extensions(
        &mut self,
        key: &ServerKey,
        request: &Message,
        tags: &[Text],
        now: Moment,
    ) {
        let mut response = self.response_to(request, 420, "Bad Extension");
        let tags: Vec<_> = tags.iter().map(Text::as_str).collect();
        response.headers.push(HeaderName::Unsupported, tags.join(", "));
        self.respond(key, response, now);
    }

    /// RFC 4028 §6: 422 "MUST contain a Min-SE header field with the minimum timer".
    pub(super) fn refuse_interval(
        &mut self,
        key: &ServerKey,
        request: &Message,
        IntervalTooSmall(seconds): IntervalTooSmall,
        now: Moment,
    ) {
        let mut response = self.response_to(request, 422, "Session Interval Too Small");
        response.headers.push(HeaderName::MinSe, seconds.to_string());
        self.respond(key, response, now);
    }

    pub(super) fn progress(
        &mut self,
        ringing: &mut Ringing,
        status: u16,
        body: Option<Body>,
        reliable: bool,
        now: Moment,
    ) {
        if !ringing.goes_reliably(reliable) {
            let response = self.provisional(ringing, status, body.as_ref());
            self.respond(&ringing.key.clone(), response.clone(), now);
            ringing.reminder = Some(response);
            self.timers.set(LegTimer::Reminder, now + REMINDER);
        } else if ringing.unproven.is_some() {
            // RFC 3262 §3: "The UAS MUST NOT send a second reliable provisional response until the first is
            // acknowledged."
            ringing.waiting.push_back((status, body, true));
        } else {
            self.progress_reliably(ringing, status, body, now);
        }
    }

    pub(super) fn progress_reliably(
        &mut self,
        ringing: &mut Ringing,
        status: u16,
        body: Option<Body>,
        now: Moment,
    ) {
        let mut response = self.provisional(ringing, status, body.as_ref());
        let rseq = ringing.next_rseq;
        ringing.next_rseq += 1;
        response.headers.push(HeaderName::Require, "100rel");
        response.headers.push(HeaderName::RSeq, rseq.to_string());
        if body.is_some() {
            ringing.usage.exchange.send();
            ringing.usage.last_local = body.clone();
        }
        self.respond(&ringing.key.clone(), response.clone(), now);
        ringing.unproven = Some(Unproven { rseq, response, described: body.is_some(), interval: T1 });
        self.timers.set(LegTimer::ProgressAgain, now + T1);
        self.timers.set(LegTimer::ProgressLimit, now + TIMEOUT);
    }

    /// RFC 3262 §3: "retransmitted … starting at T1 seconds … doubles for each retransmission".
    pub(super) fn progress_again(&mut self, ringing: &mut Ringing, now: Moment) {
        let Some(unproven) = &mut ringing.unproven else { return };
        unproven.interval *= 2;
        self.timers.set(LegTimer::ProgressAgain, now + unproven.interval);
        let response = unproven.response.clone();
        self.respond(&ringing.key.clone(), response, now);
    }

    /// RFC 3261 §13.3.1.1: "the UAS MUST send a non-100 provisional response at every minute, to handle
    /// the possibility of lost provisional responses."
    pub(super) fn remind(&mut self, ringing: &Ringing, now: Moment) {
        if let Some(response) = &ringing.reminder {
            self.respond(&ringing.key.clone(), response.clone(), now);
            self.timers.set(LegTimer::Reminder, now + REMINDER);
        }
    }

    fn provisional(&self, ringing: &Ringing, status: u16, body: Option<&Body>) -> Message {
        let reason = match status {
            // For displays of those who do not know the Alert-Info (RFC 7462) that goes with it.
            180 if ringing.alert.as_ref().is_some_and(|alert| alert.contains("call-waiting")) => {
                "Ringing, Call Is Waiting"
            }
            180 => "Ringing",
            181 => "Call Is Being Forwarded",
            182 => "Queued",
            _ => "Session Progress",
        };
        let mut response = self.response_to(&ringing.invite, status, reason);
        copy_record_route(&ringing.invite, &mut response);
        self.put_abilities(&mut response);
        if let Some(alert) = ringing.alert.as_ref().filter(|_| status == 180) {
            response.headers.push(HeaderName::AlertInfo, alert.clone());
        }
        put_body(&mut response, body);
        response
    }

    pub(super) fn reject(
        &mut self,
        ringing: Box<Ringing>,
        (status, reason): (u16, &str),
        headers: Vec<(HeaderName, Text)>,
        cause: EndCause,
        now: Moment,
    ) -> State {
        let mut response = self.response_to(&ringing.invite, status, reason);
        put_headers(&mut response, headers);
        self.respond(&ringing.key, response, now);
        self.end(cause, None);
        self.enter_ending(None, now)
    }

    /// What comes before the call is answered.
    pub(super) fn request_while_ringing(
        &mut self,
        mut ringing: Box<Ringing>,
        key: ServerKey,
        request: Message,
        peer: Peer,
        now: Moment,
    ) -> State {
        let ours = ringing.usage.dialog.owns(&request);
        match request.method() {
            // RFC 3261 §8.2.2.2: the same INVITE by another way.
            Some(Method::Invite) if request.to_tag().is_none() => {
                self.refuse(&key, &request, 482, "Loop Detected", now);
            }
            // RFC 3261 §14.2: "a second INVITE before it sends the final response to a first INVITE …
            // MUST return a 500 (Server Internal Error) … and MUST include a Retry-After".
            Some(Method::Invite) if ours => self.refuse_for_now(&key, &request, now),
            Some(Method::Prack) if ours => return self.proven(ringing, key, request, now),
            // RFC 3261 §15: "The caller's UA MAY send a BYE for either confirmed or early dialogs".
            Some(Method::Bye) if ours => {
                self.refuse(&key, &request, 200, "OK", now);
                self.end(EndCause::ByPeer, Some(request));
                return self.enter_ending(Some(Box::new(ringing.usage)), now);
            }
            _ => {
                let event = Event::Request { key, request, peer };
                self.in_usage(&mut ringing.usage, event, now);
            }
        }
        State::Ringing(ringing)
    }
}

impl Ringing {
    /// RFC 3262 §3: reliably when the INVITE requires it, or when it supports it and we wish.
    pub(super) fn goes_reliably(&self, wished: bool) -> bool {
        has_option(&self.invite, &HeaderName::Require, "100rel")
            || (wished && has_option(&self.invite, &HeaderName::Supported, "100rel"))
    }
}

/// Why an INVITE never becomes a call.
enum Refused {
    NoDialog,
    Malformed,
    Extension(Vec<Text>),
    Interval(IntervalTooSmall),
}

/// RFC 3262 §3: "chosen uniformly between 1 and 2**31 - 1"; half of that leaves room to count.
pub(super) fn first_rseq(random: u64) -> u32 {
    (random % (1 << 30)) as u32 + 1
}

/// RFC 3261 §13.3.1: an Expires in the INVITE limits the ringing; never above our own limit.
fn answer_limit(invite: &Message) -> Duration {
    let expires = invite.header(&HeaderName::Expires).and_then(|value| value.parse().ok());
    expires.map_or(ANSWER_LIMIT, |seconds: u32| ANSWER_LIMIT.min(Duration::from_secs(seconds.max(1).into())))
}
