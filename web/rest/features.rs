//! `/users/{username}/forwarding`, `/users/{username}/calls`, `/feature-codes`: what people set at their
//! handsets, and the calls that they made and missed.

use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_actors::desk::{ClearCallLog, ListCallLog, SetForwarding};
use kirkwall_core::call::dialling::CodeLine;
use kirkwall_core::call::forward::{Forwarding, NO_ANSWER_SECONDS};
use kirkwall_core::call::log::{LogEntry, LogKind};
use kirkwall_core::id::CallRef;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Answer;
use super::body::Fields;
use super::openapi::Problems;
use super::page::{self, List};
use super::users::named;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::{FieldError, Problem};
use crate::service::features as service;
use crate::site::Site;

/// Where a user's calls go. A null is not set.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Forwarding)]
pub struct ForwardingJson {
    /// Every call: a number, a username or a SIP URI that the user may call.
    pub always: Option<String>,
    /// Calls while the handset is busy or its base station full.
    pub busy: Option<String>,
    /// Calls that nobody answers.
    pub no_answer: Option<String>,
    /// Seconds until then, 5 to 120; initially 20.
    pub no_answer_seconds: u16,
    /// Calls while no handset is registered or can be reached.
    pub out_of_range: Option<String>,
    /// Callers are told that the user is busy. Emergency desks that call back ring all the same.
    pub do_not_disturb: bool,
    /// A call may wait while the user is in another one; initially true. Who forwards calls while busy has none
    /// that wait.
    pub call_waiting: bool,
}

impl From<Forwarding> for ForwardingJson {
    fn from(set: Forwarding) -> Self {
        Self {
            always: set.always,
            busy: set.busy,
            no_answer: set.no_answer,
            no_answer_seconds: set.no_answer_seconds,
            out_of_range: set.out_of_range,
            do_not_disturb: set.do_not_disturb,
            call_waiting: set.call_waiting,
        }
    }
}

/// A code that handsets dial.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeatureCode {
    /// Its key in `[dialling.codes]`.
    pub feature: &'static str,
    /// What is dialled; words in capitals stand for digits.
    pub set: String,
    /// What takes it back.
    pub cancel: Option<String>,
    /// What it does.
    pub description: &'static str,
}

impl From<CodeLine> for FeatureCode {
    fn from(line: CodeLine) -> Self {
        Self { feature: line.feature, set: line.set, cancel: line.cancel, description: line.what }
    }
}

/// One call in a user's log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogCall {
    /// The call's name, as under `/calls` while that is kept.
    pub call: String,
    /// `placed`, `received`, `missed`, or `elsewhere`: answered or declined in the user's place.
    pub kind: &'static str,
    /// The other end's number or user part.
    pub number: String,
    /// The other end's name, possibly empty.
    pub name: String,
    /// The other end's whole URI, where the number alone would not reach it.
    pub uri: Option<String>,
    /// The URI has more than 64 characters: handsets with that limit show the name alone and do not redial.
    pub long_uri: bool,
    /// When the call came.
    #[schema(format = DateTime)]
    pub started: String,
    /// Seconds talked; null: not at all.
    pub seconds: Option<u64>,
    /// Whether a forward of the user's sent it elsewhere.
    pub forwarded: bool,
}

/// Characters of a URI that every handset of the market saves and redials, with `sip:`.
const NARROW_URI: usize = 64;

impl From<&LogEntry> for LogCall {
    fn from(entry: &LogEntry) -> Self {
        Self {
            call: entry.call.to_string(),
            kind: entry.kind.as_str(),
            number: entry.number.clone(),
            name: entry.name.clone(),
            uri: entry.uri.clone(),
            long_uri: entry.address().chars().count() > NARROW_URI,
            started: rfc3339(entry.started),
            seconds: entry.seconds,
            forwarded: entry.forwarded,
        }
    }
}

/// Which calls.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// `placed`, `received`, `missed` or `elsewhere`; all if absent.
    kind: Option<String>,
    /// Items of a page, 1 to 1,000; 100 if absent.
    limit: Option<usize>,
    /// From the page before.
    cursor: Option<String>,
}

/// Which calls go.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClearQuery {
    /// `placed`, `received`, `missed` or `elsewhere`; all if absent.
    kind: Option<String>,
}

