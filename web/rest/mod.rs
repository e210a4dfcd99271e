//! REST, `/api/v1`. One file for each resource; every operation stands in [`operations`].
//!
//! | | |
//! |---|---|
//! | Failure | RFC 9457 problem documents, `type` is a page of this switch |
//! | Lists | `{"items": […], "total": n, "next_cursor": …}`, `?limit=&cursor=`, `Link: …; rel="next"` |
//! | Changes | strong `ETag`; `If-Match` is required, 428 without, 412 when stale |
//! | POST | `Idempotency-Key` on users and tokens |
//! | Trial | `?dry_run=true` checks and keeps nothing |
//! | Secrets | can be written, are shown as `{"set": true}` |

mod answer;
mod base_stations;
mod body;
mod calls;
mod capacity;
mod certificates;
mod features;
mod handsets;
mod imports;
mod lines;
mod mailbox;
mod me;
mod native_bases;
mod openapi;
mod overview;
mod page;
mod phone_book;
mod problems;
mod provisioning;
mod registrations;
mod rooms;
mod session;
mod settings;
mod subscriptions;
mod texts;
mod tokens;
mod users;
mod version;

use std::collections::BTreeMap;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError, Route, guard, web};

pub use answer::Answer;
pub use body::CSV_LIMIT;
pub use calls::named as call_named;
pub use features::kind as log_kind;
pub use native_bases::duty_of;
pub use openapi::openapi_json;
pub use page::{cursor_of, read_cursor};
pub use provisioning::{MINUTES, order as provisioning_order};
pub use rooms::{named as room_named, of_room};
pub use settings::SettingJson;
pub use texts::text_named;
pub use users::{UserJson, in_path, typed_secret};

use crate::access::{self, Need};
use crate::problem::{BAD_REQUEST, METHOD_NOT_ALLOWED, NOT_FOUND, Problem};
use crate::site::Site;

/// Where all of this stands.
pub const BASE: &str = "/api/v1";

/// One row of the table of operations.
pub struct Operation {
    method: Method,
    path: &'static str,
    need: Need,
    route: Route,
}

