//! What we say: the text of our descriptions.

use std::fmt::Write as _;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::LocalMedia;
use super::remote::Slot;
use crate::media::ice::description::Description;
use crate::media::sdp::Profile;
use crate::media::{Codec, CryptoLine, Direction};
use crate::pii::Pii;

/// A description of ours, without its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    /// The wishes it was made from.
    pub local: LocalMedia,
    /// Every `m=` line; those without a stream are written with port 0.
    pub slots: Vec<Slot>,
    /// The live ones: one, or two in an offer of [`SrtpOfferForm::TwoLines`](super::SrtpOfferForm).
    pub streams: Vec<Stream>,
    /// What we may do, for all streams.
    pub direction: Direction,
    /// Value of the `t=` line.
    pub timing: String,
    /// ICE of every stream; several are alternatives of one.
    #[serde(default)]
    pub ice: Option<Description>,
    /// Our place, for media bypass.
    #[serde(default)]
    pub bypass: Option<String>,
}

/// One live stream of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stream {
    pub slot: usize,
    pub profile: Profile,
    /// With the payload types on which we receive them.
    pub codecs: Vec<(Codec, u8)>,
    /// Payload type of telephone events.
    pub dtmf: Option<u8>,
    pub comfort_noise: bool,
    pub crypto: Vec<CryptoLine>,
}

/// A description of ours as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spoken {
    pub draft: Draft,
    pub version: u64,
    pub body: Pii<String>,
}

/// Static payload type of comfort noise (RFC 3389 §4).
pub(super) const COMFORT_NOISE: u8 = 13;
/// How much audio we send in a packet, in milliseconds.
const PTIME: u8 = 20;

impl Draft {
    /// The text with this session id and version. RFC 4566 §5 gives the order of the lines.
    pub fn write(&self, id: u64, version: u64) -> String {
        let address = match self.local.address {
            IpAddr::V4(address) => format!("IN IP4 {address}"),
            IpAddr::V6(address) => format!("IN IP6 {address}"),
        };
        let mut text =
            format!("v=0\r\no=- {id} {version} {address}\r\ns=-\r\nc={address}\r\nt={}\r\n", self.timing);
        for (at, slot) in self.slots.iter().enumerate() {
            match self.streams.iter().find(|stream| stream.slot == at) {
                Some(stream) => self.write_stream(stream, &mut text),
                None => put(&mut text, format_args!("m={} 0 {} {}", slot.media, slot.protocol, slot.format)),
            }
        }
        text
    }

    /// All key lines.
    pub fn crypto(&self) -> Vec<CryptoLine> {
        self.streams.iter().flat_map(|stream| stream.crypto.clone()).collect()
    }

    fn write_stream(&self, stream: &Stream, text: &mut String) {
        let noise = stream.comfort_noise.then_some(COMFORT_NOISE);
        let formats = stream.codecs.iter().map(|(_, pt)| *pt).chain(noise).chain(stream.dtmf);
        let formats: Vec<_> = formats.map(|pt| pt.to_string()).collect();
        let (port, protocol) = (self.local.port, stream.profile.name());
        put(text, format_args!("m=audio {port} {protocol} {}", formats.join(" ")));
        if let Some(ice) = &self.ice {
            // [MS-ICE2] §3.1.4: RTCP has its own line, as its candidates have.
            put(text, format_args!("a=rtcp:{}", port.saturating_add(1)));
            ice.attributes().iter().for_each(|line| put(text, format_args!("a={line}")));
        }
        if let Some(place) = &self.bypass {
            // As it stands in descriptions of Lync's mediation servers and clients.
            put(text, format_args!("a=x-bypassid:{place}"));
        }
        for line in &stream.crypto {
            put(text, format_args!("a=crypto:{line}"));
        }
        for (codec, pt) in &stream.codecs {
            put(text, format_args!("a=rtpmap:{pt} {}/8000", codec.name()));
        }
        if let Some(pt) = noise {
            put(text, format_args!("a=rtpmap:{pt} CN/8000"));
        }
        if let Some(pt) = stream.dtmf {
            put(text, format_args!("a=rtpmap:{pt} telephone-event/8000"));
            // RFC 4733 §3.2: the sixteen DTMF events.
            put(text, format_args!("a=fmtp:{pt} 0-15"));
        }
        put(text, format_args!("a=ptime:{PTIME}"));
        let direction = match self.direction {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        };
        put(text, format_args!("a={direction}"));
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    write!(text, "{line}\r\n").expect("a String takes whatever is written to it");
}
