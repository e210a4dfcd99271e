//! ITU-T G.711 (11/88): A-law and µ-law, and the direct way from one to the other.
//!
//! Linear samples are 16-bit, left-justified as is usual in software: the 13-bit A-law and 14-bit
//! µ-law values of the Recommendation shifted up by 3 and 2. Everything is a table made at compile
//! time; nothing here allocates.

/// A-law octet to linear (G.711 table 1a/1b, the columns of decoder output values).
pub fn decode_alaw(octet: u8) -> i16 {
    ALAW_TO_LINEAR[octet as usize]
}

/// µ-law octet to linear (G.711 table 2a/2b).
pub fn decode_ulaw(octet: u8) -> i16 {
    ULAW_TO_LINEAR[octet as usize]
}

/// Linear to A-law. Only the upper 12 bits and the sign count, as in the Recommendation.
pub fn encode_alaw(sample: i16) -> u8 {
    LINEAR_TO_ALAW[((sample as u16) >> 4) as usize]
}

/// Linear to µ-law. Only the upper 13 bits and the sign count.
pub fn encode_ulaw(sample: i16) -> u8 {
    LINEAR_TO_ULAW[((sample as u16) >> 2) as usize]
}

/// Rewrites µ-law octets as A-law in place (G.711 table 3).
pub fn ulaw_to_alaw(octets: &mut [u8]) {
    translate(octets, &ULAW_TO_ALAW);
}

/// Rewrites A-law octets as µ-law in place (G.711 table 4).
pub fn alaw_to_ulaw(octets: &mut [u8]) {
    translate(octets, &ALAW_TO_ULAW);
}

fn translate(octets: &mut [u8], table: &[u8; 256]) {
    for octet in octets {
        *octet = table[*octet as usize];
    }
}

static ALAW_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = expand_alaw(octet as u8);
        octet += 1;
    }
    table
};

static ULAW_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = expand_ulaw(octet as u8);
        octet += 1;
    }
    table
};

static LINEAR_TO_ALAW: [u8; 4096] = {
    let mut table = [0; 4096];
    let mut index = 0;
    while index < 4096 {
        table[index] = compress_alaw(((index << 4) as u16) as i16);
        index += 1;
    }
    table
};

static LINEAR_TO_ULAW: [u8; 16384] = {
    let mut table = [0; 16384];
    let mut index = 0;
    while index < 16384 {
        table[index] = compress_ulaw(((index << 2) as u16) as i16);
        index += 1;
    }
    table
};

static ULAW_TO_ALAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        // µ-law travels with all bits inverted, A-law with the even ones (G.711 §3.1, §3.2).
        let number = VALUE_OF_ULAW[(!octet as u8 & 0x7F) as usize];
        table[octet] = ((octet as u8 & 0x80) | (number - 1)) ^ 0x55;
        octet += 1;
    }
    table
};

static ALAW_TO_ULAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let number = VALUE_OF_ALAW[((octet as u8 ^ 0x55) & 0x7F) as usize];
        table[octet] = (octet as u8 & 0x80) | (!number & 0x7F);
        octet += 1;
    }
    table
};

const fn expand_alaw(octet: u8) -> i16 {
    let code = octet ^ 0x55;
    let (segment, step) = ((code >> 4) & 7, (code & 0x0F) as i16);
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

const fn expand_ulaw(octet: u8) -> i16 {
    let code = !octet;
    let (segment, step) = ((code >> 4) & 7, (code & 0x0F) as i16);
    let magnitude = (((step << 3) + 0x84) << segment) - 0x84;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

const fn compress_alaw(sample: i16) -> u8 {
    // Negative values are taken by ones' complement, so that -1 and 0 lie in mirrored intervals.
    let magnitude = (if sample < 0 { !sample } else { sample }) >> 4;
    let mut code = magnitude;
    if magnitude > 15 {
        let segment = 12 - (magnitude as u16).leading_zeros() as i16;
        code = (segment << 4) | ((magnitude >> (segment - 1)) & 0x0F);
    }
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code as u8 | sign) ^ 0x55
}

const fn compress_ulaw(sample: i16) -> u8 {
    /// Half the distance of the first decision values, in 14-bit units.
    const BIAS: i16 = 33;
    /// Largest magnitude that still has a code, in 14-bit units.
    const CLIP: i16 = 0x1FFF;
    let plain = (if sample < 0 { !sample } else { sample }) >> 2;
    let biased = plain + BIAS;
    let magnitude = if biased > CLIP { CLIP } else { biased };
    let segment = 10 - (magnitude as u16).leading_zeros() as i16;
    let code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F);
    let sign = if sample < 0 { 0 } else { 0x80 };
    (!(code as u8) & 0x7F) | sign
}

