//! Files that new SIP-DECT base stations fetch, `/provisioning/…`: docs/provisioning.md.
//!
//! No log-in: a new base station has none. What is given to whom stands in
//! [`kirkwall_core::sip::provisioning::Window`]; everything else is 404, whyever, so that nobody learns which
//! base stations are awaited.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::problem::Problem;
use crate::service::provisioning as service;
use crate::site::Site;

/// The addresses.
pub fn scope() -> actix_web::Scope {
    web::scope("/provisioning").route("/{file}", web::get().to(file))
}

async fn file(
    site: web::Data<Site>,
    request: HttpRequest,
    file: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    // The socket's word, not a header's.
    let by = request.peer_addr().map(|peer| peer.ip());
    let found = match by {
        Some(by) => service::fetch(&site, file.into_inner(), by).await?,
        None => None,
    };
    let Some(found) = found else { return Ok(HttpResponse::build(StatusCode::NOT_FOUND).finish()) };
    Ok(HttpResponse::Ok()
        .content_type(found.content_type)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(found.text.0))
}
