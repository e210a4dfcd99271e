//! What makes a message malformed, in the words of the reason phrase (RFC 3261 §21.4.1).

use super::DropReason;
use crate::sip::wire::{HeaderName, Message, Method, NameAddr, Params, Scheme, Text, Via};

/// The bit of a header of which a message has one at most (RFC 3261 §7.3.1: only those "whose value is
/// … a comma-separated list" may be repeated); 0 for all others.
const fn single(name: &HeaderName) -> u32 {
    match name {
        HeaderName::From => 1,
        HeaderName::To => 1 << 1,
        HeaderName::CallId => 1 << 2,
        HeaderName::CSeq => 1 << 3,
        HeaderName::MaxForwards => 1 << 4,
        HeaderName::ContentLength => 1 << 5,
        HeaderName::ContentType => 1 << 6,
        HeaderName::Event => 1 << 7,
        HeaderName::Expires => 1 << 8,
        HeaderName::ReferTo => 1 << 9,
        HeaderName::Replaces => 1 << 10,
        HeaderName::SessionExpires => 1 << 11,
        HeaderName::MinSe => 1 << 12,
        HeaderName::RSeq => 1 << 13,
        HeaderName::RAck => 1 << 14,
        _ => 0,
    }
}

/// RFC 3261 §8.1.1: "A valid SIP request formulated by a UAC MUST, at a minimum, contain the following
/// header fields: To, From, CSeq, Call-ID, Max-Forwards, and Via". Max-Forwards may be missing, as
/// elements of RFC 2543 leave it out (§16.3 item 3).
static MANDATORY: [HeaderName; 5] =
    [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];

/// The reason phrase for a request that is malformed.
pub(super) fn check_request(request: &Message) -> Result<(), String> {
    present(request)?;
    let vias = vias(request).ok_or("Malformed Via")?;
    let top = vias.first().ok_or("Missing Via Header Field")?;
    addresses(request)?;
    numbers(request)?;
    branch(top)?;
    let method = request.method();
    // RFC 3261 §8.1.1.8: "The Contact header field MUST be present and contain exactly one SIP or SIPS
    // URI in any request that can result in the establishment of a dialog." RFC 2543 had no such rule
    // (RFC 4475 §3.4.1).
    let current = top.branch().is_some_and(|branch| branch.starts_with(Via::COOKIE));
    if current && method == Some(Method::Invite) && request.header(&HeaderName::Contact).is_none() {
        return Err("Missing Contact Header Field".into());
    }
    // RFC 3261 §10.3 step 5: the To of a REGISTER is an address-of-record, "a SIP URI or SIPS URI".
    let is_aor = |to: NameAddr| matches!(to.uri.scheme, Scheme::Sip | Scheme::Sips);
    if method == Some(Method::Register) && !request.to().is_some_and(is_aor) {
        return Err("Address-of-Record Is No SIP URI".into());
    }
    Ok(())
}

/// Why a response is not looked at.
pub(super) fn check_response(response: &Message) -> Result<(), DropReason> {
    let sound = present(response).is_ok() && addresses(response).is_ok() && numbers(response).is_ok();
    match vias(response) {
        Some(vias) if sound && vias.len() == 1 => Ok(()),
        // RFC 3261 §8.1.3.3: "If more than one Via header field value is present in a response, the UAC
        // SHOULD discard the message."
        Some(vias) if sound && vias.len() > 1 => Err(DropReason::ForeignVia),
        _ => Err(DropReason::MalformedResponse),
    }
}

/// All mandatory headers are there, and no single one twice.
fn present(message: &Message) -> Result<(), String> {
    let mut seen = 0;
    for header in message.headers.iter() {
        let bit = single(&header.name);
        if seen & bit != 0 {
            return Err(format!("Multiple {} Header Fields", header.name));
        }
        seen |= bit;
    }
    match MANDATORY.iter().find(|name| message.header(name).is_none_or(|value| value.is_empty())) {
        Some(name) => Err(format!("Missing {name} Header Field")),
        None => Ok(()),
    }
}

fn vias(message: &Message) -> Option<Vec<Via>> {
    message.headers.list(&HeaderName::Via).iter().map(Via::parse).collect()
}

/// The cookie alone identifies no transaction (RFC 4475 §3.2.1); such a request is refused without
/// state, since the next ones of its sender will look the same.
fn branch(top: &Via) -> Result<(), String> {
    match top.branch() {
        Some(branch) if branch == Via::COOKIE => Err("Missing Transaction Identifier in Via".into()),
        _ => Ok(()),
    }
}

fn addresses(message: &Message) -> Result<(), String> {
    let bad = |name: &HeaderName| format!("Malformed {name}");
    for name in [HeaderName::From, HeaderName::To] {
        let parsed = message.header(&name).and_then(NameAddr::parse);
        parsed.filter(|address| tag_is_token(&address.params)).ok_or_else(|| bad(&name))?;
    }
    let star = |value: &Text| *value == "*" && message.method() == Some(Method::Register);
    for name in [HeaderName::Contact, HeaderName::Route, HeaderName::RecordRoute] {
        let sound = |value: &Text| NameAddr::parse(value).is_some() || star(value);
        if !message.headers.list(&name).iter().all(sound) {
            return Err(bad(&name));
        }
    }
    match message.call_id() {
        Some(id) if !id.contains(char::is_whitespace) => Ok(()),
        _ => Err(bad(&HeaderName::CallId)),
    }
}

/// RFC 3261 §25.1: "tag-param = "tag" EQUAL token".
fn tag_is_token(params: &Params) -> bool {
    let Some(tag) = params.get_raw("tag") else { return !params.has("tag") };
    !tag.is_empty() && !tag.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | ','))
}

fn numbers(message: &Message) -> Result<(), String> {
    // RFC 3261 §20.16: "MUST be expressible as a 32-bit unsigned integer".
    message.cseq().ok_or("Malformed CSeq")?;
    // RFC 3261 §20.22: "an integer in the range 0-255".
    let hops = message.header(&HeaderName::MaxForwards);
    let in_range = |value: &Text| {
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        digits && value.parse::<u8>().is_ok()
    };
    match hops.is_none_or(in_range) {
        true => Ok(()),
        false => Err("Max-Forwards out of Range".into()),
    }
}
