//! Who calls from the north, and for whom: a response group, somebody who has delegates, a team, or whose
//! calls are forwarded.
//!
//! ```text
//!  From: the group's name          P-Asserted-Identity: who really calls
//!  To, History-Info, Diversion: whom the caller asked for       Request-URI: our user
//!                   └──────────────► "Weber > Front desk" on the display
//! ```
//!
//! No capture of such a call from Lync was found; what stands where is read from the standards, and each
//! source counts only where it names somebody else than the called user. The first that does counts:
//! `P-Agent-On-Behalf-Of` ([MS-SIPRE] §2.2.22), `P-Session-On-Behalf-Of` ([MS-SIPREGE] §2.2.2.1), the first entry of History-Info (RFC 7044 §5), the oldest
//! Diversion (RFC 5806 §3.1), To, and a From that differs from the asserted identity. Referred-By counts only
//! in calls that came by a team or delegation (`Ms-Target-Class: secondary`, [MS-SIPRE] §3.9): else it is a
//! transfer.

use serde::{Deserialize, Serialize};

use crate::sip::DisplayLimits;
use crate::sip::wire::{HeaderName, Message, NameAddr, Scheme, Text, Uri};

/// Between the two names: who calls, and for whom.
const FOR: &str = " > ";
const ON_BEHALF: &str = "P-Session-On-Behalf-Of";
/// Longest name or number that is kept, in characters.
const LONGEST: usize = 128;

/// For whom a call comes, when it is not for the called user alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Represented {
    /// Display name, possibly empty.
    pub name: String,
    /// Number or user part.
    pub number: String,
}

/// What a user's line has besides his own number. An administrator sets it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtraLines {
    /// A second number, on which he is rung whatever he has set.
    pub private_number: Option<String>,
    /// Users, or addresses, in whose name he may call.
    pub managers: Vec<String>,
}

impl Represented {
    /// The call came by the user's private line.
    pub fn private_line() -> Self {
        Self { name: "Private line".to_owned(), number: String::new() }
    }
}

/// [MS-SIPREGE] §2.2.2.1: "there MUST be a p-session-on-behalf-of header that equals the delegator's URI". It
/// says in whose name a delegate calls; From is the delegate's.
pub fn on_behalf_of(delegator: &str) -> (String, String) {
    (ON_BEHALF.to_owned(), delegator.to_owned())
}

/// Who calls: the identity that the north asserts, unless it is to be kept secret; else From. RFC 3325 §9.1
/// allows a SIP URI and a tel URI; the SIP URI comes with the name.
pub fn caller_of(invite: &Message) -> Option<NameAddr> {
    let private = invite.headers.list(&header("Privacy"));
    let hidden = private.iter().flat_map(|value| value.split(';')).any(|word| word.trim() == "id");
    let asserted = invite.headers.list(&HeaderName::PAssertedIdentity);
    let asserted = asserted.iter().take(2).filter_map(NameAddr::parse).filter(|_| !hidden);
    let mut asserted = asserted.filter(|addr| !addr.uri.user_text().is_empty());
    let first = asserted.next();
    let second = asserted.next().filter(|addr| matches!(addr.uri.scheme, Scheme::Sip | Scheme::Sips));
    let is_sip = first.as_ref().is_some_and(|addr| matches!(addr.uri.scheme, Scheme::Sip | Scheme::Sips));
    let found = if is_sip { first } else { second.or(first) };
    let from = invite.from();
    let mut found = found.or_else(|| from.clone())?;
    if found.display.as_ref().is_none_or(String::is_empty) && same_user(&found.uri, from.as_ref()) {
        found.display = from.and_then(|from| from.display);
    }
    Some(found)
}

