//! `/capacity`: voice channels, their limits and refusals.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::CapacityView;
use kirkwall_core::call::admission::links::LinkLoad;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::base_stations::{BaseStationJson, ChannelsJson};
use super::openapi::Problems;
use crate::problem::Problem;
use crate::service::plant as service;
use crate::site::Site;

/// Voice channels of the node.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Capacity)]
pub struct CapacityJson {
    /// `software` or `kws6500`.
    pub profile: String,
    /// What the media resource carries when all channels are alike; mixtures share one budget.
    pub media_limit: ChannelsJson,
    /// What it carries now.
    pub media_in_use: ChannelsJson,
    /// Channels in use in the media engine itself.
    pub engine_channels: usize,
    /// Calls that hold channels.
    pub calls: usize,
    /// Calls refused since start.
    pub refused: RefusedJson,
    /// Links with limits, and the calls that stand over each.
    pub links: Vec<LinkJson>,
    /// The base stations that carry calls now.
    pub base_stations: Vec<BaseStationJson>,
}

/// A link and the calls over it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
pub struct LinkJson {
    /// Its name in the configuration.
    pub name: String,
    /// The networks behind it.
    pub networks: Vec<String>,
    /// Ends of calls whose media crosses it now.
    pub calls: u32,
    /// Kilobits a second of them, in each direction.
    pub kbit: u32,
    /// Most calls; none: no limit.
    pub max_calls: Option<u32>,
    /// Most kilobits a second; none: no limit.
    pub max_kbit: Option<u32>,
    /// Calls that found it full since start.
    pub refused: u64,
}

impl From<&LinkLoad> for LinkJson {
    fn from(link: &LinkLoad) -> Self {
        let LinkLoad { name, networks, calls, kbit, max_calls, max_kbit, refused } = link.clone();
        Self { name, networks, calls, kbit, max_calls, max_kbit, refused }
    }
}

/// Calls refused for want of a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refused)]
pub struct RefusedJson {
    /// Of the media resource.
    pub media: u64,
    /// Of a base station.
    pub base: u64,
}

impl From<&CapacityView> for CapacityJson {
    fn from(capacity: &CapacityView) -> Self {
        Self {
            profile: capacity.profile.clone(),
            media_limit: capacity.media_limit.into(),
            media_in_use: capacity.media_in_use.into(),
            engine_channels: capacity.engine_channels,
            calls: capacity.calls,
            refused: RefusedJson { media: capacity.refused.media, base: capacity.refused.base },
            links: capacity.links.iter().map(LinkJson::from).collect(),
            base_stations: capacity.base_stations.iter().map(BaseStationJson::from).collect(),
        }
    }
}

/// Voice channels.
#[utoipa::path(get, operation_id = "get_capacity", path = "/capacity", tag = "Plant", security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = CapacityJson), Problems))]
pub async fn get(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &CapacityJson::from(&service::capacity(&site).await?))?.into())
}
