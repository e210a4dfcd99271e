//! `/provisioning`: windows in which new SIP-DECT base stations fetch their users.

use std::net::IpAddr;

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::{OpenProvisioning, SeenBaseView, WindowOfBase};
use kirkwall_core::id::Username;
use kirkwall_core::sip::provisioning::Make;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::body::Fields;
use super::openapi::Problems;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::{FieldError, Problem};
use crate::service::provisioning as service;
use crate::site::Site;

/// A window for one base station.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProvisioningWindow)]
pub struct WindowJson {
    /// Twelve lower-case hexadecimal digits.
    pub mac: String,
    /// `gigaset-n510`, `gigaset`, `yealink` or `snom`.
    pub make: &'static str,
    /// `waiting`, `fetched` or `expired`.
    pub state: &'static str,
    /// Users, in the order of their handsets.
    pub users: Vec<String>,
    /// Until when it is open.
    #[schema(format = DateTime)]
    pub until: String,
    /// The code with which handsets of users without one of their own subscribe at the base station.
    pub access_code: String,
    /// The base station's address, told or heard.
    pub address: Option<String>,
    /// When its file was fetched.
    #[schema(format = DateTime)]
    pub fetched_at: Option<String>,
    /// From where.
    pub fetched_by: Option<String>,
    /// Why somebody who asked was refused last.
    pub refused: Option<String>,
}

/// A base station that looks for its settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SeenBaseStation)]
pub struct SeenJson {
    /// Twelve lower-case hexadecimal digits.
    pub mac: String,
    /// What it calls itself.
    pub product: String,
    /// Whose files it reads, if that is known.
    pub make: Option<&'static str>,
    /// Where it is.
    pub address: String,
    /// When it was heard last.
    #[schema(format = DateTime)]
    pub at: String,
}

/// Windows, and base stations that look for one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provisioning)]
pub struct ProvisioningJson {
    /// Windows, by MAC.
    pub windows: Vec<WindowJson>,
    /// New base stations that were heard (SIP plug and play), newest first.
    pub seen: Vec<SeenJson>,
}

/// A window that shall be opened.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes a body that is read field by field")]
pub struct WindowBody {
    /// The MAC on its label, however it is written.
    mac: String,
    /// `gigaset-n510`, `gigaset`, `yealink` or `snom`; if absent as the base station itself said.
    make: Option<String>,
    /// Usernames in the order of their handsets; if absent all that have a SIP-DECT password.
    users: Option<Vec<String>>,
    /// How long, 1 to 1440; 15 if absent.
    minutes: Option<u16>,
    /// Its address, where it is behind a router and cannot be heard.
    address: Option<String>,
}

impl From<&WindowOfBase> for WindowJson {
    fn from(window: &WindowOfBase) -> Self {
        Self {
            mac: window.mac.clone(),
            make: window.make.as_str(),
            state: window.state,
            users: window.users.clone(),
            until: rfc3339(window.until),
            access_code: window.access_code.0.clone(),
            address: window.address.map(|address| address.to_string()),
            fetched_at: window.fetched.map(|(at, _)| rfc3339(at)),
            fetched_by: window.fetched.map(|(_, by)| by.to_string()),
            refused: window.refused.as_ref().map(|(_, why)| why.clone()),
        }
    }
}

impl From<&SeenBaseView> for SeenJson {
    fn from(seen: &SeenBaseView) -> Self {
        Self {
            mac: seen.mac.clone(),
            product: seen.product.clone(),
            make: seen.make.map(Make::as_str),
            address: seen.address.to_string(),
            at: rfc3339(seen.at),
        }
    }
}

/// Windows, and base stations that look for one.
#[utoipa::path(get, operation_id = "get_provisioning", path = "/provisioning", tag = "Plant", security(("token" = ["config:write"])),
    responses((status = 200, description = "as asked", body = ProvisioningJson), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let view = service::list(&site).await?;
    let shown = ProvisioningJson {
        windows: view.windows.iter().map(WindowJson::from).collect(),
        seen: view.seen.iter().map(SeenJson::from).collect(),
    };
    Ok(Answer::json(200, &shown)?.into())
}

/// Opens a window: within it the base station of that MAC gets its file, once. One that was open for it is closed.
#[utoipa::path(post, operation_id = "open_provisioning", path = "/provisioning", tag = "Plant", request_body = WindowBody,
    security(("token" = ["config:write"])),
    responses((status = 201, description = "open", body = WindowJson), Problems))]
pub async fn open(
    site: web::Data<Site>,
    Caller(who): Caller,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let mac = fields.needed_text("mac");
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (make, address) = (text(fields.text("make")), text(fields.text("address")));
    let (users, minutes) = (fields.texts_or_null("users").flatten(), fields.number("minutes"));
    fields.finish()?;
    let order = order(mac, make, users, minutes.unwrap_or(MINUTES), address)?;
    let window = service::open(&site, &who, order).await?;
    Ok(Answer::json(201, &WindowJson::from(&window))?.into())
}

/// How long a window is open when nobody says.
pub const MINUTES: u16 = 15;

/// The order that these words are.
pub fn order(
    mac: String,
    make: Option<String>,
    users: Option<Vec<String>>,
    minutes: u16,
    address: Option<String>,
) -> Result<OpenProvisioning, Problem> {
    let mut wrong = Vec::new();
    let known = |name: &String| Make::ALL.into_iter().find(|make| make.as_str() == name);
    let found = make.as_ref().map(known);
    if let Some(None) = found {
        let names: Vec<_> = Make::ALL.into_iter().map(Make::as_str).collect();
        wrong.push(FieldError::invalid("make", format!("use {}", names.join(", "))));
    }
    let users: Option<Vec<Username>> = users.map(|users| {
        let read = |user: &String| user.parse().map_err(|bad| (user.clone(), bad));
        let each = users.iter().map(read).filter_map(|read: Result<Username, (String, _)>| match read {
            Ok(user) => Some(user),
            Err((user, bad)) => {
                wrong.push(FieldError::invalid("users", format!("{user:?}: {bad}")));
                None
            }
        });
        each.collect()
    });
    let address = address.map(|text| text.parse::<IpAddr>());
    if let Some(Err(_)) = address {
        wrong.push(FieldError::invalid("address", "write an IP address, 10.0.0.7"));
    }
    if !wrong.is_empty() {
        return Err(Problem::fields(wrong));
    }
    let address = address.and_then(Result::ok);
    Ok(OpenProvisioning { mac, make: found.flatten(), users, minutes, address })
}

/// Closes a window.
#[utoipa::path(delete, operation_id = "close_provisioning", path = "/provisioning/{mac}", tag = "Plant", params(("mac" = String, Path)),
    security(("token" = ["config:write"])), responses((status = 204, description = "done"), Problems))]
pub async fn close(
    site: web::Data<Site>,
    Caller(who): Caller,
    mac: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service::close(&site, &who, mac.into_inner()).await?;
    Ok(Answer::new(204).into())
}

/// Bids a base station fetch its settings again: NOTIFY with `Event: check-sync`. It needs an open window to get them.
#[utoipa::path(post, operation_id = "resync_base_station", path = "/base-stations/{id}/resync", tag = "Plant", params(("id" = String, Path)),
    security(("token" = ["config:write"])), responses((status = 204, description = "told"), Problems))]
pub async fn resync(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service::resync(&site, &who, id.into_inner()).await?;
    Ok(Answer::new(204).into())
}
