//! Handsets that are subscribed over native base stations.

use kirkwall_core::dect::identity::Ipui;
use kirkwall_core::dect::portable::Standing;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All records of this kind.
pub type Portables = Records<PortableRecord>;

/// One subscribed handset. The whole record is sealed on disk: it holds its authentication key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortableRecord {
    /// Its IPUI, as text; names the record.
    pub name: String,
    /// What the state machine asked to save.
    pub state: Standing,
}

impl PortableRecord {
    /// The record of a handset as it stands.
    pub fn new(state: Standing) -> Self {
        Self { name: Self::name_of(&state.ipui), state }
    }

    /// The name of a handset's record.
    pub fn name_of(ipui: &Ipui) -> String {
        ipui.to_string()
    }
}

impl Record for PortableRecord {
    const TREE: Tree = Tree::Portable;
    const SEALED: bool = true;
    type Key = str;

    fn key(&self) -> &str {
        &self.name
    }
}
