//! TLS on top of a TCP stream, with the words for what fails.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kirkwall_core::sip::Facing;
use rustls::ServerConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::pki::{self, ClientTls};

/// TLS settings per side; replaced as a whole when they change.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub server: BTreeMap<Facing, Arc<ServerConfig>>,
    pub client: BTreeMap<Facing, ClientTls>,
    /// For the peers in the north that it names.
    pub legacy: Option<Arc<pki::LegacyTls>>,
}

/// Accepts TLS; gives the stream and the names the client's certificate proves, none without one.
pub(super) async fn accept(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    limit: Duration,
) -> Result<(server::TlsStream<TcpStream>, Vec<String>), String> {
    let handshake = TlsAcceptor::from(config).accept(stream);
    let stream = tokio::time::timeout(limit, handshake)
        .await
        .map_err(|_| format!("no TLS handshake within {limit:?}"))?
        .map_err(|error| describe(&error))?;
    // A server configuration of ours lets a certificate pass only when it chains to a CA we hold.
    let names = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let names = names.map(pki::names_of).unwrap_or_default();
    Ok((stream, names))
}

/// Opens TLS to `remote`, which must prove `name`, or its address when there is none (RFC 5922 §7.2).
pub(super) async fn connect(
    tls: ClientTls,
    stream: TcpStream,
    name: Option<&str>,
    remote: SocketAddr,
    limit: Duration,
) -> Result<(client::TlsStream<TcpStream>, Vec<String>), String> {
    let name = server_name(name, remote)?;
    let handshake = TlsConnector::from(tls.config).connect(name, stream);
    let stream = tokio::time::timeout(limit, handshake)
        .await
        .map_err(|_| format!("{remote} did not complete a TLS handshake within {limit:?}"))?
        .map_err(|error| describe(&error))?;
    let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let names = leaf.filter(|_| tls.verified).map(pki::names_of).unwrap_or_default();
    Ok((stream, names))
}

/// The TLS error inside an error of a stream.
pub(super) fn error_of(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn describe(error: &io::Error) -> String {
    match (error_of(error), error.kind()) {
        (Some(tls), _) => pki::words(tls),
        (None, io::ErrorKind::UnexpectedEof) => {
            "the peer hung up during the TLS handshake; it may not speak TLS 1.2 or 1.3 on this port".into()
        }
        (None, _) => error.to_string(),
    }
}

fn server_name(name: Option<&str>, remote: SocketAddr) -> Result<ServerName<'static>, String> {
    match name {
        None => Ok(ServerName::from(remote.ip())),
        Some(name) => {
            // An IPv6 reference as in a URI, and the root dot of a full name, are not part of it.
            let bare = name.trim_matches(['[', ']']).trim_end_matches('.');
            ServerName::try_from(bare.to_owned()).map_err(|_| format!("{name:?} is no name for a TLS server"))
        }
    }
}
