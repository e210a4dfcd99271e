//! {LCE-REQUEST-PAGE} in its B-format (EN 300 175-5, 8.2).

use crate::dect::identity::{Ipui, Tpui};

/// What a page is for (8.2.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageHeader {
    /// No speech path: mobility, text.
    NoUPlane = 0,
    /// Anything.
    General = 3,
    /// A voice call.
    Voice = 4,
}

/// Whom a page is for, and in how many octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAddress {
    /// 3 octets: the low 16 bits of an assigned TPUI or the CBI.
    Assigned(u16),
    /// 3 octets: the low 16 bits of the default TPUI.
    Default(u16),
    /// 5 octets: a whole TPUI; slot and set-up method as the handset's default.
    Tpui(Tpui),
    /// 5 octets: the type of the IPUI and its low 28 bits.
    Ipui {
        /// Its type, 0 for N and so on.
        class: u8,
        /// Its low bits.
        low: u32,
    },
}

impl PageAddress {
    /// The short page for a handset: "the assigned individual TPUI shall be used if available"; else "the
    /// default individual TPUI" (14.2.3).
    pub fn short(ipui: &Ipui, assigned: Option<Tpui>) -> Self {
        match assigned {
            Some(tpui) => Self::Assigned(tpui.low()),
            None => Self::Default(Tpui::default_of(ipui).low()),
        }
    }

    /// The long page for a handset, which fewer others will answer.
    pub fn full(ipui: &Ipui, assigned: Option<Tpui>) -> Self {
        let (bits, length) = ipui.to_bits();
        match assigned {
            Some(tpui) => Self::Tpui(tpui),
            None => Self::Ipui { class: (bits >> (length - 4)) as u8, low: bits as u32 & 0x0FFF_FFFF },
        }
    }
}

/// One page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// What for.
    pub header: PageHeader,
    /// For whom.
    pub address: PageAddress,
}

impl Page {
    /// Its octets: 3 or 5. Ring patterns and group masks (header 1) are not used by this product.
    pub fn encode(&self) -> Vec<u8> {
        let first = |w: u8| w << 3 | self.header as u8;
        match self.address {
            PageAddress::Assigned(low) => vec![first(1), (low >> 8) as u8, low as u8],
            PageAddress::Default(low) => vec![first(0), (low >> 8) as u8, low as u8],
            PageAddress::Tpui(tpui) => {
                let [_, high, middle, low] = tpui.bits().to_be_bytes();
                vec![first(1), high & 0x0F, middle, low, 0]
            }
            PageAddress::Ipui { class, low } => {
                let [a, b, c, d] = (u32::from(class & 0x0F) << 28 | low & 0x0FFF_FFFF).to_be_bytes();
                vec![first(0), a, b, c, d]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::identity::Ipei;

    #[test]
    fn captured_pages_are_written_alike() {
        let ipui = Ipui::N(Ipei::new(0x0E02, 0xA_E5C3).unwrap());
        let page = |header, address: PageAddress| Page { header, address }.encode();
        let tpui = Some(Tpui::assigned(0x1_027B).unwrap());
        assert_eq!(page(PageHeader::Voice, PageAddress::short(&ipui, tpui)), [0x0C, 0x02, 0x7B]);
        let other = Some(Tpui::assigned(0x1_0E9E).unwrap());
        assert_eq!(page(PageHeader::NoUPlane, PageAddress::short(&ipui, other)), [0x08, 0x0E, 0x9E]);
        assert_eq!(page(PageHeader::Voice, PageAddress::short(&ipui, None)), [0x04, 0xE5, 0xC3]);
        assert_eq!(page(PageHeader::Voice, PageAddress::full(&ipui, tpui)), [0x0C, 0x01, 0x02, 0x7B, 0]);
        assert_eq!(page(PageHeader::Voice, PageAddress::full(&ipui, None)), [0x04, 0x00, 0x2A, 0xE5, 0xC3]);
        let broadcast = PageAddress::Assigned(Tpui::BROADCAST.low());
        assert_eq!(page(PageHeader::General, broadcast), [0x0B, 0xCF, 0xFF]);
    }
}
