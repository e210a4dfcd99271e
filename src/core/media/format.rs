//! What a media stream is made of: codec, payload type, direction, SRTP key.

use serde::{Deserialize, Serialize};

use crate::pii::Pii;

/// An audio codec that the switch can pass on. It translates each to each other, G.722 by its lower band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 µ-law, static payload type 0 (RFC 3551 §6).
    #[serde(rename = "PCMU")]
    Pcmu,
    /// G.711 A-law, static payload type 8.
    #[serde(rename = "PCMA")]
    Pcma,
    /// G.722, static payload type 9; its RTP clock is 8000 Hz by an old error (RFC 3551 §4.5.2).
    #[serde(rename = "G722")]
    G722,
    /// G.726 at 32 kbit/s, the codec of the DECT air; a dynamic payload type (RFC 3551 §4.5.4, §6).
    #[serde(rename = "G726-32")]
    G726,
}

impl Codec {
    /// Encoding name of `a=rtpmap` (RFC 4566 §6).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::G726 => "G726-32",
        }
    }

    /// Static payload type (RFC 3551 §6); for G.726, which has none, the dynamic one that we propose.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::G722 => 9,
            Self::G726 => 98,
        }
    }
}

/// Direction of a stream as the local side sees it (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// We only send.
    SendOnly,
    /// We only receive.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether we send.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether we receive.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// From what each way is allowed.
    pub const fn from_ways(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The same stream as the other side sees it.
    pub const fn mirrored(self) -> Self {
        Self::from_ways(self.receives(), self.sends())
    }
}

/// SRTP crypto-suite (RFC 4568 §6.2). Both use a 128-bit key and a 112-bit salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SrtpSuite {
    /// `AES_CM_128_HMAC_SHA1_80`: what Lync uses.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`; its RTCP still carries 80 bits (RFC 4568 §6.2.2).
    AesCm128HmacSha1_32,
}

impl SrtpSuite {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }
}

/// Master key and salt, 30 octets, of one direction (RFC 4568 §6.1), with its MKI if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrtpKey {
    /// Which suite.
    pub suite: SrtpSuite,
    /// 16 octets key, 14 octets salt.
    pub master: Pii<Vec<u8>>,
    /// Master key identifier: its octets as they stand in each packet.
    pub mki: Option<Vec<u8>>,
}

/// The keys of a stream: what we send with, and what the peer sends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrtpPair {
    /// Protects what we send.
    pub local: SrtpKey,
    /// Opens what we receive.
    pub remote: SrtpKey,
}
