//! Users: people with a number.

use actix::prelude::*;
use kirkwall_core::call::dialling::AllowedCalls;
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::id::Username;
use kirkwall_core::pii::Pii;
use serde::{Deserialize, Serialize};

use super::DeskFault;

/// A user as it is shown; secrets only as "set or not".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserView {
    /// Username/extension.
    pub username: Username,
    /// Display name.
    pub display_name: String,
    /// Standby text on the handset.
    pub standby_text: String,
    /// Authentication username towards the north; empty means the username.
    pub auth_username: String,
    /// Whether an authentication password is kept.
    pub auth_password_set: bool,
    /// IPEI of the linked handset.
    pub ipei: Option<String>,
    /// Whether an access code is kept.
    pub access_code_set: bool,
    /// Whether a password for SIP-DECT bases is kept.
    pub south_password_set: bool,
    /// Whether the user may call and be called.
    pub enabled: bool,
    /// Number by which the user is called besides the username.
    pub secondary_username: Option<String>,
    /// What the user may call; none: what the configuration allows.
    pub allowed_calls: Option<AllowedCalls>,
    /// The group whose ringing calls the user takes by a code.
    pub pickup_group: Option<String>,
    /// Grows with every change; the ETag.
    pub revision: u64,
    /// Whether a handset is registered for this user.
    pub handset_registered: bool,
    /// Registration at the north side in words: `registered`, `registering`, `failed: …`, `off`.
    pub registration: String,
    /// Calls of this user now.
    pub calls: u32,
    /// What waits in the mailbox; none: nobody ever told.
    pub mailbox: Option<Mailbox>,
}

impl UserView {
    /// New messages in the mailbox; 1 where only that something waits is known.
    pub fn messages(&self) -> u32 {
        self.mailbox.as_ref().filter(|mailbox| mailbox.waiting).map_or(0, |mailbox| mailbox.new.max(1))
    }
}

/// What is to be changed; absent fields stay. An empty text clears an optional field or a secret.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserChange {
    /// Display name.
    pub display_name: Option<String>,
    /// Standby text.
    pub standby_text: Option<String>,
    /// Authentication username.
    pub auth_username: Option<String>,
    /// Authentication password.
    pub auth_password: Option<Pii<String>>,
    /// IPEI.
    pub ipei: Option<String>,
    /// Access code for subscription.
    pub access_code: Option<Pii<String>>,
    /// Password that the handset's SIP account registers with.
    pub south_password: Option<Pii<String>>,
    /// Enabled.
    pub enabled: Option<bool>,
    /// Secondary username.
    pub secondary_username: Option<String>,
    /// Classes of numbers that the user may call; an inner none: what the configuration allows.
    pub allowed_calls: Option<Option<Vec<String>>>,
    /// The group whose ringing calls the user takes by a code.
    pub pickup_group: Option<String>,
}

/// Users, sorted by name. Answers at most `limit` and whether more follow.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<UserPage, DeskFault>")]
pub struct ListUsers {
    /// Part of username or display name, without case.
    pub query: Option<String>,
    /// Username to start behind.
    pub after: Option<Username>,
    /// At most so many (1 to 1,000).
    pub limit: usize,
}

/// One page of users.
#[derive(Debug, Clone, Serialize)]
pub struct UserPage {
    /// In order of username.
    pub users: Vec<UserView>,
    /// Whether more follow.
    pub more: bool,
    /// How many match in all.
    pub total: usize,
}

/// One user.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<UserView, DeskFault>")]
pub struct GetUser(pub Username);

/// Makes a user. With `dry_run` everything is checked and nothing kept.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<UserView, DeskFault>")]
pub struct CreateUser {
    /// As typed; checked here.
    pub username: String,
    /// Its fields.
    pub fields: UserChange,
    /// Only check.
    pub dry_run: bool,
}

/// Changes a user.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<UserView, DeskFault>")]
pub struct ChangeUser {
    /// Which one.
    pub username: Username,
    /// Its new fields.
    pub fields: UserChange,
    /// Only if its revision is still this one.
    pub if_revision: Option<u64>,
    /// Only check.
    pub dry_run: bool,
}

/// Removes a user: its calls end, it is de-registered, its handset is refused from then on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct DeleteUser {
    /// Which one.
    pub username: Username,
    /// Only if its revision is still this one.
    pub if_revision: Option<u64>,
}

/// Imports users from a CSV file; the whole file is checked before anything is kept.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<ImportOutcome, DeskFault>")]
pub struct ImportUsers {
    /// The file.
    pub csv: Vec<u8>,
    /// Only check.
    pub dry_run: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOutcome {
    /// Users made.
    pub created: usize,
    /// Users changed.
    pub updated: usize,
    /// Users that were so already.
    pub unchanged: usize,
    /// Rows that are wrong: line, field and what. If there is any, nothing was kept.
    pub errors: Vec<RowFault>,
}

/// A row of a CSV file that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFault {
    /// Line in the file, from 1.
    pub line: u64,
    /// Column name.
    pub field: String,
    /// Which field, what is wrong and how to mend it.
    pub detail: String,
}
