//! `/native-base-stations`: base stations on the base link.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::{ClusterView, NativeBaseView, RadioLossView, RadioPlaceView, SyncTreeView};
use kirkwall_core::dect::base_link::code::SyncState;
use kirkwall_core::dect::base_link::enrolment::Duty;
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::radio::statistics::{Handovers, Statistics};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::base_stations::ChannelsJson;
use super::body::Fields;
use super::openapi::Problems;
use super::page::List;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::{FieldError, Problem};
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
    /// What an administrator wants of it: `in_use`, `draining` (its calls go on or are handed over, and it takes
    /// no more), `out_of_use` (its calls end, and it is not let in).
    #[schema(value_type = String)]
    pub duty: Duty,
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
            duty: base.duty,
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

/// A base station on the base link with what came of its calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NativeBaseStationDetail)]
pub struct NativeBaseDetailJson {
    /// The base station.
    #[serde(flatten)]
    pub base: NativeBaseJson,
    /// Channels in use, by the switch's books.
    pub channels: ChannelsJson,
    /// Handsets are told to look elsewhere for speech.
    pub busy_for_speech: bool,
    /// Handsets are told to look elsewhere for anything.
    pub busy: bool,
    /// Since the switch started.
    pub statistics: BaseStatisticsJson,
}

/// What came of a base station's calls since the switch started.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BaseStationStatistics)]
pub struct BaseStatisticsJson {
    /// Pages sent.
    pub pages: u64,
    /// Pages that no handset answered, of those that were here last.
    pub pages_unanswered: u64,
    /// Calls and handovers without a channel: `new`, `handover`, `emergency`, then by reason: `full`, `reserved`,
    /// `no_pairs`, `not_synced`, `draining`, `out_of_service`.
    pub blocked: BTreeMap<String, BTreeMap<String, u64>>,
    /// Calls that ended because something broke.
    pub abnormal: u64,
    /// Connections that the radio lost.
    pub connections_lost: u64,
    /// Connections at all.
    pub connections: u64,
    /// Handsets that came over.
    pub handovers_in: HandoversJson,
    /// Handsets that went elsewhere.
    pub handovers_out: HandoversJson,
    /// Good frames of connections that have ended.
    pub frames_good: u64,
    /// Bad ones.
    pub frames_bad: u64,
    /// Times that it lost its time.
    pub sync_lost: u64,
    /// Most channels in use at once.
    pub channels_max: u32,
    /// Seconds with 0, 1, 2, … 12 channels in use.
    pub occupied_seconds: Vec<u64>,
    /// Signal of handsets when they connected, dBm: weakest, mean, strongest.
    pub rssi_min: Option<i8>,
    /// Mean.
    pub rssi_mean: Option<i8>,
    /// Strongest.
    pub rssi_max: Option<i8>,
}

/// Handovers one way.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Handovers)]
pub struct HandoversJson {
    /// Begun.
    pub tried: u64,
    /// Done.
    pub done: u64,
    /// Done, and beyond 150 ms.
    pub slow: u64,
    /// Not done; the handset stayed where it was, or was lost.
    pub failed: u64,
}

/// From whom each radio takes its time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncTree)]
pub struct SyncTreeJson {
    /// Number of the radio that gives time to all, or to most.
    pub master: Option<u8>,
    /// The one that does when that is lost.
    pub deputy: Option<u8>,
    /// Radios with one time, the largest first. No call is handed over from one cluster to another.
    pub clusters: Vec<ClusterJson>,
    /// Radios with their places.
    pub radios: Vec<RadioPlaceJson>,
}

/// Radios with one time, by their numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncCluster)]
pub struct ClusterJson {
    /// The one that gives it.
    pub master: u8,
    /// The one that does when that is lost.
    pub deputy: Option<u8>,
    /// All of it, the master among them.
    pub radios: Vec<u8>,
}

/// A radio in the sync tree.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RadioPlace)]
pub struct RadioPlaceJson {
    /// Its base station.
    pub id: String,
    /// Its number.
    pub radio_number: u8,
    /// The radio that it follows; none for the master, and for one that hears nobody.
    pub source: Option<u8>,
    /// Those that it follows when that one is lost, the best first.
    pub alternatives: Vec<u8>,
    /// Steps to the master.
    pub hops: Option<u8>,
    /// How loud it hears its source, dBm.
    pub rssi: Option<i8>,
    /// It hears none of the others well enough, and carries no calls.
    pub alone: bool,
    /// Nobody gives it time when its source is lost: a radio is missing near it.
    pub without_alternative: bool,
}

/// What the loss of a radio would do to the others, by their numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RadioLoss)]
pub struct RadioLossJson {
    /// The one that would be lost.
    pub radio_number: u8,
    /// Who would be master of its cluster.
    pub master: Option<u8>,
    /// Those that would follow another one: their numbers, and whom.
    pub moved: BTreeMap<u8, u8>,
    /// Those that would run free until the tree is planned anew.
    pub adrift: Vec<u8>,
    /// Those that no plan could reach.
    pub cut_off: Vec<u8>,
    /// Those that would be clusters of their own: they carry calls, and hand none over to the others.
    pub apart: Vec<ClusterJson>,
}

/// What an administrator wants of a base station.
#[derive(Debug, ToSchema)]
#[schema(as = BaseStationDuty)]
#[allow(dead_code, reason = "for the document; the body is read field by field")]
pub struct DutyBody {
    /// `in_use`, `draining` or `out_of_use`.
    pub duty: String,
}

