//! `/registrations`: lines at the registrar or front end.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::RegistrationView;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::openapi::Problems;
use super::page::List;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::service::plant as service;
use crate::site::Site;

/// The registration of one user at the north side.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Registration)]
pub struct RegistrationJson {
    /// Whose.
    pub user: String,
    /// `registered`, `registering`, `waiting`, `failed` or `off`.
    pub state: &'static str,
    /// Last cause in words, when not registered.
    pub cause: Option<String>,
    /// The registrar's address in use.
    pub registrar: Option<String>,
    /// What people should know of it besides, in words: the backup registrar is in use, presence lacks its
    /// first log-in, and the like.
    pub notes: Vec<String>,
    /// The front end has not set up the user's presence: sign in once with a desktop client, or run the presence
    /// bootstrapper.
    pub needs_first_log_in: bool,
    /// Until when.
    #[schema(format = DateTime)]
    pub expires: Option<String>,
}

impl From<&RegistrationView> for RegistrationJson {
    fn from(line: &RegistrationView) -> Self {
        Self {
            user: line.user.to_string(),
            state: line.state,
            cause: line.cause.clone(),
            registrar: line.registrar.clone(),
            notes: line.notes.clone(),
            needs_first_log_in: line.needs_first_log_in,
            expires: line.expires.map(rfc3339),
        }
    }
}

/// All lines.
#[utoipa::path(get, operation_id = "list_registrations", path = "/registrations", tag = "Plant", security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = List<RegistrationJson>), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let found = service::registrations(&site).await?;
    let items = found.iter().map(RegistrationJson::from).collect();
    Ok(Answer::json(200, &List::whole(items))?.into())
}
