//! A conference: a room, who is in it, and who may come in.
//!
//! ```text
//!  an end of a call ──Entered──► at the door ──PIN──► inside: sits in the mixer with the others
//!                       └──no PIN, or vouched for──────►┘  │
//!          Left, CallGone, Remove ◄────────────────────────┘
//!  the last two of an ad-hoc room: one call again (Part, Unite); the last one: sent away
//! ```
//!
//! A room holds *ends of calls*: a call with two ends in a room is as good as two calls. The calls keep
//! their dialogs, sessions and media; the room says who sits in the mixer ([`RoomOrder`]).
//!
//! *Meet-me* rooms are made by administrators and stay when they are empty. *Ad-hoc* rooms are made in a
//! call and go with their parties: with two left it is an ordinary call again, and with one it is over.
//!
//! The record is the whole conference, so after a crash everybody who was inside comes in without a PIN,
//! muted as before. Who does not come back within [`RETURN`] has gone.
//!
//! Failures: a room that is full refuses (486), a PIN that is wrong three times sends away (403), and so
//! does a minute without any (408).

mod door;
pub mod event;
pub mod notification;
#[cfg(test)]
pub(in crate::call) mod tests;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::door::Door;
pub use self::words::{
    Announcement, Input, MemberView, Output, Prompt, Refusal, Room, RoomFaults, RoomKind, RoomName, RoomNews,
    RoomOrder, RoomView, Save, Whom,
};
use crate::call::Party;
use crate::call::cause::Cause;
use crate::id::{CallRef, MixerId, OwnerId};
use crate::machine::{Machine, Ready};
use crate::timer::{Moment, TimerTable};

/// Most parties of a room: what the media engine mixes.
pub const MOST_PARTIES: u8 = 32;
/// How long those who were inside have to come back after a restart.
pub const RETURN: Duration = Duration::from_secs(30);
/// How long an ad-hoc room waits for its first parties.
const FIRST: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Ours: [`RETURN`], [`FIRST`].
    Return,
    /// Ours: somebody at the door types nothing.
    Door,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Member {
    call: CallRef,
    party: Party,
    since: Moment,
    /// In which order they came.
    rank: u64,
    muted: bool,
    /// None: inside.
    door: Option<Door>,
    /// It is there in this life of the process.
    #[serde(skip)]
    here: bool,
}

/// A conference. Its `serde` form is its record on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Conference {
    room: Room,
    mixer: MixerId,
    members: BTreeMap<OwnerId, Member>,
    /// Whether three were inside at a time: before that nobody has left.
    met: bool,
    ranks: u64,
    #[serde(skip)]
    over: bool,
    #[serde(skip)]
    timers: TimerTable<Timer>,
}

impl PartialEq for Conference {
    /// As records.
    fn eq(&self, other: &Self) -> bool {
        (&self.room, self.mixer, self.met) == (&other.room, other.mixer, other.met)
            && self.members == other.members
    }
}

type Orders = Vec<Output>;

impl Conference {
    /// A room with nobody in it.
    pub fn new(room: Room, mixer: MixerId) -> Self {
        Self {
            room,
            mixer,
            members: BTreeMap::new(),
            met: false,
            ranks: 0,
            over: false,
            timers: TimerTable::default(),
        }
    }

    /// As it is set up.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Where its parties are mixed.
    pub fn mixer(&self) -> MixerId {
        self.mixer
    }

    /// Whether the owner may drop it.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// As lists show it.
    pub fn view(&self) -> RoomView {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by_key(|(_, member)| member.rank);
        let view = |(id, member): (&OwnerId, &Member)| MemberView {
            id: *id,
            call: member.call,
            number: member.party.number.clone(),
            display: member.party.display.clone(),
            since: member.since,
            waits: member.door.is_some(),
            muted: member.muted,
        };
        RoomView { room: self.room.clone(), members: members.into_iter().map(view).collect() }
    }

