//! Rooms: which there are, which calls are in them, and how calls come together.
//!
//! The supervisor knows rooms by name and passes on what calls say when they come; the decisions are the
//! conference's own ([`kirkwall_core::call::conference`]).

use std::collections::{BTreeMap, BTreeSet};

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::conference::{
    Conference as Machine, MOST_PARTIES, Room, RoomKind, RoomName, RoomNews, RoomOrder, RoomView, Whom,
};
use kirkwall_core::call::{About, Phase};
use kirkwall_core::id::{CallRef, MixerId, OwnerId, Username};
use kirkwall_data::room::Rooms;
use metrics::{counter, gauge};
use tracing::{error, info, warn};

use super::{Admit, AdmitReply, Granted, Supervisor};
use crate::call::{Call, Cede, InRoom, Inheritance, Summon, Summoned};
use crate::conference::{CallGone, Conference, ConferenceSeed, Heard};

/// Most rooms at once, made by administrators or in calls.
pub(super) const MOST_ROOMS: usize = 1_000;
/// Beginning of the names of rooms that are made in calls; nobody dials it by chance.
const AD_HOC: &str = "conference-";

/// A room as the supervisor knows it.
pub(super) struct RoomEntry {
    pub addr: Addr<Conference>,
    pub view: RoomView,
    /// Calls that have said something to it. None leaves a room that stands and goes on: it ends, or the room does.
    calls: BTreeSet<CallRef>,
}

/// All rooms.
pub(super) type RoomBook = BTreeMap<RoomName, RoomEntry>;

impl Supervisor {
    /// Rooms stand before the calls that come back to them.
    pub(super) fn restore_rooms(&mut self, ctx: &mut Context<Self>) {
        for record in Rooms::new(&self.ports.journal).iter() {
            match record {
                Ok(record) => {
                    self.last_reference = self.last_reference.max(record.state.mixer().0);
                    self.start_room(record.state, ctx);
                }
                Err(fault) => error!(%fault, "a room cannot be read"),
            }
        }
    }

    pub(super) fn start_room(&mut self, machine: Machine, ctx: &mut Context<Self>) {
        let view = machine.view();
        let name = view.room.name.clone();
        let seed = ConferenceSeed {
            machine,
            supervisor: ctx.address(),
            ports: self.ports.clone(),
            sounds: self.settings.media.sounds.clone(),
        };
        let arbiter = self.roster.arbiter_of(&name.as_str());
        let addr = Conference::start_in_arbiter(&arbiter, move |_| Conference::new(seed));
        self.rooms.insert(name, RoomEntry { addr, view, calls: BTreeSet::new() });
        gauge!("ipdect_rooms").set(self.rooms.len() as f64);
    }

    /// A fresh room for calls of a user.
    pub(super) fn open_ad_hoc(
        &mut self,
        user: &Username,
        ctx: &mut Context<Self>,
    ) -> Result<RoomName, Cause> {
        if self.rooms.len() >= MOST_ROOMS {
            return Err(Cause::no_channel(503, format!("there are {MOST_ROOMS} conferences already")));
        }
        let word = self.tokens.word();
        let name: RoomName = format!("{AD_HOC}{word}")
            .parse()
            .map_err(|_| Cause::of_status(500, "a conference could not be named"))?;
        let room = Room {
            name: name.clone(),
            title: format!("Conference of {user}"),
            kind: RoomKind::AdHoc,
            pin: None,
            tones: self.settings.dialling.conference.tones,
            most: MOST_PARTIES,
            outside: false,
        };
        counter!("ipdect_conferences_total").increment(1);
        info!(%user, room = %name, "a conference was made");
        let mixer = MixerId(self.reference().0);
        self.start_room(Machine::new(room, mixer), ctx);
        Ok(name)
    }

    /// Whose name or number a room has.
    pub(super) fn room_named(&self, dialled: &str) -> Option<&RoomEntry> {
        self.rooms.get(&dialled.parse().ok()?)
    }

