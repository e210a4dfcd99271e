//! Identities (EN 300 175-6) and their elements (EN 300 175-5, 7.7.18, 7.7.30, 7.7.20).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An IPEI: the equipment's own identity, as printed under its battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ipei {
    /// Manufacturer, 16 bits.
    pub emc: u16,
    /// Serial number, 20 bits.
    pub psn: u32,
}

impl Ipei {
    /// The content of PORTABLE-IDENTITY as IPUI-N: PUT 0, then EMC and PSN; 40 bits.
    pub fn ipui_n(self) -> [u8; 7] {
        let value = u64::from(self.emc) << 20 | u64::from(self.psn);
        let octets = value.to_be_bytes();
        [0x80, 0xA8, octets[3], octets[4], octets[5], octets[6], octets[7]]
    }

    /// As [`Ipei::ipui_n`], typed as IPEI.
    pub fn element(self) -> [u8; 7] {
        let mut content = self.ipui_n();
        content[0] = 0x90;
        content
    }

    /// The default individual TPUI's lower 16 bits: those of the IPUI.
    pub const fn default_page_address(self) -> u16 {
        self.psn as u16
    }

    fn check_digit(self) -> char {
        let digits = format!("{:05}{:07}", self.emc, self.psn);
        let sum: u32 = digits.bytes().zip(1..).map(|(digit, at)| u32::from(digit - b'0') * at).sum();
        char::from_digit(sum % 11, 10).unwrap_or('*')
    }
}

impl fmt::Display for Ipei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05} {:07} {}", self.emc, self.psn, self.check_digit())
    }
}

/// Why text is no IPEI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an IPEI is five digits, seven digits and a check digit")]
pub struct NoIpei;

impl FromStr for Ipei {
    type Err = NoIpei;

    /// Thirteen digits, blanks anywhere; the last is the check digit and may be `*`.
    fn from_str(text: &str) -> Result<Self, NoIpei> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (emc, rest) = text.split_at_checked(5).ok_or(NoIpei)?;
        let (psn, check) = rest.split_at_checked(7).ok_or(NoIpei)?;
        let ipei = Self { emc: emc.parse().map_err(|_| NoIpei)?, psn: psn.parse().map_err(|_| NoIpei)? };
        let fits = ipei.psn < 1 << 20 && check.chars().eq([ipei.check_digit()]);
        fits.then_some(ipei).ok_or(NoIpei)
    }
}

impl Serialize for Ipei {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ipei {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a base sends every 160 ms: E, PARI and RPN; here of class B (31 bits and 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rfpi(pub [u8; 5]);

impl Rfpi {
    /// The 31 bits of the PARI, right-aligned.
    pub fn pari(self) -> u32 {
        u32::from_be_bytes([self.0[0], self.0[1], self.0[2], self.0[3]]) & 0x7FFF_FFFF
    }

    /// The radio's number.
    pub const fn rpn(self) -> u8 {
        self.0[4]
    }

    /// FIXED-IDENTITY "ARI + RPN", for the old location in LOCATE-REQUEST.
    pub fn element(self) -> [u8; 7] {
        let pari = self.pari().to_be_bytes();
        [0x81, 0xA8, pari[0], pari[1], pari[2], pari[3], self.0[4]]
    }
}

/// A PARK with its length indicator, as FIXED-IDENTITY carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Park {
    /// Relevant bits.
    pub pli: u8,
    /// The bits, left-aligned after the spare top bit of the element.
    pub value: Vec<u8>,
}

impl Park {
    /// All of a class B PARI.
    pub fn of(rfpi: Rfpi) -> Self {
        Self { pli: 31, value: rfpi.pari().to_be_bytes().to_vec() }
    }

    /// Reads FIXED-IDENTITY of type PARK.
    pub fn read(content: &[u8]) -> Option<Self> {
        let [0xA0, length, value @ ..] = content else { return None };
        let bits = length & 0x7F;
        let octets = usize::from(bits).div_ceil(8);
        let mut value = value.get(..octets)?.to_vec();
        *value.first_mut()? &= 0x7F;
        Some(Self { pli: bits.checked_sub(1)?, value })
    }

    /// FIXED-IDENTITY of type PARK.
    pub fn element(&self) -> Vec<u8> {
        let mut content = vec![0xA0, 0x80 | (self.pli + 1)];
        content.extend_from_slice(&self.value);
        content
    }

    /// Whether this PARK gives access there: "a PT may access an FP if a PARK matches" (EN 300 175-6, 6.1).
    pub fn matches(&self, rfpi: Rfpi) -> bool {
        let theirs = rfpi.pari().to_be_bytes();
        let bit = |octets: &[u8], at: usize| octets.get(at / 8).is_some_and(|o| o & (0x80 >> (at % 8)) != 0);
        (1..=usize::from(self.pli.min(31))).all(|at| bit(&self.value, at) == bit(&theirs, at))
    }
}

/// An assigned TPUI of 20 bits, from PORTABLE-IDENTITY.
pub fn assigned_tpui(content: &[u8]) -> Option<u32> {
    let [0xA0, 0x94, high, middle, low, ..] = content else { return None };
    Some(u32::from(high & 0x0F) << 16 | u32::from(*middle) << 8 | u32::from(*low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::hex;

    #[test]
    fn ipeis_have_the_check_digits_of_the_vectors() {
        let vectors = [
            (12, 137, "00012 0000137 9"),
            (2984, 686_122, "02984 0686122 2"),
            (1, 5, "00001 0000005 *"),
            (65_535, 1_048_575, "65535 1048575 2"),
        ];
        for (emc, psn, text) in vectors {
            assert_eq!(Ipei { emc, psn }.to_string(), text);
            assert_eq!(text.parse(), Ok(Ipei { emc, psn }));
        }
        assert_eq!("00012 0000137 8".parse::<Ipei>(), Err(NoIpei));
        assert_eq!("kirk".parse::<Ipei>(), Err(NoIpei));
    }

    #[test]
    fn an_ipui_n_is_shifted_by_one_nibble() {
        assert_eq!(Ipei { emc: 0x0BA8, psn: 0xA782A }.ipui_n().to_vec(), hex("80A800BA8A782A"));
        assert_eq!("03586 0714179 8".parse::<Ipei>().unwrap().ipui_n().to_vec(), hex("80A800E02AE5C3"));
    }

    #[test]
    fn a_park_matches_its_own_system_only() {
        let park = Park::read(&hex("A0A0102AF12C")).unwrap();
        assert_eq!((park.pli, park.element()), (31, hex("A0A0102AF12C")));
        assert!(park.matches(Rfpi([0x10, 0x2A, 0xF1, 0x2C, 7])));
        assert!(park.matches(Rfpi([0x90, 0x2A, 0xF1, 0x2C, 7])), "the E bit is no part of it");
        assert!(!park.matches(Rfpi([0x10, 0x2A, 0xF1, 0x2D, 7])));
        assert_eq!(Rfpi([0x90, 0x2A, 0xF1, 0x2C, 0x25]).element().to_vec(), hex("81A8102AF12C25"));
    }

    #[test]
    fn an_assigned_tpui_has_twenty_bits() {
        assert_eq!(assigned_tpui(&hex("A094 05027B")), Some(0x5_027B));
        assert_eq!(assigned_tpui(&hex("80A800BA8A782A")), None);
    }
}
