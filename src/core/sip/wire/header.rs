//! Header names and the ordered list of a message's headers.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use super::Text;

macro_rules! names {
    ($($variant:ident = $word:literal $(, $compact:literal)?);+ $(;)?) => {
        /// A header name: known ones as variants, compared without case (RFC 3261 §7.3.1), compact
        /// forms folded into the long one (§7.3.3).
        #[derive(Debug, Clone)]
        #[allow(missing_docs)]
        pub enum HeaderName { $($variant,)+
            /// Any other, as it was written.
            Other(Text),
        }

        impl HeaderName {
            /// The long form.
            pub fn as_str(&self) -> &str {
                match self { Self::Other(text) => text.as_str(), known => known.long_form() }
            }

            /// The long form of a known name; nothing of any other.
            const fn long_form(&self) -> &'static str {
                match self { $(Self::$variant => $word,)+ Self::Other(_) => "" }
            }
        }

        /// Every known spelling.
        static KNOWN: &[(&str, HeaderName)] = &[
            $(($word, HeaderName::$variant), $(($compact, HeaderName::$variant),)?)+
        ];
    };
}

names! {
    Via = "Via", "v";
    From = "From", "f";
    To = "To", "t";
    CallId = "Call-ID", "i";
    CSeq = "CSeq";
    Contact = "Contact", "m";
    MaxForwards = "Max-Forwards";
    ContentLength = "Content-Length", "l";
    ContentType = "Content-Type", "c";
    RecordRoute = "Record-Route";
    Route = "Route";
    Expires = "Expires";
    MinExpires = "Min-Expires";
    Authorization = "Authorization";
    WwwAuthenticate = "WWW-Authenticate";
    ProxyAuthorization = "Proxy-Authorization";
    ProxyAuthenticate = "Proxy-Authenticate";
    AuthenticationInfo = "Authentication-Info";
    Allow = "Allow";
    Supported = "Supported", "k";
    Require = "Require";
    ProxyRequire = "Proxy-Require";
    Unsupported = "Unsupported";
    UserAgent = "User-Agent";
    Server = "Server";
    Reason = "Reason";
    RetryAfter = "Retry-After";
    SessionExpires = "Session-Expires", "x";
    MinSe = "Min-SE";
    RSeq = "RSeq";
    RAck = "RAck";
    Event = "Event", "o";
    AllowEvents = "Allow-Events", "u";
    SubscriptionState = "Subscription-State";
    ReferTo = "Refer-To", "r";
    ReferredBy = "Referred-By", "b";
    Replaces = "Replaces";
    Accept = "Accept";
    ContentEncoding = "Content-Encoding", "e";
    ContentDisposition = "Content-Disposition";
    Subject = "Subject", "s";
    Date = "Date";
    Warning = "Warning";
    Timestamp = "Timestamp";
    Path = "Path";
    ServiceRoute = "Service-Route";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    Privacy = "Privacy";
    Diversion = "Diversion";
    HistoryInfo = "History-Info";
    AlertInfo = "Alert-Info";
    MimeVersion = "MIME-Version";
    AcceptEncoding = "Accept-Encoding";
    AcceptLanguage = "Accept-Language";
    AcceptContact = "Accept-Contact", "a";
    RejectContact = "Reject-Contact", "j";
    RequestDisposition = "Request-Disposition", "d";
    CallInfo = "Call-Info";
    ErrorInfo = "Error-Info";
    InReplyTo = "In-Reply-To";
    ReplyTo = "Reply-To";
    Organization = "Organization";
    Priority = "Priority";
    ContentLanguage = "Content-Language";
    Identity = "Identity", "y";
    Join = "Join";
    TargetDialog = "Target-Dialog";
    SipEtag = "SIP-ETag";
    SipIfMatch = "SIP-If-Match";
    FlowTimer = "Flow-Timer";
}

impl HeaderName {
    /// Recognises a name.
    pub fn from_text(text: Text) -> Self {
        match Self::known(&text) {
            Some((_, name)) => name.clone(),
            None => Self::Other(text),
        }
    }

