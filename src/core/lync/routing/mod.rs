//! The `routing` category: which calls a front end sends elsewhere, in whose stead it rings whom ([MS-SIPRE]
//! §3.9.5.1, and Microsoft's description of the category).
//!
//! ```xml
//! <routing name="rtcdefault" version="1"><preamble>
//!   <flags name="clientflags" value="forward_immediate enablecf"/>
//!   <wait name="total" seconds="20"/>
//!   <list name="forwardto"><target uri="sip:+4930@contoso.com;user=phone"/></list>
//! </preamble></routing>
//! ```
//!
//! The document is one for all that a user's clients set, so what is not about forwards (delegates, team,
//! simultaneous ring) is written back as it was heard. Container 0 holds the general settings; rules in the
//! others let single callers break through, and are the desktop's business.

mod category;

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::xml::{Element, escape};

pub use category::{RoutingCategory, RoutingInput, RoutingOutput, RoutingRefusal};

/// Name of the category.
pub const CATEGORY: &str = "routing";
/// Container and instance of the general settings.
pub const CONTAINER: u32 = 0;
/// Its only instance.
pub const INSTANCE: u32 = 0;
/// The name space of real instances; the schema's page has another, and readers take both.
const SPACE: &str = "http://schemas.microsoft.com/02/2006/sip/routing";

/// [MS-SIPRE] §3.9.5.1.2: "Causes calls to be forwarded to the address specified in the forwardto list if the
/// enablecf flag is also present, or to voice mail if the enablecf flag is not present".
const IMMEDIATE: &str = "forward_immediate";
/// "Enables call forwarding to the target in the forwardto list. This flag is used to toggle between activating
/// voice mail and call forwarding".
const ENABLE: &str = "enablecf";
/// "Indicates that the routing logic SHOULD only be applied if the current time falls within the calendarData".
const WORK_HOURS: &str = "work_hours";
/// The list of whom calls are forwarded to.
const FORWARD_TO: &str = "forwardto";
/// The list of those who answer and call for the user.
const DELEGATES: &str = "delegates";
/// The wait before an unanswered call goes on.
const TOTAL: &str = "total";

/// Most flags, waits and lists of a document.
const MOST: usize = 32;
/// Most targets of a list.
const MOST_TARGETS: usize = 64;
/// What a front end waits for when the document does not say.
const WAIT: u16 = 20;

/// What a front end forwards for a user. It has one target for both ways.
#[derive(Debug, Clone, Default, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NorthForward {
    /// Nothing.
    #[default]
    Off,
    /// Every call, to this URI.
    Always(String),
    /// Calls that nobody answers in so many seconds, to this URI.
    NoAnswer(String, u16),
}

impl PartialEq for NorthForward {
    /// A URI is the same with and without what a front end adds to it.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Off, Self::Off) => true,
            (Self::Always(one), Self::Always(two)) => same_target(one, two),
            (Self::NoAnswer(one, wait), Self::NoAnswer(two, other)) => wait == other && same_target(one, two),
            _ => false,
        }
    }
}

/// The document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingRules {
    /// Attributes of the root besides its name, as they were.
    attributes: Vec<(String, String)>,
    flags: Vec<String>,
    waits: Vec<(String, u32)>,
    lists: Vec<(String, Vec<Target>)>,
}

/// A `target`: "Either the uri or application attribute must be specified".
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Uri(String),
    Application(String),
}

impl RoutingRules {
    /// Reads a `routing` element. What is beyond the limits is left out.
    pub fn read(routing: &Element) -> Self {
        let own = |name: &str| ["version", "minSupportedClientVersion"].contains(&name);
        let mut rules = Self {
            attributes: routing.attributes.iter().filter(|(name, _)| own(name)).cloned().collect(),
            ..Self::default()
        };
        for element in routing.child("preamble").into_iter().flat_map(|preamble| &preamble.children) {
            rules.take(element);
        }
        rules
    }

    fn take(&mut self, element: &Element) {
        let name = element.attribute("name").unwrap_or_default().to_owned();
        match element.name.as_str() {
            // "Any other flags element or flags in clientflags element MUST be ignored".
            "flags" if name == "clientflags" => {
                let words = element.attribute("value").unwrap_or_default().split_whitespace();
                self.flags = words.take(MOST).map(str::to_owned).collect();
            }
            "wait" if self.waits.len() < MOST => {
                self.waits.extend(element.number("seconds").map(|seconds| (name, seconds)));
            }
            "list" if self.lists.len() < MOST => {
                let target = |target: &Element| match target.attribute("uri") {
                    Some(uri) => Some(Target::Uri(uri.trim().to_owned())),
                    None => target.attribute("application").map(|name| Target::Application(name.to_owned())),
                };
                let targets = element.children("target").filter_map(target).take(MOST_TARGETS);
                self.lists.push((name, targets.collect()));
            }
            _ => {}
        }
    }

