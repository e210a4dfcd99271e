//! Numbers said in tones, a hundred in a second: whoever listens knows which did not come, however late the
//! others came. Nothing here looks at a clock, so a busy machine costs nobody a number.
//!
//! A number is three tones that sound together for 10 ms, one of each row. They are multiples of 100 Hz, so that
//! each of them falls into a null of the filters of all others.

use std::collections::BTreeSet;
use std::f32::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::voice::goertzel;
use super::{FRAME, RATE};

/// Samples of a number: 10 ms, what the shortest packet holds.
const PIECE: usize = 80;
/// The rows of tones, in hundreds of hertz.
const ROWS: [std::ops::Range<u16>; 3] = [4..16, 16..26, 26..33];
/// So many numbers there are; then they begin anew, after more than eight seconds.
const NUMBERS: u64 = 12 * 10 * 7;
/// Numbers that are remembered: five minutes.
const MOST: usize = 30_000;
/// Each tone has this part of the sound at least, and the three together most of it.
const EACH: f32 = 0.12;
const TOGETHER: f32 = 0.7;
/// Below this level (of full scale, squared) nothing is read: −45 dB.
const SILENCE: f32 = 3.2e-5;

/// Says numbers instead of speaking, once it is told to. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Teller(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    tells: AtomicBool,
    said: AtomicU64,
}

impl Teller {
    /// It says numbers from now on; they go on where it stopped.
    pub fn tell(&self) {
        self.0.tells.store(true, Ordering::Relaxed);
    }

    /// It speaks again.
    pub fn speak(&self) {
        self.0.tells.store(false, Ordering::Relaxed);
    }

    /// How many it has said.
    pub fn said(&self) -> u64 {
        self.0.said.load(Ordering::Relaxed)
    }

    /// The next 20 ms: two numbers. None as long as it speaks.
    pub(crate) fn frame(&self) -> Option<Vec<i16>> {
        let tells = self.0.tells.load(Ordering::Relaxed);
        tells.then(|| {
            let pieces = (FRAME / PIECE) as u64;
            let first = self.0.said.fetch_add(pieces, Ordering::Relaxed);
            (first..first + pieces).flat_map(sound).collect()
        })
    }
}

/// The samples of a number.
fn sound(number: u64) -> impl Iterator<Item = i16> {
    let tones = tones(number);
    (0..PIECE).map(move |n| {
        let turn = TAU * n as f32 / RATE as f32;
        let sum: f32 = tones.iter().map(|tone| (turn * tone).sin()).sum();
        (sum * 0.15 * 32_000.0) as i16
    })
}

/// The tones of a number, Hz.
fn tones(number: u64) -> [f32; 3] {
    let mut rest = number % NUMBERS;
    ROWS.map(|row| {
        let wide = u64::from(row.end - row.start);
        let tone = u64::from(row.start) + rest % wide;
        rest /= wide;
        tone as f32 * 100.0
    })
}

/// The number that sounds, up to [`NUMBERS`]; none when it is something else.
fn read(piece: &[i16]) -> Option<u64> {
    let piece: Vec<f32> = piece.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
    let power = piece.iter().map(|s| s * s).sum::<f32>() / piece.len() as f32;
    if power < SILENCE {
        return None;
    }
    let (mut number, mut worth, mut together) = (0, 1, 0.0);
    for row in ROWS {
        let tones = row.clone().map(|tone| (tone - row.start, goertzel(&piece, f32::from(tone) * 100.0)));
        let (tone, loud) = tones.max_by(|a, b| a.1.total_cmp(&b.1))?;
        if loud < EACH * power {
            return None;
        }
        together += loud;
        number += u64::from(tone) * worth;
        worth *= u64::from(row.end - row.start);
    }
    (together > TOGETHER * power).then_some(number)
}

/// The numbers that somebody heard.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    heard: BTreeSet<u64>,
    newest: u64,
}

impl Numbers {
    /// Nothing heard yet; what comes first is not far from this number.
    pub fn near(number: u64) -> Self {
        Self { heard: BTreeSet::new(), newest: number }
    }

    /// Sound as it came: whole numbers, in whatever order.
    pub(crate) fn hear(&mut self, samples: &[i16]) {
        for number in samples.chunks_exact(PIECE).filter_map(read) {
            let half = NUMBERS as i64 / 2;
            let ahead = (number as i64 - self.newest as i64 + half).rem_euclid(NUMBERS as i64) - half;
            let Some(number) = self.newest.checked_add_signed(ahead) else { continue };
            self.newest = self.newest.max(number);
            if self.heard.len() < MOST {
                self.heard.insert(number);
            }
        }
    }

