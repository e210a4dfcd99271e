//! DECT for emulators: the base link OBL/1, network layer messages, keys and the portable side's machines.
//!
//! Written a second time from the standard (EN 300 175-5, -6, -7) and from the base link's description, and
//! kept small: nothing here comes from kirkwall-core.
//!
//! | Module | Holds |
//! |---|---|
//! | [`obl`] | frames of the base link |
//! | [`nwk`], [`number`] | messages and elements of the network layer |
//! | [`identity`] | IPEI, IPUI-N, RFPI, PARK, TPUI |
//! | [`dsaa2`] | keys and responses |
//! | [`pt`] | the portable side: link, mobility, calls |

pub mod dsaa2;
pub mod identity;
pub mod number;
pub mod nwk;
pub mod obl;
pub mod pt;

/// Octets of hexadecimal text with blanks.
#[cfg(test)]
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8);
    let digits: Vec<u8> = digits.collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)).collect()
}
