//! Mixing (RFC 3550 §7.1): everybody hears the sum of all others.
//!
//! ```text
//!  each party: decoder ─► [`Playout`](super::playout) ─► Frame ─┬─► Sum::add
//!                                                              └─► Sum::without ─► limiter ─► encoder
//! ```
//!
//! A frame is 20 ms in two bands (`codec::g722`): telephone speech is the lower one. Sums are 32 bits wide,
//! so nothing wraps; what is too loud for 16 bits is turned down as a whole, within one frame, and comes
//! back over a quarter of a second. A clipped sample is only left where a peak comes out of nothing.
//!
//! Who says nothing adds nothing: below [`QUIET`] a frame is left out, since the noise of thirty rooms is
//! louder than one voice.

/// Samples of each band in a frame: 20 ms.
pub const FRAME: usize = 160;
/// Mean magnitude below which a frame is silence: about -60 dBm0, the noise of an idle G.711 coder.
pub const QUIET: u32 = 24;
/// Frames that still pass after the last loud one, so that the ends of words are heard.
const HANGOVER: u8 = 10;

/// 20 ms of one party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// 0 to 4 kHz, 16 bits.
    pub low: [i16; FRAME],
    /// 4 to 8 kHz; zeroes in telephone speech.
    pub high: [i16; FRAME],
    /// Whether `high` holds anything.
    pub wide: bool,
}

impl Frame {
    /// Silence.
    pub const SILENCE: Frame = Frame { low: [0; FRAME], high: [0; FRAME], wide: false };

    /// Mean magnitude of the lower band.
    pub fn level(&self) -> u32 {
        self.low.iter().map(|sample| u32::from(sample.unsigned_abs())).sum::<u32>() / FRAME as u32
    }
}

/// Whether a party speaks, frame by frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gate {
    left: u8,
}

impl Gate {
    /// Whether this frame is to be heard.
    pub fn admits(&mut self, frame: &Frame) -> bool {
        match frame.level() >= QUIET {
            true => self.left = HANGOVER,
            false => self.left = self.left.saturating_sub(1),
        }
        self.left > 0
    }
}

/// All that is said in 20 ms.
#[derive(Debug, Clone)]
pub struct Sum {
    low: [i32; FRAME],
    high: [i32; FRAME],
    wide: bool,
}

impl Default for Sum {
    fn default() -> Self {
        Self { low: [0; FRAME], high: [0; FRAME], wide: false }
    }
}

impl Sum {
    /// Begins the next 20 ms.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// One more speaks.
    pub fn add(&mut self, frame: &Frame) {
        for (sum, sample) in self.low.iter_mut().zip(frame.low) {
            *sum += i32::from(sample);
        }
        if frame.wide {
            self.wide = true;
            for (sum, sample) in self.high.iter_mut().zip(frame.high) {
                *sum += i32::from(sample);
            }
        }
    }

    /// What one hears: all but what `own` has added; none for who adds nothing.
    pub fn without(&self, own: Option<&Frame>, limiter: &mut Limiter, heard: &mut Frame) {
        let (mut low, mut high) = (self.low, self.high);
        if let Some(own) = own {
            for (sum, sample) in low.iter_mut().zip(own.low) {
                *sum -= i32::from(sample);
            }
            for (sum, sample) in high.iter_mut().zip(own.high).filter(|_| own.wide) {
                *sum -= i32::from(sample);
            }
        }
        let peak = low.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or(0);
        let gains = limiter.gains(peak);
        limited(&low, gains, &mut heard.low);
        heard.wide = self.wide;
        match self.wide {
            true => limited(&high, gains, &mut heard.high),
            false => heard.high = [0; FRAME],
        }
    }
}

/// Turns down what is too loud. One for each listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limiter {
    /// In 1/32768.
    gain: u32,
}

/// A gain of one.
const UNITY: u32 = 1 << 15;

impl Default for Limiter {
    fn default() -> Self {
        Self { gain: UNITY }
    }
}

impl Limiter {
    /// Gain at the beginning and at the end of a frame with this peak.
    fn gains(&mut self, peak: u32) -> (u32, u32) {
        let most = i16::MAX as u32;
        let allowed =
            if peak > most { (u64::from(most) * u64::from(UNITY) / u64::from(peak)) as u32 } else { UNITY };
        let before = self.gain;
        // Down at once, up by an eighth of what is missing: about a quarter of a second.
        self.gain = allowed.min(before + (UNITY - before).div_ceil(8));
        (before.min(self.gain), self.gain)
    }
}

