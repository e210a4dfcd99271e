//! The 2xx to INVITE, and its repetition until the ACK (RFC 3261 §13.3.1.4).

use super::send::{copy_record_route, put_body};
use super::state::{Confirmed, LegTimer, Ringing, State, Unacknowledged, Usage};
use super::{Body, Leg};
use crate::sip::session_timer::SessionTimer;
use crate::sip::transaction::{ServerKey, TIMEOUT};
use crate::sip::wire::{HeaderName, Message, Scheme, quoted};
use crate::timer::{Moment, T1, T2};

impl Leg {
    pub(super) fn accept(&mut self, mut ringing: Box<Ringing>, body: Option<Body>, now: Moment) -> State {
        // RFC 3262 §3: "If the UAS … [sent] a reliable provisional response [with] a session description …
        // it MUST NOT send the 2xx until [it] is acknowledged."
        let described = |r: &Ringing| {
            r.unproven.as_ref().is_some_and(|u| u.described) || r.waiting.iter().any(|(_, b, _)| b.is_some())
        };
        if described(&ringing) {
            ringing.accept = Some(body);
            return State::Ringing(ringing);
        }
        self.timers.stop_all();
        let Ringing { key, invite, mut usage, asserts, .. } = *ringing;
        // A description that was answered already is not said twice (RFC 6337 §3.1.1).
        let body = body.filter(|_| !usage.exchange.is_settled());
        usage.early = false;
        let mut response = self.success(&mut usage, &invite, body, now);
        if let Some(identity) = asserts.and_then(|asserts| asserted(&invite, asserts)) {
            response.headers.push(HeaderName::PAssertedIdentity, identity);
        }
        self.accept_until_acknowledged(&mut usage, &key, response, now);
        State::Confirmed(Box::new(Confirmed { usage, farewell: None }))
    }

    /// A 200 to INVITE or UPDATE with everything that belongs in it.
    pub(super) fn success(
        &mut self,
        usage: &mut Usage,
        request: &Message,
        body: Option<Body>,
        now: Moment,
    ) -> Message {
        let mut response = self.response_to(request, 200, "OK");
        copy_record_route(request, &mut response);
        self.put_abilities(&mut response);
        if !usage.early {
            // Too short an interval was refused at the door; here it would only mean no timer.
            let wish = self.local.session_expires;
            usage.session = SessionTimer::decide(request, wish, now).unwrap_or_default();
            self.arm_session(usage.session);
            if let Some(session) = usage.session {
                session.put_in_response(request, &mut response);
            }
        }
        if body.is_some() {
            usage.exchange.send();
            usage.last_local = body.clone();
        }
        put_body(&mut response, body.as_ref());
        response
    }

    /// "The 2xx response is passed to the transport with an interval that starts at T1 seconds and
    /// doubles … until it reaches T2 seconds … even if the transport is reliable."
    pub(super) fn accept_until_acknowledged(
        &mut self,
        usage: &mut Usage,
        key: &ServerKey,
        response: Message,
        now: Moment,
    ) {
        let Some(server) = self.servers.iter().find(|s| s.transaction.key() == key) else { return };
        usage.unacknowledged = Some(Unacknowledged {
            cseq: response.cseq().map_or(0, |cseq| cseq.number),
            response: response.clone(),
            back: server.back.clone(),
            interval: T1,
            since: now,
        });
        self.timers.set(LegTimer::AcceptAgain, now + T1);
        self.timers.set(LegTimer::AcceptLimit, now + TIMEOUT);
        self.respond(key, response, now);
    }

    pub(super) fn accept_again(&mut self, usage: &mut Usage, now: Moment) {
        let Some(open) = &mut usage.unacknowledged else { return };
        open.interval = T2.min(open.interval * 2);
        self.timers.set(LegTimer::AcceptAgain, now + open.interval);
        let (response, hop) = (open.response.clone(), super::state::Hop::known(open.back.clone()));
        self.send(response, &hop);
    }
}

/// RFC 5876 §3: P-Asserted-Identity may stand in a response. The domain is the one that the caller dialled in.
fn asserted(invite: &Message, (user, display): (String, String)) -> Option<String> {
    let uri = match user.contains(':') {
        true => user,
        false => {
            let to = invite.to()?.uri;
            let scheme = if to.scheme == Scheme::Sips { "sips" } else { "sip" };
            format!("{scheme}:{user}@{}", to.host?)
        }
    };
    Some(if display.is_empty() { format!("<{uri}>") } else { format!("{} <{uri}>", quoted(&display)) })
}
