//! `/subscriptions`, `/subscription-window`: handsets on native base stations; tokens for base stations.

use actix_web::{HttpResponse, web};
use kirkwall_actors::desk::{PortableView, WindowView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Answer;
use super::body::Fields;
use super::openapi::Problems;
use super::page::List;
use super::users::UserJson;
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::{FieldError, Problem};
use crate::service::air as service;
use crate::site::Site;

/// How long a window is open unless told otherwise, in seconds.
const USUAL: u64 = 300;

/// The subscription window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SubscriptionWindow)]
pub struct WindowJson {
    /// Handsets may subscribe.
    pub open: bool,
    /// For so many seconds more.
    pub seconds_left: u64,
    /// Only these IPEIs; null: any.
    pub only: Option<Vec<String>>,
    /// Unknown handsets that wanted in, the newest first. One is let in by a claim.
    pub unknown: Vec<UnknownJson>,
}

/// An unknown handset that wanted in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnknownHandset)]
pub struct UnknownJson {
    /// As printed under its battery.
    pub ipei: String,
    /// When it last tried.
    #[schema(format = DateTime)]
    pub at: String,
}

impl From<&WindowView> for WindowJson {
    fn from(window: &WindowView) -> Self {
        let unknown = window.unknown.iter();
        Self {
            open: window.open,
            seconds_left: window.seconds_left,
            only: window.only.clone(),
            unknown: unknown.map(|u| UnknownJson { ipei: u.ipei.clone(), at: rfc3339(u.at) }).collect(),
        }
    }
}

/// How to open it.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct WindowBody {
    /// What people type into their handsets, 1 to 8 digits. A user's own access code goes before it.
    code: String,
    /// For so many seconds, 1 to 86400, as a text or absent for 300.
    seconds: Option<String>,
    /// Only these IPEIs; absent or null: any.
    only: Option<Vec<String>>,
}

/// Whom to claim a handset for.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct ClaimBody {
    /// The handset, as printed.
    ipei: String,
    /// Whose it is from now on.
    user: String,
}

/// A handset that is subscribed over native base stations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Subscription)]
pub struct SubscriptionJson {
    /// As printed under its battery.
    pub ipei: String,
    /// Whose it is; null: nobody's yet.
    pub user: Option<String>,
    /// `located`, `unreachable` when it does not answer its page, `off`.
    pub state: &'static str,
    /// The base station it last spoke through.
    pub base_station: Option<String>,
}

impl From<&PortableView> for SubscriptionJson {
    fn from(handset: &PortableView) -> Self {
        Self {
            ipei: handset.ipei.clone(),
            user: handset.user.as_ref().map(ToString::to_string),
            state: handset.state,
            base_station: handset.base_station.as_ref().map(ToString::to_string),
        }
    }
}

/// How to delete a subscription.
#[derive(Debug, Deserialize, IntoParams)]
pub struct DeleteQuery {
    /// The handset is lost or broken: it is not asked.
    #[serde(default)]
    lost: bool,
}

/// For which base station.
#[derive(ToSchema)]
#[allow(dead_code)] // stands for the document; `Fields` reads the body
pub struct EnrolmentBody {
    /// What people call it.
    label: String,
    /// The one base station that may use it, by its MAC address; absent: any, once.
    only: Option<String>,
}

/// A one-time token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Enrolment)]
pub struct EnrolmentJson {
    /// Shown this once.
    pub token: String,
    /// Until when it may be used.
    #[schema(format = DateTime)]
    pub expires: String,
}

/// The subscription window.
#[utoipa::path(get, operation_id = "get_subscription_window", path = "/subscription-window", tag = "Plant",
    security(("token" = ["users:read"])), responses((status = 200, description = "as it is", body = WindowJson), Problems))]
pub async fn window(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    Ok(Answer::json(200, &WindowJson::from(&service::window(&site).await?))?.into())
}

/// Lets handsets subscribe.
#[utoipa::path(put, operation_id = "open_subscription_window", path = "/subscription-window", tag = "Plant",
    request_body = WindowBody, security(("token" = ["users:write"])),
    responses((status = 200, description = "open", body = WindowJson), Problems))]
