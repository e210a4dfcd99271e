//! Dialogs (RFC 3261 §12): what two ends must remember to speak to each other again.
//!
//! A [`Dialog`] is a record: it is saved as it is. Route headers and targets are kept byte for byte.
//!
//! Words: *local* is this end, *remote* the other, whichever of them sent the first request.

use serde::{Deserialize, Serialize};

use super::wire::{HeaderName, Message, Method, NameAddr, Scheme, StartLine, Text, Uri};

/// What a dialog is known by (§12): Call-ID, local tag, remote tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The tag of the other end; empty for an RFC 2543 peer ("a tag with a value of null").
    pub remote_tag: String,
}

/// The state of a dialog (§12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialog {
    /// Its name.
    pub id: DialogId,
    /// Our From or To as it stands in messages, tag included.
    pub local: String,
    /// The same of the other end.
    pub remote: String,
    /// Where the other end wants its requests: the URI of its last Contact.
    pub remote_target: String,
    /// Route values in the order in which we send them.
    pub route_set: Vec<String>,
    /// The CSeq number we used last.
    pub local_cseq: u32,
    /// The highest CSeq number of the other end, if it has sent a request.
    pub remote_cseq: Option<u32>,
    /// Made by a SIPS request over TLS.
    pub secure: bool,
}

/// A request is older than one that was already taken (§12.2.2); the answer is 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("CSeq {got} is below {last}, which was already taken; send requests in order")]
pub struct OutOfOrder {
    /// The number that came.
    pub got: u32,
    /// The highest one before.
    pub last: u32,
}

impl Dialog {
    /// The caller's side, from its request and a response with a To tag (§12.1.2).
    pub fn uac(request: &Message, response: &Message) -> Self {
        let text = |name: &HeaderName, of: &Message| of.header(name).map_or(String::new(), Text::to_string);
        // "The route set MUST be set to the list of URIs in the Record-Route header field from the
        // response, taken in reverse order and preserving all URI parameters."
        let mut route_set = record_route(response);
        route_set.reverse();
        Self {
            id: DialogId {
                call_id: text(&HeaderName::CallId, request),
                local_tag: request.from_tag().map_or(String::new(), |t| t.to_string()),
                remote_tag: response.to_tag().map_or(String::new(), |t| t.to_string()),
            },
            local: text(&HeaderName::From, request),
            remote: text(&HeaderName::To, response),
            remote_target: contact(response).unwrap_or_else(|| request_uri(request)),
            route_set,
            local_cseq: request.cseq().map_or(0, |c| c.number),
            remote_cseq: None,
            secure: is_secure(request),
        }
    }

    /// The callee's side, from the request it received and the tag it chose (§12.1.1). `None` when the
    /// request has no Contact, From, To, Call-ID or CSeq that can be read: answer 400.
    pub fn uas(request: &Message, local_tag: &str) -> Option<Self> {
        request.from()?;
        request.to()?;
        Some(Self {
            id: DialogId {
                call_id: request.call_id()?.to_string(),
                local_tag: local_tag.to_owned(),
                // "A UAS MUST be prepared to receive a request without a tag in the From field, in which
                // case the tag is considered to have a value of null."
                remote_tag: request.from_tag().map_or(String::new(), |t| t.to_string()),
            },
            local: format!("{};tag={local_tag}", request.header(&HeaderName::To)?),
            remote: request.header(&HeaderName::From)?.to_string(),
            remote_target: contact(request)?,
            // "… taken in order and preserving all URI parameters."
            route_set: record_route(request),
            local_cseq: 0,
            remote_cseq: Some(request.cseq()?.number),
            secure: is_secure(request),
        })
    }

    /// RFC 3261 §13.2.2.4: "the dialog identifier … matches that of an existing dialog, the dialog MUST
    /// be transitioned to the confirmed state, and the route set … MUST be recomputed based on the 2xx
    /// response." Sequence numbers go on.
    pub fn confirm(&mut self, request: &Message, response: &Message) {
        let fresh = Self::uac(request, response);
        self.route_set = fresh.route_set;
        self.remote_target = fresh.remote_target;
        self.remote = fresh.remote;
    }

    /// A new request with the next CSeq: Request-URI, Route, From, To, Call-ID, CSeq and Max-Forwards
    /// (§12.2.1.1). Via and Contact are the sender's to add.
    pub fn request(&mut self, method: Method) -> Message {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.with_cseq(method, self.local_cseq)
    }