    /// How many have been said, as far as it knows.
    pub fn up_to(&self) -> u64 {
        if self.heard.is_empty() { 0 } else { self.newest + 1 }
    }

    /// How many of these were missed, the most of them at once, and before which.
    pub fn missed(&self, said: std::ops::Range<u64>) -> Missed {
        let (mut missed, mut next) = (Missed::default(), said.start);
        for number in self.heard.range(said.clone()).copied().chain([said.end]) {
            let gap = number - next;
            missed.all += gap;
            if gap > missed.at_once {
                (missed.at_once, missed.before) = (gap, number);
            }
            next = number + 1;
        }
        missed
    }
}

/// Numbers that did not come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missed {
    /// All of them.
    pub all: u64,
    /// The longest row of them.
    pub at_once: u64,
    /// The number that ended it.
    pub before: u64,
}

#[cfg(test)]
mod tests {
    use super::super::g726::G726;
    use super::super::{Codec, Voice};
    use super::*;

    fn said(frames: usize) -> Vec<i16> {
        let teller = Teller::default();
        assert_eq!(teller.frame(), None);
        teller.tell();
        let samples = (0..frames).flat_map(|_| teller.frame().unwrap()).collect();
        assert_eq!(teller.said(), 2 * frames as u64);
        samples
    }

    #[test]
    fn every_number_is_read_through_every_codec() {
        let samples = said(1_000);
        let (mut there, mut back) = (G726::default(), G726::default());
        let packed: Vec<_> =
            samples.chunks(PIECE).flat_map(|piece| back.unpack(&there.pack(piece))).collect();
        let law = |codec: Codec, samples: &[i16]| {
            samples.iter().map(|s| codec.decode(codec.encode(*s))).collect::<Vec<_>>()
        };
        let tandem = law(Codec::Pcma, &packed);
        for heard in [samples.clone(), law(Codec::Pcmu, &samples), packed, tandem] {
            let mut numbers = Numbers::default();
            numbers.hear(&heard);
            assert_eq!((numbers.up_to(), numbers.missed(0..2_000)), (2_000, Missed::default()));
        }
    }

    #[test]
    fn what_did_not_come_is_missed_and_what_came_late_or_twice_is_not() {
        let samples = said(500);
        let (mut numbers, mut pieces) = (Numbers::default(), samples.chunks(PIECE).collect::<Vec<_>>());
        pieces.swap(100, 130);
        pieces.drain(300..303);
        pieces.remove(400);
        pieces.iter().chain(&pieces[600..700]).for_each(|piece| numbers.hear(piece));
        assert_eq!(numbers.missed(0..1_000), Missed { all: 4, at_once: 3, before: 303 });
        assert_eq!(numbers.missed(0..1_005).at_once, 5, "the newest have not come yet");
    }

    #[test]
    fn a_silence_of_all_numbers_there_are_leaves_the_listener_behind() {
        let samples = said(1_500);
        let mut numbers = Numbers::default();
        numbers.hear(&samples[..500 * PIECE]);
        numbers.hear(&samples[(500 + NUMBERS as usize) * PIECE..]);
        assert!(numbers.up_to() < 3_000, "so that whoever waits for the last one is not deceived");
    }

    #[test]
    fn who_begins_to_listen_later_misses_nothing_of_before() {
        let samples = said(1_000);
        let mut numbers = Numbers::near(1_200);
        numbers.hear(&samples[1_190 * PIECE..]);
        assert_eq!((numbers.up_to(), numbers.missed(1_195..2_000).all), (2_000, 0));
        assert_eq!(numbers.missed(1_185..2_000).at_once, 5);
    }

    #[test]
    fn voices_noise_and_silence_are_no_numbers() {
        let mut numbers = Numbers::default();
        (0..64).for_each(|voice| {
            numbers.hear(&Voice::new(voice).speech());
            numbers.hear(&Voice::new(voice).hum());
        });
        let noise: Vec<i16> = (0..RATE).map(|_| rand::random::<i16>() / 4).collect();
        numbers.hear(&noise);
        numbers.hear(&[3; RATE]);
        assert_eq!(numbers.up_to(), 0);
    }
}
