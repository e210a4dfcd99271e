//! The portable side's half of DSAA2 (EN 300 175-7, 4.3, 4.5, annex L).
//!
//! RS128 stands in its element as RS2 then RS1, and annex L takes RS1 before RS2; all else is read in the
//! order of the octets.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};

/// A key of 128 bits.
pub type Key = [u8; 16];

/// An access code as key: its digits right-aligned in 32 bits after Fs, repeated to 128 bits (process B1).
/// Nothing when it is no code of one to eight digits.
pub fn access_code(code: &str) -> Option<Key> {
    let is_code = (1..=8).contains(&code.len()) && code.bytes().all(|c| c.is_ascii_digit());
    let digits = u32::from_str_radix(&format!("{code:F>8}"), 16).ok().filter(|_| is_code)?.to_be_bytes();
    Some(std::array::from_fn(|at| digits[at % 4]))
}

/// KS (A11) or KS' (A21): DSAA2-1.
pub fn session_key(key: &Key, rs128: &[u8; 16]) -> Key {
    let mut block = [0; 16];
    block[..8].copy_from_slice(&rs128[8..]);
    block[8..].copy_from_slice(&rs128[..8]);
    encrypt(key, encrypt(key, block))
}

/// RES1 and DCK (A12) with `first` RAND_F and `second` RAND_P; RES2 (A22) the other way round: DSAA2-2.
pub fn response(session: &Key, first: [u8; 8], second: [u8; 8]) -> ([u8; 4], Key) {
    let mut block = [0; 16];
    block[..8].copy_from_slice(&first);
    block[8..].copy_from_slice(&second);
    let mut w = encrypt(session, block);
    let tag = [w[0], w[1], w[2], w[3]];
    w[15] ^= 1;
    (tag, encrypt(session, w))
}

fn encrypt(key: &Key, block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    Aes128::new(key.into()).encrypt_block(&mut block);
    block.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::hex;

    /// Test sets 1, 2, 4 and 7 of annex L (data/dect_vectors.json, `dsaa2_1` and `dsaa2_2`): key, D2, D3,
    /// E of DSAA2-1, tag and key of DSAA2-2. Shorter inputs stand filled with zeros.
    const SETS: [[&str; 6]; 4] = [
        [
            "42025EE339743AF647B5778025E9B66D",
            "A0F3624E949640A0",
            "17DA4751F5B2B180",
            "294016C034CD1A5576081826366A7E4A",
            "FAA865E7",
            "4D4853333C5641B723A6EF41112B83BA",
        ],
        [
            "5DDB5285D9072931833B35567776898A",
            "8493A3292770FA99",
            "B950D6D2E77E641D",
            "4C3FEA069EBF6CFE419B045447FCFE34",
            "2F2863B4",
            "CAEE95550F277C157E84AC35B34A58CA",
        ],
        [
            "BCD32DB021D5D00993428051F1CC3700",
            "10439453B0B87330",
            "AFE2C12D7DC18F00",
            "CE6AAEDBE96CDCE78650116CDD109180",
            "D01DF4BD",
            "A4DC5352D1A5C4245396F6C62CE53B22",
        ],
        [
            "CA29ADACB9651A3EBC77D383D7A02763",
            "E79CEA2D91CD0FD9",
            "79957A90B4040F6E",
            "95B73E80B2263CEEA7943E327E8C8EF8",
            "843B2133",
            "CEFDD369896F6A9EBA04FD14D198052D",
        ],
    ];

    #[test]
    fn both_algorithms_give_the_sets_of_annex_l() {
        for set in SETS {
            let [key, d2, d3, e, tag, ck] = set.map(hex);
            let key = Key::try_from(key).unwrap();
            let rs128 = [d3.clone(), d2.clone()].concat().try_into().unwrap();
            assert_eq!(session_key(&key, &rs128).to_vec(), e);
            let (res, dck) = response(&key, d2.try_into().unwrap(), d3.try_into().unwrap());
            assert_eq!((res.to_vec(), dck.to_vec()), (tag, ck));
        }
    }

    #[test]
    fn an_access_code_is_filled_with_fs_on_the_left() {
        assert_eq!(access_code("9124").unwrap().to_vec(), hex("FFFF9124FFFF9124FFFF9124FFFF9124"));
        assert_eq!(access_code("12345678").unwrap()[..4], [0x12, 0x34, 0x56, 0x78]);
        for wrong in ["", "123456789", "12a4", "+123"] {
            assert_eq!(access_code(wrong), None);
        }
    }
}
