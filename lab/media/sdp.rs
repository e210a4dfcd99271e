//! The little SDP that an emulated phone needs: one audio line (RFC 4566, RFC 3264), other lines refused in
//! their places.

use std::net::{IpAddr, SocketAddr};

use super::Codec;
use super::srtp::{Crypto, Key, Suite};
use super::traits::{KeyLines, Traits};
use crate::ice::Side;

/// Payload type of comfort noise (RFC 3389).
const COMFORT_NOISE: u8 = 13;

/// How one side feels about SRTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Protection {
    /// Plain RTP only.
    #[default]
    Off,
    /// Offers RTP/AVP with a key, and takes what comes.
    Offered,
    /// RTP/SAVP or no call.
    Required,
}

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
    /// Whether the profile is RTP/SAVP: no plain RTP.
    pub secure: bool,
    /// The key of this side's packets, when it has SRTP: the first line that is understood, those without
    /// MKI first.
    pub crypto: Option<Crypto>,
    /// Further key lines.
    pub more_crypto: Vec<Crypto>,
    /// Whether comfort noise is named.
    pub comfort_noise: bool,
    /// Other media lines behind this one, as offered or as refused: `video 5000 RTP/SAVP 121`.
    pub others: Vec<String>,
    /// What it says of ICE; draft 06 is not read.
    pub ice: Option<Side>,
    /// Its place, for media bypass (`a=x-bypassid`).
    pub place: Option<String>,
}

impl Audio {
    /// A two-way line.
    pub fn new(address: SocketAddr, codecs: &[Codec]) -> Self {
        Self {
            address,
            codecs: codecs.to_vec(),
            events: Some(101),
            receives: true,
            sends: true,
            secure: false,
            crypto: None,
            more_crypto: Vec::new(),
            comfort_noise: false,
            others: Vec::new(),
            ice: None,
            place: None,
        }
    }

    /// The same as an offer of somebody who feels so about SRTP, and has this key.
    pub fn protected(self, protection: Protection, key: Option<&Key>) -> Self {
        let crypto = key.filter(|_| protection != Protection::Off).cloned();
        let crypto =
            crypto.map(|key| Crypto { tag: 1, suite: Suite::Long, key, lifetime: false, mki: Vec::new() });
        Self { secure: protection == Protection::Required, crypto, ..self }
    }

    /// The same as an offer of somebody with these traits.
    pub fn with(mut self, traits: &Traits) -> Self {
        if let Some(key) = self.crypto.take().map(|crypto| crypto.key) {
            (self.crypto, self.more_crypto) = preferred(traits.keys.lines(&key));
        }
        self.comfort_noise = traits.comfort_noise;
        if traits.video {
            let profile = self.profile();
            self.others.push(format!("video {} RTP/{profile} 121", self.address.port().max(3) - 2));
        }
        self
    }