/// Every operation that is served: method, path, who may, handler.
fn operations() -> Vec<Operation> {
    use Need::{Anybody, Nothing, Scope};
    let (get, post, put, patch, delete) =
        (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    let op = |method: &Method, path, need, route: Route| Operation {
        method: method.clone(),
        path,
        need,
        route: route.guard(guard_of(method)),
    };
    let route = web::route;
    vec![
        op(&get, "/users", Scope("users:read"), route().to(users::list)),
        op(&post, "/users", Scope("users:write"), route().to(users::create)),
        op(&get, "/users/{username}", Scope("users:read"), route().to(users::get)),
        op(&put, "/users/{username}", Scope("users:write"), route().to(users::replace)),
        op(&patch, "/users/{username}", Scope("users:write"), route().to(users::change)),
        op(&delete, "/users/{username}", Scope("users:write"), route().to(users::delete)),
        op(&get, "/users/{username}/forwarding", Scope("users:read"), route().to(features::get_forwarding)),
        op(
            &put,
            "/users/{username}/forwarding",
            Scope("users:write"),
            route().to(features::replace_forwarding),
        ),
        op(&get, "/users/{username}/lines", Scope("users:read"), route().to(lines::get)),
        op(&put, "/users/{username}/lines", Scope("users:write"), route().to(lines::replace)),
        op(&get, "/users/{username}/calls", Scope("users:read"), route().to(features::list_calls)),
        op(&delete, "/users/{username}/calls", Scope("users:write"), route().to(features::clear_calls)),
        op(&get, "/users/{username}/message-waiting", Scope("users:read"), route().to(mailbox::get)),
        op(&put, "/users/{username}/message-waiting", Scope("users:write"), route().to(mailbox::replace)),
        op(&delete, "/users/{username}/message-waiting", Scope("users:write"), route().to(mailbox::clear)),
        op(&get, "/feature-codes", Scope("users:read"), route().to(features::codes)),
        op(&get, "/rooms", Scope("calls:read"), route().to(rooms::list)),
        op(&post, "/rooms", Scope("users:write"), route().to(rooms::create)),
        op(&get, "/rooms/{name}", Scope("calls:read"), route().to(rooms::get)),
        op(&patch, "/rooms/{name}", Scope("users:write"), route().to(rooms::change)),
        op(&delete, "/rooms/{name}", Scope("users:write"), route().to(rooms::delete)),
        op(&patch, "/rooms/{name}/members/{id}", Scope("calls:control"), route().to(rooms::mute)),
        op(&delete, "/rooms/{name}/members/{id}", Scope("calls:control"), route().to(rooms::remove)),
        op(&post, "/imports", Scope("users:write"), route().to(imports::create)),
        op(&get, "/imports/{id}", Scope("users:write"), route().to(imports::get)),
        op(&delete, "/imports/{id}", Scope("users:write"), route().to(imports::delete)),
        op(&post, "/imports/{id}/apply", Scope("users:write"), route().to(imports::apply)),
        op(&get, "/calls", Scope("calls:read"), route().to(calls::list)),
        op(&get, "/calls/{id}", Scope("calls:read"), route().to(calls::get)),
        op(&delete, "/calls/{id}", Scope("calls:control"), route().to(calls::hang_up)),
        op(&get, "/calls/{id}/ladder", Scope("traces:read"), route().to(calls::ladder)),
        op(&get, "/base-stations", Scope("calls:read"), route().to(base_stations::list)),
        op(&get, "/base-stations/{id}", Scope("calls:read"), route().to(base_stations::get)),
        op(&patch, "/base-stations/{id}", Scope("config:write"), route().to(base_stations::change)),
        op(&post, "/base-stations/{id}/resync", Scope("config:write"), route().to(provisioning::resync)),
        op(&get, "/provisioning", Scope("config:write"), route().to(provisioning::list)),
        op(&post, "/provisioning", Scope("config:write"), route().to(provisioning::open)),
        op(&delete, "/provisioning/{mac}", Scope("config:write"), route().to(provisioning::close)),
        op(&get, "/native-base-stations", Scope("calls:read"), route().to(native_bases::list)),
        op(&get, "/native-base-stations/{id}", Scope("calls:read"), route().to(native_bases::get)),
        op(&patch, "/native-base-stations/{id}", Scope("admin"), route().to(native_bases::change)),
        op(&get, "/native-base-stations/{id}/loss", Scope("calls:read"), route().to(native_bases::loss)),
        op(&get, "/sync-tree", Scope("calls:read"), route().to(native_bases::sync_tree)),
        op(&get, "/handsets", Scope("calls:read"), route().to(handsets::list)),
        op(&get, "/subscription-window", Scope("users:read"), route().to(subscriptions::window)),
        op(&put, "/subscription-window", Scope("users:write"), route().to(subscriptions::open_window)),
        op(&delete, "/subscription-window", Scope("users:write"), route().to(subscriptions::close_window)),
        op(&post, "/subscription-window/claims", Scope("users:write"), route().to(subscriptions::claim)),
        op(&get, "/subscriptions", Scope("users:read"), route().to(subscriptions::list)),
        op(&delete, "/subscriptions/{ipei}", Scope("users:write"), route().to(subscriptions::delete)),
        op(&post, "/enrolments", Scope("admin"), route().to(subscriptions::enrol)),
        op(&get, "/captures/dect", Scope("traces:read"), route().to(subscriptions::capture)),
        op(&get, "/registrations", Scope("calls:read"), route().to(registrations::list)),
        op(&get, "/capacity", Scope("calls:read"), route().to(capacity::get)),
        op(&get, "/overview", Scope("calls:read"), route().to(overview::get)),
        op(&get, "/settings", Scope("config:write"), route().to(settings::list)),
        op(&get, "/tokens", Scope("admin"), route().to(tokens::list)),
        op(&post, "/tokens", Scope("admin"), route().to(tokens::create)),
        op(&delete, "/tokens/{id}", Scope("admin"), route().to(tokens::revoke)),
        op(&get, "/certificates", Scope("certs:write"), route().to(certificates::list)),
        op(&post, "/certificates", Scope("certs:write"), route().to(certificates::import)),
        op(&delete, "/certificates/{id}", Scope("certs:write"), route().to(certificates::delete)),
        op(&get, "/phone-book", Scope("users:read"), route().to(phone_book::state)),
        op(&post, "/phone-book/sync", Scope("users:write"), route().to(phone_book::sync)),
        op(&get, "/phone-book/entries", Scope("users:read"), route().to(phone_book::search)),
        op(&post, "/phone-book/entries", Scope("users:write"), route().to(phone_book::create)),
        op(&get, "/phone-book/entries/{id}", Scope("users:read"), route().to(phone_book::get)),
        op(&put, "/phone-book/entries/{id}", Scope("users:write"), route().to(phone_book::replace)),
        op(&delete, "/phone-book/entries/{id}", Scope("users:write"), route().to(phone_book::delete)),
        op(&post, "/phone-book/import", Scope("users:write"), route().to(phone_book::import)),
        op(&get, "/phone-book/export.csv", Scope("users:read"), route().to(phone_book::export)),
        op(&get, "/messages", Scope("traces:read"), route().to(texts::list)),
        op(&post, "/messages", Scope("calls:control"), route().to(texts::send)),
        op(&get, "/messages/{id}", Scope("traces:read"), route().to(texts::get)),
        op(&delete, "/messages/{id}", Scope("calls:control"), route().to(texts::withdraw)),
        op(&post, "/messages/{id}/confirm", Scope("calls:control"), route().to(texts::confirm)),
        op(&post, "/session", Nothing, route().to(session::log_in)),
        op(&delete, "/session", Nothing, route().to(session::log_out)),
        op(&get, "/me", Anybody, route().to(me::get)),
        op(&get, "/version", Anybody, route().to(version::get)),
        op(&get, "/problems", Nothing, route().to(problems::list)),
        op(&get, "/openapi.json", Nothing, route().to(openapi::get)),
    ]
}

/// RFC 9110 §9.1: "All general-purpose servers MUST support the methods GET and HEAD."
pub fn guard_of(method: &Method) -> guard::AnyGuard {
    let any = guard::Any(guard::Method(method.clone()));
    if method == Method::GET { any.or(guard::Head()) } else { any }
}

/// What a test or document may know of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteNote {
    /// `GET`, `POST`, ….
    pub method: String,
    /// Below `/api/v1`.
    pub path: &'static str,
    /// The scope it needs; none: no log-in or any.
    pub scope: Option<&'static str>,
    /// Whether it works without log-in.
    pub public: bool,
}

