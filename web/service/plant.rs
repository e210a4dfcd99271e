//! The plant: base stations, handsets, lines, channels, numbers.

use kirkwall_actors::desk::{
    BaseStationView, Bearer, CapacityView, DescribeBaseStation, GetBaseStation, GetCapacity, GetOverview,
    HandsetView, ListBaseStations, ListHandsets, ListRegistrations, OverviewView, RegistrationView,
};
use kirkwall_core::id::BaseStationId;

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// All base stations.
pub async fn base_stations(site: &Site) -> Result<Vec<BaseStationView>, Problem> {
    Ok(ask(&site.desk.list_base_stations, ListBaseStations).await??)
}

/// One base station.
pub async fn base_station(site: &Site, id: String) -> Result<BaseStationView, Problem> {
    Ok(ask(&site.desk.get_base_station, GetBaseStation(BaseStationId(id))).await??)
}

/// Keeps what people know of a base station, or only checks.
pub async fn describe_base_station(
    site: &Site,
    who: &Bearer,
    order: DescribeBaseStation,
) -> Result<BaseStationView, Problem> {
    let dry_run = order.dry_run;
    let view = ask(&site.desk.describe_base_station, order).await??;
    if !dry_run {
        audit(who, "base station described", &view.id);
    }
    Ok(view)
}

/// All handsets.
pub async fn handsets(site: &Site) -> Result<Vec<HandsetView>, Problem> {
    Ok(ask(&site.desk.list_handsets, ListHandsets).await??)
}

/// All lines at the north side.
pub async fn registrations(site: &Site) -> Result<Vec<RegistrationView>, Problem> {
    Ok(ask(&site.desk.list_registrations, ListRegistrations).await??)
}

/// Voice channels.
pub async fn capacity(site: &Site) -> Result<CapacityView, Problem> {
    Ok(ask(&site.desk.get_capacity, GetCapacity).await??)
}

/// The numbers of the overview.
pub async fn overview(site: &Site) -> Result<OverviewView, Problem> {
    Ok(ask(&site.desk.get_overview, GetOverview).await??)
}