    fn inside(&self) -> impl Iterator<Item = (&OwnerId, &Member)> {
        self.members.iter().filter(|(_, member)| member.door.is_none())
    }

    fn started(&mut self, now: Moment) -> Ready<Save, Output> {
        match (self.members.is_empty(), self.room.kind) {
            (true, RoomKind::MeetMe | RoomKind::Pool) => {}
            (true, RoomKind::AdHoc) => self.timers.set(Timer::Return, now + FIRST),
            (false, _) => self.timers.set(Timer::Return, now + RETURN),
        }
        self.saved(Vec::new())
    }

    fn set(&mut self, room: Room) -> Ready<Save, Output> {
        self.room = room;
        self.saved(Vec::new())
    }

    fn entered(
        &mut self,
        member: OwnerId,
        (call, party, vouched): (CallRef, Party, bool),
        now: Moment,
    ) -> Ready<Save, Output> {
        if let Some(known) = self.members.get_mut(&member) {
            (known.call, known.here) = (call, true);
            return match known.door {
                None => Ready::say(vec![self.sit(member)]),
                Some(_) => self.ask(member, call, Prompt::AskPin, now),
            };
        }
        if self.members.len() >= self.room.most as usize {
            let cause = Cause::of_status(486, format!("the room has {} parties already", self.room.most));
            return Ready::say(vec![Output::Call(call, RoomOrder::Dismiss(member, cause))]);
        }
        let asked = self.room.pin.is_some() && !vouched;
        self.ranks += 1;
        let door = asked.then(Door::default);
        let newcomer = Member { call, party, since: now, rank: self.ranks, muted: false, door, here: true };
        self.members.insert(member, newcomer);
        match asked {
            true => self.ask(member, call, Prompt::AskPin, now),
            false => self.let_in(member, now),
        }
    }

    /// The others hear that somebody comes, and then who it is.
    fn let_in(&mut self, member: OwnerId, now: Moment) -> Ready<Save, Output> {
        if let Some(member) = self.members.get_mut(&member) {
            (member.door, member.since) = (None, now);
        }
        // Somebody new says nothing of those who have yet to come back.
        if self.members.values().all(|member| member.here) {
            self.timers.stop(Timer::Return);
        }
        let inside = self.inside().count();
        self.met |= inside >= 3;
        let mut then = vec![self.sit(member)];
        if self.room.tones && inside > 1 {
            then.push(Output::Announce(Announcement::Joined));
        }
        self.saved(then)
    }

    fn sit(&self, member: OwnerId) -> Output {
        let of = |member: &Member| (member.call, member.muted);
        let (call, muted) = self.members.get(&member).map_or((CallRef(0), false), of);
        Output::Call(call, RoomOrder::Sit { member, mixer: self.mixer, muted })
    }

    fn left(&mut self, gone: impl Fn(&OwnerId, &Member) -> bool) -> Ready<Save, Output> {
        let (before, were_inside) = (self.members.len(), self.inside().count());
        self.members.retain(|id, member| !gone(id, member));
        if self.members.len() == before {
            return Ready::nothing();
        }
        let mut then = Vec::new();
        let inside = self.inside().count();
        if self.room.tones && inside > 0 && inside < were_inside {
            then.push(Output::Announce(Announcement::Gone));
        }
        self.collapse(&mut then);
        self.saved(then)
    }

    /// What is left of an ad-hoc conference: two are a call, one is nobody to talk with.
    fn collapse(&mut self, then: &mut Orders) {
        if self.room.kind != RoomKind::AdHoc {
            return;
        }
        let left: Vec<_> = self.members.iter().map(|(id, member)| (*id, member.call)).collect();
        match left.as_slice() {
            [] => self.over = true,
            [(member, call)] if self.met => {
                let cause =
                    Cause { words: "everybody else has left the conference".into(), ..Cause::normal() };
                then.push(Output::Call(*call, RoomOrder::Dismiss(*member, cause)));
                self.over = true;
            }
            [(_, call), (_, other)] if self.met && call == other => {
                then.push(Output::Call(*call, RoomOrder::Part));
                self.over = true;
            }
            [(_, heir), (member, call)] if self.met => {
                then.push(Output::Call(*heir, RoomOrder::Unite(*call, *member)));
                self.over = true;
            }
            _ => {}
        }
    }

