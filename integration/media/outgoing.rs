//! The numbers a leg's packets carry when they leave: one SSRC of ours, without a break.
//!
//! Sequence and timestamp follow the source's, so that loss and timing stay visible to the far jitter
//! buffer. When the source changes (other SSRC, restart, return from hold) they go on from where they
//! stood. So towards a peer the stream never breaks, and no SRTP index is used twice.

use std::time::Duration;

use kirkwall_core::media::rtp::Header;
use kirkwall_core::timer::Moment;

use super::flow::Position;

/// Ticks of the RTP clock in a second; the same for all of our codecs (G.722's is 8000 too, RFC 3551 §4.5.2).
pub const CLOCK: u32 = 8000;

/// Least step of the timestamp when the source changes: one packet of 20 ms.
const STEP: u32 = 160;

/// Numbers left out when a stream is taken up again: 20 s of 20 ms packets, and still loss and not a
/// restart to receivers (RFC 3550 A.1, MAX_DROPOUT 3000).
pub const SKIP: u16 = 1000;

/// The outgoing stream of a leg.
#[derive(Debug, Clone)]
pub struct Outgoing {
    ssrc: u32,
    /// SSRC of the source whose numbers are followed; `None` before the first and after a pause.
    source: Option<u32>,
    sequence_shift: u16,
    timestamp_shift: u32,
    /// Newest packet sent: sequence, timestamp, when.
    newest: Option<(u16, u32, Moment)>,
    first_sequence: u16,
    first_timestamp: u32,
}

impl Outgoing {
    /// A new stream. `random` gives SSRC, first sequence number and timestamp (RFC 3550 §5.1: all
    /// three random; the sequence in its lower half, so that the first packet's loss cannot be taken
    /// for a wrap, RFC 3711 §3.3.1).
    pub fn new(random: [u8; 10]) -> Outgoing {
        let [a, b, c, d, e, f, g, h, i, j] = random;
        Outgoing {
            ssrc: u32::from_be_bytes([a, b, c, d]),
            source: None,
            sequence_shift: 0,
            timestamp_shift: 0,
            newest: None,
            first_sequence: u16::from_be_bytes([e, f]) & 0x7FFF,
            first_timestamp: u32::from_be_bytes([g, h, i, j]),
        }
    }

    /// Takes a stream up again after a restart. It goes on [`SKIP`] packets further, past all that may
    /// have been sent since `position` was saved, so that no SRTP index is used twice.
    pub fn resume_at(position: Position) -> Outgoing {
        Outgoing {
            ssrc: position.ssrc,
            first_sequence: position.sequence.wrapping_add(SKIP),
            first_timestamp: position.timestamp.wrapping_add(SKIP as u32 * STEP),
            ..Outgoing::new([0; 10])
        }
    }

    /// Our SSRC towards this peer.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The next packet must not be counted from the source's numbers: it stopped, or was held back.
    pub fn pause(&mut self) {
        self.source = None;
    }

    /// So much time has passed in packets that all had one timestamp (RFC 4733 §2.5.1.2).
    pub fn skip(&mut self, ticks: u32) {
        self.pause();
        if let Some((_, timestamp, _)) = &mut self.newest {
            *timestamp = timestamp.wrapping_add(ticks);
        }
    }

    /// Header for a packet of a source, to be sent now with `payload_type`.
    pub fn next(&mut self, from: &Header, payload_type: u8, now: Moment) -> Header {
        let begins = self.source != Some(from.ssrc);
        if begins {
            let (sequence, timestamp) = self.resume(now);
            self.sequence_shift = sequence.wrapping_sub(from.sequence);
            self.timestamp_shift = timestamp.wrapping_sub(from.timestamp);
            self.source = Some(from.ssrc);
        }
        let header = Header {
            // RFC 3551 §4.1: the marker tells of a new talkspurt, after which play-out may be adjusted.
            marker: from.marker || begins,
            payload_type,
            sequence: from.sequence.wrapping_add(self.sequence_shift),
            timestamp: from.timestamp.wrapping_add(self.timestamp_shift),
            ssrc: self.ssrc,
            payload_at: kirkwall_core::media::rtp::HEADER_LEN,
            padding: false,
        };
        let newer = |(newest, ..): (u16, u32, Moment)| header.sequence.wrapping_sub(newest) < 0x8000;
        if self.newest.is_none_or(newer) {
            self.newest = Some((header.sequence, header.timestamp, now));
        }
        header
    }

    /// The RTP timestamp of this stream at `now`, for a sender report. `None` before the first packet.
    pub fn timestamp(&self, now: Moment) -> Option<u32> {
        self.newest.map(|(_, timestamp, at)| timestamp.wrapping_add(ticks(now.since(at))))
    }

    /// Newest sequence number and timestamp sent, if any were.
    pub fn newest(&self) -> Option<(u16, u32)> {
        self.newest.map(|(sequence, timestamp, _)| (sequence, timestamp))
    }

    fn resume(&self, now: Moment) -> (u16, u32) {
        match self.newest {
            None => (self.first_sequence, self.first_timestamp),
            Some((sequence, timestamp, at)) => {
                let gap = ticks(now.since(at)).max(STEP);
                (sequence.wrapping_add(1), timestamp.wrapping_add(gap))
            }
        }
    }
}

/// A duration in ticks of the RTP clock, modulo its range.
pub fn ticks(duration: Duration) -> u32 {
    (duration.as_micros() as u64 * CLOCK as u64 / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc, payload_at: 12, padding: false }
    }

    fn at(millis: u64) -> Moment {
        Moment::from_micros(millis * 1000)
    }

    #[test]
    fn gaps_of_the_source_stay_gaps() {
        let mut out = Outgoing::new([1; 10]);
        let first = out.next(&packet(9, 100, 1000), 8, at(0));
        let third = out.next(&packet(9, 102, 1320), 8, at(40));
        let second = out.next(&packet(9, 101, 1160), 8, at(41));
        assert_eq!((third.sequence - first.sequence, third.timestamp - first.timestamp), (2, 320));
        assert_eq!(second.sequence, first.sequence + 1);
        assert_eq!(
            (first.ssrc, first.payload_type, first.marker, third.marker),
            (0x01010101, 8, true, false)
        );
    }

    #[test]
    fn another_source_goes_on_where_the_last_one_stood() {
        let mut out = Outgoing::new([1; 10]);
        let before = out.next(&packet(9, 65_535, u32::MAX), 8, at(0));
        let after = out.next(&packet(10, 7, 7), 8, at(100));
        assert_eq!(after.sequence, before.sequence + 1);
        assert_eq!(after.timestamp, before.timestamp + 800);
        assert!(after.marker);
    }

    /// A hold of a quarter of an hour moves the source on by more than half the sequence space, where
    /// SRTP would lose count.
    #[test]
    fn after_a_pause_no_number_is_skipped_or_used_again() {
        let mut out = Outgoing::new([1; 10]);
        let before = out.next(&packet(9, 100, 1000), 8, at(0));
        out.pause();
        let after = out.next(&packet(9, 45_100, 7_201_000), 8, at(900_000));
        assert_eq!(after.sequence, before.sequence + 1);
        assert_eq!(after.timestamp, before.timestamp + 7_200_000);
    }
}
