//! Own rules of normalisation: `PATTERN => TRANSLATION`, with the matcher of Lync's location profiles.

use std::fmt;
use std::str::FromStr;

use crate::lync::location_profile::{LocationProfile, Pattern, PatternFault, Rule};

/// One rule, `^(7\d)$ => 47$1`: what the pattern matches is replaced by the translation.
#[derive(Debug, Clone)]
pub struct DialRule {
    pattern: Pattern,
    translation: String,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// Two halves are needed.
    #[error("a rule has a pattern and a translation: \"^(7\\\\d)$ => 47$1\"")]
    NoArrow,
    /// The pattern is wrong.
    #[error(transparent)]
    Pattern(#[from] PatternFault),
}

impl FromStr for DialRule {
    type Err = RuleFault;

    fn from_str(text: &str) -> Result<Self, RuleFault> {
        let (pattern, translation) = text.split_once("=>").ok_or(RuleFault::NoArrow)?;
        Ok(Self { pattern: Pattern::compile(pattern.trim())?, translation: translation.trim().to_owned() })
    }
}

impl fmt::Display for DialRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} => {}", self.pattern.as_str(), self.translation)
    }
}

impl PartialEq for DialRule {
    /// As they are written.
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl DialRule {
    /// Rules in their order, as a profile.
    pub fn profile(rules: impl Iterator<Item = Self>) -> LocationProfile {
        let rule =
            |rule: Self| Rule { pattern: rule.pattern, translation: rule.translation, is_internal: false };
        LocationProfile { rules: rules.map(rule).collect(), ..LocationProfile::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for text in ["^(7\\d)$ => 47$1", "^00 => +"] {
            assert_eq!(text.parse::<DialRule>().unwrap().to_string(), text);
        }
        assert_eq!("^7$".parse::<DialRule>(), Err(RuleFault::NoArrow));
        assert!(matches!("^(7 => 8".parse::<DialRule>(), Err(RuleFault::Pattern(_))));
    }
}
