//! G.726 at 32 kbit/s (ITU-T Recommendation G.726), from and to 16-bit samples.
//!
//! Written from the recommendation's block descriptions; the words in capitals are its blocks. Packing into
//! RTP follows RFC 3551 §4.5.4: the first code word in the lower half of each octet.

/// Decision levels of the quantiser (table 7), in units of log2 times 128.
const DECISION: [i32; 7] = [-124, 80, 178, 246, 300, 349, 400];
/// Quantised levels (table 8, DQLN); the upper half mirrors.
const LEVEL: [i32; 8] = [-2048, 4, 135, 213, 273, 323, 373, 425];
/// Scale factor multipliers (table 9, W), times 32 when used.
const WEIGHT: [i32; 8] = [-12, 18, 41, 64, 112, 198, 355, 1122];
/// Speed of change (table 10, F), times 512 when used.
const SPEED: [i32; 8] = [0, 0, 0, 1, 1, 1, 3, 7];

/// A value of the delay line in the recommendation's floating form.
#[derive(Debug, Clone, Copy)]
struct Float {
    negative: bool,
    exponent: i32,
    mantissa: i32,
}

impl Float {
    const ZERO: Self = Self { negative: false, exponent: 0, mantissa: 32 };

    /// FLOATA, FLOATB.
    fn of(value: i32) -> Self {
        let magnitude = value.abs() & 0x7FFF;
        let exponent = 32 - (magnitude as u32).leading_zeros() as i32;
        let mantissa = if magnitude == 0 { 32 } else { (magnitude << 6) >> exponent };
        Self { negative: value < 0, exponent, mantissa }
    }

    /// FMULT: a coefficient times this.
    fn times(self, coefficient: i32) -> i32 {
        let scaled = coefficient >> 2;
        let magnitude = scaled.abs() & 0x1FFF;
        let exponent = 32 - (magnitude as u32).leading_zeros() as i32;
        let mantissa = if magnitude == 0 { 32 } else { (magnitude << 6) >> exponent };
        let (exponent, mantissa) = (exponent + self.exponent, (mantissa * self.mantissa + 48) >> 4);
        let product = if exponent <= 26 {
            (mantissa << 7) >> (26 - exponent)
        } else {
            ((mantissa << 7) << (exponent - 26)) & 0x7FFF
        };
        if (scaled < 0) == self.negative { product } else { -product }
    }
}

/// The state of one direction.
#[derive(Debug, Clone)]
pub struct G726 {
    slow: i32,
    fast: i32,
    short_term: i32,
    long_term: i32,
    speed: i32,
    poles: [i32; 2],
    zeros: [i32; 6],
    signs: [i32; 2],
    differences: [Float; 6],
    signals: [Float; 2],
    tone: bool,
}

impl Default for G726 {
    fn default() -> Self {
        Self {
            slow: 34_816,
            fast: 544,
            short_term: 0,
            long_term: 0,
            speed: 0,
            poles: [0; 2],
            zeros: [0; 6],
            signs: [1; 2],
            differences: [Float::ZERO; 6],
            signals: [Float::ZERO; 2],
            tone: false,
        }
    }
}

/// What the predictor and the scale factor say before a code word is known.
struct Estimate {
    signal: i32,
    zeros: i32,
    step: i32,
}

impl G726 {
    /// One sample as a code word.
    pub fn encode(&mut self, sample: i16) -> u8 {
        let estimate = self.estimate();
        let difference = i32::from(sample >> 2) - estimate.signal;
        let code = quantise(difference, estimate.step);
        self.update(code, &estimate);
        code
    }

    /// One code word as a sample.
    pub fn decode(&mut self, code: u8) -> i16 {
        let estimate = self.estimate();
        let signal = self.update(code & 0x0F, &estimate);
        (signal << 2).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }

    /// Samples as RTP payload, two code words an octet.
    pub fn pack(&mut self, samples: &[i16]) -> Vec<u8> {
        let pairs = samples.chunks_exact(2);
        pairs.map(|pair| self.encode(pair[0]) | self.encode(pair[1]) << 4).collect()
    }

    /// RTP payload as samples.
    pub fn unpack(&mut self, payload: &[u8]) -> Vec<i16> {
        payload.iter().flat_map(|octet| [self.decode(octet & 0x0F), self.decode(octet >> 4)]).collect()
    }

