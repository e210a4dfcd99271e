//! When the voice of an end has lost its way: the media relay that it went over is gone. The end is offered a new
//! one, by an ICE restart (RFC 5245 §9.1.1.1), or the call ends with words. It is never left silent for good.
//!
//! ```text
//!  WayLost ──► offer with fresh credentials and addresses ──► IceSettled: it goes on there
//!                  │ refused, no pair found, nothing within WAY_LIMIT
//!                  └──► both ends are told why
//! ```

use super::*;
use crate::media::ice::candidate::Candidate;

/// Longest time an end may look for its new way: the offer may wait 20 s for a user to sign in again after a
/// restart, and the search takes 10 s.
const WAY_LIMIT: Duration = Duration::from_secs(45);

/// An end whose voice has lost its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LostWay {
    side: Side,
    /// Our addresses at the relay that serves now; none: our own sockets must do.
    relayed: Vec<Candidate>,
    /// What became of the old way, in words.
    why: String,
    /// The end has been offered the new way.
    offered: bool,
}

impl Call {
    /// The way of a side's voice is gone; these are our addresses at the relay that serves now.
    pub(super) fn way_lost(
        &mut self,
        side: Side,
        relayed: Vec<Candidate>,
        why: String,
        now: Moment,
    ) -> Ready<Save, Output> {
        if self.state != State::Talking || self.end_at(side).is_none() {
            return Ready::nothing();
        }
        self.lost_ways.retain(|lost| lost.side != side);
        self.lost_ways.push(LostWay { side, relayed, why, offered: false });
        self.timers.set(Timer::Way, now + WAY_LIMIT);
        let mut then = Vec::new();
        self.settle(&mut then);
        Ready { save: self.put(), then }
    }

    /// Offers the end a new way, as soon as no other offer is open. Whether it did.
    pub(super) fn offer_new_way(&mut self, leg: LegNo, then: &mut Orders) -> bool {
        let (side, unanswered) = (self.side_of(leg), leg == LegNo::CALLER && self.answer.is_some());
        let Some(lost) = self.lost_ways.iter_mut().find(|lost| lost.side == side && !lost.offered) else {
            return false;
        };
        let Some(strand) = self.legs.get_mut(&leg).filter(|strand| strand.is_open() && !unanswered) else {
            return false;
        };
        if strand.offer_is_out() {
            return false;
        }
        let Some(media) = strand.in_force() else { return false };
        let codec = media.agreed().map(|agreed| agreed.codec);
        media.restart_ice(&lost.relayed, &mut self.tokens);
        let Some(body) = strand.offer(&codec.into_iter().collect::<Vec<_>>(), &mut self.tokens) else {
            return false;
        };
        lost.offered = true;
        then.push(Output::Leg(leg, LegOrder::Reoffer { body }));
        true
    }

    /// An offer of the far end came in between, and took the place of ours: ours is made again.
    pub(super) fn way_overtaken(&mut self, leg: LegNo) {
        let side = self.side_of(leg);
        self.lost_ways.iter_mut().filter(|lost| lost.side == side).for_each(|lost| lost.offered = false);
    }

    /// The answer to an offer: a refusal leaves the lost way as the only one; an answer without ICE is a way.
    pub(super) fn way_answered(
        &mut self,
        leg: LegNo,
        agreed: Option<&Agreed>,
        now: Moment,
    ) -> Option<Ready<Save, Output>> {
        let side = self.side_of(leg);
        self.lost_ways.iter().find(|lost| lost.side == side && lost.offered)?;
        match agreed {
            None => Some(self.no_way(side, "the far end refuses to move", now)),
            Some(agreed) if agreed.ice.is_none() => {
                self.way_found(side);
                None
            }
            Some(_) => None,
        }
    }

    /// The voice of a side goes on.
    pub(super) fn way_found(&mut self, side: Side) {
        self.lost_ways.retain(|lost| lost.side != side);
        if self.lost_ways.is_empty() {
            self.timers.stop(Timer::Way);
        }
    }

    /// ICE has found nothing for a side. Of a call that begins it is no end yet: the address of the description
    /// may do.
    pub(super) fn way_not_found(&mut self, side: Side, now: Moment) -> Ready<Save, Output> {
        match self.lost_ways.iter().any(|lost| lost.side == side && lost.offered) {
            true => self.no_way(side, "no other way was found", now),
            false => Ready::nothing(),
        }
    }

    pub(super) fn way_too_slow(&mut self, now: Moment) -> Ready<Save, Output> {
        match self.lost_ways.first().map(|lost| lost.side) {
            Some(side) => self.no_way(side, "no other way was found in time", now),
            None => Ready::nothing(),
        }
    }

    fn no_way(&mut self, side: Side, result: &str, now: Moment) -> Ready<Save, Output> {
        let lost = self.lost_ways.iter().find(|lost| lost.side == side);
        let why = lost.map(|lost| lost.why.clone()).unwrap_or_default();
        self.lost_ways.clear();
        let words = format!("the voice lost its way ({why}), and {result}");
        // RFC 3398 §8.2.6.1: 38, network out of order.
        self.hang_up(None, Cause { status: 503, q850: 38, words }, now)
    }
}
