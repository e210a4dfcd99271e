//! Native base stations as administrators see them.

use actix::dev::Request;
use actix::prelude::*;
use futures::future::join_all;
use kirkwall_core::dect::base_link::BaseId;
use kirkwall_core::dect::base_link::code::SyncState;
use kirkwall_core::dect::base_link::enrolment::Duty;
use kirkwall_core::dect::base_link::firmware::{Gate, gate};
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::id::BaseStationId;
use kirkwall_core::radio::allocation::Load;
use kirkwall_core::radio::statistics::Statistics;
use kirkwall_core::timer::Moment;
use serde::Serialize;

use super::base::NativeBase;
use super::{Air, BaseEntry};
use crate::desk::DeskFault;

/// All base stations that are enrolled, those that were refused among them.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<NativeBaseView>, DeskFault>")]
pub struct ListNativeBases;

/// One of them, by its MAC address.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<NativeBaseView, DeskFault>")]
pub struct GetNativeBase(pub String);

/// A native base station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NativeBaseView {
    /// Its MAC address.
    pub id: BaseStationId,
    /// Its radio number in the system.
    pub rpn: u8,
    /// What an administrator wants of it.
    pub duty: Duty,
    /// Where it stands.
    pub standing: Standing,
    /// Where it spoke from last.
    pub address: Option<String>,
    /// Maker and model; empty before it came for the first time.
    pub model: String,
    /// Firmware; empty before it came for the first time.
    pub firmware: String,
    /// Its firmware is let in, and should be newer.
    pub upgrade_recommended: bool,
    /// Why it was refused when it came last.
    pub refused: Option<String>,
    /// How its time is.
    pub sync: Option<SyncState>,
    /// The radio that it follows.
    pub sync_source: Option<u8>,
    /// How loud that one is, dBm.
    pub sync_rssi: Option<i8>,
    /// Slot pairs: free, and all.
    pub pairs: Option<(u8, u8)>,
    /// Calls: now, and at most.
    pub voice: Option<(u8, u8)>,
    /// Connections of handsets.
    pub connections: usize,
    /// Radios it hears.
    pub neighbours: usize,
    /// How long a PING takes there and back, microseconds.
    pub round_trip_us: Option<u64>,
    /// Since when its link is up.
    pub up_since: Option<Moment>,
    /// Links lost since the switch started.
    pub links_lost: u64,
    /// Frames that were not right.
    pub faults: u64,
    /// Channels in use, by the switch's books.
    pub channels: Load,
    /// Handsets are told to look elsewhere for speech (bit 0), for anything (bit 1).
    pub busy_bits: u8,
    /// What came of its calls since the switch started.
    pub statistics: Statistics,
}

/// How a base station is.
#[derive(Debug, Message)]
#[rtype(result = "Option<NativeBaseView>")]
pub(super) struct Inspect {
    /// Its radio number, which the air knows.
    rpn: u8,
    /// What an administrator wants of it.
    duty: Duty,
}

impl Handler<Inspect> for NativeBase {
    type Result = Option<NativeBaseView>;

    fn handle(&mut self, Inspect { rpn, duty }: Inspect, _: &mut Self::Context) -> Self::Result {
        let (statistics, channels, busy_bits) = self.counted();
        let session = self.session();
        let told = session.told();
        let hello = told.hello.as_deref();
        let warned = hello.is_some_and(|hello| gate(hello.role, &hello.fw_version, true) == Gate::Warned);
        let capacity = told.capacity.as_ref();
        let trip = told.round_trip.map(|trip| u64::try_from(trip.as_micros()).unwrap_or(u64::MAX));
        Some(NativeBaseView {
            id: session.base().into(),
            rpn,
            duty,
            standing: session.standing(),
            address: self.remote().map(|remote| remote.to_string()),
            model: hello.map(|hello| hello.hw_model.clone()).unwrap_or_default(),
            firmware: hello.map(|hello| hello.fw_version.clone()).unwrap_or_default(),
            upgrade_recommended: warned,
            refused: told.refused.as_ref().map(|refused| refused.reason.to_string()),
            sync: told.sync.as_ref().map(|sync| sync.state),
            sync_source: told.sync.as_ref().and_then(|sync| sync.source),
            sync_rssi: told.sync.as_ref().and_then(|sync| sync.rssi),
            pairs: capacity.map(|capacity| (capacity.pairs_free, capacity.pairs_total)),
            voice: capacity.map(|capacity| (capacity.voice_used, capacity.voice_max)),
            connections: session.live().len(),
            neighbours: told.neighbours.as_ref().map_or(0, |neighbours| neighbours.heard.len()),
            round_trip_us: trip,
            up_since: told.up_since,
            links_lost: told.links_lost,
            faults: told.faults,
            channels,
            busy_bits,
            statistics,
        })
    }
}

impl BaseEntry {
    fn inspect(&self) -> Request<NativeBase, Inspect> {
        self.addr.send(Inspect { rpn: self.rpn, duty: self.duty })
    }
}

impl Handler<GetNativeBase> for Air {
    type Result = ResponseFuture<Result<NativeBaseView, DeskFault>>;

    fn handle(&mut self, GetNativeBase(id): GetNativeBase, _: &mut Self::Context) -> Self::Result {
        let entry = id.parse().ok().and_then(|id: BaseId| self.bases.get(&id));
        let asked = entry.map(BaseEntry::inspect);
        Box::pin(async move {
            let Some(asked) = asked else {
                return Err(DeskFault::NotFound(format!("native base station {id}")));
            };
            let view = asked.await.ok().flatten();
            view.ok_or_else(|| DeskFault::Failed("the base station is being started anew".to_owned()))
        })
    }
}

impl Handler<ListNativeBases> for Air {
    type Result = ResponseFuture<Result<Vec<NativeBaseView>, DeskFault>>;

    fn handle(&mut self, _: ListNativeBases, _: &mut Self::Context) -> Self::Result {
        let asked: Vec<_> = self.bases.values().map(BaseEntry::inspect).collect();
        // One that does not answer is being started anew; it is back with the next look.
        Box::pin(async move { Ok(join_all(asked).await.into_iter().filter_map(|view| view.ok()?).collect()) })
    }
}