    /// Standing calls of a user beside one, and the room that each is in.
    fn other_calls(&self, user: &Username, beside: CallRef) -> Vec<(CallRef, Option<RoomName>)> {
        let with = |party: &kirkwall_core::call::Party| party.user.as_ref() == Some(user);
        let talks = self.calls.values().map(|entry| &entry.summary).filter(|summary| {
            let theirs = with(&summary.caller) || with(&summary.callee);
            summary.reference != beside && summary.phase == Phase::Talking && theirs
        });
        talks.map(|summary| (summary.reference, self.room_of(summary.reference))).collect()
    }

    /// Whether a call is in one of our rooms.
    pub(super) fn rooms_have(&self, call: CallRef) -> bool {
        self.room_of(call).is_some()
    }

    fn room_of(&self, call: CallRef) -> Option<RoomName> {
        let found = self.rooms.iter().find(|(_, entry)| entry.calls.contains(&call));
        found.map(|(name, _)| name.clone())
    }

    /// Brings all other calls of a user into one room: the one in which one of them is already, else a fresh
    /// one. Their user is there by the call that asks.
    pub(super) fn gather(
        &mut self,
        user: &Username,
        beside: CallRef,
        ctx: &mut Context<Self>,
    ) -> Result<RoomName, Cause> {
        let mut others = self.other_calls(user, beside);
        let own = self.room_of(beside);
        others.retain(|(_, room)| own.is_none() || *room != own);
        if others.is_empty() {
            return Err(Cause::of_status(404, "there is no other call to make a conference with"));
        }
        let known = own.or_else(|| others.iter().find_map(|(_, room)| room.clone()));
        let room = match known {
            Some(room) => room,
            None => self.open_ad_hoc(user, ctx)?,
        };
        for (call, at) in others {
            // One that is in another room stays there.
            if at.is_none_or(|at| at == room)
                && let Some(entry) = self.calls.get(&call)
            {
                let without = Some(Whom::User(user.clone()));
                entry.addr.do_send(InRoom(RoomOrder::Meet { room: room.clone(), without }));
            }
        }
        Ok(room)
    }

    /// The code that joins all calls on hold; the call by which it was dialled is the user's own end.
    pub(super) fn gather_by_code(&mut self, ask: &Admit, ctx: &mut Context<Self>) -> AdmitReply {
        let user = ask.caller.user.clone().ok_or_else(|| Cause::of_status(403, "the caller is not known"))?;
        self.take_common(ask, ask.srtp, false)?;
        let room = self.gather(&user, ask.call, ctx)?;
        Ok(into_room(room))
    }

    /// The conference factory: a fresh room, whose URI the caller learns from our Contact.
    pub(super) fn new_room(&mut self, ask: &Admit, ctx: &mut Context<Self>) -> AdmitReply {
        let user = ask.caller.user.clone().ok_or_else(|| Cause::of_status(403, "the caller is not known"))?;
        self.take_common(ask, ask.srtp, false)?;
        self.open_ad_hoc(&user, ctx).map(into_room)
    }

    /// No room waits for a call that is gone.
    pub(super) fn call_left_rooms(&mut self, call: CallRef) {
        for entry in self.rooms.values_mut() {
            if entry.calls.remove(&call) {
                entry.addr.do_send(CallGone(call));
            }
        }
    }
}

fn into_room(room: RoomName) -> Granted {
    let about = About { room: Some(room), ..About::default() };
    Granted { attempts: Vec::new(), credentials: None, about }
}

/// A call says something to the room that its ends are in.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RoomHears {
    /// Which room.
    pub room: RoomName,
    /// Which call.
    pub call: CallRef,
    /// Where it is told things.
    pub from: Addr<Call>,
    /// What.
    pub news: RoomNews,
}

impl Handler<RoomHears> for Supervisor {
    type Result = ();

    fn handle(&mut self, RoomHears { room, call, from, news }: RoomHears, _: &mut Self::Context) {
        match self.rooms.get_mut(&room) {
            Some(entry) => {
                entry.calls.insert(call);
                entry.addr.do_send(Heard { call, from, news });
            }
            None => {
                // It was closed meanwhile.
                if let RoomNews::Entered { member, .. } = news {
                    let cause = Cause::of_status(410, "the conference is over");
                    from.do_send(InRoom(RoomOrder::Dismiss(member, cause)));
                }
            }
        }
    }
}

