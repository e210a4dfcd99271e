//! What a dialled number means: emergency, one of ours, or outside, and what it may cost.
//!
//! ```text
//! dialled ──► emergency? ──► a user of ours? ──► rules ──► class ──► may the user call that?
//! ```
//!
//! Nothing comes before the emergency numbers, so no rule, user or code can hide one. A number that a
//! user has is never translated. The class is read from what was dialled and from what the rules made of
//! it; the dearer of the two counts where a rule leads abroad or to a paid service.
//!
//! Toll fraud is what this stands against, so in doubt a number counts as dialled: digits with letters
//! behind them have the class of the digits, since proxies match prefixes.

mod class;
mod code;
mod rule;
mod whole;

use crate::lync::location_profile::LocationProfile;
use crate::sip::wire::{Scheme, Uri};

pub use class::{AllowedCalls, NumberClass};
pub use code::{CodeLine, CodeOrder, FeatureCodes};
pub use rule::{DialRule, RuleFault};

/// Most digits of a number: E.164 has 15; prefixes and visual separators come on top.
const MAX_NUMBER: usize = 64;

/// How numbers are dialled at this site.
#[derive(Debug, Clone)]
pub struct DialPlan {
    /// Numbers that save lives (`112`).
    pub emergency: Vec<String>,
    /// What is dialled before an outside number; empty: nothing.
    pub outside_line: String,
    /// Beginning of a number abroad, behind `outside_line`; a plus counts as well.
    pub international: String,
    /// Beginning of a number of another area, behind `outside_line`.
    pub national: String,
    /// Country code of the site without plus (`49`): such numbers are national. Empty: every plus is abroad.
    pub country_code: String,
    /// Beginnings of numbers that cost extra, as dialled behind `outside_line` or with a plus.
    pub premium: Vec<String>,
    /// Most digits of a number inside; longer ones are local. None: every number without a prefix is inside.
    pub internal_digits: Option<usize>,
    /// Own rules, first fit.
    pub rules: LocationProfile,
    /// Rules learned from the front end, behind our own.
    pub learned: Option<LocationProfile>,
    /// What handsets dial to set things.
    pub codes: FeatureCodes,
    /// How conferences are made.
    pub conference: ConferencePlan,
    /// What users without classes of their own may call.
    pub allowed: AllowedCalls,
}

impl Default for DialPlan {
    fn default() -> Self {
        Self {
            emergency: vec!["112".into()],
            outside_line: String::new(),
            international: "00".into(),
            national: "0".into(),
            country_code: String::new(),
            premium: Vec::new(),
            internal_digits: None,
            rules: LocationProfile::default(),
            learned: None,
            codes: FeatureCodes::default(),
            conference: ConferencePlan::default(),
            allowed: AllowedCalls::INTERNAL,
        }
    }
}

/// How conferences are made without an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConferencePlan {
    /// User part of the conference factory's URI (RFC 4579 §5.4); empty: none.
    pub factory: String,
    /// Keys that are pressed in a call to join all calls of the user; empty: none.
    pub keys: String,
    /// Whether a tone tells that somebody has come or gone.
    pub tones: bool,
    /// Whether the pool in the north makes the conferences of its users, where it has a factory.
    pub through_lync: bool,
}

impl Default for ConferencePlan {
    fn default() -> Self {
        Self { factory: "conference".into(), keys: "*3".into(), tones: true, through_lync: true }
    }
}

/// A dialled number, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialled {
    /// What to ask for, visual separators taken out and rules applied.
    pub number: String,
    /// What kind it is.
    pub class: NumberClass,
}

impl DialPlan {
    /// Reads a dialled URI. `ours` says whether its host is this switch or its domain, `is_user` whether a
    /// user of ours has that name or number.
    pub fn read(&self, dialled: &Uri, ours: bool, is_user: impl Fn(&str) -> bool) -> Dialled {
        // RFC 5031 §4.2: the service as such; our first number stands for it.
        let sos = dialled.raw.to_ascii_lowercase().starts_with("urn:service:sos");
        match self.emergency.first().filter(|_| sos) {
            Some(number) => Dialled { number: number.clone(), class: NumberClass::Emergency },
            None => self.read_text(&dialled.user_text(), ours || dialled.scheme == Scheme::Tel, is_user),
        }
    }

