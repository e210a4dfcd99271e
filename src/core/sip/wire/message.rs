//! A SIP message: start line, headers, body.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::parse::is_token;
use super::{Header, HeaderName, Headers, Method, NameAddr, Text, Uri, Via};

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartLine {
    /// `METHOD uri SIP/2.0`
    Request {
        /// What is asked.
        method: Method,
        /// Request-URI as received.
        uri: Text,
    },
    /// `SIP/2.0 status reason`
    Response {
        /// 100 to 699.
        status: u16,
        /// Reason phrase, possibly empty.
        reason: Text,
    },
}

/// CSeq (RFC 3261 §20.16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// Sequence number, below 2^31 when we make it.
    pub number: u32,
    /// Method.
    pub method: Method,
}

/// A whole message. Cloning copies no text; `Debug` shows neither credentials nor the body, which may
/// hold media keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// First line.
    pub start: StartLine,
    /// Headers in order. `Content-Length` is not among them when a message is built here; the writer
    /// adds it from the body.
    pub headers: Headers,
    /// The body, as bytes.
    pub body: Bytes,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = [
            HeaderName::Authorization,
            HeaderName::ProxyAuthorization,
            HeaderName::WwwAuthenticate,
            HeaderName::ProxyAuthenticate,
            HeaderName::AuthenticationInfo,
        ];
        let mut shown = f.debug_struct("Message");
        shown.field("start", &self.start);
        for header in self.headers.iter() {
            let value = if secret.contains(&header.name) { "<redacted>" } else { header.value.as_str() };
            shown.field(header.name.as_str(), &value);
        }
        shown.field("body", &format_args!("{} octets", self.body.len())).finish()
    }
}

impl Message {
    /// A request with nothing but its first line.
    pub fn request(method: Method, uri: impl Into<Text>) -> Self {
        Self {
            start: StartLine::Request { method, uri: uri.into() },
            headers: Headers::default(),
            body: Bytes::new(),
        }
    }

    /// A response to `request` (RFC 3261 §8.2.6.2): Via, From, Call-ID, CSeq and To copied, `to_tag`
    /// added when To has none. Record-Route is copied for dialog-forming use by the caller.
    pub fn response(request: &Message, status: u16, reason: &str, to_tag: Option<&str>) -> Self {
        let start = StartLine::Response { status, reason: reason.into() };
        let mut headers = Headers::default();
        for header in request.headers.iter() {
            match header.name {
                HeaderName::Via => headers.push(HeaderName::Via, header.value.clone()),
                // A request that carries one of these twice is answered with the first of each.
                HeaderName::From | HeaderName::CallId | HeaderName::CSeq | HeaderName::To
                    if headers.get(&header.name).is_some() => {}
                HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {
                    headers.push(header.name.clone(), header.value.clone());
                }
                HeaderName::To => {
                    // "if the To header field in the request did not contain a tag, the URI in the To
                    // header field in the response MUST equal [it] … the UAS MUST add a tag"
                    let value = match to_tag {
                        Some(tag) if request.to_tag().is_none() => {
                            Text::from(format!("{};tag={tag}", header.value))
                        }
                        _ => header.value.clone(),
                    };
                    headers.push(HeaderName::To, value);
                }
                _ => {}
            }
        }
        Self { start, headers, body: Bytes::new() }
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        match self.start {
            StartLine::Response { status, .. } => Some(status),
            StartLine::Request { .. } => None,
        }
    }

    /// The reason phrase of a response, or "".
    pub fn reason(&self) -> &str {
        match &self.start {
            StartLine::Response { reason, .. } => reason,
            StartLine::Request { .. } => "",
        }
    }

    /// The method of a request, or that of a response's CSeq.
    pub fn method(&self) -> Option<Method> {
        match &self.start {
            StartLine::Request { method, .. } => Some(method.clone()),
            StartLine::Response { .. } => self.cseq().map(|c| c.method),
        }
    }

    /// The parsed Request-URI.
    pub fn request_uri(&self) -> Option<Uri> {
        match &self.start {
            StartLine::Request { uri, .. } => Uri::parse(uri),
            StartLine::Response { .. } => None,
        }
    }

    /// The first value of a header.
    pub fn header(&self, name: &HeaderName) -> Option<&Text> {
        self.headers.get(name)
    }

    /// Call-ID.
    pub fn call_id(&self) -> Option<&Text> {
        self.header(&HeaderName::CallId).filter(|id| !id.is_empty())
    }

