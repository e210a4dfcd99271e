//! What users have set for themselves: forwards, do not disturb. Apart from the user's own record, since
//! handsets change it at any time and an administrator's ETag shall not grow stale by that.

use kirkwall_core::call::forward::Forwarding;
use kirkwall_core::call::represented::ExtraLines;
use kirkwall_core::id::Username;
use kirkwall_core::lync::routing::NorthForward;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All that users have set.
pub type Features = Records<FeatureRecord>;

/// What one user has set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureRecord {
    /// Whose; names the record.
    pub user: Username,
    /// Forwards and do not disturb.
    #[serde(default)]
    pub forwarding: Forwarding,
    /// The forward that was last known to stand at the front end of Lync; none: never any.
    #[serde(default)]
    pub agreed: Option<NorthForward>,
    /// What his line has besides his own number.
    #[serde(default)]
    pub lines: ExtraLines,
}

impl Record for FeatureRecord {
    const TREE: Tree = Tree::Feature;
    type Key = Username;

    fn key(&self) -> &Username {
        &self.user
    }
}
