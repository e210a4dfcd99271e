//! Native base stations: who was enrolled, by which token, and what session it has.

use kirkwall_core::dect::base_link::BaseId;
use kirkwall_core::dect::base_link::enrolment::{Enrolled, Enrolment};
use kirkwall_core::dect::base_link::session::SessionRecord;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All native base stations.
pub type NativeBases = Records<NativeBaseRecord>;
/// All sessions of native base stations.
pub type NativeSessions = Records<NativeSessionRecord>;
/// All tokens with which base stations enrol.
pub type Enrolments = Records<EnrolmentRecord>;

/// One native base station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeBaseRecord {
    /// Who it is, and its key.
    pub enrolled: Enrolled,
    /// Its radio number in the system. Given once, so that handsets find it under the same RFPI again.
    pub rpn: u8,
}

impl Record for NativeBaseRecord {
    const TREE: Tree = Tree::NativeBase;
    type Key = BaseId;

    fn key(&self) -> &BaseId {
        &self.enrolled.base
    }
}

/// The session of one. Sealed: its token lets a base station come back to its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeSessionRecord {
    /// Whose.
    pub base: BaseId,
    /// What the state machine asked to save.
    pub session: SessionRecord,
}

impl Record for NativeSessionRecord {
    const TREE: Tree = Tree::NativeSession;
    const SEALED: bool = true;
    type Key = BaseId;

    fn key(&self) -> &BaseId {
        &self.base
    }
}

/// One token; its hash names the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRecord {
    /// SHA-256 of the token, hexadecimal.
    pub name: String,
    /// What is kept of it.
    pub enrolment: Enrolment,
}

impl EnrolmentRecord {
    /// The record of a token.
    pub fn new(enrolment: Enrolment) -> Self {
        Self { name: Self::name_of(&enrolment.hash), enrolment }
    }

    /// The name of the record of a token with that hash.
    pub fn name_of(hash: &[u8; 32]) -> String {
        hash.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

impl Record for EnrolmentRecord {
    const TREE: Tree = Tree::Enrolment;
    type Key = str;

    fn key(&self) -> &str {
        &self.name
    }
}
