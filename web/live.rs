//! The live stream of a page: server-sent events with the rows that changed (WHATWG HTML §9.2).
//!
//! On connecting, the page gets all parts once, for it may have missed something; afterwards only rows that
//! differ, at most twice a second. Pages that show the same share one question to the switch. A comment every
//! fifteen seconds keeps proxies from closing the stream; then the session is looked at too, and the stream
//! ends with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures::stream;
use kirkwall_actors::desk::CheckSession;
use kirkwall_core::pii::Pii;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::access::{self, Caller, Need};
use crate::problem::{Problem, TOO_MANY_STREAMS};
use crate::service::ask;
use crate::site::Site;
use crate::ui::{Board, Part, View, Window, board};

/// Time between two looks.
const STEP: Duration = Duration::from_millis(500);
/// A board this young is shared.
const FRESH: Duration = Duration::from_millis(400);
/// Time between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Most streams at once.
const MOST_STREAMS: usize = 200;
/// Most boards remembered; old ones are dropped first.
const MOST_BOARDS: usize = 256;

/// Boards that pages share.
#[derive(Default)]
pub struct Hub {
    boards: Mutex<HashMap<View, Arc<Place>>>,
}

/// The last board of one view. Whoever renders it holds the lock, and the others wait for that.
type Place = Mutex<Option<(Instant, Arc<Board>)>>;

impl Hub {
    /// The board of `view`, at most [`FRESH`] old.
    async fn look(&self, site: &Site, view: &View) -> Result<Arc<Board>, Problem> {
        let place = self.place(view).await;
        let mut kept = place.lock().await;
        if let Some((_, board)) = kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(board.clone());
        }
        let fresh = Arc::new(board(site, view).await?);
        *kept = Some((Instant::now(), fresh.clone()));
        Ok(fresh)
    }

    async fn place(&self, view: &View) -> Arc<Place> {
        let mut boards = self.boards.lock().await;
        if boards.len() >= MOST_BOARDS {
            // What is being looked at now is held elsewhere too; the rest is rendered again when asked for.
            boards.retain(|_, board| Arc::strong_count(board) > 1);
        }
        boards.entry(view.clone()).or_default().clone()
    }
}

/// What to stream.
#[derive(Debug, Deserialize)]
pub struct StreamQuery {
    view: String,
    id: Option<String>,
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: usize,
}

/// `GET /ui/stream?view=…`
pub async fn open(
    site: web::Data<Site>,
    request: HttpRequest,
    Caller(who): Caller,
    query: web::Query<StreamQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let view = View::named(&query.view, query.id.as_deref(), Window { q: query.q, from: query.from })?;
    access::permitted(&who, Need::Scope(view.scope()))?;
    let seat = Seat::take(&site)?;
    let first = board(&site, &view).await?;
    let feed = Feed {
        site: site.into_inner(),
        session: access::session_secret(&request),
        view,
        sent: Vec::new(),
        pending: Some(Arc::new(first)),
        heard: Instant::now(),
        _seat: seat,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(stream::unfold(feed, |mut feed| async move {
            let chunk = feed.next().await?;
            Some((Ok::<_, std::convert::Infallible>(chunk), feed))
        })))
}

