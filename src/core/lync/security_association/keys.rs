//! Keys of an association, of either scheme.

use crate::lync::ntlm::{End, MacKeys};
use crate::lync::tls_dsk::DskKeys;

/// What signs and verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaKeys {
    /// By NTLM.
    Ntlm(MacKeys),
    /// By TLS-DSK.
    TlsDsk(DskKeys),
}

impl SaKeys {
    /// The MAC of a text that `sender` sends.
    pub fn sign(&self, sender: End, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Ntlm(keys) => keys.sign(sender, text).to_vec(),
            Self::TlsDsk(keys) => keys.sign(sender, text),
        }
    }

    /// Whether `mac` is that of `text`.
    pub fn verify(&self, sender: End, text: &[u8], mac: &[u8]) -> bool {
        match self {
            Self::Ntlm(keys) => keys.verify(sender, text, mac),
            Self::TlsDsk(keys) => keys.verify(sender, text, mac),
        }
    }
}
