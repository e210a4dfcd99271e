//! Telephone events (RFC 4733): DTMF digits as RTP payload.
//!
//! A key press is a train of packets that share one timestamp and grow in duration; its last packet
//! comes three times. The [`Tracker`] makes one [`Digit`] of a train, also when every end was lost.

use std::time::Duration;

use crate::timer::Moment;

/// Octets of an event payload (RFC 4733 §2.3).
pub const PAYLOAD_LEN: usize = 4;

/// Ticks of the event clock in a millisecond; telephone events use 8000 Hz beside 8000 Hz audio.
const TICKS_PER_MS: u32 = 8;

/// One event payload (RFC 4733 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Event code; 0-15 are the DTMF digits (RFC 4733 §3.2).
    pub code: u8,
    /// The E bit: the event has ended.
    pub end: bool,
    /// Power level in dBm0 below zero, 0-63.
    pub volume: u8,
    /// Duration so far, in timestamp units.
    pub duration: u16,
}

impl Event {
    /// Reads the first event of a payload. `None` when it is too short.
    pub fn parse(payload: &[u8]) -> Option<Event> {
        let &[code, flags, high, low] = payload.first_chunk()?;
        Some(Event {
            code,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload.
    pub fn to_bytes(self) -> [u8; PAYLOAD_LEN] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, (self.end as u8) << 7 | (self.volume & 0x3F), high, low]
    }

    /// The digit it stands for, if it is a DTMF one; [`FLASH`] for event 16.
    pub fn digit(&self) -> Option<char> {
        if self.code == 16 {
            return Some(FLASH);
        }
        DIGITS.get(self.code as usize).map(|&digit| digit as char)
    }
}

/// Event code of a digit: `0`-`9`, `*`, `#`, `A`-`D` in either case.
pub fn code_of(digit: char) -> Option<u8> {
    let digit = u8::try_from(digit).ok()?.to_ascii_uppercase();
    DIGITS.iter().position(|&known| known == digit).map(|code| code as u8)
}

/// How a hook flash (RFC 2833 §3.10, event 16, which RFC 4733 keeps reserved for it) is written among keys.
pub const FLASH: char = '!';

const DIGITS: &[u8; 16] = b"0123456789*#ABCD";

/// A whole key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digit {
    /// Which key.
    pub digit: char,
    /// How long it was held, in milliseconds.
    pub millis: u32,
}

/// Makes digits of event packets of one source.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    pressed: Option<Pressed>,
    /// Timestamp and code of the last event that was reported; its late packets are not a new press.
    ended: Option<(u32, u8)>,
}

#[derive(Debug, Clone, Copy)]
struct Pressed {
    code: u8,
    /// Timestamp of the current segment.
    timestamp: u32,
    /// Ticks of the segments before it.
    before: u32,
    /// Ticks of the current one.
    duration: u16,
    last_seen: Moment,
}

impl Pressed {
    fn digit(&self) -> Option<Digit> {
        let event = Event { code: self.code, end: true, volume: 0, duration: 0 };
        let ticks = self.before + self.duration as u32;
        event.digit().map(|digit| Digit { digit, millis: ticks / TICKS_PER_MS })
    }
}

impl Tracker {
    /// An event of which nothing came for this long has ended without us seeing it. Senders repeat
    /// each 20 to 50 ms (RFC 4733 §2.5.1.2); this stands three losses in a row.
    pub const LOST_END: Duration = Duration::from_millis(200);

    /// Longest press counted, in ticks (one hour): a peer cannot make the count overflow.
    const LONGEST: u32 = 3600 * 1000 * TICKS_PER_MS;

    /// Takes one event packet. Gives the digit when this packet ends it, or shows that another has
    /// begun whose predecessor's end was lost.
    pub fn take(&mut self, event: Event, timestamp: u32, now: Moment) -> Option<Digit> {
        if self.ended == Some((timestamp, event.code)) {
            return None;
        }
        if self.is_late(timestamp) {
            return None;
        }
        let superseded = self.advance(event, timestamp, now);
        if !event.end {
            return superseded;
        }
        let finished = self.finish();
        // Both only when two events meet in one packet; the older was already overdue.
        superseded.or(finished)
    }

