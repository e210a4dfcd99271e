//! Feature codes, and the part of a user's page about forwards and calls.

use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::{ClearCallLog, LinesView, ListCallLog, SetForwarding, SetLines};
use kirkwall_core::call::dialling::CodeLine;
use kirkwall_core::call::forward::{Forwarding, NO_ANSWER_SECONDS};
use kirkwall_core::call::log::LogEntry;
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::call::represented::ExtraLines;
use kirkwall_core::id::Username;
use serde::Deserialize;

use super::users::{named, user_page};
use crate::access::Caller;
use crate::clock::rfc3339;
use crate::problem::Problem;
use crate::rest::{in_path, log_kind};
use crate::service::features as service;
use crate::service::mailbox;
use crate::site::Site;
use crate::ui::frame::{Frame, PageProblem, ok, render};
use crate::ui::see_other;

/// Calls shown on a user's page.
const SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "feature_codes.html")]
struct Codes {
    frame: Frame,
    codes: Vec<CodeLine>,
}

/// `GET /feature-codes`
pub async fn codes(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    let frame = Frame::new(&site, &who, "/feature-codes", "Feature codes").api("GET /api/v1/feature-codes");
    ok(&Codes { frame, codes: service::codes(&site).await? })
}

/// The form of a user's forwards as it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedForwarding {
    pub(super) always: String,
    pub(super) busy: String,
    pub(super) no_answer: String,
    pub(super) no_answer_seconds: String,
    pub(super) out_of_range: String,
    /// A tick box is not sent when it is off.
    pub(super) do_not_disturb: Option<String>,
    pub(super) call_waiting: Option<String>,
}

impl TypedForwarding {
    fn of(set: Forwarding) -> Self {
        Self {
            always: set.always.unwrap_or_default(),
            busy: set.busy.unwrap_or_default(),
            no_answer: set.no_answer.unwrap_or_default(),
            no_answer_seconds: set.no_answer_seconds.to_string(),
            out_of_range: set.out_of_range.unwrap_or_default(),
            do_not_disturb: set.do_not_disturb.then(|| "on".to_owned()),
            call_waiting: set.call_waiting.then(|| "on".to_owned()),
        }
    }

    fn read(&self) -> Forwarding {
        let target = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Forwarding {
            always: target(&self.always),
            busy: target(&self.busy),
            no_answer: target(&self.no_answer),
            // What is no number is refused as one that cannot be.
            no_answer_seconds: match self.no_answer_seconds.trim() {
                "" => NO_ANSWER_SECONDS,
                typed => typed.parse().unwrap_or(0),
            },
            out_of_range: target(&self.out_of_range),
            do_not_disturb: self.do_not_disturb.is_some(),
            call_waiting: self.call_waiting.is_some(),
        }
    }
}

/// The form of a user's lines as it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TypedLines {
    pub(super) private_number: String,
    /// With blanks between.
    pub(super) managers: String,
}

impl TypedLines {
    fn of(set: ExtraLines) -> Self {
        Self { private_number: set.private_number.unwrap_or_default(), managers: set.managers.join(" ") }
    }

