//! RTP (RFC 3550): the fixed header in place, and what a receiver learns from it.
//!
//! Nothing here copies, allocates or panics: a packet is a slice, a header a handful of numbers.

/// Length of a header without CSRC list and extension, in octets (RFC 3550 §5.1).
pub const HEADER_LEN: usize = 12;

/// The fields of an RTP header (RFC 3550 §5.1), and where the payload begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Marker bit: for audio, the first packet of a talkspurt (RFC 3551 §4.1).
    pub marker: bool,
    /// Payload type, 7 bits.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Media timestamp, in units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Octets before the payload: fixed header, CSRC list and extension. Always a multiple of four.
    pub payload_at: usize,
    /// Whether the last payload octet counts padding octets to drop.
    pub padding: bool,
}

/// Why a datagram is no RTP packet. The peer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than its own header says.
    #[error("packet ends inside its RTP header")]
    Short,
    /// Not version 2.
    #[error("RTP version is {0}, expected 2")]
    Version(u8),
    /// An RTCP packet type stands where marker and payload type should (RFC 5761 §4).
    #[error("RTCP packet on the RTP port")]
    Rtcp,
    /// Padding count of zero, or more than the payload holds.
    #[error("RTP padding of {0} octets does not fit the payload")]
    Padding(u8),
}

impl Header {
    /// Reads the header. Right for SRTP too, whose header is in clear (RFC 3711 §3.1); padding is
    /// checked by [`payload`](Self::payload), once the payload is in clear as well.
    pub fn parse(packet: &[u8]) -> Result<Header, Malformed> {
        let fixed: &[u8; HEADER_LEN] = packet.first_chunk().ok_or(Malformed::Short)?;
        let version = fixed[0] >> 6;
        if version != 2 {
            return Err(Malformed::Version(version));
        }
        // RFC 5761 §4: payload types 64-95 with the marker are RTCP packet types 192-223.
        if (192..=223).contains(&fixed[1]) {
            return Err(Malformed::Rtcp);
        }
        let mut payload_at = HEADER_LEN + 4 * (fixed[0] & 0x0F) as usize;
        if fixed[0] & 0x10 != 0 {
            // RFC 3550 §5.3.1: the length counts 32-bit words, without the four octets of its header.
            let words = packet.get(payload_at + 2..payload_at + 4).ok_or(Malformed::Short)?;
            payload_at += 4 + 4 * u16::from_be_bytes([words[0], words[1]]) as usize;
        }
        if packet.len() < payload_at {
            return Err(Malformed::Short);
        }
        Ok(Header {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7F,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            payload_at,
            padding: fixed[0] & 0x20 != 0,
        })
    }

    /// Length of the payload of `packet`, whose header this is, without padding.
    pub fn payload_len(&self, packet: &[u8]) -> Result<usize, Malformed> {
        let payload = packet.get(self.payload_at..).ok_or(Malformed::Short)?;
        if !self.padding {
            return Ok(payload.len());
        }
        // RFC 3550 §5.1: the last octet of the padding counts all of it, itself included.
        match payload.last() {
            Some(&count) if count > 0 && count as usize <= payload.len() => {
                Ok(payload.len() - count as usize)
            }
            count => Err(Malformed::Padding(count.copied().unwrap_or(0))),
        }
    }

    /// The fixed header, without CSRC list, extension and padding.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = 0x80;
        bytes[1] = (self.marker as u8) << 7 | (self.payload_type & 0x7F);
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }
}

/// What a packet's sequence number means to its receiver (RFC 3550 A.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequence {
    /// Belongs to the stream: next, after a tolerable gap, or late within tolerance.
    Valid,
    /// The source began anew: this packet and the one before it follow each other after a jump.
    Restarted,
    /// Far from everything seen, alone so far. Not to be passed on.
    Wild,
}

