//! The plant: base stations, handsets, lines, channels, health.

use actix::prelude::*;
use kirkwall_core::call::admission::links::LinkLoad;
use kirkwall_core::call::admission::{Limit, Load, Refused};
use kirkwall_core::call::location::CivicAddress;
use kirkwall_core::id::{BaseStationId, Username};
use kirkwall_core::timer::Moment;
use serde::Serialize;

use super::DeskFault;

/// All base stations that were seen.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<BaseStationView>, DeskFault>")]
pub struct ListBaseStations;

/// One base station.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<BaseStationView, DeskFault>")]
pub struct GetBaseStation(pub BaseStationId);

/// Keeps what people know of a base station: its name, and where it hangs.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<BaseStationView, DeskFault>")]
pub struct DescribeBaseStation {
    /// Which.
    pub id: BaseStationId,
    /// What people call it; none: as it was.
    pub name: Option<String>,
    /// Parts of its address by name, all of them; none: as it was.
    pub location: Option<Vec<(String, String)>>,
    /// Only if its revision is still this.
    pub if_revision: Option<u64>,
    /// Check only.
    pub dry_run: bool,
}

/// A base station or DECT manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaseStationView {
    /// MAC, or address and model.
    pub id: BaseStationId,
    /// What people call it.
    pub name: String,
    /// Where it hangs; goes out with emergency calls.
    pub location: CivicAddress,
    /// Goes up by one with each change made by a person.
    pub revision: u64,
    /// Maker.
    pub vendor: String,
    /// Model.
    pub model: String,
    /// Firmware as it says.
    pub firmware: String,
    /// Where it was last seen: transport and address.
    pub address: String,
    /// `up` while a handset is registered through it, else `down`.
    pub state: &'static str,
    /// Users registered through it.
    pub handsets: usize,
    /// Voice channels in use.
    pub channels: Load,
    /// Voice channels it has.
    pub limit: Limit,
    /// When something was last heard of it.
    pub last_seen: Moment,
}

/// Handsets that are registered, by user.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<HandsetView>, DeskFault>")]
pub struct ListHandsets;

/// A handset: a SIP account that a base station registers, and its bindings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandsetView {
    /// Its user.
    pub user: Username,
    /// Display name of the user.
    pub display_name: String,
    /// IPEI when known.
    pub ipei: Option<String>,
    /// `registered`, `not registered`.
    pub state: &'static str,
    /// Where it can be reached.
    pub bindings: Vec<BindingView>,
    /// Whether it is in a call.
    pub in_call: bool,
}

/// One contact of a handset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BindingView {
    /// Contact URI.
    pub contact: String,
    /// Transport and address its messages come from.
    pub address: String,
    /// What it calls itself.
    pub user_agent: String,
    /// The base station that carries it.
    pub base_station: Option<BaseStationId>,
    /// Until when; none: until it is located elsewhere.
    pub expires: Option<Moment>,
}

/// Lines to the north.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Vec<RegistrationView>, DeskFault>")]
pub struct ListRegistrations;

/// The registration of one user at the registrar or front end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegistrationView {
    /// Whose.
    pub user: Username,
    /// `registered`, `registering`, `waiting`, `failed`, `off`.
    pub state: &'static str,
    /// Last cause in words, when not registered.
    pub cause: Option<String>,
    /// The registrar's address in use.
    pub registrar: Option<String>,
    /// What people should know of it besides, in words.
    pub notes: Vec<String>,
    /// Until when.
    pub expires: Option<Moment>,
}

/// Voice channels: limits, use, refusals.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<CapacityView, DeskFault>")]
pub struct GetCapacity;

/// Voice channels of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapacityView {
    /// `software` or `kws6500`.
    pub profile: String,
    /// What the media resource carries.
    pub media_limit: Limit,
    /// What it carries now.
    pub media_in_use: Load,
    /// Channels in use in the media engine itself; the same number unless something leaks.
    pub engine_channels: usize,
    /// Calls that hold channels.
    pub calls: usize,
    /// Refusals since start.
    pub refused: Refused,
    /// Links with limits, and what crosses them.
    pub links: Vec<LinkLoad>,
    /// The base stations that carry calls now.
    pub base_stations: Vec<BaseStationView>,
}

/// The numbers of the overview.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<OverviewView, DeskFault>")]
pub struct GetOverview;

/// How it goes, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct OverviewView {
    /// Calls that stand.
    pub calls: usize,
    /// Calls tried since start.
    pub call_attempts: u64,
    /// Most calls at once since start.
    pub calls_max: usize,
    /// Base stations with a handset registered.
    pub base_stations_up: usize,
    /// Base stations seen earlier and silent now.
    pub base_stations_down: usize,
    /// Users kept.
    pub users: usize,
    /// Users with a handset registered.
    pub handsets_registered: usize,
    /// Users registered at the north side.
    pub lines_registered: usize,
    /// Whether a north side is configured.
    pub has_north: bool,
    /// The north side's proxies and whether the last words with them succeeded.
    pub proxies: Vec<ProxyView>,
    /// When the switch started.
    pub started: Moment,
    /// Name of the node.
    pub node: String,
    /// Whether it is draining.
    pub draining: bool,
}

/// A proxy of the north side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProxyView {
    /// As configured.
    pub name: String,
    /// Whether a registration through it is up.
    pub up: bool,
}

/// Whether the node serves: for probes.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Health")]
pub struct GetHealth;

/// Health for `/livez` and `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Takes calls.
    pub ready: bool,
    /// Why not, in words.
    pub reasons: Vec<String>,
}
