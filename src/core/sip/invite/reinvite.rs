//! Changing a session: our re-INVITE or UPDATE, and the re-INVITE of the other end (RFC 3261 §14).

use std::time::Duration;

use super::send::put_body;
use super::state::{ASK_LIMIT, AskPhase, Asked, ClientUse, LegTimer, MAX_RETRIES, Owed, Usage};
use super::usage::ends_dialog;
use super::{Body, EndCause, Failure, Leg, LegEvent, ReofferOutcome};
use crate::sip::offer_answer::Meaning;
use crate::sip::session_timer::{SessionTimer, min_se};
use crate::sip::transaction::ServerKey;
use crate::sip::wire::{HeaderName, Message, Method};
use crate::timer::Moment;

impl Leg {
    pub(super) fn reoffer(&mut self, usage: &mut Usage, body: Option<Body>, now: Moment) {
        let method = if usage.early { Method::Update } else { Method::Invite };
        let asked = Asked { method, body, refresh: false, phase: AskPhase::Held, retries: 0 };
        usage.asked = Some(asked);
        // RFC 3261 §14.1: "If there is an ongoing INVITE server transaction, the TU MUST wait until the
        // transaction reaches the confirmed or terminated state before initiating the new INVITE."
        if usage.unacknowledged.is_none() {
            self.ask_offer(usage, now);
        }
    }

    /// Sends what waits for an ACK or for the end of a glare, as soon as nothing of theirs is open.
    pub(super) fn ask_when_free(&mut self, usage: &mut Usage, now: Moment) {
        let waits = usage.asked.as_ref().is_some_and(|asked| asked.phase != AskPhase::Out);
        let free = usage.owed.is_none() && usage.exchange.is_stable() && usage.unacknowledged.is_none();
        match (waits, free) {
            (true, true) => self.ask_offer(usage, now),
            // Theirs came first and is still open; PATIENCE or the ACK's limit ends that.
            (true, false) => self.timers.set(LegTimer::Glare, now + Duration::from_millis(500)),
            (false, _) => {}
        }
    }

    /// Sends what `usage.asked` holds.
    pub(super) fn ask_offer(&mut self, usage: &mut Usage, now: Moment) {
        let Some(asked) = &mut usage.asked else { return };
        asked.phase = AskPhase::Out;
        let (method, body) = (asked.method.clone(), asked.body.clone());
        self.timers.set(LegTimer::AskLimit, now + ASK_LIMIT);
        let mut request = self.in_dialog(usage, method);
        self.put_abilities(&mut request);
        // No reliable 1xx to a re-INVITE: its answer comes in the 2xx (RFC 3262 §3 binds the UAS to
        // what Supported says).
        let words: Vec<_> = self.supported().into_iter().filter(|word| *word != "100rel").collect();
        request.headers.set(HeaderName::Supported, words.join(", "));
        if let Some(session) = usage.session {
            session.put_in_request(&mut request);
        }
        put_body(&mut request, body.as_ref());
        if body.is_some() {
            usage.exchange.send();
        }
        self.ask(request, ClientUse::Reoffer, usage.hop(), now);
    }

    pub(super) fn offer_response(
        &mut self,
        usage: &mut Usage,
        request: Message,
        response: Message,
        retries: u8,
        now: Moment,
    ) -> Option<EndCause> {
        let status = response.status().unwrap_or(100);
        if status < 200 {
            return None;
        }
        // A 2xx that comes again has lost our ACK.
        if self.repeat_ack(&response) {
            return None;
        }
        self.timers.stop(LegTimer::AskLimit);
        let asked = usage.asked.take()?;
        if (200..300).contains(&status) {
            return self.offer_accepted(usage, asked, request, response, now);
        }
        if asked.body.is_some() {
            usage.exchange.roll_back();
        }
        match status {
            491 if asked.retries < MAX_RETRIES => self.wait_out_glare(usage, asked, now),
            422 if retries < MAX_RETRIES && asked.retries < MAX_RETRIES => {
                let least = min_se(&response).unwrap_or(0);
                usage.session = usage.session.map(|s| SessionTimer { seconds: s.seconds.max(least), ..s });
                usage.asked = Some(Asked { retries: asked.retries + 1, ..asked });
                self.ask_offer(usage, now);
            }
            _ if ends_dialog(status) => return Some(EndCause::Status(status)),
            _ => self.offer_refused(usage, asked, status, now),
        }
        None
    }

