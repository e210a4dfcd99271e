//! rustls settings for both ends.

use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::servers::Servers;
use super::{LiveIdentity, PkiFault, Trust};

const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// What a server asks of its clients.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// Nothing; a client's certificate is not even asked for.
    None,
    /// A certificate may be shown; one that does not chain to these is refused.
    Optional(Arc<RootCertStore>),
    /// MTLS: a certificate that chains to one of these, or no connection.
    Required(Arc<RootCertStore>),
    /// MTLS with servers of these names only ([`Servers`](super::servers::Servers)).
    Servers(Arc<RootCertStore>, Vec<String>),
}

/// Settings for connections we open.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// For rustls.
    pub config: Arc<ClientConfig>,
    /// Whether the server's names are proved when a handshake succeeds.
    pub verified: bool,
}

/// Settings of a TLS server that shows `identity`. TLS 1.2 and 1.3.
pub fn server_config(
    identity: Arc<LiveIdentity>,
    clients: ClientAuth,
) -> Result<Arc<ServerConfig>, PkiFault> {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(VERSIONS)
        .map_err(|error| library(&error))?;
    let (roots, required) = match clients {
        ClientAuth::None => return Ok(Arc::new(builder.with_no_client_auth().with_cert_resolver(identity))),
        ClientAuth::Optional(roots) => (roots, false),
        ClientAuth::Required(roots) => (roots, true),
        ClientAuth::Servers(roots, names) => {
            let verifier = Arc::new(Servers::new(roots, names, provider)?);
            return Ok(Arc::new(builder.with_client_cert_verifier(verifier).with_cert_resolver(identity)));
        }
    };
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
    let verifier = if required { verifier } else { verifier.allow_unauthenticated() };
    let verifier = verifier.build().map_err(|error| no_trust(&error))?;
    Ok(Arc::new(builder.with_client_cert_verifier(verifier).with_cert_resolver(identity)))
}

/// Settings of the base link: TLS 1.3 only, one ALPN protocol; a certificate of `roots` may be shown, any
/// other one is refused. Who shows none is to be let no further than the door.
pub fn base_link_config(
    identity: Arc<LiveIdentity>,
    roots: Arc<RootCertStore>,
    alpn: &[u8],
) -> Result<Arc<ServerConfig>, PkiFault> {
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
    let verifier = verifier.allow_unauthenticated().build().map_err(|error| no_trust(&error))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| library(&error))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(identity);
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(Arc::new(config))
}

/// Settings of a TLS client that believes `trust` and shows `identity` when asked. TLS 1.2 and 1.3.
pub fn client_config(trust: &Trust, identity: Option<Arc<LiveIdentity>>) -> Result<ClientTls, PkiFault> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(VERSIONS)
        .map_err(|error| library(&error))?
        // Not weaker than the built-in check: the same chain check, then stricter names (RFC 5922).
        .dangerous()
        .with_custom_certificate_verifier(trust.server_verifier());
    let config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity),
        None => builder.with_no_client_auth(),
    };
    Ok(ClientTls { config: Arc::new(config), verified: matches!(trust, Trust::Roots(_)) })
}

pub(super) fn no_trust(error: &dyn std::fmt::Display) -> PkiFault {
    PkiFault::NoTrust { origin: "client certificates".to_owned(), what: error.to_string() }
}

fn library(error: &rustls::Error) -> PkiFault {
    PkiFault::Library { origin: "TLS".to_owned(), what: error.to_string() }
}
