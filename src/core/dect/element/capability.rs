//! What a handset can do (7.7.40, 7.7.41, 7.7.46).

use super::{BadContent, Coding, Tag, group, octet, push_group};

/// What a handset can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Display {
    /// Nothing, or it does not say.
    None,
    /// Digits.
    Numeric,
    /// Digits and a to d.
    NumericPlus,
    /// Letters.
    Alphanumeric,
    /// The whole DECT character set.
    Full,
}

/// What a handset can do (`<<TERMINAL-CAPABILITY>>`, 7.7.41), in octet groups whose later octets and
/// groups older handsets leave out. Extension bits are not kept; octets and groups we have no name for are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalCapability {
    groups: Vec<Vec<u8>>,
}

impl TerminalCapability {
    /// From octet groups 3, 4, 5 and 6, seven bits an octet; for tests and emulators.
    pub fn from_groups(groups: Vec<Vec<u8>>) -> Self {
        Self { groups }
    }

    /// Octet `place` (0 for the one without letter) of group `number`. There is no octet 3a.
    fn octet(&self, number: usize, place: usize) -> u8 {
        self.groups.get(number - 3).and_then(|group| group.get(place)).copied().unwrap_or(0)
    }

    /// What it can show (octet 3).
    pub fn display(&self) -> Display {
        match self.octet(3, 0) & 0x0F {
            2 => Display::Numeric,
            3 => Display::NumericPlus,
            4 => Display::Alphanumeric,
            5 => Display::Full,
            _ => Display::None,
        }
    }

    /// Whether its echo loss needs no help: TCLw over 55 dB (octet 3b).
    pub fn is_echo_free(&self) -> bool {
        self.octet(3, 1) >> 4 == 3
    }

    /// Whether it takes long slots of 640 bits, as G.722 needs (octet 3c).
    pub fn long_slots(&self) -> bool {
        self.octet(3, 2) & 0x02 != 0
    }

    /// Whether it takes full slots. Octet 3c may be missing in old handsets, which all do.
    pub fn full_slots(&self) -> bool {
        self.groups.first().is_none_or(|group| group.len() < 3) || self.octet(3, 2) & 0x08 != 0
    }

    /// How many characters its display stores (octets 3d and 3e).
    pub fn stored_characters(&self) -> u16 {
        u16::from(self.octet(3, 3)) << 7 | u16::from(self.octet(3, 4))
    }

    /// Lines of its display and characters per line (octets 3f and 3g); zero when not told.
    pub fn lines(&self) -> (u8, u8) {
        (self.octet(3, 5), self.octet(3, 6))
    }

    /// Generic Access Profile (octet 4).
    pub fn gap(&self) -> bool {
        self.octet(4, 0) & 0x02 != 0
    }

    /// New Generation DECT part 1: wideband speech and codec negotiation (octet 4f).
    pub fn wideband(&self) -> bool {
        self.octet(4, 6) & 0x02 != 0
    }

    /// Whether it shows names in UTF-8, as every handset of New Generation DECT does: parts 1, 3 and 5 (octet 4f, bits 2,
    /// 3 and 7). One that says GAP alone has the DECT character set.
    pub fn utf8(&self) -> bool {
        self.octet(4, 6) & 0x46 != 0
    }

    /// Re-keying and encryption with a default key (octet 4f).
    pub fn early_encryption(&self) -> bool {
        self.octet(4, 6) & 0x10 != 0
    }

    /// The authentication algorithm DSAA2 (octet 5).
    pub fn dsaa2(&self) -> bool {
        self.octet(5, 0) & 0x40 != 0
    }

    /// The cipher DSC2 (octet 5).
    pub fn dsc2(&self) -> bool {
        self.octet(5, 0) & 0x20 != 0
    }
}