/// For whom it comes. `is_called` says whether a URI means the called user.
pub fn represented(invite: &Message, is_called: impl Fn(&Uri) -> bool) -> Option<Represented> {
    let list = |name: HeaderName| invite.headers.list(&name);
    let entries = |name: HeaderName| list(name).into_iter().filter_map(|entry| NameAddr::parse(&entry));
    let secondary =
        list(header("Ms-Target-Class")).iter().any(|class| class.eq_ignore_ascii_case("secondary"));
    let agent = entries(header("P-Agent-On-Behalf-Of")).next();
    let delegator = entries(header(ON_BEHALF)).next();
    let first_target = entries(HeaderName::HistoryInfo).next();
    let oldest = entries(HeaderName::Diversion).last();
    let referrer = entries(HeaderName::ReferredBy).next().filter(|_| secondary);
    let caller = caller_of(invite);
    let presented =
        invite.from().filter(|from| !same_user(&from.uri, caller.as_ref()) && !is_anonymous(&from.uri));
    let sources = [agent, delegator, first_target, oldest, invite.to(), presented, referrer];
    let found = sources.into_iter().flatten().find(|addr| {
        let somebody = !addr.uri.user_text().is_empty() && !same_user(&addr.uri, caller.as_ref());
        somebody && !is_called(&addr.uri)
    })?;
    let cut = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    let name = found.display.as_deref().map(cut).unwrap_or_default();
    Some(Represented { name, number: cut(&found.uri.user_text()) })
}

/// Whether the call is for the user alone: nobody else may be rung for it ([MS-SIPRE]: `Ms-Sensitivity:
/// private-no-diversion`), as calls to a private line are.
pub fn is_private(invite: &Message) -> bool {
    let sensitivity = invite.headers.list(&header("Ms-Sensitivity"));
    sensitivity.iter().any(|word| word.to_ascii_lowercase().starts_with("private"))
}

/// The name that a display with these limits shows beside `number`: both within its room, each with at least
/// half of it.
pub fn shown(caller: &str, of: &Represented, number: &str, limits: &DisplayLimits) -> String {
    let group = if of.name.is_empty() { &of.number } else { &of.name };
    let (room, length) = (limits.room_beside(number), |text: &str| text.chars().count());
    let between = if caller.is_empty() { FOR.trim_start() } else { FOR };
    let Some(rest) = room.checked_sub(length(between)).filter(|rest| *rest >= 2) else {
        return limits.fit(caller, number).to_owned();
    };
    let for_group = length(group).min((rest / 2).max(rest.saturating_sub(length(caller))));
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>().trim_end().to_owned();
    format!("{}{between}{}", cut(caller, rest - for_group), cut(group, for_group))
}

fn header(name: &'static str) -> HeaderName {
    HeaderName::from_text(Text::from(name))
}

fn same_user(uri: &Uri, other: Option<&NameAddr>) -> bool {
    other.is_some_and(|other| uri.user_text().eq_ignore_ascii_case(&other.uri.user_text()))
}

