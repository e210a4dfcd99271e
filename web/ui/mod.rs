//! Pages for people: rendered here, alive by one event stream, usable without JavaScript.
//!
//! Every page stands in [`pages`], with the scope it needs and, if it changes something, the REST operation
//! that does the same.

mod air_rows;
mod assets;
mod base_statistics;
mod board;
mod form;
mod frame;
mod ladder_svg;
mod pages;
mod rows;
mod sync_tree;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::{Error, HttpResponse, Route, Scope, web};

#[cfg(test)]
pub use board::Row;
pub use board::{Board, Part, View, Window, board};
pub use frame::PageProblem;
pub use ladder_svg::ladder_svg;
pub use words::state_word;

use crate::access::{self, Need};
use crate::problem::{BAD_REQUEST, METHOD_NOT_ALLOWED, NOT_AUTHENTICATED, NOT_FOUND, Problem};
use crate::site::Site;
use crate::{live, rest};
use pages::{
    air, base_station, calls, features, help, import, login, native_base, phone_book, plant, provisioning,
    rooms, texts, tokens, users,
};

/// One row of the table of pages.
struct PageRow {
    method: Method,
    path: &'static str,
    need: Need,
    twin: Option<&'static str>,
    route: Route,
}

/// Every page and every act on a page: method, path, who may, REST twin, handler.
fn table() -> Vec<PageRow> {
    use Need::{Nothing, Scope};
    let page = |path, need, route: Route| row(Method::GET, path, need, None, route);
    let act = |path, need, twin, route: Route| row(Method::POST, path, need, Some(twin), route);
    let (see, edit, config) = (Scope("calls:read"), Scope("users:write"), Scope("config:write"));
    let route = web::route;
    vec![
        page("/", see, route().to(plant::overview)),
        page("/calls", see, route().to(calls::list)),
        page("/calls/{id}", Scope("traces:read"), route().to(calls::one)),
        act("/calls/{id}/hang-up", Scope("calls:control"), "DELETE /calls/{id}", route().to(calls::hang_up)),
        page("/base-stations", see, route().to(plant::base_stations)),
        page("/base-station/{id}", config, route().to(base_station::form)),
        act("/base-station/{id}", config, "PATCH /base-stations/{id}", route().to(base_station::save)),
        act(
            "/base-station/{id}/resync",
            config,
            "POST /base-stations/{id}/resync",
            route().to(provisioning::resync),
        ),
        page("/set-up", config, route().to(provisioning::page)),
        act("/set-up", config, "POST /provisioning", route().to(provisioning::open)),
        act("/set-up/{mac}/close", config, "DELETE /provisioning/{mac}", route().to(provisioning::close)),
        page("/handsets", see, route().to(plant::handsets)),
        page("/capacity", see, route().to(plant::capacity)),
        page("/native-base-stations", see, route().to(air::bases)),
        act("/native-base-stations", Scope("admin"), "POST /enrolments", route().to(air::enrol)),
        page("/native-base-stations/capture", Scope("traces:read"), route().to(air::capture)),
        page("/native-base-station/{id}", see, route().to(native_base::page)),
        act(
            "/native-base-station/{id}/duty",
            Scope("admin"),
            "PATCH /native-base-stations/{id}",
            route().to(native_base::set_duty),
        ),
        page("/subscriptions", Scope("users:read"), route().to(air::subscriptions)),
        act("/subscriptions/window", edit, "PUT /subscription-window", route().to(air::open_window)),
        act(
            "/subscriptions/window/close",
            edit,
            "DELETE /subscription-window",
            route().to(air::close_window),
        ),
        act("/subscriptions/claim", edit, "POST /subscription-window/claims", route().to(air::claim)),
        page("/subscriptions/{ipei}/delete", edit, route().to(air::delete_form)),
        act("/subscriptions/{ipei}/delete", edit, "DELETE /subscriptions/{ipei}", route().to(air::delete)),
        page("/users", Scope("users:read"), route().to(users::list)),
        page("/users/add", edit, route().to(users::add_form)),
        act("/users/add", edit, "POST /users", route().to(users::add)),
        page("/user/{username}", edit, route().to(users::edit_form)),
        act("/user/{username}", edit, "PATCH /users/{username}", route().to(users::edit)),
        page("/user/{username}/delete", edit, route().to(users::delete_form)),
        act("/user/{username}/delete", edit, "DELETE /users/{username}", route().to(users::delete)),
        act(
            "/user/{username}/forwarding",
            edit,
            "PUT /users/{username}/forwarding",
            route().to(features::set_forwarding),
        ),
        act("/user/{username}/lines", edit, "PUT /users/{username}/lines", route().to(features::set_lines)),
        act(
            "/user/{username}/calls/clear",
            edit,
            "DELETE /users/{username}/calls",
            route().to(features::clear_calls),
        ),
        act(
            "/user/{username}/message-waiting/clear",
            edit,
            "DELETE /users/{username}/message-waiting",
            route().to(features::clear_mailbox),
        ),
        page("/feature-codes", Scope("users:read"), route().to(features::codes)),
        page("/rooms", see, route().to(rooms::list)),
        act("/rooms", edit, "POST /rooms", route().to(rooms::add)),
        page("/rooms/{name}", see, route().to(rooms::one)),
        act("/rooms/{name}/delete", edit, "DELETE /rooms/{name}", route().to(rooms::delete)),
        act(
            "/rooms/{name}/members/{id}/mute",
            Scope("calls:control"),
            "PATCH /rooms/{name}/members/{id}",
            route().to(rooms::mute),
        ),
        act(
            "/rooms/{name}/members/{id}/remove",
            Scope("calls:control"),
            "DELETE /rooms/{name}/members/{id}",
            route().to(rooms::remove),
        ),
        page("/users/import", edit, route().to(import::form)),
        act("/users/import", edit, "POST /imports", route().to(import::upload)),
        page("/users/import/{id}", edit, route().to(import::preview)),
        act("/users/import/{id}/apply", edit, "POST /imports/{id}/apply", route().to(import::apply)),
        act("/users/import/{id}/discard", edit, "DELETE /imports/{id}", route().to(import::discard)),
        page("/phone-book", Scope("users:read"), route().to(phone_book::list)),
        page("/phone-book/export", Scope("users:read"), route().to(phone_book::export)),
        page("/phone-book/add", edit, route().to(phone_book::add_form)),
        act("/phone-book/add", edit, "POST /phone-book/entries", route().to(phone_book::add)),
        page("/phone-book/entry/{id}", edit, route().to(phone_book::edit_form)),
        act("/phone-book/entry/{id}", edit, "PUT /phone-book/entries/{id}", route().to(phone_book::edit)),
        act(
            "/phone-book/entry/{id}/delete",
            edit,
            "DELETE /phone-book/entries/{id}",
            route().to(phone_book::delete),
        ),
        page("/phone-book/import", edit, route().to(phone_book::import_form)),
        act("/phone-book/import", edit, "POST /phone-book/import", route().to(phone_book::import)),
        act("/phone-book/sync", edit, "POST /phone-book/sync", route().to(phone_book::sync)),
        page("/messages", Scope("traces:read"), route().to(texts::list)),
        act("/messages", Scope("calls:control"), "POST /messages", route().to(texts::send)),
        act(
            "/messages/{id}/withdraw",
            Scope("calls:control"),
            "DELETE /messages/{id}",
            route().to(texts::withdraw),
        ),
        act(
            "/messages/{id}/confirm",
            Scope("calls:control"),
            "POST /messages/{id}/confirm",
            route().to(texts::confirm),
        ),
        page("/tokens", Scope("admin"), route().to(tokens::list)),
        act("/tokens", Scope("admin"), "POST /tokens", route().to(tokens::create)),
        act("/tokens/{id}/revoke", Scope("admin"), "DELETE /tokens/{id}", route().to(tokens::revoke)),
        page("/login", Nothing, route().to(login::form)),
        act("/login", Nothing, "POST /session", route().to(login::log_in)),
        page("/login/{word}", Nothing, route().to(login::link)),
        act("/login/{word}", Nothing, "POST /session", route().to(login::open_link)),
        act("/logout", Nothing, "DELETE /session", route().to(login::log_out)),
        page("/help/problems", Nothing, route().to(help::problems)),
        page("/help/problems/{code}", Nothing, route().to(help::problem)),
    ]
}

