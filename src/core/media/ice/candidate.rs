//! One candidate: its `a=candidate` line, priority and foundation.
//!
//! ```text
//! a=candidate:1 1 UDP 2130706431 192.0.2.10 15676 typ host␣              today's form
//! a=candidate:4 1 TCP-ACT 1684797951 192.0.2.10 15676 typ srflx raddr …
//! a=candidate:<user> 1 <password> UDP 0.830 192.0.2.10 31848␣            draft 06, "ICEv6"
//! ```
//!
//! Lync ends lines with a blank, names transports in its own words and puts IPv6 under
//! `a=x-candidate-ipv6`. What a line has beyond the known is kept, so that it is written as it was read.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::pii::Pii;

/// Longest line that is read, in octets.
pub const MAX_LINE: usize = 512;

/// RFC 5245 §3: one of the two addresses of an RTP stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Component {
    /// Number 1.
    Rtp,
    /// Number 2.
    Rtcp,
}

impl Component {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Rtp, Self::Rtcp];

    /// The number in a candidate line.
    pub const fn number(self) -> u8 {
        match self {
            Self::Rtp => 1,
            Self::Rtcp => 2,
        }
    }

    /// From its number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Rtp),
            2 => Some(Self::Rtcp),
            _ => None,
        }
    }
}

/// How a candidate is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// `UDP`.
    #[serde(rename = "UDP")]
    Udp,
    /// `TCP-ACT`: opens connections.
    #[serde(rename = "TCP-ACT")]
    TcpActive,
    /// `TCP-PASS`: takes them.
    #[serde(rename = "TCP-PASS")]
    TcpPassive,
}

impl Transport {
    /// \[MS-ICE2\]: the word in a candidate line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::TcpActive => "TCP-ACT",
            Self::TcpPassive => "TCP-PASS",
        }
    }

    /// From the word; case does not matter (RFC 5245 §15.1).
    pub fn from_word(word: &str) -> Option<Self> {
        let known = [Self::Udp, Self::TcpActive, Self::TcpPassive];
        known.into_iter().find(|transport| transport.word().eq_ignore_ascii_case(word))
    }

    /// Whether a check can go from here to there.
    pub const fn reaches(self, remote: Self) -> bool {
        matches!(
            (self, remote),
            (Self::Udp, Self::Udp)
                | (Self::TcpActive, Self::TcpPassive)
                | (Self::TcpPassive, Self::TcpActive)
        )
    }
}

/// RFC 5245 §4.1.1: where a candidate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// An own socket.
    #[serde(rename = "host")]
    Host,
    /// What a STUN server saw.
    #[serde(rename = "srflx")]
    ServerReflexive,
    /// What the peer saw.
    #[serde(rename = "prflx")]
    PeerReflexive,
    /// An address of a relay.
    #[serde(rename = "relay")]
    Relayed,
}

impl Kind {
    /// The word behind `typ`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
        }
    }

    /// RFC 5245 §4.1.2.2 recommends 126, 110, 100 and 0; Lync gives a relay 10.
    pub const fn preference(self) -> u32 {
        match self {
            Self::Host => 126,
            Self::PeerReflexive => 110,
            Self::ServerReflexive => 100,
            Self::Relayed => 10,
        }
    }
}

/// Priority as Lync computes it.
///
/// RFC 5245 §4.1.2.1: `2^24 * type + 2^8 * local + (256 - component)`. The local preference counts down
/// by two for each further foundation and for the second component, from a start by transport: seen in
/// offers of Lync 2013 and Skype for Business. `foundation` is the number of the candidate, from 1.
pub fn priority(kind: Kind, transport: Transport, foundation: u16, component: Component) -> u32 {
    let start: u32 = match transport {
        Transport::Udp => 65_535,
        Transport::TcpActive => 27_647,
        Transport::TcpPassive => 26_111,
    };
    let number = u32::from(component.number());
    let steps = u32::from(foundation.saturating_sub(1)).saturating_add(number - 1);
    let local = start.saturating_sub(steps.saturating_mul(2));
    kind.preference() << 24 | local << 8 | (256 - number)
}

/// RFC 5245 §5.7.2: `2^32 * MIN(G,D) + 2 * MAX(G,D) + (G > D ? 1 : 0)`, G of the controlling agent, D of the
/// controlled one.
pub fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (g, d) = (u64::from(controlling), u64::from(controlled));
    (g.min(d) << 32) + 2 * g.max(d) + u64::from(g > d)
}

