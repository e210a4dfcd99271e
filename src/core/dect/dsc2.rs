//! The DECT Standard Cipher #2 (EN 300 175-7, annex M): AES-128 over a counter.
//!
//! Ciphering is done in base stations; the switch gives them the key ([`super::key::CipherKey`]). The key
//! stream is here for emulated base stations and for checking real ones.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

/// Longest key stream one initialisation gives, in octets: "λ ≤ 4 840" bits for each of two directions.
pub const MAX_OCTETS: usize = 2 * 4840 / 8;

/// The first `length` octets of key stream, at most [`MAX_OCTETS`]. What is shorter than its field is filled
/// with zeros on the right by who passes it (M.2).
pub fn key_stream(key: [u8; 16], iv: [u8; 8], length: usize) -> Vec<u8> {
    let cipher = Aes128::new(&key.into());
    let length = length.min(MAX_OCTETS);
    let block = |number: u64| -> [u8; 16] {
        // "Pj,64 .. Pj,127 represent the 64-bit unsigned integer j, with Pj,64 being the most significant bit".
        let mut block = [0; 16];
        block[..8].copy_from_slice(&iv);
        block[8..].copy_from_slice(&number.to_be_bytes());
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        block.into()
    };
    (0..length.div_ceil(16) as u64).flat_map(block).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let hex = hex.replace(' ', "");
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn padded<const N: usize>(hex: &str) -> [u8; N] {
        let mut octets = octets(hex);
        octets.resize(N, 0);
        octets.try_into().unwrap()
    }

    #[test]
    fn the_test_sets_of_annex_m_are_met() {
        // Cipher key, initialisation vector, the first 720 bits.
        for [key, iv, stream] in [
            [
                "5E9D489C191661726B7232E6401D71F0",
                "03847F4F494A0677",
                "B5D23E32B712B63E376360FB522CB1F51EDD0ED98B5553477227CA871B8E652ADBB64A1CA85427BEAC153100E9 \
                 5F5C0EF7904EAE70CF0F20949D1C478835EE69D4CDE775AECF7B7E65C000343088C020D99C1529E6D636F77E32",
            ],
            [
                "285248DB27251640",
                "13D329D80A2809CE",
                "7E7246AF0B138505D1AFD2B78A8ADD1CD8D56D3CD8E8E1372044DFFD2DDF0257BFB4BC897F20B8F4B3BF0A77CF \
                 FB95F7006D0A16E03970F0057CA5624DCE64519AF557A72570FA1CAB64AACF694EA02513BDBDE73CB9A76CE232",
            ],
            [
                "06E30A6C4328",
                "12C21003",
                "D3163CBE4E3BD210DC1900B51FA6532276D1AEE336505B2B1FFAB960EE92EDC9A58AAF8BF489D65930210BA3BB \
                 4706CDAF5CB0B6058B7441BA78C21D71FCE1740CBE6B1093F9EEDC1EA5137257467E8E8453DFBE73D2465B8EF4",
            ],
        ] {
            assert_eq!(key_stream(padded(key), padded(iv), 90), octets(stream));
        }
    }

    #[test]
    fn no_more_is_given_than_a_frame_takes() {
        assert_eq!(key_stream([0; 16], [0; 8], usize::MAX).len(), MAX_OCTETS);
        assert_eq!(key_stream([0; 16], [0; 8], 0), Vec::<u8>::new());
    }
}
