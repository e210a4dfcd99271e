//! Tones that the switch makes itself, as G.711 A-law at 8000 samples a second.

use std::f64::consts::TAU;

use super::codec::g711::encode_alaw;

/// Samples in a second.
const RATE: u32 = 8_000;
/// Frequency of European tones (ITU-T E.180), hertz.
const HERTZ: f64 = 425.0;
/// Peak of a sine at -13 dBm0, whose full scale is +3.14 dBm0 (ITU-T G.711 §3): heard well, hurts nobody.
const PEAK: f64 = 32_767.0 * 0.155;

/// Ringing as the caller hears it (ITU-T E.180 supplement 2): one second on, four off.
pub fn ringing() -> Vec<u8> {
    pattern(&[(true, 1_000), (false, 4_000)])
}

/// What a held end hears: two short beeps each five seconds, so that it knows that the call stands.
pub fn hold() -> Vec<u8> {
    pattern(&[(true, 150), (false, 150), (true, 150), (false, 4_550)])
}

/// A room wants its PIN: two rising tones, each five seconds.
pub fn ask_pin() -> Vec<u8> {
    melody(&[(620.0, 150), (0.0, 60), (880.0, 150), (0.0, 4_640)])
}

/// The PIN was wrong: a low one, then as before.
pub fn wrong_pin() -> Vec<u8> {
    [melody(&[(300.0, 600), (0.0, 400)]), ask_pin()].concat()
}

/// Somebody has come into the conference: upwards.
pub fn joined() -> Vec<u8> {
    melody(&[(620.0, 120), (880.0, 180)])
}

/// Somebody has gone: downwards.
pub fn gone() -> Vec<u8> {
    melody(&[(880.0, 120), (620.0, 180)])
}

/// Something was done: three short beeps, then silence (ITU-T E.182, positive indication).
pub fn confirmation() -> Vec<u8> {
    pattern(&[(true, 120), (false, 120), (true, 120), (false, 120), (true, 120), (false, 9_400)])
}

/// Pieces of tone and silence, in milliseconds.
fn pattern(pieces: &[(bool, u32)]) -> Vec<u8> {
    let pieces: Vec<_> = pieces.iter().map(|(on, millis)| (if *on { HERTZ } else { 0.0 }, *millis)).collect();
    melody(&pieces)
}

/// Pieces of tones, in hertz and milliseconds; no hertz are silence.
fn melody(pieces: &[(f64, u32)]) -> Vec<u8> {
    let samples = |millis: u32| millis * RATE / 1_000;
    let piece = |&(hertz, millis): &(f64, u32)| {
        let length = samples(millis);
        (0..length).map(move |at| {
            // Begins and ends softly, over 5 ms: no clicks.
            let edge = at.min(length - 1 - at).min(samples(5)) as f64 / samples(5) as f64;
            encode_alaw((PEAK * edge * (TAU * hertz * at as f64 / RATE as f64).sin()) as i16)
        })
    };
    pieces.iter().flat_map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::super::codec::g711::decode_alaw;
    use super::*;

    #[test]
    fn a_pattern_is_as_long_as_its_pieces_and_loud_where_it_should_be() {
        let (hold, ringing) = (hold(), ringing());
        assert_eq!((hold.len(), ringing.len()), (40_000, 40_000));
        let loudest =
            |part: &[u8]| part.iter().map(|octet| decode_alaw(*octet).unsigned_abs()).max().unwrap();
        assert!(loudest(&hold[200..1_000]) > 4_000 && loudest(&hold[..40_000]) < 6_000);
        assert!(loudest(&hold[4_000..]) < 20 && loudest(&ringing[8_000..]) < 20);
        // Whole periods of 425 Hz cross zero upwards 425 times in the second that sounds.
        let samples: Vec<_> = ringing[..8_000].iter().map(|octet| decode_alaw(*octet)).collect();
        let rising = samples.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
        assert!((420..=430).contains(&rising), "{rising}");
    }
}
