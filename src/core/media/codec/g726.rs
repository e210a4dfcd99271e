//! ITU-T G.726 (12/90) at 32 kbit/s: the codec of the DECT air, one 4-bit codeword for a sample.
//!
//! Encoder and decoder share [`Adaptation`]: the predictor and the quantiser's step follow the decoded
//! signal alone, so both ends come to the same state from the same codewords. Names in small capitals in
//! the comments are the blocks of the Recommendation's clause 2 to 4 (`FMULT`, `MIX`, `UPA1`, …).
//!
//! Arithmetic is the Recommendation's: 16-bit two's complement that wraps where its registers do, which
//! the Appendix II sequences tell from arithmetic that saturates.

use super::g711;

/// Decision levels of the quantiser (table 7/G.726), and one guard.
const LEVELS: [i32; 7] = [-124, 80, 178, 246, 300, 349, 400];
/// Normalised quantiser output by magnitude (table 11/G.726).
const OUTPUT: [i32; 8] = [-2048, 4, 135, 213, 273, 323, 373, 425];
/// W(I), the step's multiplier, times 16 (table 14/G.726, block `FUNCTW`).
const STEP: [i32; 8] = [-12, 18, 41, 64, 112, 198, 355, 1122];
/// F(I), the speed's measure (table 16/G.726, block `FUNCTF`).
const SPEED: [i32; 8] = [0, 0, 0, 1, 1, 1, 3, 7];

/// Codewords of linear samples.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encoder(Adaptation);

impl Encoder {
    /// The codeword, 0 to 15, of a left-justified 16-bit sample; its two lowest bits do not count.
    pub fn encode(&mut self, sample: i16) -> u8 {
        let estimate = self.0.estimate();
        // SUBTA: "d(k) = sl(k) - se(k)", 14-bit input.
        let difference = i32::from(sample >> 2) - estimate.signal;
        let code = quantise(difference, estimate.step);
        self.0.adapt(code, &estimate);
        code
    }
}

/// Samples of codewords.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoder(Adaptation);

impl Decoder {
    /// The left-justified 16-bit sample of a codeword; bits above the lowest four do not count.
    pub fn decode(&mut self, code: u8) -> i16 {
        let estimate = self.0.estimate();
        let signal = self.0.adapt(code & 0xF, &estimate);
        signal.clamp(-0x2000, 0x1FFF) as i16 * 4
    }

    /// The A-law octet of a codeword, with the synchronous coding adjustment (block `SYNC`): coded again,
    /// it gives the same codeword, so that tandems do not add up distortion.
    pub fn decode_alaw(&mut self, code: u8) -> u8 {
        let estimate = self.0.estimate();
        let signal = self.0.adapt(code & 0xF, &estimate);
        let octet = g711::encode_alaw(compressible(signal));
        synchronise(code & 0xF, &estimate, octet, g711::decode_alaw, lower_alaw, higher_alaw)
    }

    /// As [`decode_alaw`](Self::decode_alaw), µ-law.
    pub fn decode_ulaw(&mut self, code: u8) -> u8 {
        let estimate = self.0.estimate();
        let signal = self.0.adapt(code & 0xF, &estimate);
        // COMPRESS takes a negative signal by its magnitude for µ-law, by ones' complement for A-law.
        let sample = compressible(signal.abs());
        let octet = g711::encode_ulaw(if signal < 0 { !sample } else { sample });
        synchronise(code & 0xF, &estimate, octet, g711::decode_ulaw, lower_ulaw, higher_ulaw)
    }
}

/// The two codewords of an octet in the order they are spoken. RFC 3551 §4.5.4: "the first codeword is
/// placed into the four least significant bits of the first octet".
pub const fn unpack(octet: u8) -> [u8; 2] {
    [octet & 0xF, octet >> 4]
}

/// The octet of two codewords in the order they are spoken, as [`unpack`] takes it.
pub const fn pack([first, second]: [u8; 2]) -> u8 {
    first & 0xF | second << 4
}