/// A candidate in today's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// RFC 5245 §4.1.1.3: 1 to 32 ice-chars; equal for candidates that share their fate.
    pub foundation: String,
    /// RTP or RTCP.
    pub component: Component,
    /// How it is reached.
    pub transport: Transport,
    /// The higher the better.
    pub priority: u32,
    /// Where it is.
    pub address: SocketAddr,
    /// Where it comes from.
    pub kind: Kind,
    /// `raddr` and `rport`: the base of a reflexive candidate, what the server saw of a relayed one.
    pub related: Option<SocketAddr>,
    /// What stood behind, its leading blank included. Lync leaves a lone blank there.
    pub rest: String,
}

/// Why a candidate line cannot be used (the peer's fault). Such a line is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a=candidate: {0}")]
pub struct CandidateFault(pub &'static str);

impl Candidate {
    /// Name of the attribute that it stands under.
    pub fn attribute(&self) -> &'static str {
        if self.address.is_ipv6() { "x-candidate-ipv6" } else { "candidate" }
    }
}

/// Reads what stands behind `a=candidate:` or `a=x-candidate-ipv6:`.
impl FromStr for Candidate {
    type Err = CandidateFault;

    // RFC 5245 §15.1: foundation SP component-id SP transport SP priority SP connection-address SP port
    // SP cand-type [SP rel-addr] [SP rel-port] *(SP extension-att-name SP extension-att-value)
    fn from_str(value: &str) -> Result<Self, CandidateFault> {
        let mut words = Words::new(value)?;
        let foundation = words.next("no foundation")?;
        if foundation.len() > 32 || !foundation.bytes().all(is_ice_char) {
            return Err(CandidateFault("the foundation is not 1 to 32 ice-chars"));
        }
        let component = component(words.next("no component")?)?;
        let transport = words.next("no transport")?;
        let transport = Transport::from_word(transport).ok_or(CandidateFault("the transport is unknown"))?;
        let priority = words.next("no priority")?.parse().ok().filter(|p| (1..=0x7FFF_FFFF).contains(p));
        let priority = priority.ok_or(CandidateFault("the priority is not 1 to 2^31 - 1"))?;
        let address = address(words.next("no address")?, words.next("no port")?)?;
        if !words.next("no type")?.eq_ignore_ascii_case("typ") {
            return Err(CandidateFault("the type does not follow the port"));
        }
        let kind = kind(words.next("no type")?)?;
        let related = words.related()?;
        let foundation = foundation.to_owned();
        let rest = words.rest.to_owned();
        Ok(Self { foundation, component, transport, priority, address, kind, related, rest })
    }
}

/// What stands behind the colon, as it was read.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, transport, address) = (self.component.number(), self.transport.word(), self.address);
        write!(f, "{} {number} {transport} {} ", self.foundation, self.priority)?;
        write!(f, "{} {} typ {}", address.ip(), address.port(), self.kind.word())?;
        if let Some(related) = self.related {
            write!(f, " raddr {} rport {}", related.ip(), related.port())?;
        }
        f.write_str(&self.rest)
    }
}

/// A candidate of draft-ietf-mmusic-ice-06 as OCS 2007 writes it (\[MS-ICE\] §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyCandidate {
    /// User part of the credentials, base64; candidates of one origin share it.
    pub user: String,
    /// RTP or RTCP.
    pub component: Component,
    /// Password, base64.
    pub password: Pii<String>,
    /// `UDP`, `TCP-PASS` or `TCP-ACT`.
    pub transport: Transport,
    /// Preference between 0 and 1 as it is written: `0.830`.
    pub preference: String,
    /// Where it is.
    pub address: SocketAddr,
    /// What stood behind, its leading blank included.
    pub rest: String,
}

impl FromStr for LegacyCandidate {
    type Err = CandidateFault;

    fn from_str(value: &str) -> Result<Self, CandidateFault> {
        let mut words = Words::new(value)?;
        let user = words.next("no user")?.to_owned();
        let component = component(words.next("no component")?)?;
        let password = Pii(words.next("no password")?.to_owned());
        let transport = words.next("no transport")?;
        let transport = Transport::from_word(transport).ok_or(CandidateFault("the transport is unknown"))?;
        let preference = words.next("no preference")?;
        if !preference.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(CandidateFault("the preference is no fraction"));
        }
        let address = address(words.next("no address")?, words.next("no port")?)?;
        let (preference, rest) = (preference.to_owned(), words.rest.to_owned());
        Ok(Self { user, component, password, transport, preference, address, rest })
    }
}