    /// What is forwarded; none when that depends on hours that only the user's calendar knows. `aor` is his
    /// address, which his voice mail is reached by ([MS-SIPRE] §2.2.3).
    pub fn forward(&self, aor: &str) -> Option<NorthForward> {
        let (immediate, enabled) = (self.has(IMMEDIATE), self.has(ENABLE));
        let target = self.uris(FORWARD_TO).next().filter(|_| enabled);
        let found = match (immediate, target) {
            (true, Some(to)) => NorthForward::Always(to.to_owned()),
            (true, None) if !enabled => NorthForward::Always(voice_mail(aor)),
            (false, Some(to)) => {
                let wait = self.waits.iter().find(|(name, _)| name == TOTAL);
                let seconds = wait.and_then(|(_, seconds)| u16::try_from(*seconds).ok()).unwrap_or(WAIT);
                NorthForward::NoAnswer(to.to_owned(), seconds)
            }
            _ => NorthForward::Off,
        };
        (found == NorthForward::Off || !self.has(WORK_HOURS)).then_some(found)
    }

    /// The same document with this forward in place of its own.
    #[must_use]
    pub fn with(&self, forward: &NorthForward, aor: &str) -> Self {
        let mut rules = self.clone();
        let ours = |flag: &String| [IMMEDIATE, ENABLE].contains(&flag.as_str());
        rules.flags.retain(|flag| !ours(flag));
        let (flags, to): (&[&str], _) = match forward {
            NorthForward::Off => (&[], None),
            NorthForward::Always(to) if same_target(to, &voice_mail(aor)) => (&[IMMEDIATE], None),
            NorthForward::Always(to) => (&[IMMEDIATE, ENABLE], Some(to)),
            NorthForward::NoAnswer(to, seconds) => {
                rules.waits.retain(|(name, _)| name != TOTAL);
                rules.waits.push((TOTAL.to_owned(), u32::from(*seconds)));
                (&[ENABLE], Some(to))
            }
        };
        if *forward != NorthForward::Off {
            // What is set at a handset holds at once and at every hour.
            rules.flags.retain(|flag| flag != WORK_HOURS);
        }
        rules.flags.extend(flags.iter().map(|flag| (*flag).to_owned()));
        if let Some(to) = to {
            rules.lists.retain(|(name, _)| name != FORWARD_TO);
            rules.lists.push((FORWARD_TO.to_owned(), vec![Target::Uri(to.clone())]));
        }
        rules
    }

    /// The URIs of those who answer and call in the user's stead.
    pub fn delegates(&self) -> impl Iterator<Item = &str> {
        self.uris(DELEGATES)
    }

    /// As it is published.
    pub fn document(&self) -> String {
        let mut out = format!("<routing xmlns=\"{SPACE}\" name=\"rtcdefault\"");
        if !self.attributes.iter().any(|(name, _)| name == "version") {
            out.push_str(" version=\"1\"");
        }
        for (name, value) in &self.attributes {
            put(&mut out, format_args!(" {name}=\"{}\"", escape(value)));
        }
        let flags = escape(&self.flags.join(" "));
        put(&mut out, format_args!("><preamble><flags name=\"clientflags\" value=\"{flags}\"/>"));
        for (name, seconds) in &self.waits {
            put(&mut out, format_args!("<wait name=\"{}\" seconds=\"{seconds}\"/>", escape(name)));
        }
        for (name, targets) in &self.lists {
            put(&mut out, format_args!("<list name=\"{}\">", escape(name)));
            for target in targets {
                match target {
                    Target::Uri(uri) => put(&mut out, format_args!("<target uri=\"{}\"/>", escape(uri))),
                    Target::Application(name) => {
                        put(&mut out, format_args!("<target application=\"{}\"/>", escape(name)));
                    }
                }
            }
            out.push_str("</list>");
        }
        out.push_str("</preamble></routing>");
        out
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|one| one.eq_ignore_ascii_case(flag))
    }

    fn uris(&self, list: &str) -> impl Iterator<Item = &str> {
        let targets =
            self.lists.iter().filter(move |(name, _)| name == list).flat_map(|(_, targets)| targets);
        targets.filter_map(|target| match target {
            Target::Uri(uri) => Some(uri.as_str()),
            Target::Application(_) => None,
        })
    }
}

/// [MS-SIPRE] §2.2.3: a user's voice mail is his own address with `opaque=app:voicemail`.
fn voice_mail(aor: &str) -> String {
    format!("{aor};opaque=app:voicemail")
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to a string does not fail");
}

