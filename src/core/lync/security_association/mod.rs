//! Security associations of one user with front ends ([MS-SIPAE] §3.2).
//!
//! ```text
//!   (none) ── 401 schemes ──► Begun ── 401 + CHALLENGE ──► Answered ── 2xx, 3xx signed ──► Established
//!      ▲                        │ refused                     │ 401: wrong password           │
//!      └────────────────────────┴─────────────────────────────┴──── connection lost ◄─────────┘
//!                                                     8 h less a margin: once more from Begun
//! ```
//!
//! Happy path: REGISTER; 401 with the schemes; REGISTER with an empty `gssapi-data`; 401 with CHALLENGE
//! and `opaque`; REGISTER with AUTHENTICATE, signed; 200, signed. From then on every message is signed,
//! both ways: requests, responses, ACK, CANCEL and BENOTIFY.
//!
//! It fails when the front end offers nothing we speak (Kerberos only), lacks what signing needs, does
//! not take the password, or sends what its signature does not cover. A 301 that points to the home
//! server comes signed by the first server; there a new association begins.
//!
//! Words: an *association* is one agreed set of keys, named by the server's `opaque`. A user has one with
//! the registrar and may have another with a proxy before it (407). While one is renewed, the old one
//! goes on signing.

mod choice;
mod fault;
mod handshake;
mod keys;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::id::Tokens;
use crate::pii::Pii;
use crate::sip::wire::{HeaderName, Message};
use crate::timer::Moment;

use super::hex;
use super::ntlm::{End, NtHash, NtlmPolicy};
use super::signing::{CredentialsValue, ServerSignature, Side, Stamp, Unsignable, Version, Window, text};
use super::tls_dsk::DskPort;

pub use choice::{Scheme, clock_skew};
pub use fault::{SaFault, Untrusted};
use handshake::Handshake;
pub use keys::SaKeys;

/// Longest life of an association ([MS-SIPAE] §3.2.2: eight hours).
pub const LIFE: Duration = Duration::from_secs(8 * 3600);
/// How long before its end it is renewed at the latest.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// Renewals of many users are spread over so long before that.
const SPREAD: Duration = Duration::from_secs(30 * 60);
/// Most associations kept: two in use, two that they replaced.
const MAX_KEPT: usize = 4;

/// Who a user is to NTLM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NtlmUser {
    /// Domain; empty when the user is typed without, then the server takes its own.
    pub domain: String,
    /// Name, `anna` or `anna@contoso.com`.
    pub user: String,
    /// Hash of the password.
    pub hash: NtHash,
}

impl NtlmUser {
    /// From a name as people type it, `CONTOSO\anna`, `anna` or `anna@contoso.com`, and the password.
    pub fn new(name: &str, password: &Pii<String>) -> Self {
        let (domain, user) = name.split_once('\\').unwrap_or(("", name));
        let hash = NtHash::of_password(&password.0);
        Self { domain: domain.to_owned(), user: user.to_owned(), hash }
    }
}

/// What a user may authenticate with, the best first among those offered: TLS-DSK, then NTLM.
#[derive(Debug, Default)]
pub struct Methods {
    /// NTLM.
    pub ntlm: Option<NtlmUser>,
    /// How strict NTLM is.
    pub policy: NtlmPolicy,
    /// TLS-DSK.
    pub tls_dsk: Option<Box<dyn DskPort>>,
}

/// What a received message is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Its signature fits.
    Signed,
    /// No association stands yet, or it is a provisional response or a challenge, which come unsigned.
    NotNeeded,
}

/// All associations of one user over one connection.
#[derive(Debug)]
pub struct Associations {
    methods: Methods,
    /// Newest first.
    kept: Vec<Association>,
    handshake: Option<Handshake>,
}

/// One agreed set of keys.
#[derive(Debug)]
struct Association {
    side: Side,
    scheme: Scheme,
    version: Version,
    target_name: String,
    realm: String,
    /// Its name, the server's choice.
    opaque: String,
    keys: SaKeys,
    /// Number of the last message we signed.
    sent: u32,
    received: Window,
    renew_at: Moment,
}