fn row(method: Method, path: &'static str, need: Need, twin: Option<&'static str>, route: Route) -> PageRow {
    let route = route.guard(rest::guard_of(&method));
    PageRow { method, path, need, twin, route }
}

/// What a test may know of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageNote {
    /// `GET` or `POST`.
    pub method: String,
    /// Its address.
    pub path: &'static str,
    /// The REST operation that does the same, for acts.
    pub twin: Option<&'static str>,
    /// Whether it works without log-in.
    pub public: bool,
}

/// Every page and act.
pub fn page_routes() -> Vec<PageNote> {
    let note = |row: PageRow| PageNote {
        method: row.method.to_string(),
        path: row.path,
        twin: row.twin,
        public: row.need == Need::Nothing,
    };
    table().into_iter().map(note).collect()
}

/// Adds pages, the stream and static files to `scope`.
pub fn routes<T>(scope: Scope<T>, site: &web::Data<Site>) -> Scope<T>
where
    T: actix_web::dev::ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse,
            Error = Error,
            InitError = (),
        > + 'static,
{
    let mut needs = BTreeMap::new();
    let mut resources: BTreeMap<&str, Vec<Route>> = BTreeMap::new();
    for PageRow { method, path, need, route, .. } in table() {
        needs.insert((path.to_owned(), method.to_string()), need);
        resources.entry(path).or_default().push(route);
    }
    let stream = "/ui/stream";
    needs.insert((stream.to_owned(), "GET".to_owned()), Need::Scope("calls:read"));
    resources.insert(stream, vec![web::get().to(live::open)]);

    let mut pages = web::scope("").app_data(query_errors()).app_data(form_errors());
    for (path, routes) in resources {
        let resource = routes.into_iter().fold(web::resource(path), |resource, route| resource.route(route));
        pages = pages.service(resource.default_service(web::to(wrong_method)));
    }
    let (site, needs) = (site.clone(), Arc::new(needs));
    let gated = pages.default_service(web::to(nothing_here)).wrap(from_fn(move |request, next| {
        let need = need_of(&needs, &request);
        gate(site.clone(), need, request, next)
    }));
    let files = web::resource("/static/{name}").wrap(Compress::default()).route(web::get().to(assets::get));
    scope.service(files).service(gated)
}

