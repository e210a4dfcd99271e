//! Session descriptions (RFC 4566, RFC 8866): read liberally, kept line by line, written back the same.
//!
//! ```text
//! SIP body ── audio_sdp ──► one SDP part ── SessionDescription::parse ──► lines ── AudioStream::read ──► facts
//! ```
//!
//! The parser refuses only what it cannot cut into lines and media sections. Everything it does not
//! know stays where it was, because half of what Lync writes (`x-` attributes, two dialects of ICE)
//! is in no RFC and none of it may fail a call. What a line means is judged where it is used.
//!
//! Out of scope: encryption by `k=` (RFC 8866 §5.12 forbids it), multicast, and names instead of
//! addresses in `c=`, which a relay could not answer without asking the DNS.

mod audio;
mod multipart;
mod parse;

use std::fmt;

pub use audio::{AudioStream, Connection, Encoding, Profile};
pub use multipart::{audio_sdp, audio_sdp_at};
pub use parse::{MAX_BODY, MAX_LINES, MAX_MEDIA};

/// One line of a description, as it stood.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it stood, counted from 1.
    pub number: usize,
    /// The letter before the equals sign.
    pub kind: char,
    /// All behind the equals sign, without the line end.
    pub value: String,
}

/// One `m=` line and everything under it (RFC 4566 §5.14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaDescription {
    /// What kind of media: `audio`, `video`, `application` …
    pub media: String,
    /// Transport port; 0 refuses or ends the stream (RFC 3264 §6, §8.2).
    pub port: u16,
    /// Transport protocol as written: `RTP/AVP`, `RTP/SAVP` …
    pub protocol: String,
    /// Media formats as written; payload types for RTP.
    pub formats: Vec<String>,
    /// All lines of the section; the `m=` line is the first.
    pub lines: Vec<Line>,
}

/// A whole session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// The lines before the first `m=` line.
    pub lines: Vec<Line>,
    /// The media sections, in order.
    pub media: Vec<MediaDescription>,
}

/// Why bytes are no session description (the peer's fault). Names the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("SDP line {line}: {what}")]
pub struct SdpFault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl SessionDescription {
    /// Value of the first session line of this kind.
    pub fn value(&self, kind: char) -> Option<&str> {
        first_value(&self.lines, kind)
    }

    /// Values of all session attributes of this name; a flag has the value "".
    pub fn attributes<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        attributes(&self.lines, name)
    }
}

impl MediaDescription {
    /// Value of the first line of this kind in the section.
    pub fn value(&self, kind: char) -> Option<&str> {
        first_value(&self.lines, kind)
    }

    /// Values of all attributes of this name in the section; a flag has the value "".
    pub fn attributes<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        attributes(&self.lines, name)
    }
}

impl Line {
    /// Name and value of an `a=` line; a flag has the value "".
    pub fn attribute(&self) -> Option<(&str, &str)> {
        (self.kind == 'a').then(|| self.value.split_once(':').unwrap_or((&self.value, "")))
    }

    /// Whether the line holds a key or password.
    fn is_secret(&self) -> bool {
        let name = self.attribute().map_or("", |(name, _)| name.trim());
        self.kind == 'k'
            || ["crypto", "cryptoscale", "key-mgmt", "ice-pwd"].iter().any(|s| name.eq_ignore_ascii_case(s))
    }
}

fn first_value(lines: &[Line], kind: char) -> Option<&str> {
    lines.iter().find(|line| line.kind == kind).map(|line| line.value.as_str())
}

fn attributes<'a>(lines: &'a [Line], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = lines.iter().filter_map(Line::attribute).filter(move |(n, _)| *n == name);
    named.map(|(_, value)| value)
}

/// Shows everything but keys and passwords.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_secret() {
            true => write!(f, "{}: {}=<redacted>", self.number, self.kind),
            false => write!(f, "{}: {}={}", self.number, self.kind, self.value),
        }
    }
}

/// As it goes on the wire: the lines as they came, each ended by CRLF (RFC 4566 §5).
impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let media = self.media.iter().flat_map(|media| &media.lines);
        self.lines.iter().chain(media).try_for_each(|line| write!(f, "{}={}\r\n", line.kind, line.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_passwords_do_not_show_in_debug_output() {
        let text = "v=0\r\nk=base64:SECRET\r\nm=audio 4 RTP/SAVP 8\r\na=crypto:1 X inline:SECRET\r\n\
            a=cryptoscale:1 client X inline:SECRET\r\na=ice-pwd:SECRET\r\na=label:shown\r\n";
        let shown = format!("{:?}", SessionDescription::parse(text.as_bytes()).unwrap());
        assert!(!shown.contains("SECRET"), "{shown}");
        assert!(shown.contains("label:shown"));
    }
}
