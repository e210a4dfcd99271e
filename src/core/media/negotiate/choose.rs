//! Whether we can take a stream of the peer's offer, and how.

use super::refusal::{
    ADDRESS_FAMILY, ADDRESS_NAME, MULTICAST, NO_ADDRESS, NO_AUDIO, NO_CODEC, NO_KEY, PROTOCOL, SRTP_OFF,
    SRTP_REQUIRED,
};
use super::remote::RemoteSide;
use super::{LocalMedia, MediaRefusal, SrtpMode};
use crate::media::sdp::{AudioStream, Connection, Encoding, Profile};
use crate::media::{Codec, CryptoLine};

/// A stream that we can take, and how.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    pub stream: &'a AudioStream,
    /// Those of the stream that we can do too, in the offerer's order; never empty.
    pub codecs: Vec<(Codec, u8)>,
    /// The line whose key the peer will send with; `None`: plain RTP.
    pub crypto: Option<&'a CryptoLine>,
}

/// The stream of an offer that is answered: the one in force if it still can be, else the first with
/// SRTP, else the first.
pub(super) fn choose<'a>(
    remote: &'a RemoteSide,
    local: &LocalMedia,
    restrict: Option<&[Codec]>,
    in_force: Option<usize>,
) -> Result<Choice<'a>, MediaRefusal> {
    let mut tried: Vec<_> = remote.live().map(|stream| choice(stream, local, restrict)).collect();
    let rank = |tried: &Result<Choice, MediaRefusal>| match tried {
        Ok(choice) if Some(choice.stream.slot) == in_force => 0,
        Ok(choice) if choice.crypto.is_some() => 1,
        Ok(_) => 2,
        Err(_) => 3,
    };
    // The sort is stable: within a rank the offerer's order holds.
    tried.sort_by_key(rank);
    tried.into_iter().next().unwrap_or(Err(NO_AUDIO))
}

fn choice<'a>(
    stream: &'a AudioStream,
    local: &LocalMedia,
    restrict: Option<&[Codec]>,
) -> Result<Choice<'a>, MediaRefusal> {
    if stream.profile == Profile::Other {
        return Err(PROTOCOL);
    }
    check_address(stream, local)?;
    let crypto = security(stream, local)?;
    let wanted = |codec: &Codec| local.codecs.contains(codec) && restrict.is_none_or(|r| r.contains(codec));
    let codecs: Vec<_> = stream
        .formats
        .iter()
        .filter_map(|&(pt, encoding)| match encoding {
            Encoding::Audio(codec) if wanted(&codec) => Some((codec, pt)),
            _ => None,
        })
        .collect();
    match codecs.is_empty() {
        true => Err(NO_CODEC),
        false => Ok(Choice { stream, codecs, crypto }),
    }
}

/// Whether we can send to where the peer wants it.
pub(super) fn check_address(stream: &AudioStream, local: &LocalMedia) -> Result<(), MediaRefusal> {
    match stream.connection {
        Connection::Address(address) if address.is_ipv4() != local.address.is_ipv4() => Err(ADDRESS_FAMILY),
        Connection::Address(_) | Connection::Held => Ok(()),
        Connection::Multicast => Err(MULTICAST),
        Connection::Name => Err(ADDRESS_NAME),
        Connection::Missing => Err(NO_ADDRESS),
    }
}

fn security<'a>(stream: &'a AudioStream, local: &LocalMedia) -> Result<Option<&'a CryptoLine>, MediaRefusal> {
    let line = pick(&stream.crypto);
    match (local.srtp.mode, stream.profile.is_secure(), line) {
        (SrtpMode::Off, true, _) => Err(SRTP_OFF),
        (SrtpMode::Off, false, _) => Ok(None),
        (_, _, Some(line)) => Ok(Some(line)),
        // RFC 4568 §7.1.2: without a valid crypto attribute the answerer MUST reject the stream.
        (_, true, None) => Err(NO_KEY),
        (SrtpMode::Required, false, None) => Err(SRTP_REQUIRED),
        (SrtpMode::Optional, false, None) => Ok(None),
    }
}

/// The most preferred suite; of its lines the first without an MKI, because that is the form in which
/// all known peers get their packets right.
fn pick(lines: &[CryptoLine]) -> Option<&CryptoLine> {
    let first = lines.first()?;
    let plain = lines.iter().find(|line| line.key.suite == first.key.suite && line.key.mki.is_none());
    Some(plain.unwrap_or(first))
}
