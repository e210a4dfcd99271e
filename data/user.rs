//! Users: who may register in the south and is registered in the north.

use kirkwall_core::call::dialling::AllowedCalls;
use kirkwall_core::id::Username;
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::secret::Secret;
use crate::tree::Tree;

/// All users.
pub type Users = Records<UserRecord>;

/// One user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// User part of the SIP URI; names the record.
    pub username: Username,
    /// Shown to the other side.
    #[serde(default)]
    pub display_name: String,
    /// Shown on the idle handset.
    #[serde(default)]
    pub standby_text: String,
    /// Name for digest or NTLM in the north; empty: the username.
    #[serde(default)]
    pub auth_username: String,
    /// Password for the north.
    #[serde(default)]
    pub auth_password: Secret,
    /// Serial number of the handset that this user is tied to, as printed: `00077 0000001 3` without blanks.
    #[serde(default)]
    pub ipei: Option<String>,
    /// Code that a handset gives when it subscribes.
    #[serde(default)]
    pub access_code: Option<Secret>,
    /// Password that a SIP-DECT base or handset gives in the south.
    #[serde(default)]
    pub south_password: Option<Secret>,
    /// A disabled user registers nowhere and gets no calls.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The number by which others of this switch reach the user when the north side is lost, and on which
    /// the north may call; unique among users.
    #[serde(default)]
    pub secondary_username: Option<String>,
    /// What the user may call; none: what the configuration allows.
    #[serde(default)]
    pub allowed_calls: Option<AllowedCalls>,
    /// The group whose ringing calls the user takes by a code; none: no group.
    #[serde(default)]
    pub pickup_group: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created: Moment,
    /// When it was last changed.
    #[serde(default)]
    pub changed: Moment,
    /// Goes up by one with each change; the REST ETag.
    #[serde(default)]
    pub revision: u64,
}

impl UserRecord {
    /// An enabled user with nothing but a name, at revision 1.
    pub fn new(username: Username, now: Moment) -> Self {
        Self {
            username,
            display_name: String::new(),
            standby_text: String::new(),
            auth_username: String::new(),
            auth_password: Secret::default(),
            ipei: None,
            access_code: None,
            south_password: None,
            enabled: true,
            secondary_username: None,
            allowed_calls: None,
            pickup_group: None,
            created: now,
            changed: now,
            revision: 1,
        }
    }
}

impl Record for UserRecord {
    const TREE: Tree = Tree::User;
    type Key = Username;

    fn key(&self) -> &Username {
        &self.username
    }
}

fn yes() -> bool {
    true
}
