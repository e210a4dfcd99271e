//! Servers that connect to us as clients: the front ends of Lync do, by MTLS.
//!
//! Refused are those whose certificate does not chain to an authority we hold, is not meant for a TLS
//! server or client, or proves none of the names we expect. The words say which, and what to do.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::{PkiFault, names_of, tls};

/// The check of a server that is our client.
#[derive(Debug)]
pub(super) struct Servers {
    chain: Arc<dyn ClientCertVerifier>,
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Lower case.
    names: Vec<String>,
}

impl Servers {
    pub fn new(
        roots: Arc<RootCertStore>,
        names: Vec<String>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, PkiFault> {
        let algorithms = provider.signature_verification_algorithms;
        let chain = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider);
        let chain = chain.build().map_err(|error| tls::no_trust(&error))?;
        let names = names.into_iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect();
        Ok(Self { chain, roots, algorithms, names })
    }

    /// Front ends show the certificate that they have as servers, whose usage is Server Authentication
    /// alone: that is a right usage too.
    fn check_chain(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        match self.chain.verify_client_cert(own, others, now) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
            )) => {
                let parsed = ParsedCertificate::try_from(own)?;
                verify_server_cert_signed_by_trust_anchor(
                    &parsed,
                    &self.roots,
                    others,
                    now,
                    self.algorithms.all,
                )
            }
            Err(other) => Err(other),
        }
    }
}

impl ClientCertVerifier for Servers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check_chain(end_entity, intermediates, now)?;
        let shown = names_of(end_entity);
        match shown.iter().any(|name| self.names.contains(name)) {
            true => Ok(ClientCertVerified::assertion()),
            false => {
                let stranger = Stranger { shown, allowed: self.names.clone() };
                Err(CertificateError::Other(OtherError(Arc::new(stranger))).into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// A good certificate of somebody we do not expect.
#[derive(Debug)]
struct Stranger {
    shown: Vec<String>,
    allowed: Vec<String>,
}

impl std::error::Error for Stranger {}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| match names {
            [] => "nobody".to_owned(),
            names => names.join(", "),
        };
        write!(
            f,
            "the peer's certificate is for {}, and only {} may connect here; add its name to sip.proxies or \
             sip.north.allowed if it is one of yours",
            list(&self.shown),
            list(&self.allowed)
        )
    }
}