    /// The entry of a known name, with the spelling of the table.
    pub(super) fn known(text: &str) -> Option<&'static (&'static str, Self)> {
        let mut slot = slot_of(text.as_bytes());
        while PLACES[slot] != EMPTY {
            let entry = &KNOWN[PLACES[slot] as usize];
            if text.eq_ignore_ascii_case(entry.0) {
                return Some(entry);
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(one), Self::Other(two)) => one.eq_ignore_ascii_case(two),
            _ => discriminant(self) == discriminant(other),
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self).hash(state);
        if let Self::Other(text) = self {
            text.bytes().for_each(|byte| byte.to_ascii_lowercase().hash(state));
        }
    }
}

/// Slots of the hash table of names: four times as many as names, so that a search ends soon.
const SLOTS: usize = 512;
const EMPTY: u8 = u8::MAX;
/// Which entry of [`KNOWN`] stands in which slot; worked out when the program is compiled.
static PLACES: [u8; SLOTS] = places();

const fn places() -> [u8; SLOTS] {
    assert!(KNOWN.len() * 4 <= SLOTS && KNOWN.len() < EMPTY as usize, "the table of names is too small");
    let mut places = [EMPTY; SLOTS];
    let mut entry = 0;
    while entry < KNOWN.len() {
        let mut slot = slot_of(KNOWN[entry].0.as_bytes());
        while places[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        places[slot] = entry as u8;
        entry += 1;
    }
    places
}

/// Length and three letters tell the names apart well enough.
const fn slot_of(name: &[u8]) -> usize {
    if name.is_empty() {
        return 0;
    }
    let last = name.len() - 1;
    let (a, b, c) = (name[0] | 0x20, name[name.len() / 2] | 0x20, name[last] | 0x20);
    (name.len() * 61 + a as usize * 7 + b as usize * 31 + c as usize * 131) % SLOTS
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One header line, unfolded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Recognised name.
    pub name: HeaderName,
    /// The name as it was written, so that an untouched header leaves as it came.
    pub spelling: Text,
    /// The value without surrounding white space.
    pub value: Text,
}

/// The headers of a message, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// In order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.0.iter()
    }

    /// How many lines.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of that name.
    pub fn get(&self, name: &HeaderName) -> Option<&Text> {
        self.0.iter().find(|h| h.name == *name).map(|h| &h.value)
    }

    /// All values of that name, one per line, in order.
    pub fn get_all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a Text> + 'a {
        self.0.iter().filter(move |h| h.name == *name).map(|h| &h.value)
    }

    /// All values of a header that is a comma-separated list, split, in order (RFC 3261 §7.3.1).
    pub fn list(&self, name: &HeaderName) -> Vec<Text> {
        self.get_all(name).flat_map(split_list).collect()
    }

    /// The first element of a header that is a comma-separated list.
    pub fn first_of_list(&self, name: &HeaderName) -> Option<Text> {
        self.get_all(name).find_map(|value| Elements(value).next().map(|element| value.share(element)))
    }

    /// How many lines have that name.
    pub fn count(&self, name: &HeaderName) -> usize {
        self.get_all(name).count()
    }

    /// Room for a usual message, so that parsing grows the list rarely.
    pub(super) fn with_room() -> Self {
        Self(Vec::with_capacity(20))
    }

    /// Replaces the first element of a comma-separated list, leaving the rest byte for byte.
    pub fn set_first_of_list(&mut self, name: &HeaderName, element: &str) {
        for header in self.0.iter_mut().filter(|h| h.name == *name) {
            let value = header.value.as_str();
            if let Some(old) = Elements(value).next() {
                let start = old.as_ptr() as usize - value.as_ptr() as usize;
                let (before, after) = (&value[..start], &value[start + old.len()..]);
                header.value = Text::from(format!("{before}{element}{after}"));
                return;
            }
        }
    }

    /// Adds at the end.
    pub fn push(&mut self, name: HeaderName, value: impl Into<Text>) {
        let spelling = spelling_of(&name);
        self.0.push(Header { name, spelling, value: value.into() });
    }

    /// Adds a line as it was received.
    pub fn push_raw(&mut self, header: Header) {
        self.0.push(header);
    }

    /// Adds before all others.
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<Text>) {
        let spelling = spelling_of(&name);
        self.0.insert(0, Header { name, spelling, value: value.into() });
    }

    /// Replaces all of that name by one, in the place of the first.
    pub fn set(&mut self, name: HeaderName, value: impl Into<Text>) {
        match self.0.iter().position(|h| h.name == name) {
            None => self.push(name, value),
            Some(place) => {
                self.0[place].value = value.into();
                let mut seen = 0;
                self.0.retain(|h| {
                    h.name != name || {
                        seen += 1;
                        seen == 1
                    }
                });
            }
        }
    }

    /// Takes all of that name out.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|h| h.name != *name);
    }
}

