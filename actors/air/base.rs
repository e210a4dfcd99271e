//! The actor of one native base station: drives its session on the base link.
//!
//! ```text
//! listener ──► Air ──Greet, OnLink──► step ──► Session::handle ──► save ──► then: link
//!                                       ▲                              └──News──► Air, handsets, legs
//! handsets, legs ──Say, OpenStream──────┘
//! ```
//!
//! It knows which handset speaks over which connection, and which leg has which stream; nothing of what
//! they say.

mod messages;
mod room;
mod slot;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use actix::prelude::*;
use kirkwall_core::dect::base_link::code::{CipherState, DownReason, ErrorCode, Role, Sapi};
use kirkwall_core::dect::base_link::enrolment::KeyPrint;
use kirkwall_core::dect::base_link::session::{
    Input, LinkNo, News, Order, Output, Plan, Request, Save, Session, Standing,
};
use kirkwall_core::dect::base_link::value::Pmid;
use kirkwall_core::dect::base_link::word::{
    ConnAccept, ConnRelease, Hello, HoComplete, HoFailed, HoInd, MediaClose, MediaOpen, Neighbours, NwkData,
};
use kirkwall_core::dect::base_link::{BaseId, ConnId, Heard, MediaId, Response, ToBase};
use kirkwall_core::dect::portable::Connection;
use kirkwall_core::id::BaseStationId;
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_data::native_base::{NativeSessionRecord, NativeSessions};
use tracing::{Span, debug, error, info_span, warn};

pub use messages::{
    About, CloseStream, Configure, ForgetStream, Greet, LinkGone, OnLink, OpenStream, Own, Say, TakeStream,
    nwk,
};
pub use room::{Carry, Halt, Rooms, Serve, Tally};
pub use slot::ChangeSlot;

use super::leg::{NativeLeg, StreamOpened};
use super::portable::{Ciphered, Down, HearAir, NativeHandset};
use super::{Air, BaseTold, Knock};
use crate::ports::{LinkPort, Ports};

/// Most messages of a handset kept while it is found out whose they are.
const MOST_WAITING: usize = 8;

/// One connection of a handset.
#[derive(Default)]
struct Conn {
    owner: Option<Addr<NativeHandset>>,
    pmid: Option<Pmid>,
    knocked: bool,
    waiting: VecDeque<Vec<u8>>,
}

/// Gives the pure [`Session`] a mailbox, a clock, a disk and a voice. Decides nothing itself.
pub struct NativeBase {
    id: BaseId,
    session: Session,
    conns: HashMap<ConnId, Conn>,
    /// Its channels, what handsets are told of them, and what came of them.
    rooms: Rooms,
    streams: HashMap<MediaId, Addr<NativeLeg>>,
    /// Who waits for a slot to change.
    slots: HashMap<ConnId, slot::Asked>,
    /// Where it spoke from.
    remote: Option<SocketAddr>,
    air: Addr<Air>,
    links: std::sync::Arc<dyn LinkPort>,
    ports: Ports,
    store: NativeSessions,
    alarm: Option<SpawnHandle>,
    span: Span,
}