    /// Reads the body of a message: SDP, or the last of several alternatives that can be read.
    pub fn of(content_type: Option<&str>, body: &[u8]) -> Option<Self> {
        let kind = content_type.unwrap_or("");
        if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
            return Self::parse(body);
        }
        let boundary = kind.split(';').find_map(|one| one.trim().strip_prefix("boundary="))?;
        let delimiter = format!("--{}", boundary.trim().trim_matches('"'));
        let parts = std::str::from_utf8(body).ok()?.split(delimiter.as_str()).skip(1);
        let bodies = parts.filter_map(|part| Some(part.split_once("\r\n\r\n")?.1));
        bodies.filter_map(|part| Self::parse(part.as_bytes())).last()
    }

    /// Whether an offer has something for who knows ICE of draft 06 at most: a part that says so, or no ICE at all.
    pub fn is_for_the_old(content_type: Option<&str>, body: &[u8]) -> bool {
        let text = String::from_utf8_lossy(body);
        let parts = content_type.is_some_and(|kind| kind.trim_start().starts_with("multipart/"));
        if parts { text.contains("ms-proxy-2007fallback") } else { !text.contains("a=ice-ufrag:") }
    }

    /// Reads the first audio line over RTP or SRTP. None when there is none, or no codec in it is known.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let (session, media) = text.find("m=audio ").map(|at| text.split_at(at))?;
        let mut lines = media.lines();
        let mut words = lines.next()?.strip_prefix("m=audio ")?.split_whitespace();
        let port: u16 = words.next()?.split('/').next()?.parse().ok()?;
        let profile = words.next()?;
        let secure = profile.starts_with("RTP/SAVP");
        (secure || profile.starts_with("RTP/AVP")).then_some(())?;
        let types: Vec<u8> = words.filter_map(|word| word.parse().ok()).collect();
        let own: Vec<&str> = lines.take_while(|line| !line.starts_with("m=")).collect();
        let ip = own.iter().copied().chain(session.lines()).find_map(connection)?;
        let codecs: Vec<_> = types.iter().filter_map(|t| Codec::of_payload_type(*t)).collect();
        let direction =
            own.iter().copied().chain(session.lines()).find_map(direction).unwrap_or((true, true));
        let crypto = own.iter().filter_map(|line| Crypto::parse(line.strip_prefix("a=crypto:")?));
        let (crypto, more_crypto) = preferred(crypto.collect());
        let others = media.lines().skip(1).filter_map(|line| line.strip_prefix("m="));
        let audio = Self {
            address: SocketAddr::new(ip, port),
            codecs,
            events: own.iter().find_map(|line| events(line)).filter(|t| types.contains(t)),
            sends: direction.0,
            receives: direction.1,
            secure,
            crypto,
            more_crypto,
            comfort_noise: types.contains(&COMFORT_NOISE),
            others: others.map(|line| line.trim().to_owned()).collect(),
            ice: Side::read(&own),
            place: own
                .iter()
                .find_map(|line| line.strip_prefix("a=x-bypassid:"))
                .map(|id| id.trim().to_owned()),
        };
        (!audio.codecs.is_empty()).then_some(audio)
    }

    /// The answer to this offer: the offerer's order of codecs, those that we know (RFC 3264 §6.1); its
    /// profile, and its suite with our key (RFC 4568 §5.1.2). None when there is no common codec, or both
    /// sides' wishes about SRTP do not fit.
    pub fn answer(
        &self,
        address: SocketAddr,
        known: &[Codec],
        protection: Protection,
        key: Option<&Key>,
    ) -> Option<Self> {
        let key = key.filter(|_| protection != Protection::Off).cloned();
        let crypto = self.crypto.as_ref().zip(key);
        let crypto = crypto.map(|(theirs, key)| Crypto { key, ..theirs.clone() });
        if crypto.is_none() && (self.secure || protection == Protection::Required) {
            return None;
        }
        let codecs: Vec<_> = self.codecs.iter().copied().filter(|c| known.contains(c)).collect();
        let answer = Self {
            address,
            codecs,
            receives: self.sends,
            sends: self.receives,
            crypto,
            more_crypto: Vec::new(),
            others: self.others.iter().map(|line| refused(line)).collect(),
            ice: None,
            place: None,
            ..self.clone()
        };
        (!answer.codecs.is_empty()).then_some(answer)
    }

    /// The same answer from somebody with these traits. Lync answers an optional offer whose key it takes
    /// with RTP/SAVP ([MS-SDPEXT] 3.1.5); others keep the offer's profile.
    pub(crate) fn in_the_manner_of(mut self, traits: &Traits) -> Self {
        self.secure |= self.crypto.is_some() && traits.keys != KeyLines::Bare;
        self.comfort_noise &= traits.comfort_noise;
        self
    }

    /// The session description; `version` is the `o=` line's.
    pub fn body(&self, version: u64) -> String {
        let ip = self.address.ip();
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let mut types: Vec<_> = self.codecs.iter().map(|c| c.payload_type().to_string()).collect();
        types.extend(self.comfort_noise.then(|| COMFORT_NOISE.to_string()));
        types.extend(self.events.map(|t| t.to_string()));
        let mut maps: String = self
            .codecs
            .iter()
            .map(|c| format!("a=rtpmap:{} {}/8000\r\n", c.payload_type(), c.name()))
            .collect();
        if let Some(events) = self.events {
            maps.push_str(&format!("a=rtpmap:{events} telephone-event/8000\r\na=fmtp:{events} 0-15\r\n"));
        }
        if self.comfort_noise {
            maps.push_str("a=rtpmap:13 CN/8000\r\n");
        }
        let profile = self.profile();
        let mut keys: Vec<&Crypto> = self.crypto.iter().chain(&self.more_crypto).collect();
        keys.sort_by_key(|crypto| crypto.tag);
        keys.iter().for_each(|crypto| maps.push_str(&format!("{}\r\n", crypto.line())));
        if let Some(ice) = &self.ice {
            let rtcp = ice.rtcp_port().map(|port| format!("a=rtcp:{port}\r\n"));
            maps.push_str(&(rtcp.unwrap_or_default() + &ice.lines()));
        }
        if let Some(place) = &self.place {
            maps.push_str(&format!("a=x-bypassid:{place}\r\n"));
        }
        let direction = match (self.sends, self.receives) {
            (true, true) => "sendrecv",
            (true, false) => "sendonly",
            (false, true) => "recvonly",
            (false, false) => "inactive",
        };
        format!(
            "v=0\r\no=- {} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
             m=audio {} RTP/{profile} {}\r\n{maps}a=ptime:20\r\na={direction}\r\n{}",
            self.address.port(),
            self.address.port(),
            types.join(" "),
            self.others.iter().map(|line| format!("m={line}\r\na={direction}\r\n")).collect::<String>(),
        )
    }

    /// Type and body of an offer; with a part for OCS 2007 before it, when the traits say so.
    pub fn offer(&self, version: u64, traits: &Traits) -> (String, String) {
        if let Some(place) = &traits.gateway_at {
            return self.with_gateway(version, place);
        }
        if !traits.fallback {
            return ("application/sdp".to_owned(), self.body(version));
        }
        let boundary = format!("----=_NextPart_{}", crate::sip::fresh_token());
        let older = Self { ice: self.ice.clone().map(|ice| Side { draft6: true, ..ice }), ..self.clone() };
        let part = |audio: &Self, more: &str, version| {
            format!(
                "--{boundary}\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: 7bit\r\n\
                 Content-ID: <{}@lab>\r\nContent-Disposition: session; handling=optional{more}\r\n\r\n{}\r\n",
                crate::sip::fresh_token(),
                audio.body(version)
            )
        };
        let parts =
            part(&older, "; ms-proxy-2007fallback", version.saturating_sub(1)) + &part(self, "", version);
        let kind = format!("multipart/alternative;boundary=\"{boundary}\"");
        (kind, format!("{parts}--{boundary}--\r\n"))
    }

    /// A mediation server's offer: its own description, and its gateway's for who is at the same place.
    fn with_gateway(&self, version: u64, place: &str) -> (String, String) {
        let boundary = format!("----=_NextPart_{}", crate::sip::fresh_token());
        let gateway = Self { ice: None, place: Some(place.to_owned()), ..self.clone() };
        let part = |kind: &str, audio: &Self| {
            format!(
                "--{boundary}\r\nContent-Type: {kind}\r\nContent-Disposition: session; handling=optional\r\n\r\n\
                 {}\r\n",
                audio.body(version)
            )
        };
        let own = part("application/sdp", self);
        let parts = part(&format!("application/gw-sdp; x-bypassid={place}"), &gateway) + &own;
        (format!("multipart/alternative;boundary=\"{boundary}\""), format!("{parts}--{boundary}--\r\n"))
    }

    const fn profile(&self) -> &'static str {
        if self.secure { "SAVP" } else { "AVP" }
    }
}