/// A room has changed: for lists.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RoomChanged(pub Box<RoomView>);

impl Handler<RoomChanged> for Supervisor {
    type Result = ();

    fn handle(&mut self, RoomChanged(view): RoomChanged, _: &mut Self::Context) {
        let name = view.room.name.clone();
        if let Some(entry) = self.rooms.get_mut(&name) {
            entry.view = *view;
            self.roster_changed(&name);
        }
    }
}

/// A room's actor is gone, in whatever way.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RoomDied(pub RoomName);

impl Handler<RoomDied> for Supervisor {
    type Result = ();

    fn handle(&mut self, RoomDied(name): RoomDied, ctx: &mut Self::Context) {
        self.rooms.remove(&name);
        gauge!("ipdect_rooms").set(self.rooms.len() as f64);
        // A room that is over has taken its record with it.
        let Ok(Some(record)) = Rooms::new(&self.ports.journal).get(&name) else {
            return self.roster_over(&name);
        };
        warn!(room = %name, "a room's actor is gone without having ended");
        counter!("ipdect_actor_deaths_total", "actor" => "conference").increment(1);
        if self.deaths.may_restart(&format!("room {name}"), self.ports.clock.now()) {
            self.start_room(record.state, ctx);
            self.calls.values().for_each(|entry| entry.addr.do_send(crate::call::RoomBegan(name.clone())));
        }
    }
}

/// The user of a call wants all other calls of its own in a conference with it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct GatherCalls {
    /// The call that is in the user's ear.
    pub call: CallRef,
    /// Who.
    pub user: Username,
}

impl Handler<GatherCalls> for Supervisor {
    type Result = ();

    fn handle(&mut self, GatherCalls { call, user }: GatherCalls, ctx: &mut Self::Context) {
        if !self.convene(call, &user) {
            self.gather_inside(call, &user, ctx);
        }
    }
}

/// As [`GatherCalls`], in a room of ours.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct GatherInside {
    /// The call that is in the user's ear.
    pub call: CallRef,
    /// Who.
    pub user: Username,
}

impl Handler<GatherInside> for Supervisor {
    type Result = ();

    fn handle(&mut self, GatherInside { call, user }: GatherInside, ctx: &mut Self::Context) {
        self.gather_inside(call, &user, ctx);
    }
}

impl Supervisor {
    fn gather_inside(&mut self, call: CallRef, user: &Username, ctx: &mut Context<Self>) {
        match self.gather(user, call, ctx) {
            Ok(room) => {
                if let Some(entry) = self.calls.get(&call) {
                    entry.addr.do_send(InRoom(RoomOrder::Meet { room, without: None }));
                }
            }
            Err(cause) => info!(%call, why = %cause.words, "no conference was made"),
        }
    }
}

/// The last end of one call becomes another call's.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CedeCall {
    /// Which call gives.
    pub call: CallRef,
    /// Which end, by its name in tags.
    pub member: OwnerId,
    /// Who takes.
    pub heir: Addr<Call>,
}

impl Handler<CedeCall> for Supervisor {
    type Result = ();

    fn handle(&mut self, CedeCall { call, member, heir }: CedeCall, _: &mut Self::Context) {
        match self.calls.get(&call) {
            Some(entry) => entry.addr.do_send(Cede { member, heir }),
            None => heir.do_send(Inheritance::NotOurs),
        }
    }
}

/// Somebody in a room asks for another call of its own (RFC 4579 §5.6). Who asks hears [`Summoned`].
#[derive(Message)]
#[rtype(result = "()")]
pub struct SummonCall(pub Summon);

impl Handler<SummonCall> for Supervisor {
    type Result = ();

    fn handle(&mut self, SummonCall(summon): SummonCall, _: &mut Self::Context) {
        match self.calls.get(&self.call_of(summon.owner)) {
            Some(entry) => entry.addr.do_send(summon),
            None => {
                let Summon { from, leg, ticket, .. } = summon;
                from.do_send(Summoned { leg, ticket, status: 481 });
            }
        }
    }
}
