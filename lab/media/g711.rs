//! G.711 by its definition: the decoder computes a value, the encoder searches the nearest.

use std::sync::OnceLock;

/// The codecs an emulated phone speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
pub enum Codec {
    /// A-law, payload type 8.
    Pcma,
    /// µ-law, payload type 0.
    Pcmu,
}

impl Codec {
    /// Static payload type (RFC 3551 §6).
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
        }
    }

    /// The codec of a payload type.
    pub const fn of_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            8 => Some(Self::Pcma),
            0 => Some(Self::Pcmu),
            _ => None,
        }
    }

    /// Name in `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
        }
    }

    /// One octet as a 16-bit sample.
    pub fn decode(self, octet: u8) -> i16 {
        self.table().decode[usize::from(octet)]
    }

    /// One 16-bit sample as an octet.
    pub fn encode(self, sample: i16) -> u8 {
        // The tables are sorted by value: the nearest is one of two neighbours.
        let sorted = &self.table().sorted;
        let at = sorted.partition_point(|(value, _)| *value < sample);
        let below = sorted[at.saturating_sub(1)];
        let above = sorted[at.min(sorted.len() - 1)];
        let distance = |(value, _): (i16, u8)| (i32::from(value) - i32::from(sample)).abs();
        if distance(below) <= distance(above) { below.1 } else { above.1 }
    }

    fn table(self) -> &'static Table {
        static ALAW: OnceLock<Table> = OnceLock::new();
        static ULAW: OnceLock<Table> = OnceLock::new();
        match self {
            Self::Pcma => ALAW.get_or_init(|| Table::new(alaw)),
            Self::Pcmu => ULAW.get_or_init(|| Table::new(ulaw)),
        }
    }
}

struct Table {
    decode: [i16; 256],
    sorted: Vec<(i16, u8)>,
}

impl Table {
    fn new(decode: fn(u8) -> i16) -> Self {
        let decode: [i16; 256] = std::array::from_fn(|octet| decode(octet as u8));
        let mut sorted: Vec<_> = (0..=255_u8).map(|octet| (decode[usize::from(octet)], octet)).collect();
        sorted.sort_unstable();
        Self { decode, sorted }
    }
}

/// ITU-T G.711 table 1: sign, three bits of segment, four of step; even bits inverted.
fn alaw(octet: u8) -> i16 {
    let octet = octet ^ 0x55;
    let (segment, step) = ((octet >> 4) & 7, i16::from(octet & 0x0F));
    let magnitude = match segment {
        0 => step * 16 + 8,
        _ => (step * 16 + 264) << (segment - 1),
    };
    if octet & 0x80 != 0 { magnitude } else { -magnitude }
}

/// ITU-T G.711 table 2: all bits inverted, bias of 33 (132 on sixteen bits).
fn ulaw(octet: u8) -> i16 {
    let octet = !octet;
    let (segment, step) = ((octet >> 4) & 7, i16::from(octet & 0x0F));
    let magnitude = ((step * 8 + 132) << segment) - 132;
    if octet & 0x80 != 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_octets_have_their_values_and_every_octet_survives_a_round_trip() {
        // Silence and the largest values of both laws.
        assert_eq!((Codec::Pcma.decode(0xD5), Codec::Pcma.decode(0xAA)), (8, 32_256));
        assert_eq!((Codec::Pcmu.decode(0xFF), Codec::Pcmu.decode(0x80)), (0, 32_124));
        assert_eq!((Codec::Pcmu.decode(0x00), Codec::Pcma.decode(0x2A)), (-32_124, -32_256));
        for codec in [Codec::Pcma, Codec::Pcmu] {
            for octet in 0..=255 {
                let value = codec.decode(octet);
                assert_eq!(codec.decode(codec.encode(value)), value);
            }
            assert_eq!(codec.encode(i16::MAX), codec.encode(32_000));
        }
    }
}
