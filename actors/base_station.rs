//! The base station actor: one per base station or DECT manager, keeps what is known of it.
//!
//! Over SIP a base station shows only what its handsets' messages show: User-Agent, address, and which
//! users it carries. Its voice channels are counted by the supervisor; its limit is told from here.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::admission::{DEFAULT_BASE, Limit, Load};
use kirkwall_core::id::{BaseStationId, Username};
use kirkwall_core::sip::{Peer, SipBaseProfile};
use kirkwall_core::timer::Moment;
use kirkwall_data::base_station::{BaseStationRecord, BaseStations};
use tracing::error;

use crate::desk::BaseStationView;
use crate::ports::Ports;
use crate::supervisor::{BaseSeen, Supervisor};

/// "Last seen" is written at most so often; a change of what the base is at once.
const WRITE_EVERY: Duration = Duration::from_secs(300);

/// Keeps one base station. See the module.
pub struct BaseStation {
    id: BaseStationId,
    record: Option<BaseStationRecord>,
    carried: BTreeSet<Username>,
    /// Of a native base station: whether it carries calls.
    native_up: Option<bool>,
    written: Moment,
    store: BaseStations,
    ports: Ports,
    supervisor: Addr<Supervisor>,
}

impl BaseStation {
    /// Known by name only; [`Actor::started`] reads what is on disk.
    pub fn new(id: BaseStationId, ports: Ports, supervisor: Addr<Supervisor>) -> Self {
        let store = BaseStations::new(&ports.journal);
        let (record, carried, written, native_up) = (None, BTreeSet::new(), Moment::default(), None);
        Self { id, record, carried, native_up, written, store, ports, supervisor }
    }

    fn tell_limit(&self) {
        if let Some(limit) = self.record.as_ref().and_then(|record| record.limit) {
            self.supervisor.do_send(BaseSeen { id: self.id.clone(), limit });
        }
    }
}

impl Actor for BaseStation {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        match self.store.get(&self.id) {
            Ok(record) => self.record = record,
            Err(fault) => error!(base = %self.id, %fault, "a base station cannot be read"),
        }
        self.tell_limit();
    }
}

/// A message came through it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Seen {
    /// What it is.
    pub profile: SipBaseProfile,
    /// Where from.
    pub peer: Peer,
}

impl Handler<Seen> for BaseStation {
    type Result = ();

    fn handle(&mut self, Seen { profile, peer }: Seen, _: &mut Self::Context) {
        let now = self.ports.clock.now();
        let record = BaseStationRecord {
            id: self.id.clone(),
            vendor: format!("{:?}", profile.vendor),
            model: profile.model.clone().unwrap_or_default(),
            software: profile.firmware.clone().unwrap_or_default(),
            address: format!("{} {}", peer.transport, peer.remote),
            limit: Some(Limit::from(&profile.budget)),
            first_seen: self.record.as_ref().map_or(now, |r| r.first_seen),
            last_seen: now,
            ..self.record.clone().unwrap_or_else(|| BaseStationRecord::new(self.id.clone(), now))
        };
        let known = self.record.as_ref();
        let same = known.is_some_and(|r| BaseStationRecord { last_seen: now, ..r.clone() } == record);
        self.record = Some(record.clone());
        if !same {
            self.tell_limit();
        }
        if !same || now.since(self.written) > WRITE_EVERY {
            self.written = now;
            // Not waited for: nothing that anybody was told depends on it.
            drop(self.ports.journal.save(vec![self.store.put(&record)]));
        }
    }
}

/// A native base station stands so.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SeenNative {
    /// Its voice channels.
    pub limit: Limit,
    /// It carries calls.
    pub up: bool,
    /// Where it speaks from.
    pub remote: Option<SocketAddr>,
}

impl Handler<SeenNative> for BaseStation {
    type Result = ();

    fn handle(&mut self, SeenNative { limit, up, remote }: SeenNative, _: &mut Self::Context) {
        self.native_up = Some(up);
        let now = self.ports.clock.now();
        let known = self.record.clone();
        let record = BaseStationRecord {
            vendor: "native".to_owned(),
            address: remote.map_or(String::new(), |remote| format!("base link {remote}")),
            limit: Some(limit),
            last_seen: now,
            ..known.clone().unwrap_or_else(|| BaseStationRecord::new(self.id.clone(), now))
        };
        let same = known.is_some_and(|known| BaseStationRecord { last_seen: now, ..known } == record);
        self.record = Some(record.clone());
        if !same {
            self.tell_limit();
            drop(self.ports.journal.save(vec![self.store.put(&record)]));
        }
    }
}

/// It carries a user's handset, or no longer does.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Carries {
    /// Whose.
    pub user: Username,
    /// Whether.
    pub carries: bool,
}

impl Handler<Carries> for BaseStation {
    type Result = ();

    fn handle(&mut self, Carries { user, carries }: Carries, _: &mut Self::Context) {
        match carries {
            true => self.carried.insert(user),
            false => self.carried.remove(&user),
        };
    }
}

/// What is known of it; channels are filled in by the supervisor.
#[derive(Debug, Message)]
#[rtype(result = "BaseStationView")]
pub struct Inspect;

impl Handler<Inspect> for BaseStation {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, _: Inspect, _: &mut Self::Context) -> Self::Result {
        let record = self.record.clone();
        let text = |pick: fn(&BaseStationRecord) -> &String| {
            record.as_ref().map_or(String::new(), |r| pick(r).clone())
        };
        MessageResult(BaseStationView {
            id: self.id.clone(),
            vendor: text(|r| &r.vendor),
            model: text(|r| &r.model),
            firmware: text(|r| &r.software),
            address: text(|r| &r.address),
            state: if self.native_up.unwrap_or(!self.carried.is_empty()) { "up" } else { "down" },
            handsets: self.carried.len(),
            channels: Load::default(),
            limit: record.as_ref().and_then(|r| r.limit).unwrap_or(DEFAULT_BASE),
            last_seen: record.as_ref().map_or(Moment::default(), |r| r.last_seen),
        })
    }
}
