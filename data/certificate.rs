//! Certificates, and the keys that belong to them.

use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::secret::Secret;
use crate::tree::Tree;

/// All certificates.
pub type Certificates = Records<CertificateRecord>;

/// One certificate with its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRecord {
    /// Names the record.
    pub name: String,
    /// The certificate first, then the chain, PEM.
    #[serde(default)]
    pub chain_pem: String,
    /// Private key, PEM. None for an authority that we only trust.
    #[serde(default)]
    pub key_pem: Option<Secret>,
    /// What it is used for.
    #[serde(default)]
    pub usage: Vec<Usage>,
    /// When it was imported or made.
    #[serde(default)]
    pub created: Moment,
}

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// The web pages and REST.
    Web,
    /// SIP over TLS, as server and as client.
    Sip,
    /// The base link.
    BaseLink,
    /// An authority whose certificates we accept.
    Trust,
    /// A use that only a newer version knows.
    #[serde(other)]
    Unknown,
}

impl Record for CertificateRecord {
    const TREE: Tree = Tree::Certificate;
    type Key = str;

    fn key(&self) -> &str {
        &self.name
    }
}
