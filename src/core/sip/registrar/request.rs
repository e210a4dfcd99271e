//! What a REGISTER asks for, or the answer that refuses it (RFC 3261 §10.3 steps 1–7).

use std::time::Duration;

use crate::sip::wire::{HeaderName, Message, NameAddr, Scheme, Text};
use crate::sip::{Peer, registrar::Limits};
use crate::timer::Moment;

use super::Binding;

/// Longest contact, instance or Call-ID that is kept, in bytes.
const LONGEST: usize = 512;
/// Longest User-Agent that is kept, in characters.
const USER_AGENT: usize = 256;

/// What is asked.
#[derive(Debug)]
pub(super) enum Asked {
    /// No Contact: only tell.
    Query,
    /// `Contact: *` with `Expires: 0`.
    RemoveAll { call_id: String, cseq: u32 },
    /// These, each removed when its `expires` is not after `refreshed`.
    Contacts(Vec<Binding>),
}

/// A refusal as it goes over the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub status: u16,
    pub reason: &'static str,
    pub header: Option<(HeaderName, String)>,
}

impl Refused {
    pub fn new(status: u16, reason: &'static str) -> Self {
        Self { status, reason, header: None }
    }

    fn with(status: u16, reason: &'static str, name: HeaderName, value: String) -> Self {
        Self { status, reason, header: Some((name, value)) }
    }
}

impl Asked {
    /// Reads a REGISTER whole before anything changes.
    pub fn read(request: &Message, peer: &Peer, limits: &Limits, now: Moment) -> Result<Self, Refused> {
        understood(request)?;
        let call_id = request.call_id().filter(|id| id.len() <= LONGEST);
        let call_id = call_id.ok_or(Refused::new(400, "Bad Call-ID"))?.to_string();
        let cseq = request.cseq().ok_or(Refused::new(400, "Bad CSeq"))?.number;
        let contacts = request.headers.list(&HeaderName::Contact);
        let header = request.header(&HeaderName::Expires).map(|value| seconds(value));
        if contacts.is_empty() {
            return Ok(Self::Query);
        }
        if contacts.iter().any(|contact| contact.as_str() == "*") {
            // "the "*" … MUST NOT be used unless the Expires header field is present with a value of
            // "0"" (RFC 3261 §10.2.2); "If the request has additional Contact fields or an expiration
            // time other than zero, the request is invalid, and the server MUST return a 400" (§10.3).
            return match (contacts.len(), header) {
                (1, Some(Some(0))) => Ok(Self::RemoveAll { call_id, cseq }),
                _ => Err(Refused::new(400, "Contact * needs Expires 0 and no other Contact")),
            };
        }
        if contacts.len() > limits.contacts {
            return Err(Refused::new(400, "Too Many Contacts"));
        }
        let user_agent = request.header(&HeaderName::UserAgent);
        let user_agent = user_agent.map(|text| text.chars().take(USER_AGENT).collect::<String>());
        let template = Binding {
            contact: String::new(),
            instance: None,
            call_id,
            cseq,
            q: None,
            expires: now,
            refreshed: now,
            received_from: Peer { connection: None, ..peer.clone() },
            connection: peer.connection,
            user_agent,
        };
        let read = |contact: &Text| one_contact(contact, header, limits, &template);
        Ok(Self::Contacts(contacts.iter().map(read).collect::<Result<_, _>>()?))
    }
}

/// RFC 3261 §10.3 step 2 and §8.2.2.3: no option is supported here that a REGISTER may require.
fn understood(request: &Message) -> Result<(), Refused> {
    let required = request.headers.list(&HeaderName::Require);
    let names: Vec<_> = required.iter().take(8).map(|option| option.as_str()).collect();
    match names.is_empty() {
        true => Ok(()),
        false => Err(Refused::with(420, "Bad Extension", HeaderName::Unsupported, names.join(", "))),
    }
}

fn one_contact(
    text: &Text,
    header: Option<Option<u32>>,
    limits: &Limits,
    template: &Binding,
) -> Result<Binding, Refused> {
    let contact = NameAddr::parse(text).ok_or(Refused::new(400, "Bad Contact"))?;
    let is_sip = matches!(contact.uri.scheme, Scheme::Sip | Scheme::Sips);
    if !is_sip || contact.uri.raw.len() > LONGEST {
        return Err(Refused::new(400, "Contact must be a SIP URI"));
    }
    let instance = contact.params.get("+sip.instance").map(|text| text.to_string());
    let instance = instance.filter(|text| !text.is_empty() && text.len() <= LONGEST);
    let asked = contact.params.get("expires").map(|value| seconds(&value)).or(header);
    let lifetime = lifetime(asked, limits)?;
    let q = contact.params.get("q").and_then(|text| thousandths(&text));
    let expires = template.refreshed + lifetime;
    Ok(Binding { contact: contact.uri.raw.to_string(), instance, q, expires, ..template.clone() })
}

/// How long a binding shall live; zero removes it. The outer `None`: nothing was said; the inner: no
/// number was said.
fn lifetime(asked: Option<Option<u32>>, limits: &Limits) -> Result<Duration, Refused> {
    let asked = match asked {
        None => return Ok(limits.default_expires),
        // "Malformed values SHOULD be treated as equivalent to 3600." (RFC 3261 §20.10)
        Some(None) => Duration::from_secs(3600),
        Some(Some(seconds)) => Duration::from_secs(u64::from(seconds)),
    };
    // "If and only if the requested expiration interval is greater than zero AND smaller than one hour
    // AND less than a registrar-configured minimum, the registrar MAY reject the registration with a
    // response of 423 (Interval Too Brief). This response MUST contain a Min-Expires header field"
    // (RFC 3261 §10.3 step 7)
    if !asked.is_zero() && asked < limits.min_expires && asked < Duration::from_secs(3600) {
        let minimum = limits.min_expires.as_secs().to_string();
        return Err(Refused::with(423, "Interval Too Brief", HeaderName::MinExpires, minimum));
    }
    Ok(asked.min(limits.max_expires))
}

/// delta-seconds (RFC 3261 §25.1); more digits than fit mean "as long as can be" (§20.19).
fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

/// qvalue: 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    let decimals: u16 = digits.then(|| format!("{decimals:0<3}").parse().ok())??;
    match (whole, decimals) {
        ("0", _) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_exactly() {
        let cases =
            [("0.5", Some(500)), ("1", Some(1000)), ("1.0", Some(1000)), ("0", Some(0)), ("0.25", Some(250))];
        cases.iter().for_each(|(text, wanted)| assert_eq!(thousandths(text), *wanted, "{text}"));
        for bad in ["1.1", "2", ".5", "0.1234", "0.x", "", "-0.5"] {
            assert_eq!(thousandths(bad), None, "{bad}");
        }
    }

    #[test]
    fn seconds_beyond_32_bits_are_the_most() {
        assert_eq!(seconds(" 60 "), Some(60));
        assert_eq!(seconds("99999999999"), Some(u32::MAX));
        assert_eq!((seconds("+60"), seconds(""), seconds("1h")), (None, None, None));
    }
}
