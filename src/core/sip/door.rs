//! The door: what becomes of a received message before anybody acts on it.
//!
//! ```text
//!                    ┌ Drop: no SIP, a broken response, an ACK we cannot take: counted, never answered
//! parsed ─► verdict ─┼ Reply: 400 405 406 415 416 420 482 483 501 505, stateless (RFC 3261 §8.2.7)
//!                    └ Pass: well-formed and ours to judge: transaction, authentication, dialog
//! ```
//!
//! The order is that of RFC 3261 §8.2 with the checks of §16.3 where a back-to-back user agent stands
//! in for a proxy: syntax, method, Request-URI, hops, loops, extensions, content.
//!
//! Out of scope, because they need state: authentication (§22), merged requests (§8.2.2.2), whether a
//! dialog exists (481), and matching a response to its transaction (§17.1.3).
//!
//! Where the standard leaves a choice to the element (RFC 4475 §3), we refuse what could be read in two
//! ways, and take what can be read in one only: `tests/torture/verdicts.txt` has each choice.

mod onward;
mod return_path;
mod rules;
mod syntax;
#[cfg(test)]
mod torture;

pub use onward::Onward;
pub use return_path::{response_destination, via_stamp};
pub use rules::DoorRules;

use super::Peer;
use super::wire::{HeaderName, Message, Method, ParseFault, Scheme, Text, Uri};

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong with it by itself.
    Pass,
    /// Send this back, keep nothing.
    Reply(Message),
    /// Say nothing.
    Drop(DropReason),
}

/// Why a message is dropped without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The bytes are no SIP message.
    NotSip,
    /// A faulty request without the Via or CSeq that a client matches an answer by (RFC 3261 §17.1.3).
    Unanswerable,
    /// A faulty request of a method that is never answered: ACK, BENOTIFY.
    NeverAnswered,
    /// A response with a broken or missing part.
    MalformedResponse,
    /// A response that has other Vias beside ours (RFC 3261 §8.1.3.3).
    ForeignVia,
}

impl DropReason {
    /// The name of its counter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSip => "not_sip",
            Self::Unanswerable => "unanswerable",
            Self::NeverAnswered => "never_answered",
            Self::MalformedResponse => "malformed_response",
            Self::ForeignVia => "foreign_via",
        }
    }
}

/// Judges one received message. `peer` is who sent it; a reply has its Via stamped already and goes to
/// [`response_destination`].
pub fn verdict(parsed: &Result<Message, ParseFault>, door: &DoorRules, peer: &Peer) -> Verdict {
    let (message, refusal) = match parsed {
        Ok(message) if message.is_request() => {
            match CHECKS.iter().find_map(|check| check(message, door, peer).err()) {
                None => return Verdict::Pass,
                Some(refusal) => (message, refusal),
            }
        }
        Ok(message) => {
            return syntax::check_response(message).map_or_else(Verdict::Drop, |()| Verdict::Pass);
        }
        Err(ParseFault::NotSip(_)) => return Verdict::Drop(DropReason::NotSip),
        Err(ParseFault::Malformed { what, salvaged }) => (&**salvaged, Refused::bad_request(*what)),
        Err(ParseFault::Version { salvaged }) => (&**salvaged, Refused::new(505, "Version Not Supported")),
    };
    match silence(message) {
        Some(reason) => Verdict::Drop(reason),
        None => Verdict::Reply(refusal.answer(message, door, peer)),
    }
}

/// A request refused: what the answer says.
struct Refused {
    status: u16,
    reason: String,
    headers: Vec<(HeaderName, String)>,
}

impl Refused {
    fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), headers: Vec::new() }
    }

    /// RFC 3261 §21.4.1: "The Reason-Phrase SHOULD identify the syntax problem in more detail, for
    /// example, "Missing Call-ID header field"."
    fn bad_request(what: impl Into<String>) -> Self {
        Self::new(400, what)
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// RFC 3261 §8.2.7: "if the original request … a stateless UAS … MUST generate To header tags for
    /// responses in a stateless manner - in a manner that will generate the same tag for the same
    /// request consistently."
    fn answer(self, request: &Message, door: &DoorRules, peer: &Peer) -> Message {
        let tag = door.to_tag(request);
        let mut answer = Message::response(request, self.status, &self.reason, Some(&tag));
        self.headers.into_iter().for_each(|(name, value)| answer.headers.push(name, value));
        if let Some(server) = &door.server {
            answer.headers.push(HeaderName::Server, server.as_str());
        }
        via_stamp(&mut answer, peer);
        answer
    }
}

