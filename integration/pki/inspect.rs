//! Certificates taken apart for the doctor: every fact by itself, where [`Identity`](super::Identity)
//! stops at the first fault.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::ResolvesClientCert;
use rustls::crypto::ring::default_provider;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, Error};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::X509Certificate;

use super::{PkiFault, Trust, pem, x509};

/// A certificate and those after it, the end entity first.
#[derive(Debug, Clone)]
pub struct Chain {
    origin: String,
    certificates: Vec<CertificateDer<'static>>,
}

/// What one certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Subject in the notation of RFC 4514.
    pub subject: String,
    /// Issuer in the same notation.
    pub issuer: String,
    /// Seconds since the epoch.
    pub not_before: i64,
    /// Seconds since the epoch.
    pub not_after: i64,
    /// Why peers will find key or signature too weak.
    pub weakness: Option<String>,
    /// Its extended key usage allows a TLS server.
    pub server_auth: bool,
    /// Its extended key usage allows a TLS client.
    pub client_auth: bool,
}

impl Facts {
    /// Whether it is its own issuer.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

impl Chain {
    /// From a PEM text; `origin` names it in errors.
    pub fn from_pem(origin: &str, text: &[u8]) -> Result<Self, PkiFault> {
        let certificates = super::pem::certificates(origin, text)?;
        Self::shown(origin, &certificates).ok_or_else(|| PkiFault::Library {
            origin: origin.to_owned(),
            what: "no certificate stands in it".to_owned(),
        })
    }

    /// SHA-256 fingerprint of the end entity.
    pub fn fingerprint(&self) -> String {
        x509::fingerprint(&self.certificates[0])
    }

    /// From a PEM file.
    pub fn load(path: &Path) -> Result<Self, PkiFault> {
        let origin = path.display().to_string();
        let certificates = pem::certificates(&origin, &pem::read(path)?)?;
        Ok(Self { origin, certificates })
    }

    /// As a peer showed it; `None` when it showed nothing.
    pub fn shown(origin: &str, certificates: &[CertificateDer<'_>]) -> Option<Self> {
        let certificates: Vec<_> = certificates.iter().map(|one| one.clone().into_owned()).collect();
        (!certificates.is_empty()).then(|| Self { origin: origin.to_owned(), certificates })
    }

    /// What each certificate says, the end entity first; never empty.
    pub fn facts(&self) -> Result<Vec<Facts>, PkiFault> {
        let parse = |der| x509::parse(&self.origin, der).map(|parsed| facts(&parsed));
        self.certificates.iter().map(parse).collect()
    }

    /// Whether the key in this file is that of the end entity.
    pub fn check_key(&self, key: &Path) -> Result<(), PkiFault> {
        let origin = key.display().to_string();
        let der = pem::key(&origin, &pem::read(key)?)?;
        let signing = default_provider().key_provider.load_private_key(der).map_err(|error| {
            PkiFault::Library { origin: origin.clone(), what: format!("the key cannot be used: {error}") }
        })?;
        let matched = CertifiedKey::new(self.certificates.clone(), signing).keys_match();
        matched.map_err(|_| PkiFault::KeyMismatch { certificate: self.origin.clone(), key: origin })
    }

    /// Whether the end entity proves this DNS name (RFC 5922 §7).
    pub fn proves(&self, name: &str) -> bool {
        x509::parse(&self.origin, &self.certificates[0]).is_ok_and(|own| x509::proves_domain(&own, name))
    }

    /// The names that the end entity proves.
    pub fn names(&self) -> Vec<String> {
        x509::names_of(&self.certificates[0])
    }

    /// The check a client of ours makes of a server called `name`.
    pub fn check_server(&self, trust: &Trust, name: &ServerName<'_>, now: SystemTime) -> Result<(), Error> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (own, others) = (&self.certificates[0], &self.certificates[1..]);
        let verifier = trust.server_verifier();
        verifier.verify_server_cert(own, others, name, &[], UnixTime::since_unix_epoch(since)).map(|_| ())
    }

    /// Whether the chain ends at an authority of `trust`. Only that: the moment is one at which the end
    /// entity is valid, and the name is its own.
    pub fn leads_to(&self, trust: &Trust, now: SystemTime) -> Result<(), Error> {
        let own = self.facts().map_err(|fault| Error::General(fault.to_string()))?.swap_remove(0);
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let moment = seconds.min(own.not_after).max(own.not_before);
        let moment = UNIX_EPOCH + Duration::from_secs(u64::try_from(moment).unwrap_or_default());
        match self.names().first().and_then(|name| ServerName::try_from(name.clone()).ok()) {
            Some(name) => self.check_server(trust, &name, moment),
            None => Err(Error::General("it holds no name".to_owned())),
        }
    }
}

/// Settings of a client that only looks: it believes every server, so nothing may be said over its
/// connections. `resolver` learns whether the server asks for a certificate.
pub fn looking_config(resolver: Arc<dyn ResolvesClientCert>) -> Result<ClientConfig, PkiFault> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| PkiFault::Library { origin: "TLS".to_owned(), what: error.to_string() })?;
    let verifier = Trust::Unverified.server_verifier();
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_client_cert_resolver(resolver))
}

fn facts(certificate: &X509Certificate<'_>) -> Facts {
    let usage = certificate.extended_key_usage().ok().flatten().map(|usage| usage.value);
    let (subject, issuer) = (certificate.subject().to_string(), certificate.issuer().to_string());
    let own_root = subject == issuer;
    Facts {
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        // Nobody checks the signature of a root; it is trusted for being there.
        weakness: x509::key_fault(certificate).or_else(|| signature_fault(certificate).filter(|_| !own_root)),
        // RFC 5280 §4.2.1.12: without the extension every purpose is allowed.
        server_auth: usage.is_none_or(|usage| usage.any || usage.server_auth),
        client_auth: usage.is_none_or(|usage| usage.any || usage.client_auth),
        subject,
        issuer,
    }
}

fn signature_fault(certificate: &X509Certificate<'_>) -> Option<String> {
    // RFC 3279 §2.2 and RFC 5758 §3.2: md2, md4, md5, sha1 with RSA, DSA or ECDSA.
    let old = [
        ("1.2.840.113549.1.1.2", "MD2"),
        ("1.2.840.113549.1.1.3", "MD4"),
        ("1.2.840.113549.1.1.4", "MD5"),
        ("1.2.840.113549.1.1.5", "SHA-1"),
        ("1.3.14.3.2.29", "SHA-1"),
        ("1.2.840.10040.4.3", "SHA-1"),
        ("1.2.840.10045.4.1", "SHA-1"),
    ];
    let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
    let (_, name) = old.into_iter().find(|(oid, _)| *oid == algorithm)?;
    Some(format!("it is signed with {name}; have it issued again with SHA-256"))
}
