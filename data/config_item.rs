//! Settings edited in the UI: one JSON value per name.

use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::{Record, Records};
use crate::secret::Secret;
use crate::tree::Tree;

/// All settings.
pub type ConfigItems = Records<ConfigItem>;

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigItem {
    /// Dotted name as in `kirkwall.toml`, `sip.domain`; names the record.
    pub name: String,
    /// Its value. Not for passwords: see `secret`.
    #[serde(default)]
    pub value: Value,
    /// The value of a setting that is a password or key.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// When it was last changed.
    #[serde(default)]
    pub changed: Moment,
    /// Who changed it.
    #[serde(default)]
    pub changed_by: String,
    /// Goes up by one with each change.
    #[serde(default)]
    pub revision: u64,
}

impl Record for ConfigItem {
    const TREE: Tree = Tree::ConfigItem;
    type Key = str;

    fn key(&self) -> &str {
        &self.name
    }
}
