//! `/users/{username}/lines`: a private number, and in whose name somebody may call.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::{LinesView, SetLines};
use kirkwall_core::call::represented::ExtraLines;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::body::Fields;
use super::openapi::Problems;
use super::users::named;
use crate::access::Caller;
use crate::problem::Problem;
use crate::service::features as service;
use crate::site::Site;

/// What a user's line has besides the number.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Lines)]
pub struct LinesJson {
    /// A second number: its calls ring whatever the user has set, and are shown as calls of a private line. Only
    /// this switch knows it.
    pub private_number: Option<String>,
    /// Usernames, or addresses, in whose name the user may call; at most 32.
    pub managers: Vec<String>,
    /// The private line that Lync has told of. Not set here.
    pub lync_private_number: Option<String>,
    /// Who may call in the user's name, as set in a Lync client. Not set here.
    pub lync_delegates: Vec<String>,
    /// Whether the Lync front end executes the user's forward, for the calls that come by it. Not set here.
    pub forwarded_by_lync: bool,
}

impl From<LinesView> for LinesJson {
    fn from(view: LinesView) -> Self {
        Self {
            private_number: view.set.private_number,
            managers: view.set.managers,
            lync_private_number: view.private_told,
            lync_delegates: view.delegates_told,
            forwarded_by_lync: view.forwarded_by_north,
        }
    }
}

/// What a user's line has besides the number.
#[utoipa::path(get, operation_id = "get_lines", path = "/users/{username}/lines", tag = "Users", params(("username" = String, Path)),
    security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = LinesJson), Problems))]
pub async fn get(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let view = service::lines(&site, named(&path)?).await?;
    Ok(Answer::json(200, &LinesJson::from(view))?.into())
}

/// Sets all that can be set; absent members are taken away. What Lync tells is left out or ignored.
#[utoipa::path(put, operation_id = "replace_lines", path = "/users/{username}/lines", tag = "Users", request_body = LinesJson,
    params(("username" = String, Path)), security(("token" = ["users:write"])),
    responses((status = 200, description = "as it is now", body = LinesJson), Problems))]
pub async fn replace(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let user = named(&path)?;
    let private = fields.text("private_number").map(|number| number.trim().to_owned());
    let lines = ExtraLines {
        private_number: private.filter(|number| !number.is_empty()),
        managers: fields.texts("managers").unwrap_or_default(),
    };
    fields.skip(&["lync_private_number", "lync_delegates", "forwarded_by_lync"]);
    fields.finish()?;
    let view = service::set_lines(&site, &who, SetLines { user, lines }).await?;
    Ok(Answer::json(200, &LinesJson::from(view))?.into())
}
