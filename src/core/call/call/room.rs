//! In a room: the call's ends talk with a conference in place of each other.
//!
//! ```text
//!  dialled, transferred there, or met ──Entered──► the room ──Sit──► an end sits in the mixer
//!        Part: both ends talk with each other as before ◄──┤
//!        Unite: the other call's end comes over           ◄┘   an end that hangs up only leaves
//! ```
//!
//! The room decides who comes in and who is heard (`call/conference`); here its orders are put into those of
//! a call. Each end is for itself: there is no other end to hold, to transfer, or to agree on a codec with.

use serde::{Deserialize, Serialize};

use super::*;
use crate::call::conference::{Prompt, RoomName, RoomNews, RoomOrder, Whom};
use crate::call::{Ticket, TransferWish};
use crate::id::{CallRef, MixerId, OwnerId};

/// The room that the call's ends are in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Meeting {
    pub room: RoomName,
    /// Whoever made the call a part of it is responsible: its ends are asked for no PIN.
    vouched: bool,
    /// Where each end sits, and whether it is muted.
    #[serde(skip)]
    seats: BTreeMap<Side, (MixerId, bool)>,
    /// What was ordered last of that.
    #[serde(skip)]
    mixed: BTreeMap<Side, (MixerId, bool)>,
    /// What an end at the door hears.
    #[serde(skip)]
    prompts: BTreeMap<Side, Prompt>,
    /// The last end of another call is awaited.
    #[serde(skip)]
    uniting: bool,
}

impl Meeting {
    fn new(room: RoomName, vouched: bool) -> Self {
        let (seats, mixed, prompts) = Default::default();
        Self { room, vouched, seats, mixed, prompts, uniting: false }
    }
}

impl Call {
    /// Whether the call's ends are in a room.
    pub(super) fn is_in_room(&self) -> bool {
        self.meeting.is_some()
    }

    /// The room's last other end is awaited from another call.
    pub(super) fn is_uniting(&self) -> bool {
        self.meeting.as_ref().is_some_and(|meeting| meeting.uniting)
    }

