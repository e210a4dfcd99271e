//! Native base stations and the handsets that are subscribed over them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{Bearer, EnrolmentView, ListUsers, PortableView};
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde::Deserialize;

use crate::access::Caller;
use crate::problem::{FieldError, Problem};
use crate::service::{air as service, users};
use crate::site::Site;
use crate::ui::board::{Board, View, board};
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;
use crate::ui::words::Clock;

/// Most users that are offered for a claim.
const MOST_OFFERED: usize = 200;
/// Minutes that a window is open when nobody says otherwise.
const USUAL_MINUTES: &str = "10";

#[derive(Template)]
#[template(path = "native_bases.html")]
struct NativeBases {
    frame: Frame,
    /// None: this switch has no base link.
    board: Option<Board>,
    fresh: Option<EnrolmentView>,
    typed: TypedEnrolment,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "subscriptions.html")]
struct Subscriptions {
    frame: Frame,
    /// None: this switch has no base link.
    board: Option<Board>,
    /// Users who have no handset, for the claim.
    free: Vec<String>,
    typed: TypedWindow,
    problem: Option<Problem>,
    /// The handset that was claimed in vain, and why.
    not_claimed: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "subscription_delete.html")]
struct SubscriptionDelete {
    frame: Frame,
    handset: PortableView,
}

/// The form of a one-time token as it was typed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedEnrolment {
    label: String,
    only: String,
}

/// The form of a window as it was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedWindow {
    code: String,
    minutes: String,
    only: String,
}

impl Default for TypedWindow {
    fn default() -> Self {
        Self { code: String::new(), minutes: USUAL_MINUTES.to_owned(), only: String::new() }
    }
}

/// `ipei=&user=`
#[derive(Deserialize)]
pub struct TypedClaim {
    ipei: String,
    user: String,
}

/// `lost=yes`
#[derive(Deserialize)]
pub struct HowDeleted {
    #[serde(default)]
    lost: String,
}

impl NativeBases {
    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }

    fn at(moment: &Moment) -> Clock {
        Clock(*moment)
    }
}

impl Subscriptions {
    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }
}

/// `GET /native-base-stations`
pub async fn bases(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    bases_page(&site, &who, StatusCode::OK, TypedEnrolment::default(), Ok(None)).await
}

/// `POST /native-base-stations`
pub async fn enrol(
    site: web::Data<Site>,
    Caller(who): Caller,
    form: web::Form<TypedEnrolment>,
) -> Result<HttpResponse, PageProblem> {
    let typed = form.into_inner();
    let only = Some(typed.only.trim().to_owned()).filter(|only| !only.is_empty());
    match service::enrolment(&site, &who, typed.label.trim().to_owned(), only).await {
        Ok(made) => {
            bases_page(&site, &who, StatusCode::CREATED, TypedEnrolment::default(), Ok(Some(made))).await
        }
        Err(problem) => bases_page(&site, &who, problem.status(), typed, Err(problem)).await,
    }
}

async fn bases_page(
    site: &Site,
    who: &Bearer,
    status: StatusCode,
    typed: TypedEnrolment,
    made: Result<Option<EnrolmentView>, Problem>,
) -> Result<HttpResponse, PageProblem> {
    let frame = Frame::new(site, who, "/native-base-stations", "Native base stations");
    let frame = frame.api("GET /api/v1/native-base-stations");
    let (frame, board) = alive(site, frame, View::NativeBases).await?;
    let (fresh, problem) = match made {
        Ok(fresh) => (fresh, None),
        Err(problem) => (None, Some(problem)),
    };
    render(status, &NativeBases { frame, board, fresh, typed, problem })
}

/// `GET /native-base-stations/capture`
pub async fn capture(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    let file = service::capture(&site, &who).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .insert_header(("content-disposition", "attachment; filename=\"dect.pcap\""))
        .content_type("application/vnd.tcpdump.pcap")
        .body(file))
}

/// `GET /subscriptions`
pub async fn subscriptions(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    subscriptions_page(&site, &who, StatusCode::OK, TypedWindow::default(), None, None).await
}

/// `POST /subscriptions/window`
pub async fn open_window(
    site: web::Data<Site>,
    Caller(who): Caller,
    form: web::Form<TypedWindow>,
) -> Result<HttpResponse, PageProblem> {
    let typed = form.into_inner();
    let opened = match typed.order() {
        Ok((seconds, only)) => {
            let code = Pii(typed.code.trim().to_owned());
            service::open_window(&site, &who, code, seconds, only).await.map(drop)
        }
        Err(problem) => Err(problem),
    };
    match opened {
        Ok(()) => Ok(see_other("/subscriptions")),
        Err(problem) => subscriptions_page(&site, &who, problem.status(), typed, Some(problem), None).await,
    }
}

