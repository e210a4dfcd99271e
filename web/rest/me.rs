//! `/me`: who asks, as the switch sees it.

use actix_web::HttpResponse;
use kirkwall_actors::desk::Bearer;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::openapi::Problems;
use crate::access::Caller;
use crate::problem::Problem;

/// Whoever asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Name of the token or administrator.
    pub name: String,
    /// What it may do; `admin` is everything.
    pub scopes: Vec<String>,
}

impl From<&Bearer> for Me {
    fn from(bearer: &Bearer) -> Self {
        Self { name: bearer.name.clone(), scopes: bearer.scopes.clone() }
    }
}

/// Who am I?
#[utoipa::path(get, operation_id = "get_me", path = "/me", tag = "Access", security(("token" = [])),
    responses((status = 200, description = "as asked", body = Me), Problems))]
pub async fn get(Caller(who): Caller) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &Me::from(&who))?.into())
}
