//! The identity of a user in a handset (EN 300 175-6, 6.2; coded in EN 300 175-5, 7.7.30).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BadDigits, Digits, Ipei, read, write};

/// International Portable User Identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ipui {
    /// The handset's own: its IPEI. Every handset has it.
    N(Ipei),
    /// A private number, given by the owner of the system.
    O {
        /// The number, at most 60 bits.
        number: u64,
        /// How many bits it has; leading zeros count.
        length: u8,
    },
    /// A public account.
    P {
        /// Public operator's code.
        poc: u16,
        /// Account number, at most 80 bits.
        account: u128,
        /// How many bits it has.
        length: u8,
    },
    /// A bank account of at most 20 digits.
    Q(Digits),
    /// An IMSI of at most 15 digits.
    R(Digits),
    /// A telephone number of at most 15 digits.
    S(Digits),
    /// A private number valid at several sites.
    T {
        /// Equipment installer's code.
        eic: u16,
        /// At most 11 digits.
        number: Digits,
    },
    /// A credit card account of at most 20 digits.
    U(Digits),
}

/// Why bits are no [`Ipui`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadIpui {
    /// Types 8 to 15 are reserved (7.3).
    #[error("IPUI type {0} is reserved")]
    Type(u8),
    /// Too few or too many bits for its type.
    #[error("an IPUI of this type cannot have {0} bits")]
    Length(u8),
    /// A digit that is none.
    #[error(transparent)]
    Digits(#[from] BadDigits),
}

impl Ipui {
    /// Most bits any type has: P, 100 bits.
    pub const MAX_BITS: u8 = 100;

    /// A private number of `length` bits (at most 60); what this switch assigns.
    pub fn private(number: u64, length: u8) -> Result<Self, BadIpui> {
        match length <= 60 && (number >> length) == 0 {
            true => Ok(Self::O { number, length }),
            false => Err(BadIpui::Length(length.saturating_add(4))),
        }
    }

    /// The equipment identity, when the identity is the handset's own.
    pub fn ipei(&self) -> Option<Ipei> {
        match self {
            Self::N(ipei) => Some(*ipei),
            _ => None,
        }
    }

    /// From octets that hold `length` valid bits.
    pub fn from_octets(octets: &[u8], length: u8) -> Result<Self, BadIpui> {
        if !(4..=Self::MAX_BITS).contains(&length) {
            return Err(BadIpui::Length(length));
        }
        let bits = read(octets, length).ok_or(BadIpui::Length(length))?;
        let rest = length - 4;
        let digits = |max: u8, before: u8| {
            let count = rest.checked_sub(before).filter(|n| n % 4 == 0 && n / 4 <= max);
            count.ok_or(BadIpui::Length(length)).map(|n| Digits::from_bits(bits, n / 4))
        };
        let code = |after: u8| ((bits >> after) & 0xFFFF) as u16;
        match (bits >> rest) as u8 {
            0 if length == 40 => Ok(Self::N(Ipei::from_bits(bits as u64))),
            1 if rest <= 60 => Ok(Self::O { number: (bits & mask(rest)) as u64, length: rest }),
            2 if rest >= 16 => {
                Ok(Self::P { poc: code(rest - 16), account: bits & mask(rest - 16), length: rest - 16 })
            }
            3 => Ok(Self::Q(digits(20, 0)??)),
            4 => Ok(Self::R(digits(15, 0)??)),
            5 => Ok(Self::S(digits(15, 0)??)),
            6 => Ok(Self::T { number: digits(11, 16)??, eic: code(rest - 16) }),
            7 => Ok(Self::U(digits(20, 0)??)),
            0..=2 => Err(BadIpui::Length(length)),
            reserved => Err(BadIpui::Type(reserved)),
        }
    }

    /// Its valid bits as a number, and how many they are.
    pub fn to_bits(&self) -> (u128, u8) {
        let digits = |kind: u128, digits: &Digits| {
            let length = 4 * digits.count();
            (kind << length | digits.to_bits(), 4 + length)
        };
        match self {
            Self::N(ipei) => (ipei.to_bits().into(), 40),
            // Wider ones cannot be made here; a damaged record must not shift out of range.
            Self::O { number, length } => {
                let length = *length.min(&60);
                (1 << length | u128::from(*number) & mask(length), 4 + length)
            }
            Self::P { poc, account, length } => {
                let (length, account) = (*length.min(&80), account & mask(*length.min(&80)));
                (2 << (16 + length) | u128::from(*poc) << length | account, 20 + length)
            }
            Self::Q(number) => digits(3, number),
            Self::R(number) => digits(4, number),
            Self::S(number) => digits(5, number),
            Self::T { eic, number } => {
                let (bits, length) = digits(0, number);
                (6 << (length + 12) | u128::from(*eic) << (length - 4) | bits, length + 16)
            }
            Self::U(number) => digits(7, number),
        }
    }

