//! The DECT Standard Authentication Algorithm #2 (EN 300 175-7, annex L), and the processes A11, A12, A21 and
//! A22 made of it (5.1.1.2, 5.2, 5.3).
//!
//! ```text
//! W  = AES(D1, D2 D3)
//! DSAA2-1:  E = AES(D1, W)
//! DSAA2-2:  tag E1 = first 32 bits of W,   E2 = AES(D1, W with its last bit inverted)
//! ```
//!
//! The standard numbers bits from the least significant, and annex L feeds `D1[0]` to AES as its first bit;
//! no published exchange shows how octets on the air become those bits. This house reads octets in the order
//! of transmission (`RS128 = RS2 RS1`, so `D2` is the second half of the element); the other reading would
//! reverse all bits of every value. [`halves`] is the one place that decides the order of the halves.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

use super::element::Res;
use super::key::{CipherKey, Key, SessionKey};

/// One AES-128 encryption.
fn aes(key: &[u8; 16], block: [u8; 16]) -> [u8; 16] {
    let mut block = block.into();
    Aes128::new(key.into()).encrypt_block(&mut block);
    block.into()
}

/// P: D2 then D3. Shorter inputs are filled with zeros on the right by who passes them.
fn plain(d2: [u8; 8], d3: [u8; 8]) -> [u8; 16] {
    let mut plain = [0; 16];
    plain[..8].copy_from_slice(&d2);
    plain[8..].copy_from_slice(&d3);
    plain
}

/// L.2.1: the session key derivation algorithm.
fn derive(d1: &[u8; 16], d2: [u8; 8], d3: [u8; 8]) -> [u8; 16] {
    aes(d1, aes(d1, plain(d2, d3)))
}

/// L.2.2: the tag generation and cipher key derivation algorithm.
fn tag(d1: &[u8; 16], d2: [u8; 8], d3: [u8; 8]) -> ([u8; 4], [u8; 16]) {
    let w = aes(d1, plain(d2, d3));
    let mut inverted = w;
    inverted[15] ^= 1;
    ([w[0], w[1], w[2], w[3]], aes(d1, inverted))
}

/// RS1 and RS2 of an RS128 as it stands in its element, the high half (RS2) first.
fn halves(rs128: &[u8; 16]) -> ([u8; 8], [u8; 8]) {
    let (mut rs1, mut rs2) = ([0; 8], [0; 8]);
    rs2.copy_from_slice(&rs128[..8]);
    rs1.copy_from_slice(&rs128[8..]);
    (rs1, rs2)
}

/// A11, and A21 alike: "For DSAA2 only: KS' \[i\] = E \[i MODULO LEN_E\]". What keeps KS and KS' apart is that
/// "different values of RS128 are always used as inputs for A11 and A21" (5.2.2, note 2).
pub fn session_key(key: &Key, rs128: &[u8; 16]) -> SessionKey {
    let (rs1, rs2) = halves(rs128);
    SessionKey::new(derive(key.bits(), rs1, rs2))
}

/// A12: what the portable side has to answer, and the cipher key both sides derive.
///
/// Clause 5.3.1 prints K as its first input where 4.3.6 and 5.3.2 have the session key; the latter is taken.
pub fn authenticate_portable(ks: &SessionKey, rand_f: [u8; 8], rand_p: [u8; 8]) -> (Res, CipherKey) {
    let (res1, dck) = tag(ks.bits(), rand_f, rand_p);
    (Res(res1), CipherKey::new(dck))
}

