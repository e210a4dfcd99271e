//! What a live page shows, cut into rows: rendered once for the page, and again for its stream.

mod air;

use askama::Template;
use kirkwall_actors::desk::{BaseStationView, CallsWanted, OverviewView};
use kirkwall_core::call::CallSummary;
use kirkwall_core::id::CallRef;
use kirkwall_core::timer::Moment;

use super::ladder_svg::ladder_svg;
use super::rows::{
    BaseRow, CallFacts, CallRow, CapacityFacts, EmptyRow, HandsetRow, LinkRow, MediaRow, Message, ProxyRow,
    Tile,
};
use super::words::{Channels, Clock, Tone};
use crate::problem::{NOT_FOUND, Problem};
use crate::rest;
use crate::service::{calls, plant};
use crate::site::Site;

/// Rows of a table on a page.
pub const ROWS: usize = 100;
/// Calls on the overview.
const OVERVIEW_CALLS: usize = 10;

/// A page that lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum View {
    /// Numbers, calls now, base stations.
    Overview,
    /// Standing calls.
    Calls,
    /// One call.
    Call(CallRef),
    /// The radio plant: part of a list.
    BaseStations(Window),
    /// Devices: part of a list.
    Handsets(Window),
    /// Channels.
    Capacity,
    /// Base stations on the base link, and from whom they take their time.
    NativeBases,
    /// One of them.
    NativeBase(String),
    /// Handsets on them, and who wants in.
    Subscriptions,
}

/// Which part of a list a page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Window {
    /// Only rows that hold this text, without case.
    pub q: String,
    /// Rows before the first that is shown.
    pub from: usize,
}

impl View {
    /// From `view=` and its companions.
    pub fn named(name: &str, id: Option<&str>, window: Window) -> Result<Self, Problem> {
        match (name, id) {
            ("overview", _) => Ok(Self::Overview),
            ("calls", _) => Ok(Self::Calls),
            ("call", Some(id)) => rest::call_named(id).map(Self::Call),
            ("base-stations", _) => Ok(Self::BaseStations(window)),
            ("handsets", _) => Ok(Self::Handsets(window)),
            ("capacity", _) => Ok(Self::Capacity),
            ("native-base-stations", _) => Ok(Self::NativeBases),
            ("native-base-station", Some(id)) => Ok(Self::NativeBase(id.to_owned())),
            ("subscriptions", _) => Ok(Self::Subscriptions),
            _ => Err(Problem::new(&NOT_FOUND, format!("there is no view {name}"))),
        }
    }

    /// The address of its stream.
    pub fn stream(&self) -> String {
        let windowed = |name: &str, window: &Window| {
            format!("/ui/stream?view={name}&from={}&q={}", window.from, rest::in_query(&window.q))
        };
        match self {
            Self::Overview => "/ui/stream?view=overview".into(),
            Self::Calls => "/ui/stream?view=calls".into(),
            Self::Call(call) => format!("/ui/stream?view=call&id={call}"),
            Self::BaseStations(window) => windowed("base-stations", window),
            Self::Handsets(window) => windowed("handsets", window),
            Self::Capacity => "/ui/stream?view=capacity".into(),
            Self::NativeBases => "/ui/stream?view=native-base-stations".into(),
            Self::NativeBase(id) => {
                format!("/ui/stream?view=native-base-station&id={}", rest::in_query(id))
            }
            Self::Subscriptions => "/ui/stream?view=subscriptions".into(),
        }
    }

    /// The scope that its page needs; the stream shows no more than the page.
    pub fn scope(&self) -> &'static str {
        match self {
            Self::Call(_) => "traces:read",
            Self::Subscriptions => "users:read",
            _ => "calls:read",
        }
    }
}

/// A part of a page: an element and the rows in it.
#[derive(Debug, Clone)]
pub struct Part {
    /// The element's id.
    pub id: &'static str,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A row: an element with an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The element's id.
    pub id: String,
    /// The element.
    pub html: String,
}