/// Whether a faulty message gets no answer, and why.
fn silence(message: &Message) -> Option<DropReason> {
    match message.method() {
        _ if !message.is_request() => Some(DropReason::MalformedResponse),
        // RFC 3261 §17.1.1.3, §8.2.6: no response is ever sent to an ACK; nor to a BENOTIFY ([MS-SIP]).
        Some(Method::Ack | Method::Benotify) => Some(DropReason::NeverAnswered),
        // Presence only: "Ideally, it will respond with a 400 error" even without From, To and Call-ID
        // (RFC 4475 §3.3.1), and a request of another version has a Via of that version (§3.1.2.16).
        _ if [HeaderName::Via, HeaderName::CSeq].iter().any(|name| message.header(name).is_none()) => {
            Some(DropReason::Unanswerable)
        }
        _ => None,
    }
}

type Check = fn(&Message, &DoorRules, &Peer) -> Result<(), Refused>;

/// In the order of RFC 3261 §8.2 and §16.3. Syntax is the precondition of all the rest.
const CHECKS: [Check; 9] = [
    well_formed,
    method_allowed,
    cseq_agrees,
    request_uri_usable,
    hops_left,
    not_looping,
    extensions_known,
    content_understood,
    answer_acceptable,
];

fn well_formed(request: &Message, _: &DoorRules, _: &Peer) -> Result<(), Refused> {
    syntax::check_request(request).map_err(Refused::bad_request)
}

/// RFC 3261 §8.2.1: "If the UAS recognizes but does not support the method of a request, it MUST
/// generate a 405 … [and] MUST also add an Allow header field"; §21.5.2: 501 "when a UAS does not
/// recognize the request method and is not capable of supporting it for any user".
///
/// Before the CSeq's method is looked at: "choosing a 501 … has better future-proof characteristics"
/// (RFC 4475 §3.1.2.18).
fn method_allowed(request: &Message, door: &DoorRules, _: &Peer) -> Result<(), Refused> {
    match request.method() {
        // They belong to an INVITE, which was judged by itself.
        Some(Method::Ack | Method::Cancel) => Ok(()),
        Some(method) if door.allow.contains(&method) => Ok(()),
        Some(Method::Other(_)) => {
            Err(Refused::new(501, "Not Implemented").with(HeaderName::Allow, door.allow()))
        }
        _ => Err(Refused::new(405, "Method Not Allowed").with(HeaderName::Allow, door.allow())),
    }
}

/// RFC 3261 §8.1.1.5: "The method MUST match that of the request."
fn cseq_agrees(request: &Message, _: &DoorRules, _: &Peer) -> Result<(), Refused> {
    match request.cseq().map(|cseq| cseq.method) == request.method() {
        true => Ok(()),
        false => Err(Refused::bad_request("CSeq Method Does Not Match Request Method")),
    }
}

/// RFC 3261 §8.2.2.1: "If the Request-URI uses a scheme not supported by the UAS, it SHOULD reject the
/// request with a 416 (Unsupported URI Scheme) response."
fn request_uri_usable(request: &Message, _: &DoorRules, _: &Peer) -> Result<(), Refused> {
    match request.request_uri() {
        None => Err(Refused::bad_request("Malformed Request-URI")),
        Some(Uri { scheme: Scheme::Other(_), .. }) => Err(Refused::new(416, "Unsupported URI Scheme")),
        // RFC 3261 §19.1.1: a header component is not allowed in a Request-URI.
        Some(Uri { headers: Some(_), .. }) => Err(Refused::bad_request("Escaped Headers in Request-URI")),
        Some(_) => Ok(()),
    }
}

/// RFC 3261 §16.3 item 3: "If the request contains a Max-Forwards header field with a field value of
/// zero (0), the element MUST NOT forward the request … [and] MUST return a 483". A back-to-back user
/// agent obeys the same (RFC 7332 §4), OPTIONS included.
fn hops_left(request: &Message, _: &DoorRules, _: &Peer) -> Result<(), Refused> {
    // An ACK gets no answer and a CANCEL goes one hop (§9.1), so neither can run on.
    if matches!(request.method(), Some(Method::Ack | Method::Cancel)) {
        return Ok(());
    }
    match request.header(&HeaderName::MaxForwards).and_then(|value| value.parse::<u32>().ok()) {
        Some(0) => Err(Refused::new(483, "Too Many Hops")),
        _ => Ok(()),
    }
}