    /// ACCUM, LIMA, MIX.
    fn estimate(&self) -> Estimate {
        let by_zeros = self.zeros.iter().zip(self.differences);
        let zeros = wrap(by_zeros.map(|(b, dq)| dq.times(*b)).sum());
        let by_poles = self.poles.iter().zip(self.signals);
        let all = wrap(zeros + by_poles.map(|(a, sr)| sr.times(*a)).sum::<i32>());
        let step = if self.speed >= 256 {
            self.fast
        } else {
            let (slow, share) = (self.slow >> 6, self.speed >> 2);
            let product = (self.fast - slow) * share;
            slow + ((product + if product < 0 { 0x3F } else { 0 }) >> 6)
        };
        Estimate { signal: all >> 1, zeros: zeros >> 1, step }
    }

    /// Everything that follows from a code word. Returns the reconstructed signal.
    fn update(&mut self, code: u8, estimate: &Estimate) -> i32 {
        let index = usize::from(if code & 8 == 0 { code } else { 15 - code });
        let magnitude = antilog(LEVEL[index] + (estimate.step >> 2));
        let difference = if code & 8 == 0 { magnitude } else { -magnitude };
        let signal = wrap(estimate.signal + difference);
        let pole_sign = wrap(difference + estimate.zeros).signum();

        let transition = self.is_transition(magnitude);
        self.adapt_scale(index, estimate.step);
        self.adapt_predictor(difference, pole_sign, transition);
        self.differences.rotate_right(1);
        self.differences[0] = Float { negative: code & 8 != 0, ..Float::of(difference) };
        self.signals = [Float::of(signal), self.signals[0]];
        self.signs = [if pole_sign < 0 { -1 } else { 1 }, self.signs[0]];

        // TONE, TRIGB, LIMC: partial band signals, such as modems', are followed fast.
        self.tone = !transition && self.poles[1] < -11_776;
        self.adapt_speed(index, estimate.step, transition);
        signal
    }

    /// TRANS: a sudden large difference while a tone was heard.
    fn is_transition(&self, magnitude: i32) -> bool {
        let (whole, fraction) = (self.slow >> 15, (self.slow >> 10) & 0x1F);
        let threshold = if whole > 9 { 31 << 10 } else { (32 + fraction) << whole };
        self.tone && magnitude > (threshold + (threshold >> 1)) >> 1
    }

    /// FUNCTW, FILTD, LIMB, FILTE.
    fn adapt_scale(&mut self, index: usize, step: i32) {
        self.fast = (step + (((WEIGHT[index] << 5) - step) >> 5)).clamp(544, 5_120);
        self.slow += self.fast + ((-self.slow) >> 6);
    }

    /// UPA1, UPA2, LIMC, LIMD, UPB, XOR, TRIGB.
    fn adapt_predictor(&mut self, difference: i32, sign: i32, transition: bool) {
        if transition {
            (self.poles, self.zeros) = ([0; 2], [0; 6]);
            return;
        }
        // With a zero difference the sign's influence is nought; it still counts as positive later.
        let [before, earlier] = self.signs;
        let (first, second) = (self.poles[0], self.poles[1]);
        let limited = first.clamp(-8_191, 8_191) << 2;
        let pull = (-sign * before * limited) >> 7;
        self.poles[1] = (second + sign * earlier * 128 + pull - (second >> 7)).clamp(-12_288, 12_288);
        let limit = 15_360 - self.poles[1];
        self.poles[0] = (first + sign * before * 192 - (first >> 8)).clamp(-limit, limit);
        for (zero, before) in self.zeros.iter_mut().zip(self.differences) {
            let toward = if difference == 0 {
                0
            } else if (difference < 0) == before.negative {
                128
            } else {
                -128
            };
            *zero = wrap(*zero + toward - (*zero >> 8));
        }
    }

    /// FUNCTF, FILTA, FILTB, SUBTC, FILTC, LIMA, TRIGA.
    fn adapt_speed(&mut self, index: usize, step: i32, transition: bool) {
        let speed = SPEED[index] << 9;
        self.short_term += (speed - self.short_term) >> 5;
        self.long_term += ((speed << 2) - self.long_term) >> 7;
        if transition {
            self.speed = 256;
            return;
        }
        let differs = ((self.short_term << 2) - self.long_term).abs() >= self.long_term >> 3;
        let goal = if step < 1_536 || self.tone || differs { 0x200 } else { 0 };
        self.speed += (goal - self.speed) >> 4;
    }
}

