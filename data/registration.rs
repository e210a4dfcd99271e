//! Our registrations at the north side, one per user.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All records of this kind.
pub type Registrations<T> = Records<RegistrationRecord<T>>;

/// One registration of ours: Call-ID, CSeq, contact, route, expiry (RFC 3261 §10.2).
///
/// The whole record is sealed on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub struct RegistrationRecord<T> {
    /// Address of record that we register; names the record.
    pub aor: String,
    /// What the state machine asked to save.
    pub state: T,
}

impl<T: Serialize + DeserializeOwned> Record for RegistrationRecord<T> {
    const TREE: Tree = Tree::Registration;
    const SEALED: bool = true;
    type Key = str;

    fn key(&self) -> &str {
        &self.aor
    }
}
