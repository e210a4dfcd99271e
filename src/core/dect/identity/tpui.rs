//! Temporary identities, for paging (EN 300 175-6, 6.3).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Ipui;

/// Temporary Portable User Identity, 20 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tpui(u32);

/// What sort of TPUI it is (table 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TpuiKind {
    /// Given to one handset by the fixed side.
    Assigned,
    /// For a group, without answer.
    ConnectionlessGroup,
    /// For a group that is called.
    CallGroup,
    /// Derived from the IPUI; always there.
    Default,
    /// For emergency calls.
    Emergency,
    /// Nothing the standard defines.
    Reserved,
}

/// Why a number is no [`Tpui`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTpui {
    /// More than 20 bits.
    #[error("a TPUI has 20 bits")]
    TooWide,
    /// Not of the kind that may be assigned.
    #[error("an assigned TPUI begins with a hexadecimal digit 0 to B")]
    NotAssignable,
}

impl Tpui {
    /// The collective broadcast identifier. "The value CFFFH … shall be reserved in all PPs as the value of
    /// the CBI" (6.3.3); here with the type digit before it.
    pub const BROADCAST: Self = Self(0xC_CFFF);

    /// From its 20 bits.
    pub fn from_bits(bits: u32) -> Result<Self, BadTpui> {
        match bits >> 20 {
            0 => Ok(Self(bits)),
            _ => Err(BadTpui::TooWide),
        }
    }

    /// One to assign to a handset.
    pub fn assigned(bits: u32) -> Result<Self, BadTpui> {
        let tpui = Self::from_bits(bits)?;
        match tpui.kind() {
            TpuiKind::Assigned => Ok(tpui),
            _ => Err(BadTpui::NotAssignable),
        }
    }

    /// The default individual TPUI: E and the "lowest 16 bits of IPUI" (figure 6.16).
    pub fn default_of(ipui: &Ipui) -> Self {
        let (bits, _) = ipui.to_bits();
        Self(0xE_0000 | (bits & 0xFFFF) as u32)
    }

    /// Its 20 bits.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The 16 bits a short page carries.
    pub fn low(self) -> u16 {
        self.0 as u16
    }

    /// Its sort, by the type digits.
    pub fn kind(self) -> TpuiKind {
        match self.0 >> 12 {
            0x00..=0xBF => TpuiKind::Assigned,
            0xC0..=0xCF => TpuiKind::ConnectionlessGroup,
            0xD0..=0xDF => TpuiKind::CallGroup,
            0xE0..=0xEF => TpuiKind::Default,
            0xF1 => TpuiKind::Emergency,
            _ => TpuiKind::Reserved,
        }
    }
}

impl fmt::Display for Tpui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::identity::Ipei;

    #[test]
    fn the_default_tpui_ends_like_the_ipui() {
        let ipui = Ipui::N(Ipei::new(0x0E02, 0xA_E5C3).unwrap());
        assert_eq!(Tpui::default_of(&ipui).to_string(), "EE5C3");
        assert_eq!(Tpui::default_of(&ipui).kind(), TpuiKind::Default);
    }

    #[test]
    fn only_the_digits_0_to_b_are_assigned() {
        assert_eq!(Tpui::assigned(0xB_FFFF).map(Tpui::low), Ok(0xFFFF));
        assert_eq!(Tpui::assigned(0xC_0000), Err(BadTpui::NotAssignable));
        assert_eq!(Tpui::assigned(0x10_0000), Err(BadTpui::TooWide));
        assert_eq!(Tpui::BROADCAST.low(), 0xCFFF);
    }
}
