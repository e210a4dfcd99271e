//! Rooms for conferences: how each is set up, and who is in it.

use kirkwall_core::call::conference::{Conference, RoomName};
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All rooms.
pub type Rooms = Records<RoomRecord>;

/// One room. Sealed as a whole: it holds a PIN and who talks with whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomRecord {
    /// What is dialled; names the record.
    pub name: RoomName,
    /// What the state machine asked to save.
    pub state: Conference,
}

impl Record for RoomRecord {
    const TREE: Tree = Tree::Room;
    const SEALED: bool = true;
    type Key = RoomName;

    fn key(&self) -> &RoomName {
        &self.name
    }
}
