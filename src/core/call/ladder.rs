//! What was said in a call, message by message: kept bounded, shown without secrets.

use std::collections::VecDeque;
use std::fmt::Write as _;

use bytes::Bytes;
use serde::Serialize;

use crate::pii::Pii;
use crate::sip::wire::{HeaderName, Message, StartLine};
use crate::timer::Moment;

/// Most messages kept of one call; the first and the last ones stay.
pub const MAX_ENTRIES: usize = 200;

/// One message between the switch and one of its peers.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// Which leg of the call.
    pub leg: u32,
    /// The other end, as `transport address`.
    pub peer: String,
    /// Whether it came to us.
    pub inbound: bool,
    /// The message. Shown through [`Rung`], which hides secrets.
    pub message: Message,
}

/// An entry as it is kept: the octets alone, so that no receive buffer is held by a slice of it.
#[derive(Debug, Clone)]
struct Kept {
    at: Moment,
    leg: u32,
    peer: String,
    inbound: bool,
    octets: Pii<Bytes>,
}

/// The recorder of one call.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    entries: VecDeque<Kept>,
    dropped: usize,
}

/// One line of a ladder, ready to show: no passwords, digests or media keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rung {
    /// Microseconds since the Unix epoch.
    pub at: u64,
    /// Leg number; 0 is the caller's.
    pub leg: u32,
    /// The other end.
    pub peer: String,
    /// `in` or `out`, as the switch sees it.
    pub direction: &'static str,
    /// `INVITE`, `180 Ringing (INVITE)`, ….
    pub label: String,
    /// The whole message, redacted.
    pub text: String,
}

impl Ladder {
    /// Adds one. Beyond [`MAX_ENTRIES`] one from the middle goes, so that the beginning stays readable.
    pub fn record(&mut self, entry: Entry) {
        if self.entries.len() == MAX_ENTRIES {
            self.entries.remove(MAX_ENTRIES / 2);
            self.dropped += 1;
        }
        let Entry { at, leg, peer, inbound, message } = entry;
        self.entries.push_back(Kept { at, leg, peer, inbound, octets: Pii(message.encode()) });
    }

    /// How many were left out.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Ready to show, in order.
    pub fn rungs(&self) -> Vec<Rung> {
        self.entries.iter().map(Kept::rung).collect()
    }

    /// As text for a terminal: one line a message, arrows between the switch and each leg's peer.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let Some(first) = self.entries.front() else { return out };
        for entry in &self.entries {
            let rung = entry.rung();
            let after = entry.at.since(first.at).as_secs_f64();
            let arrow = if entry.inbound { "──►" } else { "◄──" };
            let _ = writeln!(
                out,
                "{after:>10.3} s  leg {}  {:<30} {arrow} kirkwall  {}",
                rung.leg, rung.peer, rung.label
            );
        }
        if self.dropped > 0 {
            let _ = writeln!(out, "({} messages from the middle were left out)", self.dropped);
        }
        out
    }
}

impl Kept {
    fn rung(&self) -> Rung {
        match Message::parse_datagram(self.octets.0.clone()) {
            Ok(message) => self.shown(&message),
            // What came with a fault that the door let pass, written again: its start line says enough.
            Err(_) => {
                let text = String::from_utf8_lossy(&self.octets.0);
                self.labelled(text.lines().next().unwrap_or("").to_owned(), "<unreadable>".to_owned())
            }
        }
    }

    fn shown(&self, message: &Message) -> Rung {
        let label = match &message.start {
            StartLine::Request { method, .. } => method.to_string(),
            StartLine::Response { status, reason } => {
                let method = message.method().map_or(String::new(), |m| m.to_string());
                format!("{status} {reason} ({method})")
            }
        };
        self.labelled(label, redacted(message))
    }

    fn labelled(&self, label: String, text: String) -> Rung {
        Rung {
            at: self.at.as_micros(),
            leg: self.leg,
            peer: self.peer.clone(),
            direction: if self.inbound { "in" } else { "out" },
            label,
            text,
        }
    }
}

/// The message as text with credentials and SRTP keys blanked out.
pub fn redacted(message: &Message) -> String {
    let mut shown = message.clone();
    let secret = [
        HeaderName::Authorization,
        HeaderName::ProxyAuthorization,
        HeaderName::WwwAuthenticate,
        HeaderName::ProxyAuthenticate,
        HeaderName::AuthenticationInfo,
        HeaderName::from_text("Proxy-Authentication-Info".into()),
    ];
    for name in secret {
        if let Some(value) = shown.header(&name) {
            // Authentication-Info has no scheme in front (RFC 3261 §25.1, AuthenticationInfo).
            let first = value.split_whitespace().next().filter(|word| !word.contains('='));
            let scheme = first.unwrap_or("").to_owned();
            shown.headers.set(name, format!("{scheme} <redacted>"));
        }
    }
    let body = String::from_utf8_lossy(&shown.body).lines().map(redact_line).collect::<Vec<_>>().join("\r\n");
    shown.body = if body.is_empty() { body.into() } else { format!("{body}\r\n").into() };
    String::from_utf8_lossy(&shown.encode()).into_owned()
}

fn redact_line(line: &str) -> String {
    match line.split_once("inline:") {
        Some((before, _)) if line.starts_with("a=crypto") => format!("{before}inline:<redacted>"),
        _ if line.starts_with("k=") => "k=<redacted>".to_owned(),
        _ if line.starts_with("a=ice-pwd:") => "a=ice-pwd:<redacted>".to_owned(),
        _ if line.starts_with("a=key-mgmt:") => "a=key-mgmt:<redacted>".to_owned(),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Method;

    fn entry(n: u64) -> Entry {
        let mut message = Message::request(Method::Invite, "sip:a@b");
        message.headers.push(HeaderName::Authorization, "Digest username=\"a\", response=\"deadbeef\"");
        message.set_body(
            "application/sdp",
            "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^31\r\n",
        );
        Entry { at: Moment::from_micros(n), leg: 0, peer: "udp 1.2.3.4:5060".into(), inbound: true, message }
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut ladder = Ladder::default();
        ladder.record(entry(1));
        let text = &ladder.rungs()[0].text;
        assert!(!text.contains("deadbeef") && !text.contains("c2VjcmV0"), "{text}");
        assert!(text.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<redacted>"));
    }

    #[test]
    fn secrets_without_a_scheme_and_of_ice_are_not_shown() {
        let mut message = Message::response(&entry(0).message, 200, "OK", None);
        message.headers.push(HeaderName::AuthenticationInfo, "rspauth=\"deadbeef\", nextnonce=\"cafe\"");
        message
            .headers
            .push(HeaderName::from_text("Proxy-Authentication-Info".into()), "NTLM rspauth=\"deadbeef\"");
        message.set_body("application/sdp", "a=ice-pwd:s3cret\r\na=key-mgmt:mikey s3cret\r\n");
        let text = redacted(&message);
        for secret in ["deadbeef", "cafe", "s3cret"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("NTLM <redacted>"));
    }

    #[test]
    fn a_long_call_keeps_its_beginning_and_its_end() {
        let mut ladder = Ladder::default();
        (0..300).for_each(|n| ladder.record(entry(n)));
        let rungs = ladder.rungs();
        assert_eq!((rungs.len(), ladder.dropped()), (MAX_ENTRIES, 100));
        assert_eq!((rungs[0].at, rungs.last().unwrap().at), (0, 299));
    }
}
