//! Channels of native base stations: new calls leave the reserve alone, handovers and calls for help do not.

use std::collections::BTreeMap;

use kirkwall_core::call::admission::{Limit, Load, Refusal};
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::id::{BaseStationId, CallRef};
use kirkwall_core::radio::allocation::{Blocked, Purpose, Room, Want};

use super::Supervisor;
use crate::air::base::Tally;
use crate::air::{BaseLoads, BaseTally};

/// Native base stations as far as channels are concerned.
#[derive(Default)]
pub(super) struct Radios(BTreeMap<BaseStationId, Radio>);

struct Radio {
    standing: Standing,
    reserve: u32,
    /// The channels in use that it was told of last.
    told: Load,
}

impl Radios {
    /// A base station stands so.
    pub(super) fn stands(&mut self, id: &BaseStationId, standing: Standing, reserve: u8) {
        let radio = self.0.entry(id.clone()).or_insert(Radio { standing, reserve: 0, told: Load::default() });
        (radio.standing, radio.reserve) = (standing, reserve.into());
    }

    /// What it has. One that carries no calls now is as good as any other: its handset may answer elsewhere,
    /// and the channel is taken there.
    fn room(&self, base: &BaseStationId, limit: Limit) -> Option<Room> {
        let radio = self.0.get(base).filter(|radio| radio.standing.carries_calls())?;
        let Radio { standing, reserve, .. } = *radio;
        Some(Room { standing, limit, load: Load::default(), reserve, pairs_free: None })
    }
}

impl Supervisor {
    /// Takes one more channel of a base station, by the rules of its kind.
    pub(super) fn take_base(
        &mut self,
        call: CallRef,
        base: &BaseStationId,
        srtp: bool,
        purpose: Purpose,
    ) -> Result<(), Refusal> {
        let limit = self.base_limit(base);
        let Some(room) = self.radios.room(base, limit) else {
            return self.admission.reserve_base(call, base, limit, srtp);
        };
        let want = Want { srtp, ..Want::narrow(purpose) };
        self.admission.admit(call, base, &room, want).map_err(|blocked| {
            self.count_at(base, Tally::Blocked(purpose, blocked));
            let in_use = self.admission.base(base).channels();
            let limit = match blocked {
                Blocked::Reserved { reserve } => limit.of(srtp).saturating_sub(reserve),
                _ => limit.of(srtp),
            };
            Refusal::Base { base: base.clone(), in_use, limit }
        })
    }

    /// Something happened with a native base station that is counted there.
    pub(super) fn count_at(&self, base: &BaseStationId, tally: Tally) {
        if let Some(air) = self.ports.air.as_ref().filter(|_| self.radios.0.contains_key(base)) {
            air.do_send(BaseTally(base.clone(), tally));
        }
    }

    /// Native base stations are told of their channels, when these have changed.
    pub(super) fn show_loads(&mut self) {
        let Some(air) = &self.ports.air else { return };
        let loads = self.radios.0.iter_mut().filter_map(|(base, radio)| {
            let load = self.admission.base(base);
            (std::mem::replace(&mut radio.told, load) != load).then(|| (base.clone(), load))
        });
        let loads: Vec<_> = loads.collect();
        if !loads.is_empty() {
            air.do_send(BaseLoads(loads));
        }
    }
}
