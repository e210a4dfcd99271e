//! The door of the listener: what a connection may say before it is known whose it is.
//!
//! ```text
//! certificate of ours ── HELLO, same BASE_ID ──► Admit (the base station's session decides the rest)
//! no certificate ─────── [HELLO ─►] ENROL ─────► Enrol (token and records decide)
//! anything else, or nothing for ten seconds ───► Refuse, close
//! ```

use std::time::Duration;

use super::code::RefuseReason;
use super::direction::{FromBase, Heard};
use super::enrolment::KeyPrint;
use super::value::{BaseId, Der};
use super::word::{Hello, Refuse};
use crate::pii::Pii;

/// How long a connection has for HELLO, and for ENROL after it.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// When a base station that is refused may try again: "RETRY_S 300".
pub const RETRY_S: u16 = 300;
/// The same for one that an administrator has taken out of use.
pub const BACK_S: u16 = 10;

/// What the TLS handshake proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certified {
    /// The name in the certificate.
    pub base: BaseId,
    /// Its key.
    pub key: KeyPrint,
}

/// What is to be done with the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Wait for the next frame.
    Wait,
    /// It is this base station's, and its key is this.
    Admit(Box<Hello>, Certified),
    /// It asks for a certificate. The answer is ENROL_CFM or REFUSE, and then the connection ends.
    Enrol {
        /// What it said of itself, when it did. The name in its request is to be the same.
        hello: Option<Box<Hello>>,
        /// The token.
        token: Pii<String>,
        /// PKCS#10, DER.
        csr: Der,
    },
    /// Say this and close.
    Refuse(Refuse),
}

/// A connection at the door.
#[derive(Debug)]
pub struct Greeting {
    certified: Option<Certified>,
    hello: Option<Box<Hello>>,
}

impl Greeting {
    /// For a connection whose certificate, if any, our own authority has signed.
    pub fn new(certified: Option<Certified>) -> Self {
        Self { certified, hello: None }
    }

    /// What a frame means at the door.
    pub fn hear(&mut self, heard: Heard) -> Verdict {
        let Heard::Word { word, .. } = heard else { return self.refuse(RefuseReason::BAD_WORD) };
        match (word, self.certified, self.hello.take()) {
            (FromBase::Hello(hello), Some(certified), None) if hello.base_id == certified.base => {
                Verdict::Admit(Box::new(hello), certified)
            }
            // "a stolen id": the certificate is good, and another's.
            (FromBase::Hello(_), Some(_), None) => self.refuse(RefuseReason::STOLEN_ID),
            (FromBase::Hello(hello), None, None) => {
                self.hello = Some(Box::new(hello));
                Verdict::Wait
            }
            (FromBase::Enrol(enrol), None, hello) => {
                Verdict::Enrol { hello, token: enrol.enrol_token, csr: enrol.csr }
            }
            _ => self.refuse(RefuseReason::BAD_WORD),
        }
    }

    /// Nothing came for [`PATIENCE`].
    pub fn expire(&self) -> Verdict {
        self.refuse(if self.hello.is_some() { RefuseReason::NOT_ENROLLED } else { RefuseReason::BAD_WORD })
    }

    fn refuse(&self, reason: RefuseReason) -> Verdict {
        Verdict::Refuse(refuse(reason))
    }
}

/// REFUSE for that reason, in words for people too. Whoever was taken out of use can be put back at any time.
pub fn refuse(reason: RefuseReason) -> Refuse {
    let text = Some(reason.to_string());
    let retry_s = if reason == RefuseReason::OUT_OF_USE { BACK_S } else { RETRY_S };
    Refuse { reason, fw_min: None, fw_url: None, retry_s: Some(retry_s), text }
}

#[cfg(test)]
mod tests {
    use super::super::code::Role;
    use super::super::value::Octets;
    use super::super::word::{Enrol, Ping};
    use super::*;

    const BASE: BaseId = BaseId([1; 6]);

    fn word(word: impl Into<FromBase>) -> Heard {
        Heard::Word { seq: 1, word: word.into() }
    }

    fn hello() -> Hello {
        Hello {
            proto_min: 1,
            proto_max: 1,
            base_id: BASE,
            hw_model: "R".into(),
            fw_version: "PCS12A_".into(),
            role: Role::Base,
            slot_pairs: None,
            codecs: None,
            features: None,
            boot_reason: None,
            resume_token: None,
            live: Vec::new(),
        }
    }

    fn enrol() -> Enrol {
        Enrol { enrol_token: Pii("t".into()), csr: Octets::new(vec![1]).unwrap() }
    }

    fn reason(verdict: Verdict) -> Option<RefuseReason> {
        if let Verdict::Refuse(refuse) = verdict { Some(refuse.reason) } else { None }
    }

    #[test]
    fn a_certificate_opens_the_door_for_its_own_base_station_only() {
        let certified = Certified { base: BASE, key: KeyPrint([0; 32]) };
        let admitted = Greeting::new(Some(certified)).hear(word(hello()));
        assert_eq!(admitted, Verdict::Admit(Box::new(hello()), certified));
        let other = Certified { base: BaseId([2; 6]), ..certified };
        let stolen = Greeting::new(Some(other)).hear(word(hello()));
        assert_eq!(reason(stolen), Some(RefuseReason::STOLEN_ID));
    }

    #[test]
    fn without_a_certificate_one_may_enrol_and_nothing_else() {
        let mut greeting = Greeting::new(None);
        assert_eq!(greeting.hear(word(hello())), Verdict::Wait);
        assert_eq!(reason(greeting.expire()), Some(RefuseReason::NOT_ENROLLED));
        assert!(matches!(greeting.hear(word(enrol())), Verdict::Enrol { .. }));
        let bad = Some(RefuseReason::BAD_WORD);
        assert!(matches!(Greeting::new(None).hear(word(enrol())), Verdict::Enrol { hello: None, .. }));
        assert_eq!(reason(Greeting::new(None).hear(word(Ping { timestamp: 1 }))), bad);
        let mut greeting = Greeting::new(None);
        greeting.hear(word(hello()));
        assert_eq!(reason(greeting.hear(word(hello()))), bad, "twice");
        assert_eq!(reason(Greeting::new(None).expire()), bad);
    }
}
