//! Kinds of numbers, and which of them a user may call.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What kind a number is. In the order of what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberClass {
    /// Saves lives; everybody may, always.
    Emergency,
    /// Another user of the domain, or a service of its registrar.
    Internal,
    /// Outside, in the same area.
    Local,
    /// Outside, in the same country.
    National,
    /// Abroad.
    International,
    /// Costs extra.
    Premium,
}

impl NumberClass {
    /// Those that can be allowed, cheap ones first.
    pub const TOLL: [Self; 5] =
        [Self::Internal, Self::Local, Self::National, Self::International, Self::Premium];

    /// Its word in configuration, REST and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Internal => "internal",
            Self::Local => "local",
            Self::National => "national",
            Self::International => "international",
            Self::Premium => "premium",
        }
    }

    /// Of a number that was dialled as `self` and whose translation is `translated`: a rule that writes a
    /// local number in full does not make it dearer; one that leads abroad does.
    pub(super) fn with_translation(self, translated: Self) -> Self {
        match (self, translated) {
            (Self::Internal, translated) => translated,
            (_, Self::International | Self::Premium) => self.max(translated),
            (dialled, _) => dialled,
        }
    }
}

impl fmt::Display for NumberClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no class of numbers; use internal, local, national, international or premium")]
pub struct UnknownClass(String);

impl FromStr for NumberClass {
    type Err = UnknownClass;

    /// Emergency numbers cannot be allowed or barred, so that word is none.
    fn from_str(text: &str) -> Result<Self, UnknownClass> {
        let word = text.trim();
        let known = Self::TOLL.into_iter().find(|class| class.as_str().eq_ignore_ascii_case(word));
        known.ok_or_else(|| UnknownClass(word.chars().take(40).collect()))
    }
}

/// Which numbers a user may call; emergency numbers always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<NumberClass>", into = "Vec<NumberClass>")]
pub struct AllowedCalls(u8);

impl AllowedCalls {
    /// Emergency numbers only.
    pub const NOTHING: Self = Self(0);
    /// Inside only: what a user may who was given nothing else.
    pub const INTERNAL: Self = Self(bit(NumberClass::Internal));

    /// Whether a number of that class may be called.
    pub const fn permits(self, class: NumberClass) -> bool {
        matches!(class, NumberClass::Emergency) || self.0 & bit(class) != 0
    }

    /// The classes, cheap ones first.
    pub fn classes(self) -> Vec<NumberClass> {
        NumberClass::TOLL.into_iter().filter(|class| self.permits(*class)).collect()
    }
}

const fn bit(class: NumberClass) -> u8 {
    match class {
        NumberClass::Emergency => 0,
        NumberClass::Internal => 1,
        NumberClass::Local => 2,
        NumberClass::National => 4,
        NumberClass::International => 8,
        NumberClass::Premium => 16,
    }
}

impl FromIterator<NumberClass> for AllowedCalls {
    fn from_iter<I: IntoIterator<Item = NumberClass>>(classes: I) -> Self {
        Self(classes.into_iter().fold(0, |bits, class| bits | bit(class)))
    }
}

impl From<Vec<NumberClass>> for AllowedCalls {
    fn from(classes: Vec<NumberClass>) -> Self {
        classes.into_iter().collect()
    }
}

impl From<AllowedCalls> for Vec<NumberClass> {
    fn from(allowed: AllowedCalls) -> Self {
        allowed.classes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emergency_numbers_are_always_permitted_and_nothing_else_by_itself() {
        assert!(AllowedCalls::NOTHING.permits(NumberClass::Emergency));
        assert!(NumberClass::TOLL.iter().all(|class| !AllowedCalls::NOTHING.permits(*class)));
        assert_eq!(AllowedCalls::INTERNAL.classes(), [NumberClass::Internal]);
    }

    #[test]
    fn classes_survive_the_record_in_their_order() {
        let allowed: AllowedCalls = [NumberClass::Premium, NumberClass::Local].into_iter().collect();
        let text = serde_json::to_string(&allowed).unwrap();
        assert_eq!(text, r#"["local","premium"]"#);
        assert_eq!(serde_json::from_str::<AllowedCalls>(&text).unwrap(), allowed);
    }

    #[test]
    fn a_word_that_is_no_class_is_told_which_are() {
        assert_eq!(" National ".parse(), Ok(NumberClass::National));
        let fault = "emergency".parse::<NumberClass>().unwrap_err().to_string();
        assert!(fault.contains("internal, local, national"), "{fault}");
    }
}
