//! What one `m=audio` section says, as facts.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{MediaDescription, SessionDescription};
use crate::media::{Codec, CryptoLine, Direction};

/// Transport of a stream as its `m=` line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Profile {
    /// `RTP/AVP` (RFC 3551).
    Avp,
    /// `RTP/AVPF` (RFC 4585).
    Avpf,
    /// `RTP/SAVP` (RFC 3711).
    Savp,
    /// `RTP/SAVPF` (RFC 5124).
    Savpf,
    /// Something else: DTLS, TCP, T.38.
    Other,
}

impl Profile {
    /// From the word of the `m=` line.
    pub fn from_protocol(word: &str) -> Self {
        let known = [Self::Avp, Self::Avpf, Self::Savp, Self::Savpf];
        known.into_iter().find(|p| p.name().eq_ignore_ascii_case(word)).unwrap_or(Self::Other)
    }

    /// The word of the `m=` line; empty for [`Other`](Self::Other).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avp => "RTP/AVP",
            Self::Avpf => "RTP/AVPF",
            Self::Savp => "RTP/SAVP",
            Self::Savpf => "RTP/SAVPF",
            Self::Other => "",
        }
    }

    /// Whether it is SRTP and nothing else.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Savp | Self::Savpf)
    }

    /// The same profile with SRTP.
    pub const fn secured(self) -> Self {
        match self {
            Self::Avp => Self::Savp,
            Self::Avpf => Self::Savpf,
            other => other,
        }
    }
}

/// What the `c=` line says about the way to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// An address to send to.
    Address(IpAddr),
    /// `0.0.0.0`, `::` or a name under `.invalid`: nothing is to be sent (RFC 3264 §8.4, RFC 6157).
    Held,
    /// A multicast group, or the broadcast address.
    Multicast,
    /// A name, or not readable.
    Name,
    /// No `c=` line applies.
    Missing,
}

/// What a payload type means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// A codec we know.
    Audio(Codec),
    /// `telephone-event/8000` (RFC 4733).
    TelephoneEvent,
    /// Comfort noise of 8000 Hz, payload type 13 (RFC 3389).
    ComfortNoise,
    /// A dynamic payload type without `a=rtpmap`: in an answer it means what the offer said.
    Unmapped,
}

/// One audio stream as the peer describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioStream {
    /// Its place among the `m=` lines, from 0.
    pub slot: usize,
    /// Transport.
    pub profile: Profile,
    /// RTP port; 0: refused or ended.
    pub port: u16,
    /// Where to.
    pub connection: Connection,
    /// From `a=rtcp` (RFC 3605): port, and the address if it is another.
    pub rtcp: Option<(u16, Option<IpAddr>)>,
    /// Known payload types in the peer's order of preference, each number once.
    pub formats: Vec<(u8, Encoding)>,
    /// As the peer sees it, by the attribute alone.
    pub direction: Direction,
    /// `a=ptime`: how much audio the peer wants in a packet.
    pub ptime: Option<Duration>,
    /// The `a=crypto` lines that we could use, in order.
    pub crypto: Vec<CryptoLine>,
}

impl AudioStream {
    /// Reads the section `slot`, or `None` when it is not audio. What cannot be read counts as not
    /// said.
    pub fn read(session: &SessionDescription, slot: usize) -> Option<Self> {
        let media = session.media.get(slot)?;
        if !media.media.eq_ignore_ascii_case("audio") {
            return None;
        }
        Some(Self {
            slot,
            profile: Profile::from_protocol(&media.protocol),
            port: media.port,
            connection: connection(media.value('c').or(session.value('c'))),
            rtcp: media.attributes("rtcp").next().and_then(rtcp),
            formats: formats(media),
            direction: direction(session, media),
            ptime: media.attributes("ptime").next().and_then(ptime),
            crypto: crypto(media),
        })
    }

    /// Whether the peer takes packets: its direction says so and it gave an address.
    pub fn receives(&self) -> bool {
        self.direction.receives() && self.connection != Connection::Held
    }

    /// Where RTP goes.
    pub fn rtp_address(&self) -> Option<SocketAddr> {
        match self.connection {
            Connection::Address(address) => Some(SocketAddr::new(address, self.port)),
            _ => None,
        }
    }

