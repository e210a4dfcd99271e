//! The two sides of a call: which leg is on which, what flows there, what can be passed on.

use super::*;
use crate::call::Party;

const EVERY_CODEC: [Codec; 4] = [Codec::G722, Codec::Pcma, Codec::Pcmu, Codec::G726];

/// What every verb needs.
impl Call {
    /// The side that a leg is on, or will be when it answers.
    pub(super) fn side_of(&self, leg: LegNo) -> Side {
        let known = self.legs.get(&leg).and_then(|strand| strand.side);
        known.unwrap_or(if leg == LegNo::CALLER { Side::A } else { Side::B })
    }

    /// The leg that talks, or would, on a side.
    pub(super) fn end_at(&self, side: Side) -> Option<LegNo> {
        match side {
            Side::A => Some(self.calling),
            Side::B => self.talking_to,
        }
    }

    /// Whom a leg talks with, when it talks with somebody and not with a room.
    pub(super) fn other_end(&self, leg: LegNo) -> Option<LegNo> {
        if self.is_in_room() {
            return None;
        }
        let side = self.side_of(leg);
        self.end_at(side.other()).filter(|_| self.end_at(side) == Some(leg))
    }

    /// The person on a side.
    pub(super) fn party_at(&self, side: Side) -> &Party {
        match side {
            Side::A => &self.summary.caller,
            Side::B => &self.summary.callee,
        }
    }

    /// Both ends are told whom they talk with, where they have a display of ours.
    pub(super) fn show_partners(&self, then: &mut Orders) {
        for side in [Side::A, Side::B] {
            if let Some(leg) = self.end_at(side) {
                self.show_partner(leg, self.party_at(side.other()), then);
            }
        }
    }

    pub(super) fn show_partner(&self, leg: LegNo, party: &Party, then: &mut Orders) {
        if self.legs.get(&leg).is_some_and(|strand| strand.shows && strand.is_open()) {
            then.push(Output::Leg(leg, LegOrder::Partner(Box::new(party.clone()))));
        }
    }

    /// The number of the next leg; none comes twice in a call.
    pub fn next_leg(&self) -> LegNo {
        LegNo(self.legs.last_key_value().map_or(0, |(leg, _)| leg.0 + 1))
    }

    pub(super) fn set_phase(&mut self, phase: Phase, then: &mut Orders) {
        if self.summary.phase != phase {
            self.summary.phase = phase;
            then.push(Output::Changed(Box::new(self.summary.clone())));
        }
    }

    pub(super) fn refuse(&self, input: &'static str) -> Refusal {
        Refusal { reference: self.summary.reference, input, state: self.state }
    }

    /// Notes what a side agreed to and lets its media run.
    pub(super) fn run_flow(&mut self, side: Side, agreed: &Agreed, then: &mut Orders) {
        let shown = (self.summary.codecs, self.summary.srtp, self.summary.media);
        let (codec, srtp) = (Some(agreed.codec), agreed.srtp.is_some());
        let summary = &mut self.summary;
        match side {
            Side::A => (summary.codecs.0, summary.srtp.0) = (codec, srtp),
            Side::B => (summary.codecs.1, summary.srtp.1) = (codec, srtp),
        }
        // Who holds without an address is where it was.
        if let Some(remote) = agreed.remote {
            let place = if side == Side::A { &mut summary.media.0 } else { &mut summary.media.1 };
            *place = Some(remote.ip());
        }
        then.push(Output::Flow(side, Box::new(agreed.clone())));
        if self.state == State::Talking
            && shown != (self.summary.codecs, self.summary.srtp, self.summary.media)
        {
            then.push(Output::Changed(Box::new(self.summary.clone())));
        }
    }

    /// The codec that a side speaks.
    pub(super) fn codec(&self, side: Side) -> Option<Codec> {
        match side {
            Side::A => self.summary.codecs.0,
            Side::B => self.summary.codecs.1,
        }
    }

    /// Whether what the two sides speak can be passed on.
    pub(super) fn codecs_join(&self) -> bool {
        if self.is_in_room() {
            return true;
        }
        let both = self.codec(Side::A).zip(self.codec(Side::B));
        both.is_none_or(|(a, b)| joins(a, b))
    }

    /// The codecs that a side may change to without the other side.
    pub(super) fn codecs_beside(&self, side: Side) -> &'static [Codec] {
        let other = self.codec(side.other()).filter(|_| !self.is_in_room());
        other.map_or(&EVERY_CODEC, joined_by)
    }

    /// What an end may speak at all.
    pub(super) fn codecs_of_house(&self) -> &[Codec] {
        if self.codecs.is_empty() { &EVERY_CODEC } else { &self.codecs }
    }
}

/// Codecs that may be passed on to one that speaks `codec`, itself first, and nobody hears a difference. The media
/// engine translates between G.722 and the others too, where the ends cannot be brought together: what is wide at
/// one end is narrow at the other.
pub(super) fn joined_by(codec: Codec) -> &'static [Codec] {
    match codec {
        Codec::Pcma => &[Codec::Pcma, Codec::Pcmu, Codec::G726],
        Codec::Pcmu => &[Codec::Pcmu, Codec::Pcma, Codec::G726],
        Codec::G726 => &[Codec::G726, Codec::Pcma, Codec::Pcmu],
        Codec::G722 => &[Codec::G722],
    }
}

/// What is offered to an end besides codecs that are wide alone: many telephones do not speak those, and then their
/// voice is translated. Nobody speaks wide codecs alone, so they are not offered beside narrow ones.
pub(super) fn or_narrow(mut codecs: Vec<Codec>, ours: &[Codec]) -> Vec<Codec> {
    if codecs.iter().all(|codec| *codec == Codec::G722) {
        let others = ours.iter().filter(|codec| **codec != Codec::G722);
        codecs.extend(others);
    }
    codecs
}

pub(super) fn joins(a: Codec, b: Codec) -> bool {
    joined_by(a).contains(&b)
}

/// Whether a body mentions keys or a secure profile. Only a hint for admission; what is agreed counts.
pub(super) fn offers_srtp(body: &Body) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(&body.bytes, needle).is_some();
    has(b"a=crypto:") || has(b"RTP/SAVP")
}
