//! The equipment identity of a handset, as bits and as printed under its battery (EN 300 175-6, 10, annex C).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// International Portable Equipment Identity: manufacturer (16 bits) and serial number (20 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ipei {
    emc: u16,
    psn: u32,
}

impl Ipei {
    /// Highest serial number, 20 bits.
    pub const PSN_MAX: u32 = 0xF_FFFF;

    /// From manufacturer code and serial number.
    pub fn new(emc: u16, psn: u32) -> Result<Self, BadIpei> {
        match psn <= Self::PSN_MAX {
            true => Ok(Self { emc, psn }),
            false => Err(BadIpei::SerialTooHigh),
        }
    }

    /// The equipment manufacturer's code (EMC).
    pub fn emc(self) -> u16 {
        self.emc
    }

    /// The portable's serial number (PSN).
    pub fn psn(self) -> u32 {
        self.psn
    }

    /// Its 36 bits.
    pub(super) fn from_bits(bits: u64) -> Self {
        Self { emc: (bits >> 20) as u16, psn: bits as u32 & Self::PSN_MAX }
    }

    /// Its 36 bits.
    pub(super) fn to_bits(self) -> u64 {
        (u64::from(self.emc) << 20) | u64::from(self.psn)
    }

    /// Annex C: "The check character is calculated as the sum of each digit in the string multiplied by
    /// its position in the string modulo 11 … represented either as the decimal digit, or as a "*" if
    /// equal to 10."
    fn check(self) -> char {
        let digits = format!("{:05}{:07}", self.emc, self.psn);
        let sum: u32 = (1..).zip(digits.bytes()).map(|(place, digit)| place * u32::from(digit - b'0')).sum();
        char::from_digit(sum % 11, 10).unwrap_or('*')
    }
}

/// Why a text is no [`Ipei`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadIpei {
    /// Not twelve digits and a check character, spaces aside.
    #[error("an IPEI is 5 digits, 7 digits and a check character, as in \"00012 0000137 9\"")]
    Shape,
    /// The first five digits exceed 65535.
    #[error("the first five digits of an IPEI are at most 65535")]
    ManufacturerTooHigh,
    /// The next seven digits exceed 1048575.
    #[error("the next seven digits of an IPEI are at most 1048575")]
    SerialTooHigh,
    /// A digit was misread or two were swapped.
    #[error("the check character of this IPEI should be {expected}; one of its digits is wrong")]
    Check {
        /// What it would be for these digits.
        expected: char,
    },
}

impl fmt::Display for Ipei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05} {:07} {}", self.emc, self.psn, self.check())
    }
}

impl FromStr for Ipei {
    type Err = BadIpei;

    /// Takes the printed form; spaces may be missing, as people type it.
    fn from_str(text: &str) -> Result<Self, BadIpei> {
        let packed: Vec<u8> = text.bytes().filter(|b| *b != b' ').take(14).collect();
        let [digits @ .., check] = packed.as_slice() else { return Err(BadIpei::Shape) };
        let numeric = digits.iter().all(u8::is_ascii_digit);
        if digits.len() != 12 || !numeric || !(check.is_ascii_digit() || *check == b'*') {
            return Err(BadIpei::Shape);
        }
        let number = |part: &[u8]| part.iter().fold(0u32, |n, d| n * 10 + u32::from(d - b'0'));
        let emc = u16::try_from(number(&digits[..5])).map_err(|_| BadIpei::ManufacturerTooHigh)?;
        let ipei = Self::new(emc, number(&digits[5..]))?;
        match ipei.check() {
            expected if expected == char::from(*check) => Ok(ipei),
            expected => Err(BadIpei::Check { expected }),
        }
    }
}

impl TryFrom<String> for Ipei {
    type Error = BadIpei;

    fn try_from(text: String) -> Result<Self, BadIpei> {
        text.parse()
    }
}

impl From<Ipei> for String {
    fn from(ipei: Ipei) -> String {
        ipei.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_form_carries_the_check_character_of_annex_c() {
        for (emc, psn, text) in [
            (0x000C, 0x00089, "00012 0000137 9"),
            (0x0BA8, 0xA_782A, "02984 0686122 2"),
            (1, 5, "00001 0000005 *"),
            (0xFFFF, 0xF_FFFF, "65535 1048575 2"),
            (0x0E02, 0xA_E5C3, "03586 0714179 8"),
        ] {
            let ipei = Ipei::new(emc, psn).unwrap();
            assert_eq!(ipei.to_string(), text);
            assert_eq!(text.parse(), Ok(ipei));
            assert_eq!(text.replace(' ', "").parse(), Ok(ipei));
            assert_eq!(Ipei::from_bits(ipei.to_bits()), ipei);
        }
    }

    #[test]
    fn a_swapped_or_misread_digit_is_noticed() {
        assert_eq!("00012 0000173 9".parse::<Ipei>(), Err(BadIpei::Check { expected: '5' }));
        assert_eq!("00012 0000137 8".parse::<Ipei>(), Err(BadIpei::Check { expected: '9' }));
    }

    #[test]
    fn what_is_no_ipei_is_told_why() {
        assert_eq!("".parse::<Ipei>(), Err(BadIpei::Shape));
        assert_eq!("00012 0000137".parse::<Ipei>(), Err(BadIpei::Shape));
        assert_eq!("00012 0000137 99".parse::<Ipei>(), Err(BadIpei::Shape));
        assert_eq!("0001x 0000137 9".parse::<Ipei>(), Err(BadIpei::Shape));
        assert_eq!("65536 0000137 9".parse::<Ipei>(), Err(BadIpei::ManufacturerTooHigh));
        assert_eq!("00012 1048576 9".parse::<Ipei>(), Err(BadIpei::SerialTooHigh));
    }
}
