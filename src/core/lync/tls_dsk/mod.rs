//! TLS-DSK: a TLS handshake inside of SIP headers, and signatures by what it derives ([MS-SIPAE]
//! §3.2.5.1, RFC 5216 §2.3).
//!
//! ```text
//!  client                                                    front end
//!    ── REGISTER gssapi-data=ClientHello ──►
//!    ◄─ 401 opaque, gssapi-data=ServerHello … ServerHelloDone ──
//!    ── REGISTER gssapi-data=Certificate … Finished ──►
//!    ◄─ 401 gssapi-data=ChangeCipherSpec, Finished ──
//!    ── REGISTER gssapi-data="", signed ──►
//!    ◄─ 200, signed ──
//! ```
//!
//! No byte of the user's goes through this TLS; it only proves the user's certificate and makes two
//! keys. Here are the framing, the derivation and the MAC. The handshake itself is a port
//! ([`DskChannel`]), since core holds no TLS.
//!
//! **What integration brings**: the user's certificate, fetched from the certificate provisioning service
//! at `sts-uri` by a web ticket ([`web_ticket`](super::web_ticket)); and a TLS 1.0–1.2 library that gives the exporter of RFC 5705 without context, which is the derivation of RFC 5216. The MAC
//! follows the hash of the negotiated cipher suite. Clients in the field negotiate suites with MD5 or
//! SHA-1; what a front end does with an AEAD suite, which has no such hash and is all that rustls offers,
//! is not public, so a channel should offer CBC suites with SHA (OpenSSL).

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;

use super::hex::equal_in_constant_time;
use super::ntlm::End;
use crate::pii::Pii;

/// Label of the derivation (RFC 5216 §2.3).
pub const KEY_LABEL: &str = "client EAP encryption";
/// Bytes of key material to derive.
pub const KEY_MATERIAL: usize = 128;
/// Longest handshake message taken from a header.
pub const MAX_FLIGHT: usize = 32 * 1024;

/// One inner handshake. Its bytes are whole TLS records.
pub trait DskChannel: fmt::Debug + Send {
    /// Takes a flight of the server, empty to begin, and gives the next step.
    ///
    /// # Errors
    ///
    /// The server's flight is wrong, or the certificate will not do; in words for people.
    fn advance(&mut self, flight: &[u8]) -> Result<DskStep, DskFailure>;
}

/// Makes ports, for a user who begins anew.
pub trait DskSource: fmt::Debug + Send + Sync {
    /// The user's port.
    fn port(&self) -> Box<dyn DskPort>;
}

/// Makes a handshake when a front end asks for one.
pub trait DskPort: fmt::Debug + Send {
    /// Whether there is a certificate of this user that lasts long enough to begin with.
    fn has_certificate(&self) -> bool;

    /// The front end does not take it: another one must be fetched.
    fn forget_certificate(&mut self);

    /// A fresh client handshake with the server of that name, by the user's certificate.
    ///
    /// # Errors
    ///
    /// There is no certificate of this user, or TLS cannot be set up.
    fn open(&mut self, target_name: &str) -> Result<Box<dyn DskChannel>, DskFailure>;
}

/// What a handshake wants next.
#[derive(Debug)]
pub enum DskStep {
    /// Send these records.
    Send(Vec<u8>),
    /// Done: nothing more to send.
    Established {
        /// [`KEY_MATERIAL`] bytes by [`KEY_LABEL`], without context.
        material: Pii<[u8; KEY_MATERIAL]>,
        /// Hash of the cipher suite's MAC.
        hash: DskHash,
        /// How long the user's certificate is still good.
        certificate_left: Duration,
    },
}

/// Why a handshake failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("TLS-DSK: {0}")]
pub struct DskFailure(pub String);

/// Hash of the signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DskHash {
    /// `…_MD5` suites.
    Md5,
    /// `…_SHA` suites.
    Sha1,
}

/// Keys of one association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DskKeys {
    client: Pii<[u8; 32]>,
    server: Pii<[u8; 32]>,
    hash: DskHash,
}

impl DskKeys {
    /// "client key = key_material[3rd 32 bytes], server key = key_material[4th 32 bytes]": the halves of
    /// RFC 5216's EMSK.
    pub fn new(material: &Pii<[u8; KEY_MATERIAL]>, hash: DskHash) -> Self {
        let part = |from: usize| Pii(std::array::from_fn(|n| material.0[from + n]));
        Self { client: part(64), server: part(96), hash }
    }

    /// The MAC of a text that `sender` sends.
    pub fn sign(&self, sender: End, text: &[u8]) -> Vec<u8> {
        let key = match sender {
            End::Client => &self.client.0,
            End::Server => &self.server.0,
        };
        match self.hash {
            DskHash::Md5 => {
                let mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes keys of any length");
                mac.chain_update(text).finalize().into_bytes().to_vec()
            }
            DskHash::Sha1 => {
                let mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
                mac.chain_update(text).finalize().into_bytes().to_vec()
            }
        }
    }

    /// Whether `mac` is that of `text`.
    pub fn verify(&self, sender: End, text: &[u8], mac: &[u8]) -> bool {
        equal_in_constant_time(&self.sign(sender, text), mac)
    }
}

/// Whether bytes are whole TLS records of handshake, change of cipher or alert (RFC 5246 §6.2.1). A
/// header that holds anything else is refused before a TLS library sees it.
pub fn are_records(mut bytes: &[u8]) -> bool {
    const KINDS: [u8; 3] = [20, 21, 22];
    if bytes.is_empty() || bytes.len() > MAX_FLIGHT {
        return false;
    }
    while let Some(&[kind, major, _, high, low]) = bytes.first_chunk() {
        let end = 5 + usize::from(u16::from_be_bytes([high, low]));
        match bytes.get(end..) {
            Some(rest) if KINDS.contains(&kind) && major == 3 => bytes = rest,
            _ => return false,
        }
    }
    bytes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ends_sign_with_the_third_and_fourth_quarter() {
        let material = Pii(std::array::from_fn(|n| n as u8));
        let keys = DskKeys::new(&material, DskHash::Sha1);
        let own: Vec<u8> = (64..96).collect();
        let mac = Hmac::<Sha1>::new_from_slice(&own).unwrap().chain_update(b"text");
        assert_eq!(keys.sign(End::Client, b"text"), mac.finalize().into_bytes().to_vec());
        let server = keys.sign(End::Server, b"text");
        assert!(keys.verify(End::Server, b"text", &server) && !keys.verify(End::Client, b"text", &server));
        let md5 = DskKeys::new(&material, DskHash::Md5).sign(End::Client, b"text");
        assert_eq!((md5.len(), server.len()), (16, 20));
        assert!(!format!("{keys:?}").contains('7'));
    }

    #[test]
    fn only_whole_records_pass() {
        assert!(are_records(&[22, 3, 1, 0, 2, 9, 9, 20, 3, 1, 0, 1, 1]));
        for bad in [&[][..], &[22, 3, 1, 0, 2, 9], &[23, 3, 1, 0, 0], &[22, 2, 1, 0, 0], &[22, 3, 1, 0]] {
            assert!(!are_records(bad), "{bad:?}");
        }
    }
}
