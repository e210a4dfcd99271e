//! What administrators ask and order of rooms.

use std::future::ready;

use actix::prelude::*;
use kirkwall_core::call::conference::{
    Conference as Machine, MOST_PARTIES, Room, RoomKind, RoomName, RoomView,
};
use kirkwall_core::call::route::Map;
use kirkwall_core::id::MixerId;
use kirkwall_core::lync::conference::FocusInput;
use kirkwall_core::pii::Pii;

use super::Supervisor;
use super::books::Books;
use super::rooms::MOST_ROOMS;
use crate::conference::{Administer, Conference, Inspect};
use crate::desk::{
    ChangeRoom, CreateRoom, DeleteRoom, DeskFault, FieldFault, GetRoom, ListRooms, MuteMember, RemoveMember,
    RoomDraft,
};

impl Supervisor {
    fn room_addr(&self, name: &RoomName) -> Result<Addr<Conference>, DeskFault> {
        let entry = self.rooms.get(name);
        entry.map(|entry| entry.addr.clone()).ok_or_else(|| DeskFault::NotFound(format!("room {name}")))
    }

    /// A name that can be dialled and is not dialled for something else.
    fn room_name(&self, name: &str) -> Result<RoomName, DeskFault> {
        let wrong = |detail: String| DeskFault::Invalid(vec![FieldFault::new("name", detail)]);
        let room: RoomName = name.parse().map_err(|fault| wrong(format!("{fault}")))?;
        if self.rooms.contains_key(&room) {
            return Err(DeskFault::Conflict(format!("there is a room {name} already")));
        }
        let (plan, books) = (&self.settings.dialling, Books(self));
        let user = name.parse().is_ok_and(|user| books.user(&user).is_some());
        if user || books.user_of_number(name).is_some() {
            return Err(wrong("a user has this number; choose another".into()));
        }
        let other = plan.emergency.iter().any(|number| number == name) || plan.codes.read(name).is_some();
        if other || plan.conference.factory == name {
            return Err(wrong("this is dialled for something else; choose another".into()));
        }
        Ok(room)
    }

    fn create_room(
        &mut self,
        create: CreateRoom,
        ctx: &mut Context<Self>,
    ) -> Result<Addr<Conference>, DeskFault> {
        let room = Room {
            name: self.room_name(&create.name)?,
            title: String::new(),
            kind: RoomKind::MeetMe,
            pin: None,
            tones: true,
            most: MOST_PARTIES,
            outside: false,
        };
        let room = drafted(room, create.draft)?;
        if self.rooms.len() >= MOST_ROOMS {
            return Err(DeskFault::Conflict(format!("there are {MOST_ROOMS} rooms; remove one first")));
        }
        let (name, mixer) = (room.name.clone(), MixerId(self.reference().0));
        self.start_room(Machine::new(room, mixer), ctx);
        self.room_addr(&name)
    }
}

/// A room with what is drafted.
fn drafted(room: Room, draft: RoomDraft) -> Result<Room, DeskFault> {
    let RoomDraft { title, pin, tones, most, outside } = draft;
    let room = Room {
        title: title.map_or(room.title, |title| title.trim().to_owned()),
        pin: match pin {
            None => room.pin,
            Some(Pii(pin)) => Some(Pii(pin)).filter(|Pii(pin)| !pin.is_empty()),
        },
        tones: tones.unwrap_or(room.tones),
        most: most.map_or(room.most, |most| u8::try_from(most).unwrap_or(u8::MAX)),
        outside: outside.unwrap_or(room.outside),
        ..room
    };
    let faults = room.faults();
    match faults.is_empty() {
        true => Ok(room),
        false => {
            let fault = |(field, detail): (&'static str, String)| FieldFault::new(field, detail);
            Err(DeskFault::Invalid(faults.into_iter().map(fault).collect()))
        }
    }
}

/// Gives an order, and how the room is once that is on disk.
async fn administer(room: Addr<Conference>, order: Option<Administer>) -> Result<RoomView, DeskFault> {
    let gone = |_| DeskFault::Busy("the room's actor is gone".into());
    if let Some(order) = order {
        room.send(order).await.map_err(gone)??;
    }
    room.send(Inspect).await.map_err(gone)
}

type RoomFuture = ResponseFuture<Result<RoomView, DeskFault>>;

fn when(room: Result<Addr<Conference>, DeskFault>, order: Option<Administer>) -> RoomFuture {
    match room {
        Ok(room) => Box::pin(administer(room, order)),
        Err(fault) => Box::pin(ready(Err(fault))),
    }
}

impl Handler<ListRooms> for Supervisor {
    type Result = MessageResult<ListRooms>;

    fn handle(&mut self, _: ListRooms, _: &mut Self::Context) -> Self::Result {
        let ours = self.rooms.values().map(|entry| entry.view.clone());
        MessageResult(ours.chain(self.conferences.views()).collect())
    }
}

impl Handler<GetRoom> for Supervisor {
    type Result = RoomFuture;

    fn handle(&mut self, GetRoom(name): GetRoom, _: &mut Self::Context) -> Self::Result {
        match self.conferences.view(&name) {
            Some(view) => Box::pin(ready(Ok(view))),
            None => when(self.room_addr(&name), None),
        }
    }
}

impl Handler<CreateRoom> for Supervisor {
    type Result = RoomFuture;

    fn handle(&mut self, create: CreateRoom, ctx: &mut Self::Context) -> Self::Result {
        when(self.create_room(create, ctx), None)
    }
}

impl Handler<ChangeRoom> for Supervisor {
    type Result = RoomFuture;

    fn handle(&mut self, ChangeRoom { name, draft }: ChangeRoom, _: &mut Self::Context) -> Self::Result {
        let known = self.rooms.get(&name).map(|entry| entry.view.room.clone());
        let known = known.ok_or_else(|| DeskFault::NotFound(format!("room {name}")));
        match known.and_then(|room| drafted(room, draft)) {
            Ok(room) => when(self.room_addr(&name), Some(Administer::Set(room))),
            Err(fault) => Box::pin(ready(Err(fault))),
        }
    }
}

impl Handler<DeleteRoom> for Supervisor {
    type Result = ResponseFuture<Result<(), DeskFault>>;

    fn handle(&mut self, DeleteRoom(name): DeleteRoom, _: &mut Self::Context) -> Self::Result {
        let room = self.room_addr(&name);
        Box::pin(async move {
            let gone = |_| DeskFault::Busy("the room's actor is gone".into());
            room?.send(Administer::Close).await.map_err(gone)?
        })
    }
}

impl Handler<MuteMember> for Supervisor {
    type Result = RoomFuture;

    fn handle(&mut self, mute: MuteMember, _: &mut Self::Context) -> Self::Result {
        let MuteMember { room, member, muted } = mute;
        if let Some(view) = self.conferences.order(&room, member, |uri| FocusInput::Mute(uri, muted)) {
            return Box::pin(ready(Ok(view)));
        }
        when(self.room_addr(&room), Some(Administer::Mute(member, muted)))
    }
}

impl Handler<RemoveMember> for Supervisor {
    type Result = ResponseFuture<Result<(), DeskFault>>;

    fn handle(&mut self, RemoveMember { room, member }: RemoveMember, _: &mut Self::Context) -> Self::Result {
        if self.conferences.order(&room, member, FocusInput::Remove).is_some() {
            return Box::pin(ready(Ok(())));
        }
        let room = self.room_addr(&room);
        Box::pin(async move {
            let gone = |_| DeskFault::Busy("the room's actor is gone".into());
            room?.send(Administer::Remove(member)).await.map_err(gone)?
        })
    }
}
