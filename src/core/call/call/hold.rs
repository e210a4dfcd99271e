//! Hold and resume, as the other end learns of them (RFC 3264 §8.4).
//!
//! An end that holds says so to us in its own dialog. The other end is told by a re-INVITE where its kind
//! wants it ([`HoldSignals`]), and hears a hold tone or music where it can hear anything. Which of the two
//! holds, or whether both do, is read from what is agreed with each; so a session refresh is no hold, and
//! the order in which holds come and go does not matter.
//!
//! Glare is the leg's: a re-INVITE that meets one of theirs gets 491 and goes again by the timers of RFC
//! 3261 §14.1. [`settle`](Call::settle) runs after every exchange and asks again for what is missing.

use serde::{Deserialize, Serialize};

use super::*;
use crate::media::Direction;

/// How an end is told that the other one holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldSignal {
    /// By `a=sendonly`: it hears our tone or music.
    #[default]
    SendOnly,
    /// By `a=inactive`, as Lync does: it hears nothing from here.
    Inactive,
    /// Not at all: it only hears our tone or music.
    Tone,
}

/// The same towards both worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HoldSignals {
    /// Towards the north.
    pub north: HoldSignal,
    /// Towards handsets.
    pub south: HoldSignal,
}

/// What an end hears in place of the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sound {
    /// It is held: a tone now and then, or music.
    Hold,
    /// Somebody is called for it, and rings.
    Ringing,
    /// A room wants its PIN.
    AskPin,
    /// The PIN was wrong, and is wanted again.
    WrongPin,
    /// What it asked the switch to do is done.
    Confirmation,
}

/// How often an end is asked to take the voice back that it once refused to, or could not be asked.
const MAX_REFUSALS: u8 = 10;
/// And how long after: twice as long each time, a minute at most.
const AGAIN: Duration = Duration::from_secs(4);
const MOST_DOUBLINGS: u8 = 4;

impl Call {
    /// What we want to do with an end: everything, unless the other end holds it.
    pub(super) fn wish(&self, leg: LegNo) -> Direction {
        let other = self.other_end(leg).and_then(|other| self.legs.get(&other));
        if !other.is_some_and(Strand::holds_us) {
            return Direction::SendRecv;
        }
        let signal = match self.faces(leg) {
            Facing::North => self.hold.north,
            Facing::South => self.hold.south,
        };
        match signal {
            HoldSignal::SendOnly => Direction::SendOnly,
            HoldSignal::Inactive => Direction::Inactive,
            HoldSignal::Tone => Direction::SendRecv,
        }
    }

    /// In which world a leg's far end is.
    pub(super) fn faces(&self, leg: LegNo) -> Facing {
        let strand = self.legs.get(&leg);
        let dialled =
            strand.and_then(|strand| strand.target.as_ref()).map(|target| target.destination.facing);
        dialled.or(strand.and_then(|strand| strand.facing)).unwrap_or(self.facing)
    }

    /// Brings both ends in line with each other: direction, codec, and what they hear.
    pub(super) fn settle(&mut self, then: &mut Orders) {
        if self.state != State::Talking {
            return;
        }
        if self.codecs_join() {
            self.legs.values_mut().for_each(|strand| strand.keeps_codec = false);
        }
        for leg in [Some(self.calling), self.talking_to].into_iter().flatten() {
            if !self.offer_new_way(leg, then) {
                self.align(leg, false, then);
            }
        }
        self.settle_seats(then);
        self.settle_sounds(then);
    }

    /// Asks an end to change when what is agreed with it is not what it should be.
    fn align(&mut self, leg: LegNo, again: bool, then: &mut Orders) {
        let (wish, codecs) = (self.wish(leg), self.codecs_beside(self.side_of(leg)));
        let house = self.codecs_of_house().to_vec();
        let (unanswered, changer) = (leg == LegNo::CALLER && self.answer.is_some(), self.changes_codec());
        let Some(strand) = self.legs.get_mut(&leg).filter(|s| s.is_open() && !unanswered) else { return };
        if strand.offer_is_out() {
            return;
        }
        let codec = strand.in_force().and_then(|media| media.agreed()).map(|agreed| agreed.codec);
        let Some(codec) = codec else { return };
        let (joined, ours) = (codecs.contains(&codec), changer == Some(leg));
        let (said, moved) = (strand.said() == Some(wish), strand.moved.is_some());
        if said && (joined || !ours) && !moved {
            // What it once refused is wanted no more; wanted again, it is asked again.
            strand.refused = None;
            return strand.wish(wish);
        }
        let refused = strand.refused.filter(|(direction, _)| *direction == wish && (!said || moved));
        if refused.is_some_and(|(_, times)| !again || times >= MAX_REFUSALS) {
            return;
        }
        strand.wish(wish);
        let offer = match (joined, ours) {
            (false, true) => {
                let own = joined_by(codec).iter().filter(|codec| house.contains(codec));
                strand.ask(
                    codecs.iter().filter(|codec| house.contains(codec)).chain(own).copied().collect(),
                    &mut self.tokens,
                )
            }
            (true, _) => strand.offer(codecs, &mut self.tokens),
            (false, false) => strand.offer(joined_by(codec), &mut self.tokens),
        };
        then.extend(offer.map(|body| Output::Leg(leg, LegOrder::Reoffer { body })));
    }

