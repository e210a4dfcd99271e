//! Answering: from the first 2xx to both ends talking.

use super::*;

impl Call {
    /// 2xx of a dialled leg: it wins, the others are cancelled, the caller is answered.
    pub(super) fn answered(
        &mut self,
        leg: LegNo,
        fork: &Text,
        body: Option<&Body>,
        now: Moment,
    ) -> Ready<Save, Output> {
        let Some(strand) = self.legs.get_mut(&leg) else { return Ready::nothing() };
        let agreed = match strand.settle(fork, body) {
            Ok(agreed) => agreed,
            Err(cause) => return self.answer_unusable(leg, cause, now),
        };
        if let Some(focus) = self.invitation.take() {
            return self.invitation_taken(leg, &agreed, focus, now);
        }
        let mut then = Vec::new();
        let answer = match self.final_answer(agreed.codec, &mut then) {
            Ok(answer) => answer,
            Err(cause) => return led_by(then, self.hang_up(None, cause, now)),
        };
        self.run_flow(Side::B, &agreed, &mut then);
        self.win(leg, &mut then);
        self.summary.answered = Some(now);
        self.state = State::Talking;
        self.timers.stop(Timer::C);
        self.timers.stop(Timer::NoAnswer);
        self.timers.stop(Timer::Silence);
        self.answer = Some(answer.clone());
        self.show_partner(LegNo::CALLER, &self.summary.callee, &mut then);
        then.push(Output::Leg(LegNo::CALLER, LegOrder::Accept { body: Some(answer) }));
        self.set_phase(Phase::Talking, &mut then);
        self.ice_settled_early(&mut then);
        Ready { save: vec![Save::Put(Box::new(self.clone()))], then }
    }

    /// An answer that does not fit our offer: the session that it made is ended at once (RFC 3261
    /// §13.2.2.4), and for the caller it is as good as a refusal.
    fn answer_unusable(&mut self, leg: LegNo, cause: Cause, now: Moment) -> Ready<Save, Output> {
        let bye = Output::Leg(leg, LegOrder::HangUp { cause: cause.clone() });
        led_by(vec![bye], self.refused(leg, cause, Vec::new(), false, now))
    }

    /// The answer in the caller's 2xx, or our offer when it made none.
    pub(super) fn final_answer(&mut self, callee: Codec, then: &mut Orders) -> Result<Body, Cause> {
        if self.offer.is_some() {
            return self.answer_for_caller(callee, then);
        }
        let media = self.legs.get_mut(&LegNo::CALLER).and_then(|strand| strand.media.as_mut());
        let media = media.ok_or_else(|| Cause::of_status(500, "no media"))?;
        let ours = &media.local().codecs;
        let same = ours.iter().filter(|codec| **codec == callee);
        let others = ours.iter().filter(|codec| **codec != callee && joins(**codec, callee));
        let codecs = or_narrow(same.chain(others).copied().collect(), ours);
        media.set_codecs(codecs);
        Ok(Body::sdp(media.offer(&mut self.tokens)))
    }

    pub(super) fn win(&mut self, winner: LegNo, then: &mut Orders) {
        self.talking_to = Some(winner);
        self.search.early = None;
        if let Some(target) = self.legs.get(&winner).and_then(|strand| strand.target.as_ref()) {
            self.summary.callee = target.party.clone();
        }
        if let Some(strand) = self.legs.get_mut(&winner) {
            strand.candidate = false;
        }
        self.call_off(&Cause::elsewhere(), then);
    }

    /// Nobody else is waited for.
    pub(super) fn call_off(&mut self, cause: &Cause, then: &mut Orders) {
        let others = self.legs.iter_mut().filter(|(_, strand)| strand.candidate && strand.is_open());
        for (leg, strand) in others {
            strand.end();
            then.push(Output::Leg(*leg, LegOrder::HangUp { cause: cause.clone() }));
            if strand.holds_base() {
                then.push(Output::ReleaseBase(*leg));
            }
        }
    }

    /// The far end has our 2xx; the ACK answers the offer that stood in it, if one did.
    pub(super) fn acknowledged(
        &mut self,
        leg: LegNo,
        body: Option<&Body>,
        now: Moment,
    ) -> Ready<Save, Output> {
        let Some(strand) = self.legs.get_mut(&leg) else { return Ready::nothing() };
        strand.confirm();
        if leg == LegNo::CALLER {
            self.answer = None;
        }
        let open = strand.media.as_mut().filter(|media| media.offer_is_out());
        let (Some(body), Some(media)) = (body, open) else { return self.aligned() };
        match media.accept_answer(&body.content_type, &body.bytes) {
            Ok(agreed) => {
                let mut then = Vec::new();
                self.run_flow(self.side_of(leg), &agreed, &mut then);
                self.settle(&mut then);
                Ready { save: vec![Save::Put(Box::new(self.clone()))], then }
            }
            // What the far end now sends and expects, nobody can know.
            Err(refusal) => self.hang_up(None, Cause::of_status(488, refusal.to_string()), now),
        }
    }

    /// The caller may have been given an early answer for one callee, and another one answered with a
    /// codec that does not go with it. The early answer cannot be taken back (RFC 3261 §13.2.1), so the
    /// caller is asked to change as soon as its dialog stands (RFC 3264 §8).
    fn aligned(&mut self) -> Ready<Save, Output> {
        let mut then = Vec::new();
        self.settle(&mut then);
        let save = if then.is_empty() { Vec::new() } else { self.put() };
        Ready { save, then }
    }
}
