//! Digest access authentication for SIP, both sides (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! ```text
//! Message ──► DigestServer::verify ──► Verdict ──► GuessLimiter, 200 / 401 / 403
//! 401, 407 ──► DigestClient::learn ──► DigestClient::authorize ──► Message
//! ```
//!
//! Terminology. **HA1** is `H(user:realm:password)`; whoever holds it can answer for that realm, so it
//! is as secret as the password, but for that realm only. **nc** is the nonce count, **qop** the quality
//! of protection. `unq(x)` is the text between the quotes as it stands: "the value of the quoted-string
//! X without the surrounding quotes" (RFC 7616 §3.3), so escapes take part in the hash.
//!
//! Own code, because rsip 0.4's typed digest values are not right: one `qop` instead of a list, `nc` as
//! a decimal octet instead of eight hexadecimal digits, `SHA256` for `SHA-256`, `auth-int` over an empty
//! body whatever the body is, and a verifier that wants the clear password.
//!
//! Out of scope: `userhash` (RFC 7616 §3.4.4; no SIP phone was seen to send it), SHA-512-256
//! (optional in RFC 8760 §2.1), and `Authentication-Info` (RFC 3261 §22.4 item 6: optional; without
//! a `nextnonce` of ours nobody needs it).

mod client;
mod guess;
mod params;
mod replay;
mod retry;
mod server;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::pii::Pii;

pub use client::{Credentials, DigestClient, Unanswerable};
pub use guess::{GuessLimiter, Locked};
pub use params::AuthParams;
pub use server::{BadRealm, DigestServer, Offer, Presented, Role, Verdict};

/// The hash of a digest (RFC 7616 §6.1, names of the registry). Ordered by strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// `MD5`: what every SIP-DECT base knows, and the meaning of an absent parameter.
    #[serde(rename = "MD5")]
    Md5,
    /// `SHA-256` (RFC 8760).
    #[serde(rename = "SHA-256")]
    Sha256,
}

impl Algorithm {
    /// The value of the `algorithm` parameter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// Reads the `algorithm` parameter; the flag tells the `-sess` variants. `None` for unknown ones.
    fn from_param(value: Option<&str>) -> Option<(Self, bool)> {
        // RFC 7616 §3.3: "If this parameter is not present, it is assumed to be "MD5"."
        let value = value.unwrap_or("MD5");
        let (name, session) = match value.len().checked_sub(5).and_then(|at| value.split_at_checked(at)) {
            Some((name, tail)) if tail.eq_ignore_ascii_case("-sess") => (name, true),
            _ => (value, false),
        };
        [Self::Md5, Self::Sha256]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
            .map(|known| (known, session))
    }

    /// Length of the hash in hexadecimal characters.
    const fn hex_len(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha256 => 64,
        }
    }

    /// Lower-case hexadecimal hash of bytes.
    fn hash(self, bytes: &[u8]) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(bytes)),
            Self::Sha256 => hex(&Sha256::digest(bytes)),
        }
    }

    /// Hash of the parts with a colon between them.
    fn hash_joined(self, parts: &[&str]) -> String {
        self.hash(parts.join(":").as_bytes())
    }
}

/// `H(user:realm:password)` (RFC 7616 §3.4.2): all that a verifier needs to keep of a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ha1 {
    /// Which hash made it.
    algorithm: Algorithm,
    /// Lower-case hexadecimal.
    hex: Pii<String>,
}

impl Ha1 {
    /// For MD5 challenges.
    pub fn md5(user: &str, realm: &str, password: &str) -> Self {
        Self::of(Algorithm::Md5, user, realm, password)
    }

    /// For SHA-256 challenges.
    pub fn sha256(user: &str, realm: &str, password: &str) -> Self {
        Self::of(Algorithm::Sha256, user, realm, password)
    }

    /// For challenges of that algorithm.
    pub fn of(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        Self { algorithm, hex: Pii(algorithm.hash_joined(&[user, realm, password])) }
    }

    /// From another system's store. `None` when the text is not a hash of that algorithm.
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Option<Self> {
        let fits = text.len() == algorithm.hex_len() && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self { algorithm, hex: Pii(text.to_ascii_lowercase()) })
    }

    /// Which hash made it.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// The part of the hash that `qop` adds (RFC 7616 §3.4.1).
struct Protection<'a> {
    nc: &'a str,
    cnonce: &'a str,
    qop: &'a str,
}

/// `response` (RFC 7616 §3.4.1); without protection the older form of RFC 2069, which RFC 3261
/// §22.4 item 8 keeps alive.
fn response(algorithm: Algorithm, ha1: &str, nonce: &str, with: Option<Protection>, ha2: &str) -> String {
    match with {
        Some(Protection { nc, cnonce, qop }) => algorithm.hash_joined(&[ha1, nonce, nc, cnonce, qop, ha2]),
        None => algorithm.hash_joined(&[ha1, nonce, ha2]),
    }
}

/// Compares without telling by its duration where two texts of one length differ.
fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    let differs = a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y));
    a.len() == b.len() && std::hint::black_box(differs) == 0
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |b: &u8| [DIGITS[(b >> 4) as usize] as char, DIGITS[(b & 15) as usize] as char];
    bytes.iter().flat_map(digits).collect()
}

/// Escapes what would end a quoted-string early (RFC 3261 §25.1 quoted-pair).
fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    plain.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1.
    #[test]
    fn the_vectors_of_rfc_7616_come_out() {
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let cases = [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ];
        for (algorithm, wanted) in cases {
            let ha1 = Ha1::of(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
            let ha2 = algorithm.hash_joined(&["GET", "/dir/index.html"]);
            let with = Some(Protection { nc: "00000001", cnonce, qop: "auth" });
            assert_eq!(response(algorithm, &ha1.hex.0, nonce, with, &ha2), wanted);
        }
    }

    #[test]
    fn algorithm_names_are_read_without_case() {
        assert_eq!(Algorithm::from_param(None), Some((Algorithm::Md5, false)));
        assert_eq!(Algorithm::from_param(Some("md5-SESS")), Some((Algorithm::Md5, true)));
        assert_eq!(Algorithm::from_param(Some("sha-256")), Some((Algorithm::Sha256, false)));
        assert_eq!(Algorithm::from_param(Some("ééé")), None);
        assert_eq!(Algorithm::from_param(Some("AKAv1-MD5")), None);
    }

    #[test]
    fn a_hash_never_shows_in_debug() {
        let ha1 = Ha1::md5("a", "b", "c");
        assert!(!format!("{ha1:?}").contains(&ha1.hex.0));
        assert!(Ha1::from_hex(Algorithm::Md5, &ha1.hex.0.to_uppercase()) == Some(ha1));
        assert!(Ha1::from_hex(Algorithm::Md5, "12").is_none());
    }

    #[test]
    fn comparison_sees_every_byte_and_the_length() {
        assert!(equal_in_constant_time(b"abc", b"abc"));
        assert!(!equal_in_constant_time(b"abc", b"abd"));
        assert!(!equal_in_constant_time(b"abc", b"ab"));
        assert!(equal_in_constant_time(b"", b""));
    }
}
