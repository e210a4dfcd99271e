//! The bandwidth policy of the pool is asked about a call of the north before its handset rings.

use kirkwall_core::call::Side;
use kirkwall_core::call::admission::links::kbit;
use kirkwall_core::media::ice::turn::reservation::{Path, Verdict};

use super::*;
use crate::media_channel::CheckBandwidth;

impl Call {
    /// What to ask; none: nothing is to be asked.
    pub(super) fn bandwidth_question(&self, ports: &MediaPorts) -> Option<CheckBandwidth> {
        let asks = self.settings.admission.checks_policy && self.facing == Facing::North;
        let (peer, peer_relay) = self.machine.offered_path().filter(|_| asks)?;
        let from = self.peer.as_ref()?;
        let own = self.seen(self.facing, from.transport, from.remote.ip());
        let srtp = self.srtp(Facing::North).mode != kirkwall_core::media::negotiate::SrtpMode::Off;
        let costs = || self.settings.media.codecs.iter().map(|codec| kbit(*codec, srtp));
        let origin = self.origin.clone();
        Some(CheckBandwidth {
            side: Side::A,
            path: Box::new(Path {
                call_id: origin.call_id,
                own: (own, ports.a).into(),
                peer,
                peer_relay,
                kbit: (costs().min()?, costs().max()?),
                peer_location: origin.location,
                federation: u8::from(self.summary().caller.uri.is_some()),
            }),
        })
    }

    /// What the policy has said becomes part of the grant, or a refusal.
    pub(super) fn judged(&self, verdict: Verdict) -> Result<bool, Cause> {
        match verdict {
            Verdict::Room => Ok(false),
            Verdict::RoomByRelays => Ok(true),
            Verdict::NoRoom { elsewhere } => {
                let elsewhere = elsewhere && self.settings.admission.reroute;
                Err(Cause::no_bandwidth(elsewhere, "the pool's bandwidth policy has no room for this call"))
            }
        }
    }
}
