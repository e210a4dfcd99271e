//! Where a message goes next, and how.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::{Failure, address};

/// How SIP travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams; SIP retransmits.
    Udp,
    /// A stream.
    Tcp,
    /// A stream in TLS.
    Tls,
}

impl Transport {
    /// 5060, or 5061 for TLS (RFC 3261 §19.1.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Tls => 5061,
            Self::Udp | Self::Tcp => 5060,
        }
    }

    /// As Via spells it.
    pub const fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        })
    }
}

impl FromStr for Transport {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        [Self::Udp, Self::Tcp, Self::Tls]
            .into_iter()
            .find(|one| one.via_name().eq_ignore_ascii_case(text))
            .ok_or_else(|| Failure::Unusable { field: "transport", text: text.to_owned() })
    }
}

/// A next hop: an address, and the connection to prefer while it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
    /// The connection to reuse; when it is gone, one to `address` is found or opened.
    pub connection: Option<u64>,
}

impl Hop {
    /// A hop without a connection.
    pub const fn new(transport: Transport, address: SocketAddr) -> Self {
        Self { transport, address, connection: None }
    }

    /// The hop that a URI with a numeric host names, else `fallback`. A stream to the same host stays on
    /// the fallback's connection while it lives: phones behind TLS cannot be connected to (RFC 5923). When it
    /// is gone, as after a restart of the other end, the URI says where to connect.
    pub fn for_uri(uri: &str, fallback: Hop) -> Self {
        match address::target(uri) {
            Some((transport, address)) if transport == Transport::Udp => Self::new(transport, address),
            Some((transport, address)) if transport != fallback.transport => Self::new(transport, address),
            Some((transport, address)) if address.ip() != fallback.address.ip() => {
                Self::new(transport, address)
            }
            Some((_, address)) if fallback.connection.is_some() => Self { address, ..fallback },
            _ => fallback,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_stays_while_it_lives_and_the_uri_says_where_to_connect_afterwards() {
        let came_from = "127.0.0.1:40000".parse().unwrap();
        let stream = Hop { connection: Some(7), ..Hop::new(Transport::Tls, came_from) };
        let next = Hop::for_uri("sip:a@127.0.0.1:5061;transport=tls", stream);
        assert_eq!((next.connection, next.address.port()), (Some(7), 5061));
        let elsewhere = Hop::for_uri("sip:a@127.0.0.2:5061;transport=tls", stream);
        assert_eq!((elsewhere.connection, elsewhere.address.port()), (None, 5061));
        assert_eq!(Hop::for_uri("sip:a@example.com", stream), stream);
    }
}
