//! Rooms for conferences, and who is in them.

use actix::prelude::*;
use kirkwall_core::call::conference::{RoomName, RoomView};
use kirkwall_core::id::OwnerId;
use kirkwall_core::pii::Pii;

use super::DeskFault;

/// All rooms, those that were made in calls too, by name.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<RoomView>")]
pub struct ListRooms;

/// One room.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<RoomView, DeskFault>")]
pub struct GetRoom(pub RoomName);

/// What is set of a room; what is absent stays, or is as usual in a new one.
#[derive(Debug, Clone, Default)]
pub struct RoomDraft {
    /// For people.
    pub title: Option<String>,
    /// Digits that are asked of whoever comes; an empty one: none.
    pub pin: Option<Pii<String>>,
    /// Whether a tone tells that somebody has come or gone.
    pub tones: Option<bool>,
    /// Most parties.
    pub most: Option<u16>,
    /// Whether it can be dialled from the north.
    pub outside: Option<bool>,
}

/// Makes a room.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<RoomView, DeskFault>")]
pub struct CreateRoom {
    /// What is dialled.
    pub name: String,
    /// How it is set up.
    pub draft: RoomDraft,
}

/// Changes how a room is set up. Who is in it stays.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<RoomView, DeskFault>")]
pub struct ChangeRoom {
    /// Which.
    pub name: RoomName,
    /// To what.
    pub draft: RoomDraft,
}

/// Removes a room; everybody in it is sent away.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct DeleteRoom(pub RoomName);

/// Mutes somebody, or lets somebody speak again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<RoomView, DeskFault>")]
pub struct MuteMember {
    /// Where.
    pub room: RoomName,
    /// Whom.
    pub member: OwnerId,
    /// Whether.
    pub muted: bool,
}

/// Sends somebody away.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct RemoveMember {
    /// Where.
    pub room: RoomName,
    /// Whom.
    pub member: OwnerId,
}
