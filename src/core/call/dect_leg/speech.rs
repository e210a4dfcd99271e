//! The stream of a native leg: offers and answers on behalf of the base station.

use std::net::SocketAddr;

use super::{Asked, DectLeg, LineNo, OfferAnswer, Out, Output, Stage, Stream};
use crate::call::cause::Cause;
use crate::call::leg::LegNews;
use crate::dect::portable;
use crate::media::Direction;
use crate::sip::invite::Body;
use crate::sip::wire::Text;
use crate::timer::Moment;

impl DectLeg {
    /// The base station receives here: now there is something to offer, or to answer with.
    pub(super) fn opened(&mut self, address: SocketAddr, now: Moment, out: &mut Out) {
        (self.stage, self.address) = (Stage::Open, Some(address));
        let Some(no) = self.front else { return };
        let Some(line) = self.lines.get_mut(&no) else { return };
        match (&mut line.media, &line.offer) {
            // It rang once more, or waited: its call knows another address.
            (Some(media), _) => {
                media.set_address(address.ip(), address.port());
                line.moved = true;
            }
            (None, Some(_)) => {
                if let Err(cause) = self.prepare_answer(no, address) {
                    return self.dismissed(no, cause, now, out);
                }
                self.run(no, out);
            }
            (None, None) => {
                let chosen = self.chosen(no);
                self.begin(no, chosen.as_deref(), out);
            }
        }
        self.tell_answered(out);
    }

    /// Our offer for a line that the handset begins.
    pub(super) fn begin(&mut self, line: LineNo, digits: Option<&str>, out: &mut Out) {
        let Some(local) = self.address.map(|address| self.local(address)) else { return };
        let Some(begun) = self.lines.get_mut(&line) else { return };
        let mut media = OfferAnswer::new(local, &mut self.tokens);
        let body = Body::sdp(media.offer(&mut self.tokens));
        begun.media = Some(media);
        let digits = digits.map(|digits| crate::pii::Pii(digits.to_owned()));
        out.push(Output::Begin { line, digits, body });
    }

    /// Our answer to the offer of a line that rings here.
    pub(super) fn prepare_answer(&mut self, no: LineNo, address: SocketAddr) -> Result<(), Cause> {
        let local = self.local(address);
        let Some(line) = self.lines.get_mut(&no) else { return Ok(()) };
        let Some(offer) = line.offer.take() else { return Ok(()) };
        let mut media = OfferAnswer::new(local, &mut self.tokens);
        let answered = media.answer(&offer.content_type, &offer.bytes, None, &mut self.tokens);
        line.media = Some(media);
        let (sdp, _) =
            answered.map_err(|refusal| Cause::of_status(refusal.status().0, refusal.to_string()))?;
        (line.answer, line.asked) = (Some(Body::sdp(sdp)), Some(offer));
        Ok(())
    }

    /// The handset has answered and its stream is agreed on: whichever came last.
    pub(super) fn tell_answered(&mut self, out: &mut Out) {
        let Some(no) = self.front.filter(|_| self.eager && self.stage == Stage::Open) else { return };
        let Some(line) = self.lines.get_mut(&no) else { return };
        if let Some(answer) = line.answer.take() {
            line.answered = true;
            self.connected = true;
            self.show_line(no, "", None, out);
            out.push(Output::News(no, LegNews::Answered { fork: Text::from(""), body: Some(answer) }));
        } else if line.answered && !self.connected {
            // It was held when the handset went on hook, and the user has it back.
            self.connected = true;
            self.resume(no, out);
        }
    }

    /// The call's answer to our offer; the same one may come twice.
    pub(super) fn take_answer(&mut self, no: LineNo, body: &Body, out: &mut Out) -> bool {
        let media = self.lines.get_mut(&no).and_then(|line| line.media.as_mut());
        let Some(media) = media.filter(|media| media.offer_is_out()) else { return false };
        let taken = media.accept_answer(&body.content_type, &body.bytes).is_ok();
        if taken {
            self.run(no, out);
        }
        taken
    }

    /// The call proposes another description.
    pub(super) fn reoffered(&mut self, no: LineNo, body: &Body, out: &mut Out) {
        let media = self.lines.get_mut(&no).and_then(|line| line.media.as_mut());
        let answered = media.and_then(|media| {
            // An offer of ours that is still out gives way: the call has not seen it.
            media.rollback();
            media.answer(&body.content_type, &body.bytes, None, &mut self.tokens).ok()
        });
        let body = answered.map(|(sdp, _)| {
            self.run(no, out);
            Body::sdp(sdp)
        });
        out.push(Output::News(no, LegNews::ReofferAnswered { body }));
        self.align(no, out);
        self.followed(out);
    }

    /// The handset's stream is at another base station.
    pub(super) fn stream_moved(&mut self, address: SocketAddr, out: &mut Out) {
        (self.address, self.following) = (Some(address), true);
        let codecs = self.codecs();
        for line in self.lines.values_mut() {
            if let Some(media) = &mut line.media {
                media.set_address(address.ip(), address.port());
                media.renew_keys();
                media.set_codecs(codecs.clone());
                line.moved = true;
            }
        }
        if let Some(front) = self.front {
            self.answer_anew(front, address, out);
            self.align(front, out);
        }
        self.followed(out);
    }