/// All parts of a page.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// In no special order.
    pub parts: Vec<Part>,
    /// Rows of the main list before it was cut to a page.
    pub total: usize,
}

impl Board {
    /// Whether there is such a part.
    pub fn has(&self, id: &str) -> bool {
        self.parts.iter().any(|part| part.id == id)
    }

    /// The rows of one part as HTML, for templates.
    pub fn part(&self, id: &str) -> String {
        let part = self.parts.iter().find(|part| part.id == id);
        part.map_or(String::new(), |part| part.rows.iter().map(|row| row.html.as_str()).collect())
    }
}

/// Asks the switch and renders.
pub async fn board(site: &Site, view: &View) -> Result<Board, Problem> {
    match view {
        View::Overview => overview(site).await,
        View::Calls => standing_calls(site).await,
        View::Call(call) => one_call(site, *call).await,
        View::BaseStations(window) => base_stations(site, window).await,
        View::Handsets(window) => handsets(site, window).await,
        View::Capacity => capacity(site).await,
        View::NativeBases => air::bases(site).await,
        View::NativeBase(id) => air::one_base(site, id).await,
        View::Subscriptions => air::subscriptions(site).await,
    }
}

async fn overview(site: &Site) -> Result<Board, Problem> {
    let numbers = plant::overview(site).await?;
    let capacity = plant::capacity(site).await?;
    let channels = Channels { load: capacity.media_in_use, limit: capacity.media_limit };
    let found = calls::list(site, CallsWanted::Active, None, OVERVIEW_CALLS).await?;
    let bases = plant::base_stations(site).await?;
    let parts = vec![
        Part { id: "tiles", rows: tiles(&numbers, channels)? },
        Part { id: "calls", rows: call_rows(&found.calls)? },
        Part { id: "base-stations", rows: base_rows(bases.iter().take(OVERVIEW_CALLS))? },
        Part { id: "proxies", rows: proxy_rows(&numbers)? },
    ];
    Ok(Board { parts, total: found.total })
}

fn tiles(n: &OverviewView, channels: Channels) -> Result<Vec<Row>, Problem> {
    let (up, down) = (n.base_stations_up, n.base_stations_down);
    let absent = n.users.saturating_sub(n.handsets_registered);
    let mut tiles = vec![
        Tile {
            id: "tile-calls".into(),
            label: "Calls",
            href: "/calls",
            value: n.calls.to_string(),
            note: format!("most at once {}, tried {}", n.calls_max, n.call_attempts),
            tone: Tone::Idle,
        },
        Tile {
            id: "tile-base-stations".into(),
            label: "Base stations up",
            href: "/base-stations",
            value: format!("{up} of {}", up + down),
            note: if down == 0 { "none down".into() } else { format!("{down} down") },
            tone: if down > 0 { Tone::Bad } else { Tone::of(up > 0) },
        },
        Tile {
            id: "tile-handsets".into(),
            label: "Handsets registered",
            href: "/handsets",
            value: format!("{} of {}", n.handsets_registered, n.users),
            note: match (n.users, absent) {
                (0, _) => "no users yet".into(),
                (_, 0) => "every user can be reached".into(),
                (_, absent) => format!("{absent} without a handset"),
            },
            tone: if absent > 0 { Tone::Warn } else { Tone::of(n.users > 0) },
        },
        channels_tile(channels),
    ];
    tiles.extend(n.has_north.then(|| lines_tile(n)));
    tiles.extend(n.draining.then(|| Tile {
        id: "tile-draining".into(),
        label: "Draining",
        href: "/calls",
        value: "no new calls".into(),
        note: "the switch stops when the last call has ended".into(),
        tone: Tone::Warn,
    }));
    tiles.into_iter().map(|tile| row(tile.id.clone(), |_| tile)).collect()
}

