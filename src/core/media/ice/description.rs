//! What the ICE lines of one media section say together.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, Component, LegacyCandidate, is_ice_char};
use crate::id::Tokens;
use crate::media::sdp::{AudioStream, Line, MediaDescription, SessionDescription};
use crate::pii::Pii;

/// Candidates that are read from one media section; the rest is passed over.
pub const MAX_CANDIDATES: usize = 32;

/// `a=ice-ufrag` and `a=ice-pwd` of one side (RFC 5245 §15.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Username fragment: 4 to 256 ice-chars.
    pub ufrag: String,
    /// Password: 22 to 256 ice-chars.
    pub password: Pii<String>,
}

impl Credentials {
    /// Fresh ones, of the lengths that Lync uses: 24 and 144 bits.
    pub fn fresh(tokens: &mut Tokens) -> Self {
        let ufrag = STANDARD.encode(&tokens.bytes()[..3]);
        Self { ufrag, password: Pii(STANDARD.encode(&tokens.bytes()[..18])) }
    }

    /// From the two attributes; `None` when one breaks the grammar.
    fn read(ufrag: &str, password: &str) -> Option<Self> {
        // The specification's own example has a blank behind the colon.
        let (ufrag, password) = (ufrag.trim(), password.trim());
        let fits =
            |text: &str, least: usize| (least..=256).contains(&text.len()) && text.bytes().all(is_ice_char);
        (fits(ufrag, 4) && fits(password, 22))
            .then(|| Self { ufrag: ufrag.to_owned(), password: Pii(password.to_owned()) })
    }
}

/// Everything about ICE in one media section.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Description {
    /// Of the writer; none: no ICE of today's form.
    pub credentials: Option<Credentials>,
    /// Of the writer, in its order.
    pub candidates: Vec<Candidate>,
    /// `a=remote-candidates` (RFC 5245 §15.2): which of the reader's candidates were selected. Only a
    /// final offer and its answer have them.
    pub remote_candidates: Vec<(Component, SocketAddr)>,
    /// Candidates of draft 06.
    pub legacy: Vec<LegacyCandidate>,
    /// Where RTP and RTCP go by the `c=`, `m=` and `a=rtcp` lines.
    pub defaults: Vec<(Component, SocketAddr)>,
    /// `a=ice-lite` (RFC 5245 §15.3); stands at session level, so the caller sets it.
    pub lite: bool,
}

impl Description {
    /// Reads the media section of `stream`, which gives the default addresses. What cannot be read counts
    /// as not said.
    pub fn read(session: &SessionDescription, media: &MediaDescription, stream: &AudioStream) -> Self {
        // RFC 5245 §15.4: the two "may appear at either the session-level or media-level of the SDP", and
        // the media level goes first.
        let one = |name| media.attributes(name).chain(session.attributes(name)).next().unwrap_or("");
        let (ufrag, password) = (one("ice-ufrag"), one("ice-pwd"));
        let attributes = media.lines.iter().filter_map(Line::attribute);
        let lines = attributes.filter(|(name, _)| matches!(*name, "candidate" | "x-candidate-ipv6"));
        let remote = media.attributes("remote-candidates").next().unwrap_or("");
        let legacy = media.attributes("candidate").filter_map(|line| line.parse().ok());
        let defaults = [
            stream.rtp_address().map(|address| (Component::Rtp, address)),
            stream.rtcp_address().map(|address| (Component::Rtcp, address)),
        ];
        Self {
            credentials: Credentials::read(ufrag, password),
            candidates: lines.filter_map(|(_, line)| line.parse().ok()).take(MAX_CANDIDATES).collect(),
            remote_candidates: remote_candidates(remote),
            legacy: legacy.take(MAX_CANDIDATES).collect(),
            defaults: defaults.into_iter().flatten().collect(),
            lite: false,
        }
    }

    /// Whether the writer does ICE of today's form.
    pub fn is_ice(&self) -> bool {
        self.credentials.is_some() && !self.candidates.is_empty()
    }

    /// The attributes to write, each without `a=`, in Lync's order.
    pub fn attributes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(credentials) = &self.credentials {
            lines.push(format!("ice-ufrag:{}", credentials.ufrag));
            lines.push(format!("ice-pwd:{}", credentials.password.0));
        }
        lines.extend(self.candidates.iter().map(|line| format!("{}:{line}", line.attribute())));
        lines.extend(self.legacy.iter().map(|line| format!("candidate:{line}")));
        if !self.remote_candidates.is_empty() {
            lines.push(format!("remote-candidates:{}", RemoteCandidates(&self.remote_candidates)));
        }
        lines
    }

    /// The default address of a component.
    pub fn default_of(&self, component: Component) -> Option<SocketAddr> {
        self.defaults.iter().find(|(of, _)| *of == component).map(|(_, address)| *address)
    }
}

/// RFC 5245 §15.2: remote-candidate = component-ID SP connection-address SP port, repeated. What is
/// unreadable ends the list. Some name several for a component; the last is the one that came of checks.
fn remote_candidates(value: &str) -> Vec<(Component, SocketAddr)> {
    let mut words = value.split_ascii_whitespace();
    let next = || {
        let component = words.next()?.parse().ok().and_then(Component::from_number)?;
        let ip: IpAddr = words.next()?.parse().ok()?;
        Some((component, SocketAddr::new(ip, words.next()?.parse().ok()?)))
    };
    let named: Vec<_> = std::iter::from_fn(next).take(MAX_CANDIDATES).collect();
    let last = |component| named.iter().rev().find(move |(of, _)| *of == component).copied();
    Component::ALL.into_iter().filter_map(last).collect()
}

