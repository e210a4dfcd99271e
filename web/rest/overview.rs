//! `/overview`: how it goes, in numbers.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::OverviewView;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::openapi::Problems;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::plant as service;
use crate::site::Site;

/// The numbers of the overview.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Overview)]
pub struct OverviewJson {
    /// Name of the node.
    pub node: String,
    /// When the switch started.
    #[schema(format = DateTime)]
    pub started: String,
    /// Whether it is draining: no new calls.
    pub draining: bool,
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
    /// The north side's proxies.
    pub proxies: Vec<ProxyJson>,
}

/// A proxy of the north side.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Proxy)]
pub struct ProxyJson {
    /// As configured.
    pub name: String,
    /// Whether the last words with it succeeded.
    pub up: bool,
}

impl From<&OverviewView> for OverviewJson {
    fn from(view: &OverviewView) -> Self {
        Self {
            node: view.node.clone(),
            started: rfc3339(view.started),
            draining: view.draining,
            calls: view.calls,
            call_attempts: view.call_attempts,
            calls_max: view.calls_max,
            base_stations_up: view.base_stations_up,
            base_stations_down: view.base_stations_down,
            users: view.users,
            handsets_registered: view.handsets_registered,
            lines_registered: view.lines_registered,
            has_north: view.has_north,
            proxies: view.proxies.iter().map(|p| ProxyJson { name: p.name.clone(), up: p.up }).collect(),
        }
    }
}

/// How it goes.
#[utoipa::path(get, operation_id = "get_overview", path = "/overview", tag = "Plant", security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = OverviewJson), Problems))]
pub async fn get(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &OverviewJson::from(&service::overview(&site).await?))?.into())
}
