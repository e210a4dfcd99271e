//! Decimal numbers inside an IPUI, one digit in four bits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of up to twenty decimal digits; leading zeros count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digits(String);

impl Digits {
    /// Most digits any IPUI takes (EN 300 175-6, 6.2.6).
    pub const MAX: usize = 20;

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many digits.
    pub fn count(&self) -> u8 {
        self.0.len() as u8
    }

    /// From `count` digits of four bits each, as a number.
    pub(super) fn from_bits(bits: u128, count: u8) -> Result<Self, BadDigits> {
        let digit = |place: u8| ((bits >> (4 * u32::from(place))) & 0xF) as u8;
        (0..count).rev().map(|place| char::from(b'0' + digit(place))).collect::<String>().parse()
    }

    /// As four bits per digit.
    pub(super) fn to_bits(&self) -> u128 {
        self.0.bytes().fold(0, |bits, digit| (bits << 4) | u128::from(digit - b'0'))
    }
}

/// Why a text is no [`Digits`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDigits {
    /// More than [`Digits::MAX`].
    #[error("at most 20 digits fit, there are {0}")]
    TooMany(usize),
    /// Something that is no decimal digit.
    #[error("only the digits 0 to 9 can be coded")]
    NoDigit,
}

impl FromStr for Digits {
    type Err = BadDigits;

    fn from_str(text: &str) -> Result<Self, BadDigits> {
        match text.bytes().all(|b| b.is_ascii_digit()) {
            false => Err(BadDigits::NoDigit),
            true if text.len() > Self::MAX => Err(BadDigits::TooMany(text.len())),
            true => Ok(Self(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Digits {
    type Error = BadDigits;

    fn try_from(text: String) -> Result<Self, BadDigits> {
        text.parse()
    }
}

impl From<Digits> for String {
    fn from(digits: Digits) -> String {
        digits.0
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
