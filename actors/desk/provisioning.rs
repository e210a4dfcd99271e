//! Setting up new SIP-DECT base stations.

use std::net::IpAddr;

use actix::prelude::*;
use kirkwall_core::id::{BaseStationId, Username};
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::provisioning::{Make, SheetFile};
use kirkwall_core::timer::Moment;

use super::DeskFault;

/// Windows, and base stations that look for one.
#[derive(Debug, Clone, Message)]
#[rtype(result = "ProvisioningView")]
pub struct ListProvisioning;

/// What there is of them.
#[derive(Debug, Clone, Default)]
pub struct ProvisioningView {
    /// Windows, by MAC.
    pub windows: Vec<WindowOfBase>,
    /// New base stations that were heard, newest first.
    pub seen: Vec<SeenBaseView>,
}

/// A window for one base station.
#[derive(Debug, Clone)]
pub struct WindowOfBase {
    /// Twelve lower-case hexadecimal digits.
    pub mac: String,
    /// Whose files.
    pub make: Make,
    /// `waiting`, `fetched` or `expired`.
    pub state: &'static str,
    /// Users, in the order of their handsets.
    pub users: Vec<String>,
    /// Until when it is open.
    pub until: Moment,
    /// The code with which handsets of users without one of their own subscribe at the base station.
    pub access_code: Pii<String>,
    /// The base station's address, told or heard.
    pub address: Option<IpAddr>,
    /// When its file was fetched, and from where.
    pub fetched: Option<(Moment, IpAddr)>,
    /// When and why it was refused last.
    pub refused: Option<(Moment, String)>,
}

/// A base station that looks for its settings.
#[derive(Debug, Clone)]
pub struct SeenBaseView {
    /// Twelve lower-case hexadecimal digits.
    pub mac: String,
    /// What it calls itself.
    pub product: String,
    /// Whose files it reads, if that is known.
    pub make: Option<Make>,
    /// Where it is.
    pub address: IpAddr,
    /// When it was heard last.
    pub at: Moment,
}

/// Opens a window.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<WindowOfBase, DeskFault>")]
pub struct OpenProvisioning {
    /// The MAC, however it is written.
    pub mac: String,
    /// Whose files; none: as the base station itself says.
    pub make: Option<Make>,
    /// Users in the order of their handsets; none: all that have a SIP-DECT password.
    pub users: Option<Vec<Username>>,
    /// How long, 1 to 1440.
    pub minutes: u16,
    /// The base station's address, where it is behind a router and cannot be heard.
    pub address: Option<IpAddr>,
}

/// Closes one.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct CloseProvisioning(pub String);

/// A file is asked for. None: it is not given, whyever.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<SheetFile>")]
pub struct FetchProvisioning {
    /// Its name.
    pub file: String,
    /// By whom.
    pub by: IpAddr,
}

/// Bids a base station fetch its settings again (`check-sync`).
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct ResyncBaseStation(pub BaseStationId);