/// Where a user's calls go.
#[utoipa::path(get, operation_id = "get_forwarding", path = "/users/{username}/forwarding", tag = "Users", params(("username" = String, Path)),
    security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = ForwardingJson), Problems))]
pub async fn get_forwarding(site: web::Data<Site>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let set = service::forwarding(&site, named(&path)?).await?;
    Ok(Answer::json(200, &ForwardingJson::from(set))?.into())
}

/// Sets all of it; absent members take their initial values. The user's handset may change it at any time
/// too, so there is no ETag: the last word counts.
#[utoipa::path(put, operation_id = "replace_forwarding", path = "/users/{username}/forwarding", tag = "Users", request_body = ForwardingJson,
    params(("username" = String, Path)), security(("token" = ["users:write"])),
    responses((status = 200, description = "as it is now", body = ForwardingJson), Problems))]
pub async fn replace_forwarding(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let user = named(&path)?;
    let mut target =
        |name: &str| fields.text(name).map(|to| to.trim().to_owned()).filter(|to| !to.is_empty());
    let forwarding = Forwarding {
        always: target("always"),
        busy: target("busy"),
        no_answer: target("no_answer"),
        out_of_range: target("out_of_range"),
        no_answer_seconds: fields.number("no_answer_seconds").unwrap_or(NO_ANSWER_SECONDS),
        do_not_disturb: fields.flag("do_not_disturb").unwrap_or(false),
        call_waiting: fields.flag("call_waiting").unwrap_or(true),
    };
    fields.finish()?;
    let set = service::set_forwarding(&site, &who, SetForwarding { user, forwarding }).await?;
    Ok(Answer::json(200, &ForwardingJson::from(set))?.into())
}

/// The codes that handsets dial.
#[utoipa::path(get, operation_id = "list_feature_codes", path = "/feature-codes", tag = "Users", security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = Vec<FeatureCode>), Problems))]
pub async fn codes(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let codes: Vec<FeatureCode> = service::codes(&site).await?.into_iter().map(FeatureCode::from).collect();
    Ok(Answer::json(200, &codes)?.into())
}

/// A user's calls, newest first.
#[utoipa::path(get, operation_id = "list_user_calls", path = "/users/{username}/calls", tag = "Users",
    params(("username" = String, Path), LogQuery), security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = List<LogCall>, headers(("Link" = String, description = "next page"))), Problems))]
pub async fn list_calls(
    site: web::Data<Site>,
    request: HttpRequest,
    path: web::Path<String>,
    query: web::Query<LogQuery>,
) -> Result<HttpResponse, Problem> {
    let after: Option<CallRef> = page::read_cursor(query.cursor.as_deref())?;
    let wanted = ListCallLog {
        user: named(&path)?,
        kind: kind(query.kind.as_deref())?,
        after,
        limit: page::limit(query.limit)?,
    };
    let found = service::log(&site, wanted).await?;
    let last = found.entries.last().filter(|_| found.more);
    let list = List {
        next_cursor: last.map(|entry| page::cursor_of(&entry.call.to_string())),
        items: found.entries.iter().map(LogCall::from).collect(),
        total: found.total,
    };
    Ok(page::answer(&request, &list)?.into())
}

/// Takes calls out of a user's log.
#[utoipa::path(delete, operation_id = "clear_user_calls", path = "/users/{username}/calls", tag = "Users",
    params(("username" = String, Path), ClearQuery), security(("token" = ["users:write"])),
    responses((status = 204, description = "done"), Problems))]
pub async fn clear_calls(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    query: web::Query<ClearQuery>,
) -> Result<HttpResponse, Problem> {
    let order = ClearCallLog { user: named(&path)?, kind: kind(query.kind.as_deref())? };
    service::clear_log(&site, &who, order).await?;
    Ok(Answer::new(204).into())
}

/// The kind that a word names.
pub fn kind(word: Option<&str>) -> Result<Option<LogKind>, Problem> {
    let Some(word) = word.filter(|word| !word.is_empty()) else { return Ok(None) };
    let known = LogKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    let unknown = || {
        let detail = format!("{word:?} is no kind of call; use placed, received, missed or elsewhere");
        Problem::fields(vec![FieldError::invalid("kind", detail)])
    };
    known.map(Some).ok_or_else(unknown)
}
