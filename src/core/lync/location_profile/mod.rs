//! The location profile: how dialled digits become a number ([MS-SIPRE] §2.2.5, fetched by SERVICE).
//!
//! Rules are .NET regular expressions; the first that matches gives its translation, with `$1` for the
//! first group. [`Pattern`] is an own matcher of what dial plans use of them, with a bound on its steps,
//! so that no rule can hold a call up: core has no regular expressions, and the crate of that name knows
//! no look-ahead, which dial plans do use.
//!
//! A switch may do without: the front end itself normalises `sip:1234;phone-context=PROFILE@DOMAIN`.

mod compile;
mod pattern;

use super::xml::{Element, XmlFault};

pub use pattern::{Pattern, PatternFault};

/// Content-Type of the answer.
pub const CONTENT_TYPE: &str = "application/ms-location-profile-definition+xml";
/// Most rules kept.
const MAX_RULES: usize = 256;
/// Longest number that is translated, and longest translation.
const MAX_DIGITS: usize = 64;

/// A dial plan.
#[derive(Debug, Clone, Default)]
pub struct LocationProfile {
    /// Its name, for `phone-context`.
    pub name: String,
    /// Rules in order.
    pub rules: Vec<Rule>,
    /// Digits dialled before an outside number.
    pub external_prefix: Option<String>,
    /// Rules that could not be read, with the reason, for people.
    pub left_out: Vec<(String, PatternFault)>,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it is for.
    pub pattern: Pattern,
    /// What comes out.
    pub translation: String,
    /// Whether the result is an extension of the house.
    pub is_internal: bool,
}

impl LocationProfile {
    /// Reads the document. Rules with a pattern that we do not know are left out, and said so.
    ///
    /// # Errors
    ///
    /// It is no XML.
    pub fn parse(body: &[u8]) -> Result<Self, XmlFault> {
        let document = Element::parse(body)?;
        let text = |name: &str| document.text_of(name).map(str::to_owned);
        let mut profile = Self {
            name: text("Name").unwrap_or_default(),
            external_prefix: text("ExternalAccessPrefix").filter(|prefix| !prefix.is_empty()),
            ..Self::default()
        };
        document.children("Rule").take(MAX_RULES).for_each(|rule| profile.add(rule));
        Ok(profile)
    }

    fn add(&mut self, rule: &Element) {
        let (Some(pattern), Some(translation)) = (rule.text_of("Pattern"), rule.text_of("Translation"))
        else {
            return;
        };
        let flag = |name: &str| rule.text_of(name).map(|flag| flag.eq_ignore_ascii_case("true"));
        if flag("ApplicableForDeviceDialing") == Some(false) {
            return;
        }
        match Pattern::compile(pattern) {
            Ok(pattern) => self.rules.push(Rule {
                pattern,
                translation: translation.to_owned(),
                is_internal: flag("InternalEnterpriseExtension").unwrap_or(false),
            }),
            Err(fault) => self.left_out.push((pattern.chars().take(80).collect(), fault)),
        }
    }

    /// What dialled digits become; none when no rule is for them.
    pub fn translate(&self, dialled: &str) -> Option<String> {
        if dialled.len() > MAX_DIGITS {
            return None;
        }
        self.rules.iter().find_map(|rule| rule.translate(dialled))
    }
}

impl Rule {
    fn translate(&self, dialled: &str) -> Option<String> {
        let found = self.pattern.find(dialled)?;
        // .NET's Replace: what stands around the match stays.
        let (before, after) = (&dialled[..found.whole.0], &dialled[found.whole.1..]);
        let middle = expand(&self.translation, |n| found.group(dialled, n));
        let whole = format!("{before}{middle}{after}");
        (whole.len() <= MAX_DIGITS).then_some(whole)
    }
}

/// `$1`, `${1}` and `$$`; any other dollar stays as it is.
fn expand<'a>(translation: &str, group: impl Fn(usize) -> &'a str) -> String {
    let (mut out, mut rest) = (String::new(), translation);
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        match braced {
            _ if after.starts_with('$') => (out, rest) = (out + "$", &after[1..]),
            Some((number, tail)) if number.parse::<usize>().is_ok() => {
                out.push_str(number.parse().map_or("", &group));
                rest = tail;
            }
            _ if digits > 0 => {
                out.push_str(after[..digits].parse().map_or("", &group));
                rest = &after[digits..];
            }
            _ => (out, rest) = (out + "$", after),
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules of Microsoft's own documentation.
    const PROFILE: &str = r#"<LocationProfileDescription xmlns="http://schemas.microsoft.com/2007/03/LocationProfileDescription">
        <Name>Area 999</Name>
        <Rule><Pattern>^1([0-9]{4})$</Pattern><Translation>+1999421$1</Translation>
            <InternalEnterpriseExtension>true</InternalEnterpriseExtension></Rule>
        <Rule><Pattern>^911$</Pattern><Translation>+911</Translation></Rule>
        <Rule><Pattern>^(\d{7})$</Pattern><Translation>+1999$1</Translation></Rule>
        <Rule><Pattern>^([2-9]\d{9})$</Pattern><Translation>+1$1</Translation></Rule>
        <Rule><Pattern>^011(\d*)$</Pattern><Translation>+$1</Translation></Rule>
        <Rule><Pattern>^(\+?)(\d+)(X|x|EXT)(\d+)$</Pattern><Translation>$1$2;ext=$4</Translation></Rule>
        <Rule><Pattern>^(?&lt;=x)$</Pattern><Translation>1</Translation></Rule>
        <Rule><Pattern>^7$</Pattern><Translation>7</Translation>
            <ApplicableForDeviceDialing>false</ApplicableForDeviceDialing></Rule>
        <ExternalAccessPrefix>9</ExternalAccessPrefix><OptimizeDeviceDialing>true</OptimizeDeviceDialing>
        </LocationProfileDescription>"#;

    #[test]
    fn dialled_digits_follow_the_first_rule_that_is_for_them() {
        let profile = LocationProfile::parse(PROFILE.as_bytes()).unwrap();
        assert_eq!((profile.name.as_str(), profile.external_prefix.as_deref()), ("Area 999", Some("9")));
        assert!(profile.rules[0].is_internal && !profile.rules[1].is_internal);
        for (dialled, number) in [
            ("10042", Some("+19994210042")),
            ("911", Some("+911")),
            ("5550100", Some("+19995550100")),
            ("4255550100", Some("+14255550100")),
            ("01144", Some("+44")),
            ("+15550100EXT12", Some("+15550100;ext=12")),
            ("15550100x12", Some("15550100;ext=12")),
            ("7", None),
            ("12", None),
        ] {
            assert_eq!(profile.translate(dialled).as_deref(), number, "{dialled}");
        }
        assert_eq!(profile.translate(&"1".repeat(65)), None);
    }

    #[test]
    fn a_rule_that_is_not_understood_is_named() {
        let profile = LocationProfile::parse(PROFILE.as_bytes()).unwrap();
        assert_eq!(profile.left_out.len(), 1);
        assert!(profile.left_out[0].1.to_string().contains("(?"), "{:?}", profile.left_out);
    }

    #[test]
    fn dollars_are_expanded_as_dot_net_does() {
        let group = |n| if n == 1 { "one" } else { "" };
        assert_eq!(expand("$1-${1}-$$-$x-$2-${y}-$", group), "one-one-$-$x--${y}-$");
    }
}