/// A22: what the fixed side has to answer.
pub fn authenticate_fixed(ks: &SessionKey, rand_p: [u8; 8], rand_f: [u8; 8]) -> Res {
    Res(tag(ks.bits(), rand_p, rand_f).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets<const N: usize>(hex: &str) -> [u8; N] {
        let mut octets = [0; N];
        for (place, digit) in hex.chars().enumerate() {
            octets[place / 2] |= (digit.to_digit(16).unwrap() as u8) << (4 * (1 - place % 2));
        }
        octets
    }

    /// Annex L.3: D1, D2, D3, E of DSAA2-1, tag and cipher key of DSAA2-2 (its length in hexadecimal digits
    /// is that of the test set). What is shorter than its field is filled with zeros on the right.
    const SETS: [[&str; 6]; 10] = [
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
            "63340A1BD9BAF80A25D20044C354A708",
            "86167C7D8D0EA8F4",
            "74BBC76EC7C0F65E",
            "1461F1BFE0FAE42E61F436A3D32D5F4A",
            "728A4748",
            "58F2181A1A00A3F4B1D2DE22C9920B3D",
        ],
        [
            "BCD32DB021D5D00993428051F1CC37",
            "10439453B0B8733",
            "AFE2C12D7DC18F",
            "CE6AAEDBE96CDCE78650116CDD109180",
            "D01DF4BD",
            "A4DC5352D1A5C4245396F6C62CE53B22",
        ],
        [
            "D080644999A0D8B73653",
            "89E394B277B6",
            "D48E6D18F1C655E",
            "9F05E22ADBCF67D829DB6B1810B4BA50",
            "1A114590",
            "98D88329F6003CD7C49027BAA49E29F3",
        ],
        [
            "070557F02963399B76CD42E8",
            "59BE23A3CA4FFF",
            "4A8772360C1A",
            "06B8A3FB7C83F879E30CDC92023F78F0",
            "02B9ED2C",
            "2ECD2991DFD13C4C8BA7BFD6D8A7AAB4",
        ],
        [
            "CA29ADACB9651A3EBC77D383D7A02763",
            "E79CEA2D91CD0FD9",
            "79957A90B4040F6E",
            "95B73E80B2263CEEA7943E327E8C8EF8",
            "843B2133",
            "CEFDD369896F6A9EBA04FD14D198052D",
        ],
        [
            "7FB30F8631EFA4266E1ABA5D9E4E",
            "9D459058B476DD0",
            "C9802A2CD2CB52D8",
            "F2172D3A00A04C5111B1E506556CBCF1",
            "FEB8FDAE",
            "1713B0043B2AA8B74722022F85892BD9",
        ],
        [
            "906C24847949FEDDF67E9F7ECE0036A0",
            "E280BE2C1C938EE8",
            "A20F2C144FA",
            "DEAE8B4865DF23EE14B273E5AAEEE00F",
            "AE015682",
            "CDC7608F40F7223637E34633490AFF97",
        ],
        [
            "631C95B179BB52EBBA6B28EF4",
            "1E171CB2AF6",
            "6C0C285011136AB8",
            "312AD124B1F0541C93D286FCD618451E",
            "F6683A52",
            "52B1A3EA0949A87FBD91D56A85E64B53",
        ],
    ];

    #[test]
    fn the_test_sets_of_annex_l_are_met() {
        for [d1, d2, d3, e, e1, ck] in SETS {
            let (d1, d2, d3) = (octets::<16>(d1), octets::<8>(d2), octets::<8>(d3));
            assert_eq!(derive(&d1, d2, d3), octets(e));
            let (tag, key) = tag(&d1, d2, d3);
            assert_eq!(tag, octets(e1));
            assert_eq!(key, octets(ck));
        }
    }

    #[test]
    fn the_second_half_of_an_rs128_is_the_first_input() {
        let [d1, d2, d3, e, ..] = SETS[0];
        let rs128 = octets::<16>(&format!("{d3}{d2}"));
        assert_eq!(session_key(&Key::from_bits(octets(d1)), &rs128).bits(), &octets(e));
    }

    #[test]
    fn each_side_answers_over_the_session_key_with_its_own_order_of_random_numbers() {
        let [d1, d2, d3, _, e1, ck] = SETS[0];
        let ks = SessionKey::new(octets(d1));
        let (res1, dck) = authenticate_portable(&ks, octets(d2), octets(d3));
        assert_eq!((res1, dck), (Res(octets(e1)), CipherKey::new(octets(ck))));
        assert_eq!(authenticate_fixed(&ks, octets(d2), octets(d3)), Res(octets(e1)));
        assert_ne!(authenticate_fixed(&ks, octets(d3), octets(d2)), Res(octets(e1)));
    }
}
