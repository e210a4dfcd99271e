//! `/lines`: how users stand at the registrar or front end, the last cause in words, and who needs a first log-in.

use actix_web::{HttpResponse, web};
use askama::Template;
use kirkwall_actors::desk::RegistrationView;
use serde::Deserialize;

use crate::access::Caller;
use crate::rest::{in_path, in_query};
use crate::service::plant as service;
use crate::site::Site;
use crate::ui::board::ROWS;
use crate::ui::frame::{Frame, PageProblem, ok};
use crate::ui::words::Tone;

#[derive(Template)]
#[template(path = "lines.html")]
struct Lines {
    frame: Frame,
    lines: Vec<LineRow>,
    q: String,
    troubled: bool,
    /// Users who need a first log-in, by name and link; those beyond the page are counted alone.
    newcomers: Vec<(String, String)>,
    newcomers_in_all: usize,
    total: usize,
    first: usize,
    last: usize,
    before: Option<String>,
    behind: Option<String>,
}

struct LineRow {
    user: String,
    link: String,
    state: &'static str,
    tone: Tone,
    registrar: String,
    /// The cause, and what people should know besides.
    words: Vec<String>,
}

/// `?q=&show=troubled&from=`
#[derive(Deserialize)]
pub struct LinesQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    show: String,
    #[serde(default)]
    from: usize,
}

impl From<&RegistrationView> for LineRow {
    fn from(line: &RegistrationView) -> Self {
        let tone = match line.state {
            "registered" if line.notes.is_empty() => Tone::Ok,
            "registered" => Tone::Warn,
            "failed" => Tone::Bad,
            "off" => Tone::Idle,
            _ => Tone::Warn,
        };
        Self {
            user: line.user.to_string(),
            link: in_path(line.user.as_str()),
            state: line.state,
            tone,
            registrar: line.registrar.clone().unwrap_or_default(),
            words: line.cause.iter().chain(&line.notes).cloned().collect(),
        }
    }
}

/// `GET /lines`
pub async fn list(
    site: web::Data<Site>,
    Caller(who): Caller,
    query: web::Query<LinesQuery>,
) -> Result<HttpResponse, PageProblem> {
    let LinesQuery { q, show, from } = query.into_inner();
    let q: String = q.trim().chars().take(100).collect();
    let (troubled, from) = (show == "troubled", from.min(1_000_000));
    let all = service::registrations(&site).await?;
    let newcomers: Vec<_> = all.iter().filter(|line| line.needs_first_log_in).collect();
    let wanted = |line: &&RegistrationView| {
        let trouble = line.state != "registered" || !line.notes.is_empty();
        line.user.as_str().contains(&q) && (trouble || !troubled)
    };
    let found: Vec<_> = all.iter().filter(wanted).collect();
    let place = |from: usize| format!("/lines?q={}&show={show}&from={from}", in_query(&q));
    let end = from + ROWS;
    let named = |line: &&RegistrationView| (line.user.to_string(), in_path(line.user.as_str()));
    ok(&Lines {
        frame: Frame::new(&site, &who, "/lines", "Lines").api("GET /api/v1/registrations"),
        newcomers_in_all: newcomers.len(),
        newcomers: newcomers.iter().take(ROWS).map(named).collect(),
        total: found.len(),
        first: (from + 1).min(found.len()),
        last: end.min(found.len()),
        before: (from > 0).then(|| place(from.saturating_sub(ROWS))),
        behind: (end < found.len()).then(|| place(end)),
        lines: found.into_iter().skip(from).take(ROWS).map(LineRow::from).collect(),
        q: q.clone(),
        troubled,
    })
}
