//! What the engine is told about a channel, and what it tells back.

use std::net::SocketAddr;
use std::time::Duration;

use kirkwall_core::id::ChannelId;
use kirkwall_core::media::{Codec, Direction, SrtpPair};

use super::counters::SideCounters;

/// One of the two legs of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The calling leg.
    A,
    /// The called leg.
    B,
}

impl Side {
    /// Both.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// The opposite leg.
    pub const fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }
}

/// RTP ports of a channel, both even; RTCP is on the port above each (RFC 3550 §11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// For the calling leg.
    pub a: u16,
    /// For the called leg.
    pub b: u16,
}

impl Ports {
    /// The port of one side.
    pub const fn of(self, side: Side) -> u16 {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }
}

/// Where a side stands, for taking the channel up again after a restart ([`Engine::reopen`]). Save
/// it at least each 10 seconds while packets flow.
///
/// [`Engine::reopen`]: super::Engine::reopen
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Our source towards this peer, once it has sent.
    pub ours: Option<Position>,
    /// The peer's source, once it was heard.
    pub peer: Option<Position>,
}

/// How far a source has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The source.
    pub ssrc: u32,
    /// Its newest sequence number.
    pub sequence: u16,
    /// Its newest timestamp; of ours only.
    pub timestamp: u32,
    /// SRTP roll-over counter (RFC 3711 §3.3.1); 0 in clear RTP.
    pub roc: u32,
}

/// How one side of a channel sends and receives, as offer and answer settled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The peer's RTP address by its SDP. `None`, port 0 or an unspecified address: not known yet;
    /// nothing is sent until a packet shows it (`symmetric`).
    pub remote: Option<SocketAddr>,
    /// The peer's RTCP address (`a=rtcp`, RFC 3605); the port above `remote` when `None`.
    pub remote_rtcp: Option<SocketAddr>,
    /// The codec of this leg.
    pub codec: Codec,
    /// Payload type of audio that we send.
    pub send_pt: u8,
    /// Payload type of audio that the peer sends.
    pub recv_pt: u8,
    /// Payload type of telephone events that we send; `None` when the peer takes none.
    pub dtmf_send_pt: Option<u8>,
    /// Payload type of telephone events that the peer sends.
    pub dtmf_recv_pt: Option<u8>,
    /// Payload type of comfort noise (RFC 3389) that we send; `None` when the peer takes none.
    pub noise_send_pt: Option<u8>,
    /// Payload type of comfort noise that the peer sends.
    pub noise_recv_pt: Option<u8>,
    /// Keys, when the leg is SRTP. Clear RTP is then refused.
    pub srtp: Option<SrtpPair>,
    /// Direction as we, the local side, see it: whether we send to and listen to this peer.
    pub direction: Direction,
    /// Answer where packets come from (RFC 4961), by the rule in [`latch`](super::latch).
    pub symmetric: bool,
}

impl Flow {
    /// A two-way symmetric flow of `codec` by its static payload type, in clear, without events.
    pub fn plain(codec: Codec, remote: Option<SocketAddr>) -> Flow {
        Flow {
            remote,
            remote_rtcp: None,
            codec,
            send_pt: codec.payload_type(),
            recv_pt: codec.payload_type(),
            dtmf_send_pt: None,
            dtmf_recv_pt: None,
            noise_send_pt: None,
            noise_recv_pt: None,
            srtp: None,
            direction: Direction::SendRecv,
            symmetric: true,
        }
    }
}

/// What the engine has noticed. Made on a media thread: whoever takes it must not block.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The first valid packet of this side has come: media flows.
    FirstPacket {
        /// Which channel.
        channel: ChannelId,
        /// From which side.
        side: Side,
    },
    /// Figures so far; each `report_every`.
    Counters {
        /// Which channel.
        channel: ChannelId,
        /// Which side.
        side: Side,
        /// Its figures.
        counters: SideCounters,
    },
    /// A key was pressed and released, once per press (RFC 4733).
    Dtmf {
        /// Which channel.
        channel: ChannelId,
        /// Who pressed.
        side: Side,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// How long it was held.
        millis: u32,
    },
    /// Nothing valid has come from this side, which should send, for `silence_after`. Once per silence.
    Silence {
        /// Which channel.
        channel: ChannelId,
        /// Who is silent.
        side: Side,
        /// For how long already.
        quiet: Duration,
    },
    /// A side that was reported silent is heard again.
    Resumed {
        /// Which channel.
        channel: ChannelId,
        /// Which side.
        side: Side,
    },
    /// Packets from somebody else than the peer were refused. At most once a second per side.
    StrangerRefused {
        /// Which channel.
        channel: ChannelId,
        /// On which side's port.
        side: Side,
        /// Where they came from.
        from: SocketAddr,
    },
    /// Packets of the peer did not pass SRTP: wrong key, replay, or in clear. At most once a second
    /// per side.
    SrtpRefused {
        /// Which channel.
        channel: ChannelId,
        /// On which side.
        side: Side,
    },
    /// The peer sent an RTCP BYE. A hint: in clear RTP anyone on its host's path can forge one.
    PeerLeft {
        /// Which channel.
        channel: ChannelId,
        /// Which side.
        side: Side,
    },
}
