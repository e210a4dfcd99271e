//! A stream in the words of the base link.

use super::*;

/// MEDIA_MODIFY for what was agreed on.
pub(super) fn modified(media_id: MediaId, stream: &Stream) -> MediaModify {
    let keys = stream.srtp.as_ref();
    MediaModify {
        media_id,
        codec: Some(base_codec(stream.codec)),
        pt: Some(stream.payload_type),
        ptime: Some(u8::try_from(stream.ptime.as_millis()).unwrap_or(20)),
        remote: stream.remote,
        dir: Some(direction(stream.direction)),
        srtp_suite: keys.map(|pair| suite(pair.local.suite)),
        tx_key: keys.and_then(|pair| key(&pair.local)),
        rx_key: keys.and_then(|pair| key(&pair.remote)),
        dtmf_pt: stream.dtmf,
        jitter_ms: None,
    }
}

/// A codec as the base link names it.
pub fn base_codec(codec: Codec) -> BaseCodec {
    match codec {
        Codec::G726 => BaseCodec::G726,
        Codec::Pcma => BaseCodec::Pcma,
        Codec::Pcmu => BaseCodec::Pcmu,
        Codec::G722 => BaseCodec::G722,
    }
}

/// A direction as the base station sees it.
pub fn direction(direction: Direction) -> u8 {
    let bit = |does: bool, bit: u8| if does { bit } else { 0 };
    bit(direction.sends(), dir::SENDS) | bit(direction.receives(), dir::RECEIVES)
}

/// A suite as the base link names it.
pub fn suite(suite: SrtpSuite) -> BaseSuite {
    match suite {
        SrtpSuite::AesCm128HmacSha1_80 => BaseSuite::AesCm80,
        SrtpSuite::AesCm128HmacSha1_32 => BaseSuite::AesCm32,
    }
}

/// Key and salt as the base link carries them.
pub fn key(key: &SrtpKey) -> Option<BaseKey> {
    <[u8; 30]>::try_from(key.master.0.as_slice()).ok().map(Pii)
}