fn need_of(needs: &BTreeMap<(String, String), Need>, request: &ServiceRequest) -> Need {
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let key = request.match_pattern().map(|pattern| (pattern, method.to_string()));
    key.and_then(|key| needs.get(&key).copied()).unwrap_or(Need::Nothing)
}

/// Lets those in who may; sends people who are not logged in to the log-in page.
async fn gate<B: MessageBody + 'static>(
    site: web::Data<Site>,
    need: Need,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let Err(problem) = access::check(&site, &request, need).await else {
        return Ok(access::in_time(request, next).await?.map_into_left_body());
    };
    let for_people = request.path() != "/ui/stream";
    let response = match problem.kind == &NOT_AUTHENTICATED && for_people {
        true => see_other(&login_for(&request)),
        false => PageProblem(problem).response(),
    };
    Ok(request.into_response(response).map_into_right_body())
}

/// The log-in page, which leads back to the page that was wanted.
fn login_for(request: &ServiceRequest) -> String {
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    match (request.method() == Method::GET, wanted) {
        (true, "/") | (false, _) => "/login".to_owned(),
        (true, wanted) => format!("/login?next={}", rest::in_query(wanted)),
    }
}

/// 303: the browser GETs `place`.
pub fn see_other(place: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, place)).finish()
}

fn query_errors() -> web::QueryConfig {
    let problem = |error| Problem::new(&BAD_REQUEST, format!("the query is wrong: {error}"));
    web::QueryConfig::default().error_handler(move |error, _| PageProblem(problem(error)).into())
}

fn form_errors() -> web::FormConfig {
    let problem = |error| Problem::new(&BAD_REQUEST, format!("the form cannot be read: {error}"));
    web::FormConfig::default()
        .limit(64 * 1024)
        .error_handler(move |error, _| PageProblem(problem(error)).into())
}

async fn wrong_method() -> HttpResponse {
    PageProblem(Problem::new(&METHOD_NOT_ALLOWED, "open this page by its link or form")).response()
}

async fn nothing_here() -> HttpResponse {
    PageProblem(Problem::new(&NOT_FOUND, "there is no page at this address")).response()
}