/// What the predictor expects, and how wide a step is.
struct Estimate {
    /// se: the expected sample, 14 bits.
    signal: i32,
    /// sez: the share of the zeroes in it.
    zeroes: i32,
    /// y: the quantiser's scale factor, logarithmic.
    step: i32,
}

/// The state that both ends keep (clause 2.11 of the Recommendation gives its initial values).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Adaptation {
    /// yl: slow scale factor, 19 bits.
    slow: i32,
    /// yu: fast scale factor, 13 bits.
    fast: i32,
    /// dms, dml: short and long averages of F(I).
    averages: (i32, i32),
    /// ap: unlimited speed control.
    speed: i32,
    /// a1, a2: coefficients of the poles.
    poles: [i16; 2],
    /// b1 to b6: coefficients of the zeroes.
    zeroes: [i16; 6],
    /// pk1, pk2: signs of the last two partial sums.
    signs: [bool; 2],
    /// dq1 to dq6: last differences, as the Recommendation's short floating point.
    differences: [i16; 6],
    /// sr1, sr2: last signals, likewise.
    signals: [i16; 2],
    /// td: a partial band signal (tone) was seen.
    tone: bool,
}

impl Default for Adaptation {
    fn default() -> Self {
        Self {
            slow: 34_816,
            fast: 544,
            averages: (0, 0),
            speed: 0,
            poles: [0; 2],
            zeroes: [0; 6],
            signs: [false; 2],
            differences: [32; 6],
            signals: [32; 2],
            tone: false,
        }
    }
}

impl Adaptation {
    fn estimate(&self) -> Estimate {
        let terms = self.zeroes.iter().zip(&self.differences);
        // ACCUM: the sums are 16-bit words that wrap.
        let zeroes = terms.fold(0, |sum, (b, dq)| sum_16(sum, multiply(b >> 2, *dq)));
        let poles = self.poles.iter().zip(&self.signals);
        let signal = poles.rev().fold(zeroes, |sum, (a, sr)| sum_16(sum, multiply(a >> 2, *sr)));
        Estimate { signal: signal >> 1, zeroes: zeroes >> 1, step: self.step() }
    }

    /// LIMA and MIX: between the fast and the slow scale factor.
    fn step(&self) -> i32 {
        if self.speed >= 256 {
            return self.fast;
        }
        let slow = self.slow >> 6;
        let (apart, weight) = (self.fast - slow, self.speed >> 2);
        let product = apart * weight;
        slow + if apart < 0 { (product + 0x3F) >> 6 } else { product >> 6 }
    }

    /// Takes a codeword in; gives the reconstructed signal sr.
    fn adapt(&mut self, code: u8, estimate: &Estimate) -> i32 {
        let (negative, magnitude) = difference(code, estimate.step);
        let signed = if negative { -magnitude } else { magnitude };
        // ADDB, ADDC.
        let signal = sum_16(estimate.signal, signed);
        let partial = sum_16(signed, estimate.zeroes);
        let transition = self.is_transition(magnitude);
        self.adapt_step(code, estimate.step);
        let steepness = self.adapt_predictor(transition, negative, magnitude, partial);
        self.remember(negative, magnitude, signal, partial < 0);
        // TONE and TRIGB.
        self.tone = !transition && steepness < -11_776;
        self.adapt_speed(code, estimate.step, transition);
        signal
    }

    /// TRANS: a tone was there, and the difference is far beyond what its level explains.
    fn is_transition(&self, magnitude: i32) -> bool {
        let (exponent, mantissa) = (self.slow >> 15, self.slow >> 10 & 0x1F);
        let threshold = if exponent > 9 { 31 << 10 } else { (32 + mantissa) << exponent };
        self.tone && magnitude > (threshold + (threshold >> 1)) >> 1
    }

