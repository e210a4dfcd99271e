//! G.722 at 64 kbit/s (ITU-T G.722), band by band: an octet is one sample of the lower band, 0 to 4 kHz,
//! and one of the higher, 4 to 8 kHz, each taken 8000 times a second.
//!
//! The filters that split 16 kHz speech in two and put it together again (clause 3.1, 4.4) are not here:
//! whoever mixes adds lower bands to lower bands and to telephone speech, which is one as it is, and higher
//! bands to higher ones. So nothing is resampled, wide speech stays wide among those who have it, and the
//! others hear its lower band. The blocks keep the names of the standard.
//!
//! Out of scope: modes 2 and 3 (56 and 48 kbit/s), which RTP does not use (RFC 3551 §4.5.2).

/// One sample of each band, in 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bands {
    /// 0 to 4 kHz.
    pub low: i16,
    /// 4 to 8 kHz.
    pub high: i16,
}

/// Coder of one stream.
#[derive(Debug, Clone)]
pub struct Encoder {
    low: Band,
    high: Band,
}

/// Decoder of one stream.
#[derive(Debug, Clone)]
pub struct Decoder {
    low: Band,
    high: Band,
}

/// What both ends know of a band: predictor and step (clauses 3.4 to 3.6).
#[derive(Debug, Clone)]
struct Band {
    /// Predicted sample, and the zeroes' part of it.
    s: i32,
    sz: i32,
    /// Reconstructed and partially reconstructed samples, newest first.
    r: [i32; 3],
    p: [i32; 3],
    /// Poles, at 1 and 2, and zeroes, at 1 to 6.
    a: [i32; 3],
    b: [i32; 7],
    /// Quantised differences, newest first.
    d: [i32; 7],
    /// Logarithm of the step, and the step.
    nb: i32,
    det: i32,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { low: Band::with_step(32), high: Band::with_step(8) }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self { low: Band::with_step(32), high: Band::with_step(8) }
    }
}

impl Encoder {
    /// The octet of two samples.
    pub fn encode(&mut self, Bands { low, high }: Bands) -> u8 {
        // The algorithm takes 15 bits: what the filters make of 16 (clause 3.1).
        let low = self.low.quantise_low(i32::from(low) >> 1);
        let high = self.high.quantise_high(i32::from(high) >> 1);
        high << 6 | low
    }
}

impl Decoder {
    /// The samples of an octet.
    pub fn decode(&mut self, octet: u8) -> Bands {
        let (low, high) = ((octet & 0x3F) as usize, (octet >> 6) as usize);
        // Blocks 5L, 6L: all six bits are heard; blocks 2L to 4L: four of them steer.
        let heard = limit(self.low.s + ((self.low.det * QM6[low]) >> 15));
        self.low.take_low(low >> 2);
        // Blocks 2H, 5H.
        let also = limit(self.high.s + ((self.high.det * QM2[high]) >> 15));
        self.high.take_high(high);
        Bands { low: (heard << 1) as i16, high: (also << 1) as i16 }
    }
}

impl Band {
    fn with_step(det: i32) -> Self {
        Self { s: 0, sz: 0, r: [0; 3], p: [0; 3], a: [0; 3], b: [0; 7], d: [0; 7], nb: 0, det }
    }

    /// Blocks 1L to 4L.
    fn quantise_low(&mut self, sample: i32) -> u8 {
        let difference = saturate(sample - self.s);
        let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
        let above = |level: &&i32| magnitude >= (**level * self.det) >> 12;
        let rank = 1 + Q6[1..30].iter().take_while(above).count();
        let code = if difference < 0 { ILN[rank] } else { ILP[rank] };
        self.take_low((code >> 2) as usize);
        code
    }

    /// Blocks 1H to 4H.
    fn quantise_high(&mut self, sample: i32) -> u8 {
        let difference = saturate(sample - self.s);
        let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
        let far = magnitude >= (564 * self.det) >> 12;
        let code = match (difference < 0, far) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.take_high(code as usize);
        code
    }

    /// INVQAL, LOGSCL, SCALEL, then block 4L.
    fn take_low(&mut self, code: usize) {
        let difference = (self.det * QM4[code]) >> 15;
        self.nb = (((self.nb * 127) >> 7) + WL[RL42[code]]).clamp(0, 18_432);
        self.det = step(self.nb, 8);
        self.adapt(difference);
    }

    /// INVQAH, LOGSCH, SCALEH, then block 4H.
    fn take_high(&mut self, code: usize) {
        let difference = (self.det * QM2[code]) >> 15;
        self.nb = (((self.nb * 127) >> 7) + WH[RH2[code]]).clamp(0, 22_528);
        self.det = step(self.nb, 10);
        self.adapt(difference);
    }

