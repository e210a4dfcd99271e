//! `/calls`: standing and ended calls, their messages, hanging up.

use actix_web::{HttpRequest, HttpResponse, web};
use kirkwall_actors::desk::{CallDetail, CallsWanted, MediaView, PlaceCall};
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::{CallSummary, Party};
use kirkwall_core::id::CallRef;
use kirkwall_core::media::Codec;
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, made, make};
use super::body::Fields;
use super::openapi::Problems;
use super::page::{self, List};
use super::users::DryRun;
use crate::access::Caller;
use crate::clock::{now, rfc3339};
use crate::problem::{FieldError, NOT_FOUND, Problem};
use crate::service::calls as service;
use crate::site::Site;
use crate::ui::{ladder_svg, state_word};

/// A call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallJson {
    /// Its name in addresses.
    pub id: String,
    /// `setting_up`, `dialling`, `ringing`, `talking`, `ending` or `ended`.
    pub state: &'static str,
    /// Who called.
    pub caller: PartyJson,
    /// Who was called, or answered.
    pub callee: PartyJson,
    /// When the call came.
    #[schema(format = DateTime)]
    pub started: String,
    /// When it was answered.
    #[schema(format = DateTime)]
    pub answered: Option<String>,
    /// When it was over.
    #[schema(format = DateTime)]
    pub ended: Option<String>,
    /// Seconds from answer to end, or to now; 0 if it was not answered.
    pub duration: f64,
    /// Codec of either side.
    pub codecs: SidesCodec,
    /// Whether the media of either side is encrypted.
    pub srtp: SidesSrtp,
    /// Why it ended.
    pub cause: Option<CauseJson>,
}

/// One end of a call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Party)]
pub struct PartyJson {
    /// Number or user part.
    pub number: String,
    /// Display name, possibly empty.
    pub display: String,
    /// The whole URI, when the number alone would not reach it: a user of another domain.
    pub uri: Option<String>,
    /// The user of this switch, when it is one.
    pub user: Option<String>,
    /// Base station that carries it, when it is a handset.
    pub base_station: Option<String>,
}

/// Codecs, `PCMA`, `PCMU` or `G722`; null until agreed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SidesCodec {
    /// Towards the caller.
    #[schema(value_type = Option<String>)]
    pub caller: Option<Codec>,
    /// Towards the callee.
    #[schema(value_type = Option<String>)]
    pub callee: Option<Codec>,
}

/// Encryption.
#[derive(Debug, Serialize, ToSchema)]
pub struct SidesSrtp {
    /// Towards the caller.
    pub caller: bool,
    /// Towards the callee.
    pub callee: bool,
}

/// Why a call ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cause)]
pub struct CauseJson {
    /// SIP status; 200 for a normal end.
    pub status: u16,
    /// ISDN cause (ITU-T Q.850).
    pub q850: u8,
    /// In words.
    pub words: String,
}

/// A call with its media.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallWithMedia {
    /// As in lists.
    #[serde(flatten)]
    pub call: CallJson,
    /// Counters of either side, while known.
    pub media: Vec<MediaJson>,
}

/// How the media of one side fares.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Media)]
pub struct MediaJson {
    /// `caller` or `callee`.
    pub side: &'static str,
    /// Packets that came from that side and were taken.
    pub packets_received: u64,
    /// Packets sent to it.
    pub packets_sent: u64,
    /// Packets that should have come and did not.
    pub packets_lost: u64,
    /// Packets refused: strangers, bad authentication, replays, clear RTP where SRTP is agreed.
    pub packets_refused: u64,
    /// Interarrival jitter in milliseconds (RFC 3550 §6.4.1).
    pub jitter_ms: f64,
    /// Where its packets come from, once locked.
    pub remote: Option<String>,
}

/// The messages of a call, redacted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ladder)]
pub struct LadderJson {
    /// Which call.
    pub call: String,
    /// Message by message.
    pub messages: Vec<RungJson>,
    /// Messages left out from the middle.
    pub dropped: usize,
}

/// One message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LadderMessage)]
pub struct RungJson {
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Leg number; 0 is the caller's.
    pub leg: u32,
    /// The other end: transport and address.
    pub peer: String,
    /// `in` or `out`, as the switch sees it.
    pub direction: &'static str,
    /// `INVITE`, `180 Ringing (INVITE)`, ….
    pub label: String,
    /// The whole message without credentials and media keys.
    pub text: String,
}

