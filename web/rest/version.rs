//! `/version`: which program this is. Only for those who are logged in.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Answer;
use super::openapi::Problems;
use crate::problem::Problem;
use crate::site::Site;

/// Which program this is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Always `kirkwall`.
    pub product: &'static str,
    /// Version of the program.
    pub version: String,
    /// Name of the node.
    pub node: String,
}

/// Which program is this?
#[utoipa::path(get, operation_id = "get_version", path = "/version", tag = "About", security(("token" = [])),
    responses((status = 200, description = "as asked", body = Version), Problems))]
pub async fn get(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let options = &site.options;
    let (version, node) = (options.version.clone(), options.node.clone());
    Ok(Answer::json(200, &Version { product: "kirkwall", version, node })?.into())
}