    /// Where RTCP goes: as `a=rtcp` says, else one port higher (RFC 3550 §11).
    pub fn rtcp_address(&self) -> Option<SocketAddr> {
        let rtp = self.rtp_address()?;
        match self.rtcp {
            Some((port, address)) => Some(SocketAddr::new(address.unwrap_or(rtp.ip()), port)),
            None => Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)),
        }
    }

    /// The payload type that has this meaning, the first if there are several.
    pub fn payload_type(&self, encoding: Encoding) -> Option<u8> {
        self.formats.iter().find(|(_, e)| *e == encoding).map(|(pt, _)| *pt)
    }
}

/// RFC 4566 §5.7: c=<nettype> <addrtype> <connection-address>
fn connection(value: Option<&str>) -> Connection {
    let Some(value) = value else { return Connection::Missing };
    let mut words = value.split_ascii_whitespace().skip(2);
    let Some(word) = words.next() else { return Connection::Missing };
    // A multicast address has its TTL or a count behind a slash.
    let word = word.split_once('/').map_or(word, |(address, _)| address);
    match word.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() => Connection::Held,
        Ok(address) if address.is_multicast() => Connection::Multicast,
        Ok(IpAddr::V4(address)) if address.is_broadcast() => Connection::Multicast,
        Ok(address) => Connection::Address(address),
        Err(_) if word.trim_end_matches('.').to_ascii_lowercase().ends_with(".invalid") => Connection::Held,
        Err(_) => Connection::Name,
    }
}

/// RFC 3605 §2.1: "a=rtcp:" port [nettype space addrtype space connection-address]
fn rtcp(value: &str) -> Option<(u16, Option<IpAddr>)> {
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok().filter(|&port| port != 0)?;
    let address: Option<IpAddr> = words.nth(2).and_then(|word| word.parse().ok());
    Some((port, address.filter(|address| !address.is_unspecified() && !address.is_multicast())))
}

fn formats(media: &MediaDescription) -> Vec<(u8, Encoding)> {
    let mut formats: Vec<(u8, Encoding)> = Vec::new();
    for payload_type in media.formats.iter().filter_map(|word| word.parse().ok()).filter(|pt| *pt < 128) {
        if formats.iter().all(|(known, _)| *known != payload_type) {
            formats.extend(encoding(media, payload_type).map(|encoding| (payload_type, encoding)));
        }
    }
    formats
}

fn encoding(media: &MediaDescription, payload_type: u8) -> Option<Encoding> {
    let mapped = media.attributes("rtpmap").find_map(|value| {
        let (number, encoding) = value.trim().split_once([' ', '\t'])?;
        (number.parse() == Ok(payload_type)).then_some(encoding.trim())
    });
    match (mapped, payload_type) {
        (Some(text), _) => named(text, payload_type),
        // RFC 3551 §6, table 4.
        (None, 0) => Some(Encoding::Audio(Codec::Pcmu)),
        (None, 8) => Some(Encoding::Audio(Codec::Pcma)),
        (None, 9) => Some(Encoding::Audio(Codec::G722)),
        (None, 13) => Some(Encoding::ComfortNoise),
        (None, 96..) => Some(Encoding::Unmapped),
        (None, _) => None,
    }
}

/// RFC 4566 §6: <encoding name>/<clock rate> [/<encoding parameters>]; for audio the last is the
/// number of channels, one if it is missing. Names do not depend on case (RFC 4855 §3).
fn named(text: &str, payload_type: u8) -> Option<Encoding> {
    let mut parts = text.split('/').map(str::trim);
    let (name, clock, channels) = (parts.next()?, parts.next()?, parts.next().unwrap_or("1"));
    if clock != "8000" || channels != "1" {
        return None;
    }
    let known = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::G726];
    let codec = known.into_iter().find(|c| c.name().eq_ignore_ascii_case(name));
    match name.to_ascii_lowercase().as_str() {
        "telephone-event" => Some(Encoding::TelephoneEvent),
        "cn" if payload_type == 13 => Some(Encoding::ComfortNoise),
        _ => codec.map(Encoding::Audio),
    }
}

/// RFC 4566 §6: the session's direction is the default; without any it is sendrecv.
fn direction(session: &SessionDescription, media: &MediaDescription) -> Direction {
    let all = media.lines.iter().chain(&session.lines);
    let mut found = all.filter_map(|line| match line.attribute()?.0.trim() {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    });
    found.next().unwrap_or_default()
}