/// The line to use, one without MKI before those with one, and the others.
fn preferred(mut lines: Vec<Crypto>) -> (Option<Crypto>, Vec<Crypto>) {
    if lines.is_empty() {
        return (None, lines);
    }
    let at = lines.iter().position(|crypto| crypto.mki.is_empty()).unwrap_or(0);
    (Some(lines.remove(at)), lines)
}

/// A media line with port zero and its first format (RFC 3264 §6).
fn refused(line: &str) -> String {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let word = |at: usize, other| words.get(at).copied().unwrap_or(other);
    format!("{} 0 {} {}", word(0, "video"), word(2, "RTP/AVP"), word(3, "0"))
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
        let answer = offer.answer(here, &[Codec::Pcma, Codec::Pcmu], Protection::Off, None).unwrap();
        assert_eq!(answer.codecs, [Codec::Pcmu, Codec::Pcma]);
        assert_eq!(offer.answer(here, &[], Protection::Off, None), None);
    }

    #[test]
    fn wishes_about_srtp_meet_or_there_is_no_answer() {
        use Protection::{Off, Offered, Required};
        let (here, key) = ("127.0.0.1:4000".parse().unwrap(), Key::fresh());
        let offer = |protection| {
            let offer = Audio::new(here, &[Codec::Pcma]).protected(protection, Some(&key));
            let read = Audio::parse(offer.body(1).as_bytes()).unwrap();
            assert_eq!(read, offer);
            read
        };
        let answers = |offered, answering| {
            let answer = offer(offered).answer(here, &[Codec::Pcma], answering, Some(&Key::fresh()));
            answer.map(|answer| (answer.secure, answer.crypto.is_some()))
        };
        assert_eq!(answers(Required, Offered), Some((true, true)));
        assert_eq!(answers(Offered, Required), Some((false, true)));
        assert_eq!(answers(Offered, Off), Some((false, false)));
        assert_eq!(answers(Off, Offered), Some((false, false)));
        assert_eq!(answers(Required, Off), None);
        assert_eq!(answers(Off, Required), None);
    }

    #[test]
    fn a_held_line_and_a_strange_body_are_understood_or_refused() {
        let held = "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 9 RTP/AVP 8 96\r\na=rtpmap:96 Telephone-Event/8000\r\na=sendonly\r\n";
        let audio = Audio::parse(held.as_bytes()).unwrap();
        assert_eq!((audio.sends, audio.receives, audio.events), (true, false, Some(96)));
        assert!(!audio.answer(audio.address, &[Codec::Pcma], Protection::Off, None).unwrap().sends);
        assert_eq!(Audio::parse(b"m=audio x"), None);
        assert_eq!(Audio::parse(b"c=IN IP4 1.1.1.1\r\nm=audio 9 RTP/AVP 18\r\n"), None);
    }

    #[test]
    fn an_offer_of_a_lync_client_is_answered_with_the_key_without_mki_and_without_video() {
        let (traits, key) = (Traits::lync(), Key::fresh());
        let here = "127.0.0.1:4000".parse().unwrap();
        let offer = Audio::new(here, &[Codec::Pcma]).protected(Protection::Offered, Some(&key)).with(&traits);
        let (kind, body) = offer.offer(1, &traits);
        assert!(body.contains("handling=optional; ms-proxy-2007fallback\r\n"), "{body}");
        let read = Audio::of(Some(&kind), body.as_bytes()).unwrap();
        assert_eq!(read, offer);
        assert_eq!(read.crypto.as_ref().map(|one| (one.tag, one.mki.len())), Some((2, 0)));
        let answer = read.answer(here, &[Codec::Pcma], Protection::Offered, Some(&Key::fresh())).unwrap();
        let text = answer.in_the_manner_of(&traits).body(1);
        assert!(text.contains("m=audio 4000 RTP/SAVP 8 13 101\r\n"), "{text}");
        assert!(text.contains("m=video 0 RTP/AVP 121\r\n"), "{text}");
        assert_eq!(text.matches("a=crypto:2 ").count(), 1, "{text}");
        assert!(!text.contains("a=crypto:1 "), "{text}");
    }
}