    /// FUNCTW, FILTD, LIMB, FILTE.
    fn adapt_step(&mut self, code: u8, step: i32) {
        let wanted = STEP[rank(code)] << 5;
        self.fast = (step + ((wanted - step) >> 5)).clamp(544, 5_120);
        self.slow += self.fast + (-self.slow >> 6);
    }

    /// UPA1, UPA2, LIMC, LIMD, UPB and TRIGB; gives a2 as it was adapted.
    fn adapt_predictor(&mut self, transition: bool, negative: bool, magnitude: i32, partial: i32) -> i32 {
        if transition {
            (self.poles, self.zeroes) = ([0; 2], [0; 6]);
            return 0;
        }
        let sign = partial < 0;
        let (changed, changed_twice) = (sign != self.signs[0], sign != self.signs[1]);
        let [a1, a2] = self.poles.map(i32::from);
        let mut second = a2 - (a2 >> 7);
        let mut first = a1 - (a1 >> 8);
        if partial != 0 {
            let slope = if changed { a1 } else { -a1 };
            second += match slope {
                ..-8_191 => -0x100,
                8_192.. => 0xFF,
                _ => slope >> 5,
            };
            second += if changed_twice { -0x80 } else { 0x80 };
            first += if changed { -192 } else { 192 };
        }
        let second = second.clamp(-12_288, 12_288);
        let bound = 15_360 - second;
        self.poles = [first.clamp(-bound, bound) as i16, second as i16];
        for (b, dq) in self.zeroes.iter_mut().zip(self.differences) {
            let same = negative == (dq < 0);
            let push = if magnitude == 0 {
                0
            } else if same {
                128
            } else {
                -128
            };
            *b = b.wrapping_sub(*b >> 8).wrapping_add(push);
        }
        second
    }

    /// FLOATA, FLOATB and the delays.
    fn remember(&mut self, negative: bool, magnitude: i32, signal: i32, sign: bool) {
        self.differences.rotate_right(1);
        self.differences[0] = float(negative, magnitude);
        self.signals = [float(signal < 0, signal.abs() & 0x7FFF), self.signals[0]];
        self.signs = [sign, self.signs[0]];
    }

    /// FUNCTF, FILTA, FILTB, SUBTC, FILTC, TRIGA.
    fn adapt_speed(&mut self, code: u8, step: i32, transition: bool) {
        let measure = SPEED[rank(code)] << 9;
        let (short, long) = &mut self.averages;
        *short += (measure - *short) >> 5;
        *long += ((measure << 2) - *long) >> 7;
        let uneven = ((*short << 2) - *long).abs() >= *long >> 3;
        let fast = step < 1_536 || self.tone || uneven;
        self.speed = match (transition, fast) {
            (true, _) => 256,
            (false, true) => self.speed + ((0x200 - self.speed) >> 4),
            (false, false) => self.speed + (-self.speed >> 4),
        };
    }
}

fn sum_16(a: i32, b: i32) -> i32 {
    i32::from((a + b) as i16)
}

/// The magnitude's place in the tables: codewords 8 to 15 mirror 7 to 0.
const fn rank(code: u8) -> usize {
    (if code & 8 == 0 { code } else { 15 - code }) as usize
}

/// LOG, SUBTB, QUAN.
fn quantise(difference: i32, step: i32) -> u8 {
    let magnitude = difference.abs();
    let exponent = exponent(magnitude >> 1);
    let mantissa = (magnitude << 7 >> exponent) & 0x7F;
    let normalised = (exponent << 7) + mantissa - (step >> 2);
    let rank = LEVELS.iter().filter(|level| normalised >= **level).count() as u8;
    // "0" is no codeword of transmission: the sign of a zero difference is the negative one.
    if difference < 0 || rank == 0 { 15 - rank } else { rank }
}