    /// Its octets, and how many bits of them are valid. "If the number of identity digits is even then
    /// bits 1 to 4 of the last octet shall be coded as "1111"" (7.7.30); binary ones are filled with zeros.
    pub fn to_octets(&self) -> (Vec<u8>, u8) {
        let (bits, length) = self.to_bits();
        let mut octets = write(bits, length);
        let binary = matches!(self, Self::N(_) | Self::O { .. } | Self::P { .. });
        if let (false, 4, Some(last)) = (binary, length % 8, octets.last_mut()) {
            *last |= 0x0F;
        }
        (octets, length)
    }
}

fn mask(length: u8) -> u128 {
    (1 << length) - 1
}

impl fmt::Display for Ipui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::N(ipei) => write!(f, "N {ipei}"),
            Self::O { number, length } => write!(f, "O {number}/{length}"),
            Self::P { poc, account, length } => write!(f, "P {poc} {account}/{length}"),
            Self::Q(digits) => write!(f, "Q {digits}"),
            Self::R(digits) => write!(f, "R {digits}"),
            Self::S(digits) => write!(f, "S {digits}"),
            Self::T { eic, number } => write!(f, "T {eic} {number}"),
            Self::U(digits) => write!(f, "U {digits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(ipui: Ipui, octets: &[u8], length: u8) {
        assert_eq!(ipui.to_octets(), (octets.to_vec(), length), "{ipui}");
        assert_eq!(Ipui::from_octets(octets, length), Ok(ipui));
    }

    #[test]
    fn every_type_is_coded_as_its_figure_shows() {
        let number = |text: &str| text.parse::<Digits>().unwrap();
        there_and_back(Ipui::N(Ipei::new(0x0BA8, 0xA_782A).unwrap()), &[0x00, 0xBA, 0x8A, 0x78, 0x2A], 40);
        there_and_back(Ipui::private(0x2612, 16).unwrap(), &[0x12, 0x61, 0x20], 20);
        there_and_back(Ipui::private(0, 0).unwrap(), &[0x10], 4);
        there_and_back(Ipui::P { poc: 0x1234, account: 0xAB, length: 8 }, &[0x21, 0x23, 0x4A, 0xB0], 28);
        there_and_back(Ipui::S(number("123")), &[0x51, 0x23], 16);
        there_and_back(Ipui::S(number("12")), &[0x51, 0x2F], 12);
        there_and_back(
            Ipui::R(number("262011234567890")),
            &[0x42, 0x62, 0x01, 0x12, 0x34, 0x56, 0x78, 0x90],
            64,
        );
        there_and_back(Ipui::T { eic: 0xABCD, number: number("4711") }, &[0x6A, 0xBC, 0xD4, 0x71, 0x1F], 36);
        there_and_back(Ipui::Q(number("1")), &[0x31], 8);
        there_and_back(
            Ipui::U(number("12345678901234567890")),
            &{ [0x71, 0x23, 0x45, 0x67, 0x89, 0x01, 0x23, 0x45, 0x67, 0x89, 0x0F] },
            84,
        );
    }

    #[test]
    fn wrong_types_lengths_and_digits_are_refused() {
        assert_eq!(Ipui::from_octets(&[0x80], 8), Err(BadIpui::Type(8)));
        assert_eq!(Ipui::from_octets(&[0; 4], 32), Err(BadIpui::Length(32)));
        assert_eq!(Ipui::from_octets(&[0; 4], 40), Err(BadIpui::Length(40)));
        assert_eq!(Ipui::from_octets(&[], 0), Err(BadIpui::Length(0)));
        assert_eq!(Ipui::from_octets(&[0x60], 8), Err(BadIpui::Length(8)));
        assert_eq!(Ipui::from_octets(&[0x51, 0x2A], 16), Err(BadIpui::Digits(BadDigits::NoDigit)));
        assert_eq!(Ipui::from_octets(&[0x10; 16], 127), Err(BadIpui::Length(127)));
        assert_eq!(Ipui::private(1 << 20, 20), Err(BadIpui::Length(24)));
    }
}