    fn mute(&mut self, id: OwnerId, muted: bool) -> Result<Ready<Save, Output>, Refusal> {
        let member = self.members.get_mut(&id).filter(|member| member.door.is_none());
        let Some(member) = member else {
            return Err(self.refuse("an order about somebody who is not inside"));
        };
        member.muted = muted;
        let then = vec![self.sit(id)];
        Ok(self.saved(then))
    }

    fn remove(&mut self, id: OwnerId, cause: Cause) -> Result<Ready<Save, Output>, Refusal> {
        let Some(member) = self.members.get(&id) else {
            return Err(self.refuse("an order about somebody who is not there"));
        };
        let away = Output::Call(member.call, RoomOrder::Dismiss(id, cause));
        let mut ready = self.left(|other, _| *other == id);
        ready.then.insert(0, away);
        Ok(ready)
    }

    fn close(&mut self) -> Ready<Save, Output> {
        let cause = || Cause { words: "the conference was closed".into(), ..Cause::normal() };
        let away =
            |(id, member): (&OwnerId, &Member)| Output::Call(member.call, RoomOrder::Dismiss(*id, cause()));
        let then = self.members.iter().map(away).collect();
        self.members.clear();
        self.over = true;
        self.saved(then)
    }

    fn deadline_passed(&mut self, now: Moment) -> Ready<Save, Output> {
        match self.timers.pop_expired(now) {
            Some(Timer::Return) => {
                let mut ready = self.left(|_, member| !member.here);
                if self.members.is_empty() && self.room.kind == RoomKind::AdHoc && !self.over {
                    self.over = true;
                    ready = self.saved(ready.then);
                }
                ready
            }
            Some(Timer::Door) => self.door_closes(now),
            None => Ready::nothing(),
        }
    }

    /// Saves what stands now, or that nothing does any more.
    fn saved(&mut self, mut then: Orders) -> Ready<Save, Output> {
        if self.over {
            self.members.clear();
            self.timers.stop_all();
            then.push(Output::Over);
            return Ready { save: vec![Save::Delete(self.room.name.clone())], then };
        }
        then.push(Output::Changed(Box::new(self.view())));
        Ready { save: vec![Save::Put(Box::new(self.clone()))], then }
    }

    fn refuse(&self, input: &'static str) -> Refusal {
        Refusal { room: self.room.name.clone(), input }
    }
}

impl Machine for Conference {
    type Input = Input;
    type Save = Save;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Ready<Save, Output>, Refusal> {
        match input {
            // Who comes while the last ones part has nobody to talk with.
            Input::Entered { member, call, .. } if self.over => {
                let cause = Cause::of_status(410, "the conference is over");
                Ok(Ready::say(vec![Output::Call(call, RoomOrder::Dismiss(member, cause))]))
            }
            _ if self.over => Err(self.refuse("anything: it is over")),
            Input::Started => Ok(self.started(now)),
            Input::Set(room) => Ok(self.set(room)),
            Input::Entered { member, call, party, vouched } => {
                Ok(self.entered(member, (call, party, vouched), now))
            }
            Input::Key(member, digit) => Ok(self.key(member, digit, now)),
            Input::Left(member) => Ok(self.left(|id, _| *id == member)),
            Input::CallGone(call) => Ok(self.left(|_, member| member.call == call)),
            Input::Mute(member, muted) => self.mute(member, muted),
            Input::Remove(member) => {
                let cause = Cause { words: "removed from the conference".into(), ..Cause::normal() };
                self.remove(member, cause)
            }
            Input::Close => Ok(self.close()),
            Input::Deadline => Ok(self.deadline_passed(now)),
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}