/// Milliseconds; odd writers add a fraction.
fn ptime(value: &str) -> Option<Duration> {
    let whole = value.trim().split_once('.').map_or(value.trim(), |(whole, _)| whole);
    whole.parse().ok().filter(|ms| (1..=1000).contains(ms)).map(Duration::from_millis)
}

fn crypto(media: &MediaDescription) -> Vec<CryptoLine> {
    // [MS-SDP]: a=encryption:rejected takes the offer of encryption back.
    if media.attributes("encryption").any(|value| value.trim().eq_ignore_ascii_case("rejected")) {
        return Vec::new();
    }
    media.attributes("crypto").filter_map(|value| CryptoLine::parse(value).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(text: &str) -> AudioStream {
        AudioStream::read(&SessionDescription::parse(text.as_bytes()).unwrap(), 0).unwrap()
    }

    fn with(lines: &str) -> AudioStream {
        stream(&format!("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0 8 96 101\n{lines}"))
    }

    #[test]
    fn the_nearest_connection_line_counts() {
        assert_eq!(with("").rtp_address(), Some("192.0.2.1:4000".parse().unwrap()));
        assert_eq!(with("c=IN IP6 2001:db8::1\n").rtp_address(), Some("[2001:db8::1]:4000".parse().unwrap()));
        assert_eq!(with("c=IN IP4 0.0.0.0\n").connection, Connection::Held);
        assert_eq!(with("c=IN IP6 ::\n").connection, Connection::Held);
        assert_eq!(with("c=IN IP6 x.invalid\n").connection, Connection::Held);
        assert_eq!(with("c=IN IP4 224.2.1.1/127/3\n").connection, Connection::Multicast);
        assert_eq!(with("c=IN IP4 Client\n").connection, Connection::Name);
        assert_eq!(stream("m=audio 4 RTP/AVP 0\n").connection, Connection::Missing);
    }

    // RFC 3605 §2.1, both examples.
    #[test]
    fn rtcp_may_have_a_port_and_address_of_its_own() {
        assert_eq!(with("").rtcp_address(), Some("192.0.2.1:4001".parse().unwrap()));
        assert_eq!(with("a=rtcp:53020\n").rtcp_address(), Some("192.0.2.1:53020".parse().unwrap()));
        let other = with("a=rtcp:53020 IN IP6 2001:db8::25\n").rtcp_address();
        assert_eq!(other, Some("[2001:db8::25]:53020".parse().unwrap()));
        assert_eq!(with("a=rtcp:0\n").rtcp_address(), Some("192.0.2.1:4001".parse().unwrap()));
        assert_eq!(stream("c=IN IP4 192.0.2.1\nm=audio 65535 RTP/AVP 0\n").rtcp_address(), None);
    }

    #[test]
    fn the_map_decides_what_a_payload_type_means() {
        let formats =
            with("a=rtpmap:8 opus/48000/2\na=rtpmap:96 pcma/8000/1\na=rtpmap:101 Telephone-Event/8000\n");
        assert_eq!(formats.payload_type(Encoding::Audio(Codec::Pcma)), Some(96));
        assert_eq!(formats.payload_type(Encoding::TelephoneEvent), Some(101));
        assert_eq!(with("").formats[2..], [(96, Encoding::Unmapped), (101, Encoding::Unmapped)]);
        let stereo = stream("m=audio 4 RTP/AVP 117 9\na=rtpmap:117 G722/8000/2\n");
        assert_eq!(stereo.formats, [(9, Encoding::Audio(Codec::G722))]);
        assert_eq!(stream("m=audio 4 RTP/AVP 8 8 8 200 x\n").formats.len(), 1);
    }

    #[test]
    fn direction_falls_back_to_the_session() {
        let held = "v=0\na=inactive\nm=audio 4 RTP/AVP 0\n";
        assert_eq!(stream(held).direction, Direction::Inactive);
        assert_eq!(stream(&format!("{held}a=sendonly\n")).direction, Direction::SendOnly);
        assert_eq!(with("").direction, Direction::SendRecv);
    }

    #[test]
    fn a_withdrawn_offer_of_encryption_is_none() {
        let line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n";
        assert_eq!(with(line).crypto.len(), 1);
        assert_eq!(with(&format!("{line}a=encryption:rejected\n")).crypto.len(), 0);
        assert_eq!(with("a=ptime:30\n").ptime, Some(Duration::from_millis(30)));
        assert_eq!(with("a=ptime:0\n").ptime, None);
    }
}
