//! Connections that come to us, up to the end of the TLS handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kirkwall_core::dect::base_link::ALPN;
use kirkwall_core::dect::base_link::enrolment::KeyPrint;
use kirkwall_core::dect::base_link::greeting::Certified;
use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{info, warn};

use super::table::{Links, Seat, source};
use super::{Office, count, door};
use crate::pki::{self, Authority, LiveIdentity, PkiFault};

/// Pause after the system refuses to accept, which it does when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// What a listener needs beside the table.
pub(super) struct Porch {
    pub(super) links: Links,
    pub(super) office: Arc<dyn Office>,
    pub(super) authority: Arc<Authority>,
    tls: Arc<ServerConfig>,
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    /// The operating system refuses the address.
    #[error("base_link.listen = \"{address}\": cannot listen there ({source}); is another program using it?")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The certificates do not go together.
    #[error(transparent)]
    Certificates(#[from] PkiFault),
}

impl Links {
    /// Opens the listener and serves it until [`Links::stop`]. `identity` is what the switch shows; the
    /// authority's certificates are believed and given out. The address that was bound.
    pub async fn listen(
        &self,
        address: SocketAddr,
        identity: Arc<LiveIdentity>,
        authority: Arc<Authority>,
        office: Arc<dyn Office>,
    ) -> Result<SocketAddr, ListenFault> {
        let tls = pki::base_link_config(identity, authority.roots()?, ALPN)?;
        let bound = TcpListener::bind(address).await;
        let listener = bound.map_err(|source| ListenFault::Bind { address, source })?;
        let local = listener.local_addr().map_err(|source| ListenFault::Bind { address, source })?;
        let porch = Arc::new(Porch { links: self.clone(), office, authority, tls });
        self.tasks.spawn(run(porch, listener));
        Ok(local)
    }
}

/// Accepts until shutdown.
async fn run(porch: Arc<Porch>, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = porch.links.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, remote)) => match porch.links.admit(remote.ip()) {
                Ok(seat) => drop(porch.links.tasks.spawn(welcome(porch.clone(), stream, remote, seat))),
                // Dropping the stream closes it.
                Err(limit) => count(limit),
            },
            Err(error) => {
                count("accept");
                warn!(%error, "cannot accept a base link");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn welcome(porch: Arc<Porch>, stream: TcpStream, remote: SocketAddr, seat: Seat) {
    // Frames are small and wait for nothing.
    let _ = stream.set_nodelay(true);
    let handshake = TlsAcceptor::from(porch.tls.clone()).accept(stream);
    let ended = tokio::select! {
        ended = tokio::time::timeout(porch.links.limits.handshake, handshake) => ended,
        () = porch.links.stop.cancelled() => return,
    };
    let refused = |what: String| {
        count("handshake");
        info!(source = %source(remote), %what, "base link: TLS handshake refused");
    };
    let stream = match ended {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return refused(words(&error)),
        Err(_) => return refused("no handshake in time".to_owned()),
    };
    if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return refused("the client does not speak obl/1".to_owned());
    }
    match proved(&stream) {
        Ok(certified) => door::serve(porch, stream, certified, remote, seat).await,
        Err(what) => refused(what),
    }
}

/// Whose certificate was shown: our authority has signed it, or the handshake would have failed.
fn proved(stream: &TlsStream<TcpStream>) -> Result<Option<Certified>, String> {
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    shown.map(certified).transpose()
}

fn certified(certificate: &CertificateDer<'_>) -> Result<Certified, String> {
    let name = pki::common_name_of(certificate).and_then(|name| name.parse().ok());
    let key = pki::spki_of(certificate).map(|spki| KeyPrint::of(&spki));
    let facts = name.zip(key).map(|(base, key)| Certified { base, key });
    facts.ok_or_else(|| "the certificate names no base station".to_owned())
}

fn words(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    tls.map_or_else(|| error.to_string(), pki::words)
}