    /// The ACK to a 2xx: the number "MUST be the same as the INVITE being acknowledged" (§13.2.2.4).
    pub fn ack(&self, invite_cseq: u32) -> Message {
        self.with_cseq(Method::Ack, invite_cseq)
    }

    /// Checks and takes the number of an inbound request other than ACK and CANCEL (§12.2.2).
    pub fn take_cseq(&mut self, got: u32) -> Result<(), OutOfOrder> {
        match self.remote_cseq {
            // "If the remote sequence number was not empty, but the sequence number of the request is lower
            // than the remote sequence number, the request is out of order and MUST be rejected with a 500
            // (Server Internal Error) response."
            Some(last) if got < last => Err(OutOfOrder { got, last }),
            _ => {
                self.remote_cseq = Some(got);
                Ok(())
            }
        }
    }

    /// Target refresh (§12.2.1.2, §12.2.2): "the UA MUST replace the dialog's remote target URI with the
    /// URI from the Contact header field". Returns whether it changed.
    pub fn refresh_target(&mut self, message: &Message) -> bool {
        match contact(message) {
            Some(target) if target != self.remote_target => {
                self.remote_target = target;
                true
            }
            _ => false,
        }
    }

    /// Where requests go: the first of the route set, loose or strict, else the target (RFC 3261 §8.1.2;
    /// behind a strict router the finished message no longer shows it). `None` when it is no URI.
    pub fn next_hop(&self) -> Option<Uri> {
        match self.route_set.first() {
            Some(route) => NameAddr::parse(&Text::from(route.as_str())).map(|route| route.uri),
            None => Uri::parse(&Text::from(self.remote_target.as_str())),
        }
    }

    /// Whether a request from the other end belongs here: our tag in To, theirs in From.
    pub fn owns(&self, request: &Message) -> bool {
        let tag = |tag: Option<Text>| tag.map_or(String::new(), |t| t.to_string());
        request.call_id().is_some_and(|id| *id == self.id.call_id.as_str())
            && tag(request.to_tag()) == self.id.local_tag
            && tag(request.from_tag()) == self.id.remote_tag
    }

    fn with_cseq(&self, method: Method, cseq: u32) -> Message {
        let (uri, route) = self.target_and_route();
        let mut request = Message::request(method.clone(), uri);
        for value in route {
            request.headers.push(HeaderName::Route, value);
        }
        request.headers.push(HeaderName::MaxForwards, "70");
        request.headers.push(HeaderName::From, self.local.as_str());
        request.headers.push(HeaderName::To, self.remote.as_str());
        request.headers.push(HeaderName::CallId, self.id.call_id.as_str());
        request.headers.push(HeaderName::CSeq, format!("{cseq} {method}"));
        request
    }

    /// §12.2.1.1. With a strict router first, "the UAC MUST place the first URI from the route set into
    /// the Request-URI, stripping any parameters that are not allowed in a Request-URI … MUST then place
    /// the remote target URI into the Route header field as the last value."
    fn target_and_route(&self) -> (Text, Vec<String>) {
        let target = Text::from(self.remote_target.as_str());
        let first = self.route_set.first().and_then(|r| NameAddr::parse(&Text::from(r.as_str())));
        match first {
            Some(first) if !first.uri.params.has("lr") => {
                let rest = self.route_set[1..].iter().cloned();
                let route = rest.chain([format!("<{}>", self.remote_target)]).collect();
                (without_headers(&first.uri), route)
            }
            _ => (target, self.route_set.clone()),
        }
    }
}

/// §19.1.1, table 1: a Request-URI has no headers and no `method` parameter.
fn without_headers(uri: &Uri) -> Text {
    let bare = uri.raw.split_once('?').map_or(uri.raw.as_str(), |(bare, _)| bare);
    if !uri.params.has("method") {
        return Text::from(bare);
    }
    let keep = |part: &&str| !part.to_ascii_lowercase().starts_with("method=");
    Text::from(bare.split(';').filter(keep).collect::<Vec<_>>().join(";"))
}

fn record_route(message: &Message) -> Vec<String> {
    message.headers.list(&HeaderName::RecordRoute).iter().map(Text::to_string).collect()
}

fn contact(message: &Message) -> Option<String> {
    message.contacts().first().map(|contact| contact.uri.raw.to_string())
}

fn request_uri(message: &Message) -> String {
    match &message.start {
        StartLine::Request { uri, .. } => uri.to_string(),
        StartLine::Response { .. } => String::new(),
    }
}

