//! Identities of the fixed side (EN 300 175-6, clauses 5, 6.1 and 7).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Access Rights Identity: which DECT system this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ari {
    /// Residential and small private systems: at most seven radios.
    A {
        /// Equipment manufacturer's code.
        emc: u16,
        /// Fixed part number, 17 bits.
        fpn: u32,
    },
    /// Private multi-cell systems: ours.
    B {
        /// Equipment installer's code.
        eic: u16,
        /// Fixed part number and sub-number, 12 bits together. "The border between FPN and FPS bits may
        /// vary, but the sum shall be 12 bits" (5.2).
        fpn_fps: u16,
    },
    /// Public access.
    C {
        /// Public operator's code.
        poc: u16,
        /// Fixed part number and sub-number, 12 bits together.
        fpn_fps: u16,
    },
    /// Mobile operators.
    D {
        /// Operator code, 20 bits.
        gop: u32,
        /// Fixed part number.
        fpn: u8,
    },
    /// Handset to handset.
    E {
        /// FIL, 16 bits.
        fil: u16,
        /// Fixed part number, 12 bits.
        fpn: u16,
    },
}

/// Why bits are no fixed identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFixed {
    /// Classes F, G and H are not defined (7.2).
    #[error("access rights class {0} (101 to 111) is not defined")]
    Class(u8),
    /// Too few or too many bits for its class.
    #[error("an ARI of this class has {expected} bits, not {found}")]
    Length {
        /// What the class has.
        expected: u8,
        /// What was there.
        found: u8,
    },
    /// A part does not fit its field.
    #[error("{field} has at most {bits} bits")]
    TooWide {
        /// The field's name in clause 5.
        field: &'static str,
        /// Its width.
        bits: u8,
    },
    /// A PARK has 1 to 36 bits.
    #[error("a PARK has a length of 1 to 36 bits, not {0}")]
    Park(u8),
}

impl Ari {
    /// Its class as access rights code, 0 for A to 4 for E (7.2).
    pub fn class(&self) -> u8 {
        match self {
            Self::A { .. } => 0,
            Self::B { .. } => 1,
            Self::C { .. } => 2,
            Self::D { .. } => 3,
            Self::E { .. } => 4,
        }
    }

    /// How many bits it has, access rights code included: 36 for class A, else 31.
    pub fn length(&self) -> u8 {
        Self::length_of(self.class())
    }

    fn length_of(class: u8) -> u8 {
        if class == 0 { 36 } else { 31 }
    }

    /// How many bits an RFPI leaves for the radio's number: 3 for class A, else 8.
    pub fn rpn_length(&self) -> u8 {
        39 - self.length()
    }

    /// From its bits as a number, and how many they are.
    pub fn from_bits(bits: u64, length: u8) -> Result<Self, BadFixed> {
        let class = bits.checked_shr(u32::from(length).saturating_sub(3)).unwrap_or(0) as u8 & 7;
        let expected = Self::length_of(class);
        if class > 4 {
            return Err(BadFixed::Class(class));
        }
        if length != expected {
            return Err(BadFixed::Length { expected, found: length });
        }
        let field = |shift: u32, width: u32| (bits >> shift) & ((1 << width) - 1);
        Ok(match class {
            0 => Self::A { emc: field(17, 16) as u16, fpn: field(0, 17) as u32 },
            1 => Self::B { eic: field(12, 16) as u16, fpn_fps: field(0, 12) as u16 },
            2 => Self::C { poc: field(12, 16) as u16, fpn_fps: field(0, 12) as u16 },
            3 => Self::D { gop: field(8, 20) as u32, fpn: field(0, 8) as u8 },
            _ => Self::E { fil: field(12, 16) as u16, fpn: field(0, 12) as u16 },
        })
    }

