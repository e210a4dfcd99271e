//! Ended calls. The newest 100,000 are kept ([`Tree::limit`]); the oldest goes in the batch that brings the
//! one too many.

use kirkwall_core::id::{BaseStationId, CallRef};
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All ended calls, oldest first.
pub type Cdrs = Records<CdrRecord>;

/// One ended call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdrRecord {
    /// Names the record; sorts by age.
    pub call: CallRef,
    /// Who called, as a URI or number.
    #[serde(default)]
    pub from: String,
    /// Who was called.
    #[serde(default)]
    pub to: String,
    /// When the first INVITE came.
    #[serde(default)]
    pub started: Moment,
    /// When it was answered, if it was.
    #[serde(default)]
    pub answered: Option<Moment>,
    /// When the last leg had ended.
    #[serde(default)]
    pub ended: Moment,
    /// Q.850 cause.
    #[serde(default)]
    pub cause: u8,
    /// SIP status that ended it, if one did.
    #[serde(default)]
    pub status: Option<u16>,
    /// Base stations it went over, in order.
    #[serde(default)]
    pub base_stations: Vec<BaseStationId>,
}

impl Record for CdrRecord {
    const TREE: Tree = Tree::Cdr;
    type Key = CallRef;

    fn key(&self) -> &CallRef {
        &self.call
    }
}
