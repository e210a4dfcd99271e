//! The firmware gate: which base stations and media resources are too old to be let in.

use std::fmt;
use std::str::FromStr;

use super::code::{RefuseReason, Role};

/// A firmware version that can be compared: `PCS(\d{2})([A-Z]?)_*`, as `PCS08__` or `PCS12A_`.
///
/// "key (number, letter 0 for none). Order: PCS08__ < PCS08A < PCS08B < PCS12 < PCS12A."
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Firmware {
    number: u8,
    letter: Option<char>,
}

impl Firmware {
    const fn of(number: u8, letter: Option<char>) -> Self {
        Self { number, letter }
    }
}

/// Why a text is no [`Firmware`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a firmware version reads PCS, two digits, at most one capital letter, and underscores")]
pub struct BadFirmware;

impl FromStr for Firmware {
    type Err = BadFirmware;

    fn from_str(text: &str) -> Result<Self, BadFirmware> {
        let rest = text.strip_prefix("PCS").ok_or(BadFirmware)?.trim_end_matches('_').as_bytes();
        let digit = |octet: u8| octet.is_ascii_digit().then(|| octet - b'0').ok_or(BadFirmware);
        match *rest {
            [tens, ones] => Ok(Self::of(digit(tens)? * 10 + digit(ones)?, None)),
            [tens, ones, letter @ b'A'..=b'Z'] => {
                Ok(Self::of(digit(tens)? * 10 + digit(ones)?, Some(letter.into())))
            }
            _ => Err(BadFirmware),
        }
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = self.letter.unwrap_or('_');
        write!(f, "PCS{:02}{letter}_", self.number)
    }
}

/// The oldest version that is let in.
pub fn oldest(role: Role) -> Firmware {
    match role {
        Role::Base => Firmware::of(8, None),
        Role::Media => Firmware::of(8, Some('B')),
    }
}

/// The oldest version without a warning.
pub fn recommended(role: Role) -> Firmware {
    match role {
        Role::Base => Firmware::of(12, Some('A')),
        Role::Media => Firmware::of(12, None),
    }
}

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Come in.
    Open,
    /// Come in; an upgrade is recommended.
    Warned,
    /// Stay out.
    Closed(RefuseReason),
}

/// "`ROLE=base && fw < PCS08` -> REFUSE …; Warn (accept …) below PCS12A for bases / PCS12 for media
/// resources. Non-matching strings -> REFUSE unless configured "allow unknown"".
pub fn gate(role: Role, version: &str, allow_unknown: bool) -> Gate {
    match version.parse::<Firmware>() {
        Err(_) if allow_unknown => Gate::Warned,
        Err(_) => Gate::Closed(RefuseReason::FIRMWARE_UNKNOWN),
        Ok(firmware) if firmware < oldest(role) => Gate::Closed(RefuseReason::FIRMWARE_TOO_OLD),
        Ok(firmware) if firmware < recommended(role) => Gate::Warned,
        Ok(_) => Gate::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_the_maker() {
        let texts = ["PCS07Z_", "PCS08__", "PCS08A", "PCS08B_", "PCS12", "PCS12A____", "PCS13__"];
        let versions: Vec<Firmware> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        for text in ["", "PCS", "PCS8", "PCS123", "PCS08a", "PCS0AB", "PCS08AB", "pcs08", " PCS08", "PCS08 "]
        {
            assert_eq!(text.parse::<Firmware>(), Err(BadFirmware), "{text:?}");
        }
        assert_eq!("PCS08".parse::<Firmware>().unwrap().to_string(), "PCS08__");
    }

    #[test]
    fn each_role_has_its_own_gate() {
        use Gate::*;
        let old = Closed(RefuseReason::FIRMWARE_TOO_OLD);
        for (version, base, media) in [
            ("PCS07__", old, old),
            ("PCS08__", Warned, old),
            ("PCS08A_", Warned, old),
            ("PCS08B_", Warned, Warned),
            ("PCS12__", Warned, Open),
            ("PCS12A_", Open, Open),
        ] {
            assert_eq!(gate(Role::Base, version, false), base, "{version}");
            assert_eq!(gate(Role::Media, version, false), media, "{version}");
        }
        let unknown = Closed(RefuseReason::FIRMWARE_UNKNOWN);
        assert_eq!((gate(Role::Base, "1.0", false), gate(Role::Base, "1.0", true)), (unknown, Warned));
    }
}
