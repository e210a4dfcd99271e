//! Overview, base stations, handsets, capacity.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::access::Caller;
use crate::rest::in_query;
use crate::site::Site;
use crate::ui::board::{Board, ROWS, View, Window, board};
use crate::ui::frame::{Frame, PageProblem, ok};

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    board: Board,
}

#[derive(Template)]
#[template(path = "base_stations.html")]
struct BaseStations {
    frame: Frame,
    board: Board,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "handsets.html")]
struct Handsets {
    frame: Frame,
    board: Board,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "capacity.html")]
struct Capacity {
    frame: Frame,
    board: Board,
}

/// Which part of a list a page shows, and the way to the others.
struct Pager {
    q: String,
    total: usize,
    first: usize,
    last: usize,
    before: Option<String>,
    behind: Option<String>,
}

/// `?q=&from=`
#[derive(Deserialize)]
pub struct WindowQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: usize,
}

impl From<WindowQuery> for Window {
    fn from(query: WindowQuery) -> Self {
        Self { q: query.q.trim().chars().take(100).collect(), from: query.from.min(1_000_000) }
    }
}

impl Pager {
    fn new(window: &Window, total: usize) -> Self {
        let place = |from: usize| format!("?q={}&from={from}", in_query(&window.q));
        let end = window.from + ROWS;
        Self {
            q: window.q.clone(),
            total,
            first: (window.from + 1).min(total),
            last: end.min(total),
            before: (window.from > 0).then(|| place(window.from.saturating_sub(ROWS))),
            behind: (end < total).then(|| place(end)),
        }
    }
}

/// `GET /`
pub async fn overview(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    let board = board(&site, &View::Overview).await?;
    let frame = Frame::new(&site, &who, "/", "Overview").live(&View::Overview).api("GET /api/v1/overview");
    ok(&Overview { frame, board })
}

/// `GET /base-stations`
pub async fn base_stations(
    site: web::Data<Site>,
    Caller(who): Caller,
    query: web::Query<WindowQuery>,
) -> Result<HttpResponse, PageProblem> {
    let window = Window::from(query.into_inner());
    let view = View::BaseStations(window.clone());
    let board = board(&site, &view).await?;
    let frame = Frame::new(&site, &who, "/base-stations", "Base stations");
    let pager = Pager::new(&window, board.total);
    ok(&BaseStations { frame: frame.live(&view).api("GET /api/v1/base-stations"), board, pager })
}

/// `GET /handsets`
pub async fn handsets(
    site: web::Data<Site>,
    Caller(who): Caller,
    query: web::Query<WindowQuery>,
) -> Result<HttpResponse, PageProblem> {
    let window = Window::from(query.into_inner());
    let view = View::Handsets(window.clone());
    let board = board(&site, &view).await?;
    let frame = Frame::new(&site, &who, "/handsets", "Handsets");
    let pager = Pager::new(&window, board.total);
    ok(&Handsets { frame: frame.live(&view).api("GET /api/v1/handsets"), board, pager })
}

/// `GET /capacity`
pub async fn capacity(site: web::Data<Site>, Caller(who): Caller) -> Result<HttpResponse, PageProblem> {
    let board = board(&site, &View::Capacity).await?;
    let frame = Frame::new(&site, &who, "/capacity", "Capacity");
    ok(&Capacity { frame: frame.live(&View::Capacity).api("GET /api/v1/capacity"), board })
}
