//! RTCP (RFC 3550 §6): sender and receiver reports, CNAME and BYE.
//!
//! The switch ends RTCP on each leg, so it writes its own reports and reads those of its peers.

use std::time::Duration;

use crate::timer::Moment;

/// Longest compound packet that [`write`] produces, in octets: report with one block, SDES with a
/// CNAME of [`CNAME_MAX`], BYE.
pub const WRITE_MAX: usize = 28 + 24 + (4 + 4 + 2 + CNAME_MAX + 4) + 8;

/// Longest CNAME that is written whole, in octets. Longer ones are cut.
pub const CNAME_MAX: usize = 64;

/// Sender part of an SR (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Time of the report, NTP format (see [`ntp`]).
    pub ntp: u64,
    /// The same instant in units of the sender's RTP timestamps.
    pub rtp_timestamp: u32,
    /// Packets sent since the source began.
    pub packets: u32,
    /// Payload octets sent since the source began.
    pub octets: u32,
}

/// Report block (RFC 3550 §6.4.1): what a receiver says about one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block {
    /// The source reported on.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning, a signed number of 24 bits; written clamped to them.
    pub lost: i32,
    /// Extended highest sequence number received.
    pub highest: u32,
    /// Interarrival jitter, in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last SR from the source; 0 if none came.
    pub last_sr: u32,
    /// Time since that SR came, in 1/65536 s.
    pub delay: u32,
}

/// One packet of a compound that means something to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// SR of a source.
    SenderReport {
        /// Who sent it.
        ssrc: u32,
        /// Its sender part.
        sent: Sent,
        /// Its report blocks.
        blocks: Blocks<'a>,
    },
    /// RR of a receiver that sends nothing.
    ReceiverReport {
        /// Who sent it.
        ssrc: u32,
        /// Its report blocks.
        blocks: Blocks<'a>,
    },
    /// The source leaves.
    Bye {
        /// The first, normally only, source that leaves.
        ssrc: u32,
    },
    /// SDES, APP, feedback and what is not known.
    Other {
        /// RTCP packet type.
        kind: u8,
    },
}

/// Report blocks of a packet, read in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [u8]);

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let (block, rest) = self.0.split_first_chunk::<24>()?;
        self.0 = rest;
        let word = |at: usize| u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        Some(Block {
            ssrc: word(0),
            fraction_lost: block[4],
            // Sign-extend 24 bits.
            lost: (word(4) << 8) as i32 >> 8,
            highest: word(8),
            jitter: word(12),
            last_sr: word(16),
            delay: word(20),
        })
    }
}

/// Why a datagram is no RTCP. The peer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A packet's length field points past the end, or its fields do not fit in it.
    #[error("RTCP packet is shorter than its length or count says")]
    Short,
    /// Not version 2.
    #[error("RTCP version is {0}, expected 2")]
    Version(u8),
    /// The first packet is no report (RFC 3550 A.2).
    #[error("RTCP compound begins with packet type {0}, expected a sender or receiver report")]
    First(u8),
}

/// Reads a compound packet piece by piece. Ends after the first error.
pub fn parse(datagram: &[u8]) -> impl Iterator<Item = Result<Packet<'_>, Malformed>> {
    let mut rest = datagram;
    let mut first = true;
    std::iter::from_fn(move || {
        if rest.is_empty() && !first {
            return None;
        }
        let piece = take(&mut rest).and_then(|(kind, count, body)| {
            // RFC 3550 A.2: "The payload type field of the first RTCP packet in a compound packet
            // must be equal to SR or RR."
            let report = matches!(kind, SENDER_REPORT | RECEIVER_REPORT);
            if first && !report { Err(Malformed::First(kind)) } else { read(kind, count, body) }
        });
        first = false;
        if piece.is_err() {
            rest = &[];
        }
        Some(piece)
    })
}

/// Writes an SR (with `sent`) or RR, SDES with `cname`, and a BYE when `bye`, into `out`; returns
/// the octets written, or `None` when `out` is shorter than [`WRITE_MAX`].
pub fn write(
    out: &mut [u8],
    ssrc: u32,
    sent: Option<Sent>,
    block: Option<Block>,
    cname: &str,
    bye: bool,
) -> Option<usize> {
    if out.len() < WRITE_MAX {
        return None;
    }
    let mut pen = Pen { out, at: 0 };
    pen.report(ssrc, sent, block);
    pen.cname(ssrc, &cname.as_bytes()[..cname.len().min(CNAME_MAX)]);
    if bye {
        pen.words(&[head(1, BYE, 1), ssrc]);
    }
    Some(pen.at)
}

