//! The base station actor: one per base station or DECT manager, keeps what is known of it.
//!
//! Over SIP a base station shows only what its handsets' messages show: User-Agent, address, and which
//! users it carries. Its voice channels are counted by the supervisor; its limit is told from here.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::admission::{DEFAULT_BASE, Limit, Load};
use kirkwall_core::call::location::CivicAddress;
use kirkwall_core::id::{BaseStationId, Username};
use kirkwall_core::sip::{Peer, SipBaseProfile};
use kirkwall_core::timer::Moment;
use kirkwall_data::base_station::{BaseStationRecord, BaseStations};
use tracing::error;

use crate::desk::{BaseStationView, DescribeBaseStation, DeskFault, FieldFault};
use crate::ports::Ports;
use crate::supervisor::{BasePlaced, BaseSeen, Supervisor};
use crate::users::not_saved;

/// Longest name, in characters.
const LONGEST_NAME: usize = 64;
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

    fn view(&self) -> BaseStationView {
        let record = self.record.clone();
        let text = |pick: fn(&BaseStationRecord) -> &String| {
            record.as_ref().map_or(String::new(), |r| pick(r).clone())
        };
        BaseStationView {
            id: self.id.clone(),
            name: text(|r| &r.name),
            location: record.as_ref().map_or_else(CivicAddress::default, |r| r.location.clone()),
            revision: record.as_ref().map_or(0, |r| r.revision),
            vendor: text(|r| &r.vendor),
            model: text(|r| &r.model),
            firmware: text(|r| &r.software),
            address: text(|r| &r.address),
            state: if self.native_up.unwrap_or(!self.carried.is_empty()) { "up" } else { "down" },
            handsets: self.carried.len(),
            channels: Load::default(),
            limit: record.as_ref().and_then(|r| r.limit).unwrap_or(DEFAULT_BASE),
            last_seen: record.as_ref().map_or(Moment::default(), |r| r.last_seen),
        }
    }

    fn tell_place(&self) {
        if let Some(record) = &self.record {
            let location = record.location.clone();
            self.supervisor.do_send(BasePlaced { id: self.id.clone(), location });
        }
    }

    /// Its record after what an administrator wrote.
    fn described(&self, order: &DescribeBaseStation) -> Result<BaseStationRecord, DeskFault> {
        let now = self.ports.clock.now();
        let mut record = self.record.clone().unwrap_or_else(|| BaseStationRecord::new(self.id.clone(), now));
        if order.if_revision.is_some_and(|revision| revision != record.revision) {
            return Err(DeskFault::Stale { revision: record.revision });
        }
        let mut faults = Vec::new();
        if let Some(name) = &order.name {
            if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
                faults.push(FieldFault::new("name", "at most 64 printable characters are possible"));
            }
            record.name = name.trim().to_owned();
        }
        if let Some(parts) = &order.location {
            record.location = CivicAddress::default();
            for (name, text) in parts {
                if let Err(fault) = record.location.set(name, text) {
                    faults.push(FieldFault::new(format!("location/{name}"), fault.to_string()));
                }
            }
        }
        if !faults.is_empty() {
            return Err(DeskFault::Invalid(faults));
        }
        record.revision += 1;
        Ok(record)
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
        self.tell_place();
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
        MessageResult(self.view())
    }
}

/// What an administrator writes down of it.
#[derive(Debug, Message)]
#[rtype(result = "Result<BaseStationView, DeskFault>")]
pub struct Describe(pub DescribeBaseStation);

impl Handler<Describe> for BaseStation {
    /// Nothing else is taken while it is saved: what a handset's REGISTER writes would be of before.
    type Result = AtomicResponse<Self, Result<BaseStationView, DeskFault>>;

    fn handle(&mut self, Describe(order): Describe, _: &mut Self::Context) -> Self::Result {
        let described = self.described(&order);
        let store = self.store.clone();
        let journal = self.ports.journal.clone();
        let saved = async move {
            let record = described?;
            if !order.dry_run {
                journal.save(vec![store.put(&record)]).await.map_err(not_saved)?;
            }
            Ok((record, order.dry_run))
        };
        AtomicResponse::new(Box::pin(saved.into_actor(self).map(
            |saved: Result<(BaseStationRecord, bool), DeskFault>, me, _| {
                let (record, dry_run) = saved?;
                let before = me.record.replace(record);
                let view = me.view();
                match dry_run {
                    true => me.record = before,
                    false => me.tell_place(),
                }
                Ok(view)
            },
        )))
    }
}