impl From<&NativeBaseView> for NativeBaseDetailJson {
    fn from(view: &NativeBaseView) -> Self {
        Self {
            base: NativeBaseJson::from(view),
            channels: view.channels.into(),
            busy_for_speech: view.busy_bits & 1 != 0,
            busy: view.busy_bits & 2 != 0,
            statistics: BaseStatisticsJson::from(&view.statistics),
        }
    }
}

impl From<&Statistics> for BaseStatisticsJson {
    fn from(of: &Statistics) -> Self {
        let reasons = |reasons: &BTreeMap<&'static str, u64>| {
            reasons.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
        };
        Self {
            pages: of.pages,
            pages_unanswered: of.pages_unanswered,
            blocked: of.blocked.iter().map(|(purpose, by)| (purpose.to_string(), reasons(by))).collect(),
            abnormal: of.abnormal,
            connections_lost: of.lost,
            connections: of.connections,
            handovers_in: of.handovers_in.into(),
            handovers_out: of.handovers_out.into(),
            frames_good: of.frames.0,
            frames_bad: of.frames.1,
            sync_lost: of.sync_lost,
            channels_max: of.channels_max,
            occupied_seconds: of.occupied_s.to_vec(),
            rssi_min: of.rssi.map(|rssi| rssi.min),
            rssi_mean: of.rssi.map(|rssi| rssi.mean),
            rssi_max: of.rssi.map(|rssi| rssi.max),
        }
    }
}

impl From<Handovers> for HandoversJson {
    fn from(Handovers { tried, done, failed, slow }: Handovers) -> Self {
        Self { tried, done, slow, failed }
    }
}

impl From<&SyncTreeView> for SyncTreeJson {
    fn from(tree: &SyncTreeView) -> Self {
        let radios = tree.radios.iter().map(RadioPlaceJson::from).collect();
        let clusters = tree.clusters.iter().cloned().map(ClusterJson::from);
        Self { master: tree.master, deputy: tree.deputy, clusters: clusters.collect(), radios }
    }
}

impl From<ClusterView> for ClusterJson {
    fn from(ClusterView { master, deputy, radios }: ClusterView) -> Self {
        Self { master, deputy, radios }
    }
}

impl From<&RadioPlaceView> for RadioPlaceJson {
    fn from(place: &RadioPlaceView) -> Self {
        Self {
            id: place.id.to_string(),
            radio_number: place.rpn,
            source: place.source,
            alternatives: place.alternatives.clone(),
            hops: place.hops,
            rssi: place.rssi,
            alone: place.alone,
            without_alternative: place.bare,
        }
    }
}

impl From<RadioLossView> for RadioLossJson {
    fn from(loss: RadioLossView) -> Self {
        let RadioLossView { rpn, master, moved, adrift, cut_off, apart } = loss;
        let apart = apart.into_iter().map(ClusterJson::from).collect();
        Self { radio_number: rpn, master, moved, adrift, cut_off, apart }
    }
}

/// One base station on the base link, with its statistics.
#[utoipa::path(get, operation_id = "get_native_base_station", path = "/native-base-stations/{id}", tag = "Plant",
    params(("id" = String, Path)), security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = NativeBaseDetailJson), Problems))]
pub async fn get(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    let base = service::native_base(&site, id.into_inner()).await?;
    Ok(Answer::json(200, &NativeBaseDetailJson::from(&base))?.into())
}

/// Takes a base station out of use, lets it drain, or puts it back.
#[utoipa::path(patch, operation_id = "change_native_base_station", path = "/native-base-stations/{id}",
    tag = "Plant", params(("id" = String, Path)), request_body = DutyBody, security(("token" = ["admin"])),
    responses((status = 200, description = "as it is now", body = NativeBaseDetailJson), Problems))]
pub async fn change(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let word = fields.needed_text("duty");
    fields.finish()?;
    let duty = duty_of(&word).ok_or_else(|| {
        let words = "the duty of a base station is in_use, draining or out_of_use";
        Problem::fields(vec![FieldError::invalid("duty", words.to_owned())])
    })?;
    let base = service::set_duty(&site, &who, id.into_inner(), duty).await?;
    Ok(Answer::json(200, &NativeBaseDetailJson::from(&base))?.into())
}

/// A duty by its word.
pub fn duty_of(word: &str) -> Option<Duty> {
    match word {
        "in_use" => Some(Duty::InUse),
        "draining" => Some(Duty::Draining),
        "out_of_use" => Some(Duty::OutOfUse),
        _ => None,
    }
}

/// What would happen to the others if the radio of this base station were lost.
#[utoipa::path(get, operation_id = "get_radio_loss", path = "/native-base-stations/{id}/loss", tag = "Plant",
    params(("id" = String, Path)), security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = RadioLossJson), Problems))]
pub async fn loss(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    let loss = service::radio_loss(&site, id.into_inner()).await?;
    Ok(Answer::json(200, &RadioLossJson::from(loss))?.into())
}

/// From which radio each radio takes its time, and from which one when that is lost.
#[utoipa::path(get, operation_id = "get_sync_tree", path = "/sync-tree", tag = "Plant",
    security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = SyncTreeJson), Problems))]
pub async fn sync_tree(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let tree = service::sync_tree(&site).await?;
    Ok(Answer::json(200, &SyncTreeJson::from(&tree))?.into())
}
