//! The switch's side of the base link of one base station: from HELLO over lost links to GOODBYE.
//!
//! ```text
//! Down ─HELLO─► Configuring ─► Starting ─► Syncing ─► Operational ◄─► Busy
//!   ▲    │                                    ▲            │
//!   │    └─too old, out of use─► Refused      └─sync lost──┴──► Draining (calls end, three minutes at most)
//!   └─grace over─ Suspect ◄─link lost── any of them;  Suspect ─HELLO with RESUME_TOKEN─► where it was
//! ```
//!
//! A session outlives its connections: while a base station is [`Standing::Suspect`] its handsets' calls go
//! on. When it comes back with its RESUME_TOKEN both ends say which connections they have; what one end does
//! not have is released. All this survives a restart of the switch by [`SessionRecord`].
//!
//! The owner (the base station's actor) is told [`News`] and gives [`Order`]s. It decides about handsets and
//! calls; the session decides about the link.

use std::time::Duration;

mod bucket;
mod come;
mod connections;
mod hear;
mod link;
mod order;
mod setup;
mod words;

pub use connections::MOST_CONNECTIONS;
pub use link::MOST_ASKED;
pub use setup::{DRAIN, FREE_RUNNING};
pub use words::{
    Input, LinkNo, Live, News, Order, Output, Plan, Refusal, Request, Save, SessionRecord, Settings, Standing,
};

use super::code::{DownReason, ErrorCode, GoodbyeReason, RadioState, RejectReason, Role};
use super::direction::Response;
use super::enrolment::{Enrolled, KeyPrint};
use super::value::{BaseId, ConnId};
use super::word::{Capacity, ConnReject, Goodbye, Hello, Neighbours, Refuse, SyncTold};
use crate::id::Tokens;
use crate::machine::{Machine, Ready};
use crate::pii::Pii;
use crate::timer::{Moment, TimerTable};
use connections::Connections;
use link::Up;

/// How long the owner has to accept a connection; a handset gives up soon after.
pub const DECIDE: Duration = Duration::from_secs(3);

/// Timers of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The next PING.
    Ping,
    /// Nothing was heard since.
    Dead,
    /// The calls of a lost link end.
    Grace,
    /// A free-running clock has run too far.
    FreeRunning,
    /// A base station without time has to have ended its calls.
    Drain,
    /// It refused its set-up; once more.
    Setup,
}

/// How far it is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no plan yet.
    Unplanned,
    /// RADIO_CONFIG or SYNC_CONFIG is under way.
    Configuring,
    /// RADIO_START is under way.
    Starting,
    /// It runs.
    Running,
    /// It refused.
    Failed,
}

/// What a base station last told of itself, for people to see.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Who it is.
    pub hello: Option<Box<Hello>>,
    /// How its radio is.
    pub radio: Option<RadioState>,
    /// How its time is.
    pub sync: Option<SyncTold>,
    /// What room is left.
    pub capacity: Option<Capacity>,
    /// Whom it hears.
    pub neighbours: Option<Neighbours>,
    /// How long a PING takes there and back.
    pub round_trip: Option<Duration>,
    /// Since when the link is up.
    pub up_since: Option<Moment>,
    /// Why it was refused, when it was the last time it came.
    pub refused: Option<Refuse>,
    /// Links lost since the switch started.
    pub links_lost: u64,
    /// Frames that were not right.
    pub faults: u64,
}

/// The names of a session that goes on.
#[derive(Debug, Clone)]
struct Names {
    session_id: [u8; 16],
    resume_token: Pii<[u8; 16]>,
}

/// The machine.
#[derive(Debug)]
pub struct Session {
    base: BaseId,
    key: KeyPrint,
    out_of_use: bool,
    settings: Settings,
    tokens: Tokens,
    timers: TimerTable<Timer>,
    up: Option<Up>,
    names: Option<Names>,
    conns: Connections,
    plan: Option<Box<Plan>>,
    radio: Option<[u8; 32]>,
    phase: Phase,
    replan: bool,
    maintenance: bool,
    busy_wanted: u8,
    busy_said: u8,
    standing: Standing,
    told: Told,
    dirty: bool,
}

/// Saves and orders as they come together.
type Out = Ready<Save, Output>;

impl Session {
    /// For a base station that was enrolled, and its session of before, if it had one. That one is
    /// [`Standing::Suspect`] from `now` on.
    pub fn new(
        enrolled: &Enrolled,
        settings: Settings,
        tokens: Tokens,
        before: Option<SessionRecord>,
        now: Moment,
    ) -> Self {
        let mut timers = TimerTable::default();
        let live = before.as_ref().map_or(&[][..], |record| &record.live);
        let (conns, radio) = (Connections::of(live), before.as_ref().and_then(|record| record.radio));
        if before.is_some() {
            timers.set(Timer::Grace, now + settings.grace);
        }
        let standing = if before.is_some() { Standing::Suspect } else { Standing::Down };
        let names =
            before.map(|SessionRecord { session_id, resume_token, .. }| Names { session_id, resume_token });
        Self {
            base: enrolled.base,
            key: enrolled.key,
            out_of_use: enrolled.out_of_use,
            settings,
            tokens,
            timers,
            up: None,
            names,
            conns,
            plan: None,
            radio,
            phase: Phase::Unplanned,
            replan: false,
            maintenance: enrolled.draining,
            busy_wanted: 0,
            busy_said: 0,
            standing,
            told: Told::default(),
            dirty: false,
        }
    }

