//! Base stations and DECT managers, as they showed themselves.

use kirkwall_core::call::admission::Limit;
use kirkwall_core::call::location::CivicAddress;
use kirkwall_core::id::BaseStationId;
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All base stations.
pub type BaseStations = Records<BaseStationRecord>;

/// One base station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseStationRecord {
    /// MAC or address; names the record.
    pub id: BaseStationId,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Where it hangs: site, building, floor, room.
    #[serde(default)]
    pub place: String,
    /// The same by its address, for those who are called for help.
    #[serde(default)]
    pub location: CivicAddress,
    /// Maker, from its User-Agent.
    #[serde(default)]
    pub vendor: String,
    /// Model, from its User-Agent.
    #[serde(default)]
    pub model: String,
    /// Version of its software, from its User-Agent.
    #[serde(default)]
    pub software: String,
    /// Address it was last seen at, `ip:port`.
    #[serde(default)]
    pub address: String,
    /// Channels it has; none: by the capacity profile.
    #[serde(default)]
    pub channels: Option<u16>,
    /// Voice channels by what it is: without and with SRTP.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// When it was first seen.
    #[serde(default)]
    pub first_seen: Moment,
    /// When it was last seen. Written seldom, not with every message.
    #[serde(default)]
    pub last_seen: Moment,
    /// Goes up by one with each change made by a person.
    #[serde(default)]
    pub revision: u64,
}

impl BaseStationRecord {
    /// One of which nothing but its name is known.
    pub fn new(id: BaseStationId, now: Moment) -> Self {
        Self {
            id,
            name: String::new(),
            place: String::new(),
            location: CivicAddress::default(),
            vendor: String::new(),
            model: String::new(),
            software: String::new(),
            address: String::new(),
            channels: None,
            limit: None,
            first_seen: now,
            last_seen: now,
            revision: 0,
        }
    }
}

impl Record for BaseStationRecord {
    const TREE: Tree = Tree::BaseStation;
    type Key = BaseStationId;

    fn key(&self) -> &BaseStationId {
        &self.id
    }
}
