//! What every page has around its content, and the page that says why there is none.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use kirkwall_actors::desk::Bearer;

use super::assets;
use super::board::View;
use crate::problem::{FieldError, Problem};
use crate::site::Site;

/// Head, navigation and foot of a page.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// Which entry of the navigation it belongs to.
    pub active: &'static str,
    /// Name of the node.
    pub node: String,
    /// Version of the program; only for those who are logged in.
    pub version: String,
    /// A sentence over every page.
    pub banner: Option<String>,
    /// Who is logged in.
    pub who: Option<String>,
    /// Address of the live stream.
    pub stream: Option<String>,
    /// The same for a program: method and address.
    pub api: Option<&'static str>,
}

/// An entry of the navigation.
pub struct Entry {
    /// Its address.
    pub href: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// A group of the navigation.
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub entries: &'static [Entry],
}

const NAVIGATION: &[Group] = &[
    Group {
        name: "Status",
        entries: &[
            Entry { href: "/", name: "Overview" },
            Entry { href: "/calls", name: "Calls" },
            Entry { href: "/base-stations", name: "Base stations" },
            Entry { href: "/native-base-stations", name: "Native base stations" },
            Entry { href: "/handsets", name: "Handsets" },
            Entry { href: "/lines", name: "Lines" },
            Entry { href: "/messages", name: "Messages" },
            Entry { href: "/capacity", name: "Capacity" },
        ],
    },
    Group {
        name: "Users",
        entries: &[
            Entry { href: "/users", name: "Users" },
            Entry { href: "/users/import", name: "Import" },
            Entry { href: "/subscriptions", name: "Handset subscription" },
            Entry { href: "/feature-codes", name: "Feature codes" },
            Entry { href: "/rooms", name: "Rooms" },
            Entry { href: "/phone-book", name: "Phone book" },
        ],
    },
    Group {
        name: "Administration",
        entries: &[
            Entry { href: "/set-up", name: "Set up base stations" },
            Entry { href: "/tokens", name: "API tokens" },
        ],
    },
];

impl Frame {
    /// Of a page for somebody who is logged in.
    pub fn new(site: &Site, who: &Bearer, active: &'static str, title: impl Into<String>) -> Self {
        let version = site.options.version.clone();
        Self { who: Some(who.name.clone()), version, active, ..Self::public(site, title) }
    }

    /// Of a page for everybody.
    pub fn public(site: &Site, title: impl Into<String>) -> Self {
        let (node, banner) = (site.options.node.clone(), site.options.banner.clone());
        Self { title: title.into(), node, banner, ..Self::default() }
    }

    /// With the stream of that view.
    pub fn live(self, view: &View) -> Self {
        Self { stream: Some(view.stream()), ..self }
    }

    /// With the API call that gives the same.
    pub fn api(self, call: &'static str) -> Self {
        Self { api: Some(call), ..self }
    }

    /// The navigation.
    pub fn groups(&self) -> &'static [Group] {
        NAVIGATION
    }

    /// The address of a static file.
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }
}

/// Renders a page with that status.
pub fn render(status: StatusCode, page: &impl Template) -> Result<HttpResponse, PageProblem> {
    let html = page.render().map_err(|error| PageProblem(Problem::internal(error)))?;
    Ok(html_response(status, html))
}

/// Renders a page.
pub fn ok(page: &impl Template) -> Result<HttpResponse, PageProblem> {
    render(StatusCode::OK, page)
}

fn html_response(status: StatusCode, html: String) -> HttpResponse {
    // Vary: a proxy must not show one administrator's page to another.
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Cookie, HX-Request"))
        .body(html)
}

/// A problem shown as a page.
#[derive(Debug, Clone)]
pub struct PageProblem(pub Problem);

#[derive(Template)]
#[template(path = "problem_page.html")]
struct ProblemPage<'a> {
    frame: Frame,
    status: u16,
    code: &'static str,
    detail: &'a str,
    help: &'static str,
    errors: &'a [FieldError],
    trace_id: String,
}

impl PageProblem {
    /// The page.
    pub fn response(&self) -> HttpResponse {
        let problem = &self.0;
        let page = ProblemPage {
            frame: Frame { title: problem.kind.title.into(), ..Frame::default() },
            status: problem.kind.status,
            code: problem.kind.code,
            detail: &problem.detail,
            help: problem.kind.help,
            errors: &problem.errors,
            trace_id: problem.trace(),
        };
        html_response(problem.status(), page.render().unwrap_or_else(|_| problem.detail.clone()))
    }
}

impl From<Problem> for PageProblem {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl std::fmt::Display for PageProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for PageProblem {
    fn status_code(&self) -> StatusCode {
        self.0.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}
