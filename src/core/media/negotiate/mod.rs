//! Offer and answer of one audio stream (RFC 3264), over the life of a dialog.
//!
//! ```text
//!           offer() ──► [our offer is out] ── accept_answer() ──► [in force]
//!                             └────────────── rollback() ───────► [as before]
//! peer's offer ── review() (may we take it?) ── answer() ───────► [in force]
//! ```
//!
//! [`OfferAnswer`] is the machine; it holds what it needs to go on after a restart and can be
//! stored as it is. The switch relays media, so it wants one codec per stream, and both legs of a call
//! constrain each other through [`OfferAnswer::set_codecs`] and the `restrict` argument of
//! [`OfferAnswer::answer`].
//!
//! ICE has its lines here ([`ice`](LocalIce)) and its agents in [`crate::media::ice`].
//!
//! Out of scope: RTP and RTCP on one port (never answered,
//! which RFC 5761 §5.1.1 takes as a no), and more than one live stream.

mod body;
mod choose;
mod draft;
mod ice;
mod offer_answer;
mod refusal;
mod remote;
mod take;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use ice::{IceAgreed, IceMode, LocalIce};
pub use offer_answer::{OfferAnswer, Offered};
pub use refusal::MediaRefusal;

use super::{Codec, Direction, SrtpPair};

/// Whether a leg's media may or must be SRTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SrtpMode {
    /// Plain RTP only; an offer of SRTP alone is refused.
    #[default]
    Off,
    /// SRTP when the peer has it.
    Optional,
    /// SRTP or no call.
    Required,
}

/// How an offer says that SRTP is welcome but not required. No RFC settles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SrtpOfferForm {
    /// One `RTP/AVP` line with `a=crypto`, as Lync and most telephones do.
    #[default]
    AvpWithCrypto,
    /// An `RTP/SAVP` line with keys and an `RTP/AVP` line without, on the same port. The peer refuses
    /// one of them (RFC 3264 §6).
    TwoLines,
}

/// The SRTP settings of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct SrtpPolicy {
    /// Whether at all.
    pub mode: SrtpMode,
    /// Our offers name a lifetime, `2^31` packets. An answer does what the offer did.
    pub lifetime: bool,
    /// Our offers have a line with an MKI before the one without. An answer does what the chosen
    /// line of the offer did; a line without is chosen where there is one.
    pub mki: bool,
    /// Our offers also have a line of the suite with 32-bit tags, as the last. Answers know both.
    pub sha1_32: bool,
    /// How our offers say "optional".
    pub offer_form: SrtpOfferForm,
    /// Answer `RTP/AVP` with `a=crypto` by `RTP/SAVP`, as Lync demands ([MS-SDPEXT]), instead of
    /// keeping the word of the offer (RFC 3264 §6).
    pub answer_savp: bool,
}

/// How a leg reads and writes descriptions, besides keys and ICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Habits {
    /// See [`LocalMedia::ignore_sdp_version`].
    pub ignore_sdp_version: bool,
    /// See [`LocalMedia::comfort_noise`].
    pub comfort_noise: bool,
}

impl Default for Habits {
    /// Whole descriptions are compared; no comfort noise.
    fn default() -> Self {
        Self { ignore_sdp_version: true, comfort_noise: false }
    }
}

/// What we bring to the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalMedia {
    /// Our address as the peer reaches it.
    pub address: IpAddr,
    /// Our RTP port; RTCP is one higher.
    pub port: u16,
    /// What we can pass on, preferred first.
    pub codecs: Vec<Codec>,
    /// Our next offer asks for the first of them, though another is in force.
    #[serde(default)]
    pub asks: bool,
    /// SRTP settings.
    pub srtp: SrtpPolicy,
    /// What we want to do: `SendRecv` normally, `SendOnly` or `Inactive` when we hold.
    pub direction: Direction,
    /// Compare whole descriptions instead of trusting that an unchanged `o=` line means an unchanged
    /// description (RFC 3264 §8). Lync needs it: it keeps `o=- 0 0` over real changes.
    pub ignore_sdp_version: bool,
    /// Offer and accept comfort noise, payload type 13 (RFC 3389).
    pub comfort_noise: bool,
    /// ICE; none: its lines are neither written nor read.
    #[serde(default)]
    pub ice: Option<LocalIce>,
    /// Media bypass of Lync: the id of the place where we are; none: we do not say it, and take no gateway's
    /// description in place of its mediation server's.
    #[serde(default)]
    pub bypass: Option<String>,
}

impl LocalMedia {
    /// Plain RTP in both directions, whole descriptions compared, no comfort noise.
    pub fn new(address: IpAddr, port: u16, codecs: Vec<Codec>) -> Self {
        let Habits { ignore_sdp_version, comfort_noise } = Habits::default();
        Self {
            address,
            port,
            codecs,
            asks: false,
            srtp: SrtpPolicy::default(),
            direction: Direction::SendRecv,
            ignore_sdp_version,
            comfort_noise,
            ice: None,
            bypass: None,
        }
    }
}

/// Our `o=` line (RFC 4566 §5.2): the same id for the whole dialog; the version rises by one with every
/// description that differs from the one before, and stays when nothing changed (RFC 3264 §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ident {
    /// Session id.
    pub id: u64,
    /// Highest session version spoken; 0 before the first.
    pub version: u64,
}

/// What both sides agreed on: what the media engine is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Where RTP goes; `None` when the peer holds without an address (`c=0.0.0.0`).
    pub remote: Option<SocketAddr>,
    /// Where RTCP goes.
    pub remote_rtcp: Option<SocketAddr>,
    /// The codec we send and expect.
    pub codec: Codec,
    /// Payload type of what we send.
    pub send_pt: u8,
    /// Payload type of what we receive.
    pub recv_pt: u8,
    /// More codecs, with their payload types, that the peer said it may send without asking again.
    pub also_receive: Vec<(Codec, u8)>,
    /// Payload type of the telephone events we send (RFC 4733), when the peer takes them.
    pub dtmf_send_pt: Option<u8>,
    /// Payload type of the telephone events we receive, when we said that we take them.
    pub dtmf_recv_pt: Option<u8>,
    /// Comfort noise with payload type 13 may come and go.
    pub comfort_noise: bool,
    /// The keys; `None`: plain RTP.
    pub srtp: Option<SrtpPair>,
    /// What we may do.
    pub direction: Direction,
    /// The peer has put us on hold.
    pub remote_held: bool,
    /// How much audio the peer wants in a packet; 20 ms if it did not say.
    pub ptime: Duration,
    /// Both sides do ICE: addresses follow from its checks, `remote` holds until then.
    #[serde(default)]
    pub ice: Option<Box<IceAgreed>>,
    /// Media bypass: the peer's description is that of a gateway at our place.
    #[serde(default)]
    pub bypassed: bool,
}
