//! What one end of a call heard, measured packet by packet.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::meter::Meter;
use super::numbers::Numbers;
use super::{Codec, FRAME, Voice};
use crate::sip::endpoint::locked;

/// Packets that can be missing between two: more is another stream.
const MOST_MISSING: u64 = 500;

/// So many packets without a voice are forgotten: two seconds.
const STALE: u64 = 100;

/// Keys that are remembered.
const MOST_KEYS: usize = 256;

/// What one end heard.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Heard {
    /// RTP packets that carried sound.
    pub packets: u64,
    /// RTP packets that were sent meanwhile.
    pub sent: u64,
    /// Sequence numbers that never came, reordering forgiven.
    pub lost: u64,
    /// Packets that were not encrypted, or not with the agreed key, while SRTP was agreed.
    pub refused: u64,
    /// Packets of another payload type (DTMF, comfort noise).
    pub other: u64,
    /// Keys that were pressed at the other end, told as telephone events (RFC 4733).
    pub keys: String,
    /// Longest time between two packets, or from the last packet to the end.
    #[serde(serialize_with = "milliseconds", rename = "longest_gap_ms")]
    pub longest_gap: Duration,
    /// Longest silence in the sound, what did not come counted in. Speech has pauses of 80 ms, humming none.
    #[serde(serialize_with = "milliseconds", rename = "longest_silence_ms")]
    pub longest_silence: Duration,
    /// Mean level, dBm0 (a full-scale sine is +3.14); none when nothing was heard.
    pub level_dbm0: Option<f32>,
    /// Whose voice it was.
    pub voice: Option<Voice>,
    /// All voices that were heard, alone or among others.
    pub voices: Vec<Voice>,
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(duration.as_millis() as u64)
}

/// A stream's hearing, to be asked while it runs. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Ears(Arc<Mutex<Hearing>>);

#[derive(Default)]
struct Hearing {
    /// Since the stream began.
    whole: Ear,
    /// Since somebody began to listen.
    fresh: Option<Ear>,
    /// Numbers, once somebody wants to know.
    numbers: Option<Numbers>,
}

impl Ears {
    /// Listens afresh: [`Ears::since_then`] counts from now on.
    pub fn listen(&self) {
        locked(&self.0).fresh = Some(Ear::default());
    }

    /// What was heard since [`Ears::listen`], else since the beginning; `sent` is not counted here.
    pub fn since_then(&self) -> Heard {
        let hearing = locked(&self.0);
        hearing.fresh.as_ref().unwrap_or(&hearing.whole).heard(0, Instant::now())
    }

    /// The same, and listens afresh when two seconds of sound were nobody's voice: what came in pieces while the
    /// machine was busy, or from somebody before, does not count for ever.
    pub fn now(&self) -> Heard {
        let heard = self.since_then();
        if heard.voice.is_none() && heard.packets > STALE {
            self.listen();
        }
        heard
    }

    /// What was heard since the stream began; `sent` is not counted here.
    pub fn whole(&self) -> Heard {
        locked(&self.0).whole.heard(0, Instant::now())
    }

    /// Sound that was played elsewhere than on a stream, as a packet of this number; what is missing between
    /// two numbers was lost.
    pub(crate) fn played(&self, sequence: u16, samples: &[i16]) {
        let mut packet = vec![0x80, Codec::Pcma.payload_type()];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&[0; 8]);
        packet.extend(samples.iter().map(|sample| Codec::Pcma.encode(*sample)));
        self.hear(&packet);
    }

    /// Notes the numbers that are told from now on; the first is not far from this one.
    pub fn note_numbers(&self, near: u64) {
        locked(&self.0).numbers = Some(Numbers::near(near));
    }

    /// Those that came so far; none when nobody wanted to know.
    pub fn numbers(&self) -> Option<Numbers> {
        locked(&self.0).numbers.clone()
    }

    fn notes_numbers(&self) -> bool {
        locked(&self.0).numbers.is_some()
    }

    /// Sound as it came, before anybody played it.
    pub(crate) fn arrived(&self, samples: &[i16]) {
        if let Some(numbers) = &mut locked(&self.0).numbers {
            numbers.hear(samples);
        }
    }

    pub(super) fn refuse(&self) {
        let mut hearing = locked(&self.0);
        hearing.whole.refused += 1;
        if let Some(fresh) = &mut hearing.fresh {
            fresh.refused += 1;
        }
    }

    pub(super) fn packet(&self, octets: &[u8]) {
        self.hear(octets);
        let Some((payload_type, payload)) = rtp(octets) else { return };
        if let Some(codec) = Codec::of_payload_type(payload_type).filter(|_| self.notes_numbers()) {
            let samples: Vec<_> = payload.iter().map(|octet| codec.decode(*octet)).collect();
            self.arrived(&samples);
        }
    }

    fn hear(&self, octets: &[u8]) {
        let (now, mut hearing) = (Instant::now(), locked(&self.0));
        hearing.whole.packet(octets, now);
        if let Some(fresh) = &mut hearing.fresh {
            fresh.packet(octets, now);
        }
    }
}