impl Associations {
    /// None yet.
    pub fn new(methods: Methods) -> Self {
        Self { methods, kept: Vec::new(), handshake: None }
    }

    /// The connection is gone, or another server is asked: all associations are.
    pub fn forget(&mut self) {
        self.kept.clear();
        self.handshake = None;
    }

    /// The handshake under way will not be answered; the next begins from its first step.
    pub fn abandon(&mut self) {
        self.handshake = None;
    }

    /// New name, password or certificate.
    pub fn replace_methods(&mut self, methods: Methods) {
        self.methods = methods;
        self.forget();
    }

    /// Whether messages are signed now.
    pub fn is_established(&self) -> bool {
        !self.kept.is_empty()
    }

    /// When a new one should be agreed by a REGISTER, see [`renew`](Self::renew).
    pub fn renew_at(&self) -> Option<Moment> {
        self.kept.first().filter(|_| self.handshake.is_none()).map(|newest| newest.renew_at)
    }

    /// The next REGISTER shall agree on a new association. It goes out bare
    /// ([`authorize_register`](Self::authorize_register)); other messages go on with the old one.
    pub fn renew(&mut self, now: Moment) {
        self.handshake = Some(Handshake::bare());
        if let Some(newest) = self.kept.first_mut() {
            newest.renew_at = now + MARGIN;
        }
    }

    /// Takes a 401 or 407 to a REGISTER. `Ok`: send it again, authorized.
    ///
    /// # Errors
    ///
    /// See [`SaFault`]; the handshake is over then.
    pub fn learn(&mut self, answer: &Message, now: Moment, tokens: &mut Tokens) -> Result<(), SaFault> {
        let handshake = self.handshake.take().unwrap_or_else(Handshake::bare);
        self.handshake = Some(handshake.challenged(answer, &mut self.methods, now, tokens)?);
        Ok(())
    }

    /// Puts into a REGISTER what it needs: nothing while none is agreed or a new one is to begin, a step
    /// of the handshake, or a signature.
    ///
    /// # Errors
    ///
    /// A header that is signed is broken.
    pub fn authorize_register(
        &mut self,
        register: &mut Message,
        tokens: &mut Tokens,
    ) -> Result<(), Unsignable> {
        let Some(handshake) = &mut self.handshake else { return self.sign(register, tokens) };
        strip(register);
        handshake.authorize(register, tokens)?;
        match handshake.side() {
            // Who asks at the other side, a proxy on the way, has its signature already.
            Some(side) => self.sign_for(side.other(), register, tokens),
            None => Ok(()),
        }
    }

    /// Signs any other message that is ready to leave: request, response, ACK, CANCEL. Without an
    /// association it stays as it is.
    ///
    /// # Errors
    ///
    /// A header that is signed is broken.
    pub fn sign(&mut self, message: &mut Message, tokens: &mut Tokens) -> Result<(), Unsignable> {
        strip(message);
        Side::BOTH.into_iter().try_for_each(|side| self.sign_for(side, message, tokens))
    }

    /// By the newest association of that side, if there is one.
    fn sign_for(&mut self, side: Side, message: &mut Message, tokens: &mut Tokens) -> Result<(), Unsignable> {
        if let Some(association) = self.kept.iter_mut().find(|kept| kept.side == side) {
            let value = association.sign(message, tokens)?;
            message.headers.push(side.credentials(), value);
        }
        Ok(())
    }

