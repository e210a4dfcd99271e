//! `/problems`: the catalogue of problem types.

use actix_web::HttpResponse;

use super::answer::Answer;
use super::openapi::Problems;
use super::page::List;
use crate::problem::{KINDS, Kind, Problem};

/// All problem types.
#[utoipa::path(get, operation_id = "list_problems", path = "/problems", tag = "About", security(()),
    responses((status = 200, description = "as asked", body = List<Kind>), Problems))]
pub async fn list() -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &List::whole(KINDS.to_vec()))?.into())
}