    fn offer_accepted(
        &mut self,
        usage: &mut Usage,
        asked: Asked,
        request: Message,
        response: Message,
        now: Moment,
    ) -> Option<EndCause> {
        usage.dialog.refresh_target(&response);
        usage.learn(&response);
        if !usage.early {
            usage.session = SessionTimer::agreed(&response, now);
            self.arm_session(usage.session);
        }
        let invite = asked.method == Method::Invite;
        let body = Body::of(&response).filter(|_| invite || asked.body.is_some());
        let meaning = body.as_ref().and_then(|_| usage.exchange.receive());
        if asked.body.is_some() && meaning == Some(Meaning::Answer) {
            usage.last_local = asked.body.clone();
        }
        match meaning {
            Some(Meaning::Offer) if invite => usage.owed = Some(Owed::Ack(request)),
            _ if invite => self.acknowledge(usage, &request, None),
            _ => {}
        }
        // An offer without answer, or a request for one without: nobody knows what the session is.
        if meaning.is_none() && (invite || asked.body.is_some()) {
            usage.exchange.roll_back();
            return Some(EndCause::AnswerMissing);
        }
        if !asked.refresh || body.is_some() {
            self.tell(LegEvent::ReofferAnswered(ReofferOutcome::Agreed { body, meaning }));
        }
        None
    }

    fn offer_refused(&mut self, usage: &mut Usage, asked: Asked, status: u16, now: Moment) {
        if !asked.refresh {
            return self.tell(LegEvent::ReofferAnswered(ReofferOutcome::Refused { status }));
        }
        if asked.method == Method::Update && matches!(status, 405 | 501) {
            usage.peer_updates = false;
        }
        self.refresh_later(now);
    }

    pub(super) fn offer_failed(
        &mut self,
        usage: &mut Usage,
        failure: Failure,
        now: Moment,
    ) -> Option<EndCause> {
        self.timers.stop(LegTimer::AskLimit);
        let asked = usage.asked.take()?;
        if asked.body.is_some() {
            usage.exchange.roll_back();
        }
        match failure {
            // RFC 3261 §12.2.1.2, §14.1: no response at all ends the dialog.
            Failure::Timeout => Some(EndCause::Timeout),
            // The way is blocked for now; the session goes on until its timer says otherwise.
            Failure::Unreachable => {
                self.offer_refused(usage, asked, 503, now);
                None
            }
        }
    }

    /// RFC 3261 §14.1: "1. If the UAC is the owner of the Call-ID of the dialog ID, T has a randomly
    /// chosen value of between 2.1 and 4 seconds in units of 10 ms. 2. [Else] between 0 and 2 seconds".
    fn wait_out_glare(&mut self, usage: &mut Usage, asked: Asked, now: Moment) {
        let random = self.tokens.number();
        let millis = if usage.our_call_id { 2100 + 10 * (random % 191) } else { 10 * (random % 201) };
        self.timers.set(LegTimer::Glare, now + Duration::from_millis(millis));
        usage.asked = Some(Asked { phase: AskPhase::Glare, retries: asked.retries + 1, ..asked });
    }

    /// The other end wants to change the session (RFC 3261 §14.2).
    pub(super) fn peer_reinvites(
        &mut self,
        usage: &mut Usage,
        key: ServerKey,
        request: Message,
        now: Moment,
    ) {
        let ours_is_out = usage.asked.as_ref().is_some_and(|asked| asked.phase == AskPhase::Out);
        match &usage.owed {
            Some(Owed::Response(_)) => return self.refuse_for_now(&key, &request, now),
            Some(Owed::Ack(_) | Owed::Prack(_)) => {
                return self.refuse(&key, &request, 491, "Request Pending", now);
            }
            None if ours_is_out => return self.refuse(&key, &request, 491, "Request Pending", now),
            None => {}
        }
        if usage.unacknowledged.is_some() {
            // RFC 5407 §3.1.4, §3.1.5: the ACK before it was lost or overtaken. Without an offer of ours
            // in the 2xx, the re-INVITE proves that the 2xx arrived; else the answer is still missing.
            if !usage.exchange.is_stable() {
                return self.refuse(&key, &request, 491, "Request Pending", now);
            }
            self.stop_accepting(usage);
            self.tell(LegEvent::Acknowledged { body: None });
        }
        if let Err(small) = SessionTimer::decide(&request, self.local.session_expires, now) {
            return self.refuse_interval(&key, &request, small, now);
        }
        usage.dialog.refresh_target(&request);
        let body = Body::of(&request);
        if body.is_some() {
            usage.exchange.receive();
        }
        usage.owed = Some(Owed::Response(key.clone()));
        self.expect_answer(&key, None, now);
        self.tell(LegEvent::Reoffered { body });
    }
}
