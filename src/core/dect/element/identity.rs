//! Identities inside messages (7.7.18, 7.7.19, 7.7.25, 7.7.30).

use super::{BadContent, Coding, Tag, octet};
use crate::dect::identity::{Ari, Ipei, Ipui, Park, Rfpi, Tpui, read, write};

/// Who the handset is (`<<PORTABLE-IDENTITY>>`, 7.7.30).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortableIdentity {
    /// The user in it.
    Ipui(Ipui),
    /// The equipment.
    Ipei(Ipei),
    /// Its temporary name.
    Tpui {
        /// The name.
        tpui: Tpui,
        /// "TPUI with number assigned": its last part is a number people know.
        numbered: bool,
    },
}

impl PortableIdentity {
    /// A temporary name without a number in it.
    pub fn tpui(tpui: Tpui) -> Self {
        Self::Tpui { tpui, numbered: false }
    }
}

impl Coding for PortableIdentity {
    const TAG: Tag = Tag::PORTABLE_IDENTITY;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (kind, length) = (octet(content, 3)? & 0x7F, octet(content, 4)? & 0x7F);
        let value = content.get(2..).unwrap_or_default();
        match (kind, length) {
            (0x00, _) => Ipui::from_octets(value, length).map(Self::Ipui).map_err(|_| BadContent::Identity),
            (0x10, 40) => match Ipui::from_octets(value, length) {
                Ok(Ipui::N(ipei)) => Ok(Self::Ipei(ipei)),
                _ => Err(BadContent::Identity),
            },
            (0x20, 20) => {
                let bits = read(value, 24).ok_or(BadContent::TooShort)? as u32;
                let tpui = Tpui::from_bits(bits & 0xF_FFFF).map_err(|_| BadContent::Identity)?;
                match bits >> 20 {
                    assignment @ (0 | 1) => Ok(Self::Tpui { tpui, numbered: assignment == 1 }),
                    assignment => Err(BadContent::Reserved { octet: 5, value: assignment as u8 }),
                }
            }
            (0x10 | 0x20, _) => Err(BadContent::Identity),
            (value, _) => Err(BadContent::Reserved { octet: 3, value }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let (kind, length, value) = match self {
            Self::Ipui(ipui) => {
                let (octets, length) = ipui.to_octets();
                (0x00, length, octets)
            }
            Self::Ipei(ipei) => (0x10, 40, Ipui::N(*ipei).to_octets().0),
            Self::Tpui { tpui, numbered } => {
                (0x20, 20, write(u128::from(*numbered) << 20 | u128::from(tpui.bits()), 24))
            }
        };
        [&[0x80 | kind, 0x80 | length], value.as_slice()].concat()
    }
}

/// Which system or radio (`<<FIXED-IDENTITY>>`, 7.7.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixedIdentity {
    /// A system.
    Ari(Ari),
    /// A system and one of its radios.
    Radio(Rfpi),
    /// A system and one of its wireless relay stations.
    Relay(Rfpi),
    /// A key to systems.
    Park(Park),
}

impl Coding for FixedIdentity {
    const TAG: Tag = Tag::FIXED_IDENTITY;

    /// Bit 8 of octet 5 is nominally 0. Real handsets copy the RFPI with its E bit into ARI+RPN; it is kept
    /// there as the RFPI's, and ignored in the other types.
    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (kind, length) = (octet(content, 3)? & 0x7F, octet(content, 4)? & 0x7F);
        let value = content.get(2..).unwrap_or_default();
        let bits = |length: u8| match length {
            1..=37 => {
                let bits = read(value, length).ok_or(BadContent::TooShort)? as u64;
                Ok((bits & ((1 << (length - 1)) - 1), length - 1))
            }
            _ => Err(BadContent::Identity),
        };
        match (kind, length) {
            (0x00, length) => {
                let (bits, length) = bits(length)?;
                Ari::from_bits(bits, length).map(Self::Ari).map_err(|_| BadContent::Identity)
            }
            (0x01 | 0x02, 40) => {
                let octets = value.first_chunk::<5>().ok_or(BadContent::TooShort)?;
                let rfpi = Rfpi::from_octets(*octets).map_err(|_| BadContent::Identity)?;
                Ok(if kind == 1 { Self::Radio(rfpi) } else { Self::Relay(rfpi) })
            }
            (0x20, length) => {
                let (bits, length) = bits(length)?;
                Park::from_bits(bits, length).map(Self::Park).map_err(|_| BadContent::Identity)
            }
            (0x01 | 0x02, _) => Err(BadContent::Identity),
            (value, _) => Err(BadContent::Reserved { octet: 3, value }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let (kind, length, value) = match self {
            Self::Ari(ari) => (0x00, 1 + ari.length(), write(ari.to_bits().into(), 1 + ari.length())),
            Self::Radio(rfpi) => (0x01, 40, rfpi.to_octets().to_vec()),
            Self::Relay(rfpi) => (0x02, 40, rfpi.to_octets().to_vec()),
            Self::Park(park) => (0x20, 1 + park.length(), write(park.bits().into(), 1 + park.length())),
        };
        [&[0x80 | kind, 0x80 | length], value.as_slice()].concat()
    }
}

/// How far one may walk without telling (`<<LOCATION-AREA>>`, 7.7.25).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationArea {
    /// How many bits of PARI and RPN name the area.
    pub level: Option<u8>,
    /// Extended location information (mobile networks), as it came.
    pub extended: Option<Vec<u8>>,
}

impl LocationArea {
    /// An area told by its level alone, 0 to 39.
    pub fn level(level: u8) -> Self {
        Self { level: Some(level & 0x3F), extended: None }
    }
}