    /// Block 4: the predictor follows, and predicts the next sample.
    fn adapt(&mut self, d: i32) {
        // RECONS, PARREC.
        self.d[0] = d;
        self.r[0] = saturate(self.s + d);
        self.p[0] = saturate(self.sz + d);
        self.a = self.poles();
        self.b = self.zeroes();
        // DELAYA.
        self.d.copy_within(0..6, 1);
        self.r.copy_within(0..2, 1);
        self.p.copy_within(0..2, 1);
        // FILTEP, FILTEZ, PREDIC.
        let product = |coefficient: i32, value: i32| (coefficient * saturate(value + value)) >> 15;
        let sp = saturate(product(self.a[1], self.r[1]) + product(self.a[2], self.r[2]));
        self.sz = (1..7).rev().fold(0, |sum, n| saturate(sum + product(self.b[n], self.d[n])));
        self.s = saturate(sp + self.sz);
    }

    /// UPPOL2, UPPOL1.
    fn poles(&self) -> [i32; 3] {
        let sign = self.p.map(|p| p >> 15);
        let first = saturate(self.a[1] << 2);
        let push = (if sign[0] == sign[1] { -first } else { first }).min(32_767);
        let push = (push >> 7) + if sign[0] == sign[2] { 128 } else { -128 };
        let second = (push + ((self.a[2] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let push = if sign[0] == sign[1] { 192 } else { -192 };
        let bound = saturate(15_360 - second);
        [0, saturate(push + ((self.a[1] * 32_640) >> 15)).clamp(-bound, bound), second]
    }

    /// UPZERO.
    fn zeroes(&self) -> [i32; 7] {
        let push = if self.d[0] == 0 { 0 } else { 128 };
        let mut b = self.b;
        for (b, d) in b[1..].iter_mut().zip(&self.d[1..]) {
            let same = d >> 15 == self.d[0] >> 15;
            *b = saturate((if same { push } else { -push }) + ((*b * 32_640) >> 15));
        }
        b
    }
}

/// SCALEL, SCALEH.
fn step(logarithm: i32, shift: i32) -> i32 {
    let (mantissa, exponent) = (ILB[(logarithm >> 6 & 31) as usize], shift - (logarithm >> 11));
    (if exponent < 0 { mantissa << -exponent } else { mantissa >> exponent }) << 2
}

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// LIMIT.
fn limit(value: i32) -> i32 {
    value.clamp(-16_384, 16_383)
}

const WL: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1_198, 3_042];
const RL42: [usize; 16] = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];
const WH: [i32; 3] = [0, -214, 798];
const RH2: [usize; 4] = [2, 1, 2, 1];
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];
const QM4: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
    -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
    -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856,
    7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136,
    -432, -136,
];
const Q6: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121,
    1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
const ILN: [u8; 31] = [
    0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8,
    7, 6, 5, 4,
];
const ILP: [u8; 31] = [
    0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37,
    36, 35, 34, 33, 32,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f64, amplitude: f64) -> impl Iterator<Item = i16> {
        (0..4_000).map(move |n| {
            (amplitude * (std::f64::consts::TAU * frequency * f64::from(n) / 8_000.0).sin()) as i16
        })
    }

    /// Energy of what was said against that of the error, in decibels, once the step has found its size.
    fn quality(said: &[Bands], of: fn(&Bands) -> i16) -> f64 {
        let (mut there, mut back) = (Encoder::default(), Decoder::default());
        let heard: Vec<_> = said.iter().map(|bands| back.decode(there.encode(*bands))).collect();
        let (mut signal, mut noise) = (0.0, 0.0);
        for (said, heard) in said.iter().zip(&heard).skip(400) {
            let (said, heard) = (f64::from(of(said)), f64::from(of(heard)));
            (signal, noise) = (signal + said * said, noise + (said - heard) * (said - heard));
        }
        10.0 * (signal / noise).log10()
    }

    #[test]
    fn a_tone_in_either_band_comes_back() {
        let low: Vec<_> = tone(1_004.0, 8_000.0).map(|low| Bands { low, high: 0 }).collect();
        assert!(quality(&low, |b| b.low) > 35.0, "{}", quality(&low, |b| b.low));
        let both: Vec<_> =
            tone(700.0, 6_000.0).zip(tone(1_500.0, 2_000.0)).map(|(low, high)| Bands { low, high }).collect();
        assert!(quality(&both, |b| b.low) > 35.0, "{}", quality(&both, |b| b.low));
        assert!(quality(&both, |b| b.high) > 12.0, "{}", quality(&both, |b| b.high));
    }

    #[test]
    fn silence_stays_silent_and_full_scale_does_not_wrap() {
        let (mut there, mut back) = (Encoder::default(), Decoder::default());
        let loudest = (0..800).map(|_| back.decode(there.encode(Bands::default())));
        assert!(loudest.map(|b| b.low.unsigned_abs().max(b.high.unsigned_abs())).max().unwrap() < 64);
        let square = |n: usize| if (n / 20).is_multiple_of(2) { i16::MAX } else { i16::MIN };
        for n in 0..4_000 {
            let heard = back.decode(there.encode(Bands { low: square(n), high: 0 }));
            // In the middle of each half the sign is the one that was said.
            assert!(n < 100 || n % 20 != 10 || (heard.low > 0) == (square(n) > 0), "{n}: {heard:?}");
        }
    }

    #[test]
    fn any_octets_are_decoded() {
        let mut decoder = Decoder::default();
        let mut word = 1u32;
        for _ in 0..100_000 {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            decoder.decode((word >> 24) as u8);
        }
    }
}
