//! Changing the session in talk: hold, resume, another codec or address (RFC 3264 §8).

use super::answer::unacceptable;
use super::*;

impl Call {
    /// A leg proposes another description, or asks for ours. It is answered here, with the codec in
    /// use; the other leg is not disturbed.
    pub(super) fn reoffered(&mut self, leg: LegNo, body: Option<Body>) -> Ready<Save, Output> {
        let side = if leg == LegNo::CALLER { Side::A } else { Side::B };
        let mut tokens = self.tokens.split();
        let Some(media) = self.leg(leg).and_then(|strand| strand.media.as_mut()) else {
            return Ready::nothing();
        };
        let Some(body) = body else {
            let offer = Body::sdp(media.offer(&mut tokens));
            return Ready::say(vec![Output::Leg(leg, LegOrder::AnswerReoffer { body: offer })]);
        };
        let current = media.agreed().map(|agreed| agreed.codec);
        let mut answered = media.answer(
            &body.content_type,
            &body.bytes,
            current.as_ref().map(std::slice::from_ref),
            &mut tokens,
        );
        if answered.is_err() && matches!(current, Some(Codec::Pcma | Codec::Pcmu)) {
            answered =
                media.answer(&body.content_type, &body.bytes, Some(&[Codec::Pcma, Codec::Pcmu]), &mut tokens);
        }
        let mut then = Vec::new();
        match answered {
            Ok((sdp, agreed)) => {
                self.run_flow(side, &agreed, &mut then);
                then.push(Output::Leg(leg, LegOrder::AnswerReoffer { body: Body::sdp(sdp) }));
                Ready { save: vec![Save::Put(Box::new(self.clone()))], then }
            }
            Err(refusal) => {
                then.push(Output::Leg(leg, LegOrder::RefuseReoffer { cause: unacceptable(refusal) }));
                Ready::say(then)
            }
        }
    }

    /// The answer to an offer of ours: to a re-INVITE, or in the ACK of an offerless one.
    pub(super) fn reoffer_answered(&mut self, leg: LegNo, body: Option<Body>) -> Ready<Save, Output> {
        let side = if leg == LegNo::CALLER { Side::A } else { Side::B };
        let Some(media) = self.leg(leg).and_then(|strand| strand.media.as_mut()) else {
            return Ready::nothing();
        };
        let Some(agreed) = body.and_then(|body| media.accept_answer(&body.content_type, &body.bytes).ok())
        else {
            // RFC 3261 §14.1: "the session parameters MUST remain unchanged, as if no re-INVITE had been issued"
            media.rollback();
            return Ready::nothing();
        };
        let mut then = Vec::new();
        self.run_flow(side, &agreed, &mut then);
        Ready { save: vec![Save::Put(Box::new(self.clone()))], then }
    }
}