/// What stands behind the colon, as it was read. It shows the password: for the wire only.
impl fmt::Display for LegacyCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, transport, address) = (self.component.number(), self.transport.word(), self.address);
        write!(f, "{} {number} {} {transport} {} ", self.user, self.password.0, self.preference)?;
        write!(f, "{} {}{}", address.ip(), address.port(), self.rest)
    }
}

/// RFC 5245 §15.1: ice-char = ALPHA / DIGIT / "+" / "/"
pub(super) fn is_ice_char(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'+' || octet == b'/'
}

fn component(word: &str) -> Result<Component, CandidateFault> {
    let number = word.parse().ok().and_then(Component::from_number);
    number.ok_or(CandidateFault("the component is neither 1 nor 2"))
}

fn kind(word: &str) -> Result<Kind, CandidateFault> {
    let known = [Kind::Host, Kind::ServerReflexive, Kind::PeerReflexive, Kind::Relayed];
    let found = known.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(word));
    found.ok_or(CandidateFault("the type is none of host, srflx, prflx and relay"))
}

/// A candidate must be an address that a packet can be sent to; names are not resolved.
fn address(ip: &str, port: &str) -> Result<SocketAddr, CandidateFault> {
    let ip: IpAddr = ip.parse().map_err(|_| CandidateFault("the address is no IP address"))?;
    let port: u16 = port.parse().map_err(|_| CandidateFault("the port is not 0 to 65535"))?;
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    if ip.is_unspecified() || ip.is_multicast() || broadcast {
        return Err(CandidateFault("nothing can be sent to the address"));
    }
    Ok(SocketAddr::new(ip, port))
}

