//! API tokens. The secret is shown once and never stored; its SHA-256 is.

use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::secret::{SealFault, hex, random};
use crate::tree::Tree;

/// All tokens.
pub type Tokens = Records<TokenRecord>;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Public part of the token; names the record.
    pub id: String,
    /// What it is for, in the words of whoever made it.
    #[serde(default)]
    pub name: String,
    /// What it may do: `admin`, `users:read`, …
    #[serde(default)]
    pub scopes: Vec<String>,
    /// SHA-256 of the secret part, lower-case hexadecimal. The secret has 256 random bits, so a plain hash
    /// cannot be searched.
    pub secret_sha256: String,
    /// When it was made.
    #[serde(default)]
    pub created: Moment,
    /// When it ends, if it does.
    #[serde(default)]
    pub expires: Option<Moment>,
    /// When it was last used. Written seldom, not with every request.
    #[serde(default)]
    pub last_used: Option<Moment>,
}

/// The scopes there are.
pub const SCOPES: [&str; 8] = [
    "admin",
    "users:read",
    "users:write",
    "calls:read",
    "calls:control",
    "config:write",
    "certs:write",
    "traces:read",
];

impl TokenRecord {
    /// A fresh token: the record to save, and the text `kw_ID_SECRET` to show once.
    pub fn fresh(
        name: String,
        scopes: Vec<String>,
        now: Moment,
        expires: Option<Moment>,
    ) -> Result<(Self, Pii<String>), SealFault> {
        let (id, secret) = (hex(&random::<8>()?), hex(&random::<32>()?));
        let secret_sha256 = sha256(&secret);
        let text = Pii(format!("kw_{id}_{secret}"));
        Ok((Self { id, name, scopes, secret_sha256, created: now, expires, last_used: None }, text))
    }

    /// Whether `secret` is its secret and its time is not over. Takes the same time for every wrong secret.
    pub fn admits(&self, secret: &str, now: Moment) -> bool {
        let difference =
            sha256(secret).bytes().zip(self.secret_sha256.bytes()).fold(0, |d, (a, b)| d | (a ^ b));
        let whole = self.secret_sha256.len() == 64;
        whole && difference == 0 && self.expires.is_none_or(|end| now < end)
    }

    /// Whether it holds `scope`; `admin` holds all.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope || held == "admin")
    }
}

/// Id and secret of a presented token.
pub fn split(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("kw_")?.split_once('_')
}

impl Record for TokenRecord {
    const TREE: Tree = Tree::Token;
    type Key = str;

    fn key(&self) -> &str {
        &self.id
    }
}

fn sha256(text: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_admits_its_own_secret_until_it_ends() {
        let (now, end) = (Moment::from_micros(5), Moment::from_micros(9));
        let (token, text) =
            TokenRecord::fresh("test".into(), vec!["users:read".into()], now, Some(end)).unwrap();
        let (id, secret) = split(&text.0).unwrap();
        assert_eq!(id, token.id);
        assert!(token.admits(secret, now));
        assert!(!token.admits(secret, end));
        assert!(!token.admits("other", now));
        assert!(!token.admits("", now));
        assert!(token.may("users:read") && !token.may("users:write") && !token.may("admin"));
    }

    #[test]
    fn an_admin_token_may_everything() {
        let (token, _) =
            TokenRecord::fresh("a".into(), vec!["admin".into()], Moment::default(), None).unwrap();
        assert!(SCOPES.iter().all(|scope| token.may(scope)));
    }
}
