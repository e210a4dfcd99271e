//! `/base-stations`: the radio plant.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::BaseStationView;
use kirkwall_core::call::admission::{Limit, Load};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::openapi::Problems;
use super::page::List;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::plant as service;
use crate::site::Site;

/// A base station or DECT manager.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BaseStation)]
pub struct BaseStationJson {
    /// MAC, or address and model.
    pub id: String,
    /// Maker.
    pub vendor: String,
    /// Model.
    pub model: String,
    /// Firmware as it says.
    pub firmware: String,
    /// Transport and address it was last seen at.
    pub address: String,
    /// `up` while a handset is registered through it, else `down`.
    pub state: &'static str,
    /// Users registered through it.
    pub handsets: usize,
    /// Voice channels in use.
    pub channels: ChannelsJson,
    /// Voice channels it has when all are alike.
    pub limit: ChannelsJson,
    /// When something was last heard of it.
    #[schema(format = DateTime)]
    pub last_seen: String,
}

/// Voice channels by kind.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Channels)]
pub struct ChannelsJson {
    /// Without SRTP.
    pub plain: u32,
    /// With SRTP.
    pub srtp: u32,
}

impl From<Load> for ChannelsJson {
    fn from(load: Load) -> Self {
        Self { plain: load.plain, srtp: load.srtp }
    }
}

impl From<Limit> for ChannelsJson {
    fn from(limit: Limit) -> Self {
        Self { plain: limit.plain, srtp: limit.srtp }
    }
}

impl From<&BaseStationView> for BaseStationJson {
    fn from(base: &BaseStationView) -> Self {
        Self {
            id: base.id.to_string(),
            vendor: base.vendor.clone(),
            model: base.model.clone(),
            firmware: base.firmware.clone(),
            address: base.address.clone(),
            state: base.state,
            handsets: base.handsets,
            channels: base.channels.into(),
            limit: base.limit.into(),
            last_seen: rfc3339(base.last_seen),
        }
    }
}

/// All base stations that were seen.
#[utoipa::path(get, operation_id = "list_base_stations", path = "/base-stations", tag = "Plant", security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = List<BaseStationJson>), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let found = service::base_stations(&site).await?;
    let items = found.iter().map(BaseStationJson::from).collect();
    Ok(Answer::json(200, &List::whole(items))?.into())
}

/// One base station.
#[utoipa::path(get, operation_id = "get_base_station", path = "/base-stations/{id}", tag = "Plant", params(("id" = String, Path)),
    security(("token" = ["calls:read"])), responses((status = 200, description = "as asked", body = BaseStationJson), Problems))]
pub async fn get(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    let base = service::base_station(&site, id.into_inner()).await?;
    Ok(Answer::json(200, &BaseStationJson::from(&base))?.into())
}
