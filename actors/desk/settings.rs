//! Settings that change while the switch runs.

use actix::prelude::*;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;

use super::{Bearer, DeskFault};

/// All settings that may change while the switch runs, with what counts now.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<SettingView>, DeskFault>")]
pub struct ListSettings;

/// Changes one. It is kept, and in force for the next call, before the answer comes.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<SettingView, DeskFault>")]
pub struct ChangeSetting {
    /// Its name, as in `kirkwall.toml` or as the scripts of older servers write it.
    pub name: String,
    /// The value in words; empty: what the configuration says counts again.
    pub value: String,
    /// Who changes it.
    pub by: String,
}

/// A setting and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingView {
    /// Its name in `kirkwall.toml`.
    pub name: &'static str,
    /// The name that the scripts of older servers give it.
    pub former_name: &'static str,
    /// What counts now.
    pub value: bool,
    /// What the configuration said at the start: its file, the environment, or the default.
    pub configured: bool,
    /// The change that counts over the configuration; none: the configuration counts.
    pub changed: Option<SettingChange>,
}

/// When a setting was changed, and who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    /// When.
    pub at: Moment,
    /// By name of the token or administrator.
    pub by: String,
}

/// Whose password is this? An administrator's is an API token with scope `admin`. `None`: nobody's. Wrong ones
/// are counted with those of [`LogIn`](super::LogIn), and slow the next ones down.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<Bearer>")]
pub struct CheckAdministrator(pub Pii<String>);