impl Coding for TerminalCapability {
    const TAG: Tag = Tag::TERMINAL_CAPABILITY;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (mut groups, mut rest) = (Vec::new(), content);
        while !rest.is_empty() {
            let (octets, after) = group(rest).ok_or(BadContent::TooShort)?;
            groups.push(octets);
            rest = after;
        }
        match groups.is_empty() {
            true => Err(BadContent::TooShort),
            false => Ok(Self { groups }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = Vec::new();
        self.groups.iter().for_each(|octets| push_group(octets, &mut content));
        content
    }
}

/// How a handset listens and sets up (`<<SETUP-CAPABILITY>>`, 7.7.40).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetupCapability {
    /// Profile whose octets follow, three bits; 0 in old handsets.
    pub profile: u8,
    /// 0 selective fast, 1 none, 2 complete fast, 3 both fast setups.
    pub setup: u8,
    /// Whether it hears fast pages.
    pub fast_page: bool,
}

impl Coding for SetupCapability {
    const TAG: Tag = Tag::SETUP_CAPABILITY;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        Ok(Self { profile: first >> 4 & 7, setup: first >> 2 & 3, fast_page: first & 3 == 2 })
    }

    fn encode(&self) -> Vec<u8> {
        let page = if self.fast_page { 2 } else { 1 };
        vec![0x80 | (self.profile & 7) << 4 | (self.setup & 3) << 2 | page]
    }
}

/// Which model (`<<MODEL-IDENTIFIER>>`, 7.7.46). "Distinction is taken based on the Length of Contents".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Model {
    /// Manufacturer (an EMC) and model version.
    Dect {
        /// MANIC.
        manufacturer: u16,
        /// MODIC; 0 means "model number not supported".
        model: u8,
    },
    /// An IMEISV.
    Imeisv(Vec<u8>),
}

impl Coding for Model {
    const TAG: Tag = Tag::MODEL_IDENTIFIER;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        match content {
            [_, _] | [_] | [] => Err(BadContent::TooShort),
            [high, low, model, rest @ ..] if rest.len() < 15 => {
                Ok(Self::Dect { manufacturer: u16::from_be_bytes([*high, *low]), model: *model })
            }
            imeisv => Ok(Self::Imeisv(imeisv[..18].to_vec())),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Dect { manufacturer, model } => {
                let [high, low] = manufacturer.to_be_bytes();
                vec![high, low, *model]
            }
            Self::Imeisv(octets) => octets.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    const CAPTURED: [u8; 14] =
        [0x35, 0x15, 0x1A, 0x01, 0x20, 0x06, 0x10, 0x81, 0x33, 0x01, 0x14, 0xB0, 0x04, 0x87];

    #[test]
    fn a_captured_capability_is_understood_and_written_alike() {
        let can = TerminalCapability::decode(&CAPTURED).unwrap();
        assert_eq!(can.encode(), CAPTURED);
        assert_eq!((can.display(), can.stored_characters(), can.lines()), (Display::Full, 160, (6, 16)));
        assert!(can.long_slots() && can.full_slots() && can.gap());
        assert!(!can.is_echo_free() && !can.wideband() && !can.early_encryption());
        assert!(!can.dsaa2() && !can.dsc2() && !can.utf8());
    }

    #[test]
    fn handsets_of_new_generation_dect_know_utf8() {
        let says =
            |octet| TerminalCapability::from_groups(vec![vec![5], vec![2, 0, 0, 0, 0, 0, octet]]).utf8();
        assert_eq!([0x02, 0x04, 0x40, 0x10].map(says), [true, true, true, false]);
    }

    #[test]
    fn an_old_handset_that_says_little_can_do_the_least() {
        let can = TerminalCapability::decode(&[0x91]).unwrap();
        assert_eq!((can.display(), can.lines()), (Display::None, (0, 0)));
        assert!(can.full_slots() && !can.long_slots() && !can.dsaa2());
    }

    #[test]
    fn a_group_without_end_is_refused() {
        assert_eq!(TerminalCapability::decode(&[]), Err(BadContent::TooShort));
        assert_eq!(TerminalCapability::decode(&[0x91, 0x03]), Err(BadContent::TooShort));
    }

    #[test]
    fn models_and_setup_capabilities_are_read_and_written_alike() {
        there_and_back(&[0x00, 0x31, 0x41], Model::Dect { manufacturer: 0x31, model: 0x41 });
        there_and_back(&[9; 18], Model::Imeisv(vec![9; 18]));
        assert_eq!(Model::decode(&[1, 2]), Err(BadContent::TooShort));
        there_and_back(&[0x96], SetupCapability { profile: 1, setup: 1, fast_page: true });
    }
}
