//! The certificate of a base: asked for with a token, kept, and shown from then on.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use crate::sip::Failure;

/// ALPN name of the link.
pub(super) const ALPN: &[u8] = b"obl/1";

/// Key, certificate and the switch's CA, DER.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    key: Vec<u8>,
    certificate: Vec<u8>,
    ca: Vec<u8>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "certificate of {} octets", self.certificate.len())
    }
}

impl Identity {
    /// Reads what [`Identity::save`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or is none of ours.
    pub fn load(file: &Path) -> Result<Self, Failure> {
        let doing = || format!("reading {}", file.display());
        let text = std::fs::read_to_string(file).map_err(|e| Failure::io(doing(), e))?;
        let mut parts = text.lines().map(unhex);
        match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
            (Some(key), Some(certificate), Some(ca)) => Ok(Self { key, certificate, ca }),
            _ => Err(Failure::io(doing(), "it is no identity of a lab's base")),
        }
    }

    /// Keeps it: key, certificate and CA, a line of hexadecimal digits each.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), Failure> {
        let line = |der: &Vec<u8>| der.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let text = [&self.key, &self.certificate, &self.ca].map(line).join("\n");
        std::fs::write(file, text).map_err(|e| Failure::io(format!("writing {}", file.display()), e))
    }

    /// TLS settings with this certificate; trusts what the CA signed, by any name.
    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, Failure> {
        let failed = |e: &dyn std::fmt::Display| Failure::io("TLS settings of a base", e);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.ca.clone())).map_err(|e| failed(&e))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|e| failed(&e))?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let mut config = builder()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Chain(verifier)))
            .with_client_auth_cert(vec![CertificateDer::from(self.certificate.clone())], key)
            .map_err(|e| failed(&e))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Arc::new(config))
    }
}

/// TLS settings of a base that knows nobody yet.
pub(super) fn stranger() -> Result<Arc<ClientConfig>, Failure> {
    let config = builder()?.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider())));
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// A key, and the request for a certificate that says our MAC address.
pub(super) fn request(base_id: [u8; 6]) -> Result<(Vec<u8>, Vec<u8>), Failure> {
    let failed = |e: rcgen::Error| Failure::io("asking for a certificate", e);
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
    let name: String = base_id.iter().map(|octet| format!("{octet:02X}")).collect();
    params.distinguished_name.push(DnType::CommonName, name);
    let request = params.serialize_request(&key).map_err(failed)?;
    Ok((key.serialize_der(), request.der().to_vec()))
}

/// What the switch gave for it.
pub(super) const fn granted(key: Vec<u8>, certificate: Vec<u8>, ca: Vec<u8>) -> Identity {
    Identity { key, certificate, ca }
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn builder() -> Result<Builder, Failure> {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| Failure::io("TLS settings of a base", e))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn unhex(line: &str) -> Option<Vec<u8>> {
    let octet = |at: usize| u8::from_str_radix(line.get(at..at + 2)?, 16).ok();
    (0..line.len()).step_by(2).map(octet).collect()
}

/// Chains to the CA; which name stands in the certificate does not matter, since the CA is the switch's own.
#[derive(Debug)]
struct Chain(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Chain {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end, between, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Believes anybody who holds the key of a certificate: what a base does that was just unpacked.
#[derive(Debug)]
struct Anybody(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anybody {
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
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
