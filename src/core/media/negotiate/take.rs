//! What follows when two descriptions meet.

use std::time::Duration;

use super::body::{Spoken, Stream};
use super::choose::check_address;
use super::refusal::{NO_AUDIO, NO_CODEC, NO_KEY, PROTOCOL, SRTP_REQUIRED};
use super::remote::RemoteSide;
use super::{Agreed, LocalMedia, MediaRefusal, SrtpMode};
use crate::media::sdp::{AudioStream, Encoding, Profile};
use crate::media::{Codec, CryptoLine, Direction, SrtpPair};

/// Packet time when the peer names none (RFC 3551 §4.2).
const DEFAULT_PTIME: Duration = Duration::from_millis(20);

/// An answer that fits our offer.
pub(super) struct Taken<'a> {
    /// Which of our `m=` lines it takes.
    pub slot: usize,
    /// The peer's stream.
    pub stream: &'a AudioStream,
    /// Our key line that it chose.
    pub key: Option<CryptoLine>,
    /// All but the ways.
    pub agreed: Agreed,
}

/// The first of our streams that the answer takes. When it takes two, the other is closed by our next
/// offer.
pub(super) fn take_answer<'a>(offer: &Spoken, answer: &'a RemoteSide) -> Result<Taken<'a>, MediaRefusal> {
    let streams = &offer.draft.streams;
    let mut first_refusal = None;
    for own in streams {
        let answered = answer.live().find(|stream| stream.slot == own.slot);
        // Some answer only the audio of an offer that has dead lines too.
        let answered = answered.or_else(|| answer.live().next().filter(|_| streams.len() == 1));
        match answered.ok_or(NO_AUDIO).and_then(|stream| take(&offer.draft.local, own, stream)) {
            Ok(taken) => return Ok(taken),
            Err(refusal) => _ = first_refusal.get_or_insert(refusal),
        }
    }
    Err(first_refusal.unwrap_or(NO_AUDIO))
}

fn take<'a>(local: &LocalMedia, own: &Stream, stream: &'a AudioStream) -> Result<Taken<'a>, MediaRefusal> {
    check_address(stream, local)?;
    let keys = answered_keys(local, own, stream)?;
    let ours = |pt: u8, encoding| match encoding {
        Encoding::Audio(codec) => own.codecs.iter().find(|(known, _)| *known == codec).copied(),
        Encoding::Unmapped => own.codecs.iter().find(|(_, number)| *number == pt).copied(),
        Encoding::TelephoneEvent | Encoding::ComfortNoise => None,
    };
    let formats = stream.formats.iter();
    let common: Vec<_> = formats.filter_map(|&(pt, encoding)| Some((pt, ours(pt, encoding)?))).collect();
    // RFC 3264 §7: the first format of the answer is the preferred one.
    let (send_pt, (codec, recv_pt)) = *common.first().ok_or(NO_CODEC)?;
    let others = own.codecs.iter().filter(|(c, _)| *c != codec && common.iter().any(|(_, (o, _))| o == c));
    let agreed = Agreed {
        also_receive: others.copied().collect(),
        comfort_noise: own.comfort_noise && stream.payload_type(Encoding::ComfortNoise).is_some(),
        srtp: keys.map(|(local, remote)| pair(local, remote)),
        ..agreed(stream, codec, (send_pt, recv_pt), answered_dtmf(own, stream))
    };
    Ok(Taken { slot: own.slot, stream, key: keys.map(|(local, _)| local.clone()), agreed })
}

/// RFC 4568 §7.1.3: the answer's crypto attribute has the tag and suite of one that was offered.
fn answered_keys<'a>(
    local: &LocalMedia,
    own: &'a Stream,
    stream: &'a AudioStream,
) -> Result<Option<(&'a CryptoLine, &'a CryptoLine)>, MediaRefusal> {
    let same = |own: &CryptoLine, line: &CryptoLine| own.tag == line.tag && own.key.suite == line.key.suite;
    let found =
        stream.crypto.iter().find_map(|line| Some((own.crypto.iter().find(|o| same(o, line))?, line)));
    let secure = stream.profile.is_secure();
    match (stream.profile, found) {
        (Profile::Other, _) => Err(PROTOCOL),
        (_, Some(keys)) => Ok(Some(keys)),
        (_, None) if secure && own.crypto.is_empty() => Err(PROTOCOL),
        (_, None) if secure => Err(NO_KEY),
        (_, None) if local.srtp.mode == SrtpMode::Required => Err(SRTP_REQUIRED),
        // The answer dropped our optional SRTP.
        (_, None) => Ok(None),
    }
}

/// Payload types of telephone events to send and to receive, when both sides named them.
fn answered_dtmf(own: &Stream, stream: &AudioStream) -> (Option<u8>, Option<u8>) {
    let Some(ours) = own.dtmf else { return (None, None) };
    let unmapped = stream.formats.contains(&(ours, Encoding::Unmapped)).then_some(ours);
    let theirs = stream.payload_type(Encoding::TelephoneEvent).or(unmapped);
    (theirs, theirs.map(|_| ours))
}

impl Stream {
    /// What follows when this stream answers the peer's. The ways are the caller's.
    pub(super) fn answered_with(&self, offered: &AudioStream, chosen: Option<&CryptoLine>) -> Agreed {
        let (codec, pt) = *self.codecs.first().expect("an answer has the codec that was chosen");
        Agreed {
            comfort_noise: self.comfort_noise,
            srtp: self.crypto.first().zip(chosen).map(|(local, remote)| pair(local, remote)),
            ..agreed(offered, codec, (pt, pt), (self.dtmf, self.dtmf))
        }
    }
}

fn pair(local: &CryptoLine, remote: &CryptoLine) -> SrtpPair {
    SrtpPair { local: local.key.clone(), remote: remote.key.clone() }
}

fn agreed(
    stream: &AudioStream,
    codec: Codec,
    (send_pt, recv_pt): (u8, u8),
    (dtmf_send_pt, dtmf_recv_pt): (Option<u8>, Option<u8>),
) -> Agreed {
    Agreed {
        remote: stream.rtp_address(),
        remote_rtcp: stream.rtcp_address(),
        codec,
        send_pt,
        recv_pt,
        also_receive: Vec::new(),
        dtmf_send_pt,
        dtmf_recv_pt,
        comfort_noise: false,
        srtp: None,
        direction: Direction::Inactive,
        remote_held: false,
        ptime: stream.ptime.unwrap_or(DEFAULT_PTIME),
        ice: None,
        bypassed: false,
    }
}
