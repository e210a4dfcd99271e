//! An answer that can be kept and sent again.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use kirkwall_actors::desk::Bearer;
use serde::Serialize;

use super::body::Fields;
use crate::idempotency::{Claim, Idempotency};
use crate::problem::{BAD_REQUEST, Problem};
use crate::site::Site;

/// Status, headers and JSON body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Answer {
    /// Without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// With `value` as JSON.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(value).map_err(Problem::internal)?;
        Ok(Self { body: Some(body), ..Self::new(status) })
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        for (name, value) in answer.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.insert_header((HeaderName::from_static(name), value));
            }
        }
        match answer.body {
            Some(body) => response.content_type("application/json").body(body),
            None => response.finish(),
        }
    }
}

/// The status of a POST that makes something, and of its rehearsal.
pub const fn made(dry_run: bool) -> u16 {
    if dry_run { 200 } else { 201 }
}

/// A POST that makes something: refuses a body with mistakes, works once for each `Idempotency-Key`, and says where it is
/// that was made. `work` is told whether it is a rehearsal.
pub async fn make(
    site: &Site,
    (request, who): (&HttpRequest, &Bearer),
    dry_run: bool,
    fields: Fields,
    work: impl AsyncFnOnce(bool) -> Result<(Answer, String), Problem>,
) -> Result<HttpResponse, Problem> {
    let digest = fields.digest();
    fields.finish()?;
    let work = async {
        let (answer, place) = work(dry_run).await?;
        Ok(if dry_run { answer } else { answer.header("location", place) })
    };
    once(&site.idempotency, request, who, &digest, work).await
}

/// Does `work` once for each `Idempotency-Key`; without the header, each time.
pub async fn once(
    table: &Idempotency,
    request: &HttpRequest,
    who: &Bearer,
    body: &str,
    work: impl Future<Output = Result<Answer, Problem>>,
) -> Result<HttpResponse, Problem> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(work.await?.into()) };
    let unreadable = |_| Problem::new(&BAD_REQUEST, "Idempotency-Key must be visible ASCII characters");
    let key = key.to_str().map_err(unreadable)?;
    let whom = format!("{} {}", who.name, request.uri());
    match table.claim(&whom, key, body)? {
        Claim::Done(answer) => Ok((*answer).header("idempotency-replayed", "true").into()),
        Claim::First(ticket) => {
            let answer = work.await?;
            ticket.keep(&answer);
            Ok(answer.into())
        }
    }
}