    /// Reads a number or name as people type it. `ours`: of this domain, not of a foreign one.
    pub fn read_text(&self, typed: &str, ours: bool, is_user: impl Fn(&str) -> bool) -> Dialled {
        let number = plain_number(typed);
        if let Some(number) = self.emergency_number(&number) {
            return Dialled { number, class: NumberClass::Emergency };
        }
        if ours && is_user(typed) {
            return Dialled { number: typed.to_owned(), class: NumberClass::Internal };
        }
        let class = self.class_of(&number, ours);
        match self.translate(&number).filter(|_| ours) {
            // A rule cannot make an emergency number: those are named, not computed.
            Some(translated) if is_user(&translated) => {
                Dialled { number: translated, class: NumberClass::Internal }
            }
            Some(translated) => {
                let class = class.with_translation(self.class_of(&translated, ours));
                Dialled { number: translated, class }
            }
            None => Dialled { number, class },
        }
    }

    /// The emergency number that is meant: dialled bare, or behind the prefix of an outside line.
    fn emergency_number(&self, number: &str) -> Option<String> {
        let outside =
            number.strip_prefix(self.outside_line.as_str()).filter(|_| !self.outside_line.is_empty());
        let is_meant = |known: &&String| *known == number || outside == Some(known.as_str());
        self.emergency.iter().find(is_meant).cloned()
    }

    fn translate(&self, number: &str) -> Option<String> {
        let learned = || self.learned.as_ref()?.translate(number);
        self.rules.translate(number).or_else(learned).map(|number| plain_number(&number))
    }

    /// What kind of number this is, once it is neither an emergency number nor a user's.
    fn class_of(&self, number: &str, ours: bool) -> NumberClass {
        if !number.starts_with(|c: char| c.is_ascii_digit() || c == '+') {
            // A name, or a service of the registrar's. In a foreign domain it is outside, but costs nothing.
            return if ours { NumberClass::Internal } else { NumberClass::Local };
        }
        if let Some(rest) = number.strip_prefix('+') {
            return self.class_of_e164(number, rest);
        }
        let has_prefix = !self.outside_line.is_empty();
        match number.strip_prefix(self.outside_line.as_str()) {
            Some(outside) => self.class_outside(outside, has_prefix),
            None => self.class_inside(number),
        }
    }

    fn class_of_e164(&self, number: &str, rest: &str) -> NumberClass {
        let country = Some(self.country_code.as_str()).filter(|code| !code.is_empty());
        let at_home = country.and_then(|code| rest.strip_prefix(code));
        let as_dialled = at_home.map(|rest| format!("{}{rest}", self.national));
        match at_home {
            _ if self.is_premium(number) || as_dialled.is_some_and(|number| self.is_premium(&number)) => {
                NumberClass::Premium
            }
            Some(_) => NumberClass::National,
            None => NumberClass::International,
        }
    }

    fn class_outside(&self, outside: &str, has_prefix: bool) -> NumberClass {
        let begins = |prefix: &str| !prefix.is_empty() && outside.starts_with(prefix);
        if self.is_premium(outside) {
            NumberClass::Premium
        } else if let Some(rest) =
            outside.strip_prefix(&self.international).filter(|_| begins(&self.international))
        {
            self.class_of_e164(&format!("+{rest}"), rest)
        } else if begins(&self.national) {
            NumberClass::National
        } else if has_prefix {
            NumberClass::Local
        } else {
            self.class_inside(outside)
        }
    }

    fn class_inside(&self, number: &str) -> NumberClass {
        match self.internal_digits {
            Some(most) if number.len() > most => NumberClass::Local,
            _ => NumberClass::Internal,
        }
    }

    fn is_premium(&self, number: &str) -> bool {
        self.premium.iter().any(|start| !start.is_empty() && number.starts_with(start.as_str()))
    }
}