fn channels_tile(channels: Channels) -> Tile {
    let note = match (channels.full(), channels.load.srtp) {
        (true, _) => "full: new calls are refused".to_owned(),
        (_, 0) => format!("{} % of the media resource", channels.percent()),
        (_, srtp) => format!("{srtp} with SRTP, {} % of the media resource", channels.percent()),
    };
    let (label, value, tone) = ("Channels in use", channels.count(), channels.tone());
    Tile { id: "tile-channels".into(), label, href: "/capacity", value, note, tone }
}

fn lines_tile(n: &OverviewView) -> Tile {
    let up = n.proxies.iter().filter(|proxy| proxy.up).count();
    Tile {
        id: "tile-lines".into(),
        label: "Registered at the proxy",
        href: "/users",
        value: format!("{} of {}", n.lines_registered, n.users),
        note: format!("{up} of {} proxies up", n.proxies.len()),
        tone: match up {
            0 => Tone::Bad,
            _ if up < n.proxies.len() || n.lines_registered < n.users => Tone::Warn,
            _ => Tone::Ok,
        },
    }
}

fn proxy_rows(numbers: &OverviewView) -> Result<Vec<Row>, Problem> {
    let rows = numbers.proxies.iter().map(|proxy| {
        let tone = if proxy.up { Tone::Ok } else { Tone::Bad };
        row(row_id("px", &proxy.name), |id| ProxyRow { id, name: &proxy.name, up: proxy.up, tone })
    });
    let text = match numbers.has_north {
        true => "No proxy is known. Check proxies under [sip] in kirkwall.toml.",
        false => {
            "No Lync front end or SIP registrar is configured: users can call each other only. \
                  Set proxies under [sip] in kirkwall.toml."
        }
    };
    or_empty(rows.collect::<Result<_, _>>()?, "proxies-empty", 2, text)
}

async fn standing_calls(site: &Site) -> Result<Board, Problem> {
    let found = calls::list(site, CallsWanted::Active, None, ROWS).await?;
    Ok(Board { parts: vec![Part { id: "calls", rows: call_rows(&found.calls)? }], total: found.total })
}

fn call_rows(calls: &[CallSummary]) -> Result<Vec<Row>, Problem> {
    let rows = calls.iter().map(|call| row(format!("call-{}", call.reference), |id| CallRow::of(id, call)));
    let text =
        "No call stands. A call appears here as soon as somebody dials; ended calls are under “Ended”.";
    or_empty(rows.collect::<Result<_, _>>()?, "calls-empty", 6, text)
}

async fn one_call(site: &Site, call: CallRef) -> Result<Board, Problem> {
    let detail = calls::get(site, call).await?;
    let ladder = calls::ladder(site, call).await?;
    let messages = ladder.rungs.iter().enumerate().map(|(number, rung)| {
        let at = Clock(Moment::from_micros(rung.at));
        row(format!("msg-{number}"), |id| Message { id, number, rung, at })
    });
    let media =
        detail.media.iter().map(|media| row(format!("media-{}", media.side), |id| MediaRow { id, media }));
    let no_media = "No media flows. Counters appear when the call is answered.";
    let svg = format!("<div id=\"ladder-drawing\">{}</div>", ladder_svg(&ladder));
    let parts = vec![
        Part { id: "call", rows: vec![row("call-facts".into(), |id| CallFacts::of(id, &detail))?] },
        Part { id: "media", rows: or_empty(media.collect::<Result<_, _>>()?, "media-empty", 7, no_media)? },
        Part { id: "ladder", rows: vec![Row { id: "ladder-drawing".into(), html: svg }] },
        Part { id: "messages", rows: messages.collect::<Result<_, _>>()? },
    ];
    Ok(Board { parts, total: 1 })
}

async fn base_stations(site: &Site, window: &Window) -> Result<Board, Problem> {
    let mut bases = plant::base_stations(site).await?;
    let q = window.q.to_lowercase();
    bases.retain(|base| {
        let words = [&base.id.0, &base.vendor, &base.model, &base.address];
        words.iter().any(|word| word.to_lowercase().contains(&q))
    });
    let rows = base_rows(bases.iter().skip(window.from).take(ROWS))?;
    Ok(Board { parts: vec![Part { id: "base-stations", rows }], total: bases.len() })
}

