//! `/native-base-stations`: base stations on the base link.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::NativeBaseView;
use kirkwall_core::dect::base_link::code::SyncState;
use kirkwall_core::dect::base_link::session::Standing;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::openapi::Problems;
use super::page::List;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::air as service;
use crate::site::Site;

/// A base station on the base link. Those that were refused are among them, with the reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NativeBaseStation)]
pub struct NativeBaseJson {
    /// MAC address.
    pub id: String,
    /// Radio number in the system, 0 to 255.
    pub radio_number: u8,
    /// `down`, `refused`, `suspect` (link lost, calls go on), `configuring`, `starting`, `syncing`,
    /// `operational`, `busy`, `draining`, `radio_off`.
    #[schema(value_type = String)]
    pub state: Standing,
    /// Why it was refused when it came last.
    pub refused: Option<String>,
    /// Address it spoke from last.
    pub address: Option<String>,
    /// Maker and model; empty before it came for the first time.
    pub model: String,
    /// Firmware.
    pub firmware: String,
    /// The firmware is let in, and should be newer.
    pub upgrade_recommended: bool,
    /// `off`, `searching`, `locked`, `free_running`, `assisted`, `lost`, `master`.
    #[schema(value_type = Option<String>)]
    pub sync: Option<SyncState>,
    /// Number of the radio that it follows.
    pub sync_source: Option<u8>,
    /// How loud that one is, dBm.
    pub sync_rssi: Option<i8>,
    /// Free slot pairs.
    pub pairs_free: Option<u8>,
    /// Slot pairs.
    pub pairs_total: Option<u8>,
    /// Calls now, as it says.
    pub voice_used: Option<u8>,
    /// Most calls, as it says.
    pub voice_max: Option<u8>,
    /// Connections of handsets.
    pub connections: usize,
    /// Radios that it hears.
    pub neighbours: usize,
    /// There and back to it, microseconds.
    pub round_trip_us: Option<u64>,
    /// Since when its link is up.
    #[schema(format = DateTime)]
    pub up_since: Option<String>,
    /// Links lost since the switch started.
    pub links_lost: u64,
    /// Frames of it that were not right.
    pub faults: u64,
}

impl From<&NativeBaseView> for NativeBaseJson {
    fn from(base: &NativeBaseView) -> Self {
        Self {
            id: base.id.to_string(),
            radio_number: base.rpn,
            state: base.standing,
            refused: base.refused.clone(),
            address: base.address.clone(),
            model: base.model.clone(),
            firmware: base.firmware.clone(),
            upgrade_recommended: base.upgrade_recommended,
            sync: base.sync,
            sync_source: base.sync_source,
            sync_rssi: base.sync_rssi,
            pairs_free: base.pairs.map(|pairs| pairs.0),
            pairs_total: base.pairs.map(|pairs| pairs.1),
            voice_used: base.voice.map(|voice| voice.0),
            voice_max: base.voice.map(|voice| voice.1),
            connections: base.connections,
            neighbours: base.neighbours,
            round_trip_us: base.round_trip_us,
            up_since: base.up_since.map(rfc3339),
            links_lost: base.links_lost,
            faults: base.faults,
        }
    }
}

/// All base stations on the base link.
#[utoipa::path(get, operation_id = "list_native_base_stations", path = "/native-base-stations", tag = "Plant",
    security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = List<NativeBaseJson>), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let items = service::native_bases(&site).await?.iter().map(NativeBaseJson::from).collect();
    Ok(Answer::json(200, &List::whole(items))?.into())
}