/// A number without what people write for the eye (RFC 3966 §5.1.1: visual separators) and without what
/// stands behind it as parameters (`;phone-context=…`). A name stays as it is.
fn plain_number(typed: &str) -> String {
    let is_number = typed.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '('));
    if !is_number || typed.len() > MAX_NUMBER {
        return typed.to_owned();
    }
    let number = typed.split(';').next().unwrap_or_default();
    number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A German site: 0 for an outside line, four digits inside.
    fn site() -> DialPlan {
        let rules = ["^(7\\d)$ => 47$1", "^0([1-9]\\d+)$ => +4930$1", "^0900$ => 0112"];
        let rules = rules.iter().map(|rule| rule.parse::<DialRule>().unwrap());
        DialPlan {
            emergency: vec!["112".into(), "110".into()],
            outside_line: "0".into(),
            country_code: "49".into(),
            premium: vec!["0900".into(), "0137".into(), "+1900".into()],
            internal_digits: Some(4),
            rules: DialRule::profile(rules),
            ..DialPlan::default()
        }
    }

    fn read(plan: &DialPlan, uri: &str) -> (String, NumberClass) {
        let uri = Uri::parse(&uri.into()).unwrap();
        let ours = uri.host.as_ref().is_none_or(|host| host.to_string() == "here");
        let Dialled { number, class } =
            plan.read(&uri, ours, |name| matches!(name, "anna" | "4711" | "4771"));
        (number, class)
    }

    #[test]
    fn a_number_is_as_dear_as_its_prefixes_say() {
        use NumberClass::*;
        for (dialled, number, class) in [
            ("sip:anna@here", "anna", Internal),
            ("sip:4711@here", "4711", Internal),
            ("sip:71@here", "4771", Internal),
            ("sip:4712@here", "4712", Internal),
            ("sip:47123@here", "47123", Local),
            ("sip:05550100@here", "+49305550100", Local),
            ("sip:000441632960100@here", "000441632960100", International),
            ("sip:00049301234@here", "00049301234", National),
            ("sip:0001900555@here", "0001900555", Premium),
            ("sip:0003012345@here", "0003012345", International),
            ("sip:003012345@here", "003012345", National),
            ("sip:00900123@here", "00900123", Premium),
            ("sip:%2B49900123@here", "+49900123", Premium),
            ("tel:+49-30-1234", "+49301234", National),
            ("tel:+44(1632)960.100", "+441632960100", International),
            ("sip:carol@elsewhere.test", "carol", Local),
            ("sip:+44900@elsewhere.test", "+44900", International),
        ] {
            assert_eq!(read(&site(), dialled), (number.to_owned(), class), "{dialled}");
        }
    }

    #[test]
    fn nothing_hides_an_emergency_number() {
        let mut plan = site();
        plan.rules = DialRule::profile(["^112$ => 4711".parse().unwrap()].into_iter());
        plan.premium.push("112".into());
        for dialled in
            ["sip:112@here", "tel:112", "sip:0112@here", "sip:112@elsewhere.test", "sip:1-1-2@here"]
        {
            assert_eq!(read(&plan, dialled), ("112".into(), NumberClass::Emergency), "{dialled}");
        }
        assert_eq!(read(&plan, "urn:service:sos.fire"), ("112".into(), NumberClass::Emergency));
        assert_eq!(read(&plan, "sip:1120@here").1, NumberClass::Internal);
    }

    #[test]
    fn a_rule_cannot_make_a_number_cheaper_than_what_comes_out() {
        let mut plan = site();
        plan.rules = DialRule::profile(["^8(\\d+)$ => +44$1".parse().unwrap()].into_iter());
        assert_eq!(read(&plan, "sip:8123@here"), ("+44123".into(), NumberClass::International));
    }

    #[test]
    fn letters_and_parameters_behind_digits_do_not_make_a_number_cheap() {
        let plan = DialPlan { premium: vec!["0900".into()], ..DialPlan::default() };
        for dialled in ["sip:0900123abc@here", "sip:0900123;x=y@here", "sip:0900123;phone-context=a.b@here"] {
            assert_eq!(read(&plan, dialled).1, NumberClass::Premium, "{dialled}");
        }
        assert_eq!(read(&plan, "sip:(0900)123@here"), ("0900123".into(), NumberClass::Premium));
    }

    #[test]
    fn without_a_plan_only_toll_prefixes_are_outside() {
        use NumberClass::*;
        let plan = DialPlan::default();
        for (dialled, class) in [
            ("sip:9000@here", Internal),
            ("sip:123456789@here", Internal),
            ("sip:dora@here", Internal),
            ("sip:0171555@here", National),
            ("sip:00441632@here", International),
            ("tel:+491", International),
            ("sip:*97@here", Internal),
        ] {
            assert_eq!(read(&plan, dialled).1, class, "{dialled}");
        }
    }

    #[test]
    fn rules_of_the_front_end_come_behind_our_own() {
        let learned = DialRule::profile(["^(\\d{5})$ => +1555$1".parse().unwrap()].into_iter());
        let plan = DialPlan { learned: Some(learned), ..site() };
        assert_eq!(read(&plan, "sip:71@here").0, "4771");
        assert_eq!(read(&plan, "sip:12345@here"), ("+155512345".into(), NumberClass::International));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_dialled_is_read(user in "[0-9*#+a-z%;=().-]{0,80}") {
            if let Some(uri) = Uri::parse(&format!("sip:{user}@here").into()) {
                site().read(&uri, true, |_| false);
            }
        }
    }
}