fn limited(sums: &[i32; FRAME], (from, to): (u32, u32), heard: &mut [i16; FRAME]) {
    for (n, (sample, sum)) in heard.iter_mut().zip(sums).enumerate() {
        let gain = if from == to { i64::from(to) } else { ramp(from, to, n) };
        let scaled = (i64::from(*sum) * gain) >> 15;
        *sample = scaled.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16;
    }
}

fn ramp(from: u32, to: u32, n: usize) -> i64 {
    let (from, to) = (i64::from(from), i64::from(to));
    from + (to - from) * n as i64 / FRAME as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(period: usize, amplitude: i16) -> Frame {
        let mut frame = Frame::SILENCE;
        for (n, sample) in frame.low.iter_mut().enumerate() {
            let phase = std::f64::consts::TAU * (n % period) as f64 / period as f64;
            *sample = (f64::from(amplitude) * phase.sin()) as i16;
        }
        frame
    }

    fn hear(sum: &Sum, own: Option<&Frame>) -> Frame {
        let mut heard = Frame::SILENCE;
        sum.without(own, &mut Limiter::default(), &mut heard);
        heard
    }

    #[test]
    fn everybody_hears_the_others_and_not_himself() {
        let (a, b, c) = (tone(8, 5_000), tone(10, 6_000), tone(16, 7_000));
        let mut sum = Sum::default();
        [&a, &b, &c].into_iter().for_each(|frame| sum.add(frame));
        let two = |x: &Frame, y: &Frame| {
            let mut both = Frame::SILENCE;
            both.low.iter_mut().zip(x.low.iter().zip(y.low)).for_each(|(sum, (x, y))| *sum = x + y);
            both
        };
        assert_eq!(hear(&sum, Some(&a)), two(&b, &c));
        assert_eq!(hear(&sum, Some(&c)), two(&a, &b));
        sum.clear();
        sum.add(&a);
        assert_eq!(hear(&sum, Some(&a)), Frame::SILENCE);
        assert_eq!(hear(&sum, None), a);
    }

    #[test]
    fn many_loud_voices_are_turned_down_and_never_wrap() {
        let loud = tone(16, 30_000);
        let mut sum = Sum::default();
        (0..32).for_each(|_| sum.add(&loud));
        let (mut limiter, mut heard) = (Limiter::default(), Frame::SILENCE);
        for frame in 0..3 {
            sum.without(None, &mut limiter, &mut heard);
            for (said, heard) in loud.low.iter().zip(heard.low) {
                assert!(i32::from(*said) * i32::from(heard) >= 0, "{said} was heard as {heard} in {frame}");
            }
        }
        let peak = heard.low.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((32_000..=32_767).contains(&peak), "{peak}");
        // The form of the wave is kept: a third of the peak is a third.
        let third = loud.low[1];
        let expected = i32::from(third) * i32::from(peak) / 30_000;
        assert!((i32::from(heard.low[1]) - expected).abs() < 300, "{} {expected}", heard.low[1]);
    }

    #[test]
    fn after_a_shout_the_level_comes_back_within_half_a_second() {
        let (mut limiter, mut heard) = (Limiter::default(), Frame::SILENCE);
        let mut sum = Sum::default();
        (0..4).for_each(|_| sum.add(&tone(16, 30_000)));
        sum.without(None, &mut limiter, &mut heard);
        sum.clear();
        let voice = tone(16, 4_000);
        sum.add(&voice);
        let peaks: Vec<_> = (0..100)
            .map(|_| {
                sum.without(None, &mut limiter, &mut heard);
                heard.low.iter().map(|sample| sample.unsigned_abs()).max().unwrap()
            })
            .collect();
        assert!(peaks.is_sorted(), "{peaks:?}");
        assert!(peaks[0] < 2_500 && peaks[25] > 3_700, "{peaks:?}");
        assert_eq!(heard.low, voice.low, "and then nothing is changed any more");
    }

    #[test]
    fn the_ends_of_words_pass_and_idle_noise_does_not() {
        let (mut gate, noise) = (Gate::default(), tone(8, 16));
        assert!(!gate.admits(&noise));
        assert!(gate.admits(&tone(8, 400)));
        let passed = (0..50).filter(|_| gate.admits(&noise)).count();
        assert_eq!(passed, HANGOVER as usize - 1);
    }

    #[test]
    fn higher_bands_are_mixed_among_those_who_have_them() {
        let mut wide = tone(8, 3_000);
        (wide.high, wide.wide) = (tone(5, 1_000).low, true);
        let mut sum = Sum::default();
        sum.add(&wide);
        sum.add(&tone(10, 3_000));
        assert_eq!(hear(&sum, None).high, wide.high);
        assert_eq!(hear(&sum, Some(&wide)).high, [0; FRAME]);
    }
}
