//! Native base stations and the handsets that are subscribed over them.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{
    Bearer, EnrolmentView, ListUsers, NativeBaseView, PortableView, UnknownView, WindowView,
};
use kirkwall_core::dect::base_link::code::SyncState;
use kirkwall_core::dect::base_link::session::Standing;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde::Deserialize;

use crate::access::Caller;
use crate::clock::now;
use crate::problem::{FieldError, Problem};
use crate::rest::in_path;
use crate::service::{air as service, users};
use crate::site::Site;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;
use crate::ui::words::{Clock, Tone};

/// Most users that are offered for a claim.
const MOST_OFFERED: usize = 200;
/// Minutes that a window is open when nobody says otherwise.
const USUAL_MINUTES: &str = "10";

#[derive(Template)]
#[template(path = "native_bases.html")]
struct NativeBases {
    frame: Frame,
    /// None: this switch has no base link.
    bases: Option<Vec<BaseLine>>,
    fresh: Option<EnrolmentView>,
    typed: TypedEnrolment,
    problem: Option<Problem>,
}

/// A base station in words.
struct BaseLine {
    base: NativeBaseView,
    state: (&'static str, Tone),
    sync: (String, Tone),
    channels: Option<(u8, u8)>,
}

#[derive(Template)]
#[template(path = "subscriptions.html")]
struct Subscriptions {
    frame: Frame,
    /// None: this switch has no base link.
    air: Option<AirPart>,
    typed: TypedWindow,
    problem: Option<Problem>,
    claim_problem: Option<(String, Problem)>,
}

struct AirPart {
    window: WindowView,
    until: Clock,
    handsets: Vec<HandsetLine>,
    /// Users who have no handset, for the claim.
    free: Vec<String>,
}

struct HandsetLine {
    handset: PortableView,
    link: String,
    user_link: String,
    tone: Tone,
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

impl BaseLine {
    fn of(base: NativeBaseView) -> Self {
        Self { state: standing_words(&base), sync: sync_words(&base), channels: base.voice, base }
    }

    /// Channels in use, of a hundred.
    fn percent(&self) -> u32 {
        let (used, most) = self.channels.unwrap_or((0, 1));
        (u32::from(used) * 100).checked_div(u32::from(most)).unwrap_or(0).min(100)
    }
}

impl Subscriptions {
    fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }

    fn at(moment: &Moment) -> Clock {
        Clock(*moment)
    }

    /// What is wrong with the claim of this handset.
    fn not_claimed(&self, handset: &UnknownView) -> Option<&str> {
        let (_, problem) = self.claim_problem.as_ref().filter(|(ipei, _)| *ipei == handset.ipei)?;
        let field = problem.errors.first().map(|error| error.detail.as_str());
        Some(field.unwrap_or(problem.detail.as_str()))
    }

    fn left(window: &WindowView) -> String {
        let (minutes, seconds) = (window.seconds_left / 60, window.seconds_left % 60);
        if minutes == 0 { format!("{seconds} s") } else { format!("{minutes} min {seconds} s") }
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
    let bases = match site.desk.air {
        Some(_) => Some(service::native_bases(site).await?.into_iter().map(BaseLine::of).collect()),
        None => None,
    };
    let frame = Frame::new(site, who, "/native-base-stations", "Native base stations");
    let frame = frame.api("GET /api/v1/native-base-stations");
    let (fresh, problem) = match made {
        Ok(fresh) => (fresh, None),
        Err(problem) => (None, Some(problem)),
    };
    render(status, &NativeBases { frame, bases, fresh, typed, problem })
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
    let air = match site.desk.air {
        Some(_) => {
            let handsets = service::portables(site).await?.into_iter().map(HandsetLine::of).collect();
            let window = service::window(site).await?;
            let until = Clock(now() + Duration::from_secs(window.seconds_left));
            Some(AirPart { window, until, handsets, free: free_users(site).await? })
        }
        None => None,
    };
    let frame = Frame::new(site, who, "/subscriptions", "Handset subscription");
    let frame = frame.api("PUT /api/v1/subscription-window");
    render(status, &Subscriptions { frame, air, typed, problem, claim_problem })
}

/// Some users without a handset.
async fn free_users(site: &Site) -> Result<Vec<String>, Problem> {
    let some = ListUsers { query: None, after: None, limit: MOST_OFFERED };
    let users = users::list(site, some).await?.users.into_iter();
    Ok(users.filter(|user| user.ipei.is_none()).map(|user| user.username.to_string()).collect())
}

impl HandsetLine {
    fn of(handset: PortableView) -> Self {
        let tone = match handset.state {
            "located" => Tone::Ok,
            "unreachable" => Tone::Warn,
            _ => Tone::Idle,
        };
        let user_link = handset.user.as_ref().map_or(String::new(), |user| in_path(user.as_str()));
        Self { link: in_path(&handset.ipei), user_link, tone, handset }
    }
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

fn standing_words(base: &NativeBaseView) -> (&'static str, Tone) {
    match base.standing {
        Standing::Down => ("no link", Tone::Bad),
        Standing::Refused => ("refused", Tone::Bad),
        Standing::Suspect => ("link lost, calls go on", Tone::Warn),
        Standing::Configuring => ("being configured", Tone::Idle),
        Standing::Starting => ("starting", Tone::Idle),
        Standing::Syncing => ("waits for its time", Tone::Warn),
        Standing::Operational => ("in service", Tone::Ok),
        Standing::Busy => ("full", Tone::Warn),
        Standing::Draining => ("takes no new calls", Tone::Warn),
        Standing::RadioOff => ("radio off", Tone::Bad),
    }
}

fn sync_words(base: &NativeBaseView) -> (String, Tone) {
    let from = base.sync_source.map_or(String::new(), |rpn| format!(" radio {rpn}"));
    let loud = base.sync_rssi.map_or(String::new(), |rssi| format!(", {rssi} dBm"));
    match base.sync {
        None => ("–".to_owned(), Tone::Idle),
        Some(SyncState::Off) => ("off".to_owned(), Tone::Idle),
        Some(SyncState::Searching) => (format!("looks for{from}"), Tone::Warn),
        Some(SyncState::Locked) => (format!("follows{from}{loud}"), Tone::Ok),
        Some(SyncState::FreeRunning) => ("by its own clock".to_owned(), Tone::Warn),
        Some(SyncState::Assisted) => (format!("follows others than{from}"), Tone::Warn),
        Some(SyncState::Lost) => ("lost".to_owned(), Tone::Bad),
        Some(SyncState::Master) => ("gives the time".to_owned(), Tone::Ok),
    }
}
