//! Lists in pages, entity tags, path parts.

use actix_web::HttpRequest;
use actix_web::http::header;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::problem::{BAD_REQUEST, PRECONDITION_REQUIRED, Problem, STALE};

/// Items of a page without `limit`.
pub const USUAL: usize = 100;
/// Most items of a page.
pub const MOST: usize = 1_000;

/// A list, or one page of it.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    /// What was asked for.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: usize,
    /// `cursor` of the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// All there is, in one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { total: items.len(), items, next_cursor: None }
    }
}

/// How many items a page may have.
pub fn limit(wanted: Option<usize>) -> Result<usize, Problem> {
    match wanted.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit),
        other => Err(Problem::new(&BAD_REQUEST, format!("limit must be 1 to {MOST}, not {other}"))),
    }
}

/// The name of the last item, wrapped up so that nobody builds cursors by hand.
pub fn cursor_of(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

/// What stands in a cursor.
pub fn read_cursor<T: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let wrong = || Problem::new(&BAD_REQUEST, "the cursor is none that was given out; start without one");
    text.and_then(|text| text.parse().ok()).map(Some).ok_or_else(wrong)
}

/// The list with its Link header (RFC 8288): the same query, behind the last item.
pub fn answer<T: Serialize>(request: &HttpRequest, list: &List<T>) -> Result<Answer, Problem> {
    let answer = Answer::json(200, list)?;
    let Some(cursor) = &list.next_cursor else { return Ok(answer) };
    let others = request.query_string().split('&').filter(|part| !part.is_empty());
    let others = others.filter(|part| !part.starts_with("cursor="));
    let next = format!("cursor={cursor}");
    let query = others.chain([next.as_str()]).collect::<Vec<_>>().join("&");
    Ok(answer.header("link", format!("<{}?{query}>; rel=\"next\"", request.path())))
}

/// A strong entity tag (RFC 9110 §8.8.3) of a revision.
pub fn etag(revision: u64) -> String {
    format!("\"{revision}\"")
}

/// The revision that If-Match names; `None` for `*`, which changes whatever is there.
pub fn if_match(request: &HttpRequest) -> Result<Option<u64>, Problem> {
    let missing = || {
        let detail = "send the ETag you saw in If-Match, or “If-Match: *” for any";
        Problem::new(&PRECONDITION_REQUIRED, detail)
    };
    let value = request.headers().get(header::IF_MATCH).ok_or_else(missing)?.to_str().unwrap_or("");
    if value.trim() == "*" {
        return Ok(None);
    }
    // A tag we never gave out can match nothing: that is "stale", not "malformed" (RFC 9110 §13.1.1).
    let revision = value.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let foreign = || Problem::new(&STALE, format!("{value} is not the ETag of what is kept"));
    revision.and_then(|text| text.parse().ok()).map(Some).ok_or_else(foreign)
}
