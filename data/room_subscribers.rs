//! Who subscribed to the roster of a room, and was told so.

use kirkwall_core::call::conference::RoomName;
use kirkwall_core::sip::notifier::Subscribed;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// The subscribers of all rooms that have any.
pub type RoomSubscribers = Records<RoomSubscribersRecord>;

/// Those of one room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSubscribersRecord {
    /// Which room; names the record.
    pub room: RoomName,
    /// Their dialogs.
    pub subscribers: Vec<Subscribed>,
}

impl Record for RoomSubscribersRecord {
    const TREE: Tree = Tree::RoomSubscribers;
    type Key = RoomName;

    fn key(&self) -> &RoomName {
        &self.room
    }
}
