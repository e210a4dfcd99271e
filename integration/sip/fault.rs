//! What goes wrong on sockets, sorted by who is at fault.

use std::io;
use std::net::SocketAddr;

use kirkwall_core::sip::wire::FrameFaultReason;
use kirkwall_core::sip::{Facing, Transport};

/// Why a listener could not be opened. Each names the setting.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    /// The operating system refuses the address.
    #[error("{key} = \"{address}\": cannot listen there ({source}); is another program using it?")]
    Bind {
        /// Name of the setting.
        key: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A TLS listener without a certificate.
    #[error("{key} = \"{address}\": TLS needs a certificate and none is set for this side")]
    NoCertificate {
        /// Name of the setting.
        key: &'static str,
        /// The address asked for.
        address: SocketAddr,
    },
}

/// Name of the setting that opens a listener.
pub(super) const fn setting(facing: Facing, transport: Transport) -> &'static str {
    match (facing, transport) {
        (Facing::North, Transport::Udp) => "sip.north.listen_udp",
        (Facing::North, Transport::Tcp) => "sip.north.listen_tcp",
        (Facing::North, Transport::Tls) => "sip.north.listen_tls",
        (Facing::South, Transport::Udp) => "sip.south.udp",
        (Facing::South, Transport::Tcp) => "sip.south.tcp",
        (Facing::South, Transport::Tls) => "sip.south.tls",
    }
}

/// The section of the settings for a side.
pub(super) const fn side(facing: Facing) -> &'static str {
    match facing {
        Facing::North => "sip.north",
        Facing::South => "sip.south",
    }
}

/// Why a message did not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendFault {
    /// Not now: something of ours is full. The same message may pass later.
    #[error("not now: {0}")]
    NotNow(&'static str),
    /// The peer cannot be reached: refused, no route, no answer in time.
    #[error("cannot reach the peer: {0}")]
    Unreachable(String),
    /// TLS failed; the words say whose certificate is wrong and how to mend it.
    #[error("TLS: {0}")]
    Tls(String),
    /// The connection ended before the message was handed to the network.
    #[error("the connection closed before the message left: {0}")]
    Closed(CloseCause),
    /// Nothing to send it by: UDP is sent from a listener, and there is none.
    #[error("no {transport} socket of this side for that address family; set {key}")]
    NoSocket {
        /// The transport wanted.
        transport: Transport,
        /// The setting that mends it.
        key: &'static str,
    },
    /// No TLS settings for connections opened on that side.
    #[error("{}: no TLS settings for connections that we open; set its certificate authorities", side(*.0))]
    NoTls(Facing),
    /// Larger than any UDP datagram; use TCP (RFC 3261 §18.1.1).
    #[error("{0} bytes do not fit into a UDP datagram")]
    TooLarge(usize),
}

impl SendFault {
    /// Whether trying the same destination again at once is sensible.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::NotNow(_) | Self::Closed(_))
    }

    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::NotNow(_) => "send_not_now",
            Self::Unreachable(_) => "unreachable",
            Self::Tls(_) => "tls",
            Self::Closed(_) => "send_closed",
            Self::NoSocket { .. } => "no_socket",
            Self::NoTls(_) => "no_tls",
            Self::TooLarge(_) => "too_large",
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseCause {
    /// The peer closed it in order.
    #[error("closed by the peer")]
    Remote,
    /// Nobody used it.
    #[error("idle")]
    Idle,
    /// A keep-alive went unanswered (RFC 5626 §4.4.1).
    #[error("keep-alive not answered")]
    NoPong,
    /// A message was begun and not ended in time.
    #[error("a message was not complete in time")]
    SlowMessage,
    /// The peer's framing broke: without Content-Length no one knows where the next message begins.
    #[error("broken framing: {}", .0.as_str())]
    Framing(FrameFaultReason),
    /// The peer stopped taking bytes.
    #[error("the peer takes no more bytes")]
    Stalled,
    /// Reset or another error of the network.
    #[error("{0}")]
    Network(String),
    /// A TLS alert or error, in words.
    #[error("TLS: {0}")]
    Tls(String),
    /// What came over it was not to be trusted.
    #[error("a message that came over it was forged")]
    Distrusted,
    /// This node ended it.
    #[error("shut down")]
    Shutdown,
}

impl CloseCause {
    /// From an error of a stream; TLS errors hide inside.
    pub(super) fn from_io(error: &io::Error) -> Self {
        match (error.kind(), super::tls::error_of(error)) {
            (_, Some(tls)) => Self::Tls(crate::pki::words(tls)),
            // rustls reports a TCP close without close_notify so; for SIP, framed by Content-Length, a
            // truncation cannot be mistaken for an end.
            (io::ErrorKind::UnexpectedEof, None) => Self::Remote,
            _ => Self::Network(error.to_string()),
        }
    }

    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Remote => "remote",
            Self::Idle => "idle",
            Self::NoPong => "no_pong",
            Self::SlowMessage => "slow_message",
            Self::Framing(_) => "framing",
            Self::Stalled => "stalled",
            Self::Network(_) => "network",
            Self::Tls(_) => "tls",
            Self::Distrusted => "distrusted",
            Self::Shutdown => "shutdown",
        }
    }

    /// Whether it counts as an error rather than a normal end.
    pub(super) const fn is_error(&self) -> bool {
        !matches!(self, Self::Remote | Self::Idle | Self::Shutdown)
    }
}

/// Counts one error of the transports; `cause` is one of a fixed set of words.
pub(super) fn count(cause: &'static str) {
    metrics::counter!("ipdect_sip_transport_errors_total", "cause" => cause).increment(1);
}
