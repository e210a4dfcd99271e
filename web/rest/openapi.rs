//! `/openapi.json`: the description of all of this for programs (OpenAPI 3.1).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use actix_web::HttpResponse;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi};

use crate::problem::ProblemDocument;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kirkwall",
        description = "An IP-DECT telephony switch: users, handsets, base stations, calls.",
        version = "1"
    ),
    servers((url = "/api/v1")),
    paths(
        super::users::list, super::users::create, super::users::get, super::users::replace,
        super::users::change, super::users::delete, super::features::get_forwarding,
        super::features::replace_forwarding, super::features::list_calls, super::features::clear_calls,
        super::features::codes, super::lines::get, super::lines::replace, super::mailbox::get, super::mailbox::replace, super::mailbox::clear,
        super::rooms::list, super::rooms::create, super::rooms::get, super::rooms::change, super::rooms::delete,
        super::rooms::mute, super::rooms::remove,
        super::imports::create, super::imports::get, super::imports::apply, super::imports::delete,
        super::calls::list, super::calls::get, super::calls::hang_up, super::calls::ladder,
        super::base_stations::list, super::base_stations::get, super::base_stations::change,
        super::provisioning::list, super::provisioning::open, super::provisioning::close, super::provisioning::resync,
        super::handsets::list, super::registrations::list,
        super::native_bases::list, super::native_bases::get, super::native_bases::change, super::native_bases::loss,
        super::native_bases::sync_tree, super::subscriptions::window, super::subscriptions::open_window, super::subscriptions::close_window,
        super::subscriptions::claim, super::subscriptions::list, super::subscriptions::delete,
        super::subscriptions::enrol, super::subscriptions::capture,
        super::capacity::get, super::overview::get,
        super::settings::list,
        super::tokens::list, super::tokens::create, super::tokens::revoke,
        super::certificates::list, super::certificates::import, super::certificates::delete,
        super::phone_book::state, super::phone_book::sync, super::phone_book::search, super::phone_book::create,
        super::phone_book::get, super::phone_book::replace, super::phone_book::delete, super::phone_book::import,
        super::phone_book::export,
        super::texts::list, super::texts::send, super::texts::get, super::texts::withdraw, super::texts::confirm,
        super::session::log_in, super::session::log_out,
        super::me::get, super::version::get, super::problems::list, get,
    ),
    components(schemas(ProblemDocument)),
    modifiers(&Tokens)
)]
struct Document;

/// The bearer scheme. The scopes of an operation stand in its `security`.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token")).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// What every operation may answer instead.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let schema = Ref::from_schema_name("Problem");
        let response = ResponseBuilder::new()
            .description("A problem (RFC 9457)")
            .content("application/problem+json", Content::new(Some(schema)))
            .build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

/// The document.
pub fn openapi_json() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| Document::openapi().to_pretty_json().expect("the document is made of plain values"))
}

/// This document.
#[utoipa::path(get, operation_id = "get_openapi", path = "/openapi.json", tag = "About", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object)))]
pub async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi_json())
}
