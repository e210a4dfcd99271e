//! An identity that can be exchanged while the node runs.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Identity, PkiFault, Usage};

/// Shows the identity that is current when a handshake begins, as server and as client.
#[derive(Debug)]
pub struct LiveIdentity {
    current: RwLock<Identity>,
}

impl LiveIdentity {
    /// Beginning with `identity`.
    pub fn new(identity: Identity) -> Arc<Self> {
        Arc::new(Self { current: RwLock::new(identity) })
    }

    /// The identity shown now.
    pub fn current(&self) -> Identity {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows `identity` from the next handshake on.
    pub fn swap(&self, identity: Identity) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// Reads the files again. On a fault the old identity stays. Says whether anything changed.
    pub fn reload(
        &self,
        certificate: &Path,
        key: &Path,
        usage: Usage,
        now: SystemTime,
    ) -> Result<bool, PkiFault> {
        let identity = Identity::load(certificate, key, usage, now)?;
        let changed = identity.certified().cert != self.current().certified().cert;
        self.swap(identity);
        Ok(changed)
    }
}

impl ResolvesServerCert for LiveIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current().certified())
    }
}

impl ResolvesClientCert for LiveIdentity {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let certified = self.current().certified();
        certified.key.choose_scheme(schemes).is_some().then_some(certified)
    }

    fn has_certs(&self) -> bool {
        true
    }
}
