//! Whom we believe, and the check of a server's name by RFC 5922.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{PkiFault, names_of, pem, x509};

/// Whose certificates we believe.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Chains that end at one of these.
    Roots(Arc<RootCertStore>),
    /// Anyone. Only where an administrator has written `verify = false`.
    Unverified,
}

impl Trust {
    /// The authorities of a PEM bundle. A self-signed certificate of a peer may be in it too.
    pub fn bundle(path: &Path) -> Result<Self, PkiFault> {
        Self::from_pem(&path.display().to_string(), &pem::read(path)?)
    }

    /// The same from a text; `origin` names it in errors.
    pub fn from_pem(origin: &str, text: &[u8]) -> Result<Self, PkiFault> {
        let mut roots = RootCertStore::empty();
        for (index, certificate) in pem::certificates(origin, text)?.into_iter().enumerate() {
            roots.add(certificate).map_err(|error| PkiFault::NoTrust {
                origin: origin.to_owned(),
                what: format!("certificate {} of the bundle: {}", index + 1, super::words(&error)),
            })?;
        }
        Ok(Self::Roots(Arc::new(roots)))
    }

    /// The authorities the operating system trusts.
    pub fn system() -> Result<Self, PkiFault> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            let what = match found.errors.first() {
                Some(error) => error.to_string(),
                None => "the system has none; install ca-certificates or set a CA bundle".to_owned(),
            };
            return Err(PkiFault::NoTrust { origin: "the system's certificates".to_owned(), what });
        }
        Ok(Self::Roots(Arc::new(roots)))
    }

    /// No verification at all, said loudly in the log. `setting` is the key that asks for it.
    pub fn unverified(setting: &str) -> Self {
        tracing::warn!(
            setting,
            "certificates of TLS servers are NOT verified: anyone on the path can listen in and forge calls; \
             set a CA bundle instead"
        );
        Self::Unverified
    }

    pub(super) fn server_verifier(&self) -> Arc<dyn ServerCertVerifier> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        match self {
            Self::Roots(roots) => Arc::new(SipDomain { roots: roots.clone(), algorithms }),
            Self::Unverified => Arc::new(Anyone { algorithms }),
        }
    }
}

/// RFC 5922 §7.3: the client checks that the certificate chains to a trusted authority and that one of its
/// SIP domain identities is the domain it meant to reach.
#[derive(Debug)]
struct SipDomain {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for SipDomain {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        let (_, certificate) =
            X509Certificate::from_der(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        let proved = match server_name {
            ServerName::DnsName(name) => x509::proves_domain(&certificate, name.as_ref()),
            ServerName::IpAddress(ip) => x509::proves_address(&certificate, (*ip).into()),
            _ => false,
        };
        match proved {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::NotValidForNameContext {
                expected: server_name.to_owned(),
                presented: names_of(end_entity),
            }
            .into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Believes any certificate, but not a handshake that its key did not sign.
#[derive(Debug)]
struct Anyone {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
