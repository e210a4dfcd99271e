//! A SIP message as an emulator sees it: start line, header lines in order, body.

use std::fmt::Write as _;

use bytes::Bytes;
use ezk_sip_types::msg::{Line, MessageLine, PullParser};
use ezk_sip_types::parse::Parse;
use ezk_sip_types::{Method, Name};

use super::address;

/// Longest head (start line and headers) that is read, octets.
pub const MAX_HEAD: usize = 16 * 1024;
/// Longest body that is read, octets.
pub const MAX_BODY: usize = 64 * 1024;
/// Most header lines that are read.
const MAX_HEADERS: usize = 128;

/// The first line.
#[derive(Debug, Clone)]
pub enum Start {
    /// `METHOD uri SIP/2.0`; the URI keeps its spelling, so that `tel:` passes too.
    Request {
        /// The method; unknown ones are kept.
        method: Method,
        /// The Request-URI as written.
        uri: String,
    },
    /// `SIP/2.0 code reason`.
    Response {
        /// 100 to 699.
        code: u16,
        /// The words.
        reason: String,
    },
}

/// A request or a response.
#[derive(Debug, Clone)]
pub struct Message {
    /// The first line.
    pub start: Start,
    /// Long names, values as written (unfolded); Via, Route and Record-Route one value per entry.
    headers: Vec<(String, String)>,
    /// The body, not interpreted.
    pub body: Bytes,
}

