//! What problems mean and what to do about them.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::problem::{KINDS, Kind, NOT_FOUND, Problem};
use crate::site::Site;
use crate::ui::frame::{Frame, PageProblem, ok};

#[derive(Template)]
#[template(path = "help_problems.html")]
struct ProblemsPage {
    frame: Frame,
    kinds: &'static [&'static Kind],
}

#[derive(Template)]
#[template(path = "help_problem.html")]
struct OneProblem {
    frame: Frame,
    kind: &'static Kind,
}

/// `GET /help/problems`
pub async fn problems(site: web::Data<Site>) -> Result<HttpResponse, PageProblem> {
    ok(&ProblemsPage { frame: Frame::public(&site, "Problems and what to do"), kinds: KINDS })
}

/// `GET /help/problems/{code}`
pub async fn problem(site: web::Data<Site>, code: web::Path<String>) -> Result<HttpResponse, PageProblem> {
    let known = KINDS.iter().find(|kind| kind.code == code.as_str());
    let none = || Problem::new(&NOT_FOUND, "there is no problem of that code; /help/problems lists all");
    let kind: &'static Kind = known.ok_or_else(none)?;
    ok(&OneProblem { frame: Frame::public(&site, kind.title), kind })
}
