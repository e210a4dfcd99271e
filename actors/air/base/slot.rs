//! Long slots of a native base station: whether it has them, and the change of one.

use kirkwall_core::dect::base_link::code::{Codec, SlotType};
use kirkwall_core::dect::base_link::word::{SlotChange, feature};

use super::*;
use crate::air::leg::SlotAnswered;

/// T218 of the MAC layer: how long base station and handset have for it.
const DEADLINE: u16 = 3_000;
/// Pairs of a long slot where CAPACITY did not come yet: the radio has 12 pairs of full slots, and 640 bits do
/// not fit into one.
const COST: u8 = 2;

/// Who asked for which slot.
pub(super) struct Asked {
    leg: Addr<NativeLeg>,
    long: bool,
}

impl NativeBase {
    /// Slot pairs that a call in G.722 takes here; none when it cannot carry one: it must have both the slots
    /// and the codec.
    pub(super) fn long_slot(&self) -> Option<u8> {
        let told = self.session.told();
        let hello = told.hello.as_ref()?;
        let slots = hello.features.is_some_and(|bits| bits & feature::LONG_SLOTS != 0);
        let codec = hello.codecs.as_ref().is_some_and(|codecs| codecs.0.contains(&Codec::G722));
        let cost = told.capacity.as_ref().map_or(COST, |capacity| capacity.wideband_cost.max(1));
        (slots && codec).then_some(cost)
    }

    /// The answer to SLOT_CHANGE.
    pub(super) fn slot_changed(&mut self, conn: ConnId, done: bool) {
        if let Some(Asked { leg, long }) = self.slots.remove(&conn) {
            leg.do_send(SlotAnswered { connection: self.connection(conn), long, done });
        }
    }
}

/// Make the slot of this connection long, or full again; the leg is told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ChangeSlot {
    /// Which connection.
    pub conn: ConnId,
    /// A long one.
    pub long: bool,
    /// Who wants to know.
    pub leg: Addr<NativeLeg>,
}

impl Handler<ChangeSlot> for NativeBase {
    type Result = ();

    fn handle(&mut self, ChangeSlot { conn, long, leg }: ChangeSlot, ctx: &mut Self::Context) {
        let slot_type = if long { SlotType::Long } else { SlotType::Full };
        self.slots.insert(conn, Asked { leg, long });
        let change = SlotChange { conn, slot_type, deadline_ms: Some(DEADLINE) };
        if !self.step(Input::Order(Order::Say(change.into())), ctx) {
            self.slot_changed(conn, false);
        }
    }
}