    /// Looks at the signature of a received message. The answer that ends a handshake establishes.
    ///
    /// # Errors
    ///
    /// See [`Untrusted`].
    pub fn verify(
        &mut self,
        message: &Message,
        now: Moment,
        tokens: &mut Tokens,
    ) -> Result<Trust, Untrusted> {
        let signatures = ServerSignature::all_of(message);
        for signature in &signatures {
            let opaque = signature.get("opaque");
            // A server may give a new association the name of the old one: the new one is tried first.
            let begun = self.establish(opaque, signature, message, now, tokens);
            if let Some(Ok(())) = begun {
                return Ok(Trust::Signed);
            }
            if let Some(known) = self.kept.iter_mut().find(|kept| kept.opaque == opaque) {
                return known.check(signature, message).map(|()| Trust::Signed);
            }
            if let Some(Err(fault)) = begun {
                return Err(fault);
            }
        }
        let agreed = self.is_established() || self.handshake.as_ref().is_some_and(Handshake::is_answered);
        match (may_be_unsigned(message) || !agreed, signatures.first()) {
            (true, _) => Ok(Trust::NotNeeded),
            (false, None) => Err(Untrusted::Unsigned { what: describe(message) }),
            (false, Some(other)) => {
                Err(Untrusted::UnknownAssociation { opaque: other.get("opaque").to_owned() })
            }
        }
    }

    /// Whether this signature ends the handshake; none when it is of another association.
    fn establish(
        &mut self,
        opaque: &str,
        signature: &ServerSignature,
        message: &Message,
        now: Moment,
        tokens: &mut Tokens,
    ) -> Option<Result<(), Untrusted>> {
        let awaited = self.handshake.as_mut()?.awaited(opaque)?;
        if let Err(fault) = awaited.check(signature, message) {
            return Some(Err(fault));
        }
        let association = self.handshake.take()?.finish(now, tokens)?;
        self.kept.retain(|kept| kept.opaque != association.opaque);
        self.kept.insert(0, association);
        self.kept.truncate(MAX_KEPT);
        Some(Ok(()))
    }
}

impl Association {
    fn sign(&mut self, message: &Message, tokens: &mut Tokens) -> Result<String, Unsignable> {
        let value = CredentialsValue::new(self.scheme.as_str())
            .quoted("opaque", &self.opaque)
            .quoted("realm", &self.realm)
            .quoted("targetname", &self.target_name);
        self.add_signature(value, message, tokens).map(CredentialsValue::finish)
    }

    /// crand, cnum and response.
    fn add_signature(
        &mut self,
        value: CredentialsValue,
        message: &Message,
        tokens: &mut Tokens,
    ) -> Result<CredentialsValue, Unsignable> {
        let (rand, num) = (hex::encode(&tokens.bytes()[..4]), self.sent.saturating_add(1));
        let stamp = Stamp {
            scheme: self.scheme.as_str(),
            rand: &rand,
            num: &num.to_string(),
            realm: &self.realm,
            target_name: &self.target_name,
        };
        let text = text(self.version, stamp, message)?;
        // Only a number that leaves is spent.
        self.sent = num;
        let response = hex::encode(&self.keys.sign(End::Client, text.as_bytes()));
        Ok(value.quoted("crand", &rand).quoted("cnum", &num.to_string()).quoted("response", &response))
    }

    fn check(&mut self, signature: &ServerSignature, message: &Message) -> Result<(), Untrusted> {
        let number = signature.get("snum").parse::<u32>().map_err(|_| Untrusted::Forged)?;
        if !self.received.is_new(number) {
            return Err(Untrusted::Replayed(number));
        }
        let text = signature.text(self.version, message)?;
        let mac = hex::decode(signature.get("rspauth")).unwrap_or_default();
        let same_names = signature.params.is_scheme(self.scheme.as_str());
        if !same_names || !self.keys.verify(End::Server, text.as_bytes(), &mac) {
            return Err(Untrusted::Forged);
        }
        self.received.note(number);
        Ok(())
    }
}

/// Takes out credentials, so that a message that is sent again is signed anew.
fn strip(message: &mut Message) {
    message.headers.remove(&HeaderName::Authorization);
    message.headers.remove(&HeaderName::ProxyAuthorization);
}

fn may_be_unsigned(message: &Message) -> bool {
    matches!(message.status(), Some(100..=199 | 401 | 407))
}

fn describe(message: &Message) -> String {
    let method = message.method().map_or_else(String::new, |method| method.to_string());
    match message.status() {
        Some(status) => format!("a {status} to {method}"),
        None => format!("a {method}"),
    }
}
