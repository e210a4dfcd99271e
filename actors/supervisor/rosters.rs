//! Rosters of rooms: who asks for which, and by which room's service they are told.

use std::collections::HashMap;

use actix::prelude::*;
use kirkwall_core::call::conference::RoomName;
use kirkwall_core::call::conference::notification::ServiceName;
use kirkwall_core::id::OwnerId;
use kirkwall_core::sip::Peer;
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_data::room_subscribers::RoomSubscribers;
use metrics::counter;
use tracing::error;

use super::{OWNER_OF_LINE, Supervisor};
use crate::conference::Inspect;
use crate::notification::{
    NotificationSeed, NotificationService, OF_ROSTER, RoomIs, SubscribeRoster, is_of_roster,
};

/// The services, by room and by their numbers. One whose room is over has a number only.
#[derive(Default)]
pub(super) struct Rosters {
    of_rooms: HashMap<RoomName, (Addr<NotificationService>, OwnerId)>,
    owners: HashMap<OwnerId, Addr<NotificationService>>,
    last: u64,
}

impl Rosters {
    /// Whose a number in a branch is.
    pub fn of_owner(&self, owner: OwnerId) -> Option<&Addr<NotificationService>> {
        self.owners.get(&owner).filter(|_| is_of_roster(owner))
    }
}

impl Supervisor {
    /// Who was subscribed when the process ended still is, to rooms that still stand.
    pub(super) fn restore_rosters(&mut self, ctx: &mut Context<Self>) {
        let store = RoomSubscribers::new(&self.ports.journal);
        for record in store.iter() {
            match record {
                Ok(record) if self.rooms.contains_key(&record.room) => _ = self.roster_of(&record.room, ctx),
                Ok(record) => drop(self.ports.journal.save(vec![store.delete(&record.room)])),
                Err(fault) => error!(%fault, "the subscribers of a room cannot be read"),
            }
        }
    }

    fn roster_of(&mut self, room: &RoomName, ctx: &mut Context<Self>) -> Option<Addr<NotificationService>> {
        if let Some((addr, _)) = self.rosters.of_rooms.get(room).filter(|(addr, _)| addr.connected()) {
            return Some(addr.clone());
        }
        let view = self.rooms.get(room)?.view.clone();
        self.rosters.last += 1;
        let owner = OwnerId(OWNER_OF_LINE | OF_ROSTER | self.rosters.last);
        let sips = self.settings.north.as_ref().is_some_and(|north| north.use_sips_uri);
        let scheme = if sips { "sips" } else { "sip" };
        let name = ServiceName {
            owner,
            entity: self.aor(room.as_str()),
            domain: (scheme.to_owned(), self.settings.domain.clone()),
            user_agent: self.settings.user_agent.clone(),
        };
        let seed = NotificationSeed {
            room: room.clone(),
            name,
            view,
            ports: self.ports.clone(),
            settings: self.settings.clone(),
            supervisor: ctx.address(),
            tokens: self.tokens.split(),
        };
        let arbiter = self.roster.arbiter_of(&room.as_str());
        let addr = NotificationService::start_in_arbiter(&arbiter, move |_| NotificationService::new(seed));
        self.rosters.owners.insert(owner, addr.clone());
        self.rosters.of_rooms.insert(room.clone(), (addr.clone(), owner));
        Some(addr)
    }

    /// A handset asks who is in a room. What its call has said of it there is heard first.
    pub(super) fn subscribe_roster(&mut self, request: SipMessage, peer: Peer, ctx: &mut Context<Self>) {
        let Some(user) = self.authentic(&request, &peer) else { return };
        let uris = request.request_uri().into_iter().chain(request.to().map(|to| to.uri));
        let mut names = uris.filter_map(|uri| uri.user_text().parse::<RoomName>().ok());
        let found = names.find_map(|name| Some((self.rooms.get(&name)?.addr.clone(), name)));
        let Some((addr, room)) = found else {
            // A subscription goes with its room.
            let status = if request.to_tag().is_some() { 481 } else { 404 };
            return self.refuse(&request, &peer, status);
        };
        let ask = AskRoster { room, ask: SubscribeRoster { request, peer, user } };
        let heard = addr.send(Inspect).into_actor(self);
        // What the room has told us meanwhile is in our mailbox: behind it.
        ctx.spawn(heard.map(move |_, _, ctx| ctx.address().do_send(ask)));
    }

    /// The room has changed.
    pub(super) fn roster_changed(&self, room: &RoomName) {
        if let Some((addr, _)) = self.rosters.of_rooms.get(room)
            && let Some(entry) = self.rooms.get(room)
        {
            addr.do_send(RoomIs(Some(Box::new(entry.view.clone()))));
        }
    }

    /// The room is over.
    pub(super) fn roster_over(&mut self, room: &RoomName) {
        if let Some((addr, _)) = self.rosters.of_rooms.remove(room) {
            addr.do_send(RoomIs(None));
        }
    }
}

/// Somebody asks for a roster, and the room has said how it is.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AskRoster {
    room: RoomName,
    ask: SubscribeRoster,
}

impl Handler<AskRoster> for Supervisor {
    type Result = ();

    fn handle(&mut self, AskRoster { room, ask }: AskRoster, ctx: &mut Self::Context) {
        match self.roster_of(&room, ctx) {
            Some(addr) => addr.do_send(ask),
            None => self.refuse(&ask.request, &ask.peer, 404),
        }
    }
}

/// A service is gone: its room is over, or it has died.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct NotificationDied {
    /// Of which room.
    pub room: RoomName,
    /// Its number.
    pub owner: OwnerId,
}

impl Handler<NotificationDied> for Supervisor {
    type Result = ();

    fn handle(&mut self, NotificationDied { room, owner }: NotificationDied, ctx: &mut Self::Context) {
        self.rosters.owners.remove(&owner);
        if self.rosters.of_rooms.get(&room).is_none_or(|(_, known)| *known != owner) {
            return;
        }
        self.rosters.of_rooms.remove(&room);
        counter!("ipdect_actor_deaths_total", "actor" => "notification").increment(1);
        match self.deaths.may_restart(&format!("roster {room}"), self.ports.clock.now()) {
            true => _ = self.roster_of(&room, ctx),
            false => {
                error!(%room, "a room's notification service keeps dying; it stays away until asked for")
            }
        }
    }
}
