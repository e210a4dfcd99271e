//! What registered with us in the south: the bindings of each address of record.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All records of this kind.
pub type Handsets<T> = Records<HandsetRecord<T>>;

/// The bindings of one address of record, as the registrar in core keeps them (RFC 3261 §10.3).
///
/// The whole record is sealed on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct HandsetRecord<T> {
    /// Address of record; names the record.
    pub aor: String,
    /// What the state machine asked to save.
    pub state: T,
}

impl<T: Serialize + DeserializeOwned> Record for HandsetRecord<T> {
    const TREE: Tree = Tree::Handset;
    const SEALED: bool = true;
    type Key = str;

    fn key(&self) -> &str {
        &self.aor
    }
}