/// Every operation that is served.
pub fn rest_routes() -> Vec<RouteNote> {
    let note = |op: Operation| RouteNote {
        method: op.method.to_string(),
        path: op.path,
        scope: op.need.scope(),
        public: op.need == Need::Nothing,
    };
    operations().into_iter().map(note).collect()
}

/// All of it under `/api/v1`.
pub fn scope(site: &web::Data<Site>) -> impl actix_web::dev::HttpServiceFactory + 'static {
    let mut needs = BTreeMap::new();
    let mut resources: BTreeMap<&str, (Vec<Route>, Vec<String>)> = BTreeMap::new();
    for Operation { method, path, need, route } in operations() {
        needs.insert((format!("{BASE}{path}"), method.to_string()), need);
        let (routes, methods) = resources.entry(path).or_default();
        routes.push(route);
        methods.push(method.to_string());
    }
    let mut scope = web::scope(BASE).app_data(query_errors());
    for (path, (routes, methods)) in resources {
        let allow = methods.join(", ");
        let other = web::to(move || wrong_method(allow.clone()));
        let resource = routes.into_iter().fold(web::resource(path), |resource, route| resource.route(route));
        scope = scope.service(resource.default_service(other));
    }
    let (site, needs) = (site.clone(), std::sync::Arc::new(needs));
    scope.default_service(web::to(nothing_here)).wrap(from_fn(move |request, next| {
        let need = need_of(&needs, &request);
        gate(site.clone(), need, request, next)
    }))
}

fn need_of(needs: &BTreeMap<(String, String), Need>, request: &ServiceRequest) -> Need {
    let method = match *request.method() {
        Method::HEAD => Method::GET,
        ref other => other.clone(),
    };
    let key = request.match_pattern().map(|pattern| (pattern, method.to_string()));
    // Nothing is served where the table has no row, so nothing needs protection: it is 404 or 405.
    key.and_then(|key| needs.get(&key).copied()).unwrap_or(Need::Nothing)
}

async fn gate<B: MessageBody + 'static>(
    site: web::Data<Site>,
    need: Need,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match access::check(&site, &request, need).await {
        Ok(()) => Ok(access::in_time(request, next).await?.map_into_left_body()),
        Err(problem) => Ok(request.into_response(problem.error_response()).map_into_right_body()),
    }
}

fn query_errors() -> web::QueryConfig {
    web::QueryConfig::default()
        .error_handler(|error, _| Problem::new(&BAD_REQUEST, format!("the query is wrong: {error}")).into())
}

/// Percent-encodes the value of a query parameter.
pub fn in_query(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

async fn wrong_method(allow: String) -> Result<HttpResponse, Problem> {
    let detail = format!("this address understands {allow}");
    Err(Problem { allow: Some(allow), ..Problem::new(&METHOD_NOT_ALLOWED, detail) })
}

async fn nothing_here(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let detail = format!("there is nothing at {}; see {BASE}/openapi.json", request.path());
    Err(Problem::new(&NOT_FOUND, detail))
}
