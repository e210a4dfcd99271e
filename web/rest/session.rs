//! `/session`: logging in and out, for browsers.

use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_core::pii::Pii;
use utoipa::ToSchema;

use super::answer::Answer;
use super::body::Fields;
use super::me::Me;
use super::openapi::Problems;
use crate::access;
use crate::problem::Problem;
use crate::service::access as service;
use crate::site::Site;

/// How to log in.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct LogInBody {
    /// The word of a one-time log-in link, or an API token with scope `admin`.
    word: String,
}

/// Logs in; the answer sets the session cookie.
#[utoipa::path(post, operation_id = "log_in", path = "/session", tag = "Access", request_body = LogInBody, security(()),
    responses((status = 200, description = "as asked", body = Me, headers(("Set-Cookie" = String))), Problems))]
pub async fn log_in(
    site: web::Data<Site>,
    request: HttpRequest,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    access::not_cross_site(&request)?;
    let word = fields.needed_text("word");
    fields.finish()?;
    let session = service::log_in(&site, Pii(word)).await?;
    let cookie = access::session_cookie(&session.secret).to_string();
    let me = Me::from(&session.bearer);
    Ok(Answer::json(200, &me)?.header("set-cookie", cookie).into())
}

/// Logs out.
#[utoipa::path(delete, operation_id = "log_out", path = "/session", tag = "Access", security(()), responses((status = 204, description = "done"), Problems))]
pub async fn log_out(site: web::Data<Site>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if let Some(secret) = access::session_secret(&request) {
        access::same_origin(&request)?;
        service::log_out(&site, secret).await?;
    }
    Ok(Answer::new(204).header("set-cookie", access::no_cookie().to_string()).into())
}
