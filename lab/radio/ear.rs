//! A handset's ear: a short buffer that is played at the pace of the handset's clock, and measured.

use std::collections::VecDeque;
use std::time::Duration;

use crate::media::g722::Split;
use crate::media::meter::Meter;
use crate::media::sparkle::sparkles;
use crate::media::stream::Ears;
use crate::media::{FRAME, Heard};

/// Samples that wait before playing begins: 60 ms, so that a busy machine makes no gap.
const FILL: usize = 3 * FRAME;
/// Most samples that wait.
const MOST: usize = 25 * FRAME;

/// What the handset plays, and what came of it.
#[derive(Default)]
pub struct Ear {
    /// The bearer that it listens to; a later one takes over with its first sound.
    bearer: u64,
    waiting: VecDeque<i16>,
    playing: bool,
    meter: Meter,
    frames: u64,
    /// Frames without a sample, that sound followed.
    missed: u64,
    /// Frames without a sample since the last one with.
    missing: u64,
    longest: u64,
    /// Somebody who listens to what is played.
    tap: Option<(Ears, u16)>,
    /// Splits wideband speech.
    split: Split,
    /// Pieces of it that sounded above 4 kHz.
    wide: u64,
}

impl Ear {
    /// Sound from a bearer.
    pub fn hear(&mut self, bearer: u64, samples: &[i16]) {
        // What came on either bearer has come: while there are two, both are listened to.
        if let Some((ears, _)) = &self.tap {
            ears.arrived(samples);
        }
        if self.listens_to(bearer) {
            self.waiting.extend(samples);
            let surplus = self.waiting.len().saturating_sub(MOST);
            self.waiting.drain(..surplus);
        }
    }

    /// 16 kHz speech from a bearer: whether it sounds above 4 kHz is noted, what is below is heard.
    pub fn hear_wide(&mut self, bearer: u64, samples: &[i16]) {
        if self.listens_to(bearer) {
            self.wide += u64::from(sparkles(samples));
        }
        let low = self.split.low(samples);
        self.hear(bearer, &low);
    }

    /// How many pieces of what came sounded above 4 kHz.
    pub const fn wide(&self) -> u64 {
        self.wide
    }

    /// Bad frames from a bearer: as long as sound, and silent.
    pub fn mute(&mut self, bearer: u64, samples: usize) {
        if self.listens_to(bearer) {
            self.waiting.extend(std::iter::repeat_n(0, samples.min(MOST)));
        }
    }

    /// A bearer is gone; whichever speaks next is listened to.
    pub fn close(&mut self, bearer: u64) {
        if self.bearer == bearer {
            self.bearer = 0;
        }
    }

    /// Twenty milliseconds pass.
    pub fn play(&mut self) {
        self.playing |= self.waiting.len() >= FILL;
        if !self.playing {
            return;
        }
        if let Some((_, sequence)) = &mut self.tap {
            *sequence = sequence.wrapping_add(1);
        }
        if self.waiting.len() < FRAME {
            self.missing += 1;
            return;
        }
        if self.missing > 0 {
            self.missed += self.missing;
            self.longest = self.longest.max(self.missing);
            self.meter.missing(self.missing as usize * FRAME);
            self.missing = 0;
        }
        self.frames += 1;
        let samples: Vec<i16> = self.waiting.drain(..FRAME).collect();
        samples.iter().for_each(|sample| self.meter.push(*sample));
        if let Some((ears, sequence)) = &self.tap {
            ears.played(*sequence, &samples);
        }
    }

    /// What is played from now on is heard with these, too.
    pub fn listen_with(&mut self, ears: Ears) {
        self.tap = Some((ears, 0));
    }

    /// What was heard since the last time, and begins anew.
    pub fn finish(&mut self, sent: u64) -> Heard {
        let ear = std::mem::take(self);
        Heard {
            packets: ear.frames,
            sent,
            lost: ear.missed,
            refused: 0,
            other: 0,
            keys: String::new(),
            longest_gap: Duration::from_millis(20 * ear.longest),
            longest_silence: ear.meter.longest_silence(),
            level_dbm0: ear.meter.level_dbm0(),
            voice: ear.meter.voice(),
            voices: ear.meter.voices(),
        }
    }

    /// What was heard so far; sound goes on.
    pub fn so_far(&self) -> (u64, Option<crate::media::Voice>) {
        (self.frames, self.meter.voice())
    }

    const fn listens_to(&mut self, bearer: u64) -> bool {
        if bearer > self.bearer {
            self.bearer = bearer;
        }
        bearer == self.bearer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Voice;

    #[test]
    fn a_handover_is_heard_without_a_gap_and_the_old_bearer_no_more() {
        let (mut ear, hum) = (Ear::default(), Voice::new(9).hum());
        let mut at = hum.chunks_exact(FRAME).cycle();
        for tick in 0..200 {
            let frame = at.next().unwrap();
            // Both bases send from tick 100 to 110, the old one then stops.
            if tick < 110 {
                ear.hear(1, frame);
            }
            if tick >= 100 {
                ear.hear(2, frame);
            }
            ear.play();
        }
        let heard = ear.finish(0);
        assert_eq!((heard.lost, heard.voice), (0, Some(Voice::new(9))));
        assert!(heard.longest_silence <= Duration::from_millis(20), "{heard:?}");
    }

    #[test]
    fn a_gap_is_as_long_as_the_sound_that_did_not_come() {
        let (mut ear, hum) = (Ear::default(), Voice::new(9).hum());
        let mut at = hum.chunks_exact(FRAME).cycle();
        for tick in 0..200 {
            let frame = at.next().unwrap();
            if !(100..108).contains(&tick) {
                ear.hear(1, frame);
            }
            ear.play();
        }
        let heard = ear.finish(0);
        // What had waited covers some of it: the buffer held two frames.
        assert!((5..=8).contains(&heard.lost), "{heard:?}");
        assert!(heard.longest_silence >= Duration::from_millis(100), "{heard:?}");
    }
}
