//! Channels of native base stations: new calls leave the reserve alone, handovers and calls for help do not.

use std::collections::BTreeMap;

use actix::prelude::*;
use kirkwall_core::call::Phase;
use kirkwall_core::call::admission::{Limit, Load, Refusal};
use kirkwall_core::call::dect_leg::secures;
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::id::{BaseStationId, CallRef};
use kirkwall_core::radio::allocation::{Blocked, Purpose, Room, Want};

use tracing::debug;

use super::Supervisor;
use crate::air::base::Tally;
use crate::air::{BaseLoads, BaseTally};

/// Native base stations as far as channels are concerned.
#[derive(Default)]
pub(super) struct Radios(BTreeMap<BaseStationId, Radio>);

struct Radio {
    standing: Standing,
    reserve: u32,
    /// Slot pairs that a long slot takes; none when it has no long slots.
    long: Option<u8>,
    /// The channels in use that it was told of last.
    told: Load,
}

impl Radios {
    /// A base station stands so.
    pub(super) fn stands(&mut self, id: &BaseStationId, standing: Standing, reserve: u8, long: Option<u8>) {
        let new = Radio { standing, reserve: 0, long, told: Load::default() };
        let radio = self.0.entry(id.clone()).or_insert(new);
        (radio.standing, radio.reserve, radio.long) = (standing, reserve.into(), long);
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

    /// Takes as many channels as a long slot takes, or one where that is all there is room for; whether it is
    /// a long slot.
    pub(super) fn take_long(
        &mut self,
        call: CallRef,
        base: &BaseStationId,
        srtp: bool,
        purpose: Purpose,
    ) -> Result<bool, Refusal> {
        let limit = self.base_limit(base);
        let pairs = self.radios.0.get(base).and_then(|radio| radio.long);
        if let (Some(pairs), Some(room)) = (pairs, self.radios.room(base, limit)) {
            match self.admission.admit(call, base, &room, Want { purpose, srtp, pairs }) {
                Ok(()) => return Ok(true),
                Err(blocked) => debug!(%base, %blocked, "no room for a long slot"),
            }
        }
        self.take_base(call, base, srtp, purpose).map(|()| false)
    }

    /// A call's channel of a base station is to be a long slot, or one channel again.
    pub(super) fn resize_base(
        &mut self,
        call: CallRef,
        base: &BaseStationId,
        long: bool,
    ) -> Result<(), String> {
        let limit = self.base_limit(base);
        let pairs = self.radios.0.get(base).and_then(|radio| radio.long).filter(|_| long);
        let Some(room) = self.radios.room(base, limit).filter(|_| pairs.is_some() || !long) else {
            return Err("the base station has no long slots now".to_owned());
        };
        let resized = self.admission.resize(call, base, &room, pairs.unwrap_or(1));
        self.show_loads();
        resized.map_err(|blocked| blocked.to_string())
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

/// A handset in a call comes over to this base station: one of its channels, until one of the two goes back. Or
/// a long slot, where there is room for one; the answer is whether there was.
#[derive(Debug, Message)]
#[rtype(result = "Result<bool, String>")]
pub struct TakeBase {
    /// Whose.
    pub call: CallRef,
    /// Where.
    pub base: BaseStationId,
    /// What for.
    pub purpose: Purpose,
    /// A long slot is wanted.
    pub long: bool,
}

impl Handler<TakeBase> for Supervisor {
    type Result = Result<bool, String>;

    fn handle(&mut self, take: TakeBase, _: &mut Self::Context) -> Self::Result {
        let TakeBase { call, base, purpose, long } = take;
        let srtp = secures(&self.settings.media.srtp_south);
        let stands = self.calls.get(&call).is_some_and(|entry| entry.summary.phase != Phase::Ended);
        if !stands {
            return Err("the call has ended".to_owned());
        }
        let taken = match long {
            true => self.take_long(call, &base, srtp, purpose),
            false => self.take_base(call, &base, srtp, purpose).map(|()| false),
        };
        self.show_loads();
        taken.map_err(|refusal| refusal.to_string())
    }
}

/// The channel that a call has of a base station is to be a long slot (true), or one channel again. The answer
/// is in words when there is no room.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), String>")]
pub struct ResizeBase {
    /// Whose.
    pub call: CallRef,
    /// Where.
    pub base: BaseStationId,
    /// A long slot.
    pub long: bool,
}

impl Handler<ResizeBase> for Supervisor {
    type Result = Result<(), String>;

    fn handle(&mut self, ResizeBase { call, base, long }: ResizeBase, _: &mut Self::Context) -> Self::Result {
        self.resize_base(call, &base, long)
    }
}
