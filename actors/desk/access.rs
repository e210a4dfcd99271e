//! Who may ask: API tokens, log-in links, sessions.

use actix::prelude::*;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use super::DeskFault;

/// What a token or session may do. `admin` may everything.
pub const SCOPES: [&str; 8] = [
    "users:read",
    "users:write",
    "calls:read",
    "calls:control",
    "config:write",
    "certs:write",
    "traces:read",
    "admin",
];

/// Somebody who was recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bearer {
    /// Name of the token or administrator.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

impl Bearer {
    /// Whether it may do what `scope` says.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|s| s == scope || s == "admin")
    }
}

/// Who shows this API token? `None`: nobody, it is wrong or expired.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<Bearer>")]
pub struct CheckToken(pub Pii<String>);

/// Makes an API token; its secret is shown this once.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<NewToken, DeskFault>")]
pub struct CreateToken {
    /// For what or whom.
    pub name: String,
    /// Some of [`SCOPES`].
    pub scopes: Vec<String>,
    /// When it ends; none: never.
    pub expires: Option<Moment>,
}

/// A fresh token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewToken {
    /// For revoking.
    pub id: String,
    /// The secret, shown once.
    pub token: String,
}

/// All tokens, without their secrets.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<TokenView>, DeskFault>")]
pub struct ListTokens;

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenView {
    /// For revoking.
    pub id: String,
    /// For what or whom.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Moment,
    /// When it ends.
    pub expires: Option<Moment>,
    /// When it was last used, to the minute.
    pub last_used: Option<Moment>,
}

/// Makes a token worthless.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct RevokeToken(pub String);

/// Opens a session: with the word of a one-time log-in link, or with an API token that has scope
/// `admin`. `None`: wrong, used up or expired. Five wrong tries slow the next ones down.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<Session>")]
pub struct LogIn(pub Pii<String>);

/// Who has this session? `None`: nobody, it has ended.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<Bearer>")]
pub struct CheckSession(pub Pii<String>);

/// Ends a session.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LogOut(pub Pii<String>);

/// A log-in that holds for twelve hours, or thirty minutes without use.
#[derive(Debug, Clone)]
pub struct Session {
    /// The cookie's value.
    pub secret: Pii<String>,
    /// Who it is.
    pub bearer: Bearer,
}
