//! `/handsets`: devices and where they can be reached.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::{BindingView, HandsetView};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::openapi::Problems;
use super::page::List;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::plant as service;
use crate::site::Site;

/// A handset of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Handset)]
pub struct HandsetJson {
    /// Its user.
    pub user: String,
    /// Display name of the user.
    pub display_name: String,
    /// IPEI when known.
    pub ipei: Option<String>,
    /// `registered` or `not registered`.
    pub state: &'static str,
    /// Where it can be reached.
    pub bindings: Vec<BindingJson>,
    /// Whether it is in a call.
    pub in_call: bool,
}

/// One contact of a handset.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Binding)]
pub struct BindingJson {
    /// Contact URI.
    pub contact: String,
    /// Transport and address its messages come from.
    pub address: String,
    /// What it calls itself.
    pub user_agent: String,
    /// The base station that carries it.
    pub base_station: Option<String>,
    /// Until when; null for a handset on a native base station, which stays until it is located elsewhere.
    #[schema(format = DateTime)]
    pub expires: Option<String>,
}

impl From<&HandsetView> for HandsetJson {
    fn from(handset: &HandsetView) -> Self {
        Self {
            user: handset.user.to_string(),
            display_name: handset.display_name.clone(),
            ipei: handset.ipei.clone(),
            state: handset.state,
            bindings: handset.bindings.iter().map(BindingJson::from).collect(),
            in_call: handset.in_call,
        }
    }
}

impl From<&BindingView> for BindingJson {
    fn from(binding: &BindingView) -> Self {
        Self {
            contact: binding.contact.clone(),
            address: binding.address.clone(),
            user_agent: binding.user_agent.clone(),
            base_station: binding.base_station.as_ref().map(ToString::to_string),
            expires: binding.expires.map(rfc3339),
        }
    }
}

/// All handsets.
#[utoipa::path(get, operation_id = "list_handsets", path = "/handsets", tag = "Plant", security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = List<HandsetJson>), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let found = service::handsets(&site).await?;
    let items = found.iter().map(HandsetJson::from).collect();
    Ok(Answer::json(200, &List::whole(items))?.into())
}