    /// Which base station.
    pub fn base(&self) -> BaseId {
        self.base
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What it last told of itself.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// The connection that lives now.
    pub fn link(&self) -> Option<LinkNo> {
        self.up.as_ref().map(|up| up.no)
    }

    /// Connections that were taken.
    pub fn live(&self) -> Vec<Live> {
        self.conns.live()
    }

    /// What it is, by its last HELLO.
    pub fn role(&self) -> Role {
        self.told.hello.as_ref().map_or(Role::Base, |hello| hello.role)
    }

    fn lose(&mut self, link: LinkNo, now: Moment, ready: &mut Out) {
        if self.link() != Some(link) {
            return;
        }
        let Some(up) = self.up.take() else { return };
        self.told.links_lost += 1;
        self.told.up_since = None;
        self.timers.stop_all();
        for request in up.into_asked() {
            let response = Response::Refused(ErrorCode::WRONG_STATE);
            ready.then.push(Output::News(News::Answered { request, response }));
        }
        for conn in self.conns.undecided() {
            self.drop_conn(conn, DownReason::LOST, ready);
        }
        let until = now + self.settings.grace;
        self.timers.set(Timer::Grace, until);
        ready.then.push(Output::News(News::Suspect { until }));
    }

    /// GOODBYE, and the connection is closed; the session goes on as after any other loss of a link.
    fn part(&mut self, reason: GoodbyeReason, retry_s: Option<u16>, now: Moment, ready: &mut Out) {
        let Some(up) = &mut self.up else { return };
        let link = up.no;
        ready.then.push(up.say(Goodbye { reason, retry_s }));
        ready.then.push(Output::Close { link });
        self.lose(link, now, ready);
    }

    /// The session is over, and with it every connection.
    fn end(&mut self, ready: &mut Out) {
        for conn in self.conns.ids() {
            self.drop_conn(conn, DownReason::LOST, ready);
        }
        if self.names.take().is_some() {
            self.timers.stop_all();
            self.radio = None;
            self.told = Told { hello: self.told.hello.take(), ..std::mem::take(&mut self.told) };
            (self.told.radio, self.told.sync, self.told.capacity) = (None, None, None);
            self.dirty = true;
            ready.then.push(Output::News(News::Down));
        }
    }

    fn drop_conn(&mut self, conn: ConnId, reason: DownReason, ready: &mut Out) {
        if let Some(gone) = self.conns.remove(conn) {
            self.dirty |= gone.undecided.is_none();
            ready.then.push(Output::News(News::ConnDown { conn, reason, frames: None }));
        }
    }

    fn expire(&mut self, now: Moment, ready: &mut Out) {
        while let Some(timer) = self.timers.pop_expired(now) {
            match timer {
                Timer::Ping => {
                    ready.then.extend(self.up.as_mut().map(|up| up.ping(now)));
                    self.timers.set(Timer::Ping, now + self.settings.ping);
                }
                Timer::Dead => self.part(GoodbyeReason::DEAD, None, now, ready),
                Timer::Grace => self.end(ready),
                // Its standing says the rest.
                Timer::FreeRunning => {}
                Timer::Drain => self.release_all(now, ready),
                Timer::Setup => self.set_up(now, ready),
            }
        }
        for request in self.up.as_mut().map(|up| up.expired(now)).unwrap_or_default() {
            self.answered(request, Response::Refused(ErrorCode::TIMEOUT), now, ready);
        }
        for conn in self.conns.expired(now) {
            let reject = ConnReject { conn, reason: RejectReason::UNKNOWN };
            ready.then.extend(self.up.as_mut().map(|up| up.say(reject)));
            self.drop_conn(conn, DownReason::TIMEOUT, ready);
        }
    }

    fn record(&self) -> Save {
        match &self.names {
            None => Save::Ended,
            Some(Names { session_id, resume_token }) => Save::Session(SessionRecord {
                session_id: *session_id,
                resume_token: resume_token.clone(),
                live: self.conns.live(),
                radio: self.radio,
            }),
        }
    }
}

impl Machine for Session {
    type Input = Input;
    type Save = Save;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Out, Refusal> {
        let mut ready = Ready::nothing();
        match input {
            Input::Greeted { link, hello, key } => self.greeted(link, hello, key, now, &mut ready),
            Input::Received { link, heard } => {
                if self.link() == Some(link) {
                    self.hear(heard, now, &mut ready);
                }
            }
            Input::Lost { link } => self.lose(link, now, &mut ready),
            Input::Order(order) => self.order(order, now, &mut ready)?,
            Input::Deadline => self.expire(now, &mut ready),
        }
        self.settle(now, &mut ready);
        if std::mem::take(&mut self.dirty) {
            ready.save.push(self.record());
        }
        Ok(ready)
    }

    fn deadline(&self) -> Option<Moment> {
        let asked = self.up.as_ref().and_then(Up::due);
        [self.timers.next(), asked, self.conns.due()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