/// Measures what arrives.
#[derive(Default)]
pub(super) struct Ear {
    packets: u64,
    refused: u64,
    other: u64,
    keys: String,
    /// Source and timestamp of the last event: all packets of one press have the same.
    event: Option<(u32, u32)>,
    last_at: Option<Instant>,
    longest_gap: Duration,
    /// First and highest extended sequence number of the source.
    sequences: Option<(u64, u64)>,
    ssrc: u32,
    /// Expected packets of sources that ended.
    expected_before: u64,
    meter: Meter,
}

impl Ear {
    pub(super) fn packet(&mut self, octets: &[u8], now: Instant) {
        let Some((payload_type, payload)) = rtp(octets) else { return };
        let Some(codec) = Codec::of_payload_type(payload_type) else {
            self.other += 1;
            return self.key(octets, payload);
        };
        self.packets += 1;
        if let Some(last) = self.last_at.replace(now) {
            self.longest_gap = self.longest_gap.max(now - last);
        }
        let ssrc = u32::from_be_bytes([octets[8], octets[9], octets[10], octets[11]]);
        self.count(ssrc, u16::from_be_bytes([octets[2], octets[3]]));
        for sample in payload.iter().map(|octet| codec.decode(*octet)) {
            self.meter.push(sample);
        }
    }

    /// A telephone event of four octets (RFC 4733 §2.3), one of the sixteen keys.
    fn key(&mut self, octets: &[u8], payload: &[u8]) {
        const KEYS: &[u8; 16] = b"0123456789*#ABCD";
        let word =
            |at: usize| u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
        let [event, _, _, _] = *payload else { return };
        let Some(key) = KEYS.get(usize::from(event)) else { return };
        let press = Some((word(8), word(4)));
        if std::mem::replace(&mut self.event, press) != press && self.keys.len() < MOST_KEYS {
            self.keys.push(char::from(*key));
        }
    }

    /// Extends the sequence number (RFC 3550 A.1); a new source starts a new count.
    fn count(&mut self, ssrc: u32, sequence: u16) {
        match &mut self.sequences {
            Some((first, highest)) if self.ssrc == ssrc => {
                let ahead = sequence.wrapping_sub(*highest as u16) as i16;
                let extended = highest.saturating_add_signed(i64::from(ahead));
                let missing = extended.saturating_sub(*highest + 1).min(MOST_MISSING);
                self.meter.missing(missing as usize * FRAME);
                *first = (*first).min(extended);
                *highest = (*highest).max(extended);
            }
            _ => {
                self.expected_before += self.expected();
                self.ssrc = ssrc;
                // Room below, for packets that the first one overtook.
                let extended = 0x1_0000 + u64::from(sequence);
                self.sequences = Some((extended, extended));
            }
        }
    }

    fn expected(&self) -> u64 {
        self.sequences.map_or(0, |(first, highest)| highest - first + 1)
    }

    pub(super) fn heard(&self, sent: u64, now: Instant) -> Heard {
        let gap_at_end = self.last_at.map_or(Duration::ZERO, |last| now - last);
        Heard {
            packets: self.packets,
            sent,
            lost: (self.expected_before + self.expected()).saturating_sub(self.packets),
            refused: self.refused,
            other: self.other,
            keys: self.keys.clone(),
            longest_gap: self.longest_gap.max(gap_at_end),
            longest_silence: self.meter.longest_silence(),
            level_dbm0: self.meter.level_dbm0(),
            voice: self.meter.voice(),
            voices: self.meter.voices(),
        }
    }
}

/// Payload type and payload of an RTP packet (RFC 3550 §5.1); RTCP and others are none.
pub(super) fn rtp(octets: &[u8]) -> Option<(u8, &[u8])> {
    let [first, second, ..] = *octets else { return None };
    let rtcp = (192..224).contains(&second);
    if first >> 6 != 2 || rtcp || octets.len() < 12 {
        return None;
    }
    let mut start = 12 + 4 * usize::from(first & 0x0F);
    if first & 0x10 != 0 {
        let words = octets.get(start + 2..start + 4)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    let padding = if first & 0x20 != 0 { usize::from(*octets.last()?) } else { 0 };
    Some((second & 0x7F, octets.get(start..octets.len().checked_sub(padding)?)?))
}