    /// Its bits as a number of [`length`](Self::length) bits. Parts that are too wide lose their top:
    /// [`valid`](Self::valid) tells beforehand.
    pub fn to_bits(&self) -> u64 {
        let rights = u64::from(self.class()) << (self.length() - 3);
        rights
            | match *self {
                Self::A { emc, fpn } => u64::from(emc) << 17 | u64::from(fpn & 0x1_FFFF),
                Self::B { eic: code, fpn_fps: part } | Self::C { poc: code, fpn_fps: part } => {
                    u64::from(code) << 12 | u64::from(part & 0xFFF)
                }
                Self::D { gop, fpn } => u64::from(gop & 0xF_FFFF) << 8 | u64::from(fpn),
                Self::E { fil, fpn } => u64::from(fil) << 12 | u64::from(fpn & 0xFFF),
            }
    }

    /// Refuses parts that do not fit their fields; for identities people type in.
    pub fn valid(self) -> Result<Self, BadFixed> {
        let fits = |value: u32, bits: u8, field| match value >> bits {
            0 => Ok(()),
            _ => Err(BadFixed::TooWide { field, bits }),
        };
        match self {
            Self::A { fpn, .. } => fits(fpn, 17, "FPN")?,
            Self::B { fpn_fps, .. } | Self::C { fpn_fps, .. } => fits(fpn_fps.into(), 12, "FPN+FPS")?,
            Self::D { gop, .. } => fits(gop, 20, "GOP")?,
            Self::E { fpn, .. } => fits(fpn.into(), 12, "FPN")?,
        }
        Ok(self)
    }
}

/// Portable Access Rights Key: the pattern of ARIs a handset may use. A PARK with all bits of an ARI
/// opens that system alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Park {
    bits: u64,
    length: u8,
}

impl Park {
    /// The key that opens exactly this system.
    pub fn of(ari: &Ari) -> Self {
        Self { bits: ari.to_bits(), length: ari.length() }
    }

    /// From its relevant bits; `length` is the PARK length indicator, 1 to 36.
    pub fn from_bits(bits: u64, length: u8) -> Result<Self, BadFixed> {
        match length {
            1..=36 => Ok(Self { bits: bits & ((1 << length) - 1), length }),
            _ => Err(BadFixed::Park(length)),
        }
    }

    /// Its relevant bits as a number.
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// The PARK length indicator: how many bits are relevant.
    pub fn length(&self) -> u8 {
        self.length.min(36)
    }

    /// "A PP has access rights to a FP if one of its PARKs includes one of the ARIs of that FP" (6.1.0).
    pub fn includes(&self, ari: &Ari) -> bool {
        match ari.length().checked_sub(self.length) {
            Some(rest) => ari.to_bits() >> rest == self.bits,
            None => false,
        }
    }
}

/// Radio Fixed Part Identity: what one radio broadcasts, 40 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rfpi {
    /// Whether the system lists secondary access rights (the E bit, 7.1).
    pub sari_list: bool,
    /// The primary access rights identity.
    pub pari: Ari,
    /// Which radio of the system.
    pub rpn: u8,
}

impl Rfpi {
    /// From the five octets of the Nt channel.
    pub fn from_octets(octets: [u8; 5]) -> Result<Self, BadFixed> {
        let bits = octets.iter().fold(0u64, |bits, octet| bits << 8 | u64::from(*octet));
        let class = (bits >> 36) as u8 & 7;
        let rpn_length = 39 - Ari::length_of(class);
        let pari = Ari::from_bits((bits & 0x7F_FFFF_FFFF) >> rpn_length, Ari::length_of(class))?;
        Ok(Self { sari_list: bits >> 39 == 1, pari, rpn: (bits & ((1 << rpn_length) - 1)) as u8 })
    }

    /// The five octets of the Nt channel.
    pub fn to_octets(self) -> [u8; 5] {
        let rpn_length = self.pari.rpn_length();
        let rpn = u64::from(self.rpn) & ((1 << rpn_length) - 1);
        let bits = u64::from(self.sari_list) << 39 | self.pari.to_bits() << rpn_length | rpn;
        let [.., a, b, c, d, e] = bits.to_be_bytes();
        [a, b, c, d, e]
    }

