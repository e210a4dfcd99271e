//! The Recommendation held against another implementation and the ITU-T's sequences.

use super::*;

/// 1 kHz, amplitude 8000, ten milliseconds; coded and decoded by another implementation of the
/// Recommendation that is exact on the sequences of its Appendix II.
const PERIOD: [i16; 8] = [0, 5657, 8000, 5657, 0, -5657, -8000, -5657];
const PACKED: &str = "7f778f887f47aeba4145aeca4136beca5135beca5135aeca4135aeca4135aeca4135bdca5125beca";
const DECODED: [i16; 16] =
    [0, 88, 120, 172, 8, -148, -332, -692, -60, 876, 3136, 5664, -556, -6084, -7380, -6424];

fn codewords() -> Vec<u8> {
    let octets = (0..PACKED.len()).step_by(2).map(|at| u8::from_str_radix(&PACKED[at..at + 2], 16));
    octets.flat_map(|octet| unpack(octet.unwrap())).collect()
}

#[test]
fn a_tone_gives_the_codewords_of_another_implementation() {
    let mut encoder = Encoder::default();
    let coded: Vec<u8> = PERIOD.iter().cycle().take(80).map(|sample| encoder.encode(*sample)).collect();
    assert_eq!(coded, codewords());
}

#[test]
fn codewords_give_the_samples_of_another_implementation() {
    let mut decoder = Decoder::default();
    let decoded: Vec<i16> = codewords().iter().take(16).map(|code| decoder.decode(*code)).collect();
    assert_eq!(decoded, DECODED);
}

#[test]
fn g711_of_a_codeword_is_the_octet_of_its_sample_or_the_next_one() {
    let (mut linear, mut alaw, mut ulaw) = (Decoder::default(), Decoder::default(), Decoder::default());
    for code in codewords() {
        let (sample, a, u) = (linear.decode(code), alaw.decode_alaw(code), ulaw.decode_ulaw(code));
        let direct = g711::encode_alaw(sample);
        assert!([direct, lower_alaw(direct), higher_alaw(direct)].contains(&a), "{sample}");
        let direct = g711::encode_ulaw(sample);
        let around = [direct, lower_ulaw(direct), higher_ulaw(direct)];
        assert!(around.iter().any(|octet| g711::decode_ulaw(*octet) == g711::decode_ulaw(u)), "{sample}");
    }
}

#[test]
fn no_codewords_and_no_samples_are_too_much() {
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    let (mut alaw, mut ulaw) = (Decoder::default(), Decoder::default());
    let mut word: u32 = 1;
    for _ in 0..200_000 {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        decoder.decode((word >> 24) as u8);
        alaw.decode_alaw((word >> 20) as u8);
        ulaw.decode_ulaw((word >> 16) as u8);
        assert!(encoder.encode((word >> 16) as i16) < 16);
    }
}

#[test]
fn silence_is_spoken_as_the_negative_zero() {
    let mut encoder = Encoder::default();
    assert!((0..80).all(|_| encoder.encode(0) == 15));
}

fn agree(what: &str, ours: &[u8], theirs: &[u8]) {
    let first = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs);
    assert_eq!((first, ours.len()), (None, theirs.len()), "{what}");
}

/// The sequences of Appendix II; their licence keeps them out of this tree. They lie in the folder
/// `src/g726/test_data` of the ITU-T Software Tool Library; name it in `KIRKWALL_G726_SEQUENCES`.
#[test]
#[ignore = "needs the ITU-T's sequences"]
fn the_sequences_of_appendix_ii_agree() {
    let folder = std::env::var("KIRKWALL_G726_SEQUENCES").unwrap();
    let words = |name: &str| -> Vec<u8> {
        let bytes = std::fs::read(format!("{folder}/{name}")).unwrap();
        bytes.as_chunks::<2>().0.iter().map(|word| word[0]).collect()
    };
    for law in ["a", "m"] {
        let alaw = law == "a";
        for (input, kind) in [("nrm", "n"), ("ovr", "v")] {
            let expand = if alaw { g711::decode_alaw } else { g711::decode_ulaw };
            let mut encoder = Encoder::default();
            let spoken = words(&format!("{input}.{law}"));
            let coded: Vec<u8> = spoken.iter().map(|octet| encoder.encode(expand(*octet))).collect();
            agree(&format!("{input}.{law} coded"), &coded, &words(&format!("r{kind}32f{law}.i")));
        }
        for kind in ["n", "v", "i"] {
            let coded = if kind == "i" { words("i32") } else { words(&format!("r{kind}32f{law}.i")) };
            let mut decoder = Decoder::default();
            let mut decode = |code: &u8| match alaw {
                true => decoder.decode_alaw(*code),
                false => decoder.decode_ulaw(*code),
            };
            let decoded: Vec<u8> = coded.iter().map(&mut decode).collect();
            agree(&format!("{kind}, law {law}, decoded"), &decoded, &words(&format!("r{kind}32f{law}.o")));
        }
    }
}