/// RECONST, ADDA, ANTILOG: sign and magnitude of the quantised difference.
fn difference(code: u8, step: i32) -> (bool, i32) {
    let negative = code & 8 != 0;
    let logarithm = OUTPUT[rank(code)] + (step >> 2);
    if logarithm < 0 {
        return (negative, 0);
    }
    let exponent = logarithm >> 7 & 0xF;
    (negative, ((logarithm & 0x7F) + 0x80) << 7 >> (14 - exponent).max(0))
}

/// Bits needed for a magnitude below 2^15.
fn exponent(magnitude: i32) -> i32 {
    (32 - magnitude.leading_zeros() as i32).min(15)
}

/// FLOATA, FLOATB: 1 sign, 4 exponent and 6 mantissa bits; the sign as an offset of 0x400.
fn float(negative: bool, magnitude: i32) -> i16 {
    let exponent = exponent(magnitude);
    let mantissa = if magnitude == 0 { 0x20 } else { magnitude << 6 >> exponent };
    let word = (exponent << 6) + mantissa;
    (if negative { word - 0x400 } else { word }) as i16
}

/// FMULT: a coefficient times a short floating point number.
fn multiply(coefficient: i16, word: i16) -> i32 {
    let coefficient = i32::from(coefficient);
    let magnitude = if coefficient > 0 { coefficient } else { -coefficient & 0x1FFF };
    let exponent = exponent(magnitude);
    let mantissa = if magnitude == 0 { 0x20 } else { magnitude << 6 >> exponent };
    let word = i32::from(word);
    let shift = exponent + (word >> 6 & 0xF) - 13 - 6;
    let product = (mantissa * (word & 0x3F) + 0x30) >> 4;
    let value = if shift >= 0 { product << shift & 0x7FFF } else { product >> -shift };
    if (coefficient ^ word) < 0 { -value } else { value }
}

/// COMPRESS takes the signal as a 14-bit number, left-justified here.
fn compressible(signal: i32) -> i16 {
    (signal.clamp(-0x2000, 0x1FFF) as i16) << 2
}

/// SYNC: where the octet would be coded to another codeword, the next one towards it.
fn synchronise(
    code: u8,
    estimate: &Estimate,
    octet: u8,
    expand: fn(u8) -> i16,
    lower: fn(u8) -> u8,
    higher: fn(u8) -> u8,
) -> u8 {
    let difference = i32::from(expand(octet) >> 2) - estimate.signal;
    let again = quantise(difference, estimate.step);
    // Codewords in the order of the values they stand for: 8 is the least, 7 the greatest.
    match (again ^ 8).cmp(&(code ^ 8)) {
        std::cmp::Ordering::Equal => octet,
        std::cmp::Ordering::Greater => lower(octet),
        std::cmp::Ordering::Less => higher(octet),
    }
}

/// The next A-law octet below, the least one itself.
fn lower_alaw(octet: u8) -> u8 {
    match octet {
        0xD5 => 0x55,
        0x2A => 0x2A,
        positive @ 0x80.. => ((positive ^ 0x55) - 1) ^ 0x55,
        negative => ((negative ^ 0x55) + 1) ^ 0x55,
    }
}

/// The next A-law octet above, the greatest one itself.
fn higher_alaw(octet: u8) -> u8 {
    match octet {
        0xAA => 0xAA,
        0x55 => 0xD5,
        positive @ 0x80.. => ((positive ^ 0x55) + 1) ^ 0x55,
        negative => ((negative ^ 0x55) - 1) ^ 0x55,
    }
}

/// The next µ-law octet below. The two zeroes, FF and 7F, are one value, so from FF it is 7E.
fn lower_ulaw(octet: u8) -> u8 {
    match octet {
        0xFF => 0x7E,
        0x00 => 0x00,
        positive @ 0x80.. => positive + 1,
        negative => negative - 1,
    }
}

/// The next µ-law octet above.
fn higher_ulaw(octet: u8) -> u8 {
    match octet {
        0x80 => 0x80,
        0x7F => 0xFE,
        positive @ 0x80.. => positive - 1,
        negative => negative + 1,
    }
}

#[cfg(test)]
mod tests;
