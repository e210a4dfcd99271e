//! Progress: what the caller hears and is told before anybody answers.

use super::strand::refused_offer;
use super::*;

impl Call {
    /// 1xx of a dialled leg.
    pub(super) fn progress(
        &mut self,
        leg: LegNo,
        status: u16,
        fork: &Text,
        body: Option<&Body>,
        now: Moment,
    ) -> Ready<Save, Output> {
        // RFC 3261 §16.7 step 2: "if the response is a provisional response with status codes 101 to 199
        // inclusive (i.e., anything but 100), the proxy MUST reset timer C".
        self.timers.set(Timer::C, now + TIMER_C);
        let mut then = Vec::new();
        let answer = body.and_then(|body| self.early_answer(leg, fork, body, &mut then));
        if let Some(strand) = self.legs.get_mut(&leg) {
            strand.progressed = true;
        }
        if status == 180 {
            self.set_phase(Phase::Ringing, &mut then);
        }
        let status = match (status, &answer) {
            (180, Some(_)) => Some(180),
            (180, None) => (!self.search.rung).then_some(180),
            (_, Some(_)) => Some(183),
            (181 | 182, None) => Some(status),
            // RFC 6228: one fork of several is gone; the INVITE goes on.
            (199, None) => None,
            // RFC 3261 §8.1.3.2: a UAC "MUST treat any provisional response different than 100 that it does
            // not recognize as 183". A telephone that rings is not told to stop ringing.
            (_, None) => (!self.search.told).then_some(183),
        };
        if let Some(status) = status {
            self.search.told = true;
            self.search.rung |= status == 180;
            if status == 180 && std::mem::take(&mut self.search.waits) {
                then.push(Output::Leg(LegNo::CALLER, LegOrder::CallWaits));
            }
            then.push(Output::Leg(LegNo::CALLER, LegOrder::Progress { status, body: answer }));
        }
        Ready::say(then)
    }

    /// Early media of a dialled leg. Gives our answer to the caller when it has none yet. The first leg
    /// that sends early media is heard until it ends; of its forks the latest, since forks that were
    /// tried before it are gone by then.
    fn early_answer(&mut self, leg: LegNo, fork: &Text, body: &Body, then: &mut Orders) -> Option<Body> {
        let agreed = self.legs.get_mut(&leg)?.preview(fork, body).ok()?;
        if self.search.early.is_some_and(|heard| heard != leg) {
            return None;
        }
        self.hear_early(leg, &agreed, then)
    }

    fn hear_early(&mut self, leg: LegNo, agreed: &Agreed, then: &mut Orders) -> Option<Body> {
        let first = self.answer.is_none();
        let answer = self.answer_for_caller(agreed.codec, then).ok()?;
        self.search.early = Some(leg);
        self.run_flow(Side::B, agreed, then);
        first.then_some(answer)
    }

    /// The leg that was heard has ended: another that sends early media is heard now.
    pub(super) fn hear_another(&mut self, gone: LegNo, then: &mut Orders) {
        if self.search.early != Some(gone) {
            return;
        }
        self.hush(then);
        let open = self.legs.iter().filter(|(_, strand)| strand.candidate && strand.is_open());
        let others: Vec<_> = open.filter_map(|(leg, strand)| Some((*leg, strand.early()?.clone()))).collect();
        for (leg, agreed) in others {
            match (self.search.early, &self.transfer) {
                (Some(_), _) => {}
                (None, Some(_)) => self.hear_for_transfer(leg, &agreed, then),
                (None, None) => drop(self.hear_early(leg, &agreed, then)),
            }
        }
    }

    /// Our answer to the caller's offer, cut to what the callee speaks. Made once: a final answer
    /// repeats the early one (RFC 3261 §13.2.1).
    pub(super) fn answer_for_caller(&mut self, callee: Codec, then: &mut Orders) -> Result<Body, Cause> {
        if let Some(answer) = &self.answer {
            return Ok(answer.clone());
        }
        let offer = self.offer.as_ref().ok_or_else(|| Cause::of_status(488, "the caller made no offer"))?;
        let media = self.legs.get_mut(&LegNo::CALLER).and_then(|strand| strand.media.as_mut());
        let media = media.ok_or_else(|| Cause::of_status(500, "no media"))?;
        let (kind, bytes) = (&offer.content_type, &offer.bytes);
        let same = media.answer(kind, bytes, Some(&[callee]), &mut self.tokens);
        let answered = same.or_else(|_| media.answer(kind, bytes, Some(joined_by(callee)), &mut self.tokens));
        let answered = answered.or_else(|_| media.answer(kind, bytes, None, &mut self.tokens));
        let (sdp, agreed) = answered.map_err(refused_offer)?;
        let body = Body::sdp(sdp);
        self.answer = Some(body.clone());
        self.run_flow(Side::A, &agreed, then);
        Ok(body)
    }
}