/// Words divided by blanks; remembers what is left.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Result<Self, CandidateFault> {
        match line.len() <= MAX_LINE && line.is_ascii() {
            true => Ok(Self { rest: line.trim_start() }),
            false => Err(CandidateFault("the line is not ASCII or longer than 512 octets")),
        }
    }

    fn next(&mut self, missing: &'static str) -> Result<&'a str, CandidateFault> {
        let line = self.rest.trim_start();
        let end = line.find([' ', '\t']).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        self.rest = rest;
        if word.is_empty() { Err(CandidateFault(missing)) } else { Ok(word) }
    }

    /// `raddr` and `rport`, if both are next.
    fn related(&mut self) -> Result<Option<SocketAddr>, CandidateFault> {
        let before = self.rest;
        if !self.next("").is_ok_and(|word| word.eq_ignore_ascii_case("raddr")) {
            self.rest = before;
            return Ok(None);
        }
        let ip = self.next("no address behind raddr")?;
        if !self.next("no rport")?.eq_ignore_ascii_case("rport") {
            return Err(CandidateFault("rport does not follow raddr"));
        }
        let ip: IpAddr = ip.parse().map_err(|_| CandidateFault("raddr is no IP address"))?;
        let port: u16 = self.next("no port")?.parse().map_err(|_| CandidateFault("rport is no port"))?;
        Ok(Some(SocketAddr::new(ip, port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_of_lync_are_written_as_they_were_read() {
        for line in [
            "1 1 UDP 2130706431 192.168.56.1 15676 typ host ",
            "2 2 UDP 2130705406 192.168.66.57 7539 typ host ",
            "3 1 UDP 33553407 2001:0:5ef5:79fd:34b2:244d:fa66:7cf9 2936 typ host ",
            "4 1 TCP-ACT 1684797951 192.168.56.1 15676 typ srflx raddr 192.168.56.1 rport 15676 ",
            "4 2 TCP-PASS 1684797438 192.168.56.1 15676 typ relay raddr 192.168.56.1 rport 15676",
            "candidate1 1 UDP 5 192.0.2.1 9 typ prflx raddr 10.0.0.1 rport 0 generation 0 x-part  two",
        ] {
            assert_eq!(line.parse::<Candidate>().unwrap().to_string(), line);
        }
        let read: Candidate = "4 2 tcp-act 7 10.0.0.1 9 TYP SRFLX RADDR 10.0.0.2 RPORT 8".parse().unwrap();
        assert_eq!((read.component, read.transport), (Component::Rtcp, Transport::TcpActive));
        assert_eq!(read.related, Some("10.0.0.2:8".parse().unwrap()));
        assert_eq!(read.attribute(), "candidate");
    }

    #[test]
    fn legacy_lines_are_written_as_they_were_read_and_hide_their_password() {
        let line = "d5lFvGToRDKh/UhyFNN9rharqthzUrF2FIRP+boPcnE 2 1Riht1AWk/x7TSyhrZQfDA UDP 0.830 192.168.66.57 31849 ";
        let read: LegacyCandidate = line.parse().unwrap();
        assert_eq!(read.to_string(), line);
        assert_eq!(read.preference, "0.830");
        assert!(!format!("{read:?}").contains("1Riht"));
        assert!(line.parse::<Candidate>().is_err());
        assert!("1 1 UDP 2130706431 192.168.56.1 15676 typ host".parse::<LegacyCandidate>().is_err());
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (line, part) in [
            ("", "no foundation"),
            ("1", "no component"),
            ("1 3 UDP 1 10.0.0.1 9 typ host", "component"),
            ("1 1 SCTP 1 10.0.0.1 9 typ host", "transport"),
            ("1 1 UDP 0 10.0.0.1 9 typ host", "priority"),
            ("1 1 UDP 2147483648 10.0.0.1 9 typ host", "priority"),
            ("1 1 UDP 1 name.local 9 typ host", "no IP address"),
            ("1 1 UDP 1 224.0.0.1 9 typ host", "nothing can be sent"),
            ("1 1 UDP 1 0.0.0.0 9 typ host", "nothing can be sent"),
            ("1 1 UDP 1 10.0.0.1 65536 typ host", "port"),
            ("1 1 UDP 1 10.0.0.1 9 host", "type"),
            ("1 1 UDP 1 10.0.0.1 9 typ lite", "type"),
            ("1 1 UDP 1 10.0.0.1 9 typ srflx raddr 1.2.3.4", "rport"),
            ("ü 1 UDP 1 10.0.0.1 9 typ host", "ASCII"),
            ("a-b 1 UDP 1 10.0.0.1 9 typ host", "ice-chars"),
        ] {
            let fault = line.parse::<Candidate>().unwrap_err();
            assert!(fault.to_string().contains(part), "{line}: {fault}");
        }
    }

    // Priorities of offers of Lync 2013 and Skype for Business.
    #[test]
    fn priorities_are_those_of_lync() {
        use {Component::*, Kind::*, Transport::*};
        for (seen, kind, transport, foundation, component) in [
            (2_130_706_431, Host, Udp, 1, Rtp),
            (2_130_705_918, Host, Udp, 1, Rtcp),
            (2_130_705_919, Host, Udp, 2, Rtp),
            (2_130_705_406, Host, Udp, 2, Rtcp),
            (184_548_351, Relayed, Udp, 3, Rtp),
            (184_547_838, Relayed, Udp, 3, Rtcp),
            (174_456_319, Relayed, TcpPassive, 2, Rtp),
            (174_848_511, Relayed, TcpActive, 4, Rtp),
            (1_684_798_463, ServerReflexive, TcpActive, 3, Rtp),
            (1_684_797_439, ServerReflexive, TcpActive, 5, Rtp),
        ] {
            assert_eq!(priority(kind, transport, foundation, component), seen);
        }
        assert!(priority(Relayed, Udp, u16::MAX, Rtcp) > 0);
    }

    // RFC 5245 §17: agent L's pair of host and reflexive candidate.
    #[test]
    fn the_pair_priority_is_that_of_the_rfc() {
        assert_eq!(pair_priority(1_694_498_815, 2_130_706_431), 7_277_816_997_797_167_102);
        assert_eq!(pair_priority(5, 5), (5 << 32) + 10);
        assert_eq!(pair_priority(6, 5), (5 << 32) + 13);
    }

    proptest! {
        #[test]
        fn no_line_panics_and_what_is_read_reads_back(line in "[0-9a-zA-Z.:+/ -]{0,80}") {
            if let Ok(read) = line.parse::<Candidate>() {
                prop_assert_eq!(read.to_string().parse::<Candidate>().unwrap(), read);
            }
            if let Ok(read) = line.parse::<LegacyCandidate>() {
                prop_assert_eq!(read.to_string().parse::<LegacyCandidate>().unwrap(), read);
            }
        }

        #[test]
        fn a_likely_line_reads_back(c in 0u8..4, p in 0u32.., ip in any::<u32>(), port in any::<u16>(), rest in "[a-z ]{0,20}") {
            let line = format!("7 {c} UDP {p} {} {port} typ host{rest}", std::net::Ipv4Addr::from(ip));
            if let Ok(read) = line.parse::<Candidate>() {
                prop_assert_eq!(read.to_string().parse::<Candidate>().unwrap(), read);
            }
        }
    }
}
