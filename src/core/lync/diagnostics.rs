//! What a front end says about a failure: `ms-diagnostics`, read and put into words ([MS-OCER]).

use crate::sip::wire::{HeaderName, Message, Params, Text};

/// Longest reason taken over.
const MAX_REASON: usize = 160;
/// Most diagnostics read from one message.
const MAX_VALUES: usize = 4;

/// One `ms-diagnostics` value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// Error identifier.
    pub id: u32,
    /// The server's own words.
    pub reason: String,
    /// Name of the server that says so.
    pub source: Option<String>,
}

impl Diagnostics {
    /// All of a message: `ms-diagnostics`, `ms-diagnostics-public`, which leaves the organisation, and
    /// `ms-client-diagnostics` of the far end's client.
    pub fn all_of(message: &Message) -> Vec<Self> {
        let names = ["ms-diagnostics", "ms-diagnostics-public", "ms-client-diagnostics"];
        let values = names.into_iter().flat_map(|name| {
            let name = HeaderName::Other(Text::from_static(name));
            message.headers.get_all(&name).filter_map(Self::parse).collect::<Vec<_>>()
        });
        values.take(MAX_VALUES).collect()
    }

    fn parse(value: &Text) -> Option<Self> {
        let (id, params) = value.split_once(';').unwrap_or((value, ""));
        let params = Params::parse(&value.share(params)).unwrap_or_default();
        let text = |name| {
            let text = params.get(name)?;
            Some(text.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect::<String>())
        };
        Some(Self {
            id: id.trim().parse().ok()?,
            reason: text("reason").unwrap_or_default(),
            source: text("source"),
        })
    }

    /// What it means for this switch, and what to do.
    pub fn meaning(&self) -> Option<&'static str> {
        MEANINGS.iter().find(|(ids, _)| ids.contains(&self.id)).map(|(_, words)| *words)
    }

    /// In words for people.
    pub fn words(&self) -> String {
        let Self { id, reason, source } = self;
        let source = source.as_deref().map_or_else(String::new, |source| format!(" ({source})"));
        match self.meaning() {
            Some(meaning) => format!("{id} {reason}{source}: {meaning}"),
            None => format!("{id} {reason}{source}"),
        }
    }
}

/// All that a message says about its failure, in words.
pub fn words_of(message: &Message) -> Option<String> {
    let all = Diagnostics::all_of(message);
    let mut words: Vec<_> = all.iter().map(Diagnostics::words).collect();
    words.dedup();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Identifiers and their meaning for a device.
const MEANINGS: &[(std::ops::RangeInclusive<u32>, &str)] = &[
    (4..=5, "the network is busy: too little bandwidth for this call"),
    (1000..=1000, "wrong name or password, or the clocks differ too much"),
    (1001..=1001, "this user may not talk to public providers"),
    (1002..=1002, "this user may not talk to federated partners"),
    (1003..=1003, "the user does not exist"),
    (1004..=1004, "the route of the dialog is no longer valid; register again"),
    (1005..=1007, "the front end cannot route the request at the moment"),
    (1008..=1009, "the front end cannot resolve the name of the next server"),
    (1010..=1010, "the front end does not trust the certificate of the next server"),
    (1013..=1013, "the clocks of the two servers differ too much"),
    (1014..=1014, "the name of the next server has no address record"),
    (1034..=1034, "the federated partner refused without a reason"),
    (2057..=2057, "the REGISTER lacks gruu-10 in Supported"),
    (2141..=2141, "the version of the published document is out of date"),
    (4003..=4003, "the user is not enabled for remote access"),
    (4004..=4004, "these credentials may not act for this user; check user name, epid and trust"),
    (4005..=4005, "the user is not enabled for SIP"),
    (4000..=4009, "the user services of the pool refused"),
    (4010..=4013, "the REGISTER has a missing or bad epid or +sip.instance"),
    (4055..=4055, "the REGISTER lacks Event: registration"),
    (4141..=4141, "the user has been disabled"),
    (7000..=7010, "the conference mixer does not take this SDP"),
    (10003..=10003, "the gateway behind the mediation server refused the call"),
    (17000..=17004, "the client version filter refuses this User-Agent; allow it or configure another"),
    (51007..=51007, "media could not be connected"),
    (52017..=52017, "the two ends require different encryption"),
    (52063..=52063, "no medium in common"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    fn response(values: &[(&str, &str)]) -> Message {
        let mut response =
            Message::response(&Message::request(Method::Register, "sip:x"), 403, "Forbidden", None);
        for (name, value) in values {
            response.headers.push(HeaderName::from_text(Text::from(*name)), *value);
        }
        response
    }

    #[test]
    fn a_known_identifier_is_explained() {
        let answer = response(&[
            ("ms-diagnostics-public", "4141;reason=\"User disabled\""),
            ("MS-Diagnostics", "1000;source=\"fe1.contoso.com\";reason=\"Final handshake; failed\""),
        ]);
        assert_eq!(
            words_of(&answer).unwrap(),
            "1000 Final handshake; failed (fe1.contoso.com): wrong name or password, or the clocks differ too \
             much; 4141 User disabled: the user has been disabled"
        );
    }

    #[test]
    fn an_unknown_or_broken_one_is_passed_on_or_left_out() {
        assert_eq!(words_of(&response(&[("ms-diagnostics", "99999;reason=\"x\"")])).unwrap(), "99999 x");
        assert_eq!(words_of(&response(&[("ms-diagnostics", "7;reason=\"open")])).unwrap(), "7 ");
        assert_eq!(words_of(&response(&[("ms-diagnostics", "none;reason=\"x\"")])), None);
        assert_eq!(words_of(&response(&[])), None);
    }
}