/// RFC 3261 §16.3 item 4: our own Via alone may be a spiral, such as a call from one handset to
/// another through the north; a loop is the same Request-URI coming in on the same side again.
fn not_looping(request: &Message, door: &DoorRules, peer: &Peer) -> Result<(), Refused> {
    match onward::has_looped(request, peer, door) {
        true => Err(Refused::new(482, "Loop Detected")),
        false => Ok(()),
    }
}

/// RFC 3261 §8.2.2.3: "[the UAS] MUST respond by generating a response with status code 420 (Bad
/// Extension) … [and] MUST add an Unsupported header field, and list in it those options it does not
/// understand"; §16.3 item 5 says the same of Proxy-Require.
fn extensions_known(request: &Message, door: &DoorRules, _: &Peer) -> Result<(), Refused> {
    // "Require and Proxy-Require MUST NOT be used in a SIP CANCEL request, or in an ACK request sent
    // for a non-2xx response. These header fields MUST be ignored if they are present".
    if matches!(request.method(), Some(Method::Ack | Method::Cancel)) {
        return Ok(());
    }
    let mut asked = request.headers.list(&HeaderName::Require);
    asked.extend(request.headers.list(&HeaderName::ProxyRequire));
    asked.retain(|option| !door.options.iter().any(|known| known.eq_ignore_ascii_case(option)));
    match asked.is_empty() {
        true => Ok(()),
        false => {
            let unknown = asked.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
            Err(Refused::new(420, "Bad Extension").with(HeaderName::Unsupported, unknown))
        }
    }
}

/// RFC 3261 §8.2.3: "If there are any bodies whose type … or encoding … are not understood, and that
/// body part is not optional …, the UAS MUST reject the request with a 415 (Unsupported Media Type)".
fn content_understood(request: &Message, door: &DoorRules, _: &Peer) -> Result<(), Refused> {
    if request.body.is_empty() || request.method() == Some(Method::Ack) || is_optional(request) {
        return Ok(());
    }
    let unsupported = || Refused::new(415, "Unsupported Media Type");
    let encodings = request.headers.list(&HeaderName::ContentEncoding);
    // Linphone deflates its notifications and does not ask again without.
    let deflates = request.method() == Some(Method::Message);
    let known = |encoding: &str| {
        encoding.eq_ignore_ascii_case("identity") || (deflates && encoding.eq_ignore_ascii_case("deflate"))
    };
    if encodings.iter().any(|encoding| !known(encoding)) {
        return Err(unsupported().with(HeaderName::AcceptEncoding, "identity"));
    }
    // Bodies of other methods are judged by whoever serves those.
    let carries_offer = matches!(request.method(), Some(Method::Invite | Method::Update | Method::Prack));
    let Some((kind, _)) = request.typed_body().filter(|_| carries_offer) else { return Ok(()) };
    match door.bodies.iter().any(|known| known.eq_ignore_ascii_case(media_type(kind))) {
        true => Ok(()),
        false => Err(unsupported().with(HeaderName::Accept, door.bodies.join(", "))),
    }
}

/// RFC 3261 §20.11: `handling=optional`.
fn is_optional(request: &Message) -> bool {
    let disposition = request.header(&HeaderName::ContentDisposition);
    disposition.is_some_and(|value| {
        value.split(';').skip(1).any(|param| {
            param.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("handling") && value.trim().eq_ignore_ascii_case("optional")
            })
        })
    })
}

/// An INVITE is answered with SDP; one that accepts none cannot be (RFC 4475 §3.3.15, RFC 3261 §21.4.7).
fn answer_acceptable(request: &Message, _: &DoorRules, _: &Peer) -> Result<(), Refused> {
    let says = request.header(&HeaderName::Accept).is_some() && request.method() == Some(Method::Invite);
    let takes_sdp = |range: &Text| {
        let range = media_type(range).to_ascii_lowercase();
        matches!(range.as_str(), "application/sdp" | "application/*" | "*/*")
            || range.starts_with("multipart/")
    };
    match says && !request.headers.list(&HeaderName::Accept).iter().any(takes_sdp) {
        false => Ok(()),
        true => Err(Refused::new(406, "Not Acceptable")
            .with(HeaderName::Warning, "399 kirkwall \"An answer can be given as application/sdp only\"")),
    }
}