impl Coding for LocationArea {
    const TAG: Tag = Tag::LOCATION_AREA;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let extended = || Some(content[1..].to_vec());
        match first >> 6 {
            0b01 => Ok(Self { level: Some(first & 0x3F), extended: None }),
            0b10 => Ok(Self { level: None, extended: extended() }),
            0b11 => Ok(Self { level: Some(first & 0x3F), extended: extended() }),
            _ => Err(BadContent::Reserved { octet: 3, value: first }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let kind = u8::from(self.level.is_some()) << 6 | u8::from(self.extended.is_some()) << 7;
        let mut content = vec![kind | self.level.unwrap_or(0) & 0x3F];
        content.extend_from_slice(self.extended.as_deref().unwrap_or_default());
        content
    }
}

/// A kind of identity that is asked for (`<<IDENTITY-TYPE>>`, 7.7.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityType {
    /// Group of identities, four bits.
    pub group: u8,
    /// Type in the group, seven bits.
    pub kind: u8,
}

impl IdentityType {
    /// The user in the handset.
    pub const IPUI: Self = Self { group: 0, kind: 0x00 };
    /// The equipment.
    pub const IPEI: Self = Self { group: 0, kind: 0x10 };
    /// The temporary name.
    pub const TPUI: Self = Self { group: 0, kind: 0x20 };
    /// The key it holds.
    pub const PARK: Self = Self { group: 4, kind: 0x20 };
}

impl Coding for IdentityType {
    const TAG: Tag = Tag::IDENTITY_TYPE;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        Ok(Self { group: octet(content, 3)? & 0x0F, kind: octet(content, 4)? & 0x7F })
    }

    fn encode(&self) -> Vec<u8> {
        vec![0x80 | self.group & 0x0F, 0x80 | self.kind]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    const OURS: Ari = Ari::B { eic: 0x02AF, fpn_fps: 0x12C };

    #[test]
    fn captured_portable_identities_are_read_and_written_alike() {
        let ipui = Ipui::private(0x0028_6996_5170 >> 4, 44).unwrap();
        there_and_back(&[0x80, 0xB0, 0x10, 0x02, 0x86, 0x99, 0x65, 0x17], PortableIdentity::Ipui(ipui));
        let ipei = Ipei::new(0x0E02, 0xA_E5C3).unwrap();
        there_and_back(&[0x80, 0xA8, 0x00, 0xE0, 0x2A, 0xE5, 0xC3], PortableIdentity::Ipui(Ipui::N(ipei)));
        there_and_back(&[0x90, 0xA8, 0x00, 0xE0, 0x2A, 0xE5, 0xC3], PortableIdentity::Ipei(ipei));
        let tpui = PortableIdentity::tpui(Tpui::from_bits(0x1_027B).unwrap());
        there_and_back(&[0xA0, 0x94, 0x01, 0x02, 0x7B], tpui);
    }

    #[test]
    fn captured_fixed_identities_are_read_and_written_alike() {
        there_and_back(&[0xA0, 0xA0, 0x10, 0x2A, 0xF1, 0x2C], FixedIdentity::Park(Park::of(&OURS)));
        let radio = Rfpi { sari_list: true, pari: OURS, rpn: 0x25 };
        there_and_back(&[0x81, 0xA8, 0x90, 0x2A, 0xF1, 0x2C, 0x25], FixedIdentity::Radio(radio));
        there_and_back(&[0x80, 0xA0, 0x10, 0x2A, 0xF1, 0x2C], FixedIdentity::Ari(OURS));
    }

    #[test]
    fn a_set_e_bit_before_an_ari_or_park_is_ignored() {
        let park = FixedIdentity::decode(&[0xA0, 0xA0, 0x90, 0x2A, 0xF1, 0x2C]);
        assert_eq!(park, Ok(FixedIdentity::Park(Park::of(&OURS))));
    }

    #[test]
    fn an_identity_shorter_than_it_says_is_refused() {
        let bad = |content: &[u8]| PortableIdentity::decode(content).unwrap_err();
        assert_eq!(bad(&[]), BadContent::TooShort);
        assert_eq!(bad(&[0x80]), BadContent::TooShort);
        assert_eq!(bad(&[0x80, 0xA8, 0, 0, 0]), BadContent::Identity);
        assert_eq!(bad(&[0xA0, 0x94, 0]), BadContent::TooShort);
        assert_eq!(bad(&[0xA0, 0x94, 0x21, 0x02, 0x7B]), BadContent::Reserved { octet: 5, value: 2 });
        assert_eq!(bad(&[0xC0, 0x80]), BadContent::Reserved { octet: 3, value: 0x40 });
        assert_eq!(FixedIdentity::decode(&[0xA0, 0x80]), Err(BadContent::Identity));
        assert_eq!(FixedIdentity::decode(&[0xA0, 0xA0, 0x10]), Err(BadContent::TooShort));
        assert_eq!(FixedIdentity::decode(&[0x81, 0xA8, 0x90]), Err(BadContent::TooShort));
    }

    #[test]
    fn a_location_area_has_a_level_or_more() {
        there_and_back(&[0x5F], LocationArea::level(31));
        there_and_back(&[0x80, 0xF1], LocationArea { level: None, extended: Some(vec![0xF1]) });
        there_and_back(&[0xC1], LocationArea { level: Some(1), extended: Some(Vec::new()) });
        assert_eq!(LocationArea::decode(&[0x1F]), Err(BadContent::Reserved { octet: 3, value: 0x1F }));
        there_and_back(&[0x80, 0x90], IdentityType::IPEI);
    }
}
