//! Throw-away certificates and TLS settings.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
};
use rcgen::{KeyPair, KeyUsagePurpose};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use super::Failure;

/// A certification authority that lives as long as the emulator.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new key and a self-signed certificate.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn new(name: &str) -> Result<Self, Failure> {
        let failed = |e| Failure::io("making the lab's CA", e);
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().map_err(failed)?;
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, key).map_err(failed)? })
    }

    /// The CA's certificate, for those who shall trust it.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Certificate and key, both PEM, for these names and addresses; good for servers and clients.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn issue(&self, names: &[String], addresses: &[IpAddr]) -> Result<(String, String), Failure> {
        let (certificate, key) = self.sign(names, addresses)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// Server settings with a certificate for these names and addresses, good for clients too (MTLS).
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn server(&self, names: &[String], addresses: &[IpAddr]) -> Result<Arc<ServerConfig>, Failure> {
        let (certificate, key) = self.sign(names, addresses)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| Failure::io("TLS settings", e))?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map(Arc::new)
            .map_err(|e| Failure::io("TLS settings", e))
    }

    fn sign(&self, names: &[String], addresses: &[IpAddr]) -> Result<(Certificate, KeyPair), Failure> {
        let failed = |e| Failure::io("making a certificate", e);
        let mut all = names.to_vec();
        all.extend(addresses.iter().map(ToString::to_string));
        let mut params = CertificateParams::new(all).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("lab", String::as_str));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().map_err(failed)?;
        Ok((params.signed_by(&key, &self.issuer).map_err(failed)?, key))
    }
}

/// What an emulated handset believes of the server's certificate.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// Anything, as most DECT bases do out of the box.
    #[default]
    Anything,
    /// Chains to one of these PEM certificates, and names the address that was called.
    Pem(String),
}

impl Trust {
    /// Client settings.
    ///
    /// # Errors
    /// When the PEM holds no certificate.
    pub fn client(&self) -> Result<Arc<ClientConfig>, Failure> {
        let failed = |e: rustls::Error| Failure::io("TLS settings", e);
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
        let config = match self {
            Self::Anything => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Credulous(provider())))
            }
            Self::Pem(pem) => builder.with_root_certificates(roots(pem)?),
        };
        Ok(Arc::new(config.with_no_client_auth()))
    }
}

fn roots(pem: &str) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|e| Failure::io("reading PEM", e))?;
        roots.add(certificate).map_err(|e| Failure::io("reading PEM", e))?;
    }
    if roots.is_empty() {
        return Err(Failure::io("reading PEM", "no certificate in it"));
    }
    Ok(roots)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Checks that the server holds its key, and nothing else.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