/// Statistics on one synchronisation source (RFC 3550 A.1, A.3, A.8).
#[derive(Debug, Clone)]
pub struct Receiver {
    ssrc: u32,
    /// Highest sequence number seen.
    max: u16,
    /// Wraps of the sequence number, shifted up by 16.
    cycles: u32,
    /// First sequence number.
    base: u32,
    /// Next number that would confirm a restart; outside u16 when there was no jump.
    bad: u32,
    received: u32,
    expected_prior: u32,
    received_prior: u32,
    /// Lost before the last restart of the source.
    lost_before: i64,
    transit: Option<u32>,
    /// Jitter times 16.
    jitter: u32,
}

impl Receiver {
    /// A gap up to this is loss (RFC 3550 A.1, MAX_DROPOUT).
    const MAX_DROPOUT: u16 = 3000;
    /// A packet late up to this is late (MAX_MISORDER).
    const MAX_MISORDER: u16 = 100;
    const NO_JUMP: u32 = 1 << 16 | 1;

    /// Begins with the first packet of a source. There is no probation: whether the source is the
    /// right one is decided before, by address and key.
    pub fn new(header: &Header) -> Receiver {
        let base = header.sequence;
        Receiver {
            ssrc: header.ssrc,
            max: base,
            cycles: 0,
            base: base as u32,
            bad: Self::NO_JUMP,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            lost_before: 0,
            transit: None,
            jitter: 0,
        }
    }

    /// The source.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Takes a packet's sequence number (RFC 3550 A.1, update_seq).
    pub fn sequence(&mut self, sequence: u16) -> Sequence {
        let ahead = sequence.wrapping_sub(self.max);
        let verdict = if ahead < Self::MAX_DROPOUT {
            if sequence < self.max {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.max = sequence;
            Sequence::Valid
        } else if ahead <= u16::MAX - Self::MAX_MISORDER {
            // "Two sequential packets -- assume that the other side restarted without telling us"
            if sequence as u32 != self.bad {
                self.bad = sequence.wrapping_add(1) as u32;
                return Sequence::Wild;
            }
            self.restart(sequence);
            Sequence::Restarted
        } else {
            Sequence::Valid
        };
        self.received = self.received.wrapping_add(1);
        verdict
    }

    /// Takes a packet's arrival for the jitter (RFC 3550 A.8). `arrival` is in units of the
    /// timestamp's clock. Packets whose timestamp does not move with time (events) do not belong here.
    pub fn arrival(&mut self, timestamp: u32, arrival: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let d = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // d comes from a stranger's timestamp: held to a range where the sum cannot overflow.
            self.jitter += d.min(1 << 24);
            self.jitter -= (self.jitter + 8 - d.min(1 << 24)) >> 4;
        }
    }

    /// Highest sequence number with its wraps above it (RFC 3550 §6.4.1).
    pub fn extended_highest(&self) -> u32 {
        self.cycles.wrapping_add(self.max as u32)
    }

    /// Packets lost since the beginning; negative when duplicates outnumber losses (A.3).
    pub fn lost(&self) -> i64 {
        self.lost_before + self.expected() as i64 - self.received as i64
    }

    /// Interarrival jitter, in timestamp units.
    pub fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// Fraction lost since the last call, in 1/256 (RFC 3550 A.3). Call once per report.
    pub fn fraction_lost(&mut self) -> u8 {
        let expected = self.expected().wrapping_sub(self.expected_prior);
        let received = self.received.wrapping_sub(self.received_prior);
        self.expected_prior = self.expected();
        self.received_prior = self.received;
        let lost = expected as i64 - received as i64;
        if expected == 0 || lost <= 0 { 0 } else { ((lost << 8) / expected as i64).min(255) as u8 }
    }

    fn expected(&self) -> u32 {
        self.extended_highest().wrapping_sub(self.base).wrapping_add(1)
    }

