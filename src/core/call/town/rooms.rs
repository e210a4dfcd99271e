//! Rooms of the town: the supervisor's part and the room's own, as in `actors/conference` and
//! `actors/supervisor/rooms`.

use super::Town;
use super::node::*;
use crate::call::cause::Cause;
use crate::call::conference::{
    Conference, Input as RoomInput, MOST_PARTIES, Output, Room, RoomKind, RoomName, RoomNews, RoomOrder,
    Save, Whom,
};
use crate::call::dect_leg::LineNo;
use crate::call::house::{HouseLeg, HouseWish};
use crate::call::{About, Input, LegNo, NewCall, Phase};
use crate::id::{CallRef, MixerId, OwnerId, Username};
use crate::machine::{Machine, Ready};
use crate::pii::Pii;
use crate::sip::Facing;
use crate::sip::wire::{Text, Uri};

/// The PIN of the room 8002.
pub const PIN: &str = "1234";

impl Town {
    /// What an administrator has set up.
    pub(super) fn found_rooms(&mut self) {
        for (name, pin, outside) in [("8001", None, false), ("8002", Some(PIN), true)] {
            let room = Room {
                name: name.parse().expect("a name"),
                title: String::new(),
                kind: RoomKind::MeetMe,
                pin: pin.map(|pin| Pii(pin.to_owned())),
                tones: true,
                most: 4,
                outside,
            };
            let mixer = self.next_mixer();
            self.start_room(Conference::new(room, mixer));
        }
    }

    fn next_mixer(&mut self) -> MixerId {
        let reference = self.reference();
        self.unused.insert(reference);
        MixerId(reference.0)
    }

    pub(super) fn start_room(&mut self, machine: Conference) {
        let (name, mixer) = (machine.room().name.clone(), machine.mixer());
        self.node.rooms.insert(name, RoomEntry { machine, calls: Default::default() });
        self.room_step(mixer, RoomInput::Started);
    }

    /// What a room hears that has not stopped.
    pub(super) fn room_step(&mut self, mixer: MixerId, input: RoomInput) {
        let entry = self.node.rooms.values_mut().find(|entry| entry.machine.mixer() == mixer);
        let Some(entry) = entry.filter(|entry| !entry.machine.is_over()) else { return };
        let name = entry.machine.room().name.clone();
        let text = self.diary.is_some().then(|| format!("room {name} <- {input:?}"));
        let Ok(Ready { save, then }) = entry.machine.handle(input, self.now) else { return };
        self.note(|| text.unwrap_or_default());
        let saved = !save.is_empty();
        for save in save {
            match save {
                Save::Put(state) => drop(self.disk.rooms.insert(name.clone(), *state)),
                Save::Delete(name) => drop(self.disk.rooms.remove(&name)),
            }
        }
        if saved && self.struck_by_lightning() {
            return;
        }
        for output in then {
            match output {
                Output::Call(call, order) => {
                    match &order {
                        RoomOrder::Part => self.tallied("two left in a room part"),
                        RoomOrder::Unite(..) => self.tallied("two left in a room unite"),
                        RoomOrder::Prompt(..) => self.tallied("PIN asked"),
                        RoomOrder::Sit { .. } => self.tallied("seat in a room"),
                        _ => {}
                    }
                    self.node.post(Mailbox::Call(call), Mail::InRoom(order));
                }
                Output::Announce(_) | Output::Changed(_) => {}
                Output::Over => self.node.post(Mailbox::Supervisor, Mail::RoomDied(name.clone())),
            }
        }
    }

    pub(super) fn room_hears(&mut self, room: &RoomName, call: CallRef, news: RoomNews) {
        match self.node.rooms.get_mut(room) {
            Some(entry) => {
                entry.calls.insert(call);
                let to = Mailbox::Room(entry.machine.mixer());
                self.node.post(to, Mail::ToRoom(news.from_call(call)));
            }
            None => {
                if let RoomNews::Entered { member, .. } = news {
                    let cause = Cause::of_status(410, "the conference is over");
                    let away = Mail::InRoom(RoomOrder::Dismiss(member, cause));
                    self.node.post(Mailbox::Call(call), away);
                }
            }
        }
    }

    pub(super) fn call_left_rooms(&mut self, call: CallRef) {
        let mut told = Vec::new();
        for entry in self.node.rooms.values_mut() {
            if entry.calls.remove(&call) {
                told.push(entry.machine.mixer());
            }
        }
        for mixer in told {
            self.node.post(Mailbox::Room(mixer), Mail::ToRoom(RoomInput::CallGone(call)));
        }
    }

    fn open_ad_hoc(&mut self, user: &Username) -> Result<RoomName, Cause> {
        let word = self.tokens.word();
        let name: RoomName = format!("conference-{word}").parse().expect("a name");
        let room = Room {
            name: name.clone(),
            title: format!("Conference of {user}"),
            kind: RoomKind::AdHoc,
            pin: None,
            tones: true,
            most: MOST_PARTIES,
            outside: false,
        };
        self.tallied("conference made");
        let mixer = self.next_mixer();
        self.start_room(Conference::new(room, mixer));
        Ok(name)
    }

