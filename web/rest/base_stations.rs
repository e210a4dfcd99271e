//! `/base-stations`: the radio plant.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_actors::desk::{BaseStationView, DescribeBaseStation};
use kirkwall_core::call::admission::{Limit, Load};
use kirkwall_core::id::BaseStationId;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::body::Fields;
use super::openapi::Problems;
use super::page::{self, List};
use super::users::DryRun;
use crate::access::Caller;
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
    /// What people call it.
    pub name: String,
    /// Where it hangs, by parts of the address: `country`, `city`, `street`, `house_number`, `building`, `floor`, `room`, ….
    /// Goes out with emergency calls of its handsets (PIDF-LO, RFC 5139).
    pub location: BTreeMap<&'static str, String>,
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
            name: base.name.clone(),
            location: base.location.iter().map(|(part, text)| (part.name, text.to_owned())).collect(),
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
    security(("token" = ["calls:read"])), responses((status = 200, description = "as asked", body = BaseStationJson, headers(("ETag" = String))), Problems))]
pub async fn get(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    shown(&service::base_station(&site, id.into_inner()).await?)
}

/// What people know of a base station.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "it describes a body that is read field by field")]
pub struct BaseStationBody {
    /// What people call it, at most 64 characters.
    name: Option<String>,
    /// Its address, all parts of it; null clears it.
    location: Option<BTreeMap<String, String>>,
}

/// Keeps what people know of it. What it tells of itself cannot be written.
#[utoipa::path(patch, operation_id = "change_base_station", path = "/base-stations/{id}", tag = "Plant", request_body = BaseStationBody,
    params(("id" = String, Path), ("If-Match" = String, Header, description = "ETag that was seen, or *"), DryRun),
    security(("token" = ["config:write"])),
    responses((status = 200, description = "as it is now", body = BaseStationJson, headers(("ETag" = String))), Problems))]
pub async fn change(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    id: web::Path<String>,
    query: web::Query<DryRun>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let (name, location) = (fields.text("name"), fields.texts_by_name("location"));
    fields.finish()?;
    let (id, if_revision) = (BaseStationId(id.into_inner()), page::if_match(&request)?);
    let order = DescribeBaseStation { id, name, location, if_revision, dry_run: query.dry_run };
    shown(&service::describe_base_station(&site, &who, order).await?)
}

fn shown(base: &BaseStationView) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &BaseStationJson::from(base))?.header("etag", page::etag(base.revision)).into())
}