fn base_rows<'a>(bases: impl Iterator<Item = &'a BaseStationView>) -> Result<Vec<Row>, Problem> {
    let rows = bases.map(|base| {
        let channels = Channels { load: base.channels, limit: base.limit };
        let tone = if base.state == "up" { Tone::Ok } else { Tone::Bad };
        row(row_id("bs", &base.id.0), |id| {
            let (link, seen) = (rest::in_path(&base.id.0), Clock(base.last_seen));
            BaseRow { id, base, link, channels, tone, seen }
        })
    });
    let text = "No base station to show. One appears when it registers its first handset: point its SIP \
                server at this switch.";
    or_empty(rows.collect::<Result<_, _>>()?, "base-stations-empty", 6, text)
}

async fn handsets(site: &Site, window: &Window) -> Result<Board, Problem> {
    let mut handsets = plant::handsets(site).await?;
    let q = window.q.to_lowercase();
    handsets.retain(|handset| {
        let words = [handset.user.as_str(), &handset.display_name, handset.ipei.as_deref().unwrap_or("")];
        words.iter().any(|word| word.to_lowercase().contains(&q))
    });
    let shown = handsets.iter().skip(window.from).take(ROWS);
    let rows =
        shown.map(|handset| row(row_id("hs", handset.user.as_str()), |id| HandsetRow::of(id, handset)));
    let text = "No handset to show. Add a user, then register its handset at a base station with the user’s \
                SIP-DECT password.";
    let rows = or_empty(rows.collect::<Result<_, _>>()?, "handsets-empty", 6, text)?;
    Ok(Board { parts: vec![Part { id: "handsets", rows }], total: handsets.len() })
}

async fn capacity(site: &Site) -> Result<Board, Problem> {
    let view = plant::capacity(site).await?;
    let channels = Channels { load: view.media_in_use, limit: view.media_limit };
    let facts = row("capacity-facts".into(), |id| CapacityFacts {
        id,
        profile: &view.profile,
        channels,
        engine: view.engine_channels,
        calls: view.calls,
        refused_media: view.refused.media,
        refused_base: view.refused.base,
    })?;
    let parts = vec![
        Part { id: "capacity", rows: vec![facts] },
        Part { id: "base-stations", rows: base_rows(view.base_stations.iter())? },
    ];
    let links = view.links.iter().map(|link| row(row_id("link", &link.name), |id| LinkRow { id, link }));
    let links = Part { id: "links", rows: links.collect::<Result<_, _>>()? };
    let parts = parts.into_iter().chain(Some(links).filter(|links| !links.rows.is_empty())).collect();
    Ok(Board { parts, total: view.base_stations.len() })
}

/// Renders one row under its id.
fn row<T: Template>(id: String, make: impl FnOnce(String) -> T) -> Result<Row, Problem> {
    let html = make(id.clone()).render().map_err(Problem::internal)?;
    Ok(Row { id, html })
}

/// The rows, or one row that says what to do next.
fn or_empty(rows: Vec<Row>, id: &str, span: usize, text: &'static str) -> Result<Vec<Row>, Problem> {
    if rows.is_empty() { Ok(vec![row(id.to_owned(), |id| EmptyRow { id, span, text })?]) } else { Ok(rows) }
}

/// An element's id from any text: what is no letter or digit is written in hexadecimal digits.
fn row_id(prefix: &str, text: &str) -> String {
    let safe = |b: u8| match b {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("_{b:02x}"),
    };
    format!("{prefix}-{}", text.bytes().map(safe).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_rows_need_no_escaping_and_do_not_collide() {
        assert_eq!(row_id("bs", "00:08"), "bs-00_3a08");
        assert_ne!(row_id("hs", "a.b"), row_id("hs", "a-b"));
    }

    #[test]
    fn a_view_that_does_not_exist_is_not_found() {
        assert!(View::named("kitchen", None, Window::default()).is_err());
        assert!(View::named("call", Some("xyz"), Window::default()).is_err());
    }
}
