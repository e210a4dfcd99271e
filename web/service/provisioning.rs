//! Setting up new SIP-DECT base stations.

use std::net::IpAddr;

use kirkwall_actors::desk::{
    Bearer, CloseProvisioning, FetchProvisioning, ListProvisioning, OpenProvisioning, ProvisioningView,
    ResyncBaseStation, WindowOfBase,
};
use kirkwall_core::id::BaseStationId;
use kirkwall_core::sip::provisioning::SheetFile;

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// Windows, and base stations that look for one.
pub async fn list(site: &Site) -> Result<ProvisioningView, Problem> {
    ask(&site.desk.list_provisioning, ListProvisioning).await
}

/// Opens one.
pub async fn open(site: &Site, who: &Bearer, order: OpenProvisioning) -> Result<WindowOfBase, Problem> {
    let view = ask(&site.desk.open_provisioning, order).await??;
    audit(who, "base station may fetch its settings", &view.mac);
    Ok(view)
}

/// Closes one.
pub async fn close(site: &Site, who: &Bearer, mac: String) -> Result<(), Problem> {
    ask(&site.desk.close_provisioning, CloseProvisioning(mac.clone())).await??;
    audit(who, "base station may not fetch its settings any more", &mac);
    Ok(())
}

/// A file, if it is given.
pub async fn fetch(site: &Site, file: String, by: IpAddr) -> Result<Option<SheetFile>, Problem> {
    ask(&site.desk.fetch_provisioning, FetchProvisioning { file, by }).await
}

/// Bids a base station fetch its settings again.
pub async fn resync(site: &Site, who: &Bearer, id: String) -> Result<(), Problem> {
    ask(&site.desk.resync_base_station, ResyncBaseStation(BaseStationId(id.clone()))).await??;
    audit(who, "base station told to fetch its settings", &id);
    Ok(())
}
