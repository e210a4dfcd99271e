//! Measures sound: level, whose voice, and the longest silence in it.

use std::time::Duration;

use super::voice::{BLOCK, Recogniser};
use super::{RATE, Voice};

/// Level of a full-scale sine in A-law (ITU-T G.711 §5); µ-law has 3.17. No kin of π.
#[allow(clippy::approx_constant)]
const FULL_SCALE_DBM0: f64 = 3.14;
/// Samples that are judged together for silence: 5 ms, a period and more of every mark of a voice.
const PIECE: usize = 40;
/// Mean square of a silent piece, of full scale squared: −45 dB.
const SILENCE: f64 = 3.2e-5;

const _: () = assert!(BLOCK.is_multiple_of(PIECE));

/// What a listener measures. Push samples, then ask.
#[derive(Debug, Default)]
pub struct Meter {
    squares: f64,
    samples: u64,
    recogniser: Recogniser,
    /// Sum of squares of the piece that is not full yet, and its samples.
    piece: (f64, usize),
    /// Samples of silence up to now, once something sounded.
    silent: usize,
    sounded: bool,
    longest: usize,
}

impl Meter {
    /// Takes one sample.
    pub fn push(&mut self, sample: i16) {
        self.recogniser.push(sample);
        let square = (f64::from(sample) / 32_768.0).powi(2);
        self.squares += square;
        self.samples += 1;
        self.piece = (self.piece.0 + square, self.piece.1 + 1);
        if self.piece.1 == PIECE {
            let (sum, _) = std::mem::take(&mut self.piece);
            if sum / (PIECE as f64) < SILENCE { self.silent += PIECE } else { self.sound() }
        }
    }

    /// So many samples did not come: silence, but nothing that could be somebody's voice.
    pub const fn missing(&mut self, samples: usize) {
        self.silent += samples;
    }

    /// The longest silence between two sounds; of speech it is the pause between syllables at least.
    pub fn longest_silence(&self) -> Duration {
        Duration::from_micros(self.longest as u64 * 1_000_000 / RATE as u64)
    }

    /// Mean level, dBm0 (a full-scale sine is +3.14); none when nothing was heard.
    pub fn level_dbm0(&self) -> Option<f32> {
        let mean = (self.samples > 0).then(|| self.squares / self.samples as f64);
        // A full-scale sine has a mean square of one half.
        mean.filter(|mean| *mean > 0.0).map(|mean| (10.0 * (mean * 2.0).log10() + FULL_SCALE_DBM0) as f32)
    }

    /// Whose voice it was.
    pub fn voice(&self) -> Option<Voice> {
        self.recogniser.voice()
    }

    /// The voices that were heard, alone or among others.
    pub fn voices(&self) -> Vec<Voice> {
        self.recogniser.voices()
    }

    fn sound(&mut self) {
        if self.sounded {
            self.longest = self.longest.max(self.silent);
        }
        (self.sounded, self.silent) = (true, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn humming_has_no_silence_and_speech_has_its_pauses() {
        let longest = |samples: &[i16]| {
            let mut meter = Meter::default();
            samples.iter().cycle().take(RATE * 2).for_each(|sample| meter.push(*sample));
            assert_eq!(meter.voice(), Some(Voice::new(21)));
            meter.longest_silence()
        };
        assert_eq!(longest(&Voice::new(21).hum()), Duration::ZERO);
        let pause = longest(&Voice::new(21).speech());
        assert!((60..110).contains(&pause.as_millis()), "{pause:?}");
    }

    #[test]
    fn what_did_not_come_between_two_sounds_is_silence() {
        let (mut meter, hum) = (Meter::default(), Voice::new(3).hum());
        meter.missing(8_000);
        hum.iter().take(800).for_each(|sample| meter.push(*sample));
        meter.missing(160);
        hum.iter().take(800).for_each(|sample| meter.push(*sample));
        meter.missing(8_000);
        assert_eq!(meter.longest_silence(), Duration::from_millis(20));
    }
}
