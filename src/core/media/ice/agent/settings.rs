//! What the owner of an agent decides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::media::ice::stun::Dialect;

/// RFC 5245 §3: who decides which pair is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Decides: the one who sent the offer.
    Controlling,
    /// Follows.
    Controlled,
}

impl Role {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

/// RFC 5245 §8.1.1: how the controlling agent nominates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nomination {
    /// Checks first, then nominates the best pair by a second check.
    #[default]
    Regular,
    /// Nominates with every check.
    Aggressive,
}

/// RFC 7675: whether the peer still wants our media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// From one check to the next; RFC 7675 §5.1: 5 s.
    pub interval: Duration,
    /// Without an answer for so long, consent is lost; RFC 7675 §5.1: 30 s.
    pub timeout: Duration,
}

/// The settings of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How checks are written until the peer shows that it writes otherwise. `rfc3489 = true` is
    /// [`Dialect::Rfc3489`].
    pub dialect: Dialect,
    /// How we nominate when we are controlling.
    pub nomination: Nomination,
    /// Ta (RFC 5245 §16): from one new check to the next.
    pub pacing: Duration,
    /// How long after the first complete set of valid pairs better ones are waited for. Lync's own
    /// value is not known; \[MS-ICE\] §3.1.6.2 has 3 s, which a caller would hear.
    pub settle: Duration,
    /// How long from the peer's description until the search counts as failed.
    pub patience: Duration,
    /// Tr (RFC 5245 §10): from one keep-alive to the next.
    pub keep_alive: Duration,
    /// Consent checks; none by default, as \[MS-ICE2\] knows none and silence would end calls.
    pub consent: Option<Consent>,
    /// Send each check and response a second time with the FINGERPRINT of old stacks (OCS 2007 R2).
    pub old_fingerprint: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dialect: Dialect::MsIce2,
            nomination: Nomination::Regular,
            pacing: Duration::from_millis(20),
            settle: Duration::from_millis(400),
            patience: Duration::from_secs(10),
            keep_alive: Duration::from_secs(15),
            consent: None,
            old_fingerprint: false,
        }
    }
}
