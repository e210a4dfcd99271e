//! From bytes to a [`Message`].

use bytes::Bytes;

use super::{Header, HeaderName, Headers, Message, Method, StartLine, Text};

/// Most header lines a message may have.
pub const MAX_HEADERS: usize = 256;

/// Why bytes are no message. What could be read of it is kept, so that a 400 can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFault {
    /// Not SIP at all; nothing can be answered.
    #[error("not a SIP message: {0}")]
    NotSip(&'static str),
    /// A message with a broken part; `salvaged` holds the headers that were readable, and status 0 when
    /// that of a response was not.
    #[error("malformed message: {what}")]
    Malformed {
        /// What is wrong, in words for the reason phrase.
        what: &'static str,
        /// The readable part, for building the answer.
        salvaged: Box<Message>,
    },
    /// A version other than SIP/2.0 (answer: 505).
    #[error("SIP version not supported")]
    Version {
        /// The readable part, for building the answer.
        salvaged: Box<Message>,
    },
}

impl ParseFault {
    /// What could be read, when there is anything to answer.
    pub fn salvaged(&self) -> Option<&Message> {
        match self {
            Self::NotSip(_) => None,
            Self::Malformed { salvaged, .. } | Self::Version { salvaged } => Some(salvaged),
        }
    }
}

impl Message {
    /// Parses one datagram. Leading CRLFs are skipped (RFC 3261 §7.5); bytes beyond Content-Length are
    /// dropped, too few are a fault (§18.3).
    pub fn parse_datagram(datagram: Bytes) -> Result<Self, ParseFault> {
        let start = datagram.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(datagram.len());
        let datagram = datagram.slice(start..);
        let Some((head_len, body_at)) = find_head(&datagram) else {
            return match Self::parse_head(datagram) {
                Ok(message) => Err(malformed("No Empty Line after Headers", message)),
                Err(fault) => Err(fault),
            };
        };
        let mut message = Self::parse_head(datagram.slice(..head_len))?;
        let rest = datagram.slice(body_at..);
        let length = message.content_length()?.unwrap_or(rest.len());
        if length > rest.len() {
            return Err(malformed("Body Shorter than Content-Length", message));
        }
        message.body = rest.slice(..length);
        Ok(message)
    }

    /// Parses start line and headers; `head` ends before the empty line.
    pub fn parse_head(head: Bytes) -> Result<Self, ParseFault> {
        let text = head_text(head);
        let mut lines = Lines(&text);
        let first = lines.next().ok_or(ParseFault::NotSip("empty"))?;
        let First { start, version_ok, mut fault } = start_line(&text, first)?;
        let mut message = Message { start, headers: Headers::with_room(), body: Bytes::new() };
        for line in lines {
            if message.headers.len() == MAX_HEADERS {
                return Err(malformed("Too Many Header Fields", message));
            }
            match header_line(&text, line) {
                Some(header) => message.headers.push_raw(header),
                None => fault = fault.or(Some("Malformed Header Line")),
            }
        }
        match (version_ok, fault) {
            (false, _) => Err(ParseFault::Version { salvaged: Box::new(message) }),
            (true, Some(what)) => Err(malformed(what, message)),
            (true, None) => Ok(message),
        }
    }

    /// Content-Length: `Ok(None)` when absent, a fault when it is no number or there are two that differ.
    pub fn content_length(&self) -> Result<Option<usize>, ParseFault> {
        let mut values = self.headers.get_all(&HeaderName::ContentLength);
        let Some(value) = values.next() else { return Ok(None) };
        let agree = values.all(|other| other == value);
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        match value.parse() {
            Ok(length) if digits && agree => Ok(Some(length)),
            _ => Err(malformed("Bad Content-Length", self.clone())),
        }
    }
}

/// Length of the head and start of the body: behind the first empty line.
fn find_head(bytes: &[u8]) -> Option<(usize, usize)> {
    find_head_from(bytes, 0)
}

/// The same, when the first `from` bytes are known to hold no such end.
pub(super) fn find_head_from(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    memchr::memchr_iter(b'\n', &bytes[from..]).map(|at| from + at).find_map(|at| match bytes[at + 1..] {
        [b'\r', b'\n', ..] => Some((at + 1, at + 3)),
        [b'\n', ..] => Some((at + 1, at + 2)),
        _ => None,
    })
}

pub(super) fn malformed(what: &'static str, salvaged: Message) -> ParseFault {
    ParseFault::Malformed { what, salvaged: Box::new(salvaged) }
}

/// Old stacks send Latin-1 in display names; such a head is read as that, so no text is lost.
fn head_text(head: Bytes) -> Text {
    Text::from_utf8(head.clone())
        .unwrap_or_else(|| Text::from(head.iter().map(|&b| b as char).collect::<String>()))
}

/// What the first line says.
struct First {
    start: StartLine,
    version_ok: bool,
    /// What is wrong with it, when the rest can still be answered.
    fault: Option<&'static str>,
}

fn start_line(text: &Text, line: &str) -> Result<First, ParseFault> {
    match line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
        true => status_line(text, &line[4..]),
        false => request_line(text, line),
    }
}

fn status_line(text: &Text, rest: &str) -> Result<First, ParseFault> {
    let mut parts = rest.splitn(3, ' ');
    let (version, digits) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !all_digits {
        return Err(ParseFault::NotSip("no status code"));
    }
    // RFC 3261 §7.2: "Status-Code is a 3-digit integer result code", its first digit 1 to 6.
    let status = digits.parse().ok().filter(|s| digits.len() == 3 && (100..700).contains(s));
    let reason = text.share(parts.next().unwrap_or(""));
    let start = StartLine::Response { status: status.unwrap_or(0), reason };
    let fault = status.is_none().then_some("Status Code out of Range");
    Ok(First { start, version_ok: version == "2.0", fault })
}

