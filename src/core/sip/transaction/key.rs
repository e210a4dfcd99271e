//! How a message finds its transaction (RFC 3261 §17.1.3, §17.2.3).

use super::super::wire::{HeaderName, Message, Method, StartLine, Text, Via};

/// A client transaction is known by the branch of the top Via and the method of CSeq (§17.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientKey {
    branch: Text,
    method: Method,
}

impl Default for ClientKey {
    /// The key of a message without Via: no response matches it.
    fn default() -> Self {
        Self { branch: Text::default(), method: Method::Other(Text::default()) }
    }
}

impl ClientKey {
    /// Of a request that is sent or a response that is received.
    ///
    /// "The method is needed since a CANCEL request constitutes a different transaction, but shares the
    /// same value of the branch parameter."
    pub fn of(message: &Message) -> Option<Self> {
        let branch = message.top_via()?.branch()?;
        let method = match message.is_request() {
            true => message.method()?,
            false => message.cseq()?.method,
        };
        Some(Self { branch, method })
    }

    /// The branch.
    pub fn branch(&self) -> &Text {
        &self.branch
    }
}

/// What a server transaction is known by (§17.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServerKey {
    /// The branch begins with the magic cookie.
    Rfc3261 {
        /// `branch` of the top Via.
        branch: Text,
        /// `host:port` of the top Via, lower case.
        sent_by: String,
        /// The method, INVITE for its ACK.
        method: Method,
    },
    /// An RFC 2543 client: everything that tells its requests apart. The To tag is left out on purpose:
    /// the INVITE has none where its ACK carries ours, and Via and CSeq already tell the two apart.
    Rfc2543 {
        /// Request-URI as received.
        uri: Text,
        /// Tag of From.
        from_tag: Option<Text>,
        /// Call-ID.
        call_id: Text,
        /// Number of CSeq.
        cseq: u32,
        /// The top Via as received.
        via: Text,
        /// The method, INVITE for its ACK.
        method: Method,
    },
}

impl ServerKey {
    /// Of a received request. `None` when Via, Call-ID or CSeq is missing or broken.
    pub fn of(request: &Message) -> Option<Self> {
        let method = match request.method()? {
            // "The method of the request matches the one that created the transaction, except for ACK,
            // where the method of the request that created the transaction is INVITE."
            Method::Ack => Method::Invite,
            other => other,
        };
        Self::with_method(request, method)
    }

    /// The key of the transaction that this CANCEL wants to end (§9.2): "as if the method were INVITE".
    pub fn cancelled_by(cancel: &Message) -> Option<Self> {
        Self::with_method(cancel, Method::Invite)
    }

    /// The key of the transaction that a response we sent belongs to.
    pub fn of_response(response: &Message) -> Option<Self> {
        let via = response.top_via()?;
        let branch = via.branch().filter(|b| b.starts_with(Via::COOKIE))?;
        Some(Self::Rfc3261 { branch, sent_by: via.sent_by(), method: response.cseq()?.method })
    }

    fn with_method(request: &Message, method: Method) -> Option<Self> {
        let StartLine::Request { uri, .. } = &request.start else { return None };
        let (call_id, cseq) = (request.call_id()?.clone(), request.cseq()?.number);
        let raw = request.headers.list(&HeaderName::Via).into_iter().next()?;
        let via = Via::parse(&raw)?;
        Some(match via.branch().filter(|b| b.starts_with(Via::COOKIE)) {
            Some(branch) => Self::Rfc3261 { branch, sent_by: via.sent_by(), method },
            None => Self::Rfc2543 {
                uri: uri.clone(),
                from_tag: request.from_tag(),
                call_id,
                cseq,
                via: raw,
                method,
            },
        })
    }
}
