//! The stream of a native leg: offers and answers on behalf of the base station.

use std::net::SocketAddr;

use super::{Asked, DectLeg, OfferAnswer, Out, Output, Stage, Stream, local};
use crate::call::cause::Cause;
use crate::call::leg::LegNews;
use crate::dect::portable;
use crate::media::Direction;
use crate::media::negotiate::Agreed;
use crate::sip::invite::Body;
use crate::sip::wire::Text;

impl DectLeg {
    /// The base station receives here: now there is something to offer, or to answer with.
    pub(super) fn opened(&mut self, address: SocketAddr, out: &mut Out) {
        self.stage = Stage::Open;
        let mut media = OfferAnswer::new(local(&self.abilities, address), &mut self.tokens);
        let Some(offer) = self.offer.take() else {
            let body = Body::sdp(media.offer(&mut self.tokens));
            self.media = Some(media);
            return out.push(Output::Begin(body));
        };
        let answered = media.answer(&offer.content_type, &offer.bytes, None, &mut self.tokens);
        self.media = Some(media);
        match answered {
            Ok((sdp, agreed)) => {
                self.answer = Some(Body::sdp(sdp));
                run(&agreed, out);
                self.tell_answered(out);
            }
            Err(refusal) => self.release(Cause::of_status(refusal.status().0, refusal.to_string()), out),
        }
    }

    /// The handset has answered and its stream is agreed on: whichever came last.
    pub(super) fn tell_answered(&mut self, out: &mut Out) {
        if self.answered || !self.eager {
            return;
        }
        if let Some(answer) = self.answer.take() {
            self.answered = true;
            out.push(Output::News(LegNews::Answered { fork: Text::from(""), body: Some(answer) }));
        }
    }

    /// The call's answer to our offer; the same one may come twice.
    pub(super) fn take_answer(&mut self, body: &Body, out: &mut Out) -> bool {
        let Some(media) = self.media.as_mut().filter(|media| media.offer_is_out()) else { return false };
        match media.accept_answer(&body.content_type, &body.bytes) {
            Ok(agreed) => {
                run(&agreed, out);
                true
            }
            Err(_) => false,
        }
    }

    /// The call proposes another description.
    pub(super) fn reoffered(&mut self, body: &Body, out: &mut Out) {
        let answered = self.media.as_mut().and_then(|media| {
            // An offer of ours that is still out gives way: the call has not seen it.
            media.rollback();
            media.answer(&body.content_type, &body.bytes, None, &mut self.tokens).ok()
        });
        let body = answered.map(|(sdp, agreed)| {
            run(&agreed, out);
            Body::sdp(sdp)
        });
        // Where a moved stream is now stands in the answer.
        self.followed(out);
        out.push(Output::News(LegNews::ReofferAnswered { body }));
    }

    /// The handset's stream is at another base station.
    pub(super) fn stream_moved(&mut self, address: SocketAddr, out: &mut Out) {
        if let Some(media) = &mut self.media {
            media.set_address(address.ip(), address.port());
            media.renew_keys();
        }
        self.following = self.propose(out);
        if !self.following {
            out.push(Output::Followed);
        }
    }

    /// Whoever waits for a stream that moved need not wait any more.
    pub(super) fn followed(&mut self, out: &mut Out) {
        if std::mem::take(&mut self.following) {
            out.push(Output::Followed);
        }
    }

    /// The handset's user wants the call on hold, or back.
    pub(super) fn ask(&mut self, asked: Asked, out: &mut Out) {
        let direction = match asked {
            Asked::Hold => Direction::SendOnly,
            Asked::Retrieve => Direction::SendRecv,
        };
        match self.media.as_mut().filter(|_| self.asked.is_none() && self.answered) {
            Some(media) => media.set_direction(direction),
            None => return self.tell_granted(asked, false, out),
        }
        self.asked = Some(asked);
        _ = self.propose(out);
    }

    /// Before the call has answered our first offer there is nothing to change it by: the address stands in
    /// the next one. Whether it was proposed.
    fn propose(&mut self, out: &mut Out) -> bool {
        let agreed = |media: &&mut OfferAnswer| media.agreed().is_some();
        let Some(media) = self.media.as_mut().filter(agreed) else { return false };
        let body = Body::sdp(media.offer(&mut self.tokens));
        out.push(Output::News(LegNews::Reoffered { body: Some(body) }));
        true
    }

    pub(super) fn reoffer_granted(&mut self, body: &Body, out: &mut Out) {
        let taken = self.take_answer(body, out);
        self.followed(out);
        if let Some(asked) = self.asked.take() {
            self.tell_granted(asked, taken, out);
        }
    }

    pub(super) fn reoffer_refused(&mut self, out: &mut Out) {
        if let Some(media) = &mut self.media {
            media.rollback();
        }
        self.followed(out);
        if let Some(asked) = self.asked.take() {
            self.tell_granted(asked, false, out);
        }
    }

    fn tell_granted(&self, asked: Asked, granted: bool, out: &mut Out) {
        out.push(Output::Handset(match asked {
            Asked::Hold => portable::Order::AnswerHold(self.call, granted),
            Asked::Retrieve => portable::Order::AnswerRetrieve(self.call, granted),
        }));
    }
}

/// What was agreed on goes to the base station.
fn run(agreed: &Agreed, out: &mut Out) {
    out.push(Output::Modify(Box::new(Stream::of(agreed))));
}