    /// Gives the digit whose end was lost. Call now and then, at least each [`LOST_END`](Self::LOST_END).
    pub fn expire(&mut self, now: Moment) -> Option<Digit> {
        let pressed = self.pressed?;
        if now.since(pressed.last_seen) < Self::LOST_END { None } else { self.finish() }
    }

    /// Whether a press is under way.
    pub fn is_pressed(&self) -> bool {
        self.pressed.is_some()
    }

    /// A reordered packet of an event before the present one.
    fn is_late(&self, timestamp: u32) -> bool {
        let newest = self.pressed.map(|pressed| pressed.timestamp).or(self.ended.map(|(at, _)| at));
        newest.is_some_and(|newest| {
            let behind = newest.wrapping_sub(timestamp);
            behind != 0 && behind < 8000
        })
    }

    fn advance(&mut self, event: Event, timestamp: u32, now: Moment) -> Option<Digit> {
        let fresh =
            Pressed { code: event.code, timestamp, before: 0, duration: event.duration, last_seen: now };
        let Some(pressed) = &mut self.pressed else {
            self.pressed = Some(fresh);
            return None;
        };
        if pressed.timestamp == timestamp && pressed.code == event.code {
            pressed.duration = pressed.duration.max(event.duration);
            pressed.last_seen = now;
            return None;
        }
        // RFC 4733 §2.5.1.3: a long event goes on as a new segment, whose timestamp is the old one
        // plus the old duration.
        let follows = pressed.timestamp.wrapping_add(pressed.duration as u32) == timestamp;
        if pressed.code == event.code && follows {
            let before = (pressed.before + pressed.duration as u32).min(Self::LONGEST);
            *pressed = Pressed { before, ..fresh };
            return None;
        }
        let superseded = pressed.digit();
        self.pressed = Some(fresh);
        superseded
    }

    fn finish(&mut self) -> Option<Digit> {
        let pressed = self.pressed.take()?;
        self.ended = Some((pressed.timestamp, pressed.code));
        pressed.digit()
    }
}

/// Packets of one key press to send, one each 20 ms (RFC 4733 §2.5.1).
#[derive(Debug, Clone)]
pub struct Press {
    code: u8,
    volume: u8,
    /// Ticks in whole.
    length: u16,
    sent: u16,
    ends: u8,
}

/// One packet of a [`Press`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PressPacket {
    /// Marker of the RTP header: set on the first packet of the event.
    pub marker: bool,
    /// Payload. The RTP timestamp is that of the press's beginning in every packet.
    pub event: Event,
}

impl Press {
    /// Interval of the packets.
    pub const INTERVAL: Duration = Duration::from_millis(20);
    const STEP: u16 = 20 * TICKS_PER_MS as u16;
    /// Usual level of a handset's tones, -10 dBm0.
    const VOLUME: u8 = 10;

    /// A press of `digit` held for `millis`, at least 40 (the shortest that receivers must detect,
    /// ITU-T Q.24) and at most 8000. `None` when it is no DTMF digit.
    pub fn new(digit: char, millis: u32) -> Option<Press> {
        let length = (millis.clamp(40, 8000) * TICKS_PER_MS) as u16;
        Some(Press { code: code_of(digit)?, volume: Self::VOLUME, length, sent: 0, ends: 0 })
    }
}

impl Press {
    /// How long it lasts, in timestamp units.
    pub const fn length(&self) -> u16 {
        self.length
    }
}

impl Iterator for Press {
    type Item = PressPacket;

