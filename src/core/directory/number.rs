//! Numbers as people write them, and as they are compared and dialled.

use serde::{Deserialize, Serialize};

/// Most digits of a number. E.164 has 15; prefixes and extensions come on top.
pub const MAX_NUMBER: usize = 32;

/// Most characters of a number as people write it.
const MAX_TEXT: usize = 64;

/// What kind of telephone a number rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Inside the house: `ipPhone`, an extension.
    Internal,
    /// At work: `telephoneNumber`.
    #[default]
    Office,
    /// `mobile`.
    Mobile,
    /// `homePhone`.
    Home,
    /// Anything else.
    Other,
}

impl Kind {
    /// Every kind, in the order in which handsets show them.
    pub const ALL: [Kind; 5] = [Self::Internal, Self::Office, Self::Mobile, Self::Home, Self::Other];

    /// Its word in REST and CSV.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Office => "office",
            Self::Mobile => "mobile",
            Self::Home => "home",
            Self::Other => "other",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(word.trim()))
    }
}

/// One number of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// What it rings.
    #[serde(default)]
    pub kind: Kind,
    /// As people wrote it: `+49 (0) 30 / 123 45-67`.
    pub text: String,
    /// As it is dialled and compared: digits, before them a plus where the number is whole.
    pub dial: String,
}

impl Number {
    /// Reads a number. None: no digits, or more than [`MAX_NUMBER`] of them.
    pub fn read(kind: Kind, text: &str, rules: &NumberRules) -> Option<Self> {
        let text: String = text.trim().chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
        let dial = rules.normal(&text)?;
        Some(Self { kind, text, dial })
    }

    /// Its digits without the plus.
    pub fn digits(&self) -> &str {
        self.dial.trim_start_matches('+')
    }
}

/// How numbers are dialled at this site, as far as two spellings of one number are to be known as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRules {
    /// Digits before an outside number; empty: none.
    pub outside_line: String,
    /// Beginning of a number abroad, behind `outside_line`.
    pub international: String,
    /// Beginning of a number of another area, behind `outside_line`.
    pub national: String,
    /// Country code of the site without plus; empty: numbers without plus stay as they are.
    pub country_code: String,
}

impl Default for NumberRules {
    fn default() -> Self {
        Self {
            outside_line: String::new(),
            international: "00".into(),
            national: "0".into(),
            country_code: String::new(),
        }
    }
}

impl NumberRules {
    /// The one spelling of a number: `+493012345` for `+49 (0)30 123-45`, `0049 30 12345`, and, at a site in
    /// Germany, `030 12345`. Numbers inside stay as they are. None: no digits or too many.
    pub fn normal(&self, text: &str) -> Option<String> {
        let text = without_uri(text);
        let text = without_trunk_zero(text);
        let plus = text.trim_start().starts_with('+');
        let digits: String =
            text.chars().filter_map(|c| c.to_digit(10).and_then(|d| char::from_digit(d, 10))).collect();
        if digits.is_empty() || digits.len() > MAX_NUMBER {
            return None;
        }
        Some(if plus { format!("+{digits}") } else { self.whole(&digits).unwrap_or(digits) })
    }

    /// With plus and country code, if the number is one of the world outside.
    fn whole(&self, digits: &str) -> Option<String> {
        let outside = digits.strip_prefix(self.outside_line.as_str()).unwrap_or(digits);
        let abroad = Some(&self.international).filter(|prefix| !prefix.is_empty());
        if let Some(rest) = abroad.and_then(|prefix| outside.strip_prefix(prefix.as_str())) {
            return (!rest.is_empty()).then(|| format!("+{rest}"));
        }
        let other_area = Some(&self.national).filter(|p| !p.is_empty() && !self.country_code.is_empty())?;
        let rest = outside.strip_prefix(other_area.as_str())?;
        (!rest.is_empty()).then(|| format!("+{}{rest}", self.country_code))
    }
}

/// `tel:+49-30-12;ext=3` and `sip:4711@example.com` without scheme, parameters and host.
fn without_uri(text: &str) -> &str {
    let text = text.trim();
    let scheme = text
        .split_once(':')
        .filter(|(scheme, _)| ["tel", "sip", "sips"].iter().any(|known| known.eq_ignore_ascii_case(scheme)));
    let rest = scheme.map_or(text, |(_, rest)| rest);
    rest.split(['@', ';']).next().unwrap_or(rest)
}

/// `+49 (0) 30`: the bracketed zero is dialled inside the country only (DIN 5008 names it as the usual fault).
fn without_trunk_zero(text: &str) -> String {
    if !text.starts_with('+') {
        return text.to_owned();
    }
    ["(0)", "( 0 )"].iter().fold(text.to_owned(), |text, zero| text.replacen(zero, "", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn germany() -> NumberRules {
        NumberRules { country_code: "49".into(), ..NumberRules::default() }
    }

    #[test]
    fn one_number_has_one_spelling() {
        for text in
            ["+49 (0) 30 / 123-45", "0049 30 12345", "030 12345", "tel:+49-30-123-45;ext=9", "(030) 123.45"]
        {
            assert_eq!(germany().normal(text).as_deref(), Some("+493012345"), "{text}");
        }
    }

    #[test]
    fn digits_of_other_scripts_are_digits_only_where_they_are_decimal() {
        assert_eq!(germany().normal("４７１１"), None, "full width digits are no digits to a dialler");
    }

    #[test]
    fn a_number_inside_stays_as_it_is() {
        assert_eq!(germany().normal("4711").as_deref(), Some("4711"));
        assert_eq!(germany().normal("sip:4711@example.com").as_deref(), Some("4711"));
    }

    #[test]
    fn digits_for_an_outside_line_are_taken_off() {
        let rules = NumberRules { outside_line: "0".into(), ..germany() };
        assert_eq!(rules.normal("0 030 12345").as_deref(), Some("+493012345"));
        assert_eq!(rules.normal("0 0044 20 7946").as_deref(), Some("+44207946"));
    }

    #[test]
    fn without_a_country_code_only_whole_numbers_are_made_whole() {
        assert_eq!(NumberRules::default().normal("030 12345").as_deref(), Some("03012345"));
        assert_eq!(NumberRules::default().normal("0044 20 1").as_deref(), Some("+44201"));
    }

    #[test]
    fn no_digits_or_too_many_are_no_number() {
        assert_eq!(germany().normal("n/a"), None);
        assert_eq!(germany().normal(&"1".repeat(MAX_NUMBER + 1)), None);
        assert_eq!(germany().normal(""), None);
        assert_eq!(germany().normal("00"), Some("00".into()));
    }
}
