//! Answering: from the first 2xx to both ends talking.

use super::*;
use crate::media::negotiate::MediaRefusal;

impl Call {
    /// 2xx of a dialled leg: it wins, the others are cancelled, the caller is answered.
    pub(super) fn answered(&mut self, leg: LegNo, body: Option<Body>, now: Moment) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let agreed = match body {
            Some(body) => self.take_answer(leg, &body, &mut then),
            // RFC 3261 §13.2.1: the answer may have come in a reliable provisional response already.
            None => self
                .agreed_of(leg)
                .ok_or_else(|| Cause::of_status(488, "answered without a session description")),
        };
        let answer = agreed.and_then(|agreed| self.final_answer(agreed.codec, &mut then));
        let answer = match answer {
            Ok(answer) => answer,
            Err(cause) => return self.hang_up(None, cause, now),
        };
        self.win(leg, &mut then);
        self.summary.answered = Some(now);
        self.state = State::Talking;
        self.timers.stop(Timer::C);
        then.push(Output::Leg(LegNo::CALLER, LegOrder::Accept { body: Some(answer) }));
        self.set_phase(Phase::Talking, &mut then);
        Ready { save: vec![Save::Put(Box::new(self.clone()))], then }
    }

    /// The caller made no offer; its ACK answers ours.
    pub(super) fn late_answer(&mut self, body: Body, now: Moment) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let Some(media) = self.leg(LegNo::CALLER).and_then(|strand| strand.media.as_mut()) else {
            return Ready::nothing();
        };
        if media.agreed().is_some() {
            return Ready::nothing();
        }
        match media.accept_answer(&body.content_type, &body.bytes) {
            Ok(agreed) => {
                self.run_flow(Side::A, &agreed, &mut then);
                Ready { save: vec![Save::Put(Box::new(self.clone()))], then }
            }
            Err(refusal) => self.hang_up(None, unacceptable(refusal), now),
        }
    }

    /// Takes a callee's answer to our offer and lets its side run.
    pub(super) fn take_answer(
        &mut self,
        leg: LegNo,
        body: &Body,
        then: &mut Orders,
    ) -> Result<Agreed, Cause> {
        let media = self.leg(leg).and_then(|strand| strand.media.as_mut());
        let media = media.ok_or_else(|| Cause::of_status(500, "no such leg"))?;
        let agreed = media.accept_answer(&body.content_type, &body.bytes).map_err(unacceptable)?;
        self.run_flow(Side::B, &agreed, then);
        Ok(agreed)
    }

    /// Our answer to the caller's offer, cut to what the callee speaks. Made once: a final answer
    /// repeats the early one (RFC 3261 §13.2.1).
    pub(super) fn answer_for_caller(&mut self, callee: Codec, then: &mut Orders) -> Result<Body, Cause> {
        if let Some(answer) = &self.answer {
            return Ok(answer.clone());
        }
        let offer = self.offer.clone().ok_or_else(|| Cause::of_status(488, "the caller made no offer"))?;
        let mut tokens = self.tokens.split();
        let media = self.leg(LegNo::CALLER).and_then(|strand| strand.media.as_mut());
        let media = media.ok_or_else(|| Cause::of_status(500, "no media"))?;
        let mut answered = media.answer(&offer.content_type, &offer.bytes, Some(&[callee]), &mut tokens);
        if answered.is_err() && matches!(callee, Codec::Pcma | Codec::Pcmu) {
            answered = media.answer(
                &offer.content_type,
                &offer.bytes,
                Some(&[Codec::Pcma, Codec::Pcmu]),
                &mut tokens,
            );
        }
        let (sdp, agreed) = answered.map_err(unacceptable)?;
        let body = Body::sdp(sdp);
        self.answer = Some(body.clone());
        self.run_flow(Side::A, &agreed, then);
        Ok(body)
    }

    fn final_answer(&mut self, callee: Codec, then: &mut Orders) -> Result<Body, Cause> {
        if self.offer.is_some() {
            return self.answer_for_caller(callee, then);
        }
        let mut tokens = self.tokens.split();
        let media = self.leg(LegNo::CALLER).and_then(|strand| strand.media.as_mut());
        let media = media.ok_or_else(|| Cause::of_status(500, "no media"))?;
        media.set_codecs(match callee {
            Codec::Pcma => vec![Codec::Pcma, Codec::Pcmu],
            Codec::Pcmu => vec![Codec::Pcmu, Codec::Pcma],
            other => vec![other],
        });
        Ok(Body::sdp(media.offer(&mut tokens)))
    }

    fn agreed_of(&self, leg: LegNo) -> Option<Agreed> {
        self.legs.get(&leg)?.media.as_ref()?.agreed().cloned()
    }

    fn win(&mut self, leg: LegNo, then: &mut Orders) {
        self.talking_to = Some(leg);
        if let Some(target) = self.legs.get(&leg).and_then(|strand| strand.target.as_ref()) {
            self.summary.callee = target.party.clone();
        }
        // RFC 3326 §3.1: told so, the others do not show a missed call.
        let elsewhere = Cause { status: 200, q850: 26, words: "Call completed elsewhere".into() };
        for other in self.legs.keys().filter(|l| **l != leg && **l != LegNo::CALLER) {
            then.push(Output::Leg(*other, LegOrder::HangUp { cause: elsewhere.clone() }));
            then.push(Output::ReleaseBase(*other));
        }
    }
}

pub(super) fn unacceptable(refusal: MediaRefusal) -> Cause {
    Cause::of_status(488, refusal.to_string())
}
