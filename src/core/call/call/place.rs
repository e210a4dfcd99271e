//! Taking the place of an end: by a transfer, or by an INVITE that asks for it.

use super::*;
use crate::call::{HandedOver, Party};
use crate::id::BaseStationId;

/// Most hand-overs of one call. People do not need more; loops do.
pub(super) const MAX_HANDED_OVER: usize = 16;

impl Call {
    /// A leg talks from now on where another one did, which ends.
    pub(super) fn take_place(&mut self, newcomer: LegNo, of: LegNo, now: Moment, then: &mut Orders) {
        let side = self.side_of(of);
        match side {
            Side::A => self.calling = newcomer,
            Side::B => self.talking_to = Some(newcomer),
        }
        self.dismiss(of, side, then);
        let strand = self.legs.get_mut(&newcomer);
        let party = strand.and_then(|strand| {
            strand.side = Some(side);
            let dialled = strand.target.as_ref().map(|target| target.party.clone());
            strand.party.clone().or(dialled)
        });
        self.hand_over(side, party.unwrap_or_default(), now);
        let agreed = self.legs.get(&newcomer).and_then(|strand| strand.media.as_ref()?.agreed().cloned());
        if let Some(agreed) = agreed {
            self.run_flow(side, &agreed, then);
        }
        self.settle(then);
        self.show_partners(then);
        then.push(Output::Changed(Box::new(self.summary.clone())));
    }

    /// A leg of another call talks from now on where nobody was.
    pub(super) fn fill_side(&mut self, side: Side, newcomer: LegNo, now: Moment, then: &mut Orders) {
        match side {
            Side::A => self.calling = newcomer,
            Side::B => self.talking_to = Some(newcomer),
        }
        let strand = self.legs.get(&newcomer);
        let dialled = |strand: &Strand| strand.target.as_ref().map(|target| target.party.clone());
        let party = strand.and_then(|strand| strand.party.clone().or(dialled(strand)));
        self.hand_over(side, party.unwrap_or_default(), now);
        let agreed = self.legs.get(&newcomer).and_then(|strand| strand.media.as_ref()?.agreed().cloned());
        if let Some(agreed) = agreed {
            self.run_flow(side, &agreed, then);
        }
        self.settle(then);
        then.push(Output::Changed(Box::new(self.summary.clone())));
    }

    /// Somebody has left a room: the side is the room's.
    pub(super) fn note_left(&mut self, side: Side, now: Moment) {
        let Some(meeting) = &self.meeting else { return };
        let room = Party { number: meeting.room.to_string(), ..Party::default() };
        self.hand_over(side, room, now);
    }

    /// Ends a leg whose place is taken, and gives back what its party held.
    pub(super) fn dismiss(&mut self, leg: LegNo, side: Side, then: &mut Orders) {
        let cause = Cause { words: "somebody else has taken over".into(), ..Cause::normal() };
        let Some(strand) = self.legs.get_mut(&leg).filter(|strand| strand.is_open()) else { return };
        strand.end();
        then.push(Output::Leg(leg, LegOrder::HangUp { cause }));
        then.extend(self.base_goes_back(leg, side));
    }

    /// The channel of its base station that an end on `side` holds.
    pub(super) fn base_goes_back(&self, leg: LegNo, side: Side) -> Option<Output> {
        match self.base_of(leg) {
            Some(_) => Some(Output::ReleaseBase(leg)),
            None => self.party_at(side).base.clone().map(Output::FreeBase),
        }
    }

    /// The handset of a leg was handed over, or another of its calls leaves it the channel: what is given back, shown
    /// and recorded of it is the new base station's.
    pub(super) fn carried(&mut self, leg: LegNo, base: BaseStationId) -> Ready<Save, Output> {
        let side = self.side_of(leg);
        let is_end = self.end_at(side) == Some(leg);
        let Some(strand) = self.legs.get_mut(&leg) else { return Ready::nothing() };
        if let Some(target) = &mut strand.target {
            target.party.base = Some(base.clone());
            if let Some((held, _)) = &mut target.base {
                *held = base.clone();
            }
        }
        if let Some(party) = &mut strand.party {
            party.base = Some(base.clone());
        }
        if !is_end {
            return Ready::nothing();
        }
        let party = match side {
            Side::A => &mut self.summary.caller,
            Side::B => &mut self.summary.callee,
        };
        party.base = Some(base);
        let save = if self.state == State::Talking { self.put() } else { Vec::new() };
        Ready { save, then: vec![Output::Changed(Box::new(self.summary.clone()))] }
    }

    /// The base station whose channel a dialled leg holds.
    pub fn base_of(&self, leg: LegNo) -> Option<&BaseStationId> {
        self.dialled_to(leg)?.base.as_ref().map(|(base, _)| base)
    }

    fn hand_over(&mut self, side: Side, to: Party, now: Moment) {
        let summary = &mut self.summary;
        let numbers = (summary.caller.number.clone(), summary.callee.number.clone());
        summary.began_with.get_or_insert(numbers);
        let place = match side {
            Side::A => &mut summary.caller,
            Side::B => &mut summary.callee,
        };
        let (by, to_number) = (place.number.clone(), to.number.clone());
        *place = to;
        if summary.handed_over.len() < MAX_HANDED_OVER {
            summary.handed_over.push(HandedOver { at: now, by, to: to_number });
        }
    }
}