/// The long form, without copying it.
fn spelling_of(name: &HeaderName) -> Text {
    match name {
        HeaderName::Other(text) => text.clone(),
        known => Text::from_static(known.long_form()),
    }
}

fn split_list(value: &Text) -> impl Iterator<Item = Text> + '_ {
    Elements(value).map(|element| value.share(element))
}

/// Splits at commas that stand outside quotes and angle brackets. Empty elements are left out.
pub(super) struct Elements<'a>(pub(super) &'a str);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        while !self.0.is_empty() {
            let (element, rest) = match comma(self.0.as_bytes()) {
                Some(at) => (&self.0[..at], &self.0[at + 1..]),
                None => (self.0, ""),
            };
            self.0 = rest;
            let element = element.trim_ascii();
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

fn comma(value: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped, mut angle) = (false, false, false);
    value.iter().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => angle = true,
            b'>' if !quoted => angle = false,
            b',' => return !quoted && !angle,
            _ => {}
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_splits_outside_quotes_and_brackets_only() {
        let mut headers = Headers::default();
        headers.push(HeaderName::Contact, r#""a, \"b" <sip:a@b;x=1,2>;q=1, <sip:c@d>"#);
        headers.push(HeaderName::Contact, "sip:e@f");
        let list: Vec<_> = headers.list(&HeaderName::Contact).iter().map(|t| t.to_string()).collect();
        assert_eq!(list, [r#""a, \"b" <sip:a@b;x=1,2>;q=1"#, "<sip:c@d>", "sip:e@f"]);
    }

    #[test]
    fn compact_names_are_known() {
        assert_eq!(HeaderName::from_text("V".into()), HeaderName::Via);
        assert_eq!(HeaderName::from_text("call-id".into()), HeaderName::CallId);
    }

    #[test]
    fn every_known_spelling_is_found_in_any_case() {
        for (word, name) in KNOWN {
            assert_eq!(HeaderName::from_text((*word).into()), *name);
            assert_eq!(HeaderName::from_text(word.to_uppercase().into()), *name);
        }
        assert_eq!(HeaderName::from_text("".into()), HeaderName::Other("".into()));
    }

    #[test]
    fn unknown_names_are_compared_without_case() {
        assert_eq!(HeaderName::from_text("X-Ward".into()), HeaderName::from_text("x-wARD".into()));
        assert_ne!(HeaderName::from_text("X-Ward".into()), HeaderName::from_text("X-Bed".into()));
    }

    #[test]
    fn the_first_element_is_replaced_and_the_rest_stays() {
        let mut headers = Headers::default();
        headers.push(HeaderName::Via, " one;x=\"a,b\" , two");
        headers.set_first_of_list(&HeaderName::Via, "new");
        assert_eq!(headers.get(&HeaderName::Via).unwrap(), " new , two");
        assert_eq!(headers.first_of_list(&HeaderName::Via).unwrap(), "new");
    }
}
