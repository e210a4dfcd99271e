//! G.722 at 64 kbit/s, written from the Recommendation for the emulators alone: the decoder computes a value, the
//! encoder looks for the code whose value is nearest.
//!
//! 16 kHz speech is split by a mirror filter of 24 taps in two bands of 8 kHz samples (clause 3.1); the lower gets
//! six bits, the higher two. A band that is known by itself is coded and decoded without the filter.

/// Taps of the mirror filter, the odd ones; the even ones are the same backwards. Their sum is 4096.
const TAPS: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// The last 24 samples that went into a filter.
#[derive(Debug, Clone, Default)]
struct Window([i32; 24]);

impl Window {
    fn push(&mut self, pair: [i32; 2]) {
        self.0.copy_within(2.., 0);
        self.0[22..].copy_from_slice(&pair);
    }

    /// Both halves of the filter.
    fn sums(&self) -> (i32, i32) {
        let odd = (0..12).map(|n| self.0[2 * n] * TAPS[n]).sum();
        let even = (0..12).map(|n| self.0[2 * n + 1] * TAPS[11 - n]).sum();
        (odd, even)
    }
}

/// Splits 16 kHz speech in two bands.
#[derive(Debug, Clone, Default)]
pub struct Split(Window);

impl Split {
    /// The lower and the higher band of two samples.
    pub fn bands(&mut self, pair: [i16; 2]) -> (i16, i16) {
        self.0.push(pair.map(i32::from));
        let (odd, even) = self.0.sums();
        (clip((even + odd) >> 13), clip((even - odd) >> 13))
    }

    /// The lower band of many samples: 8 kHz speech.
    pub fn low(&mut self, wide: &[i16]) -> Vec<i16> {
        wide.chunks_exact(2).map(|pair| self.bands([pair[0], pair[1]]).0).collect()
    }
}

/// Puts two bands together.
#[derive(Debug, Clone, Default)]
pub struct Join(Window);

impl Join {
    /// Two samples of 16 kHz speech.
    pub fn samples(&mut self, low: i16, high: i16) -> [i16; 2] {
        let (low, high) = (i32::from(low) >> 1, i32::from(high) >> 1);
        self.0.push([low + high, low - high]);
        let (odd, even) = self.0.sums();
        [clip(odd >> 11), clip(even >> 11)]
    }
}

fn clip(value: i32) -> i16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// Turns speech into octets.
#[derive(Debug, Clone)]
pub struct Encoder {
    split: Split,
    low: Band,
    high: Band,
}

impl Default for Encoder {
    fn default() -> Self {
        let (low, high) = bands();
        Self { split: Split::default(), low, high }
    }
}

impl Encoder {
    /// Of 16 kHz speech, an octet for two samples.
    pub fn wide(&mut self, samples: &[i16]) -> Vec<u8> {
        let pairs = samples.chunks_exact(2);
        let bands: Vec<_> = pairs.map(|pair| self.split.bands([pair[0], pair[1]])).collect();
        bands.into_iter().map(|(low, high)| self.octet(low, high)).collect()
    }

    /// Of 8 kHz speech, an octet for each sample.
    pub fn narrow(&mut self, samples: &[i16]) -> Vec<u8> {
        samples.iter().map(|sample| self.octet(*sample, 0)).collect()
    }

    fn octet(&mut self, low: i16, high: i16) -> u8 {
        let low = self.low.code(i32::from(low) >> 1, 4..64);
        let high = self.high.code(i32::from(high) >> 1, 0..4);
        (high << 6 | low) as u8
    }
}

/// Turns octets into speech.
#[derive(Debug, Clone)]
pub struct Decoder {
    join: Join,
    low: Band,
    high: Band,
}

impl Default for Decoder {
    fn default() -> Self {
        let (low, high) = bands();
        Self { join: Join::default(), low, high }
    }
}

impl Decoder {
    /// 16 kHz speech, two samples for an octet.
    pub fn wide(&mut self, octets: &[u8]) -> Vec<i16> {
        octets.iter().flat_map(|octet| self.pair(*octet)).collect()
    }

    fn pair(&mut self, octet: u8) -> [i16; 2] {
        let (low, high) = self.bands(octet);
        self.join.samples(low, high)
    }