/// RFC 3261 §8.1.1.3, RFC 3323 §4.1.1.3: `anonymous@anonymous.invalid`.
fn is_anonymous(uri: &Uri) -> bool {
    uri.user_text().eq_ignore_ascii_case("anonymous")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    fn invite(headers: &[(&'static str, &str)]) -> Message {
        let mut invite = Message::request(Method::Invite, "sip:anna@192.0.2.1:5061");
        headers.iter().for_each(|(name, value)| invite.headers.push(header(name), *value));
        invite
    }

    fn of(headers: &[(&'static str, &str)]) -> Option<(String, String)> {
        let found = represented(&invite(headers), |uri| uri.user_text() == "anna");
        found.map(|found| (found.name, found.number))
    }

    fn some(name: &str, number: &str) -> Option<(String, String)> {
        Some((name.to_owned(), number.to_owned()))
    }

    const FROM: (&str, &str) = ("From", "\"Weber\" <sip:+498912@x>;tag=1");
    const TO: (&str, &str) = ("To", "<sip:anna@x>;epid=2");

    #[test]
    fn a_call_for_the_user_alone_represents_nobody() {
        assert_eq!(of(&[FROM, TO]), None);
        assert_eq!(of(&[FROM, TO, ("History-Info", "<sip:anna@x>;index=1")]), None);
        assert_eq!(of(&[FROM, TO, ("Referred-By", "<sip:boss@x>")]), None, "a transfer");
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn whom_the_caller_asked_for_is_found_wherever_it_stands() {
        let desk = some("Front desk", "desk");
        let told = "\"Front desk\" <sip:desk@x?Reason=SIP%3Bcause%3D302>;index=1, <sip:anna@x>;index=1.1";
        assert_eq!(of(&[FROM, TO, ("History-Info", told)]), desk);
        let told = "<sip:team@x>;reason=no-answer, \"Front desk\" <sip:desk@x>;reason=unconditional";
        assert_eq!(of(&[FROM, TO, ("Diversion", told)]), desk, "the oldest");
        assert_eq!(of(&[FROM, ("To", "\"Front desk\" <sip:desk@x>")]), desk);
        assert_eq!(of(&[FROM, TO, ("P-Agent-On-Behalf-Of", "\"Front desk\" <sip:desk@x>")]), desk);
        assert_eq!(of(&[FROM, TO, ("P-Session-On-Behalf-Of", "sip:boss@x")]), some("", "boss"));
        let team =
            [FROM, TO, ("Ms-Target-Class", "secondary"), ("Referred-By", "<sip:boss@x>;ms-identity=\"z\"")];
        assert_eq!(of(&team), some("", "boss"));
    }

    #[test]
    fn a_group_that_presents_itself_stands_beside_the_asserted_caller() {
        let group = ("From", "\"Sales\" <sip:sales@x>;tag=1");
        let asserted = ("P-Asserted-Identity", "\"Weber\" <sip:weber@x>,<tel:+498912>");
        assert_eq!(of(&[group, TO, asserted]), some("Sales", "sales"));
        let caller = caller_of(&invite(&[group, TO, asserted])).unwrap();
        assert_eq!((caller.display.as_deref(), caller.uri.user_text().as_str()), (Some("Weber"), "weber"));
        let secret = invite(&[group, TO, asserted, ("Privacy", "id;critical")]);
        assert_eq!(caller_of(&secret).unwrap().uri.user_text(), "sales");
        let nobody = [("From", "<sip:anonymous@anonymous.invalid>;tag=1"), TO, asserted];
        assert_eq!(of(&nobody), None);
        let unnamed = invite(&[FROM, TO, ("P-Asserted-Identity", "<sip:+498912@x>")]);
        assert_eq!(caller_of(&unnamed).unwrap().display.as_deref(), Some("Weber"), "From knows the name");
        let number = invite(&[FROM, TO, ("P-Asserted-Identity", "<tel:+4977>")]);
        assert_eq!(caller_of(&number).unwrap().uri.user_text(), "+4977");
    }

    #[test]
    fn a_private_call_is_known() {
        assert!(is_private(&invite(&[("Ms-Sensitivity", "private-no-diversion")])));
        assert!(!is_private(&invite(&[("Ms-Sensitivity", "normal")])) && !is_private(&invite(&[])));
    }

    #[test]
    fn both_names_are_shown_within_the_limits() {
        let limits = DisplayLimits { name: 24, name_and_number: None, uri: 64 };
        let of = |name: &str| Represented { name: name.into(), number: "desk".into() };
        assert_eq!(shown("Anna Weber", &of("Sales"), "1", &limits), "Anna Weber > Sales");
        assert_eq!(
            shown("Oberärztin Dr. Müller", &of("Emergency ward"), "1", &limits),
            "Oberärztin > Emergency"
        );
        assert_eq!(shown("Max", &of("Emergency ward station 4"), "1", &limits), "Max > Emergency ward sta");
        assert_eq!(shown("Oberärztin Dr. Müller", &of("ER"), "1", &limits), "Oberärztin Dr. Müll > ER");
        assert_eq!(shown("", &of("Sales"), "1", &limits), "> Sales");
        assert_eq!(shown("Anna", &of(""), "1", &limits), "Anna > desk");
        let tight = DisplayLimits { name: 3, ..limits };
        assert_eq!(shown("Anna", &of("Sales"), "1", &tight), "Ann");
    }

    proptest::proptest! {
        #[test]
        fn nothing_shown_is_longer_than_the_display(caller in "\\PC{0,40}", name in "\\PC{0,40}", room in 0usize..40) {
            let limits = DisplayLimits { name: room, name_and_number: None, uri: 64 };
            let of = Represented { name, number: "1".into() };
            proptest::prop_assert!(shown(&caller, &of, "1", &limits).chars().count() <= room);
        }
    }
}