    /// FMID: "the 12 least significant bits of the RFPI" (9.1.1).
    pub fn fmid(self) -> u16 {
        let [.., d, e] = self.to_octets();
        u16::from_be_bytes([d, e]) & 0xFFF
    }

    /// Whether both lie in the same location area of `level` bits. "The bit count starts with the MSB of
    /// the PARI + RPN" (EN 300 175-5, 7.7.25).
    pub fn same_area(self, other: Self, level: u8) -> bool {
        let place = |rfpi: Self| rfpi.pari.to_bits() << rfpi.pari.rpn_length() | u64::from(rfpi.rpn);
        let rest = 39u8.saturating_sub(level);
        place(self) >> rest == place(other) >> rest
    }
}

impl fmt::Display for Rfpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_octets().iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Ari = Ari::B { eic: 0x02AF, fpn_fps: 0x12C };

    #[test]
    fn every_class_comes_back_from_its_bits() {
        for ari in [
            Ari::A { emc: 0x1234, fpn: 0x1_FFFF },
            Ari::B { eic: 0xFFFF, fpn_fps: 0xABC },
            Ari::C { poc: 1, fpn_fps: 1 },
            Ari::D { gop: 0xF_FFFF, fpn: 7 },
            Ari::E { fil: 0x8001, fpn: 0xFFF },
        ] {
            assert_eq!(Ari::from_bits(ari.to_bits(), ari.length()), Ok(ari));
            let rfpi = Rfpi { sari_list: true, pari: ari, rpn: 5 };
            assert_eq!(Rfpi::from_octets(rfpi.to_octets()), Ok(rfpi));
        }
    }

    #[test]
    fn a_captured_rfpi_of_class_b_reads_as_the_standard_says() {
        let rfpi = Rfpi::from_octets([0x90, 0x2A, 0xF1, 0x2C, 0x25]).unwrap();
        assert_eq!(rfpi, Rfpi { sari_list: true, pari: OURS, rpn: 0x25 });
        assert_eq!(rfpi.to_string(), "902AF12C25");
        assert_eq!(rfpi.fmid(), 0xC25);
    }

    #[test]
    fn undefined_classes_and_wrong_lengths_are_refused() {
        assert_eq!(Ari::from_bits(0b101 << 28, 31), Err(BadFixed::Class(5)));
        assert_eq!(Ari::from_bits(0b001 << 27, 30), Err(BadFixed::Length { expected: 31, found: 30 }));
        assert_eq!(Ari::from_bits(0, 0), Err(BadFixed::Length { expected: 36, found: 0 }));
        let wide = Ari::B { eic: 1, fpn_fps: 0x1000 };
        assert_eq!(wide.valid(), Err(BadFixed::TooWide { field: "FPN+FPS", bits: 12 }));
    }

    #[test]
    fn a_park_opens_the_systems_that_begin_like_it() {
        let (own, neighbour) = (Park::of(&OURS), Ari::B { eic: 0x02AF, fpn_fps: 0x12D });
        assert!(own.includes(&OURS) && !own.includes(&neighbour));
        let both = Park::from_bits(OURS.to_bits() >> 4, 27).unwrap();
        assert!(both.includes(&OURS) && both.includes(&neighbour));
        assert!(!Park::from_bits(0, 36).unwrap().includes(&OURS));
        assert_eq!(Park::from_bits(0, 37), Err(BadFixed::Park(37)));
    }

    #[test]
    fn a_location_area_is_as_wide_as_its_level() {
        let radio = |rpn| Rfpi { sari_list: false, pari: OURS, rpn };
        assert!(radio(0).same_area(radio(255), 31));
        assert!(!radio(0).same_area(radio(255), 32));
        assert!(!radio(0).same_area(radio(1), 39));
    }
}
