//! What an endpoint is made of, and where it listens.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::Transport;
use super::guard::Guard;

/// Where to listen, and what to trust. `None` leaves a transport out; port 0 takes a free one.
#[derive(Default, Clone)]
pub struct EndpointConfig {
    /// UDP socket, for both directions.
    pub udp: Option<SocketAddr>,
    /// TCP listener.
    pub tcp: Option<SocketAddr>,
    /// TLS listener with its certificate.
    pub tls: Option<(SocketAddr, Arc<rustls::ServerConfig>)>,
    /// For connections that we open over TLS.
    pub tls_client: Option<Arc<rustls::ClientConfig>>,
    /// The address that Via and Contact show, when a listener is bound to the unspecified address.
    pub advertise: Option<IpAddr>,
    /// Whether a response that fits no transaction goes on to the next Via: proxies only
    /// (RFC 3261 §16.7: 2xx retransmissions).
    pub forwards_stray_responses: bool,
    /// Signs what leaves and judges what arrives; none: everything passes as it is.
    pub guard: Option<Arc<dyn Guard>>,
    /// Names of hosts that it may have to connect to: emulators ask no DNS. The name also goes into the
    /// TLS handshake.
    pub hosts: Vec<(String, SocketAddr)>,
    /// Whether a ping on a stream is left unanswered.
    pub swallows_pings: bool,
}

/// The bound addresses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listening {
    /// UDP.
    pub udp: Option<SocketAddr>,
    /// TCP.
    pub tcp: Option<SocketAddr>,
    /// TLS.
    pub tls: Option<SocketAddr>,
}

impl Listening {
    /// The address of one transport.
    pub const fn of(&self, transport: Transport) -> Option<SocketAddr> {
        match transport {
            Transport::Udp => self.udp,
            Transport::Tcp => self.tcp,
            Transport::Tls => self.tls,
        }
    }
}