/// Whether two URIs mean the same target: user, host and, for applications, `opaque`.
fn same_target(one: &str, two: &str) -> bool {
    let part = |uri: &str| {
        let mut params = uri.split(';').map(|part| part.trim().to_ascii_lowercase());
        let address = params.next().unwrap_or_default();
        let address = address.split_once(':').map_or(address.clone(), |(_, rest)| rest.to_owned());
        (address, params.find(|param| param.starts_with("opaque=")))
    };
    part(one) == part(two)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AOR: &str = "sip:anna@contoso.com";

    fn rules(text: &str) -> RoutingRules {
        RoutingRules::read(&Element::parse(text.as_bytes()).unwrap())
    }

    fn preamble(flags: &str, rest: &str) -> RoutingRules {
        rules(&format!(
            "<routing xmlns=\"http://schemas.microsoft.com/02/2006/sip/routing\" name=\"rtcdefault\" version=\"2\" \
             minSupportedClientVersion=\"2.0.0.0\"><preamble><flags name=\"clientflags\" value=\"{flags}\"/>\
             <flags name=\"other\" value=\"block\"/>{rest}</preamble></routing>"
        ))
    }

    const TO_BOB: &str = "<wait name=\"total\" seconds=\"30\"/><list name=\"forwardto\"><target \
        uri=\"sip:bob@contoso.com\"/></list>";

    #[test]
    fn flags_say_what_is_forwarded_and_the_list_says_to_whom() {
        let of = |flags: &str, rest: &str| preamble(flags, rest).forward(AOR);
        let bob = || "sip:bob@contoso.com".to_owned();
        assert_eq!(of("forward_immediate enablecf", TO_BOB), Some(NorthForward::Always(bob())));
        assert_eq!(of("enablecf", TO_BOB), Some(NorthForward::NoAnswer(bob(), 30)));
        assert_eq!(of("", TO_BOB), Some(NorthForward::Off), "the list stays when the forward is taken back");
        let mailbox = NorthForward::Always("sip:anna@contoso.com;opaque=app:voicemail".into());
        assert_eq!(of("forward_immediate", TO_BOB), Some(mailbox));
        assert_eq!(of("forward_immediate enablecf", ""), Some(NorthForward::Off), "to nobody");
        assert_eq!(of("enablecf work_hours", TO_BOB), None, "the calendar is not here");
        assert_eq!(of("simultaneous_ring work_hours", TO_BOB), Some(NorthForward::Off));
        assert_eq!(RoutingRules::default().forward(AOR), Some(NorthForward::Off));
    }

    #[test]
    fn what_is_no_forward_is_written_back_as_it_was() {
        let team = "<wait name=\"user\" seconds=\"10\"/><list name=\"delegates\"><target uri=\"sip:eve@contoso.com\"/>\
            <target application=\"x&amp;y\"/></list>";
        let before = preamble("delegate_ring work_hours", team);
        let to = "sip:+49301@contoso.com;user=phone".to_owned();
        let after = before.with(&NorthForward::NoAnswer(to.clone(), 15), AOR);
        let text = after.document();
        assert_eq!(rules(&text), after);
        assert_eq!(after.forward(AOR), Some(NorthForward::NoAnswer(to, 15)));
        assert_eq!(after.delegates().collect::<Vec<_>>(), ["sip:eve@contoso.com"]);
        for part in [
            "value=\"delegate_ring enablecf\"",
            "version=\"2\" minSupportedClientVersion=\"2.0.0.0\"",
            "<wait name=\"user\" seconds=\"10\"/><wait name=\"total\" seconds=\"15\"/>",
            "<target application=\"x&amp;y\"/>",
        ] {
            assert!(text.contains(part), "{part} not in {text}");
        }
        let off = after.with(&NorthForward::Off, AOR);
        assert_eq!(off.forward(AOR), Some(NorthForward::Off));
        assert!(off.document().contains("value=\"delegate_ring\""));
    }

    #[test]
    fn a_forward_to_the_own_voice_mail_has_no_target() {
        let mailbox = NorthForward::Always(voice_mail(AOR));
        let rules = RoutingRules::default().with(&mailbox, AOR);
        assert_eq!(rules.forward(AOR), Some(mailbox));
        assert!(rules.document().contains(
            "version=\"1\"><preamble><flags name=\"clientflags\" \
            value=\"forward_immediate\"/></preamble>"
        ));
    }

    #[test]
    fn a_target_is_the_same_with_what_a_front_end_adds() {
        assert!(same_target("sip:+4930@contoso.com;user=phone", "sip:+4930@Contoso.com"));
        assert!(!same_target("sip:anna@contoso.com", "sip:anna@contoso.com;opaque=app:voicemail"));
        assert!(!same_target("sip:anna@contoso.com", "sip:bob@contoso.com"));
    }

    #[test]
    fn a_long_document_is_cut() {
        let targets = "<target uri=\"sip:x@y\"/>".repeat(500);
        let lists = format!("<list name=\"delegates\">{targets}</list>").repeat(3);
        let found = preamble(&"f ".repeat(500), &lists);
        assert_eq!((found.flags.len(), found.lists[0].1.len()), (MOST, MOST_TARGETS));
    }
}
