//! When the ICE agents have chosen: descriptions name the chosen pairs, and the side that decides says so
//! by one more offer, Lync's second INVITE ([MS-ICE2] §3.1.4.2).

use super::*;
use crate::media::ice::description::Description;

impl Call {
    /// A side's agent has a pair for every component. Before the answer the news waits: no second offer can
    /// be made yet (RFC 3264 §8), and which fork wins is open.
    pub(super) fn ice_settled(&mut self, side: Side, chosen: Box<Description>) -> Ready<Save, Output> {
        if self.state != State::Talking {
            self.settled.retain(|(known, _)| *known != side);
            self.settled.push((side, chosen));
            return Ready::nothing();
        }
        self.way_found(side);
        let Some(leg) = self.end_at(side) else { return Ready::nothing() };
        let Some(media) = self.legs.get_mut(&leg).and_then(|strand| strand.in_force()) else {
            return Ready::nothing();
        };
        let controls =
            media.agreed().and_then(|agreed| agreed.ice.as_ref()).is_some_and(|ice| ice.controlling);
        media.settle_ice(*chosen);
        // An offer that is out goes first; the pairs stand in whatever comes next.
        if !controls || media.offer_is_out() {
            return Ready { save: self.put(), then: Vec::new() };
        }
        let codec = media.agreed().map(|agreed| agreed.codec);
        let codecs: Vec<Codec> = codec.into_iter().collect();
        let offer = self.legs.get_mut(&leg).and_then(|strand| strand.offer(&codecs, &mut self.tokens));
        let then = offer.map(|body| Output::Leg(leg, LegOrder::Reoffer { body }));
        Ready { save: self.put(), then: then.into_iter().collect() }
    }

    /// What was settled before the answer.
    pub(super) fn ice_settled_early(&mut self, then: &mut Orders) {
        for (side, chosen) in std::mem::take(&mut self.settled) {
            then.append(&mut self.ice_settled(side, chosen).then);
        }
    }
}
