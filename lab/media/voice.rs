//! Voices: speech-like sound that says who speaks.
//!
//! A voice has two marks, a low and a high frequency that sound together in every syllable, over a
//! softer formant murmur so that levels move as in speech. 8 × 8 marks make 64 voices. The high marks lie
//! above the DTMF range (ITU-T Q.23 ends at 1633 Hz), so no voice can be taken for a digit, and the low
//! ones above ringing tone (425–480 Hz). Marks are multiples of 20 Hz, so that in a block of 50 ms every
//! other mark falls into a null of the Goertzel filter.

use std::f32::consts::TAU;

use super::RATE;

/// How many voices there are.
pub const VOICES: u8 = 64;
/// Samples in the loop that a voice speaks: four syllables of 400 ms.
const LOOP: usize = 4 * SYLLABLE;
const SYLLABLE: usize = 3_200;
/// Of a syllable, how long it sounds.
const SOUNDING: usize = 2_560;
/// Samples at each edge of a syllable over which it swells.
const EDGE: usize = 160;
/// Samples in a block of the recogniser: 50 ms.
pub const BLOCK: usize = 400;
/// Below this level (of full scale, squared) a block is silence: −45 dB.
const SILENCE: f32 = 3.2e-5;

/// One of [`VOICES`] voices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Voice(u8);

impl Voice {
    /// The voice with this number, modulo [`VOICES`].
    pub const fn new(number: u8) -> Self {
        Self(number % VOICES)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    fn marks(self) -> (f32, f32) {
        (low(usize::from(self.0 / 8)), high(usize::from(self.0 % 8)))
    }

    /// What it says, to be spoken in a loop: 1.6 s of samples.
    pub fn speech(self) -> Vec<i16> {
        let (low, high) = self.marks();
        let pitch = 100.0 + f32::from(self.0) * 1.5;
        let samples = (0..LOOP).map(|n| {
            let (vowel, within) = (n / SYLLABLE, n % SYLLABLE);
            let time = n as f32 / RATE as f32;
            let marks = 0.16 * ((TAU * low * time).sin() + (TAU * high * time).sin());
            swell(within) * (marks + murmur(pitch, VOWELS[vowel], time))
        });
        samples.map(|s| (s * 32_000.0) as i16).collect()
    }
}

/// First and second formants of a, i, u, e (Hz).
const VOWELS: [(f32, f32); 4] = [(730.0, 1_090.0), (270.0, 2_290.0), (300.0, 870.0), (530.0, 1_840.0)];

/// Harmonics of the pitch, loudest near the formants; about 12 dB below the marks.
fn murmur(pitch: f32, (first, second): (f32, f32), time: f32) -> f32 {
    let near = |f: f32, formant: f32| 1.0 / (1.0 + ((f - formant) / 90.0).powi(2));
    let harmonics = (1..=24).map(|k| pitch * k as f32).take_while(|f| *f < 3_000.0);
    harmonics.map(|f| 0.035 * (near(f, first) + 0.6 * near(f, second)) * (TAU * f * time).sin()).sum()
}

impl Voice {
    /// Both marks without syllables or vowels, to be hummed in a loop: 1.6 s of samples, whole periods of
    /// every mark.
    pub fn hum(self) -> Vec<i16> {
        let (low, high) = self.marks();
        let sample = |n: usize| {
            let time = n as f32 / RATE as f32;
            0.16 * ((TAU * low * time).sin() + (TAU * high * time).sin())
        };
        (0..LOOP).map(|n| (sample(n) * 32_000.0) as i16).collect()
    }
}

fn swell(within: usize) -> f32 {
    let left = SOUNDING.saturating_sub(within);
    (within.min(left).min(EDGE) as f32) / EDGE as f32
}

const fn low(index: usize) -> f32 {
    (500 + 60 * index) as f32
}

const fn high(index: usize) -> f32 {
    (1_760 + 120 * index) as f32
}

/// Listens in blocks of 50 ms and says whose voice it was.
#[derive(Debug, Clone)]
pub struct Recogniser {
    block: Vec<f32>,
    votes: [u32; VOICES as usize],
    /// Blocks in which a voice was there, alone or among others.
    present: [u32; VOICES as usize],
    sounding: u32,
}

impl Default for Recogniser {
    fn default() -> Self {
        Self {
            block: Vec::with_capacity(BLOCK),
            votes: [0; VOICES as usize],
            present: [0; VOICES as usize],
            sounding: 0,
        }
    }
}

impl Recogniser {
    /// Takes one sample.
    pub fn push(&mut self, sample: i16) {
        self.block.push(f32::from(sample) / 32_768.0);
        if self.block.len() == BLOCK {
            self.judge();
            self.block.clear();
        }
    }