    /// The caller has dialled a room: it is answered, and stands at its door.
    pub(super) fn enter_room(&mut self, room: RoomName, now: Moment) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let answer = match self.answer_for_room(&mut then) {
            Ok(answer) => answer,
            Err(cause) => return led_by(then, self.hang_up(None, cause, now)),
        };
        self.summary.answered = Some(now);
        self.state = State::Talking;
        self.timers.stop_all();
        self.answer = Some(answer.clone());
        // RFC 4579 §5.1: the Contact of a focus is the conference's URI, with "isfocus".
        if self.facing == Facing::South {
            then.push(Output::Leg(LegNo::CALLER, LegOrder::Focus { user: room.to_string() }));
        }
        then.push(Output::Leg(LegNo::CALLER, LegOrder::Accept { body: Some(answer) }));
        self.set_phase(Phase::Talking, &mut then);
        self.meeting = Some(Box::new(Meeting::new(room, false)));
        self.tell_entered(&mut then);
        self.ice_settled_early(&mut then);
        Ready { save: self.put(), then }
    }

    /// With whatever codec the caller likes best: the mixer knows all of them.
    fn answer_for_room(&mut self, then: &mut Orders) -> Result<Body, Cause> {
        if self.offer.is_some() {
            let codec = self.search.codecs.first().copied().unwrap_or(Codec::Pcma);
            return self.answer_for_caller(codec, then);
        }
        let media = self.legs.get_mut(&LegNo::CALLER).and_then(|strand| strand.media.as_mut());
        let media = media.ok_or_else(|| Cause::of_status(500, "no media"))?;
        Ok(Body::sdp(media.offer(&mut self.tokens)))
    }

    /// A transfer whose target is a room: who stays is in it from now on.
    pub(super) fn transferred_to_room(&mut self, room: RoomName, now: Moment) -> Ready<Save, Output> {
        let Some(transfer) = &self.transfer else { return Ready::nothing() };
        let (referrer, side) = (transfer.referrer(), transfer.side);
        let mut then = Vec::new();
        self.transfer_ends(200, &mut then);
        self.dismiss(referrer, side, &mut then);
        // Who transfers somebody to a room need not know its PIN.
        self.meeting = Some(Box::new(Meeting::new(room, false)));
        self.note_left(side, now);
        self.tell_entered(&mut then);
        self.settle(&mut then);
        then.push(Output::Changed(Box::new(self.summary.clone())));
        Ready { save: self.put(), then }
    }

    /// What the room orders.
    pub(super) fn obey_room(
        &mut self,
        order: RoomOrder,
        now: Moment,
    ) -> Result<Ready<Save, Output>, Refusal> {
        let leg = |call: &Self, member: OwnerId| {
            let leg = call.leg_named(member).filter(|leg| call.is_open_end(*leg));
            leg.filter(|_| call.is_in_room()).ok_or_else(|| call.refuse("an order of a room it is not in"))
        };
        match order {
            RoomOrder::Meet { room, without } => self.meet(room, without.as_ref(), now),
            RoomOrder::Sit { member, mixer, muted } => Ok(self.sit(leg(self, member)?, (mixer, muted))),
            RoomOrder::Prompt(member, prompt) => Ok(self.prompt(leg(self, member)?, prompt)),
            RoomOrder::Dismiss(member, cause) => {
                let leg = leg(self, member)?;
                let away = Output::Leg(leg, LegOrder::HangUp { cause: cause.clone() });
                Ok(led_by(vec![away], self.leaves_room(leg, cause, now)))
            }
            RoomOrder::Part if self.is_in_room() => Ok(self.part(now)),
            RoomOrder::Unite(call, member) if self.is_in_room() => Ok(self.unite(call, member)),
            RoomOrder::Part | RoomOrder::Unite(..) => Err(self.refuse("an order of a room it is not in")),
        }
    }

    /// All ends but one talk in a room from now on. The one is there already, in another call.
    fn meet(
        &mut self,
        room: RoomName,
        without: Option<&Whom>,
        now: Moment,
    ) -> Result<Ready<Save, Output>, Refusal> {
        let elsewhere = self.meeting.as_ref().is_some_and(|meeting| meeting.room != room);
        if self.state != State::Talking || self.transfer.is_some() || elsewhere {
            return Err(self.refuse("a conference"));
        }
        let there = self.is_in_room();
        let mut then = Vec::new();
        if !there {
            self.meeting = Some(Box::new(Meeting::new(room, true)));
        }
        if let Some(leg) = without.and_then(|whom| self.end_of(whom)) {
            let cause = Cause { words: "joined to a conference".into(), ..Cause::normal() };
            then.push(Output::Leg(leg, LegOrder::HangUp { cause: cause.clone() }));
            let left = self.leaves_room(leg, cause, now);
            then.extend(left.then);
            if self.state != State::Talking {
                return Ok(Ready { save: left.save, then });
            }
        }
        if !there {
            self.tell_entered(&mut then);
        }
        self.settle(&mut then);
        then.push(Output::Changed(Box::new(self.summary.clone())));
        Ok(Ready { save: self.put(), then })
    }

    fn end_of(&self, whom: &Whom) -> Option<LegNo> {
        let ends = || [Side::A, Side::B].into_iter().filter_map(|side| Some((side, self.end_at(side)?)));
        let found = match whom {
            Whom::User(user) => {
                ends().find(|(side, _)| self.party_at(*side).user.as_ref() == Some(user)).map(|(_, leg)| leg)
            }
            Whom::Leg(owner) => self.leg_named(*owner),
        };
        found.filter(|leg| self.is_open_end(*leg))
    }

    fn is_open_end(&self, leg: LegNo) -> bool {
        let open = self.legs.get(&leg).is_some_and(Strand::is_open);
        open && self.end_at(self.side_of(leg)) == Some(leg)
    }

    pub(super) fn open_ends(&self) -> Vec<LegNo> {
        let ends = [Some(self.calling), self.talking_to].into_iter().flatten();
        ends.filter(|leg| self.is_open_end(*leg)).collect()
    }

    /// The room hears who is here. Said again after a restart.
    pub(super) fn tell_entered(&self, then: &mut Orders) {
        let Some(Meeting { room, vouched, .. }) = self.meeting.as_deref() else { return };
        for leg in self.open_ends() {
            let (member, party) = (self.name_of(leg), self.party_at(self.side_of(leg)).clone());
            then.push(Output::Room(room.clone(), RoomNews::Entered { member, party, vouched: *vouched }));
        }
    }

    fn tell_left(&self, leg: LegNo) -> Option<Output> {
        let room = self.meeting.as_ref()?.room.clone();
        Some(Output::Room(room, RoomNews::Left(self.name_of(leg))))
    }

    /// Let in, muted, or heard again.
    fn sit(&mut self, leg: LegNo, seat: (MixerId, bool)) -> Ready<Save, Output> {
        let side = self.side_of(leg);
        if let Some(meeting) = &mut self.meeting {
            meeting.prompts.remove(&side);
            meeting.seats.insert(side, seat);
        }
        let mut then = Vec::new();
        self.settle_seats(&mut then);
        self.settle_sounds(&mut then);
        Ready::say(then)
    }

    fn prompt(&mut self, leg: LegNo, prompt: Prompt) -> Ready<Save, Output> {
        let side = self.side_of(leg);
        if let Some(meeting) = &mut self.meeting {
            meeting.prompts.insert(side, prompt);
        }
        let mut then = Vec::new();
        self.settle_sounds(&mut then);
        Ready::say(then)
    }

    /// What an end at the door hears.
    pub(super) fn prompt_for(&self, side: Side) -> Option<Sound> {
        let prompt = self.meeting.as_ref()?.prompts.get(&side)?;
        Some(match prompt {
            Prompt::AskPin => Sound::AskPin,
            Prompt::WrongPin => Sound::WrongPin,
        })
    }

    /// Orders where each end sits. One that holds is not heard, or all would hear its music.
    pub(super) fn settle_seats(&mut self, then: &mut Orders) {
        let holds = |side: Side| {
            let leg = self.end_at(side).and_then(|leg| self.legs.get(&leg));
            leg.is_some_and(Strand::holds_us)
        };
        let held = [holds(Side::A), holds(Side::B)];
        let Some(meeting) = &mut self.meeting else { return };
        for (side, held) in [Side::A, Side::B].into_iter().zip(held) {
            let wanted = meeting.seats.get(&side).map(|(mixer, muted)| (*mixer, *muted || held));
            if meeting.mixed.get(&side).copied() != wanted {
                match wanted {
                    Some(seat) => drop(meeting.mixed.insert(side, seat)),
                    None => drop(meeting.mixed.remove(&side)),
                }
                then.push(Output::Mix(side, wanted));
            }
        }
    }

    /// An end has gone: by itself, or sent away. The last one ends the call.
    pub(super) fn leaves_room(&mut self, leg: LegNo, cause: Cause, now: Moment) -> Ready<Save, Output> {
        let side = self.side_of(leg);
        let others = self.open_ends().iter().any(|other| *other != leg);
        if !others {
            return match self.legs.get_mut(&leg).map(Strand::end) {
                Some(()) => {
                    let left: Orders = self.tell_left(leg).into_iter().collect();
                    led_by(left, self.hang_up(Some(leg), cause, now))
                }
                None => Ready::nothing(),
            };
        }
        let mut then: Orders = self.tell_left(leg).into_iter().collect();
        if let Some(strand) = self.legs.get_mut(&leg) {
            strand.end();
        }
        then.extend(self.base_goes_back(leg, side));
        if let Some(meeting) = &mut self.meeting {
            meeting.seats.remove(&side);
            meeting.prompts.remove(&side);
        }
        self.settle_seats(&mut then);
        self.note_left(side, now);
        then.push(Output::Changed(Box::new(self.summary.clone())));
        Ready { save: self.put(), then }
    }

    /// The call ends, in whatever way: nobody of it is in the room any more.
    pub(super) fn all_leave(&mut self, then: &mut Orders) {
        for leg in self.open_ends() {
            then.extend(self.tell_left(leg));
        }
        self.meeting = None;
    }

    /// Both ends talk with each other as before the conference.
    fn part(&mut self, now: Moment) -> Ready<Save, Output> {
        let mut then = Vec::new();
        self.rise(&mut then);
        if self.open_ends().len() < 2 {
            return led_by(then, self.hang_up(None, Cause::normal(), now));
        }
        self.settle(&mut then);
        Ready { save: self.put(), then }
    }

    /// No end sits in the mixer any more.
    fn rise(&mut self, then: &mut Orders) {
        if let Some(meeting) = &mut self.meeting {
            meeting.seats.clear();
            meeting.prompts.clear();
        }
        self.settle_seats(then);
        self.meeting = None;
        self.settle_sounds(then);
    }

    /// The last other end, of another call, becomes this call's.
    fn unite(&mut self, call: CallRef, member: OwnerId) -> Ready<Save, Output> {
        if let Some(meeting) = &mut self.meeting {
            meeting.uniting = true;
        }
        Ready::say(vec![Output::Cede(call, member)])
    }

    /// It has come.
    pub(super) fn united(&mut self, estate: Estate, now: Moment) -> Ready<Save, Output> {
        let mut then = Vec::new();
        let Some(stays) = self.open_ends().first().copied() else {
            return self.hang_up(None, Cause::normal(), now);
        };
        let side = self.side_of(stays).other();
        let (from, from_side) = (estate.from, estate.side());
        let Some(newcomer) = self.take_in(estate, side) else {
            return self.hang_up(None, Cause::of_status(500, "the call has too many legs"), now);
        };
        self.rise(&mut then);
        then.insert(0, Output::TakeMedia { from, side: from_side, into: side });
        self.fill_side(side, newcomer, now, &mut then);
        Ready { save: self.put(), then }
    }

    /// What the other call of the last two has to leave: its only end.
    ///
    /// # Errors
    ///
    /// Why there is nothing.
    pub fn whole_estate(&self, leg: LegNo) -> Result<Estate, Cause> {
        let alone = self.is_in_room() && self.open_ends() == [leg];
        let stands = self.state == State::Talking && alone;
        stands
            .then(|| self.leave(vec![leg], None))
            .ok_or_else(|| Cause::of_status(481, "the other call is over"))
    }

    /// Whoever was to come does not.
    pub(super) fn not_united(&mut self, cause: Cause, now: Moment) -> Ready<Save, Output> {
        self.hang_up(None, cause, now)
    }

    /// A leg in a room asks for a transfer. RFC 4579 §5.6: a participant asks the focus for another call of
    /// its own, whose far end shall take part.
    pub(super) fn asked_in_room(&mut self, leg: LegNo, wish: TransferWish) -> Ready<Save, Output> {
        let TransferWish { ticket, to, replaces_own, referral } = wish;
        let refuse = |cause| Ready::say(vec![Output::Leg(leg, LegOrder::RefuseTransfer { ticket, cause })]);
        let room = self.meeting.as_ref().map(|meeting| meeting.room.clone());
        // Who waits at the door lets nobody in.
        let side = self.side_of(leg);
        let room =
            room.filter(|_| self.meeting.as_ref().is_some_and(|meeting| meeting.seats.contains_key(&side)));
        match (room, replaces_own, referral.replaces) {
            (Some(room), Some(owner), Some(replaces)) => Ready::say(vec![
                Output::Leg(leg, LegOrder::AcceptTransfer { ticket }),
                Output::Summon { room, owner, replaces: Box::new(replaces), leg, ticket },
            ]),
            // RFC 4579 §5.5: "a participant in a conference … can request that the focus … refer a new
            // participant": it is called in the participant's name.
            (Some(room), None, None) => match self.party_at(side).user.clone() {
                Some(by) => Ready::say(vec![
                    Output::Leg(leg, LegOrder::AcceptTransfer { ticket }),
                    Output::Invite { room, to, by, leg, ticket },
                ]),
                None => refuse(Cause::of_status(403, "only users of this switch invite others")),
            },
            _ => refuse(Cause::of_status(603, "call somebody first, then ask for that call")),
        }
    }

    /// Whether the other call came.
    pub(super) fn summoned(&mut self, leg: LegNo, ticket: Ticket, status: u16) -> Ready<Save, Output> {
        let stands = self.is_open_end(leg) && !ticket.quiet;
        let order = LegOrder::TellTransfer { ticket, status, left: None };
        Ready::say(if stands { vec![Output::Leg(leg, order)] } else { Vec::new() })
    }

    /// The room's actor was started anew.
    pub(super) fn room_began(&mut self, room: &RoomName) -> Ready<Save, Output> {
        let mut then = Vec::new();
        if self.meeting.as_ref().is_some_and(|meeting| meeting.room == *room) {
            self.tell_entered(&mut then);
        }
        Ready::say(then)
    }

    /// A key that was heard within the voice. The other end has heard it too.
    pub(super) fn key_in_voice(&mut self, side: Side, digit: char, millis: u32) -> Ready<Save, Output> {
        let leg = self.end_at(side).filter(|leg| self.is_open_end(*leg));
        // The media engine passed it on to an end that takes telephone events.
        let other = leg.filter(|leg| self.other_end(*leg).is_some()).and(self.takes_no_events(side.other()));
        let told = other.map(|other| Output::Leg(other, LegOrder::Key { digit, millis }));
        let means = leg.and_then(|leg| self.key_heard(leg, digit));
        Ready::say(told.into_iter().chain(means).collect())
    }

    /// A key in a room is the room's; in a call it may be part of the code that joins calls.
    pub(super) fn key_heard(&mut self, leg: LegNo, digit: char) -> Option<Output> {
        if let Some(meeting) = &self.meeting {
            return Some(Output::Room(meeting.room.clone(), RoomNews::Key(self.name_of(leg), digit)));
        }
        // A flash (RFC 4733 §3.2 event 16) is as good as the star.
        let digit = if digit == '!' { '*' } else { digit };
        let (who, typed) = &mut self.typed;
        if std::mem::replace(who, leg) != leg {
            typed.clear();
        }
        typed.push(digit);
        let code = &self.join_code;
        let excess = typed.len().saturating_sub(code.len());
        typed.drain(..excess);
        let complete = !code.is_empty() && *typed == *code && self.state == State::Talking;
        if !complete || self.transfer.is_some() {
            return None;
        }
        typed.clear();
        self.gathered_by(leg)
    }

    fn gathered_by(&self, leg: LegNo) -> Option<Output> {
        self.party_at(self.side_of(leg)).user.clone().map(Output::Gather)
    }

    /// The user of a leg wants all its calls in one conference.
    pub(super) fn conference_asked(&self, leg: LegNo) -> Ready<Save, Output> {
        let asked = self.gathered_by(leg).filter(|_| self.transfer.is_none());
        Ready::say(asked.into_iter().collect())
    }
}
