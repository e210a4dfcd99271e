//! A SIP message: start line, headers, body.

use bytes::{BufMut, Bytes, BytesMut};

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

/// A whole message. Cloning copies no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// First line.
    pub start: StartLine,
    /// Headers in order. `Content-Length` is not among them when a message is built here; the writer
    /// adds it from the body.
    pub headers: Headers,
    /// The body, as bytes.
    pub body: Bytes,
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
                HeaderName::Via | HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {
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
        Some(CSeq { number, method: Method::from_text(value.share(method.trim())) })
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
        Via::parse(self.headers.list(&HeaderName::Via).first()?)
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

    /// The message as bytes. Content-Length is always written, from the body.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(512 + self.body.len());
        match &self.start {
            StartLine::Request { method, uri } => {
                put(&mut out, &[method.as_str(), " ", uri, " SIP/2.0\r\n"]);
            }
            StartLine::Response { status, reason } => {
                put(&mut out, &["SIP/2.0 ", &status.to_string(), " ", reason, "\r\n"]);
            }
        }
        for Header { name, spelling, value } in self.headers.iter() {
            if *name != HeaderName::ContentLength {
                put(&mut out, &[spelling, ": ", value, "\r\n"]);
            }
        }
        put(&mut out, &["Content-Length: ", &self.body.len().to_string(), "\r\n\r\n"]);
        out.put_slice(&self.body);
        out.freeze()
    }
}

fn put(out: &mut BytesMut, words: &[&str]) {
    words.iter().for_each(|word| out.put_slice(word.as_bytes()));
}