impl NativeBase {
    /// With a session, fresh or as it stood.
    pub fn new(
        session: Session,
        rooms: Rooms,
        air: Addr<Air>,
        links: std::sync::Arc<dyn LinkPort>,
        ports: Ports,
    ) -> Self {
        let (id, store) = (session.base(), NativeSessions::new(&ports.journal));
        let span = info_span!("base", %id);
        let (conns, streams, slots) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self {
            id,
            session,
            conns,
            rooms,
            streams,
            slots,
            remote: None,
            air,
            links,
            ports,
            store,
            alarm: None,
            span,
        }
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    fn name(&self) -> BaseStationId {
        self.id.into()
    }

    fn connection(&self, conn: ConnId) -> Connection {
        Connection { base: self.name(), number: conn.0 }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: Input, ctx: &mut Context<Self>) -> bool {
        let _entered = self.span.clone().entered();
        let Ready { save, then } = match self.session.handle(input, self.ports.clock.now()) {
            Ok(ready) => ready,
            Err(refusal) => {
                debug!(%refusal);
                return false;
            }
        };
        if save.is_empty() {
            self.perform(then, ctx);
            return true;
        }
        let writes = save.into_iter().map(|save| match save {
            Save::Session(session) => self.store.put(&NativeSessionRecord { base: self.id, session }),
            Save::Ended => self.store.delete(&self.id),
        });
        let saved = self.ports.journal.save(writes.collect()).into_actor(self);
        ctx.wait(saved.map(|saved, me, ctx| {
            if let Err(fault) = saved {
                error!(parent: &me.span, %fault, "session not saved; its calls would not survive a crash");
            }
            me.perform(then, ctx);
        }));
        true
    }

    fn perform(&mut self, then: Vec<Output>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                Output::Send { link, seq, word } => self.links.send(link, seq, word),
                Output::Close { link } => self.links.close(link),
                Output::News(news) => self.pass_on(news, ctx),
            }
        }
        self.rearm(ctx);
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.session.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| _ = me.step(Input::Deadline, ctx))
        });
    }

    /// News to whom they concern.
    fn pass_on(&mut self, news: News, ctx: &mut Context<Self>) {
        match news {
            News::ConnInd(ind) => {
                self.rooms.statistics.connect(ind.rssi);
                self.conns.insert(ind.conn, Conn { pmid: Some(ind.pmid), ..Conn::default() });
                // One that comes over from elsewhere is decided about with HO_IND.
                if !ind.ho_flag {
                    ctx.notify(Say(ConnAccept { conn: ind.conn, dck_present: None }.into()));
                }
            }
            News::ConnDown { conn, reason, frames } => {
                self.ended(reason, frames);
                self.down(conn, reason == DownReason::NORMAL);
            }
            News::Nwk(NwkData { conn, pdu, .. }) => self.hear(conn, pdu.into_vec()),
            News::Cipher(told) => {
                if let Some(owner) = self.conns.get(&told.conn).and_then(|conn| conn.owner.as_ref()) {
                    let (connection, on) = (self.connection(told.conn), told.state == CipherState::Encrypted);
                    owner.do_send(Ciphered { connection, on });
                }
                self.air.do_send(BaseTold(self.id, About::Ciphered(told.conn, told.state)));
            }
            News::Answered { request, response } => self.answered(request, response, ctx),
            News::HoInd(ind) => {
                self.rooms.statistics.connect(ind.rssi);
                // What it says waits until the link has moved: it is nobody's first word.
                let conn = Conn { pmid: Some(ind.pmid), knocked: true, ..Conn::default() };
                self.conns.insert(ind.new_conn, conn);
                self.tell_air(About::Comes(Box::new(ind)));
            }
            News::HoComplete(done) => self.tell_air(About::Came(done)),
            News::HoFailed(failed) => {
                self.conns.remove(&failed.new_conn);
                self.tell_air(About::DidNotCome(failed));
            }
            News::Neighbours(heard) => self.tell_air(About::Hears(heard)),
            News::Standing(standing) => {
                self.tell_air(About::Stands(standing, self.remote, self.long_slot()));
                self.look(ctx);
            }
            News::Up { resumed, upgrade_recommended } => {
                if upgrade_recommended {
                    warn!(parent: &self.span, "the base station's firmware should be newer");
                }
                debug!(parent: &self.span, resumed, "link up");
                self.tell_air(About::Up(self.session.role()));
                self.say_busy(ctx);
            }
            News::Refused(refuse) => {
                warn!(parent: &self.span, reason = %refuse.reason, "the base station was refused");
                metrics::counter!("ipdect_base_link_refused_total").increment(1);
            }
            News::Suspect { .. } => {
                warn!(parent: &self.span, "the base link is lost; its calls go on for a while")
            }
            News::Down => warn!(parent: &self.span, "the base station is gone"),
            News::Log(log) => debug!(parent: &self.span, ?log, "the base station says"),
            News::Capacity(_) => self.look(ctx),
            News::Sync(told) => self.timed(told.state),
            News::MediaEvent(_) => {}
        }
    }

    fn tell_air(&self, about: About) {
        self.air.do_send(BaseTold(self.id, about));
    }

    fn down(&mut self, conn: ConnId, normal: bool) {
        let connection = self.connection(conn);
        let Some(gone) = self.conns.remove(&conn) else { return };
        if let Some(owner) = gone.owner {
            owner.do_send(Down { connection, normal });
        }
        self.tell_air(About::Gone { conn, pmid: gone.pmid, normal });
    }

    /// The first word of a connection goes to the door; what follows waits until it is known whose it is.
    fn hear(&mut self, number: ConnId, octets: Vec<u8>) {
        let connection = self.connection(number);
        let Some(conn) = self.conns.get_mut(&number) else { return };
        match (&conn.owner, conn.knocked) {
            (Some(owner), _) => owner.do_send(HearAir { connection, octets }),
            (None, false) => {
                conn.knocked = true;
                let pmid = conn.pmid;
                self.air.do_send(Knock { base: self.id, connection, pmid, first: octets });
            }
            (None, true) if conn.waiting.len() < MOST_WAITING => conn.waiting.push_back(octets),
            (None, true) => debug!(parent: &self.span, "a handset says too much before it is known"),
        }
    }

    fn answered(&mut self, request: Request, response: Response, ctx: &mut Context<Self>) {
        match (request, response) {
            (Request::MediaOpen(media), response) => {
                let Some(leg) = self.streams.get(&media).cloned() else { return };
                if response == Response::Refused(ErrorCode::NO_CHANNEL) {
                    self.blocked_there(ctx);
                }
                let opened = match response {
                    Response::MediaOpened(opened) => Ok(opened.local),
                    Response::Refused(code) => Err(format!("the base station has no stream: {code}")),
                    _ => Err("the base station does not say where its stream is".to_owned()),
                };
                if opened.is_err() {
                    self.streams.remove(&media);
                }
                leg.do_send(StreamOpened(opened));
            }
            (Request::Slot(conn), response) => self.slot_changed(conn, response == Response::Done),
            (Request::MediaClose(media), _) => drop(self.streams.remove(&media)),
            (Request::Release(conn), _) => self.down(conn, true),
            (Request::HoPrepare(conn), response) => {
                self.tell_air(About::Prepared(conn, Box::new(response)));
            }
            (request, Response::Refused(code)) => {
                warn!(parent: &self.span, ?request, %code, "the base station refused a request");
            }
            _ => {}
        }
    }
}

impl Actor for NativeBase {
    type Context = Context<Self>;

    /// What was connected before this process has nobody who knows what was said: it is released, so that
    /// the handset begins anew. A call of it has ended with the process.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1_024);
        for live in self.session.live() {
            let reason = kirkwall_core::dect::base_link::code::ReleaseReason::ABNORMAL;
            ctx.notify(Say(ConnRelease { conn: live.conn, reason }.into()));
        }
        self.rearm(ctx);
    }
}
