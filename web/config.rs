//! `/config/set?KEY=VALUE`: one setting, by GET or POST, as scripts for older IP-DECT servers change it.
//!
//! Such scripts prove themselves with the administrator's user and password (Basic, RFC 7617). The password here
//! is an API token with scope `admin`; the user name is not looked at, for the token says who it is. An API token
//! as bearer is as good.
//!
//! A GET that changes something is a gift to other web sites: any page may have a browser send one. So
//! * a session's cookie alone is never enough for a GET; for a POST it is, from our own pages;
//! * what a browser says to come from elsewhere is refused, whatever it brings, for browsers send a password that
//!   they know with other sites' requests as well;
//! * browsers are not asked for a password by the challenge, so that they come to know none.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, guard, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kirkwall_actors::desk::Bearer;
use kirkwall_core::pii::Pii;

use crate::access::{self, Need};
use crate::problem::{BAD_REQUEST, METHOD_NOT_ALLOWED, NOT_AUTHENTICATED, Problem};
use crate::rest::{Answer, SettingJson};
use crate::service::{access as access_service, settings as service};
use crate::site::Site;

/// The address.
pub fn scope() -> actix_web::Scope {
    // HEAD is left out: it must change nothing (RFC 9110 §9.2.1).
    let either = guard::Any(guard::Get()).or(guard::Post());
    let set = web::resource("/set")
        .route(web::route().guard(either).to(set))
        .default_service(web::to(wrong_method));
    web::scope("/config").service(set)
}

async fn set(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    match change(&site, &request).await {
        Ok(answer) => answer.into(),
        Err(problem) => refused(&request, &problem),
    }
}

async fn change(site: &Site, request: &HttpRequest) -> Result<Answer, Problem> {
    let who = administrator(site, request).await?;
    let (name, value) = wish(request.query_string())?;
    let setting = service::change(site, &who, name, value).await?;
    Answer::json(200, &SettingJson::from(&setting))
}

/// Who asks, and may he? See the module.
async fn administrator(site: &Site, request: &HttpRequest) -> Result<Bearer, Problem> {
    access::not_cross_site(request)?;
    if let Some(password) = basic(request)? {
        return access_service::administrator(site, password).await;
    }
    if request.method() == Method::GET && !request.headers().contains_key(header::AUTHORIZATION) {
        let detail = "send an administrator's user and password (Basic; the password is an API token with the scope \
                      admin), or an API token as “Authorization: Bearer TOKEN”; a session alone does not do";
        return Err(Problem::new(&NOT_AUTHENTICATED, detail));
    }
    access::recognise(site, request, Need::Scope("config:write")).await
}

/// The password of Basic (RFC 7617 §2): base64 of user, colon, password. None: another scheme, or none.
fn basic(request: &HttpRequest) -> Result<Option<Pii<String>>, Problem> {
    let value = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, coded)) = value.and_then(|text| text.split_once(' ')) else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let pair = STANDARD.decode(coded.trim()).ok().and_then(|octets| String::from_utf8(octets).ok());
    // "a user-id containing a colon character is invalid, as the first colon in a user-pass string separates"
    let password = pair.as_ref().and_then(|pair| pair.split_once(':')).map(|(_, word)| Pii(word.to_owned()));
    let unreadable = || Problem::new(&NOT_AUTHENTICATED, "after Basic comes USER:PASSWORD in base64");
    password.map(Some).ok_or_else(unreadable)
}

fn wish(query: &str) -> Result<(String, String), Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map(web::Query::into_inner);
    match <[_; 1]>::try_from(pairs.unwrap_or_default()) {
        Ok([wish]) => Ok(wish),
        Err(_) => {
            let detail = "name one setting and its value: /config/set?sip.media.rfc3489=true";
            Err(Problem::new(&BAD_REQUEST, detail))
        }
    }
}

/// Programs that wait for a challenge before they show a password get one; browsers do not.
fn refused(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    let mut response = problem.error_response();
    let browser =
        request.headers().contains_key("sec-fetch-site") || request.headers().contains_key("origin");
    if problem.kind == &NOT_AUTHENTICATED && !browser {
        let challenge = HeaderValue::from_static("Basic realm=\"kirkwall\", charset=\"UTF-8\"");
        response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

async fn wrong_method() -> Result<HttpResponse, Problem> {
    let problem = Problem::new(&METHOD_NOT_ALLOWED, "this address understands GET and POST");
    Err(Problem { allow: Some("GET, POST".to_owned()), ..problem })
}