    /// The voice of at least three blocks and of at least six in ten that were not silent.
    pub fn voice(&self) -> Option<Voice> {
        let (number, votes) = self.votes.iter().enumerate().max_by_key(|(_, votes)| **votes)?;
        (*votes >= 3 && votes * 10 >= self.sounding * 6).then(|| Voice::new(number as u8))
    }

    /// The voices that were heard among others: in three blocks and in one of seven that were not silent. Of two
    /// that share neither mark, those that have one of each are taken for heard too.
    pub fn voices(&self) -> Vec<Voice> {
        let heard = |present: &u32| *present >= 3 && present * 7 >= self.sounding;
        let found = self.present.iter().enumerate().filter(|(_, present)| heard(present));
        found.map(|(number, _)| Voice::new(number as u8)).collect()
    }

    fn judge(&mut self) {
        let power = self.block.iter().map(|s| s * s).sum::<f32>() / BLOCK as f32;
        if power < SILENCE {
            return;
        }
        self.sounding += 1;
        let (lows, highs) = (powers(&self.block, low), powers(&self.block, high));
        for (number, present) in self.present.iter_mut().enumerate() {
            *present += u32::from(lows[number / 8].min(highs[number % 8]) > 0.05 * power);
        }
        let (low, low_power) = loudest(&lows);
        let (high, high_power) = loudest(&highs);
        // Both marks sound, and together they are most of the sound.
        if low_power.min(high_power) > 0.1 * power && low_power + high_power > 0.5 * power {
            self.votes[low * 8 + high] += 1;
        }
    }
}

fn powers(block: &[f32], frequency: fn(usize) -> f32) -> [f32; 8] {
    std::array::from_fn(|index| goertzel(block, frequency(index)))
}

fn loudest(powers: &[f32; 8]) -> (usize, f32) {
    powers.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

/// Power of one frequency in a block, of full scale squared (G. Goertzel, 1958): a sine of amplitude A
/// gives A²/2.
pub fn goertzel(block: &[f32], frequency: f32) -> f32 {
    let coefficient = 2.0 * (TAU * frequency / RATE as f32).cos();
    let (one, two) =
        block.iter().fold((0.0_f32, 0.0_f32), |(one, two), s| (s + coefficient * one - two, one));
    let squared = one * one + two * two - coefficient * one * two;
    2.0 * squared / (block.len() as f32).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Codec;

    #[test]
    fn every_voice_is_recognised_through_both_codecs_and_at_any_offset() {
        for number in 0..VOICES {
            let (voice, codec) = (Voice::new(number), [Codec::Pcma, Codec::Pcmu][usize::from(number % 2)]);
            let mut recogniser = Recogniser::default();
            for sample in voice.speech().iter().cycle().skip(usize::from(number) * 97).take(RATE) {
                recogniser.push(codec.decode(codec.encode(*sample)));
            }
            assert_eq!(recogniser.voice(), Some(voice));
        }
    }

    #[test]
    fn silence_noise_and_two_voices_at_once_are_nobody() {
        let mut silence = Recogniser::default();
        (0..RATE).for_each(|_| silence.push(8));
        assert_eq!(silence.voice(), None);

        let mut noise = Recogniser::default();
        (0..RATE).for_each(|_| noise.push(rand::random::<i16>() / 4));
        assert_eq!(noise.voice(), None);

        let mut both = Recogniser::default();
        let said = [Voice::new(2).speech(), Voice::new(5).speech()];
        (0..2 * RATE).for_each(|n| both.push((said[0][n % LOOP] + said[1][(n + 900) % LOOP]) / 2));
        assert_eq!((both.voice(), both.voices()), (None, vec![Voice::new(2), Voice::new(5)]));

        let mut alternating = Recogniser::default();
        let voices = [Voice::new(3).speech(), Voice::new(60).speech()];
        (0..4 * RATE).for_each(|n| alternating.push(voices[(n / BLOCK) % 2][n % LOOP]));
        assert_eq!(alternating.voice(), None);
    }
}