/// LOG, SUBTB, QUAN.
fn quantise(difference: i32, step: i32) -> u8 {
    let magnitude = difference.abs() & 0x7FFF;
    let exponent = if magnitude == 0 { 0 } else { 31 - (magnitude as u32).leading_zeros() as i32 };
    let mantissa = ((magnitude << 7) >> exponent) & 0x7F;
    let log = (exponent << 7) + mantissa - (step >> 2);
    let index = DECISION.iter().filter(|level| log >= **level).count() as u8;
    match index {
        0 => 15,
        index if difference < 0 => 15 - index,
        index => index,
    }
}

/// ADDA, ANTILOG.
fn antilog(log: i32) -> i32 {
    if log < 0 {
        return 0;
    }
    let mantissa = (log & 0x7F) + 128;
    (mantissa << 7) >> (14 - ((log >> 7) & 0x0F)).clamp(0, 31)
}

/// Sixteen bits, as the recommendation's adders have.
const fn wrap(value: i32) -> i32 {
    value as i16 as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::hex;
    use crate::media::Codec;

    /// 1 kHz of amplitude 8000: samples, payload by RFC 3551 and what comes out
    /// (data/dect_vectors.json, `g726_32`, verified against the ITU's reference).
    const PAYLOAD: &str = "7f778f887f47aeba4145aeca4136beca5135beca5135aeca4135aeca4135aeca4135bdca5125beca";
    const DECODED: [i16; 80] = [
        0, 88, 120, 172, 8, -148, -332, -692, -60, 876, 3136, 5664, -556, -6084, -7380, -6424, 552, 5192,
        7192, 6052, -332, -6376, -7936, -5320, 420, 5188, 8764, 5980, -232, -5468, -8016, -5728, 152, 6220,
        8280, 5908, -104, -5452, -7632, -5552, -56, 5744, 7752, 5696, 40, -6028, -8188, -5952, -120, 5472,
        7844, 5788, 268, -5776, -8068, -5932, -200, 5380, 7856, 5736, 292, -5716, -8168, -5924, -160, 5456,
        8004, 5868, -296, -5404, -7700, -5620, -28, 5860, 8276, 5508, -148, -5468, -7856, -5608,
    ];

    #[test]
    fn a_kilohertz_gives_the_vector_both_ways() {
        let sample = |n: usize| [0, 5657, 8000, 5657, 0, -5657, -8000, -5657][n % 8];
        let samples: Vec<i16> = (0..80).map(sample).collect();
        assert_eq!(G726::default().pack(&samples), hex(PAYLOAD));
        assert_eq!(G726::default().unpack(&hex(PAYLOAD)), DECODED);
    }

    /// The ITU's files when somebody names their folder: `LAB_ITU_G726=…/g726 cargo test itu`. Their
    /// licence keeps them out of the repository.
    #[test]
    fn the_itus_code_words_are_decoded_to_its_linear_signal() {
        let Ok(folder) = std::env::var("LAB_ITU_G726") else { return };
        let words = |name: &str| -> Vec<i16> {
            let octets = std::fs::read(std::path::Path::new(&folder).join(name)).unwrap();
            octets.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
        };
        for (codes, sound) in [("rn32fa.i", "rn32fa.o"), ("rv32fa.i", "rv32fa.o"), ("i32", "ri32fa.o")] {
            let mut decoder = G726::default();
            let decoded: Vec<i16> = words(codes).iter().map(|code| decoder.decode(*code as u8)).collect();
            // The files hold A-law after SYNC, which moves a value by one step at most.
            let step = |sample: i16| 1 + (i32::from(sample).abs() / 16).max(16);
            let near = |(ours, theirs): (&i16, &i16)| {
                let theirs = Codec::Pcma.decode(*theirs as u8);
                (i32::from(*ours) - i32::from(theirs)).abs() <= 2 * step(theirs)
            };
            let wrong = decoded.iter().zip(&words(sound)).filter(|pair| !near(*pair)).count();
            assert_eq!(wrong, 0, "{codes} of {} words", decoded.len());
        }
    }
}
