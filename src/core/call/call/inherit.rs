//! A call takes over the legs of another one: the attended transfer.
//!
//! ```text
//! call X:  B ── A ─REFER, Replaces A'─►                    call Y:  A' ── C
//!   X  ──Inherit(A')──► Y           Y lends [`Estate`]: C, its description, its side
//!   X  saves B and C as its own, takes C's media, ends A ──► Y: Bequeathed ──► Y ends A' and is over
//! ```
//!
//! X, in which the REFER came, survives: it has the referrer to tell. C's dialog keeps its name in tags and
//! on disk; X's record says that it is X's. X saves before Y forgets, so a crash in between leaves C in both
//! records, and the one that claims a leg of another call is right.

use super::dial::{MAX_LEGS, Search};
use super::*;
use crate::id::{BaseStationId, CallRef, OwnerId};

/// What a call leaves to another.
#[derive(Debug, Clone)]
pub struct Estate {
    /// The call that it comes from.
    pub from: CallRef,
    /// Its legs by their names in tags and branches.
    legs: Vec<(OwnerId, Strand)>,
    /// Their side there.
    side: Side,
    /// For legs that still ring: how the search for somebody who answers stands.
    search: Option<(Search, Admitted)>,
}

impl PartialEq for Estate {
    /// By what it is of: an estate is given once.
    fn eq(&self, other: &Self) -> bool {
        self.owners() == other.owners()
    }
}

impl Eq for Estate {}

impl Estate {
    /// Their side there.
    pub(super) fn side(&self) -> Side {
        self.side
    }

    /// The names of its legs.
    pub fn owners(&self) -> Vec<OwnerId> {
        self.legs.iter().map(|(owner, _)| *owner).collect()
    }

    /// Base stations whose channels its legs hold.
    pub fn bases(&self) -> Vec<BaseStationId> {
        let base = |strand: &Strand| {
            let dialled = strand.target.as_ref().and_then(|target| target.base.clone()).map(|(base, _)| base);
            dialled.or_else(|| strand.party.as_ref().and_then(|party| party.base.clone()))
        };
        self.legs.iter().filter_map(|(_, strand)| base(strand)).collect()
    }
}

impl Call {
    /// What would remain if `leg` were taken out: whoever talks with it, or rings for it. The call is not
    /// changed; [`Input::Bequeathed`] does that.
    ///
    /// # Errors
    ///
    /// Why there is nothing to leave, as the referrer is told.
    pub fn estate(&self, leg: LegNo) -> Result<Estate, Cause> {
        let nothing = |words: &str| Err(Cause::of_status(481, words));
        match self.state {
            State::Talking if self.transfer.is_some() => {
                nothing("the other call is being transferred itself")
            }
            State::Talking => match self.other_end(leg) {
                Some(other) => Ok(self.leave(vec![other], None)),
                None => nothing("the other call has nobody to leave"),
            },
            State::Dialling if leg == LegNo::CALLER => {
                let open = self.legs.iter().filter(|(_, strand)| strand.candidate && strand.is_open());
                let ringing: Vec<_> = open.map(|(leg, _)| *leg).collect();
                let grant = self.grant.as_deref().cloned();
                match grant.filter(|_| !ringing.is_empty()) {
                    Some(grant) => Ok(self.leave(ringing, Some((self.search.clone(), grant)))),
                    None => nothing("the other call has nobody to leave"),
                }
            }
            _ => nothing("the other call is over, or has not begun"),
        }
    }

    pub(super) fn leave(&self, legs: Vec<LegNo>, search: Option<(Search, Admitted)>) -> Estate {
        let side = legs.first().map_or(Side::B, |leg| self.side_of(*leg));
        let leave = |leg: LegNo| {
            let strand = self.legs.get(&leg)?;
            let mut left = strand.clone();
            // Who was dialled brings its party; of the others the summary knows.
            if left.target.is_none() {
                left.party = Some(self.party_at(side).clone());
            }
            left.facing = Some(self.faces(leg));
            Some((self.name_of(leg), left))
        };
        Estate {
            from: self.summary.reference,
            legs: legs.into_iter().filter_map(leave).collect(),
            side,
            search,
        }
    }

    /// The legs that the referrer named are here now.
    pub(super) fn inherited(&mut self, estate: Estate, now: Moment) -> Ready<Save, Output> {
        let Some(side) = self.transfer.as_ref().map(|transfer| transfer.side) else {
            return Ready::nothing();
        };
        let mut then = vec![Output::TakeMedia { from: estate.from, side: estate.side, into: side }];
        let search = estate.search.clone();
        let (from_side, first) = (estate.side, self.take_in(estate, side));
        match (search, first) {
            (None, Some(newcomer)) => self.transferred_to(newcomer, now, then),
            (Some((search, mut grant)), Some(_)) => {
                // Whoever is dialled next is offered the ports that came with the legs.
                let port = grant.port(from_side);
                (grant.port_a, grant.port_b) = (port, port);
                self.search_on(search, grant, now, &mut then);
                Ready { save: self.put(), then }
            }
            (_, None) => self.transfer_failed(Cause::of_status(500, "the call has too many legs"), now),
        }
    }

    /// Legs of another call are this call's, on this side; gives the first of them.
    pub(super) fn take_in(&mut self, estate: Estate, side: Side) -> Option<LegNo> {
        let mut first = None;
        for (owner, mut strand) in estate.legs {
            let leg = self.next_leg();
            if leg.0 < MAX_LEGS {
                (strand.owner, strand.side) = (Some(owner), Some(side));
                self.legs.insert(leg, strand);
                first.get_or_insert(leg);
            }
        }
        first
    }

    /// The other legs are another call's now: what is left ends.
    pub(super) fn bequeathed(&mut self, leg: LegNo, now: Moment) -> Ready<Save, Output> {
        for (_, strand) in self.legs.iter_mut().filter(|(other, _)| **other != leg) {
            if strand.is_open() {
                strand.life = super::strand::Life::Closed;
            }
        }
        let cause = match self.state {
            State::Talking => Cause { words: "transferred".into(), ..Cause::normal() },
            _ => Cause::of_status(487, "transferred before it was answered"),
        };
        self.hang_up(None, cause, now)
    }

    /// Legs that were born in other calls, by their names there.
    pub fn inherited_legs(&self) -> impl Iterator<Item = (OwnerId, LegNo)> + '_ {
        self.legs.iter().filter_map(|(leg, strand)| Some((strand.owner?, *leg)))
    }

    /// A leg's name in tags and branches.
    pub fn name_of(&self, leg: LegNo) -> OwnerId {
        let born_elsewhere = self.legs.get(&leg).and_then(|strand| strand.owner);
        born_elsewhere.unwrap_or(leg.owner(self.summary.reference))
    }

    /// The leg of this call with that name in tags and branches.
    pub fn leg_named(&self, owner: OwnerId) -> Option<LegNo> {
        let (call, leg) = LegNo::of_owner(owner);
        let own = (call == self.summary.reference && self.legs.contains_key(&leg)).then_some(leg);
        own.or_else(|| self.inherited_legs().find(|(name, _)| *name == owner).map(|(_, leg)| leg))
    }

    /// Our RTP ports as the two ends know them; none for a side on which nobody is.
    pub fn ports(&self) -> [Option<u16>; 2] {
        [Side::A, Side::B].map(|side| {
            let strand = self.end_at(side).and_then(|leg| self.legs.get(&leg));
            strand.and_then(|strand| strand.media.as_ref()).map(|media| media.local().port)
        })
    }
}
