//! Live calls and their legs: what has to be known to carry on after a crash.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All records of this kind.
pub type Calls<T> = Records<CallRecord<T>>;

/// A live call or one of its legs: dialogs, media ports, SRTP keys and roll-over counters.
///
/// The whole record is sealed on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct CallRecord<T> {
    /// Name of the record: `CALL` for a call, `CALL/LEG` for one of its legs.
    pub name: String,
    /// What the state machine asked to save.
    pub state: T,
}

impl<T: Serialize + DeserializeOwned> Record for CallRecord<T> {
    const TREE: Tree = Tree::Call;
    const SEALED: bool = true;
    type Key = str;

    fn key(&self) -> &str {
        &self.name
    }
}