    fn read(&self) -> ExtraLines {
        ExtraLines {
            private_number: Some(self.private_number.trim().to_owned()).filter(|number| !number.is_empty()),
            managers: self
                .managers
                .split([' ', ','])
                .filter(|one| !one.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// What a user's page shows of forwards and calls.
pub struct PhonePart {
    /// In addresses.
    pub link: String,
    /// The form.
    pub typed: TypedForwarding,
    /// The form of lines.
    pub lines: TypedLines,
    /// What Lync tells of them, in words.
    pub told: Vec<String>,
    /// Newest first.
    pub calls: Vec<CallRow>,
    /// In all.
    pub total: usize,
    /// What waits; none: nobody ever told.
    pub mailbox: Option<Mailbox>,
    /// Why it was not kept.
    pub problem: Option<Problem>,
}

/// One call of the log.
pub struct CallRow {
    /// When, for people and for programs.
    pub started: String,
    /// What it was.
    pub kind: &'static str,
    /// Who.
    pub name: String,
    /// How to reach them.
    pub address: String,
    /// Seconds talked.
    pub seconds: Option<u64>,
}

impl From<&LogEntry> for CallRow {
    fn from(entry: &LogEntry) -> Self {
        Self {
            started: rfc3339(entry.started),
            kind: if entry.forwarded { "forwarded" } else { entry.kind.as_str() },
            name: entry.name.clone(),
            address: entry.address().to_owned(),
            seconds: entry.seconds,
        }
    }
}

impl PhonePart {
    /// As it is kept.
    pub async fn kept(site: &Site, user: &Username) -> Result<Self, Problem> {
        let set = service::forwarding(site, user.clone()).await?;
        let lines = service::lines(site, user.clone()).await?;
        let wanted = ListCallLog { user: user.clone(), kind: None, after: None, limit: SHOWN };
        let log = service::log(site, wanted).await?;
        Ok(Self {
            link: in_path(user.as_str()),
            typed: TypedForwarding::of(set),
            told: told(&lines),
            lines: TypedLines::of(lines.set),
            calls: log.entries.iter().map(CallRow::from).collect(),
            total: log.total,
            mailbox: mailbox::mailbox(site, user.clone()).await?,
            problem: None,
        })
    }

    /// What is wrong with a field after a failure.
    pub fn wrong(&self, name: &str) -> Option<&str> {
        self.problem.as_ref()?.of_field(name)
    }
}

/// `POST /user/{username}/forwarding`
pub async fn set_forwarding(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    form: web::Form<TypedForwarding>,
) -> Result<HttpResponse, PageProblem> {
    let (user, typed) = (named(&path)?, form.into_inner());
    let order = SetForwarding { user: user.clone(), forwarding: typed.read() };
    match service::set_forwarding(&site, &who, order).await {
        Ok(_) => Ok(see_other(&format!("/user/{}", in_path(user.as_str())))),
        Err(problem) => {
            let status = problem.status();
            let kept = PhonePart::kept(&site, &user).await?;
            let part = PhonePart { typed, problem: Some(problem), ..kept };
            render(status, &user_page(&site, &who, user, part).await?)
        }
    }
}

/// `POST /user/{username}/lines`
pub async fn set_lines(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    form: web::Form<TypedLines>,
) -> Result<HttpResponse, PageProblem> {
    let (user, lines) = (named(&path)?, form.into_inner());
    let order = SetLines { user: user.clone(), lines: lines.read() };
    match service::set_lines(&site, &who, order).await {
        Ok(_) => Ok(see_other(&format!("/user/{}", in_path(user.as_str())))),
        Err(problem) => {
            let status = problem.status();
            let kept = PhonePart::kept(&site, &user).await?;
            let part = PhonePart { lines, problem: Some(problem), ..kept };
            render(status, &user_page(&site, &who, user, part).await?)
        }
    }
}

fn told(lines: &LinesView) -> Vec<String> {
    let private = lines.private_told.as_ref().map(|number| format!("Lync's private line is {number}."));
    let delegates = Some(lines.delegates_told.join(", ")).filter(|names| !names.is_empty());
    let delegates = delegates.map(|names| format!("Delegates in Lync: {names}."));
    let forwards =
        lines.forwarded_by_north.then(|| "The Lync front end has the forward and executes it.".to_owned());
    [private, delegates, forwards].into_iter().flatten().collect()
}

/// `?kind=` of the form that clears a log.
#[derive(Deserialize)]
pub struct Clear {
    #[serde(default)]
    kind: String,
}

/// `POST /user/{username}/calls/clear`
pub async fn clear_calls(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
    form: web::Form<Clear>,
) -> Result<HttpResponse, PageProblem> {
    let user = named(&path)?;
    let order = ClearCallLog { user: user.clone(), kind: log_kind(Some(&form.kind))? };
    service::clear_log(&site, &who, order).await?;
    Ok(see_other(&format!("/user/{}", in_path(user.as_str()))))
}

/// `POST /user/{username}/message-waiting/clear`
pub async fn clear_mailbox(
    site: web::Data<Site>,
    Caller(who): Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, PageProblem> {
    let user = named(&path)?;
    mailbox::clear_mailbox(&site, &who, user.clone()).await?;
    Ok(see_other(&format!("/user/{}", in_path(user.as_str()))))
}
