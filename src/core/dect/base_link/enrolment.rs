//! Enrolment: how a base station that nobody knows gets its certificate, once, by a token.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::code::RefuseReason;
use super::value::BaseId;
use crate::id::Tokens;
use crate::pii::Pii;
use crate::timer::Moment;

/// How long a token may be used unless told otherwise.
pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Longest life of a token.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most tokens that are open at once.
pub const MOST_OPEN: usize = 256;

/// The name of a public key: SHA-256 over its SubjectPublicKeyInfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyPrint(pub [u8; 32]);

impl KeyPrint {
    /// Of a SubjectPublicKeyInfo, DER.
    pub fn of(spki: &[u8]) -> Self {
        Self(Sha256::digest(spki).into())
    }
}

/// A token as it is kept: its hash, never itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// What the administrator calls it.
    pub label: String,
    /// When it ends.
    pub expires: Moment,
    /// The only base station that may use it, when it was given for one.
    #[serde(default)]
    pub only: Option<BaseId>,
    /// Who has used it, and with which key.
    #[serde(default)]
    pub used: Option<(BaseId, KeyPrint)>,
}

impl Enrolment {
    /// A new token, to be shown once, and what is kept of it.
    pub fn open(
        label: String,
        only: Option<BaseId>,
        life: Duration,
        now: Moment,
        tokens: &mut Tokens,
    ) -> (Pii<String>, Self) {
        // 26 letters of five bits each: nobody guesses it in its life.
        let token = format!("{}{}", tokens.word(), tokens.word());
        let hash = Self::hash(&token);
        let expires = now + life.min(LONGEST_LIFETIME);
        (Pii(token), Self { hash, label, expires, only, used: None })
    }

    /// The name under which a token is kept.
    pub fn hash(token: &str) -> [u8; 32] {
        Sha256::digest(token.trim()).into()
    }

    /// Uses the token for `base` with that key. What comes back is saved before a certificate is given. The
    /// same base station with the same key may ask again, since the answer may have been lost.
    pub fn redeem(&self, base: BaseId, key: KeyPrint, now: Moment) -> Result<Self, RefuseReason> {
        let for_it = self.only.is_none_or(|only| only == base);
        let free = self.used.is_none_or(|used| used == (base, key));
        match for_it && free && now < self.expires {
            true => Ok(Self { used: Some((base, key)), ..self.clone() }),
            false => Err(RefuseReason::BAD_TOKEN),
        }
    }
}

/// What the switch keeps of a base station that was enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Which.
    pub base: BaseId,
    /// Its key; a certificate with another one is not its.
    pub key: KeyPrint,
    /// When.
    pub since: Moment,
    /// An administrator has put it out of use.
    #[serde(default)]
    pub out_of_use: bool,
    /// An administrator lets it take no more calls: maintenance.
    #[serde(default)]
    pub draining: bool,
}

impl Enrolled {
    /// A base station that has just shown its token; it is in use.
    pub fn new(base: BaseId, key: KeyPrint, since: Moment) -> Self {
        Self { base, key, since, out_of_use: false, draining: false }
    }

    /// What an administrator wants of it.
    pub fn duty(&self) -> Duty {
        match (self.out_of_use, self.draining) {
            (true, _) => Duty::OutOfUse,
            (false, true) => Duty::Draining,
            (false, false) => Duty::InUse,
        }
    }

    /// The same base station with another duty.
    pub fn with_duty(self, duty: Duty) -> Self {
        Self { out_of_use: duty == Duty::OutOfUse, draining: duty == Duty::Draining, ..self }
    }
}

/// What an administrator wants of a base station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// It works.
    InUse,
    /// Its calls go on or are handed over, and it takes no more.
    Draining,
    /// Its calls end, and it is not let in.
    OutOfUse,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_micros(1_000_000);
    const ONE: BaseId = BaseId([1; 6]);
    const OTHER: BaseId = BaseId([2; 6]);

    fn open(only: Option<BaseId>) -> (Pii<String>, Enrolment) {
        Enrolment::open("ward 3".into(), only, LIFETIME, NOW, &mut Tokens::new([4; 32]))
    }

    #[test]
    fn a_token_is_good_for_one_base_station_and_one_key() {
        let (token, enrolment) = open(None);
        assert_eq!(Enrolment::hash(&token.0), enrolment.hash);
        assert!(!format!("{enrolment:?}").contains(&token.0));
        let key = KeyPrint::of(b"key");
        let used = enrolment.redeem(ONE, key, NOW).unwrap();
        assert_eq!(used.redeem(ONE, key, NOW), Ok(used.clone()), "the answer was lost");
        assert_eq!(used.redeem(OTHER, key, NOW), Err(RefuseReason::BAD_TOKEN));
        assert_eq!(used.redeem(ONE, KeyPrint::of(b"other"), NOW), Err(RefuseReason::BAD_TOKEN));
    }

    #[test]
    fn a_token_ends_and_may_be_meant_for_one() {
        let (_, enrolment) = open(Some(ONE));
        let key = KeyPrint([0; 32]);
        assert_eq!(enrolment.redeem(ONE, key, NOW + LIFETIME), Err(RefuseReason::BAD_TOKEN));
        assert_eq!(enrolment.redeem(OTHER, key, NOW), Err(RefuseReason::BAD_TOKEN));
        assert!(enrolment.redeem(ONE, key, NOW).is_ok());
    }
}