    /// The lower band alone: 8 kHz speech.
    pub fn narrow(&mut self, octets: &[u8]) -> Vec<i16> {
        octets.iter().map(|octet| self.bands(*octet).0).collect()
    }

    fn bands(&mut self, octet: u8) -> (i16, i16) {
        let value = |band: &mut Band, code| clip(band.take(code).clamp(-16_384, 16_383) * 2);
        (value(&mut self.low, usize::from(octet & 63)), value(&mut self.high, usize::from(octet >> 6)))
    }
}

fn bands() -> (Band, Band) {
    let low = Band::new(&LOW, 32, 18_432, 8);
    let high = Band::new(&HIGH, 8, 22_528, 10);
    (low, high)
}

/// What the codes of a band stand for.
#[derive(Debug)]
struct Law {
    /// Values of the codes, of one step, as they are heard.
    heard: &'static [i32],
    /// Values of the codes without the bits that do not steer.
    steers: &'static [i32],
    /// How many bits do not steer.
    spare: u32,
    /// What a steering code adds to the logarithm of the step.
    growth: &'static [i32],
}

static LOW: Law = Law {
    heard: &[
        -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
        -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400,
        -2032, -1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232,
        9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360,
        1040, 728, 432, 136, -432, -136,
    ],
    steers: &[
        0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
    ],
    spare: 2,
    growth: &[-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60],
};

static HIGH: Law = Law {
    heard: &[-7408, -1616, 7408, 1616],
    steers: &[-7408, -1616, 7408, 1616],
    spare: 0,
    growth: &[798, -214, 798, -214],
};

/// One band: what was heard so far, and what is foreseen from it.
#[derive(Debug, Clone)]
struct Band {
    law: &'static Law,
    most: i32,
    shift: i32,
    /// Logarithm of the step, and the step.
    logarithm: i32,
    step: i32,
    /// Foreseen: all of it, and the part of the zeroes.
    foreseen: i32,
    by_zeroes: i32,
    /// The last differences, reconstructions and partial reconstructions.
    differences: [i32; 6],
    values: [i32; 2],
    partial: [i32; 2],
    zeroes: [i32; 6],
    poles: [i32; 2],
}

impl Band {
    fn new(law: &'static Law, step: i32, most: i32, shift: i32) -> Self {
        Self {
            law,
            most,
            shift,
            logarithm: 0,
            step,
            foreseen: 0,
            by_zeroes: 0,
            differences: [0; 6],
            values: [0; 2],
            partial: [0; 2],
            zeroes: [0; 6],
            poles: [0; 2],
        }
    }

    /// The code of these whose value is nearest.
    fn code(&mut self, sample: i32, codes: std::ops::Range<usize>) -> usize {
        let off = |code: &usize| (sample - self.heard(*code)).abs();
        let code = codes.min_by_key(off).unwrap_or_default();
        self.follow(code);
        code
    }

    /// The value of a code.
    fn take(&mut self, code: usize) -> i32 {
        let heard = self.heard(code);
        self.follow(code);
        heard
    }

    fn heard(&self, code: usize) -> i32 {
        self.foreseen + ((self.step * self.law.heard[code]) >> 15)
    }

    /// Steps and predictor go on from what a code says to both ends.
    fn follow(&mut self, code: usize) {
        let code = code >> self.law.spare;
        let difference = (self.step * self.law.steers[code]) >> 15;
        self.logarithm = (((self.logarithm * 127) >> 7) + self.law.growth[code]).clamp(0, self.most);
        self.step = self.antilogarithm();
        let value = sixteen(self.foreseen + difference);
        let partial = sixteen(self.by_zeroes + difference);
        self.turn_poles(partial);
        self.turn_zeroes(difference);
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        (self.values, self.partial) = ([value, self.values[0]], [partial, self.partial[0]]);
        let part = |weight: i32, of: i32| (weight * sixteen(2 * of)) >> 15;
        let by_poles = sixteen(part(self.poles[0], self.values[0]) + part(self.poles[1], self.values[1]));
        let zeroes = self.zeroes.iter().zip(&self.differences).rev();
        self.by_zeroes = zeroes.fold(0, |sum, (weight, of)| sixteen(sum + part(*weight, *of)));
        self.foreseen = sixteen(by_poles + self.by_zeroes);
    }