fn request_line(text: &Text, line: &str) -> Result<First, ParseFault> {
    let trimmed = line.trim_end();
    let (method, rest) = trimmed.split_once(' ').ok_or(ParseFault::NotSip("no request line"))?;
    let (uri, version) = rest.rsplit_once(' ').ok_or(ParseFault::NotSip("no SIP version"))?;
    let is_sip = version.get(..4).is_some_and(|v| v.eq_ignore_ascii_case("SIP/"));
    if method.is_empty() || !method.bytes().all(is_token) || !is_sip {
        return Err(ParseFault::NotSip("no request line"));
    }
    // RFC 3261 §7.1: "No LWS is allowed in any of the elements", "The Request-URI MUST NOT contain
    // unescaped spaces or control characters and MUST NOT be enclosed in <>".
    let fault = if trimmed.len() != line.len() {
        Some("White Space after SIP Version")
    } else if uri.is_empty() || uri.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Some("White Space in Request-URI")
    } else if uri.contains(['<', '>']) {
        Some("Request-URI in Angle Brackets")
    } else {
        None
    };
    let start = StartLine::Request { method: Method::from_text(text.share(method)), uri: text.share(uri) };
    Ok(First { start, version_ok: version.eq_ignore_ascii_case("SIP/2.0"), fault })
}

fn header_line(text: &Text, line: &str) -> Option<Header> {
    let colon = memchr::memchr(b':', line.as_bytes())?;
    let (name, value) = (line[..colon].trim_ascii_end(), line[colon + 1..].trim_ascii());
    let (name, spelling) = match HeaderName::known(name) {
        Some((word, known)) if *word == name => (known.clone(), Text::from_static(word)),
        Some((_, known)) => (known.clone(), text.share(name)),
        None if name.is_empty() || !name.bytes().all(is_token) => return None,
        None => (HeaderName::Other(text.share(name)), text.share(name)),
    };
    let value = match memchr::memchr2(b'\r', b'\n', value.as_bytes()) {
        None => text.share(value),
        Some(_) => unfolded(value),
    };
    Some(Header { name, spelling, value })
}

/// RFC 3261 §7.3.1: a folded line reads as if the fold were one space.
fn unfolded(value: &str) -> Text {
    let parts = value.split(['\r', '\n']).map(str::trim_ascii).filter(|part| !part.is_empty());
    Text::from(parts.collect::<Vec<_>>().join(" "))
}

/// RFC 3261 §25.1: "token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )"
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    table
};

/// RFC 3261 §25.1 token.
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Lines, with folded continuation lines left in one piece.
struct Lines<'a>(&'a str);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let bytes = self.0.as_bytes();
        let end = memchr::memchr_iter(b'\n', bytes)
            .find(|at| !matches!(bytes.get(at + 1), Some(b' ' | b'\t')))
            .unwrap_or(bytes.len());
        let line = self.0[..end].trim_end_matches('\r');
        self.0 = self.0.get(end + 1..).unwrap_or("");
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:b@b.c;opaque=app:conf:focus:id:AB SIP/2.0\r\n\
        v: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
        f: \"A\" <sip:a@b.c>;tag=1\r\n\
        TO : <sip:b@b.c>\r\n\
        Subject: one\r\n  two\r\n\
        i: x@y\r\nCSeq: 7 INVITE\r\nl: 4\r\n\r\n\u{ff}12ignored";

    #[test]
    fn compact_folded_and_spaced_headers_are_read() {
        let message = Message::parse_datagram(Bytes::from(INVITE)).unwrap();
        assert_eq!(message.method(), Some(Method::Invite));
        assert_eq!(message.header(&HeaderName::Subject).unwrap(), "one two");
        assert_eq!(message.from_tag().unwrap(), "1");
        assert_eq!(message.to().unwrap().uri.raw, "sip:b@b.c");
        assert_eq!(message.cseq().unwrap().number, 7);
        assert_eq!(&message.body[..], "\u{ff}12".as_bytes());
        assert_eq!(message.top_via().unwrap().branch().unwrap(), "z9hG4bK1");
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let message = Message::parse_datagram(Bytes::from(INVITE)).unwrap();
        let again = Message::parse_datagram(message.encode()).unwrap();
        assert_eq!(again.encode(), message.encode());
        assert_eq!(again.body, message.body);
    }

    #[test]
    fn faults_keep_what_can_be_answered() {
        let short = INVITE.replace("l: 4", "l: 400");
        let Err(ParseFault::Malformed { salvaged, .. }) = Message::parse_datagram(Bytes::from(short)) else {
            panic!("a short body is a fault");
        };
        assert_eq!(salvaged.call_id().unwrap(), "x@y");
        let Err(ParseFault::Version { .. }) =
            Message::parse_datagram(Bytes::from(INVITE.replace("SIP/2.0\r\nv", "SIP/7.0\r\nv")))
        else {
            panic!("a wrong version is a fault of its own");
        };
        assert!(matches!(
            Message::parse_datagram(Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n")),
            Err(ParseFault::NotSip(_))
        ));
    }

    #[test]
    fn a_response_answers_its_request() {
        let request = Message::parse_datagram(Bytes::from(INVITE)).unwrap();
        let response = Message::response(&request, 180, "Ringing", Some("t2"));
        assert_eq!((response.status(), response.to_tag().as_deref()), (Some(180), Some("t2")));
        assert_eq!(response.method(), Some(Method::Invite));
        assert!(response.header(&HeaderName::Subject).is_none());
    }
}