    fn restart(&mut self, sequence: u16) {
        self.lost_before = self.lost();
        self.max = sequence;
        self.base = sequence as u32;
        self.cycles = 0;
        self.bad = Self::NO_JUMP;
        (self.received, self.received_prior, self.expected_prior) = (0, 0, 0);
        self.transit = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(sequence: u16) -> Header {
        Header {
            marker: false,
            payload_type: 8,
            sequence,
            timestamp: 160,
            ssrc: 7,
            payload_at: 12,
            padding: false,
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let wanted = Header { marker: true, ..header(0xFFFE) };
        assert_eq!(Header::parse(&wanted.to_bytes()), Ok(wanted));
    }

    #[test]
    fn sources_extension_and_padding_are_stepped_over() {
        let mut packet = header(1).to_bytes().to_vec();
        packet[0] |= 0x20 | 0x10 | 2;
        packet.extend([0; 8]); // two contributing sources
        packet.extend([0xBE, 0xDE, 0, 1, 9, 9, 9, 9]); // extension of one word
        packet.extend([1, 2, 3, 0, 2]); // three octets and two of padding
        let read = Header::parse(&packet).unwrap();
        assert_eq!((read.payload_at, read.payload_len(&packet)), (28, Ok(3)));
        *packet.last_mut().unwrap() = 6;
        assert_eq!(read.payload_len(&packet), Err(Malformed::Padding(6)));
        assert_eq!(Header::parse(&packet[..27]), Err(Malformed::Short));
        assert_eq!(Header::parse(&[0x80, 200, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Malformed::Rtcp));
        assert_eq!(Header::parse(&[0x40; 12]), Err(Malformed::Version(1)));
    }

    #[test]
    fn a_wrap_counts_as_one_cycle_and_loss_is_what_did_not_come() {
        let mut receiver = Receiver::new(&header(65_534));
        for sequence in [65_534, 65_535, 0, 2, 3] {
            assert_eq!(receiver.sequence(sequence), Sequence::Valid);
        }
        assert_eq!((receiver.extended_highest(), receiver.lost()), (65_536 + 3, 1));
        assert_eq!(receiver.fraction_lost(), (256 / 6) as u8);
        assert_eq!(receiver.fraction_lost(), 0, "nothing since the last report");
        assert_eq!(receiver.sequence(1), Sequence::Valid, "late, not lost");
        assert_eq!(receiver.lost(), 0);
    }

    #[test]
    fn one_wild_number_is_set_aside_and_two_in_order_are_a_restart() {
        let mut receiver = Receiver::new(&header(10));
        receiver.sequence(10);
        assert_eq!(receiver.sequence(30_000), Sequence::Wild);
        assert_eq!(receiver.sequence(11), Sequence::Valid);
        assert_eq!(receiver.sequence(40_000), Sequence::Wild);
        assert_eq!(receiver.sequence(40_001), Sequence::Restarted);
        assert_eq!(receiver.sequence(40_002), Sequence::Valid);
        assert_eq!(receiver.lost(), 0);
    }

    #[test]
    fn jitter_follows_the_difference_in_transit() {
        let mut receiver = Receiver::new(&header(0));
        for n in 0..400u32 {
            // Every second packet comes 2 ms (16 units) late: |D| is 16 for each pair.
            receiver.arrival(n * 160, n * 160 + (n % 2) * 16);
        }
        assert!((15..=16).contains(&receiver.jitter()), "{}", receiver.jitter());
    }

    proptest! {
        #[test]
        fn no_datagram_panics(packet in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(header) = Header::parse(&packet) {
                prop_assert!(header.payload_at <= packet.len());
                let _ = header.payload_len(&packet);
            }
        }

        #[test]
        fn no_sequence_of_numbers_panics(
            packets in proptest::collection::vec((any::<u16>(), any::<u32>(), any::<u32>()), 1..200),
        ) {
            let mut receiver = Receiver::new(&header(packets[0].0));
            for (sequence, timestamp, arrival) in packets {
                receiver.sequence(sequence);
                receiver.arrival(timestamp, arrival);
                receiver.fraction_lost();
            }
        }
    }
}
