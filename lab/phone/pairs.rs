//! ICE in a phone's descriptions: what both sides have goes to the stream's agent, and what that has settled
//! goes into one more offer, or into the answer to the other end's ([MS-ICE2] §3.1.4.2).

use super::Phone;
use super::talk::Talk;
use crate::ice::agent::Component;
use crate::ice::{Found, Manner, Side};
use crate::media::Stream;
use crate::media::sdp::Audio;

/// Between two looks at the agent.
const LOOK: std::time::Duration = std::time::Duration::from_millis(20);

impl Phone {
    /// Both sides' descriptions are known.
    pub(super) fn meet(&self, stream: Option<&Stream>, theirs: &Audio, controls: bool) {
        if let (Some(stream), Some(theirs)) = (stream, &theirs.ice) {
            stream.meet(theirs, controls);
        }
    }

    /// What an answer says of ICE: nothing, unless the offer did. To a final offer, its pairs the other way
    /// round.
    pub(super) fn ice_answer(&self, theirs: &Audio, stream: Option<&Stream>) -> Option<Side> {
        let full = matches!(self.0.config.traits.ice, Manner::Full { .. });
        let (theirs, stream) = (theirs.ice.as_ref().filter(|_| full)?, stream?);
        let ours = stream.ice()?;
        if theirs.settled.is_empty() {
            return Some(ours);
        }
        stream.found()?.note(|paths| paths.final_offers += 1);
        let settled = [Component::Rtp, Component::Rtcp].into_iter().filter_map(|component| {
            let of = theirs.candidates.iter().find(|one| one.component == component)?;
            Some((component, of.address))
        });
        Some(Side { settled: settled.collect(), ..ours })
    }
}

impl Talk<'_> {
    /// What the second offer waits for: what the agent finds, and our side; none when it is not for us to
    /// make, or made.
    pub(super) fn awaited_pairs(&self) -> Option<(Found, Side)> {
        let ours = self.ours.ice.clone().filter(|ice| ice.settled.is_empty() && self.invite_was_ours())?;
        Some((self.stream?.found()?, ours))
    }

    /// The second offer, with the pairs. None when it was not taken; true when the other end hung up
    /// meanwhile.
    pub(super) async fn offer_pairs(&mut self, side: Side) -> Option<bool> {
        self.ours.ice = Some(side);
        let inactive = !self.ours.sends && !self.ours.receives;
        let done = self.reoffer(!inactive, !inactive).await;
        if let (Some(_), Some(found)) = (done, self.stream.and_then(Stream::found)) {
            found.note(|paths| paths.final_offers += 1);
        }
        done
    }
}

/// Waits until every component has its pair. Never comes when nothing is awaited. Safe to drop between polls.
pub(super) async fn settled(awaited: Option<(Found, Side)>) -> Side {
    let Some((found, ours)) = awaited else { return std::future::pending().await };
    loop {
        if let Some(settled) = pairs(&found) {
            return Side { settled, ..ours };
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn pairs(found: &Found) -> Option<Vec<(Component, std::net::SocketAddr)>> {
    let [rtp, rtcp] = found.paths().chosen;
    Some(vec![(Component::Rtp, rtp?.remote), (Component::Rtcp, rtcp?.remote)])
}
