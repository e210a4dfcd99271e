//! Secrets at rest: AES-256-GCM under the node key.
//!
//! ```text
//!  node key (32 octets, DIR/node.key or $KIRKWALL_NODE_KEY_FILE)
//!     └─ HKDF-SHA256(salt: 16 random octets) ─► key of one sealing ─► AES-256-GCM, bound to the record's key
//!  sealed = salt ‖ ciphertext ‖ tag
//! ```
//!
//! A fresh key for each sealing takes away the limit of 2^32 random nonces under one key (NIST SP
//! 800-38D §8.3), which records that are written with every packet of signalling would reach.
//! Binding to the record's key stops a sealed value from being moved to another record.
//!
//! Out of scope: whoever can read the node key can read the secrets. To keep them apart, place the key
//! elsewhere and name it in `KIRKWALL_NODE_KEY_FILE`.

use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kirkwall_core::pii::Pii;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::folder;

/// A secret of a record: redacted in `Debug`, sealed on disk.
///
/// It can be coded by serde only while the store writes or reads a record; anywhere else (a REST
/// answer, a log line in JSON) coding fails instead of leaking.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Pii<String>);

impl Secret {
    /// From its clear text.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(Pii(clear.into()))
    }

    /// The clear text. Callers hand it to a digest or a TLS key loader and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sealed = SEALING.with_borrow(|at| {
            let (key, record) = at.as_ref().ok_or("a secret is written only inside the store")?;
            key.seal(record, self.reveal().as_bytes()).map_err(|SealFault| "no randomness to seal with")
        });
        serializer.serialize_str(&BASE64.encode(sealed.map_err(serde::ser::Error::custom)?))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let sealed = BASE64.decode(text).map_err(|_| D::Error::custom("a sealed secret is not base64"))?;
        SEALING.with_borrow(|at| {
            let (key, record) =
                at.as_ref().ok_or_else(|| D::Error::custom("a secret is read only inside the store"))?;
            let clear = key.open(record, &sealed).map_err(D::Error::custom)?;
            String::from_utf8(clear).map(Self::new).map_err(|_| D::Error::custom("a secret is not UTF-8"))
        })
    }
}

thread_local! {
    /// The node key and the record being coded on this thread, while the store codes it.
    static SEALING: RefCell<Option<(NodeKey, String)>> = const { RefCell::new(None) };
}

/// Runs `code` with secrets readable and writable for the record `name`.
pub(crate) fn with_key<T>(key: &NodeKey, name: &str, code: impl FnOnce() -> T) -> T {
    /// Takes the key back even when `code` panics.
    struct Undo(Option<(NodeKey, String)>);
    impl Drop for Undo {
        fn drop(&mut self) {
            SEALING.set(self.0.take());
        }
    }
    let _undo = Undo(SEALING.replace(Some((key.clone(), name.to_owned()))));
    code()
}

/// The key that seals this node's secrets.
#[derive(Clone)]
pub struct NodeKey(Arc<[u8; NodeKey::LEN]>);

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey(<redacted>)")
    }
}

/// Why there is no node key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The file cannot be read or made.
    #[error("node key {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "node key {path}: expected 32 octets in base64 or 64 hexadecimal digits; put back the file from your backup"
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// Records are there, their key is not.
    #[error(
        "node key {path} is missing, but sealed records exist; put the file back from your backup, or move the \
         data directory away to start afresh"
    )]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// No randomness.
    #[error("the system gives no randomness for a node key")]
    NoRandomness,
}

/// No randomness for a sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness")]
pub struct SealFault;

/// A sealed value that does not open: another key, another record, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open: wrong node key, or damaged")]
pub struct Unopenable;

impl NodeKey {
    const LEN: usize = 32;
    const SALT: usize = 16;

    /// From 32 octets; for tests and for keys that come from elsewhere.
    pub fn from_octets(octets: [u8; 32]) -> Self {
        Self(Arc::new(octets))
    }

    /// A fresh one.
    pub fn fresh() -> Result<Self, KeyFault> {
        random().map(Self::from_octets).map_err(|SealFault| KeyFault::NoRandomness)
    }

    /// Reads `path`: base64 or hexadecimal, white space around it ignored.
    pub fn read(path: &Path) -> Result<Self, KeyFault> {
        let text =
            fs::read_to_string(path).map_err(|source| KeyFault::File { path: path.to_owned(), source })?;
        parse_key(text.trim()).map(Self::from_octets).ok_or(KeyFault::Malformed { path: path.to_owned() })
    }

