//! Throw-away certificates and TLS settings.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa};
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use x509_parser::extensions::GeneralName;

use super::Failure;

/// A certification authority that lives as long as the emulator.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
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

    /// Its key, PKCS#8: for who signs in its name by another library.
    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A certificate for these names and addresses with its key, both PEM; good for servers and clients
    /// (MTLS).
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn issue(&self, names: &[String], addresses: &[IpAddr]) -> Result<(String, String), Failure> {
        let (certificate, key) = self.certificate(names, addresses)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// Server settings with a certificate for these names and addresses, good for clients too (MTLS).
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn server(&self, names: &[String], addresses: &[IpAddr]) -> Result<Arc<ServerConfig>, Failure> {
        self.mutual(names, addresses, None).map(|(server, _)| server)
    }

    /// Both sides' settings with one certificate. With `clients`, server connections ask for a client
    /// certificate that chains to this authority or to one of those PEM certificates; who has none is
    /// taken all the same, who shows a wrong one is not. The client's side checks the chain in the same
    /// way, and shows its certificate.
    ///
    /// # Errors
    /// When the certificate cannot be made or the PEM holds none.
    pub fn mutual(
        &self,
        names: &[String],
        addresses: &[IpAddr],
        clients: Option<&str>,
    ) -> Result<(Arc<ServerConfig>, Arc<ClientConfig>), Failure> {
        let failed = |e: rustls::Error| Failure::io("TLS settings", e);
        let roots = Arc::new(roots(&format!("{}\n{}", self.pem(), clients.unwrap_or("")))?);
        let (certificate, key) = self.certificate(names, addresses)?;
        let key = || PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        let server = ServerConfig::builder_with_provider(provider());
        let server = server.with_safe_default_protocol_versions().map_err(failed)?;
        let server = match clients {
            Some(_) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider());
                let verifier = verifier.allow_unauthenticated().build();
                server.with_client_cert_verifier(verifier.map_err(|e| Failure::io("TLS settings", e))?)
            }
            None => server.with_no_client_auth(),
        };
        let server = server.with_single_cert(chain.clone(), key()).map_err(failed)?;
        let client = ClientConfig::builder_with_provider(provider());
        let client = client.with_safe_default_protocol_versions().map_err(failed)?;
        let client =
            client.with_root_certificates(roots).with_client_auth_cert(chain, key()).map_err(failed)?;
        Ok((Arc::new(server), Arc::new(client)))
    }

    fn certificate(&self, names: &[String], addresses: &[IpAddr]) -> Result<(Certificate, KeyPair), Failure> {
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
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok((certificate, key))
    }
}

/// The DNS names in a peer's certificate: its subject's common name and its alternative names, lower case.
pub(super) fn names(chain: Option<&[CertificateDer<'_>]>) -> Arc<[String]> {
    let Some(own) = chain.and_then(<[_]>::first) else { return [].into() };
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(own) else { return [].into() };
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let extension = certificate.subject_alternative_name().ok().flatten();
    let alternative = extension.iter().flat_map(|found| &found.value.general_names);
    let alternative = alternative.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    common.chain(alternative).map(str::to_ascii_lowercase).collect()
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
