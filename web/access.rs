//! Who asks, and may they: bearer tokens for programs, a session cookie for browsers.
//!
//! This runs before a handler and before any body is read. `Authorization` and the cookie are wrapped in
//! [`Pii`] at once and never logged.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use kirkwall_actors::desk::{Bearer, CheckSession, CheckToken};
use kirkwall_core::pii::Pii;

use crate::problem::{CROSS_SITE, NOT_AUTHENTICATED, NOT_PERMITTED, Problem, TOO_SLOW};
use crate::service::ask;
use crate::site::Site;

/// Name of the session cookie. The prefix makes browsers insist on Secure, Path=/ and no Domain
/// (RFC 6265bis §4.1.3.2).
pub const COOKIE: &str = "__Host-kirkwall";

/// Whom an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everybody, without log-in.
    Nothing,
    /// Anybody who is recognised.
    Anybody,
    /// Whoever has this scope.
    Scope(&'static str),
}

impl Need {
    /// For documents: the scope, or none.
    pub const fn scope(self) -> Option<&'static str> {
        match self {
            Self::Scope(scope) => Some(scope),
            Self::Nothing | Self::Anybody => None,
        }
    }
}

/// Time for a request to come whole and be answered. Streams go on after that: they are answers.
const WHOLE: Duration = Duration::from_secs(90);

/// Passes a request on, but does not wait for a body that trickles.
pub async fn in_time<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let late = |_| Problem::new(&TOO_SLOW, "the request had not come whole within 90 seconds");
    tokio::time::timeout(WHOLE, next.call(request)).await.map_err(late)?
}

/// Whoever asks, for handlers behind [`check`].
#[derive(Debug, Clone)]
pub struct Caller(pub Bearer);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<Bearer>().cloned();
        ready(known.map(Self).ok_or_else(nobody))
    }
}

/// Recognises whoever sends `request` by token or session and asks whether `need` is met.
pub async fn check(site: &Site, request: &ServiceRequest, need: Need) -> Result<(), Problem> {
    if need == Need::Nothing {
        return Ok(());
    }
    let bearer = recognise(site, request.request(), need).await?;
    request.extensions_mut().insert(bearer);
    Ok(())
}

/// Whoever sends `request`, by token or session, if `need` is met.
pub async fn recognise(site: &Site, request: &HttpRequest, need: Need) -> Result<Bearer, Problem> {
    let bearer = match bearer_token(request)? {
        Some(token) => by_token(site, token).await?,
        None => by_session(site, request).await?,
    };
    permitted(&bearer, need)?;
    Ok(bearer)
}

/// Refuses who may not do what `need` says.
pub fn permitted(bearer: &Bearer, need: Need) -> Result<(), Problem> {
    match need.scope() {
        Some(scope) if !bearer.may(scope) => {
            Err(Problem::new(&NOT_PERMITTED, format!("this needs the scope {scope}")))
        }
        _ => Ok(()),
    }
}

async fn by_token(site: &Site, token: Pii<String>) -> Result<Bearer, Problem> {
    let wrong = || Problem::new(&NOT_AUTHENTICATED, "the token is wrong, expired or revoked");
    ask(&site.desk.check_token, CheckToken(token)).await?.ok_or_else(wrong)
}

/// By the session cookie. A change by cookie must come from our own pages.
async fn by_session(site: &Site, request: &HttpRequest) -> Result<Bearer, Problem> {
    let secret = session_secret(request).ok_or_else(nobody)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        same_origin(request)?;
    }
    let ended = || Problem::new(&NOT_AUTHENTICATED, "the session has ended; log in again");
    ask(&site.desk.check_session, CheckSession(secret)).await?.ok_or_else(ended)
}

fn nobody() -> Problem {
    Problem::new(&NOT_AUTHENTICATED, "send an API token as “Authorization: Bearer TOKEN”, or log in")
}

/// The token of the Authorization header (RFC 6750 §2.1), if there is such a header.
fn bearer_token(request: &HttpRequest) -> Result<Option<Pii<String>>, Problem> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else { return Ok(None) };
    let split = value.to_str().ok().and_then(|text| text.split_once(' '));
    match split {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(Pii(token.trim().to_owned())))
        }
        _ => Err(Problem::new(&NOT_AUTHENTICATED, "the Authorization header must read “Bearer TOKEN”")),
    }
}

/// The value of the session cookie.
pub fn session_secret(request: &HttpRequest) -> Option<Pii<String>> {
    request.cookie(COOKIE).map(|cookie| Pii(cookie.value().to_owned()))
}

/// A change from a browser must come from our own pages: Sec-Fetch-Site says so, or Origin names this host.
pub fn same_origin(request: &HttpRequest) -> Result<(), Problem> {
    if came_from_here(request) == Some(true) {
        return Ok(());
    }
    let detail = "a change by session needs “Sec-Fetch-Site: same-origin” or an Origin that matches Host";
    Err(Problem::new(&CROSS_SITE, detail))
}

/// As [`same_origin`], but programs that send neither header pass: there is no session to abuse yet.
pub fn not_cross_site(request: &HttpRequest) -> Result<(), Problem> {
    match came_from_here(request) {
        Some(false) => same_origin(request),
        Some(true) | None => Ok(()),
    }
}

/// Whether a browser says that the request came from our own pages; `None` when it says nothing.
fn came_from_here(request: &HttpRequest) -> Option<bool> {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or(""));
    if let Some(site) = text("sec-fetch-site") {
        return Some(site == "same-origin");
    }
    let origin = text("origin")?;
    let host = request.connection_info().host().to_owned();
    Some(origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(&host)))
}

/// The cookie that opens a session.
pub fn session_cookie(secret: &Pii<String>) -> Cookie<'static> {
    let cookie = Cookie::build(COOKIE, secret.0.clone());
    cookie.path("/").secure(true).http_only(true).same_site(SameSite::Strict).finish()
}

/// The cookie that removes it.
pub fn no_cookie() -> Cookie<'static> {
    let mut cookie = session_cookie(&Pii(String::new()));
    cookie.make_removal();
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn came(headers: &[(&'static str, &'static str)]) -> Option<bool> {
        let all = headers.iter().fold(TestRequest::post(), |request, header| request.insert_header(*header));
        came_from_here(&all.to_http_request())
    }

    #[test]
    fn a_change_must_come_from_our_own_pages() {
        assert_eq!(came(&[("sec-fetch-site", "same-origin")]), Some(true));
        assert_eq!(
            came(&[("sec-fetch-site", "same-site"), ("origin", "https://a"), ("host", "a")]),
            Some(false)
        );
        assert_eq!(came(&[("origin", "https://a:8443"), ("host", "a:8443")]), Some(true));
        assert_eq!(came(&[("origin", "https://evil"), ("host", "a:8443")]), Some(false));
        assert_eq!(came(&[("origin", "null"), ("host", "a:8443")]), Some(false));
        assert_eq!(came(&[]), None);
    }

    #[test]
    fn the_cookie_is_for_this_host_only() {
        let text = session_cookie(&Pii("s".into())).to_string();
        assert_eq!(text, "__Host-kirkwall=s; HttpOnly; SameSite=Strict; Secure; Path=/");
    }
}