    /// The mantissas are 2048 times the 32nd roots of two, to the nearest whole number.
    fn antilogarithm(&self) -> i32 {
        let root = f64::from(self.logarithm >> 6 & 31) / 32.0;
        let mantissa = (2048.0 * root.exp2()).round() as i32;
        let shift = self.shift - (self.logarithm >> 11);
        4 * if shift < 0 { mantissa << -shift } else { mantissa >> shift }
    }

    fn turn_poles(&mut self, partial: i32) {
        let negative = |value: i32| value < 0;
        let (with_last, with_other) =
            (negative(partial) == negative(self.partial[0]), negative(partial) == negative(self.partial[1]));
        let four = sixteen(4 * self.poles[0]);
        let push = (if with_last { -four } else { four }).min(32_767) >> 7;
        let push = push + if with_other { 128 } else { -128 };
        let second = (push + ((self.poles[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let bound = 15_360 - second;
        let first = ((self.poles[0] * 32_640) >> 15) + if with_last { 192 } else { -192 };
        self.poles = [sixteen(first).clamp(-bound, bound), second];
    }

    fn turn_zeroes(&mut self, difference: i32) {
        let push = if difference == 0 { 0 } else { 128 };
        for (weight, of) in self.zeroes.iter_mut().zip(&self.differences) {
            let same = (*of < 0) == (difference < 0);
            *weight = sixteen(((*weight * 32_640) >> 15) + if same { push } else { -push });
        }
    }
}

fn sixteen(value: i32) -> i32 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(frequency: f64, rate: f64, samples: usize) -> Vec<i16> {
        (0..samples).map(|n| (6_000.0 * (TAU * frequency * n as f64 / rate).sin()) as i16).collect()
    }

    /// Mean square of a frequency in it, as of a sine of full strength.
    fn power(samples: &[i16], frequency: f64, rate: f64) -> f64 {
        let sum = |f: fn(f64) -> f64| {
            let turn = |n: usize| TAU * frequency * n as f64 / rate;
            samples.iter().enumerate().map(|(n, s)| f64::from(*s) * f(turn(n))).sum::<f64>()
        };
        (sum(f64::sin).powi(2) + sum(f64::cos).powi(2)) * 2.0 / (samples.len() as f64).powi(2)
    }

    #[test]
    fn tones_of_both_bands_come_back_where_they_were() {
        for frequency in [300.0, 1_000.0, 3_000.0, 5_000.0, 6_000.0, 6_800.0] {
            let said = tone(frequency, 16_000.0, 16_000);
            let octets = Encoder::default().wide(&said);
            assert_eq!(octets.len(), 8_000);
            let heard = Decoder::default().wide(&octets);
            let (of, all) = (power(&heard[1_600..], frequency, 16_000.0), 6_000.0_f64.powi(2) / 2.0);
            assert!((of / all - 1.0).abs() < 0.25, "{frequency} Hz: {:.2}", of / all);
        }
    }

    #[test]
    fn narrow_speech_goes_through_as_the_lower_band() {
        let said = tone(1_000.0, 8_000.0, 8_000);
        let octets = Encoder::default().narrow(&said);
        let heard = Decoder::default().narrow(&octets);
        let off = said.iter().zip(&heard).skip(800).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs());
        assert!(off.max().unwrap() < 600);
        // The same octets, heard by somebody with both bands.
        let wide = Decoder::default().wide(&octets);
        assert!(power(&wide[1_600..], 1_000.0, 16_000.0) > 0.8 * 6_000.0_f64.powi(2) / 2.0);
        assert!(power(&wide[1_600..], 7_000.0, 16_000.0) < 1_000.0);
    }

    #[test]
    fn a_split_that_is_joined_again_is_itself() {
        let said = tone(2_000.0, 16_000.0, 4_000);
        let (mut split, mut join) = (Split::default(), Join::default());
        let heard: Vec<i16> = said
            .chunks_exact(2)
            .flat_map(|pair| {
                let (low, high) = split.bands([pair[0], pair[1]]);
                join.samples(low, high)
            })
            .collect();
        // The two filters delay by 22 samples together.
        let off = said.iter().zip(&heard[22..]).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs());
        assert!(off.skip(50).max().unwrap() < 60);
    }
}
