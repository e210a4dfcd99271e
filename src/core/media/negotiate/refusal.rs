//! Why a description is not taken, and what to tell the peer.

use crate::media::sdp::SdpFault;

/// Why an offer or answer is not taken. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaRefusal {
    /// The peer's fault: the body holds no SDP. Answer: 415.
    #[error("the body holds no application/sdp")]
    NoSdp,
    /// The peer's fault: the SDP cannot be read. Answer: 400.
    #[error(transparent)]
    Malformed(#[from] SdpFault),
    /// The two sides do not go together. Answer: 488 with a Warning.
    #[error("{words}")]
    NotAcceptable {
        /// `warn-code` (RFC 3261 §20.43).
        code: u16,
        /// `warn-text`, without quotation marks.
        words: &'static str,
    },
    /// Not now: our own offer waits for its answer. Answer: 491 (RFC 3261 §14.2).
    #[error("our own offer waits for its answer")]
    OfferOutstanding,
    /// Not now: an answer came, and no offer of ours is out.
    #[error("an answer without an offer")]
    NoOfferOutstanding,
}

impl MediaRefusal {
    /// Status and reason phrase that refuse a request with this description.
    pub const fn status(&self) -> (u16, &'static str) {
        match self {
            Self::NoSdp => (415, "Unsupported Media Type"),
            Self::Malformed(_) | Self::NoOfferOutstanding => (400, "Bad Session Description"),
            Self::NotAcceptable { .. } => (488, "Not Acceptable Here"),
            Self::OfferOutstanding => (491, "Request Pending"),
        }
    }

    /// `warn-code` and `warn-text` for the Warning header (RFC 3261 §20.43).
    pub fn warning(&self) -> Option<(u16, String)> {
        match self {
            Self::NotAcceptable { code, words } => Some((*code, (*words).to_owned())),
            Self::Malformed(fault) => Some((399, fault.to_string())),
            Self::NoSdp | Self::OfferOutstanding | Self::NoOfferOutstanding => None,
        }
    }
}

/// RFC 3261 §20.43, 301: one or more network address formats are not available.
pub(super) const ADDRESS_FAMILY: MediaRefusal = refusal(301, "Incompatible network address format");
/// 301 as well: a name would have to be asked of the DNS.
pub(super) const ADDRESS_NAME: MediaRefusal =
    refusal(301, "Incompatible network address format: c= must hold an IP address");
/// 302: one or more transport protocols are not available.
pub(super) const PROTOCOL: MediaRefusal = refusal(302, "Incompatible transport protocol");
/// 302 as well.
pub(super) const SRTP_OFF: MediaRefusal =
    refusal(302, "Incompatible transport protocol: SRTP is switched off");
/// 302 as well.
pub(super) const SRTP_REQUIRED: MediaRefusal =
    refusal(302, "Incompatible transport protocol: SRTP with a=crypto is required");
/// 304: one or more media types are not available.
pub(super) const NO_AUDIO: MediaRefusal = refusal(304, "Media type not available: no audio stream");
/// 305: one or more media formats are not available.
pub(super) const NO_CODEC: MediaRefusal = refusal(305, "Incompatible media format: no common codec");
/// 306: one or more of the media attributes are not supported.
pub(super) const NO_KEY: MediaRefusal = refusal(306, "Attribute not understood: no usable a=crypto line");
/// 307: a parameter other than those above is not understood.
pub(super) const NO_ADDRESS: MediaRefusal =
    refusal(307, "Session description parameter not understood: c= is missing");
/// 330: multicast is not available.
pub(super) const MULTICAST: MediaRefusal = refusal(330, "Multicast not available");

const fn refusal(code: u16, words: &'static str) -> MediaRefusal {
    MediaRefusal::NotAcceptable { code, words }
}
