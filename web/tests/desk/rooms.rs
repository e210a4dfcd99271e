//! Rooms of the scripted switch: a new one has Anna in it.

use kirkwall_core::call::conference::{MemberView, Room, RoomKind, RoomName, RoomView};
use kirkwall_core::id::OwnerId;

use super::*;

impl Handler<ListRooms> for TestDesk {
    type Result = MessageResult<ListRooms>;

    fn handle(&mut self, _: ListRooms, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.rooms.clone())
    }
}

impl TestDesk {
    fn room(&mut self, name: &RoomName) -> Result<&mut RoomView, DeskFault> {
        let found = self.rooms.iter_mut().find(|view| view.room.name == *name);
        found.ok_or_else(|| DeskFault::NotFound(format!("room {name}")))
    }
}

impl Handler<GetRoom> for TestDesk {
    type Result = Result<RoomView, DeskFault>;

    fn handle(&mut self, GetRoom(name): GetRoom, _: &mut Self::Context) -> Self::Result {
        self.room(&name).cloned()
    }
}

impl Handler<CreateRoom> for TestDesk {
    type Result = Result<RoomView, DeskFault>;

    fn handle(&mut self, CreateRoom { name, draft }: CreateRoom, _: &mut Self::Context) -> Self::Result {
        let wrong = |field: &str| DeskFault::Invalid(vec![FieldFault::new(field, "is wrong")]);
        let name: RoomName = name.parse().map_err(|_| wrong("name"))?;
        let pin = draft.pin.filter(|Pii(pin)| !pin.is_empty());
        if pin.as_ref().is_some_and(|Pii(pin)| pin.len() < 4) {
            return Err(wrong("pin"));
        }
        let room = Room {
            name,
            title: draft.title.unwrap_or_default(),
            kind: RoomKind::MeetMe,
            pin,
            tones: draft.tones.unwrap_or(true),
            most: draft.most.map_or(32, |most| most as u8),
            outside: draft.outside.unwrap_or(false),
        };
        let member = MemberView {
            id: OwnerId(0x701),
            call: CallRef(7),
            number: "201".into(),
            display: "Anna".into(),
            since: Moment::from_micros(1_000_000),
            waits: false,
            muted: false,
        };
        let view = RoomView { room, members: vec![member] };
        self.rooms.push(view.clone());
        Ok(view)
    }
}

impl Handler<ChangeRoom> for TestDesk {
    type Result = Result<RoomView, DeskFault>;

    fn handle(&mut self, ChangeRoom { name, draft }: ChangeRoom, _: &mut Self::Context) -> Self::Result {
        let view = self.room(&name)?;
        view.room.title = draft.title.unwrap_or(view.room.title.clone());
        Ok(view.clone())
    }
}

impl Handler<DeleteRoom> for TestDesk {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, DeleteRoom(name): DeleteRoom, _: &mut Self::Context) -> Self::Result {
        self.room(&name)?;
        self.rooms.retain(|view| view.room.name != name);
        Ok(())
    }
}

impl Handler<MuteMember> for TestDesk {
    type Result = Result<RoomView, DeskFault>;

    fn handle(
        &mut self,
        MuteMember { room, member, muted }: MuteMember,
        _: &mut Self::Context,
    ) -> Self::Result {
        let view = self.room(&room)?;
        let found = view.members.iter_mut().find(|other| other.id == member);
        found.ok_or_else(|| DeskFault::NotFound("member".into()))?.muted = muted;
        Ok(view.clone())
    }
}

impl Handler<RemoveMember> for TestDesk {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, RemoveMember { room, member }: RemoveMember, _: &mut Self::Context) -> Self::Result {
        self.room(&room)?.members.retain(|other| other.id != member);
        Ok(())
    }
}