/// Lync ends the list with a blank, and so do we.
struct RemoteCandidates<'a>(&'a [(Component, SocketAddr)]);

impl fmt::Display for RemoteCandidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(component, address)| {
            write!(f, "{} {} {} ", component.number(), address.ip(), address.port())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Description {
        let text = format!("v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 60506 RTP/SAVP 8\r\n{lines}");
        let session = SessionDescription::parse(text.as_bytes()).unwrap();
        Description::read(&session, &session.media[0], &AudioStream::read(&session, 0).unwrap())
    }

    // The audio section of an offer of Lync 2013.
    const TODAY: &str = "a=ice-ufrag:M+7x\r\na=ice-pwd:iqMvxVs03gM/jyhb9feLQ466\r\n\
        a=candidate:1 1 UDP 2130706431 192.168.56.1 15676 typ host \r\n\
        a=candidate:1 2 UDP 2130705918 192.168.56.1 15677 typ host \r\n\
        a=x-candidate-ipv6:3 1 UDP 33553407 2001:0:5ef5:79fd:34b2:244d:fa66:7cf9 2936 typ host \r\n\
        a=candidate:4 1 TCP-ACT 1684797951 192.168.56.1 15676 typ srflx raddr 192.168.56.1 rport 15676 \r\n";

    const LEGACY: &str = "a=candidate:d5lFvGToRDKh/UhyFNN9rharqthzUrF2FIRP+boPcnE 1 1Riht1AWk/x7TSyhrZQfDA UDP 0.830 192.168.66.57 31848 \r\n";

    fn written(description: &Description) -> String {
        description.attributes().iter().map(|line| format!("a={line}\r\n")).collect()
    }

    #[test]
    fn the_lines_of_lync_are_written_as_they_were_read() {
        let description = read(TODAY);
        assert!(description.is_ice());
        assert_eq!(description.candidates.len(), 4);
        assert_eq!(written(&description), TODAY);
        assert_eq!(description.default_of(Component::Rtcp), Some("192.0.2.2:60507".parse().unwrap()));
        assert!(!format!("{description:?}").contains("iqMvx"));
    }

    #[test]
    fn a_legacy_section_is_no_ice_of_today() {
        let description = read(LEGACY);
        assert!(!description.is_ice());
        assert_eq!((description.candidates.len(), description.legacy.len()), (0, 1));
        assert_eq!(written(&description), LEGACY);
    }

    #[test]
    fn a_final_offer_names_our_candidates() {
        let line = "a=remote-candidates:1 192.0.2.2 60506 2 192.0.2.2 60507 \r\n";
        let description = read(line);
        let expected = [(Component::Rtp, 60506), (Component::Rtcp, 60507)]
            .map(|(component, port)| (component, SocketAddr::new("192.0.2.2".parse().unwrap(), port)));
        assert_eq!(description.remote_candidates, expected);
        assert_eq!(written(&description), line);
        assert_eq!(read("a=remote-candidates:1 192.0.2.2 1 9 x\r\n").remote_candidates.len(), 1);
        assert_eq!(read("a=remote-candidates:1 192.0.2.2\r\n").remote_candidates, []);
        let several = "a=remote-candidates:1 198.18.0.1 18670 1 127.0.0.1 18670 2 127.0.0.1 18671\r\n";
        let ports: Vec<_> = read(several).remote_candidates.iter().map(|(_, a)| a.to_string()).collect();
        assert_eq!(ports, ["127.0.0.1:18670", "127.0.0.1:18671"]);
    }

    #[test]
    fn blanks_around_credentials_are_nothing_and_short_ones_no_credentials() {
        let spaced = read("a=ice-ufrag: 6nxO\r\na=ice-pwd: iqMvxVs03gM/jyhb9feLQ466 \r\n");
        assert_eq!(spaced.credentials.unwrap().ufrag, "6nxO");
        assert_eq!(read("a=ice-ufrag:6nx\r\na=ice-pwd:iqMvxVs03gM/jyhb9feLQ466\r\n").credentials, None);
        assert_eq!(read("a=ice-ufrag:6nxO\r\na=ice-pwd:short\r\n").credentials, None);
    }

    #[test]
    fn fresh_credentials_are_readable_and_differ() {
        let mut tokens = Tokens::new([9; 32]);
        let (a, b) = (Credentials::fresh(&mut tokens), Credentials::fresh(&mut tokens));
        assert_ne!(a, b);
        assert_eq!(Credentials::read(&a.ufrag, &a.password.0), Some(a));
    }

    #[test]
    fn credentials_of_the_session_are_those_of_its_media() {
        let text = "v=0\r\na=ice-ufrag:RbU8Abt\r\na=ice-pwd:uNr0rV82l0IaUf6aWErWCVV7RG98ExA\r\n\
            c=IN IP4 192.0.2.2\r\nm=audio 60506 RTP/AVP 8\r\n";
        let session = SessionDescription::parse(text.as_bytes()).unwrap();
        let stream = AudioStream::read(&session, 0).unwrap();
        let read = Description::read(&session, &session.media[0], &stream);
        assert_eq!(read.credentials.unwrap().ufrag, "RbU8Abt");
    }

    #[test]
    fn a_flood_of_candidates_is_cut() {
        let line = "a=candidate:1 1 UDP 5 192.0.2.1 9 typ host\r\n";
        assert_eq!(read(&line.repeat(100)).candidates.len(), MAX_CANDIDATES);
    }
}