    /// CSeq, if well-formed.
    pub fn cseq(&self) -> Option<CSeq> {
        let value = self.header(&HeaderName::CSeq)?;
        let (number, method) = value.split_once(char::is_whitespace)?;
        // RFC 3261 §20.16: "MUST be expressible as a 32-bit unsigned integer"
        let number = number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())??;
        let method = method.trim();
        let token = !method.is_empty() && method.bytes().all(is_token);
        token.then(|| CSeq { number, method: Method::from_text(value.share(method)) })
    }

    /// From.
    pub fn from(&self) -> Option<NameAddr> {
        NameAddr::parse(self.header(&HeaderName::From)?)
    }

    /// To.
    pub fn to(&self) -> Option<NameAddr> {
        NameAddr::parse(self.header(&HeaderName::To)?)
    }

    /// Tag of From.
    pub fn from_tag(&self) -> Option<Text> {
        self.from()?.tag()
    }

    /// Tag of To.
    pub fn to_tag(&self) -> Option<Text> {
        self.to()?.tag()
    }

    /// The topmost Via.
    pub fn top_via(&self) -> Option<Via> {
        Via::parse(&self.headers.first_of_list(&HeaderName::Via)?)
    }

    /// The Contacts that parse; `*` does not.
    pub fn contacts(&self) -> Vec<NameAddr> {
        self.headers.list(&HeaderName::Contact).iter().filter_map(NameAddr::parse).collect()
    }

    /// The body with its type, when there is one.
    pub fn typed_body(&self) -> Option<(&str, &Bytes)> {
        let kind = self.header(&HeaderName::ContentType).map_or("application/sdp", |t| t.as_str());
        (!self.body.is_empty()).then_some((kind, &self.body))
    }

    /// Sets the body and its type.
    pub fn set_body(&mut self, content_type: &str, body: impl Into<Bytes>) {
        self.headers.set(HeaderName::ContentType, content_type);
        self.body = body.into();
    }

    /// The message as bytes. Content-Length is always written, from the body. A line break within a
    /// value becomes a space, so no value can add a header of its own.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.encoded_room());
        match &self.start {
            StartLine::Request { method, uri } => {
                put(&mut out, method.as_str());
                out.put_u8(b' ');
                put(&mut out, uri);
                out.put_slice(b" SIP/2.0\r\n");
            }
            StartLine::Response { status, reason } => {
                out.put_slice(b"SIP/2.0 ");
                put_number(&mut out, usize::from(*status));
                out.put_u8(b' ');
                put(&mut out, reason);
                out.put_slice(b"\r\n");
            }
        }
        for Header { name, spelling, value } in self.headers.iter() {
            if *name != HeaderName::ContentLength {
                put(&mut out, spelling);
                out.put_slice(b": ");
                put(&mut out, value);
                out.put_slice(b"\r\n");
            }
        }
        out.put_slice(b"Content-Length: ");
        put_number(&mut out, self.body.len());
        out.put_slice(b"\r\n\r\n");
        out.put_slice(&self.body);
        out.freeze()
    }

    /// Bytes that the encoded form takes, or a few more.
    fn encoded_room(&self) -> usize {
        let start = match &self.start {
            StartLine::Request { method, uri } => method.as_str().len() + uri.len(),
            StartLine::Response { reason, .. } => reason.len(),
        };
        let lines: usize = self.headers.iter().map(|h| h.spelling.len() + h.value.len() + 4).sum();
        start + lines + self.body.len() + 64
    }
}

fn put(out: &mut BytesMut, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        out.put_slice(&rest[..at]);
        out.put_u8(b' ');
        rest = &rest[at + 1..];
    }
    out.put_slice(rest);
}

fn put_number(out: &mut BytesMut, number: usize) {
    let (mut digits, mut at, mut left) = ([0; 20], 20, number);
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            return out.put_slice(&digits[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_add_a_header_of_its_own() {
        let mut message = Message::request(Method::Options, "sip:a@b\r\nEvil: 1");
        message.headers.push(HeaderName::Subject, "x\r\nEvil: 2\n\rEvil: 3");
        let read = Message::parse_head(message.encode()).unwrap_err();
        let super::super::ParseFault::Malformed { salvaged, .. } = read else { panic!("{read}") };
        assert!(salvaged.header(&HeaderName::Other("Evil".into())).is_none());
        assert_eq!(salvaged.header(&HeaderName::Subject).unwrap(), "x  Evil: 2  Evil: 3");
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        let mut out = BytesMut::new();
        [0, 7, 10, 4711, usize::MAX].iter().for_each(|n| {
            put_number(&mut out, *n);
            out.put_u8(b' ');
        });
        assert_eq!(out, format!("0 7 10 4711 {} ", usize::MAX).as_bytes());
    }

    #[test]
    fn a_response_copies_each_single_header_once() {
        let mut request = Message::request(Method::Invite, "sip:a@b");
        for (name, value) in [
            (HeaderName::Via, "SIP/2.0/UDP h;branch=z9hG4bK1"),
            (HeaderName::To, "<sip:a@b>"),
            (HeaderName::To, "<sip:c@d>"),
            (HeaderName::CSeq, "1 INVITE"),
            (HeaderName::CSeq, "2 INVITE"),
        ] {
            request.headers.push(name, value);
        }
        let response = Message::response(&request, 400, "Bad Request", Some("t"));
        assert_eq!(response.headers.count(&HeaderName::To), 1);
        assert_eq!(response.header(&HeaderName::To).unwrap(), "<sip:a@b>;tag=t");
        assert_eq!(response.headers.count(&HeaderName::CSeq), 1);
    }
}