/// G.711 table 3: A-law decoder value number for each µ-law value number, counted from 1.
const VALUE_OF_ULAW: [u8; 128] = [
    1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, //
    9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, //
    25, 27, 29, 31, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, //
    46, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, //
    64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, //
    80, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, //
    97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, //
    113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128,
];

/// G.711 table 4: µ-law decoder value number for each A-law value number; µ-law counts from 0.
const VALUE_OF_ALAW: [u8; 128] = [
    1, 3, 5, 7, 9, 11, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23, //
    24, 25, 26, 27, 28, 29, 30, 31, 32, 32, 33, 33, 34, 34, 35, 35, //
    36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 48, 49, 49, //
    50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 64, //
    65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, //
    80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, //
    96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, //
    112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest positive and negative value, zero and the smallest steps, from tables 1 and 2.
    #[test]
    fn the_corner_values_are_those_of_the_recommendation() {
        assert_eq!(
            [0x80, 0x00, 0xFF, 0x7F].map(decode_ulaw),
            [32124, -32124, 0, 0],
            "µ-law: 8031 and 0 in 14 bits"
        );
        assert_eq!([0xAA, 0x2A, 0xD5, 0x55].map(decode_alaw), [32256, -32256, 8, -8], "A-law: 4032 and 1/2");
        assert_eq!([32767, -32768, 0, -1].map(encode_ulaw), [0x80, 0x00, 0xFF, 0x7F]);
        assert_eq!([32767, -32768, 0, -1].map(encode_alaw), [0xAA, 0x2A, 0xD5, 0x55]);
    }

    #[test]
    fn every_code_survives_decoding_and_encoding() {
        for octet in 0..=255 {
            assert_eq!(encode_alaw(decode_alaw(octet)), octet);
            // 0x7F is negative zero, which linear samples do not have.
            assert_eq!(encode_ulaw(decode_ulaw(octet)), if octet == 0x7F { 0xFF } else { octet });
        }
    }

    #[test]
    fn encoding_takes_a_nearest_value() {
        for sample in i16::MIN..=i16::MAX {
            let (a, u) = (decode_alaw(encode_alaw(sample)), decode_ulaw(encode_ulaw(sample)));
            let step = 16i32.max((sample as i32).abs() / 16);
            assert!((a as i32 - sample as i32).abs() <= step, "{sample} as A-law {a}");
            assert!((u as i32 - sample as i32).abs() <= step, "{sample} as µ-law {u}");
        }
    }

    /// A translation never lands further than one step from the value that decoding and encoding gives.
    #[test]
    fn translation_keeps_the_level_within_a_step_of_the_target_law() {
        for octet in 0..=255u8 {
            let (mut a, mut u) = ([octet], [octet]);
            ulaw_to_alaw(&mut a);
            alaw_to_ulaw(&mut u);
            let by_pcm = encode_alaw(decode_ulaw(octet));
            assert!(
                ((a[0] ^ 0x55) as i32 - (by_pcm ^ 0x55) as i32).abs() <= 1 || octet == 0x7F,
                "µ {octet:02x}"
            );
            let by_pcm = encode_ulaw(decode_alaw(octet));
            assert!(((!u[0]) as i32 - (!by_pcm) as i32).abs() <= 1, "A {octet:02x}");
        }
    }

    /// G.711 §3.4: octet integrity is kept by seven of eight bits over A-µ-A; most codes return as they were.
    #[test]
    fn there_and_back_alters_a_code_by_one_step_at_most() {
        for octet in 0..=255u8 {
            let mut back = [octet];
            alaw_to_ulaw(&mut back);
            ulaw_to_alaw(&mut back);
            assert!(((back[0] ^ 0x55) as i32 - (octet ^ 0x55) as i32).abs() <= 1, "A {octet:02x}");
            let mut back = [octet];
            ulaw_to_alaw(&mut back);
            alaw_to_ulaw(&mut back);
            assert!(((!back[0]) as i32 - (!octet) as i32).abs() <= 1, "µ {octet:02x}");
        }
    }

    /// Rows read from tables 3 and 4 themselves.
    #[test]
    fn translation_follows_the_printed_rows() {
        let mut octets = [0xFF, 0xFE, 0xFD, 0xDF, 0xAF, 0xAE, 0x80, 0x7F, 0x00];
        ulaw_to_alaw(&mut octets);
        assert_eq!(octets, [0xD5, 0xD5, 0xD4, 0xCD, 0x9A, 0x84, 0xAA, 0x55, 0x2A]);
        let mut octets = [0xD5, 0xD4, 0x9A, 0xAA, 0x55, 0x2A];
        alaw_to_ulaw(&mut octets);
        assert_eq!(octets, [0xFE, 0xFC, 0xAF, 0x80, 0x7E, 0x00]);
    }
}