/// Moment as NTP time: seconds since 1900 in the upper, fraction in the lower half (RFC 3550 §4).
pub fn ntp(moment: Moment) -> u64 {
    const SECONDS_1900_TO_1970: u64 = 2_208_988_800;
    let micros = moment.as_micros();
    let fraction = ((micros % 1_000_000) << 32) / 1_000_000;
    (micros / 1_000_000 + SECONDS_1900_TO_1970) << 32 | fraction
}

/// Middle 32 bits of an NTP time, the form of LSR (RFC 3550 §6.4.1).
pub fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// Round-trip time by a block about our source, received at `now` (RFC 3550 §6.4.1: A - LSR - DLSR).
/// `None` when the peer has seen no SR, or its figures make no sense.
pub fn round_trip(block: &Block, now: Moment) -> Option<Duration> {
    let elapsed = middle(ntp(now)).wrapping_sub(block.last_sr);
    // Above half the range the difference was negative.
    let trip = elapsed.checked_sub(block.delay).filter(|trip| *trip < 1 << 31);
    trip.filter(|_| block.last_sr != 0).map(|trip| Duration::from_micros((trip as u64 * 1_000_000) >> 16))
}

/// A duration in 1/65536 s, the form of DLSR.
pub fn delay(duration: Duration) -> u32 {
    ((duration.as_micros() << 16) / 1_000_000).min(u32::MAX as u128) as u32
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

type Piece<'a> = (u8, usize, &'a [u8]);

fn take<'a>(rest: &mut &'a [u8]) -> Result<Piece<'a>, Malformed> {
    let (head, _) = rest.split_first_chunk::<4>().ok_or(Malformed::Short)?;
    if head[0] >> 6 != 2 {
        return Err(Malformed::Version(head[0] >> 6));
    }
    let end = 4 + 4 * u16::from_be_bytes([head[2], head[3]]) as usize;
    let body = rest.get(4..end).ok_or(Malformed::Short)?;
    *rest = &rest[end..];
    Ok((head[1], (head[0] & 0x1F) as usize, body))
}

fn read(kind: u8, count: usize, body: &[u8]) -> Result<Packet<'_>, Malformed> {
    let word = |at: usize| {
        let bytes = body.get(at..at + 4).ok_or(Malformed::Short)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    let blocks = |at: usize| Ok(Blocks(body.get(at..at + 24 * count).ok_or(Malformed::Short)?));
    Ok(match kind {
        SENDER_REPORT => Packet::SenderReport {
            ssrc: word(0)?,
            sent: Sent {
                ntp: (word(4)? as u64) << 32 | word(8)? as u64,
                rtp_timestamp: word(12)?,
                packets: word(16)?,
                octets: word(20)?,
            },
            blocks: blocks(24)?,
        },
        RECEIVER_REPORT => Packet::ReceiverReport { ssrc: word(0)?, blocks: blocks(4)? },
        BYE if count > 0 => Packet::Bye { ssrc: word(0)? },
        kind => Packet::Other { kind },
    })
}

const fn head(count: u32, kind: u8, words_after: u32) -> u32 {
    0x8000_0000 | count << 24 | (kind as u32) << 16 | words_after
}

