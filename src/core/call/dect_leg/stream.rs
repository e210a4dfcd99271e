//! What a base station brings to a stream, and what it is to do with it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::call::dialling::FeatureCodes;
use crate::media::negotiate::{Agreed, SrtpMode, SrtpPolicy};
use crate::media::{Codec, Direction, SrtpPair};

/// What a base station is to do with a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Where it sends to; nowhere while the call gives no address.
    pub remote: Option<SocketAddr>,
    /// How it codes.
    pub codec: Codec,
    /// With which payload type.
    pub payload_type: u8,
    /// How much speech is in a packet.
    pub ptime: Duration,
    /// What it does, as it sees it.
    pub direction: Direction,
    /// What it protects with and opens with.
    pub srtp: Option<SrtpPair>,
    /// Payload type of key presses.
    pub dtmf: Option<u8>,
}

impl Stream {
    pub(super) fn of(agreed: &Agreed) -> Self {
        Self {
            remote: agreed.remote,
            codec: agreed.codec,
            payload_type: agreed.send_pt,
            ptime: agreed.ptime,
            direction: if agreed.remote.is_some() { agreed.direction } else { Direction::Inactive },
            srtp: agreed.srtp.clone(),
            dtmf: agreed.dtmf_send_pt,
        }
    }
}

/// What the base station brings to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abilities {
    /// Its codecs that the switch can pass on, preferred first.
    pub codecs: Vec<Codec>,
    /// SRTP between the switch and base stations.
    pub srtp: SrtpPolicy,
    /// The pause after which a number counts as whole that a handset dials beside a call.
    pub digit_gap: Duration,
    /// What handsets dial to look something up.
    pub codes: FeatureCodes,
}

impl Abilities {
    /// What native base stations bring: the air's G.726 as G.711, which every far end takes, and before it
    /// `wideband` speech, for connections that can carry it. Both ends of the stream are ours, so nobody's
    /// wishes need guessing, and SRTP costs five of eleven channels: it is used where it is required, not
    /// where it is optional.
    pub fn of_native(south: &SrtpPolicy, digit_gap: Duration, wideband: bool) -> Self {
        let mode = if secures(south) { SrtpMode::Required } else { SrtpMode::Off };
        let srtp = SrtpPolicy { mode, ..*south };
        let wide = wideband.then_some(Codec::G722);
        let codecs = wide.into_iter().chain([Codec::Pcma, Codec::Pcmu]).collect();
        Self { codecs, srtp, digit_gap, codes: FeatureCodes::default() }
    }

    /// With the codes of this site.
    pub fn with_codes(self, codes: &FeatureCodes) -> Self {
        Self { codes: codes.clone(), ..self }
    }

    /// The codecs over one connection, which can carry wideband speech or not.
    pub fn codecs_of(&self, wideband: bool) -> Vec<Codec> {
        self.codecs.iter().copied().filter(|codec| wideband || *codec != Codec::G722).collect()
    }
}

/// Whether streams of native base stations are encrypted under this policy of the south.
pub fn secures(south: &SrtpPolicy) -> bool {
    south.mode == SrtpMode::Required
}
