//! What of the peer's description is kept.

use serde::{Deserialize, Serialize};

use super::MediaRefusal;
use crate::media::ice::description::Description;
use crate::media::sdp::{AudioStream, SessionDescription, audio_sdp_at};

/// One `m=` line as it is repeated with port 0 when it is not used (RFC 3264 §6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub media: String,
    pub protocol: String,
    /// The first of its formats; there must be one.
    pub format: String,
}

/// The peer's description, without what no rule here asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RemoteSide {
    /// The `o=` line's value.
    pub origin: Option<String>,
    /// The `t=` line's value, which an answer repeats.
    pub timing: String,
    /// Every `m=` line.
    pub slots: Vec<Slot>,
    /// Those of audio, dead ones too.
    pub streams: Vec<AudioStream>,
    /// ICE of those that have it, by slot.
    #[serde(default)]
    pub ice: Vec<(usize, Description)>,
    /// Places of gateways, for media bypass, by slot.
    #[serde(default)]
    pub places: Vec<(usize, String)>,
}

/// Longest `o=` line that is kept for comparison, in octets; a longer one counts as always new.
const MAX_ORIGIN: usize = 256;
pub(super) const TIMELESS: &str = "0 0";

impl RemoteSide {
    /// Reads a SIP body. `place`: where we are; the description of a gateway that is there goes before others.
    pub fn read(content_type: &str, body: &[u8], place: Option<&str>) -> Result<Self, MediaRefusal> {
        let (sdp, of_gateway) = audio_sdp_at(place, content_type, body).ok_or(MediaRefusal::NoSdp)?;
        let session = SessionDescription::parse(sdp)?;
        let slots = session.media.iter().map(|media| Slot {
            media: media.media.clone(),
            protocol: media.protocol.clone(),
            format: media.formats.first().cloned().unwrap_or_else(|| "0".to_owned()),
        });
        let streams: Vec<_> =
            (0..session.media.len()).filter_map(|slot| AudioStream::read(&session, slot)).collect();
        let ice = streams
            .iter()
            .map(|stream| (stream.slot, Description::read(&session, &session.media[stream.slot], stream)));
        let told = |stream: &AudioStream| {
            let attribute = session.media[stream.slot].attributes("x-bypassid").next();
            let place = attribute.map(str::trim).or(place.filter(|_| of_gateway))?;
            is_bypass_id(place).then(|| (stream.slot, place.to_owned()))
        };
        let places = streams.iter().filter_map(told).collect();
        Ok(Self {
            places,
            ice: ice.filter(|(_, ice)| ice.is_ice()).collect(),
            origin: session.value('o').filter(|value| value.len() <= MAX_ORIGIN).map(str::to_owned),
            timing: session.value('t').filter(|value| is_timing(value)).unwrap_or(TIMELESS).to_owned(),
            slots: slots.collect(),
            streams,
        })
    }

    /// The streams that are not refused or ended.
    pub fn live(&self) -> impl Iterator<Item = &AudioStream> {
        self.streams.iter().filter(|stream| stream.port != 0)
    }

    /// ICE of one stream, if it has any.
    pub fn ice(&self, slot: usize) -> Option<&Description> {
        self.ice.iter().find(|(of, _)| *of == slot).map(|(_, ice)| ice)
    }

    /// Whether a stream's far end is at this place, by its own word.
    pub fn is_at(&self, slot: usize, place: Option<&str>) -> bool {
        let told = self.places.iter().find(|(of, _)| *of == slot).map(|(_, told)| told.as_str());
        told.zip(place).is_some_and(|(told, place)| told.eq_ignore_ascii_case(place))
    }

    /// Whether this is the same version of the same session, by the `o=` line.
    pub fn same_version(&self, other: &Self) -> bool {
        self.origin.is_some() && self.origin == other.origin
    }
}

/// A GUID without braces.
fn is_bypass_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// RFC 4566 §5.9: two numbers.
fn is_timing(value: &str) -> bool {
    let digits = |word: &str| (1..=20).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    value.split_once(' ').is_some_and(|(start, stop)| digits(start) && digits(stop))
}
