//! Header names and the ordered list of a message's headers.

use std::fmt;

use super::Text;

macro_rules! names {
    ($($variant:ident = $word:literal $(, $compact:literal)?);+ $(;)?) => {
        /// A header name: known ones as variants, compared without case (RFC 3261 §7.3.1), compact
        /// forms folded into the long one (§7.3.3).
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum HeaderName { $($variant,)+
            /// Any other, as it was written.
            Other(Text),
        }

        impl HeaderName {
            /// Recognises a name.
            pub fn from_text(text: Text) -> Self {
                $(if text.eq_ignore_ascii_case($word) $(|| text.eq_ignore_ascii_case($compact))? {
                    return Self::$variant;
                })+
                Self::Other(text)
            }

            /// The long form.
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $word,)+ Self::Other(text) => text.as_str() }
            }
        }
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
        self.get_all(name).flat_map(|value| split_list(value)).collect()
    }

    /// Adds at the end.
    pub fn push(&mut self, name: HeaderName, value: impl Into<Text>) {
        let spelling = Text::from(name.as_str());
        self.0.push(Header { name, spelling, value: value.into() });
    }

    /// Adds a line as it was received.
    pub fn push_raw(&mut self, header: Header) {
        self.0.push(header);
    }

    /// Adds before all others.
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<Text>) {
        let spelling = Text::from(name.as_str());
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

/// Splits at commas that stand outside quotes and angle brackets. Empty elements are dropped.
fn split_list(value: &Text) -> Vec<Text> {
    let (mut parts, mut start, mut quoted, mut escaped, mut angle) = (Vec::new(), 0, false, false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => angle = true,
            '>' if !quoted => angle = false,
            ',' if !quoted && !angle => {
                parts.push(&value[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&value[start..]);
    parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).map(|p| value.share(p)).collect()
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
}
