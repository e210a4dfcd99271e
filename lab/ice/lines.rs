//! The lines of ICE in SDP (RFC 5245 §15, as Lync writes them), and those of draft 06.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Component;

/// An address that one side may be reached at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it has in common with others.
    pub foundation: String,
    /// RTP or RTCP.
    pub component: Component,
    /// Higher is better.
    pub priority: u32,
    /// Where it is.
    pub address: SocketAddr,
    /// Whether it is an address at a relay.
    pub relayed: bool,
    /// Of TCP: another side's takes connections, an own one opens them.
    pub tcp: bool,
}

/// What one side's SDP says of ICE.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Side {
    /// `a=ice-ufrag`.
    pub ufrag: String,
    /// `a=ice-pwd`.
    pub password: String,
    /// Over UDP, and those over TCP that take connections.
    pub candidates: Vec<Candidate>,
    /// `a=remote-candidates`: what the offerer has settled on, of the other side.
    pub settled: Vec<(Component, SocketAddr)>,
    /// Candidates of draft 06 are what it has, and no others.
    pub draft6: bool,
}

impl Side {
    /// One with two sockets.
    pub fn new(rtp: SocketAddr, rtcp: SocketAddr) -> Self {
        let host = |component, address| Candidate {
            foundation: "1".into(),
            component,
            priority: 0x7EFF_FFFF - if component == Component::Rtcp { 513 } else { 0 },
            address,
            relayed: false,
            tcp: false,
        };
        Self {
            ufrag: STANDARD.encode(rand::random::<[u8; 3]>()),
            password: STANDARD.encode(rand::random::<[u8; 18]>()),
            candidates: vec![host(Component::Rtp, rtp), host(Component::Rtcp, rtcp)],
            settled: Vec::new(),
            draft6: false,
        }
    }

    /// The same with its sockets named once more, as addresses at a relay.
    pub fn with_own_relay(mut self) -> Self {
        let relayed = |one: &Candidate| Candidate {
            foundation: "3".into(),
            // RFC 5245 §4.1.2.2: 10 for relayed candidates, where host ones have 126.
            priority: one.priority - (116 << 24),
            relayed: true,
            ..one.clone()
        };
        let more: Vec<_> = self.candidates.iter().map(relayed).collect();
        self.candidates.extend(more);
        self
    }

    /// Reads the lines of a media section. None when it does no ICE of today's form.
    pub fn read(lines: &[&str]) -> Option<Self> {
        let of = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let candidates = lines.iter().filter_map(|line| candidate(line.strip_prefix("a=candidate:")?));
        let candidates: Vec<_> = candidates.collect();
        let settled = of("a=remote-candidates:").map(settled).unwrap_or_default();
        let (ufrag, password) = (of("a=ice-ufrag:")?.to_owned(), of("a=ice-pwd:")?.to_owned());
        (!candidates.is_empty()).then_some(Self { ufrag, password, candidates, settled, draft6: false })
    }

    /// The lines to write.
    pub fn lines(&self) -> String {
        if self.draft6 {
            return self.candidates.iter().map(|one| self.draft6_line(one)).collect();
        }
        let mut lines = format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", self.ufrag, self.password);
        for one in &self.candidates {
            let (ip, port) = (one.address.ip(), one.address.port());
            let kind = if one.relayed { "relay" } else { "host" };
            let (foundation, number, priority) = (&one.foundation, one.component as u8, one.priority);
            let transport = if one.tcp { "TCP-ACT" } else { "UDP" };
            lines.push_str(&format!(
                "a=candidate:{foundation} {number} {transport} {priority} {ip} {port} typ {kind} \r\n"
            ));
        }
        if !self.settled.is_empty() {
            let pair = |(component, at): &(Component, SocketAddr)| {
                format!("{} {} {} ", *component as u8, at.ip(), at.port())
            };
            lines.push_str(&format!(
                "a=remote-candidates:{}\r\n",
                self.settled.iter().map(pair).collect::<String>()
            ));
        }
        lines
    }

    /// [MS-ICE] §2.2: user, component, password, transport, preference, address.
    fn draft6_line(&self, one: &Candidate) -> String {
        let user = STANDARD.encode([&self.ufrag.as_bytes()[..4]; 8].concat());
        let password = STANDARD.encode(&self.password.as_bytes()[..16]);
        let (number, ip, port) = (one.component as u8, one.address.ip(), one.address.port());
        format!("a=candidate:{user} {number} {password} UDP 0.830 {ip} {port}\r\n")
    }

    /// The port that `a=rtcp` names.
    pub fn rtcp_port(&self) -> Option<u16> {
        let rtcp = self.candidates.iter().find(|one| one.component == Component::Rtcp);
        rtcp.map(|one| one.address.port())
    }

    /// The candidate at this address.
    pub fn at(&self, component: Component, address: SocketAddr) -> Option<&Candidate> {
        self.candidates.iter().find(|one| one.component == component && one.address == address)
    }
}

fn candidate(text: &str) -> Option<Candidate> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [foundation, component, transport, priority, ip, port, "typ", kind, ..] = words[..] else {
        return None;
    };
    let tcp = match transport.to_ascii_uppercase().as_str() {
        "UDP" => false,
        "TCP-PASS" => true,
        _ => return None,
    };
    Some(Candidate {
        foundation: foundation.to_owned(),
        component: Component::of_number(component)?,
        priority: priority.parse().ok()?,
        address: SocketAddr::new(ip.parse().ok()?, port.parse().ok()?),
        relayed: kind == "relay",
        tcp,
    })
}

fn settled(text: &str) -> Vec<(Component, SocketAddr)> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let read = |three: &[&str]| {
        let [component, ip, port] = *three else { return None };
        Some((Component::of_number(component)?, SocketAddr::new(ip.parse().ok()?, port.parse().ok()?)))
    };
    words.chunks(3).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_read_back_and_draft_6_is_none_of_today() {
        let at = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let mut side = Side::new(at(4000), at(4001));
        side.settled = vec![(Component::Rtp, at(5000)), (Component::Rtcp, at(5001))];
        let text = side.lines();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(Side::read(&lines), Some(side.clone()));
        assert!(text.contains("a=remote-candidates:1 192.0.2.1 5000 2 192.0.2.1 5001 \r\n"), "{text}");
        side.draft6 = true;
        let text = side.lines();
        assert!(text.contains(" UDP 0.830 192.0.2.1 4000\r\n"), "{text}");
        assert_eq!(Side::read(&text.lines().collect::<Vec<_>>()), None);
        let tcp = "a=candidate:2 1 TCP-ACT 1013580031 192.0.2.1 5 typ host ";
        assert_eq!(Side::read(&["a=ice-ufrag:abcd", "a=ice-pwd:efgh", tcp]), None);
    }
}