/// One of the streams that may be open; given back when dropped.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(site: &Site) -> Result<Self, Problem> {
        let seat = Self(site.streams.clone());
        if seat.0.fetch_add(1, Ordering::Relaxed) >= MOST_STREAMS {
            return Err(Problem::new(
                &TOO_MANY_STREAMS,
                format!("{MOST_STREAMS} live pages are open already"),
            ));
        }
        Ok(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One open stream.
struct Feed {
    site: Arc<Site>,
    /// None when a token was shown: programs may look at pages too.
    session: Option<Pii<String>>,
    view: View,
    /// What the page shows.
    sent: Vec<Part>,
    /// A board to send before the first step.
    pending: Option<Arc<Board>>,
    heard: Instant,
    _seat: Seat,
}

impl Feed {
    /// The next bytes; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.pending.take() {
            return Some(self.update(&first).unwrap_or_else(|| Bytes::from_static(b": nothing yet\n\n")));
        }
        loop {
            tokio::time::sleep(STEP).await;
            if self.heard.elapsed() >= HEARTBEAT {
                self.heard = Instant::now();
                return self.still_welcome().await.then(|| Bytes::from_static(b": still here\n\n"));
            }
            // What was shown may be gone, or the switch restarting: the page reconnects and finds out.
            let board = self.site.hub.look(&self.site, &self.view).await.ok()?;
            if let Some(message) = self.update(&board) {
                return Some(message);
            }
        }
    }

    async fn still_welcome(&self) -> bool {
        let Some(secret) = self.session.clone() else { return true };
        let known = ask(&self.site.desk.check_session, CheckSession(secret)).await;
        known.is_ok_and(|bearer| bearer.is_some())
    }

    fn update(&mut self, board: &Board) -> Option<Bytes> {
        let changes = changes(&self.sent, &board.parts);
        self.sent.clone_from(&board.parts);
        (!changes.is_empty()).then(|| event(&changes))
    }
}

/// The parts and rows that differ, as htmx partials. When rows came, went or moved, their whole part is sent;
/// morphing keeps what stays.
fn changes(old: &[Part], new: &[Part]) -> String {
    let mut out = String::new();
    for part in new {
        let before = old.iter().find(|before| before.id == part.id);
        let same_rows = before.filter(|before| {
            before.rows.len() == part.rows.len()
                && before.rows.iter().zip(&part.rows).all(|(a, b)| a.id == b.id)
        });
        match same_rows {
            None => {
                let rows: String = part.rows.iter().map(|row| row.html.as_str()).collect();
                out.push_str(&partial(part.id, "innerMorph", &rows));
            }
            Some(before) => {
                let pairs = before.rows.iter().zip(&part.rows).filter(|(a, b)| a != b);
                pairs.for_each(|(_, row)| out.push_str(&partial(&row.id, "outerMorph", &row.html)));
            }
        }
    }
    out
}

fn partial(target: &str, swap: &str, html: &str) -> String {
    format!("<hx-partial hx-target=\"#{target}\" hx-swap=\"{swap}\">{html}</hx-partial>")
}

/// One unnamed event: each line of it is a `data:` line.
fn event(text: &str) -> Bytes {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.lines().flat_map(|line| line.split('\r')) {
        out.push_str("data: ");
        out.push_str(line);
        out.push('\n');
    }
    out.push('\n');
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Row;

    fn part(rows: &[(&str, &str)]) -> Vec<Part> {
        let row = |(id, html): &(&str, &str)| Row { id: (*id).into(), html: (*html).into() };
        vec![Part { id: "calls", rows: rows.iter().map(row).collect() }]
    }

    #[test]
    fn only_a_row_that_changed_is_sent() {
        let sent = changes(&part(&[("a", "1"), ("b", "1")]), &part(&[("a", "1"), ("b", "2")]));
        assert_eq!(sent, "<hx-partial hx-target=\"#b\" hx-swap=\"outerMorph\">2</hx-partial>");
        assert_eq!(changes(&part(&[("a", "1")]), &part(&[("a", "1")])), "");
    }

    #[test]
    fn a_part_whose_rows_came_or_went_is_sent_whole() {
        let sent = changes(&part(&[("a", "1")]), &part(&[("b", "2"), ("a", "1")]));
        assert_eq!(sent, "<hx-partial hx-target=\"#calls\" hx-swap=\"innerMorph\">21</hx-partial>");
    }

    #[test]
    fn a_line_break_in_a_row_cannot_end_the_event() {
        assert_eq!(event("a\nb\r\n\nc"), "data: a\ndata: b\ndata: \ndata: c\n\n");
    }
}