    fn next(&mut self) -> Option<PressPacket> {
        let marker = self.sent == 0;
        self.sent = self.sent.saturating_add(Self::STEP).min(self.length);
        let end = self.sent == self.length;
        // RFC 4733 §2.5.1.4: "the final packet ... SHOULD be sent a total of three times".
        self.ends += end as u8;
        let event = Event { code: self.code, end, volume: self.volume, duration: self.sent };
        (self.ends <= 3).then_some(PressPacket { marker, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_micros(millis * 1000)
    }

    fn feed(tracker: &mut Tracker, digit: char, timestamp: u32, start: u64) -> Vec<Digit> {
        let packets = Press::new(digit, 100).unwrap().zip(0..);
        packets.filter_map(|(p, n)| tracker.take(p.event, timestamp, at(start + n * 20))).collect()
    }

    #[test]
    fn a_payload_is_read_as_it_was_written() {
        let event = Event { code: 11, end: true, volume: 10, duration: 800 };
        assert_eq!(event.to_bytes(), [0x0B, 0x8A, 0x03, 0x20]);
        assert_eq!(Event::parse(&event.to_bytes()), Some(event));
        assert_eq!((event.digit(), code_of('#'), code_of('d')), (Some('#'), Some(11), Some(15)));
        assert_eq!(Event::parse(&[1, 2, 3]), None);
    }

    #[test]
    fn a_press_is_five_packets_and_two_more_ends() {
        let packets: Vec<_> = Press::new('5', 100).unwrap().collect();
        assert_eq!(
            packets.iter().map(|p| p.event.duration).collect::<Vec<_>>(),
            [160, 320, 480, 640, 800, 800, 800]
        );
        assert_eq!(packets.iter().filter(|p| p.event.end).count(), 3);
        assert_eq!(packets.iter().filter(|p| p.marker).count(), 1);
    }

    #[test]
    fn three_ends_are_one_digit_and_the_same_key_again_is_another() {
        let mut tracker = Tracker::default();
        assert_eq!(feed(&mut tracker, '5', 1000, 0), [Digit { digit: '5', millis: 100 }]);
        assert_eq!(feed(&mut tracker, '5', 3000, 250).len(), 1);
        assert_eq!(tracker.expire(at(10_000)), None);
    }

    #[test]
    fn a_lost_end_is_made_up_by_time() {
        let mut tracker = Tracker::default();
        for (packet, n) in Press::new('*', 100).unwrap().take(3).zip(0..) {
            assert_eq!(tracker.take(packet.event, 1000, at(n * 20)), None);
        }
        assert_eq!(tracker.expire(at(239)), None);
        assert_eq!(tracker.expire(at(240)), Some(Digit { digit: '*', millis: 60 }));
        let late = Event { code: 10, end: true, volume: 10, duration: 800 };
        assert_eq!(tracker.take(late, 1000, at(260)), None, "its end comes after all");
    }

    #[test]
    fn the_next_key_ends_the_one_before_it() {
        let mut tracker = Tracker::default();
        for packet in Press::new('1', 100).unwrap().take(3) {
            tracker.take(packet.event, 1000, at(0));
        }
        let digits = feed(&mut tracker, '2', 2600, 100);
        assert_eq!(digits.iter().map(|d| d.digit).collect::<String>(), "12");
    }

    #[test]
    fn a_reordered_packet_of_an_old_event_is_no_press() {
        let mut tracker = Tracker::default();
        feed(&mut tracker, '1', 1000, 0);
        feed(&mut tracker, '2', 2600, 200);
        let stray = Event { code: 1, end: false, volume: 10, duration: 160 };
        assert_eq!(tracker.take(stray, 1000, at(400)), None);
        assert!(!tracker.is_pressed());
    }

    #[test]
    fn a_key_held_over_a_segment_boundary_is_one_press() {
        let mut tracker = Tracker::default();
        let event = |duration, end| Event { code: 3, end, volume: 10, duration };
        assert_eq!(tracker.take(event(65_535, false), 1000, at(0)), None);
        assert_eq!(tracker.take(event(160, false), 1000 + 65_535, at(20)), None);
        assert_eq!(
            tracker.take(event(961, true), 1000 + 65_535, at(40)),
            Some(Digit { digit: '3', millis: 66_496 / 8 })
        );
    }

    #[test]
    fn a_flash_is_a_key_and_other_events_are_none() {
        let mut tracker = Tracker::default();
        let flash = Event { code: 16, end: true, volume: 0, duration: 800 };
        assert_eq!(tracker.take(flash, 5, at(0)), Some(Digit { digit: FLASH, millis: 100 }));
        assert_eq!(tracker.take(Event { code: 17, end: true, volume: 0, duration: 800 }, 5, at(0)), None);
    }
}