    /// Reads `path`, or makes it when `may_make` says that nothing was ever sealed here.
    pub(crate) fn read_or_make(path: &Path, may_make: bool) -> Result<Self, KeyFault> {
        match Self::read(path) {
            Err(KeyFault::File { source, .. }) if source.kind() == io::ErrorKind::NotFound && may_make => {
                let key = Self::fresh()?;
                let text = format!("{}\n", BASE64.encode(*key.0));
                folder::write_atomically(path, text.as_bytes())
                    .map_err(|source| KeyFault::File { path: path.to_owned(), source })?;
                Ok(key)
            }
            Err(KeyFault::File { source, path }) if source.kind() == io::ErrorKind::NotFound => {
                Err(KeyFault::Missing { path })
            }
            other => other,
        }
    }

    /// Seals `clear`, bound to `name`.
    pub(crate) fn seal(&self, name: &str, clear: &[u8]) -> Result<Vec<u8>, SealFault> {
        let salt: [u8; Self::SALT] = random()?;
        let mut body = clear.to_vec();
        self.key_for(&salt)
            .seal_in_place_append_tag(only_nonce(), Aad::from(name.as_bytes()), &mut body)
            .map_err(|_| SealFault)?;
        Ok([&salt[..], &body].concat())
    }

    /// Opens what [`seal`](Self::seal) made under the same name.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, Unopenable> {
        let (salt, body) = sealed.split_at_checked(Self::SALT).ok_or(Unopenable)?;
        let mut body = body.to_vec();
        let clear = self
            .key_for(salt)
            .open_in_place(only_nonce(), Aad::from(name.as_bytes()), &mut body)
            .map_err(|_| Unopenable)?;
        Ok(clear.to_vec())
    }

    fn key_for(&self, salt: &[u8]) -> LessSafeKey {
        let key = Salt::new(HKDF_SHA256, salt)
            .extract(&self.0[..])
            .expand(&[b"kirkwall record 1"], &AES_256_GCM)
            .map(UnboundKey::from)
            .expect("HKDF-SHA256 gives up to 8160 octets, 32 are asked");
        LessSafeKey::new(key)
    }
}

/// Each sealing has its own key, so one nonce is enough.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// Octets nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealFault> {
    let mut octets = [0; N];
    SystemRandom::new().fill(&mut octets).map_err(|_| SealFault)?;
    Ok(octets)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The file that `KIRKWALL_NODE_KEY_FILE` names, if it does.
pub(crate) fn named_key_file() -> Option<PathBuf> {
    std::env::var_os("KIRKWALL_NODE_KEY_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn parse_key(text: &str) -> Option<[u8; NodeKey::LEN]> {
    if text.len() == 2 * NodeKey::LEN && text.bytes().all(|c| c.is_ascii_hexdigit()) {
        let octet = |i: usize| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok();
        let octets: Option<Vec<u8>> = (0..NodeKey::LEN).map(octet).collect();
        return octets?.try_into().ok();
    }
    BASE64.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_under_its_key_and_name() {
        let (key, other) = (NodeKey::from_octets([1; 32]), NodeKey::from_octets([2; 32]));
        let sealed = key.seal("user/1", b"hunter2").unwrap();
        assert_eq!(key.open("user/1", &sealed).unwrap(), b"hunter2");
        assert_eq!(key.open("user/2", &sealed), Err(Unopenable));
        assert_eq!(other.open("user/1", &sealed), Err(Unopenable));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(key.open("user/1", &damaged), Err(Unopenable), "octet {at}");
            assert_eq!(key.open("user/1", &sealed[..at]), Err(Unopenable));
        }
    }

    #[test]
    fn a_secret_is_not_coded_outside_the_store_nor_shown() {
        let secret = Secret::new("hunter2");
        assert!(serde_json::to_string(&secret).is_err());
        assert!(!format!("{secret:?}").contains("hunter2"));
        let key = NodeKey::from_octets([1; 32]);
        let text = with_key(&key, "a", || serde_json::to_string(&secret)).unwrap();
        assert!(!text.contains("hunter2"));
        assert!(serde_json::from_str::<Secret>(&text).is_err());
        assert_eq!(with_key(&key, "a", || serde_json::from_str::<Secret>(&text)).unwrap(), secret);
        assert!(serde_json::to_string(&secret).is_err(), "the key is taken back");
    }

    #[test]
    fn a_key_file_is_made_once_private_and_read_again() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        assert!(matches!(NodeKey::read_or_make(&path, false), Err(KeyFault::Missing { .. })));
        let key = NodeKey::read_or_make(&path, true).unwrap();
        let sealed = key.seal("a", b"b").unwrap();
        assert_eq!(NodeKey::read_or_make(&path, true).unwrap().open("a", &sealed).unwrap(), b"b");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "nonsense").unwrap();
        assert!(matches!(NodeKey::read_or_make(&path, true), Err(KeyFault::Malformed { .. })));
        fs::write(&path, "0f".repeat(32)).unwrap();
        assert!(NodeKey::read(&path).is_ok());
    }
}
