//! Logging in and out.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use kirkwall_core::pii::Pii;
use serde::Deserialize;

use crate::access;
use crate::problem::Problem;
use crate::service::access as service;
use crate::site::Site;
use crate::ui::frame::{Frame, PageProblem, render};
use crate::ui::see_other;

#[derive(Template)]
#[template(path = "login.html")]
struct LogInPage {
    frame: Frame,
    next: String,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "login_link.html")]
struct LinkPage {
    frame: Frame,
}

/// `?next=`
#[derive(Deserialize)]
pub struct NextQuery {
    #[serde(default)]
    next: String,
}

/// The form.
#[derive(Deserialize)]
pub struct TypedWord {
    word: Pii<String>,
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub async fn form(site: web::Data<Site>, query: web::Query<NextQuery>) -> Result<HttpResponse, PageProblem> {
    page(&site, StatusCode::OK, &query.next, None)
}

/// `POST /login`
pub async fn log_in(
    site: web::Data<Site>,
    request: HttpRequest,
    form: web::Form<TypedWord>,
) -> Result<HttpResponse, PageProblem> {
    access::not_cross_site(&request)?;
    let TypedWord { word, next } = form.into_inner();
    match service::log_in(&site, Pii(word.0.trim().to_owned())).await {
        Ok(session) => Ok(enter(&session.secret, own_page(&next))),
        Err(problem) => page(&site, problem.status(), &next, Some(problem)),
    }
}

/// `GET /login/{word}`: a button, for a mail program that looks at links must not use the word up.
pub async fn link(site: web::Data<Site>) -> Result<HttpResponse, PageProblem> {
    render(StatusCode::OK, &LinkPage { frame: Frame::public(&site, "Open the switch") })
}

/// `POST /login/{word}`
pub async fn open_link(
    site: web::Data<Site>,
    request: HttpRequest,
    word: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    access::not_cross_site(&request)?;
    match service::log_in(&site, Pii(word.into_inner())).await {
        Ok(session) => Ok(enter(&session.secret, "/")),
        Err(problem) => page(&site, problem.status(), "", Some(problem)),
    }
}

/// `POST /logout`
pub async fn log_out(site: web::Data<Site>, request: HttpRequest) -> Result<HttpResponse, PageProblem> {
    if let Some(secret) = access::session_secret(&request) {
        access::same_origin(&request)?;
        service::log_out(&site, secret).await?;
    }
    let mut response = see_other("/login");
    // A cookie made of our own name and attributes is always a valid header.
    let _ = response.add_cookie(&access::no_cookie());
    Ok(response)
}

fn enter(secret: &Pii<String>, place: &str) -> HttpResponse {
    let mut response = see_other(place);
    match response.add_cookie(&access::session_cookie(secret)) {
        Ok(()) => response,
        Err(error) => PageProblem(Problem::internal(error)).response(),
    }
}

fn page(
    site: &Site,
    status: StatusCode,
    next: &str,
    problem: Option<Problem>,
) -> Result<HttpResponse, PageProblem> {
    let frame = Frame::public(site, "Log in");
    render(status, &LogInPage { frame, next: own_page(next).to_owned(), problem })
}

/// Only a path of this switch; anything else could send the administrator to a stranger's page.
fn own_page(next: &str) -> &str {
    let path = next.starts_with('/') && !next.starts_with("//");
    if path && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_log_in_only_our_own_pages_are_opened() {
        for stranger in ["https://evil", "//evil", "/\\evil", "evil", "", "/a b", "/a\r\nSet-Cookie: x"] {
            assert_eq!(own_page(stranger), "/", "{stranger}");
        }
        assert_eq!(own_page("/users?q=a"), "/users?q=a");
    }
}
