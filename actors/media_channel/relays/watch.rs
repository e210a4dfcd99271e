//! Whether the relay that carries a call is still there. A relay that dies says nothing, and neither does the far end
//! then: when nothing has come for a second, the relay is asked.

use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::Side;
use kirkwall_core::media::ice::candidate::Component;
use kirkwall_core::media::ice::turn::Input;
use tracing::warn;

use super::super::MediaChannel;
use super::super::agents::{WayNews, side_index};

/// How often it is looked whether something has come.
const LOOK: Duration = Duration::from_secs(1);
/// A relay that has answered is left alone for so many looks: in a call on hold nothing comes for long.
const LOOKS_LEFT_OUT: u8 = 5;

/// What was seen at the last look.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Seen {
    packets: u64,
    /// Looks until it may be asked again.
    rests: u8,
}

impl MediaChannel {
    /// From the first packet over a relay on.
    pub(in super::super) fn watch_relays(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.watching, true) {
            ctx.run_interval(LOOK, Self::look_at_relays);
        }
    }

    fn look_at_relays(&mut self, ctx: &mut Context<Self>) {
        let carries = |relay: &super::SideRelay| relay.carries(Component::Rtp) && relay.is_allocated();
        if !self.relays.iter().flatten().any(carries) {
            return;
        }
        let Some(counters) = self.engine.counters(self.id) else { return };
        for (side, packets) in [(Side::A, counters.a.packets_in), (Side::B, counters.b.packets_in)] {
            if !self.relays[side_index(side)].as_ref().is_some_and(carries) {
                continue;
            }
            let seen = &mut self.seen[side_index(side)];
            let silent = std::mem::replace(&mut seen.packets, packets) == packets;
            seen.rests = seen.rests.saturating_sub(1);
            if silent && seen.rests == 0 {
                seen.rests = LOOKS_LEFT_OUT;
                self.relay_step(side, Component::Rtp, Input::Probe, ctx);
            }
        }
    }

    /// The relay is gone; when it carried the voice, the call is told.
    pub(in super::super) fn relay_lost(&mut self, side: Side, carried: bool, why: &str) {
        if carried {
            warn!(channel = %self.id, ?side, why, "the media relay of a call is lost");
            self.ice.ways.do_send(WayNews::Lost { side, why: why.to_owned() });
        }
    }
}