    /// A handset that rings was handed over: the call has not seen our answer yet, so it gets another one.
    fn answer_anew(&mut self, no: LineNo, address: SocketAddr, out: &mut Out) {
        let Some(line) = self.lines.get_mut(&no).filter(|line| line.answer.is_some()) else { return };
        (line.offer, line.moved) = (line.asked.take(), false);
        // What could be answered a moment ago can be now.
        if self.prepare_answer(no, address).is_ok() {
            self.run(no, out);
        }
    }

    /// Whoever waits for a stream that moved need not wait any more, once the call of the line that is heard
    /// knows where it is.
    fn followed(&mut self, out: &mut Out) {
        let front = self.front.and_then(|front| self.lines.get(&front));
        let waits = front.is_some_and(|line| {
            let is_out = line.media.as_ref().is_some_and(OfferAnswer::offer_is_out);
            let is_new = line.moved && line.media.as_ref().is_some_and(|media| media.agreed().is_some());
            line.answered && (is_out || is_new)
        });
        if self.following && !waits {
            self.following = false;
            out.push(Output::Followed);
        }
    }

    /// The handset's user wants the call on hold, or back, in the words of EN 300 175-5, 10.4.1.
    pub(super) fn ask(&mut self, asked: Asked, out: &mut Out) {
        let may = self.asked.is_none() && self.lines.len() == 1;
        let front = self.front.filter(|no| may && self.is_answered(*no));
        let Some(line) = front.and_then(|no| self.lines.get_mut(&no)) else {
            return self.tell_granted(asked, false, out);
        };
        line.refused = None;
        line.wish = match asked {
            Asked::Hold => Direction::SendOnly,
            Asked::Retrieve => Direction::SendRecv,
        };
        self.asked = Some(asked);
        front.into_iter().for_each(|no| self.align(no, out));
    }

    /// Proposes what the description in force does not say yet. Before both ends talk there is nothing to change:
    /// the wish stands in the next one.
    pub(super) fn align(&mut self, no: LineNo, out: &mut Out) {
        let Some(line) = self.lines.get_mut(&no).filter(|line| line.answered) else { return };
        let Some(media) = line.media.as_mut().filter(|media| media.agreed().is_some()) else { return };
        let differs = media.said() != Some(line.wish) || line.moved;
        if !differs || media.offer_is_out() || line.refused == Some(line.wish) && !line.moved {
            return;
        }
        line.moved = false;
        media.set_direction(line.wish);
        let body = Body::sdp(media.offer(&mut self.tokens));
        out.push(Output::News(no, LegNews::Reoffered { body: Some(body) }));
    }

    pub(super) fn reoffer_granted(&mut self, no: LineNo, body: &Body, out: &mut Out) {
        let taken = self.take_answer(no, body, out);
        self.answer_asked(no, taken, out);
        self.align(no, out);
        self.followed(out);
    }

    pub(super) fn reoffer_refused(&mut self, no: LineNo, out: &mut Out) {
        if let Some(line) = self.lines.get_mut(&no) {
            line.refused = Some(line.wish);
            if let Some(media) = &mut line.media {
                media.rollback();
            }
        }
        self.answer_asked(no, false, out);
        self.align(no, out);
        self.followed(out);
    }

    fn answer_asked(&mut self, no: LineNo, granted: bool, out: &mut Out) {
        if let Some(asked) = self.asked.take_if(|_| self.front == Some(no)) {
            self.tell_granted(asked, granted, out);
        }
    }

    fn tell_granted(&self, asked: Asked, granted: bool, out: &mut Out) {
        out.push(Output::Handset(match asked {
            Asked::Hold => portable::Order::AnswerHold(self.call, granted),
            Asked::Retrieve => portable::Order::AnswerRetrieve(self.call, granted),
        }));
    }

    /// What was agreed on with the line in front goes to the base station.
    pub(super) fn run(&mut self, no: LineNo, out: &mut Out) {
        let agreed = self.lines.get(&no).and_then(|line| line.media.as_ref()?.agreed());
        if let Some(agreed) = agreed.filter(|_| self.front == Some(no) && self.stage == Stage::Open) {
            out.push(Output::Modify(Box::new(Stream::of(agreed))));
            self.fit_bearer(out);
        }
    }

    /// The base station sends nothing and plays nothing: nobody is in front.
    pub(super) fn silence(&self, former: LineNo, out: &mut Out) {
        let agreed = self.lines.get(&former).and_then(|line| line.media.as_ref()?.agreed());
        if let Some(agreed) = agreed.filter(|_| self.stage == Stage::Open) {
            let stream = Stream { direction: Direction::Inactive, ..Stream::of(agreed) };
            out.push(Output::Modify(Box::new(stream)));
        }
    }
}