/// §12.1: "If the request was sent over TLS, and the Request-URI contained a SIPS URI, the secure flag
/// is set to TRUE." A SIPS request has no other way than TLS.
fn is_secure(request: &Message) -> bool {
    request.request_uri().is_some_and(|uri| uri.scheme == Scheme::Sips)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn parse(text: &str) -> Message {
        Message::parse_datagram(Bytes::from(text.replace('\n', "\r\n"))).unwrap()
    }

    fn invite() -> Message {
        parse(
            "INVITE sips:b@example.com SIP/2.0\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\n\
             Record-Route: <sip:p2.example.com;lr;x=\"1\">, <sip:p1.example.com;lr>\n\
             From: \"A\" <sip:a@example.com>;tag=ft\nTo: <sip:b@example.com>\nCall-ID: c\nCSeq: 5 INVITE\n\
             Contact: <sip:a@10.0.0.1:5070;transport=tls>\n\n",
        )
    }

    fn accepted() -> Message {
        let mut ok = Message::response(&invite(), 200, "OK", Some("tt"));
        ok.headers.push(HeaderName::RecordRoute, "<sip:p2.example.com;lr;x=\"1\">, <sip:p1.example.com;lr>");
        ok.headers.push(HeaderName::Contact, "<sip:b@10.0.0.2>;expires=3");
        ok
    }

    #[test]
    fn both_ends_hold_the_same_dialog_mirrored() {
        let uac = Dialog::uac(&invite(), &accepted());
        let uas = Dialog::uas(&invite(), "tt").unwrap();
        assert_eq!((&uac.id.local_tag, &uac.id.remote_tag), (&uas.id.remote_tag, &uas.id.local_tag));
        assert_eq!(uac.route_set, ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr;x=\"1\">"]);
        assert_eq!(uas.route_set, ["<sip:p2.example.com;lr;x=\"1\">", "<sip:p1.example.com;lr>"]);
        assert_eq!(uac.remote_target, "sip:b@10.0.0.2");
        assert_eq!(uas.remote_target, "sip:a@10.0.0.1:5070;transport=tls");
        assert!(uac.secure && uas.secure);
    }

    #[test]
    fn a_request_names_target_route_and_next_number() {
        let mut uac = Dialog::uac(&invite(), &accepted());
        let bye = uac.request(Method::Bye);
        assert_eq!(bye.request_uri().unwrap().raw, "sip:b@10.0.0.2");
        assert_eq!(bye.cseq().unwrap().number, 6);
        assert_eq!(uac.next_hop().unwrap().raw, "sip:p1.example.com;lr");
        assert_eq!(uac.ack(5).header(&HeaderName::CSeq).unwrap(), "5 ACK");
        let mut uas = Dialog::uas(&invite(), "tt").unwrap();
        assert!(uas.owns(&bye));
        assert_eq!(uas.take_cseq(6), Ok(()));
        assert_eq!(uas.take_cseq(5), Err(OutOfOrder { got: 5, last: 6 }));
    }

    #[test]
    fn a_strict_router_gets_the_request_uri() {
        let mut uac = Dialog::uac(&invite(), &accepted());
        uac.route_set = vec!["<sip:strict.example.com;method=INVITE?x=y>".into(), "<sip:p2;lr>".into()];
        let bye = uac.request(Method::Bye);
        assert_eq!(bye.request_uri().unwrap().raw, "sip:strict.example.com");
        let routes: Vec<_> = bye.headers.list(&HeaderName::Route).iter().map(Text::to_string).collect();
        assert_eq!(routes, ["<sip:p2;lr>", "<sip:b@10.0.0.2>"]);
        assert_eq!(uac.next_hop().unwrap().raw, "sip:strict.example.com;method=INVITE?x=y");
    }

    #[test]
    fn a_contact_moves_the_target_and_its_absence_does_not() {
        let mut uas = Dialog::uas(&invite(), "tt").unwrap();
        assert!(!uas.refresh_target(&invite()));
        let mut moved = invite();
        moved.headers.set(HeaderName::Contact, "<sip:a@10.9.9.9>");
        assert!(uas.refresh_target(&moved));
        moved.headers.remove(&HeaderName::Contact);
        assert!(!uas.refresh_target(&moved));
        assert_eq!(uas.remote_target, "sip:a@10.9.9.9");
    }
}
