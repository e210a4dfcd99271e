//! A tone that only wideband speech can carry: said beside a voice, and looked for at the other end.

use super::g722::Join;

/// Where it is, Hz: above the 4 kHz of telephone speech, with whole periods in 10 ms.
pub const SPARKLE: f32 = 6_000.0;
/// Mean square of it that counts, of full scale: −50 dB.
const AUDIBLE: f32 = 1e-5;
/// Its peak.
const LOUD: i16 = 3_000;

/// 16 kHz speech of 8 kHz speech: the same below 4 kHz, and the tone above it where there is no silence. In the
/// higher band, which is upside down, 6 kHz is 2 kHz: four samples a period.
pub fn sparkling(join: &mut Join, samples: &[i16]) -> Vec<i16> {
    let speaks = samples.iter().any(|sample| *sample != 0);
    let tone = if speaks { [0, LOUD, 0, -LOUD] } else { [0; 4] };
    samples.iter().zip(tone.iter().cycle()).flat_map(|(low, high)| join.samples(*low, *high)).collect()
}

/// Whether 16 kHz speech has the tone.
pub fn sparkles(samples: &[i16]) -> bool {
    let sum = |part: fn(f32) -> f32| {
        let turn = |n: usize| std::f32::consts::TAU * SPARKLE * n as f32 / 16_000.0;
        samples.iter().enumerate().map(|(n, s)| f32::from(*s) / 32_768.0 * part(turn(n))).sum::<f32>()
    };
    let mean = (sum(f32::sin).powi(2) + sum(f32::cos).powi(2)) * 2.0 / (samples.len().max(1) as f32).powi(2);
    mean > AUDIBLE
}

#[cfg(test)]
mod tests {
    use super::super::g722::{Decoder, Encoder, Split};
    use super::*;
    use crate::media::{FRAME, Voice, voice::Recogniser};

    #[test]
    fn a_voice_and_the_tone_go_through_g722_and_the_tone_through_nothing_narrow() {
        let (mut join, mut split, mut recogniser) =
            (Join::default(), Split::default(), Recogniser::default());
        let (mut there, mut back) = (Encoder::default(), Decoder::default());
        let (mut seen, mut narrow, mut again) = (0, 0, Join::default());
        for frame in Voice::new(19).hum().chunks_exact(FRAME) {
            let heard = back.wide(&there.wide(&sparkling(&mut join, frame)));
            seen += u32::from(sparkles(&heard));
            let low = split.low(&heard);
            low.iter().for_each(|sample| recogniser.push(*sample));
            // What a telephone hears, made 16 kHz again.
            let again: Vec<i16> = low.iter().flat_map(|sample| again.samples(*sample, 0)).collect();
            narrow += u32::from(sparkles(&again));
        }
        assert!(seen >= 78, "of 80 frames {seen}");
        assert_eq!((narrow, recogniser.voice()), (0, Some(Voice::new(19))));
    }

    #[test]
    fn silence_and_a_voice_alone_do_not_sparkle() {
        let (mut join, mut there, mut back) = (Join::default(), Encoder::default(), Decoder::default());
        assert!(!sparkles(&sparkling(&mut join, &[0; FRAME])));
        for frame in Voice::new(7).hum().chunks_exact(FRAME) {
            assert!(!sparkles(&back.wide(&there.narrow(frame))));
        }
    }
}
