//! A certificate chain with its private key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::ring::default_provider;
use rustls::sign::CertifiedKey;

use super::{PkiFault, Usage, fingerprint, names_of, pem, x509};

/// Who we are in TLS. Checked when made: the key fits, and the certificate can be used.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity {{ fingerprint: {} }}", self.fingerprint())
    }
}

impl Identity {
    /// From a file with the chain, our own certificate first, and one with the key; both may be the same.
    pub fn load(certificate: &Path, key: &Path, usage: Usage, now: SystemTime) -> Result<Self, PkiFault> {
        let (chain_text, key_text) = (pem::read(certificate)?, pem::read(key)?);
        let (chain_origin, key_origin) = (certificate.display().to_string(), key.display().to_string());
        Self::parse((&chain_origin, &chain_text), (&key_origin, &key_text), usage, now)
    }

    /// From PEM texts; `origin` names them in errors.
    pub fn from_pem(
        origin: &str,
        chain: &str,
        key: &str,
        usage: Usage,
        now: SystemTime,
    ) -> Result<Self, PkiFault> {
        Self::parse((origin, chain.as_bytes()), (origin, key.as_bytes()), usage, now)
    }

    /// SHA-256 fingerprint of our own certificate.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.certified.cert[0])
    }

    /// The names our own certificate carries.
    pub fn names(&self) -> Vec<String> {
        names_of(&self.certified.cert[0])
    }

    /// When our own certificate ends.
    pub fn not_after(&self) -> Option<SystemTime> {
        x509::not_after(&self.certified.cert[0])
    }

    /// For rustls.
    pub fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }

    /// Whatever a peer may show, for tests.
    #[cfg(test)]
    pub(crate) fn unchecked(certified: CertifiedKey) -> Self {
        Self { certified: Arc::new(certified) }
    }

    fn parse(
        (origin, chain): (&str, &[u8]),
        (key_origin, key): (&str, &[u8]),
        usage: Usage,
        now: SystemTime,
    ) -> Result<Self, PkiFault> {
        let chain = pem::certificates(origin, chain)?;
        let key = pem::key(key_origin, key)?;
        let own = x509::parse(origin, &chain[0])?;
        if chain.len() > 1 && own.is_ca() {
            let what = "is an authority's, but this node's own certificate must come first; reorder the file";
            let subject = own.subject().to_string();
            return Err(PkiFault::Unfit { origin: origin.to_owned(), subject, what: what.to_owned() });
        }
        x509::check(origin, &chain[0], usage, now)?;
        let signing =
            default_provider().key_provider.load_private_key(key).map_err(|error| PkiFault::Library {
                origin: key_origin.to_owned(),
                what: format!("the key cannot be used: {error}"),
            })?;
        let certified = CertifiedKey::new(chain, signing);
        certified.keys_match().map_err(|_| PkiFault::KeyMismatch {
            certificate: origin.to_owned(),
            key: key_origin.to_owned(),
        })?;
        Ok(Self { certified: Arc::new(certified) })
    }
}
