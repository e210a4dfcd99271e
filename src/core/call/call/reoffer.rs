//! Changing the session in talk: hold, resume, another codec or address (RFC 3264 §8).

use super::*;

impl Call {
    /// A leg proposes another description, or asks for ours. It is answered here, with a codec that goes
    /// with the other leg's where the offer has one; the other leg hears of it when it is a hold, or is asked to
    /// follow with its own codec. Until it does the voice is translated, and when it would not, for good.
    pub(super) fn reoffered(&mut self, leg: LegNo, body: Option<&Body>) -> Ready<Save, Output> {
        let (codecs, wish) = (self.codecs_beside(self.side_of(leg)), self.wish(leg));
        let house = self.codecs_of_house().to_vec();
        let Some(strand) = self.legs.get_mut(&leg) else { return Ready::nothing() };
        strand.wish(wish);
        let overtakes = strand.offer_is_out();
        let mut then = Vec::new();
        let answered = match body {
            Some(body) => {
                let answered = strand.answer(body, (codecs, &house), &mut self.tokens);
                if let Ok((_, agreed)) = &answered {
                    // It wanted this codec: the other end is asked to follow, and not this one to go back.
                    strand.keeps_codec = !codecs.contains(&agreed.codec);
                    self.run_if_heard(leg, agreed, &mut then);
                }
                answered.map(|(body, _)| body)
            }
            None => {
                let current =
                    strand.media.as_ref().and_then(|media| media.agreed()).map(|agreed| agreed.codec);
                // One whose voice is translated is not left without the codec that it has.
                let own = current.filter(|codec| !codecs.contains(codec)).map_or(&[][..], joined_by);
                strand
                    .offer(&[codecs, own].concat(), &mut self.tokens)
                    .ok_or_else(|| Cause::of_status(488, "no session is agreed on yet"))
            }
        };
        then.push(Output::Leg(
            leg,
            match answered {
                Ok(body) => LegOrder::AnswerReoffer { body },
                Err(cause) => LegOrder::RefuseReoffer { cause },
            },
        ));
        self.accept_again(leg, &mut then);
        if overtakes {
            self.way_overtaken(leg);
        }
        self.settle(&mut then);
        Ready { save: self.put(), then }
    }

    /// An UPDATE that the caller sent while it was answered keeps its leg from saying the 2xx (RFC 3311
    /// §5.2). Now that the UPDATE is answered, the 2xx is ordered again; a leg that has said it already
    /// refuses the order.
    fn accept_again(&self, leg: LegNo, then: &mut Orders) {
        if let (LegNo::CALLER, State::Talking, Some(answer)) = (leg, self.state, &self.answer) {
            then.push(Output::Leg(leg, LegOrder::Accept { body: Some(answer.clone()) }));
        }
    }

    /// The far end does not want its change any more, and has not heard our answer to it.
    pub(super) fn reoffer_withdrawn(&mut self, leg: LegNo) -> Ready<Save, Output> {
        let mut then = Vec::new();
        if let Some(agreed) = self.legs.get_mut(&leg).and_then(|strand| strand.withdraw()) {
            self.run_if_heard(leg, &agreed, &mut then);
        }
        self.settle(&mut then);
        Ready { save: self.put(), then }
    }

    /// The answer to a re-INVITE of ours: to our own offer, or to the refresh of a session timer, which
    /// offers what is in force.
    pub(super) fn reoffer_answered(
        &mut self,
        leg: LegNo,
        body: Option<&Body>,
        now: Moment,
    ) -> Ready<Save, Output> {
        let (mut tokens, changer) = (self.tokens.split(), self.changes_codec());
        let Some(strand) = self.legs.get_mut(&leg) else { return Ready::nothing() };
        let Some(media) = strand.awaits_answer() else { return Ready::nothing() };
        let wanted = media.offer_is_out();
        let agreed = match (body, wanted) {
            (Some(body), true) => strand.accept_answer(body).ok(),
            // A refresh said again what is in force.
            (Some(body), false) => {
                media.offer(&mut tokens);
                media.accept_answer(&body.content_type, &body.bytes).ok()
            }
            (None, _) => None,
        };
        if agreed.is_none() {
            // RFC 3261 §14.1: "the session parameters MUST remain unchanged, as if no re-INVITE had been issued"
            strand.forget_offer();
        }
        if let Some(over) = self.way_answered(leg, agreed.as_ref(), now).filter(|_| wanted) {
            return over;
        }
        let mut then = Vec::new();
        if wanted {
            self.note_refusal(leg, agreed.is_none(), now);
        }
        if let Some(agreed) = agreed {
            self.run_if_heard(leg, &agreed, &mut then);
            if wanted && changer == Some(leg) && !self.codecs_join() {
                self.legs.get_mut(&leg).into_iter().for_each(|strand| strand.keeps_codec = true);
            }
        }
        self.settle(&mut then);
        Ready { save: self.put(), then }
    }

    /// Before the answer only one of the dialled legs is heard, and of those that are dialled for a
    /// transfer none.
    fn run_if_heard(&mut self, leg: LegNo, agreed: &Agreed, then: &mut Orders) {
        let side = self.side_of(leg);
        // A referrer waits while somebody is heard in its place.
        if self.is_referrer(leg) && self.transfer.as_ref().is_some_and(|transfer| transfer.is_heard()) {
            return;
        }
        if self.end_at(side) == Some(leg) || self.search.early == Some(leg) {
            self.run_flow(side, agreed, then);
        }
    }

    /// Only an answered call is kept on disk.
    pub(super) fn put(&self) -> Vec<Save> {
        match self.state {
            State::Talking => vec![Save::Put(Box::new(self.clone()))],
            _ => Vec::new(),
        }
    }
}