    /// Two codecs that do not go together are one end's to change: that of side A, or the other one when it
    /// would not. None: neither would, and the media engine translates.
    pub(super) fn changes_codec(&self) -> Option<LegNo> {
        let may = |leg: &LegNo| self.legs.get(leg).is_some_and(|strand| !strand.keeps_codec);
        Some(self.calling).filter(may).or(self.talking_to.filter(may))
    }

    /// How the far end took our offer. One that refuses to be held hears the tone all the same; one that
    /// refuses to be resumed, or to send to where we listen now, is asked again, since it would stay mute.
    pub(super) fn note_refusal(&mut self, leg: LegNo, refused: bool, now: Moment) {
        let (wish, joined) = (self.wish(leg), self.codecs_join());
        let Some(strand) = self.legs.get_mut(&leg) else { return };
        strand.keeps_codec = !joined && (refused || strand.keeps_codec);
        if !refused {
            strand.refused = None;
            return;
        }
        let before = strand.refused.filter(|(direction, _)| *direction == wish).map_or(0, |(_, times)| times);
        strand.refused = Some((wish, before.saturating_add(1)));
        let mute = wish == Direction::SendRecv || strand.moved.is_some();
        if mute && before < MAX_REFUSALS - 1 {
            self.timers.set(Timer::Align, now + AGAIN * (1 << before.min(MOST_DOUBLINGS)));
        }
    }

    pub(super) fn align_again(&mut self) -> Ready<Save, Output> {
        let mut then = Vec::new();
        if self.state == State::Talking {
            for leg in [Some(self.calling), self.talking_to].into_iter().flatten() {
                self.align(leg, true, &mut then);
            }
        }
        Ready { save: self.put(), then }
    }

    /// Orders what each end hears in place of the other.
    pub(super) fn settle_sounds(&mut self, then: &mut Orders) {
        for side in [Side::A, Side::B] {
            let wanted = self.sound_for(side);
            if self.sounds.get(&side).copied() != wanted {
                match wanted {
                    Some(sound) => drop(self.sounds.insert(side, sound)),
                    None => drop(self.sounds.remove(&side)),
                }
                then.push(Output::Play(side, wanted));
            }
        }
    }

    fn sound_for(&self, side: Side) -> Option<Sound> {
        let leg = self.end_at(side)?;
        if let Some(sound) = self.prompt_for(side) {
            return Some(sound);
        }
        if let Some(sound) = self.transfer.as_ref().and_then(|transfer| transfer.sound_for(leg)) {
            return Some(sound);
        }
        let other = self.other_end(leg)?;
        let strand = self.legs.get(&other).filter(|strand| strand.holds_us())?;
        // A gateway or server in the north that still sends while it holds sends its own music. What a
        // handset still sends is the room that its user thinks is not heard.
        let own_music = self.faces(other) == Facing::North && strand.brings_music();
        (!own_music).then_some(Sound::Hold)
    }

    /// A key press that was told beside the voice goes to the other end as the voice would.
    pub(super) fn key_pressed(&mut self, leg: LegNo, digit: char, millis: u32) -> Ready<Save, Output> {
        let told = self.key_heard(leg, digit);
        if self.is_in_room() {
            return Ready::say(told.into_iter().collect());
        }
        let side = self.side_of(leg);
        let heard = match self.state {
            State::Talking => self.other_end(leg).is_some(),
            State::Dialling => leg == LegNo::CALLER && self.search.early.is_some(),
            _ => false,
        };
        let press = heard.then(|| match self.takes_no_events(side.other()) {
            Some(other) => Output::Leg(other, LegOrder::Key { digit, millis }),
            None => Output::Press { side: side.other(), digit, millis },
        });
        Ready::say(press.into_iter().chain(told).collect())
    }

    /// Who talks on a side and takes no telephone events (RFC 4733): it is told of keys by INFO.
    pub(super) fn takes_no_events(&self, side: Side) -> Option<LegNo> {
        let leg = self.end_at(side).filter(|_| self.state == State::Talking)?;
        let agreed = self.legs.get(&leg).filter(|strand| strand.is_open())?.media.as_ref()?.agreed()?;
        agreed.dtmf_send_pt.is_none().then_some(leg)
    }
}