pub async fn open_window(
    site: web::Data<Site>,
    Caller(who): Caller,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let code = fields.secret("code").unwrap_or_else(|| kirkwall_core::pii::Pii(String::new()));
    let (seconds, only) = (fields.text("seconds"), fields.texts_or_null("only").flatten());
    fields.finish()?;
    let wrong = |_| {
        let detail = "a number of seconds, 1 to 86400";
        Problem::fields(vec![FieldError::invalid("seconds", detail)])
    };
    let seconds = seconds.map_or(Ok(USUAL), |text| text.parse()).map_err(wrong)?;
    let window = service::open_window(&site, &who, code, seconds, only).await?;
    Ok(Answer::json(200, &WindowJson::from(&window))?.into())
}

/// Lets no handset subscribe any more.
#[utoipa::path(delete, operation_id = "close_subscription_window", path = "/subscription-window", tag = "Plant",
    security(("token" = ["users:write"])), responses((status = 204, description = "closed"), Problems))]
pub async fn close_window(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, Problem> {
    service::close_window(&site, &who).await?;
    Ok(Answer::new(204).into())
}

/// Links an unknown handset to a user and lets it subscribe while a window is open.
#[utoipa::path(post, operation_id = "claim_handset", path = "/subscription-window/claims", tag = "Plant",
    request_body = ClaimBody, security(("token" = ["users:write"])),
    responses((status = 200, description = "the user with its handset", body = UserJson), Problems))]
pub async fn claim(
    site: web::Data<Site>,
    Caller(who): Caller,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let (ipei, user) = (fields.needed_text("ipei"), fields.needed_text("user"));
    fields.finish()?;
    let user = service::claim(&site, &who, &ipei, &user).await?;
    Ok(Answer::json(200, &UserJson::from(&user))?.into())
}

/// All handsets that are subscribed over native base stations.
#[utoipa::path(get, operation_id = "list_subscriptions", path = "/subscriptions", tag = "Plant",
    security(("token" = ["users:read"])),
    responses((status = 200, description = "as asked", body = List<SubscriptionJson>), Problems))]
pub async fn list(site: web::Data<Site>) -> Result<HttpResponse, Problem> {
    let items = service::portables(&site).await?.iter().map(SubscriptionJson::from).collect();
    Ok(Answer::json(200, &List::whole(items))?.into())
}

/// Ends a subscription. The handset is asked over the air; one that is lost is not.
#[utoipa::path(delete, operation_id = "delete_subscription", path = "/subscriptions/{ipei}", tag = "Plant",
    params(("ipei" = String, Path), DeleteQuery), security(("token" = ["users:write"])),
    responses((status = 202, description = "it is being asked"), (status = 204, description = "forgotten"), Problems))]
pub async fn delete(
    site: web::Data<Site>,
    Caller(who): Caller,
    ipei: web::Path<String>,
    query: web::Query<DeleteQuery>,
) -> Result<HttpResponse, Problem> {
    service::delete_portable(&site, &who, ipei.into_inner(), query.lost).await?;
    Ok(Answer::new(if query.lost { 204 } else { 202 }).into())
}

/// A one-time token with which a base station gets its certificate.
#[utoipa::path(post, operation_id = "create_enrolment", path = "/enrolments", tag = "Plant",
    request_body = EnrolmentBody, security(("token" = ["admin"])),
    responses((status = 201, description = "made", body = EnrolmentJson), Problems))]
pub async fn enrol(
    site: web::Data<Site>,
    Caller(who): Caller,
    mut fields: Fields,
) -> Result<HttpResponse, Problem> {
    let (label, only) = (fields.text("label").unwrap_or_default(), fields.text("only"));
    fields.finish()?;
    let made = service::enrolment(&site, &who, label, only).await?;
    let body = EnrolmentJson { token: made.token.0.clone(), expires: rfc3339(made.expires) };
    Ok(Answer::json(201, &body)?.into())
}

/// The last messages of the DECT network layer as a capture for Wireshark (`dect_nwk`).
#[utoipa::path(get, operation_id = "capture_air", path = "/captures/dect", tag = "Plant",
    security(("token" = ["traces:read"])),
    responses((status = 200, description = "a pcap file", content((Vec<u8> = "application/vnd.tcpdump.pcap"))), Problems))]
pub async fn capture(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, Problem> {
    let file = service::capture(&site, &who).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("cache-control", "no-store"));
    answer.insert_header(("content-disposition", "attachment; filename=\"dect.pcap\""));
    Ok(answer.content_type("application/vnd.tcpdump.pcap").body(file))
}