/// Why octets are no SIP message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SIP message: {0}")]
pub struct Malformed(pub &'static str);

impl Message {
    /// A request without headers.
    pub fn request(method: Method, uri: impl Into<String>) -> Self {
        Self { start: Start::Request { method, uri: uri.into() }, headers: Vec::new(), body: Bytes::new() }
    }

    /// A response with what RFC 3261 §8.2.6 has copied from the request: Via, From, To, Call-ID, CSeq.
    pub fn response_to(request: &Message, code: u16, reason: &str) -> Self {
        let copied = ["Via", "From", "To", "Call-ID", "CSeq"];
        let headers = request.headers.iter().filter(|(name, _)| copied.contains(&name.as_str()));
        Self {
            start: Start::Response { code, reason: reason.to_owned() },
            headers: headers.cloned().collect(),
            body: Bytes::new(),
        }
    }

    /// Reads one message; what follows the head is the body, cut to Content-Length when it is given
    /// (RFC 3261 §18.3).
    ///
    /// # Errors
    /// [`Malformed`], naming the part.
    pub fn parse(octets: &Bytes) -> Result<Self, Malformed> {
        let mut lines = PullParser::new(octets, 0);
        let first = lines.next().ok_or(Malformed("empty"))?.map_err(|_| Malformed("head is cut off"))?;
        let start = parse_start(text(first)?)?;
        let mut message = Self { start, headers: Vec::new(), body: Bytes::new() };
        for line in lines.by_ref() {
            let line = text(line.map_err(|_| Malformed("head is cut off"))?)?;
            message.push_line(octets, line)?;
        }
        message.body = octets.slice(lines.head_end().min(octets.len())..);
        if let Some(length) = message.content_length()? {
            if length > message.body.len() {
                return Err(Malformed("body is shorter than Content-Length"));
            }
            message.body.truncate(length);
        }
        Ok(message)
    }

    fn push_line(&mut self, octets: &Bytes, line: &str) -> Result<(), Malformed> {
        let (_, parsed) = Line::parse(octets, line).map_err(|_| Malformed("header line"))?;
        let value = unfold(line.split_once(':').map_or("", |(_, value)| value));
        let name = parsed.name.as_print_str().to_owned();
        let listed = [Name::VIA, Name::ROUTE, Name::RECORD_ROUTE].contains(&parsed.name);
        if listed {
            self.headers.extend(address::list(&value).map(|one| (name.clone(), one.to_owned())));
        } else {
            self.headers.push((name, value));
        }
        match self.headers.len() {
            0..=MAX_HEADERS => Ok(()),
            _ => Err(Malformed("too many header lines")),
        }
    }

    /// Content-Length, when it is there.
    ///
    /// # Errors
    /// When it is no number or beyond [`MAX_BODY`].
    pub fn content_length(&self) -> Result<Option<usize>, Malformed> {
        let Some(value) = self.header("Content-Length") else { return Ok(None) };
        match value.trim().parse() {
            Ok(length) if length <= MAX_BODY => Ok(Some(length)),
            _ => Err(Malformed("Content-Length")),
        }
    }

    /// The octets for the wire, with Content-Length.
    pub fn to_bytes(&self) -> Bytes {
        let mut head = String::with_capacity(512);
        // Writing to a String cannot fail.
        let _ = match &self.start {
            Start::Request { method, uri } => write!(head, "{method} {uri} SIP/2.0\r\n"),
            Start::Response { code, reason } => write!(head, "SIP/2.0 {code} {reason}\r\n"),
        };
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "Content-Length") {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n", self.body.len());
        let mut octets = head.into_bytes();
        octets.extend_from_slice(&self.body);
        octets.into()
    }

    /// The method, when this is a request.
    pub fn method(&self) -> Option<&Method> {
        match &self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The status, when this is a response.
    pub fn code(&self) -> Option<u16> {
        match &self.start {
            Start::Request { .. } => None,
            Start::Response { code, .. } => Some(*code),
        }
    }

    /// The Request-URI as written; empty in a response.
    pub fn uri(&self) -> &str {
        match &self.start {
            Start::Request { uri, .. } => uri,
            Start::Response { .. } => "",
        }
    }

    /// Writes another Request-URI; nothing happens to a response.
    pub fn set_uri(&mut self, to: impl Into<String>) {
        if let Start::Request { uri, .. } = &mut self.start {
            *uri = to.into();
        }
    }

    /// First value of a header, by its long name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of a header, in order.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> + 'a {
        self.headers
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Appends a header.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Puts a header before all others (Via, Record-Route).
    pub fn push_front(&mut self, name: &str, value: impl Into<String>) {
        self.headers.insert(0, (name.to_owned(), value.into()));
    }

    /// Replaces every value of a header by one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.headers.iter().position(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some(at) => self.headers[at].1 = value,
            None => self.push(name, value),
        }
    }

    /// Takes every value of a header away.
    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Takes the first value of a header away (top Via, top Route).
    pub fn pop(&mut self, name: &str) -> Option<String> {
        let at = self.headers.iter().position(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(self.headers.remove(at).1)
    }

    /// Sets the body with its type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) {
        self.set("Content-Type", content_type);
        self.body = body.into();
    }

    /// CSeq's number; 0 when it cannot be read.
    pub fn cseq_number(&self) -> u32 {
        self.header("CSeq").and_then(|v| v.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// CSeq's method, as written.
    pub fn cseq_method(&self) -> &str {
        self.header("CSeq").and_then(|v| v.split_whitespace().nth(1)).unwrap_or("")
    }

    /// Call-ID; empty when absent.
    pub fn call_id(&self) -> &str {
        self.header("Call-ID").map_or("", str::trim)
    }

    /// The tag of From or To.
    pub fn tag(&self, header: &str) -> Option<&str> {
        address::param(self.header(header)?, "tag")
    }

    /// The user part of the URI in From or To.
    pub fn user_of(&self, header: &str) -> Option<String> {
        address::user(address::uri(self.header(header)?))
    }
}

fn text(line: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(line).map_err(|_| Malformed("head is not UTF-8"))
}

fn unfold(value: &str) -> String {
    value.split(['\r', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The Request-URI is kept as written: `ezk` reads `sip:` and `sips:` only, and a front end must at
/// least be able to answer `tel:` with a status.
fn parse_start(line: &str) -> Result<Start, Malformed> {
    match MessageLine::parse_str(line) {
        Ok(MessageLine::Response(status)) => Ok(Start::Response {
            code: status.code.into_u16(),
            reason: status.reason.map(|r| r.to_string()).unwrap_or_default(),
        }),
        Ok(MessageLine::Request(_)) | Err(_) => {
            let mut words = line.split_ascii_whitespace();
            let (method, uri, version) = (words.next(), words.next(), words.next());
            match (method, uri, version, words.next()) {
                (Some(method), Some(uri), Some("SIP/2.0"), None) if !method.starts_with("SIP/") => {
                    Ok(Start::Request { method: Method::from(method), uri: uri.to_owned() })
                }
                _ => Err(Malformed("start line")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_compact_request_is_read_and_written_with_long_names() {
        let octets = Bytes::from_static(
            b"SERVICE tel:+1555 SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b;branch=z9hG4bK2\r\n\
              f: <sip:a@b>;tag=1\r\nSubject: one\r\n two\r\nl: 3\r\n\r\nabcd",
        );
        let message = Message::parse(&octets).unwrap();
        assert_eq!(message.method().unwrap().to_string(), "SERVICE");
        assert_eq!(message.uri(), "tel:+1555");
        assert_eq!(message.headers_named("Via").count(), 2);
        assert_eq!(message.header("Subject"), Some("one two"));
        assert_eq!(message.tag("From"), Some("1"));
        assert_eq!(&message.body[..], b"abc");
        assert!(message.to_bytes().starts_with(b"SERVICE tel:+1555 SIP/2.0\r\nVia: SIP/2.0/UDP a"));
    }

    #[test]
    fn a_body_shorter_than_its_length_is_refused() {
        let octets = Bytes::from_static(b"SIP/2.0 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        assert_eq!(Message::parse(&octets).unwrap_err(), Malformed("body is shorter than Content-Length"));
        assert!(Message::parse(&Bytes::from_static(b"\x00\xff")).is_err());
    }

    #[test]
    fn no_mutation_of_a_message_makes_a_reader_panic() {
        use rand::{Rng, SeedableRng};
        let whole = b"INVITE sip:b%20c@[::1]:5060;transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS h:1;branch=z9hG4bKa;rport=2\r\n\
            From: \"A, <\\\"B\" <sip:a@1.2.3.4>;tag=x\r\nTo: <sip:b@h>\r\nCSeq: 1 INVITE\r\n\
            Authorization: Digest realm=\"r\", nonce=\"n\"\r\nContent-Length: 4\r\n\r\nv=0\r";
        let mut random = rand::rngs::StdRng::seed_from_u64(3);
        let mut read = 0;
        for _ in 0..20_000 {
            let mut octets = whole.to_vec();
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..octets.len());
                match random.random_range(0..3) {
                    0 => octets[at] = random.random(),
                    1 => octets
                        .insert(at, *b"\r\n;:<>\",=@ \xc3".get(random.random_range(0..12)).unwrap_or(&0)),
                    _ => drop(octets.remove(at)),
                }
            }
            let Ok(message) = Message::parse(&octets.into()) else { continue };
            read += 1;
            let _ =
                (address::target(message.uri()), address::user(message.uri()), address::host(message.uri()));
            let _ = (message.user_of("From"), message.tag("From"), message.cseq_number());
            let _ = message.header("Via").map(address::via_target);
            let verifier = crate::sip::digest::Verifier::new("r");
            let _ = verifier.check(&message, "Authorization", |_| Some(String::new()));
            let _ = message.to_bytes();
        }
        assert!(read > 1_000, "only {read} mutations were still messages");
    }
}