    fn room_of(&self, call: CallRef) -> Option<RoomName> {
        let found = self.node.rooms.iter().find(|(_, entry)| entry.calls.contains(&call));
        found.map(|(name, _)| name.clone())
    }

    /// Brings all other calls of a user into one room.
    fn gather(&mut self, user: &Username, beside: CallRef) -> Result<RoomName, Cause> {
        let theirs = |exchange: &&Exchange| {
            let with = |party: &crate::call::Party| party.user.as_ref() == Some(user);
            let summary = &exchange.summary;
            let stands = summary.reference != beside && summary.phase == Phase::Talking;
            stands && (with(&summary.caller) || with(&summary.callee))
        };
        let mut others: Vec<_> = self.node.calls.values().filter(theirs).collect::<Vec<_>>();
        let mut others: Vec<_> = others
            .drain(..)
            .map(|exchange| exchange.summary.reference)
            .map(|c| (c, self.room_of(c)))
            .collect();
        let own = self.room_of(beside);
        others.retain(|(_, room)| own.is_none() || *room != own);
        if others.is_empty() {
            return Err(Cause::of_status(404, "there is no other call to make a conference with"));
        }
        let known = own.or_else(|| others.iter().find_map(|(_, room)| room.clone()));
        let room = match known {
            Some(room) => room,
            None => self.open_ad_hoc(user)?,
        };
        for (call, at) in others {
            if at.is_none_or(|at| at == room) {
                let without = Some(Whom::User(user.clone()));
                let order = RoomOrder::Meet { room: room.clone(), without };
                self.node.post(Mailbox::Call(call), Mail::InRoom(order));
            }
        }
        Ok(room)
    }

    pub(super) fn gather_calls(&mut self, call: CallRef, user: &Username) {
        if let Ok(room) = self.gather(user, call)
            && self.node.calls.contains_key(&call)
        {
            let order = RoomOrder::Meet { room, without: None };
            self.node.post(Mailbox::Call(call), Mail::InRoom(order));
        }
    }

    pub(super) fn gather_by_code(&mut self, user: &Username, call: CallRef) -> Granted {
        self.gather(user, call).map(into_room)
    }

    pub(super) fn new_room(&mut self, user: &Username) -> Granted {
        self.open_ad_hoc(user).map(into_room)
    }

    pub(super) fn cede_call(&mut self, call: CallRef, member: OwnerId, heir: CallRef) {
        let (to, mail) = match self.node.calls.contains_key(&call) {
            true => (Mailbox::Call(call), Mail::CedeTo { member, heir }),
            false => (Mailbox::Call(heir), Mail::NotOurs),
        };
        self.node.post(to, mail);
    }

    pub(super) fn summon(&mut self, summons: Summons) {
        let call = self.node.call_of(summons.owner);
        let told = summons.told;
        let (to, mail) = match self.node.calls.contains_key(&call) {
            true => (Mailbox::Call(call), Mail::SummonedTo(summons)),
            false => (Mailbox::Call(told.call), Mail::Summoned(told, 481)),
        };
        self.node.post(to, mail);
    }

    /// Calls somebody in a user's name, and brings whoever answers into the room.
    pub(super) fn invite_to_room(&mut self, room: &RoomName, to: String, by: &Username, told: Told) {
        let Some(dialled) = Uri::parse(&Text::from(to)) else {
            return self.node.post(Mailbox::Call(told.call), Mail::Summoned(told, 484));
        };
        self.tallied("somebody invited to a room");
        let reference = self.reference();
        let callee = crate::call::Party { number: dialled.user_text(), ..Default::default() };
        let (caller, facing) = (self.party(by.as_str(), None), Facing::South);
        let new = NewCall { reference, caller, dialled: callee, facing, offer: Some(HouseLeg::offer()) };
        self.place_call(new, Some(dialled), facing);
        let wish = HouseWish::Connect(format!("sip:{room}@switch.test"));
        let voice = Voice::House(HouseLeg::new(wish), Some(told));
        let serves = Some((reference, LegNo::CALLER));
        let agent = self.node.agent(Agent { voice, serves, why: None, owner: OwnerId(0) });
        if let Some(exchange) = self.node.calls.get_mut(&reference) {
            exchange.legs.insert(LegNo::CALLER, LegAddr { agent, line: LineNo::FIRST });
        }
        self.node.post(Mailbox::Call(reference), Mail::Input(Input::Started));
        self.node.post(Mailbox::Agent(agent), Mail::Start);
    }
}

pub fn into_room(room: RoomName) -> (Vec<Vec<crate::call::Target>>, About) {
    (Vec::new(), About { room: Some(room), ..About::default() })
}
