//! Calls, standing and ended, and one call.

use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::CallsWanted;
use kirkwall_core::call::{CallSummary, Phase};
use serde::Deserialize;

use crate::access::Caller;
use crate::rest::{call_named, cursor_of, read_cursor};
use crate::service::calls as service;
use crate::site::Site;
use crate::ui::board::{Board, ROWS, View, board};
use crate::ui::frame::{Frame, PageProblem, ok};
use crate::ui::rows::talked;
use crate::ui::see_other;
use crate::ui::words::{Clock, Tone, party_words, state_words};

#[derive(Template)]
#[template(path = "calls.html")]
struct Calls {
    frame: Frame,
    board: Board,
}

#[derive(Template)]
#[template(path = "calls_ended.html")]
struct EndedCalls {
    frame: Frame,
    calls: Vec<EndedCall>,
    total: usize,
    next: Option<String>,
}

struct EndedCall {
    reference: String,
    state: &'static str,
    tone: Tone,
    from: String,
    to: String,
    started: Clock,
    talked: String,
    cause: String,
}

#[derive(Template)]
#[template(path = "call.html")]
struct Call {
    frame: Frame,
    board: Board,
    reference: String,
    stands: bool,
}

/// `?state=active|ended`
#[derive(Deserialize)]
pub struct CallsQuery {
    #[serde(default)]
    state: String,
    cursor: Option<String>,
}

/// `GET /calls`
pub async fn list(
    site: web::Data<Site>,
    Caller(who): Caller,
    query: web::Query<CallsQuery>,
) -> Result<HttpResponse, PageProblem> {
    if query.state == "ended" {
        return ended(&site, Frame::new(&site, &who, "/calls", "Ended calls"), query.cursor.as_deref()).await;
    }
    let board = board(&site, &View::Calls).await?;
    let frame = Frame::new(&site, &who, "/calls", "Calls");
    ok(&Calls { frame: frame.live(&View::Calls).api("GET /api/v1/calls?state=active"), board })
}

async fn ended(site: &Site, frame: Frame, cursor: Option<&str>) -> Result<HttpResponse, PageProblem> {
    let found = service::list(site, CallsWanted::Ended, read_cursor(cursor)?, ROWS).await?;
    let last = found.calls.last().filter(|_| found.more);
    ok(&EndedCalls {
        frame: frame.api("GET /api/v1/calls?state=ended"),
        next: last.map(|call| cursor_of(&call.reference.to_string())),
        calls: found.calls.iter().map(EndedCall::of).collect(),
        total: found.total,
    })
}

impl EndedCall {
    fn of(call: &CallSummary) -> Self {
        let (state, tone) = state_words(call);
        Self {
            reference: call.reference.to_string(),
            state,
            tone,
            from: party_words(&call.caller),
            to: party_words(&call.callee),
            started: Clock(call.started),
            talked: talked(call).unwrap_or_else(|| "not answered".to_owned()),
            cause: call.cause.as_ref().map_or_else(String::new, |cause| cause.words.clone()),
        }
    }
}

/// `GET /calls/{id}`
pub async fn one(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let reference = call_named(&id)?;
    let summary = service::get(&site, reference).await?.summary;
    let board = board(&site, &View::Call(reference)).await?;
    let (from, to) = (party_words(&summary.caller), party_words(&summary.callee));
    let frame = Frame::new(&site, &who, "/calls", format!("Call from {from} to {to}"));
    let stands = !matches!(summary.phase, Phase::Ended | Phase::Ending);
    let frame = if stands { frame.live(&View::Call(reference)) } else { frame };
    let frame = frame.api("GET /api/v1/calls/{id}/ladder?format=json");
    ok(&Call { frame, board, reference: reference.to_string(), stands })
}

/// `POST /calls/{id}/hang-up`
pub async fn hang_up(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let call = call_named(&id)?;
    service::hang_up(&site, &who, call).await?;
    Ok(see_other(&format!("/calls/{call}")))
}