fn media_type(value: &str) -> &str {
    value.split(';').next().unwrap_or("").trim()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::sip::{Facing, Transport};

    const SECRET: [u8; 32] = [7; 32];

    pub(super) fn peer() -> Peer {
        Peer {
            transport: Transport::Udp,
            remote: "192.0.2.9:5099".parse().unwrap(),
            local: "192.0.2.1:5060".parse().unwrap(),
            facing: Facing::South,
            connection: None,
            tls_names: Vec::new(),
        }
    }

    /// A sound INVITE, with lines replaced by name or added.
    fn invite(changes: &[&str]) -> String {
        let sound = [
            "INVITE sip:200@pbx.example SIP/2.0",
            "Via: SIP/2.0/UDP 192.0.2.9:5070;rport;branch=z9hG4bK1",
            "From: <sip:100@pbx.example>;tag=a",
            "To: <sip:200@pbx.example>",
            "Call-ID: c1",
            "CSeq: 1 INVITE",
            "Contact: <sip:100@192.0.2.9>",
            "Max-Forwards: 70",
        ];
        let key = |line: &str| line.split([':', ' ']).next().unwrap_or("").to_owned();
        let mut lines: Vec<&str> = sound.to_vec();
        for change in changes {
            match lines.iter().position(|line| key(line) == key(change)) {
                Some(place) if change.ends_with(':') => drop(lines.remove(place)),
                Some(place) => lines[place] = change,
                None if change.contains(" sip:") && change.ends_with("SIP/2.0") => lines[0] = change,
                None => lines.push(change),
            }
        }
        lines.join("\r\n") + "\r\n\r\n"
    }

    fn judge(text: &str) -> Verdict {
        verdict(&Message::parse_datagram(Bytes::from(text.to_owned())), &DoorRules::new(SECRET), &peer())
    }

    fn refused(text: &str) -> (u16, String) {
        match judge(text) {
            Verdict::Reply(response) => (response.status().unwrap(), response.reason().to_owned()),
            other => panic!("{other:?} for {text}"),
        }
    }

    #[test]
    fn a_sound_invite_passes() {
        assert_eq!(judge(&invite(&[])), Verdict::Pass);
        assert_eq!(judge(&invite(&["Require: 100rel, Timer"])), Verdict::Pass);
        assert_eq!(judge(&invite(&["Accept: application/sdp;level=1, text/plain"])), Verdict::Pass);
    }

    #[test]
    fn a_400_says_what_is_wrong() {
        for (change, reason) in [
            ("Call-ID:", "Missing Call-ID Header Field"),
            ("Contact:", "Missing Contact Header Field"),
            ("To: <sip:b@c", "Malformed To"),
            ("From: <sip:a@b>;tag=", "Malformed From"),
            ("CSeq: 4294967296 INVITE", "Malformed CSeq"),
            ("CSeq: -1 INVITE", "Malformed CSeq"),
            ("CSeq: 1 BYE", "CSeq Method Does Not Match Request Method"),
            ("Max-Forwards: 256", "Max-Forwards out of Range"),
            ("Max-Forwards: +7", "Max-Forwards out of Range"),
            ("Via: SIP/2.0/UDP", "Malformed Via"),
            ("Route: sip:a@b?c", "Malformed Route"),
            ("no header at all", "Malformed Header Line"),
        ] {
            assert_eq!(refused(&invite(&[change])), (400, reason.to_owned()), "{change}");
        }
        let twice = invite(&[]).replace("Call-ID: c1", "Call-ID: c1\r\ni: c2");
        assert_eq!(refused(&twice), (400, "Multiple Call-ID Header Fields".into()));
    }

    #[test]
    fn each_refusal_has_its_status() {
        let body =
            |kind: &str, more: &str| invite(&[&format!("Content-Type: {kind}"), more]).to_string() + "body";
        assert_eq!(refused(&invite(&["PUBLISH sip:a@b SIP/2.0", "CSeq: 1 PUBLISH"])).0, 405);
        assert_eq!(refused(&invite(&["DANCE sip:a@b SIP/2.0", "CSeq: 1 DANCE"])).0, 501);
        assert_eq!(refused(&invite(&[]).replace("INVITE sip:200@pbx.example", "INVITE http://x")).0, 416);
        assert_eq!(refused(&invite(&["Max-Forwards: 0"])).0, 483);
        assert_eq!(refused(&body("text/x-unknown", "X: y")).0, 415);
        assert_eq!(refused(&body("application/sdp", "Content-Encoding: gzip")).0, 415);
        let optional = body("text/x-unknown", "Content-Disposition: render;handling=optional");
        assert_eq!(judge(&optional), Verdict::Pass);
        assert_eq!(judge(&body("Application/SDP ;charset=x", "e: identity")), Verdict::Pass);
    }

    #[test]
    fn the_order_is_that_of_the_standard() {
        let all_wrong = ["Max-Forwards: 0", "Require: x", "Accept: text/x"];
        let text = invite(&all_wrong);
        assert_eq!(refused(&text.replace("sip:200@pbx.example SIP", "urn:x SIP")).0, 416);
        assert_eq!(refused(&text).0, 483);
        assert_eq!(refused(&invite(&all_wrong[1..])).0, 420);
        assert_eq!(refused(&invite(&all_wrong[2..])).0, 406);
    }

    #[test]
    fn an_ack_is_never_answered_and_a_cancel_is_never_refused_for_options() {
        let ack = invite(&["ACK sip:a@b SIP/2.0", "CSeq: 1 INVITE", "Max-Forwards: 0"]);
        assert_eq!(judge(&ack), Verdict::Drop(DropReason::NeverAnswered));
        let ack = invite(&["ACK sip:a@b SIP/2.0", "CSeq: 1 ACK", "Max-Forwards: 0", "Require: x"]);
        assert_eq!(judge(&ack), Verdict::Pass);
        let cancel = invite(&["CANCEL sip:a@b SIP/2.0", "CSeq: 1 CANCEL", "Require: x"]);
        assert_eq!(judge(&cancel), Verdict::Pass);
    }

    #[test]
    fn what_cannot_be_answered_is_dropped_by_name() {
        assert_eq!(judge("hello\r\n\r\n"), Verdict::Drop(DropReason::NotSip));
        assert_eq!(judge(&invite(&["Via:"])), Verdict::Drop(DropReason::Unanswerable));
        assert_eq!(judge(&invite(&["CSeq:"])), Verdict::Drop(DropReason::Unanswerable));
        let response = invite(&[]).replace("INVITE sip:200@pbx.example SIP/2.0", "SIP/2.0 200 OK");
        assert_eq!(judge(&response), Verdict::Pass);
        let foreign = response.replace("From:", "Via: SIP/2.0/UDP other\r\nFrom:");
        assert_eq!(judge(&foreign), Verdict::Drop(DropReason::ForeignVia));
        assert_eq!(
            judge(&response.replace("CSeq: 1", "CSeq: x")),
            Verdict::Drop(DropReason::MalformedResponse)
        );
    }

    #[test]
    fn a_request_that_comes_back_is_a_loop_and_a_spiral_is_none() {
        let door = DoorRules::new(SECRET);
        let parse = |text: String| Message::parse_datagram(Bytes::from(text)).unwrap();
        let north = Peer { facing: Facing::North, ..peer() };
        let onward = Onward::of(&parse(invite(&[])), &north, &door);
        let via = format!("Via: SIP/2.0/TLS us;branch=z9hG4bK7.word{}", onward.branch_suffix());
        let returned =
            invite(&[]).replace("Via:", &format!("Via: SIP/2.0/TLS proxy;branch=z9hG4bKp\r\n{via}\r\nVia:"));
        let Verdict::Reply(response) = verdict(&Ok(parse(returned.clone())), &door, &north) else {
            panic!("the same Request-URI came in on the same side again");
        };
        assert_eq!(response.status(), Some(482));
        // To another handset, or from the other side: a spiral.
        assert_eq!(verdict(&Ok(parse(returned.clone())), &door, &peer()), Verdict::Pass);
        let elsewhere = returned.replace("sip:200@pbx.example SIP", "sip:300@pbx.example SIP");
        assert_eq!(verdict(&Ok(parse(elsewhere)), &door, &north), Verdict::Pass);
    }

    #[test]
    fn the_tag_is_steady_and_keyed() {
        let message = Message::parse_datagram(Bytes::from(invite(&[]))).unwrap();
        let tag = DoorRules::new(SECRET).to_tag(&message);
        assert_eq!(tag, DoorRules::new(SECRET).to_tag(&message));
        assert_ne!(tag, DoorRules::new([8; 32]).to_tag(&message));
        let other = Message::parse_datagram(Bytes::from(invite(&["CSeq: 2 INVITE"]))).unwrap();
        assert_ne!(tag, DoorRules::new(SECRET).to_tag(&other));
        assert!(!format!("{:?}", DoorRules::new(SECRET)).contains("7, 7"), "the secret is not shown");
    }

    #[test]
    fn a_reply_has_its_via_stamped() {
        let Verdict::Reply(response) = judge(&invite(&["Max-Forwards: 0"])) else { panic!("refused") };
        assert_eq!(
            response.header(&HeaderName::Via).unwrap(),
            "SIP/2.0/UDP 192.0.2.9:5070;rport=5099;branch=z9hG4bK1;received=192.0.2.9"
        );
    }
}