impl From<&CallSummary> for CallJson {
    fn from(call: &CallSummary) -> Self {
        let end = call.ended.unwrap_or_else(now);
        Self {
            id: call.reference.to_string(),
            state: state_word(call.phase),
            caller: PartyJson::from(&call.caller),
            callee: PartyJson::from(&call.callee),
            started: rfc3339(call.started),
            answered: call.answered.map(rfc3339),
            ended: call.ended.map(rfc3339),
            duration: call.answered.map_or(0.0, |answered| end.since(answered).as_millis() as f64 / 1000.0),
            codecs: SidesCodec { caller: call.codecs.0, callee: call.codecs.1 },
            srtp: SidesSrtp { caller: call.srtp.0, callee: call.srtp.1 },
            cause: call.cause.as_ref().map(CauseJson::from),
        }
    }
}

impl From<&Party> for PartyJson {
    fn from(party: &Party) -> Self {
        Self {
            number: party.number.clone(),
            display: party.display.clone(),
            uri: party.uri.clone(),
            user: party.user.as_ref().map(ToString::to_string),
            base_station: party.base.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&Cause> for CauseJson {
    fn from(cause: &Cause) -> Self {
        Self { status: cause.status, q850: cause.q850, words: cause.words.clone() }
    }
}

impl From<&CallDetail> for CallWithMedia {
    fn from(detail: &CallDetail) -> Self {
        let media = detail.media.iter().map(MediaJson::from).collect();
        Self { call: CallJson::from(&detail.summary), media }
    }
}

impl From<&MediaView> for MediaJson {
    fn from(media: &MediaView) -> Self {
        Self {
            side: media.side,
            packets_received: media.packets_received,
            packets_sent: media.packets_sent,
            packets_lost: media.packets_lost,
            packets_refused: media.packets_refused,
            jitter_ms: media.jitter_ms,
            remote: media.remote.clone(),
        }
    }
}

/// Which calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// Those that stand, oldest first.
    #[default]
    Active,
    /// Those that have ended, newest first.
    Ended,
}

impl From<CallState> for CallsWanted {
    fn from(state: CallState) -> Self {
        match state {
            CallState::Active => Self::Active,
            CallState::Ended => Self::Ended,
        }
    }
}

/// Which calls.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CallsQuery {
    /// Standing or ended ones; standing if absent.
    #[serde(default)]
    #[param(inline)]
    state: CallState,
    /// Items of a page, 1 to 1,000; 100 if absent.
    limit: Option<usize>,
    /// From the page before.
    cursor: Option<String>,
}

/// How a ladder is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LadderFormat {
    /// For programs.
    #[default]
    Json,
    /// A drawing.
    Svg,
    /// For a terminal.
    Txt,
}

/// How a ladder is shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LadderQuery {
    /// `json` if absent.
    #[serde(default)]
    #[param(inline)]
    format: LadderFormat,
}

/// Calls.
#[utoipa::path(get, operation_id = "list_calls", path = "/calls", tag = "Calls", params(CallsQuery), security(("token" = ["calls:read"])),
    responses((status = 200, description = "as asked", body = List<CallJson>, headers(("Link" = String, description = "next page"))), Problems))]
pub async fn list(
    site: web::Data<Site>,
    request: HttpRequest,
    query: web::Query<CallsQuery>,
) -> Result<HttpResponse, Problem> {
    let after = page::read_cursor(query.cursor.as_deref())?;
    let found = service::list(&site, query.state.into(), after, page::limit(query.limit)?).await?;
    let last = found.calls.last().filter(|_| found.more);
    let list = List {
        next_cursor: last.map(|call| page::cursor_of(&call.reference.to_string())),
        items: found.calls.iter().map(CallJson::from).collect(),
        total: found.total,
    };
    Ok(page::answer(&request, &list)?.into())
}

/// Who shall talk with whom.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct CallBody {
    /// Whose handset rings first: a username.
    user: String,
    /// Who is called once it is answered: username, number or SIP URI.
    to: String,
}