/// Writes into a buffer that [`write`] has found long enough.
struct Pen<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Pen<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn words(&mut self, words: &[u32]) {
        for word in words {
            self.bytes(&word.to_be_bytes());
        }
    }

    fn report(&mut self, ssrc: u32, sent: Option<Sent>, block: Option<Block>) {
        let count = block.is_some() as u32;
        match sent {
            Some(sent) => {
                self.words(&[head(count, SENDER_REPORT, 6 + 6 * count), ssrc]);
                self.words(&[(sent.ntp >> 32) as u32, sent.ntp as u32, sent.rtp_timestamp]);
                self.words(&[sent.packets, sent.octets]);
            }
            None => self.words(&[head(count, RECEIVER_REPORT, 1 + 6 * count), ssrc]),
        }
        if let Some(block) = block {
            let lost = block.lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0xFF_FFFF;
            self.words(&[block.ssrc, (block.fraction_lost as u32) << 24 | lost]);
            self.words(&[block.highest, block.jitter, block.last_sr, block.delay]);
        }
    }

    fn cname(&mut self, ssrc: u32, cname: &[u8]) {
        // RFC 3550 §6.5: items end with at least one zero octet, up to the next 32-bit boundary.
        let items = (2 + cname.len() + 1).next_multiple_of(4);
        self.words(&[head(1, SOURCE_DESCRIPTION, 1 + items as u32 / 4), ssrc]);
        self.bytes(&[1, cname.len() as u8]);
        self.bytes(cname);
        self.bytes(&[0; 4][..items - 2 - cname.len()]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLOCK: Block =
        Block { ssrc: 9, fraction_lost: 3, lost: -2, highest: 70_000, jitter: 11, last_sr: 5, delay: 6 };
    const SENT: Sent = Sent { ntp: 1 << 40, rtp_timestamp: 2, packets: 3, octets: 480 };

    #[test]
    fn a_sender_report_is_read_as_it_was_written() {
        let mut out = [0; WRITE_MAX];
        let len = write(&mut out, 77, Some(SENT), Some(BLOCK), "k@node", true).unwrap();
        let read: Vec<_> = parse(&out[..len]).map(|piece| piece.unwrap()).collect();
        let Packet::SenderReport { ssrc: 77, sent: SENT, mut blocks } = read[0] else { panic!("{read:?}") };
        assert_eq!((blocks.next(), blocks.next()), (Some(BLOCK), None));
        assert_eq!(read[1..], [Packet::Other { kind: 202 }, Packet::Bye { ssrc: 77 }]);
        assert_eq!(len % 4, 0);
    }

    #[test]
    fn a_receiver_report_without_a_source_is_still_a_compound() {
        let mut out = [0; WRITE_MAX];
        let len = write(&mut out, 77, None, None, &"n".repeat(300), false).unwrap();
        let read: Vec<_> = parse(&out[..len]).map(|piece| piece.unwrap()).collect();
        assert!(matches!(read[..], [Packet::ReceiverReport { ssrc: 77, .. }, Packet::Other { kind: 202 }]));
        assert_eq!(write(&mut [0; 40], 77, None, None, "", false), None);
    }

    #[test]
    fn a_length_past_the_end_and_a_foreign_first_packet_are_refused() {
        let parse = |bytes: &[u8]| super::parse(bytes).collect::<Vec<_>>().len();
        assert_eq!(super::parse(&[0x81, 201, 0, 7, 0, 0, 0, 1]).next(), Some(Err(Malformed::Short)));
        assert_eq!(super::parse(&[0x81, 201, 0, 1, 0, 0, 0, 1]).next(), Some(Err(Malformed::Short)));
        assert_eq!(super::parse(&[0x81, 203, 0, 1, 0, 0, 0, 1]).next(), Some(Err(Malformed::First(203))));
        assert_eq!(super::parse(&[]).next(), Some(Err(Malformed::Short)));
        assert_eq!(parse(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x40]), 2, "ends after the error");
    }

    /// The worked example of RFC 3550 §6.4.1, figure 2: a round trip of 6.125 s.
    #[test]
    fn the_round_trip_of_the_rfc_comes_out() {
        // A = 0xb710:8000 (46864.500 s), LSR = 0xb705:2000, DLSR = 0x0005:4000.
        let now = Moment::from_micros(
            (46_864_500_000u64) + ((1u64 << 32) - 2_208_988_800 + (1 << 16) * 10) * 1_000_000,
        );
        let block = Block { last_sr: 0xb705_2000, delay: 0x0005_4000, ..BLOCK };
        assert_eq!(middle(ntp(now)), 0xb710_8000);
        assert_eq!(round_trip(&block, now), Some(Duration::from_millis(6_125)));
        assert_eq!(round_trip(&Block { last_sr: 0, ..block }, now), None);
        assert_eq!(round_trip(&Block { delay: u32::MAX, ..block }, now), None);
    }

    proptest! {
        #[test]
        fn no_datagram_panics(datagram in proptest::collection::vec(any::<u8>(), 0..120)) {
            for piece in parse(&datagram).flatten() {
                if let Packet::SenderReport { blocks, .. } | Packet::ReceiverReport { blocks, .. } = piece {
                    blocks.for_each(|block| _ = round_trip(&block, Moment::from_micros(1)));
                }
            }
        }
    }
}
