//! Who a message came from, and where one shall go.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A SIP transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP, unreliable.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Transport {
    /// Whether it retransmits by itself, so that SIP need not (RFC 3261 §17).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// As in Via: upper case.
    pub const fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// As in the `transport` parameter of a URI: lower case.
    pub const fn uri_name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// 5060, or 5061 for TLS (RFC 3261 §19.1.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Tls => 5061,
            _ => 5060,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri_name())
    }
}

/// Which world a listener or connection faces. It decides what a stranger may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Facing {
    /// Registrars, front ends, proxies.
    North,
    /// Handsets and SIP-DECT base stations.
    South,
}

/// A connection of this node's transports; never reused while the node lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u64);

/// Where a message came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// How it came.
    pub transport: Transport,
    /// Address of the sender as the socket saw it.
    pub remote: SocketAddr,
    /// Our address that it reached.
    pub local: SocketAddr,
    /// Which world that socket faces.
    pub facing: Facing,
    /// The connection, unless UDP.
    pub connection: Option<ConnectionId>,
    /// Names in the sender's certificate, when it showed one that chains to a CA we hold.
    pub tls_names: Vec<String>,
}

impl Peer {
    /// Back to the sender, over the same connection when there is one (RFC 3261 §18.2.2).
    pub fn back(&self) -> Destination {
        Destination {
            transport: self.transport,
            address: self.remote,
            facing: self.facing,
            connection: self.connection,
            server_name: None,
        }
    }
}

/// Where a message shall go.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Destination {
    /// How.
    pub transport: Transport,
    /// Resolved address.
    pub address: SocketAddr,
    /// Which of our sockets and certificates to use.
    pub facing: Facing,
    /// Preferred connection. When it is gone, one to `address` is reused or opened.
    pub connection: Option<ConnectionId>,
    /// The name a TLS server's certificate must carry (RFC 5922); none: by `address`.
    pub server_name: Option<String>,
}
