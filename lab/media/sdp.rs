//! The little SDP that an emulated phone needs: one audio line (RFC 4566, RFC 3264).

use std::net::{IpAddr, SocketAddr};

use super::Codec;

/// One side's audio line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// Where this side receives; port 0 refuses the stream.
    pub address: SocketAddr,
    /// The codecs it takes, preferred first.
    pub codecs: Vec<Codec>,
    /// Payload type of telephone-event (RFC 4733), when named.
    pub events: Option<u8>,
    /// Whether this side wants to hear.
    pub receives: bool,
    /// Whether this side will speak.
    pub sends: bool,
}

impl Audio {
    /// A two-way line.
    pub fn new(address: SocketAddr, codecs: &[Codec]) -> Self {
        Self { address, codecs: codecs.to_vec(), events: Some(101), receives: true, sends: true }
    }

    /// Reads the first audio line over plain RTP. None when there is none, or no codec in it is known.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let (session, media) = text.find("m=audio ").map(|at| text.split_at(at))?;
        let mut lines = media.lines();
        let mut words = lines.next()?.strip_prefix("m=audio ")?.split_whitespace();
        let port: u16 = words.next()?.split('/').next()?.parse().ok()?;
        words.next().filter(|profile| profile.starts_with("RTP/AVP"))?;
        let types: Vec<u8> = words.filter_map(|word| word.parse().ok()).collect();
        let own: Vec<&str> = lines.take_while(|line| !line.starts_with("m=")).collect();
        let ip = own.iter().copied().chain(session.lines()).find_map(connection)?;
        let codecs: Vec<_> = types.iter().filter_map(|t| Codec::of_payload_type(*t)).collect();
        let direction =
            own.iter().copied().chain(session.lines()).find_map(direction).unwrap_or((true, true));
        let audio = Self {
            address: SocketAddr::new(ip, port),
            codecs,
            events: own.iter().find_map(|line| events(line)).filter(|t| types.contains(t)),
            sends: direction.0,
            receives: direction.1,
        };
        (!audio.codecs.is_empty()).then_some(audio)
    }

    /// The answer to this offer: the offerer's order of codecs, those that we know (RFC 3264 §6.1).
    pub fn answer(&self, address: SocketAddr, known: &[Codec]) -> Option<Self> {
        let codecs: Vec<_> = self.codecs.iter().copied().filter(|c| known.contains(c)).collect();
        let answer =
            Self { address, codecs, events: self.events, receives: self.sends, sends: self.receives };
        (!answer.codecs.is_empty()).then_some(answer)
    }

    /// The session description; `version` is the `o=` line's.
    pub fn body(&self, version: u64) -> String {
        let ip = self.address.ip();
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let mut types: Vec<_> = self.codecs.iter().map(|c| c.payload_type().to_string()).collect();
        types.extend(self.events.map(|t| t.to_string()));
        let mut maps: String = self
            .codecs
            .iter()
            .map(|c| format!("a=rtpmap:{} {}/8000\r\n", c.payload_type(), c.name()))
            .collect();
        if let Some(events) = self.events {
            maps.push_str(&format!("a=rtpmap:{events} telephone-event/8000\r\na=fmtp:{events} 0-15\r\n"));
        }
        let direction = match (self.sends, self.receives) {
            (true, true) => "sendrecv",
            (true, false) => "sendonly",
            (false, true) => "recvonly",
            (false, false) => "inactive",
        };
        format!(
            "v=0\r\no=- {} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
             m=audio {} RTP/AVP {}\r\n{maps}a=ptime:20\r\na={direction}\r\n",
            self.address.port(),
            self.address.port(),
            types.join(" "),
        )
    }
}

fn connection(line: &str) -> Option<IpAddr> {
    let mut words = line.strip_prefix("c=IN ")?.split_whitespace();
    words.next()?;
    words.next()?.split('/').next()?.parse().ok()
}

/// (sends, receives)
fn direction(line: &str) -> Option<(bool, bool)> {
    match line.trim_end() {
        "a=sendrecv" => Some((true, true)),
        "a=sendonly" => Some((true, false)),
        "a=recvonly" => Some((false, true)),
        "a=inactive" => Some((false, false)),
        _ => None,
    }
}

fn events(line: &str) -> Option<u8> {
    let (payload_type, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
    name.to_ascii_lowercase().starts_with("telephone-event/8000").then(|| payload_type.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_read_back_and_answered_in_its_own_order() {
        let offer = Audio::new("127.0.0.1:4000".parse().unwrap(), &[Codec::Pcmu, Codec::Pcma]);
        assert_eq!(Audio::parse(offer.body(1).as_bytes()), Some(offer.clone()));
        let here = "127.0.0.1:5000".parse().unwrap();
        let answer = offer.answer(here, &[Codec::Pcma, Codec::Pcmu]).unwrap();
        assert_eq!(answer.codecs, [Codec::Pcmu, Codec::Pcma]);
        assert_eq!(offer.answer(here, &[]), None);
    }

    #[test]
    fn a_held_line_and_a_strange_body_are_understood_or_refused() {
        let held = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 9 RTP/AVP 8 96\r\na=rtpmap:96 Telephone-Event/8000\r\na=sendonly\r\n";
        let audio = Audio::parse(held.as_bytes()).unwrap();
        assert_eq!((audio.sends, audio.receives, audio.events), (true, false, Some(96)));
        assert!(!audio.answer(audio.address, &[Codec::Pcma]).unwrap().sends);
        assert_eq!(Audio::parse(b"m=audio x"), None);
        assert_eq!(Audio::parse(b"c=IN IP4 1.1.1.1\r\nm=audio 9 RTP/AVP 18\r\n"), None);
    }
}