/// A call by click: rings the user's handsets, and when one is answered calls whom the user wants. The user's rights count.
/// How it goes, `GET /calls/{id}` and the live stream tell.
#[utoipa::path(post, operation_id = "place_call", path = "/calls", tag = "Calls", request_body = CallBody,
    params(DryRun, ("Idempotency-Key" = Option<String>, Header, description = "same key and body, same answer, for 24 hours")),
    security(("token" = ["calls:control"])),
    responses((status = 201, body = CallJson, description = "the handset rings", headers(("Location" = String))),
        (status = 200, body = CallJson, description = "dry run: it would ring"), Problems))]
pub async fn place(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    query: web::Query<DryRun>,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let (user, to) = (fields.needed_text("user"), fields.needed_text("to"));
    make(&site, (&request, &who), query.dry_run, fields, async |dry_run| {
        let user = user.parse().map_err(|error| {
            Problem::fields(vec![FieldError::invalid("user", format!("there is no such user: {error}"))])
        })?;
        let call = service::place(&site, &who, PlaceCall { user, to, dry_run }).await?;
        let place = format!("{}/calls/{}", super::BASE, call.reference);
        Ok((Answer::json(made(dry_run), &CallJson::from(&call))?, place))
    })
    .await
}

/// One call.
#[utoipa::path(get, operation_id = "get_call", path = "/calls/{id}", tag = "Calls", params(("id" = String, Path)),
    security(("token" = ["calls:read"])), responses((status = 200, description = "as asked", body = CallWithMedia), Problems))]
pub async fn get(site: web::Data<Site>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    let call = service::get(&site, named(&id)?).await?;
    Ok(Answer::json(200, &CallWithMedia::from(&call))?.into())
}

/// Hangs a call up.
#[utoipa::path(delete, operation_id = "hang_up_call", path = "/calls/{id}", tag = "Calls", params(("id" = String, Path), DryRun),
    security(("token" = ["calls:control"])), responses((status = 204, description = "done"), Problems))]
pub async fn hang_up(
    site: web::Data<Site>,
    Caller(who): Caller,
    id: web::Path<String>,
    query: web::Query<DryRun>,
) -> Result<HttpResponse, Problem> {
    let call = named(&id)?;
    match query.dry_run {
        true => drop(service::get(&site, call).await?),
        false => service::hang_up(&site, &who, call).await?,
    }
    Ok(Answer::new(204).into())
}

/// The messages of a call.
#[utoipa::path(get, operation_id = "get_ladder", path = "/calls/{id}/ladder", tag = "Calls", params(("id" = String, Path), LadderQuery),
    security(("token" = ["traces:read"])),
    responses((status = 200, description = "as asked", content((LadderJson = "application/json"), (String = "image/svg+xml"),
        (String = "text/plain"))), Problems))]
pub async fn ladder(
    site: web::Data<Site>,
    id: web::Path<String>,
    query: web::Query<LadderQuery>,
) -> Result<HttpResponse, Problem> {
    let ladder = service::ladder(&site, named(&id)?).await?;
    let typed = |sort: &str, body: String| {
        HttpResponse::Ok().content_type(sort).insert_header(("cache-control", "no-store")).body(body)
    };
    Ok(match query.format {
        LadderFormat::Svg => typed("image/svg+xml", ladder_svg(&ladder)),
        LadderFormat::Txt => typed("text/plain; charset=utf-8", ladder.text),
        LadderFormat::Json => {
            let rung = |rung: &kirkwall_core::call::ladder::Rung| RungJson {
                at: rfc3339(Moment::from_micros(rung.at)),
                leg: rung.leg,
                peer: rung.peer.clone(),
                direction: rung.direction,
                label: rung.label.clone(),
                text: rung.text.clone(),
            };
            let (call, dropped) = (ladder.reference.to_string(), ladder.dropped);
            let messages = ladder.rungs.iter().map(rung).collect();
            Answer::json(200, &LadderJson { call, messages, dropped })?.into()
        }
    })
}

/// A reference that cannot be is the reference of no call.
pub fn named(id: &str) -> Result<CallRef, Problem> {
    id.parse().map_err(|_| Problem::new(&NOT_FOUND, format!("there is no call {id}")))
}