/// `POST /subscriptions/window/close`
pub async fn close_window(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    service::close_window(&site, &who).await?;
    Ok(see_other("/subscriptions"))
}

/// `POST /subscriptions/claim`
pub async fn claim(
    site: web::Data<Site>,
    Caller(who): Caller,
    form: web::Form<TypedClaim>,
) -> Result<HttpResponse, PageProblem> {
    let TypedClaim { ipei, user } = form.into_inner();
    match service::claim(&site, &who, &ipei, user.trim()).await {
        Ok(_) => Ok(see_other("/subscriptions")),
        Err(problem) => {
            let typed = TypedWindow::default();
            subscriptions_page(&site, &who, problem.status(), typed, None, Some((ipei, problem))).await
        }
    }
}

/// `GET /subscriptions/{ipei}/delete`
pub async fn delete_form(
    site: web::Data<Site>,
    Caller(who): Caller,
    ipei: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let ipei = ipei.into_inner();
    let found = service::portables(&site).await?.into_iter().find(|handset| handset.ipei == ipei);
    let handset = found.ok_or_else(|| {
        Problem::new(&crate::problem::NOT_FOUND, format!("handset {ipei} is not subscribed"))
    })?;
    let frame = Frame::new(&site, &who, "/subscriptions", "Delete this subscription");
    let frame = frame.api("DELETE /api/v1/subscriptions/{ipei}");
    ok(&SubscriptionDelete { frame, handset })
}

/// `POST /subscriptions/{ipei}/delete`
pub async fn delete(
    site: web::Data<Site>,
    Caller(who): Caller,
    ipei: web::Path<String>,
    form: web::Form<HowDeleted>,
) -> Result<HttpResponse, PageProblem> {
    let lost = form.into_inner().lost == "yes";
    service::delete_portable(&site, &who, ipei.into_inner(), lost).await?;
    Ok(see_other("/subscriptions"))
}

async fn subscriptions_page(
    site: &Site,
    who: &Bearer,
    status: StatusCode,
    typed: TypedWindow,
    problem: Option<Problem>,
    claim_problem: Option<(String, Problem)>,
) -> Result<HttpResponse, PageProblem> {
    let frame = Frame::new(site, who, "/subscriptions", "Handset subscription");
    let frame = frame.api("PUT /api/v1/subscription-window");
    let (frame, board) = alive(site, frame, View::Subscriptions).await?;
    let free = if board.is_some() { free_users(site).await? } else { Vec::new() };
    let not_claimed = claim_problem.map(|(ipei, problem)| {
        let field = problem.errors.first().map(|error| error.detail.clone());
        (ipei, field.unwrap_or(problem.detail))
    });
    render(status, &Subscriptions { frame, board, free, typed, problem, not_claimed })
}

/// What the page shows, and the frame with its stream; neither when this switch has no base link.
async fn alive(site: &Site, frame: Frame, view: View) -> Result<(Frame, Option<Board>), Problem> {
    match site.desk.air {
        Some(_) => Ok((frame.live(&view), Some(board(site, &view).await?))),
        None => Ok((frame, None)),
    }
}

/// Some users without a handset.
async fn free_users(site: &Site) -> Result<Vec<String>, Problem> {
    let some = ListUsers { query: None, after: None, limit: MOST_OFFERED };
    let users = users::list(site, some).await?.users.into_iter();
    Ok(users.filter(|user| user.ipei.is_none()).map(|user| user.username.to_string()).collect())
}

impl TypedWindow {
    /// Seconds, and the handsets that it is for.
    fn order(&self) -> Result<(u64, Option<Vec<String>>), Problem> {
        let wrong = || FieldError::invalid("seconds", "1 to 1440 minutes");
        let minutes = self.minutes.trim().parse::<u64>().ok().filter(|minutes| (1..=1_440).contains(minutes));
        let minutes = minutes.ok_or_else(|| Problem::fields(vec![wrong()]))?;
        let listed = self.only.lines().flat_map(|line| line.split([',', ';'])).map(str::trim);
        let listed: Vec<_> = listed.filter(|ipei| !ipei.is_empty()).map(str::to_owned).collect();
        Ok((minutes * 60, Some(listed).filter(|listed| !listed.is_empty())))
    }
}
