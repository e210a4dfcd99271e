//! Reliable provisional responses (RFC 3262), as caller and as callee.

use super::send::put_body;
use super::state::{ClientUse, Early, LegTimer, Owed, Ringing, State, Usage, clients_full};
use super::{Body, Leg, LegEvent, ReofferOutcome};
use crate::sip::offer_answer::{Exchange, Meaning};
use crate::sip::session_timer::has_option;
use crate::sip::transaction::ServerKey;
use crate::sip::wire::{HeaderName, Message, Method};
use crate::timer::Moment;

/// What a provisional response turned out to be.
pub(super) enum Proof {
    /// Needs no PRACK.
    Unreliable,
    /// Was acknowledged, or will be with our answer; the meaning of its body.
    Reliable(Option<Meaning>),
    /// Came twice, or out of order: to be dropped.
    Repeated,
}

impl Leg {
    /// UAC: acknowledges a reliable 1xx (RFC 3262 §4).
    pub(super) fn prove(
        &mut self,
        early: &mut Early,
        response: &Message,
        described: bool,
        now: Moment,
    ) -> Proof {
        let rseq = response.header(&HeaderName::RSeq).and_then(|value| value.parse::<u32>().ok());
        let Some(rseq) = rseq.filter(|_| has_option(response, &HeaderName::Require, "100rel")) else {
            return Proof::Unreliable;
        };
        // "If … its RSeq is not one higher than the value of the sequence number, it MUST NOT be
        // acknowledged with a PRACK, and MUST NOT be processed further."
        if early.rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
            return Proof::Repeated;
        }
        if clients_full(&self.clients) {
            return Proof::Repeated;
        }
        early.rseq = Some(rseq);
        let cseq = response.cseq().map_or(1, |cseq| cseq.number);
        let rack = format!("{rseq} {cseq} INVITE");
        let usage = &mut early.usage;
        // A second description in a reliable 1xx says nothing new.
        let open = usage.exchange.exchange() == Exchange::Offered || !usage.exchange.is_settled();
        let meaning = (described && open).then(|| usage.exchange.receive()).flatten();
        match meaning {
            Some(Meaning::Offer) => usage.owed = Some(Owed::Prack(rack)),
            _ => self.send_prack(usage, &rack, None, now),
        }
        Proof::Reliable(meaning)
    }

    pub(super) fn send_prack(&mut self, usage: &mut Usage, rack: &str, body: Option<&Body>, now: Moment) {
        let mut prack = self.in_dialog(usage, Method::Prack);
        prack.headers.push(HeaderName::RAck, rack);
        put_body(&mut prack, body);
        self.ask(prack, ClientUse::Prack, usage.hop(), now);
    }

    /// UAS: a PRACK has come (RFC 3262 §3).
    pub(super) fn proven(
        &mut self,
        mut ringing: Box<Ringing>,
        key: ServerKey,
        prack: Message,
        now: Moment,
    ) -> State {
        let number = prack.cseq().map_or(0, |cseq| cseq.number);
        if ringing.usage.dialog.take_cseq(number).is_err() {
            self.refuse(&key, &prack, 500, "CSeq Out of Order", now);
            return State::Ringing(ringing);
        }
        let wanted = ringing.unproven.as_ref().map(|unproven| unproven.rack());
        let got = prack.header(&HeaderName::RAck).map(|rack| normal(rack));
        if wanted.is_none() || wanted != got {
            // "If a PRACK request is received … that does not match any unacknowledged reliable
            // provisional response, the UAS MUST respond … 481".
            self.refuse(&key, &prack, 481, "Call/Transaction Does Not Exist", now);
            return State::Ringing(ringing);
        }
        let body = Body::of(&prack);
        let exchange = &mut ringing.usage.exchange;
        if body.is_some() && exchange.exchange() != Exchange::Offered {
            // A further offer in PRACK is out of scope (module text). The 1xx counts as acknowledged.
            self.refuse(&key, &prack, 488, "Not Acceptable Here", now);
        } else {
            if body.is_some() {
                exchange.receive();
                self.tell(LegEvent::ReofferAnswered(ReofferOutcome::Agreed {
                    body,
                    meaning: Some(Meaning::Answer),
                }));
            }
            self.refuse(&key, &prack, 200, "OK", now);
        }
        self.next_progress(ringing, now)
    }

    fn next_progress(&mut self, mut ringing: Box<Ringing>, now: Moment) -> State {
        ringing.unproven = None;
        self.timers.stop(LegTimer::ProgressAgain);
        self.timers.stop(LegTimer::ProgressLimit);
        if let Some((status, body, _)) = ringing.waiting.pop_front() {
            self.progress_reliably(&mut ringing, status, body, now);
        }
        match ringing.accept.take() {
            Some(body) => self.accept(ringing, body, now),
            None => State::Ringing(ringing),
        }
    }
}

impl super::state::Unproven {
    fn rack(&self) -> String {
        let cseq = self.response.cseq().map_or(0, |cseq| cseq.number);
        format!("{} {cseq} INVITE", self.rseq)
    }
}

/// RFC 3262 §7.2: three words; any white space between them.
fn normal(rack: &str) -> String {
    rack.split_whitespace().collect::<Vec<_>>().join(" ")
}
