//! The actor of one handset on native base stations: drives its machine.
//!
//! ```text
//! base station ──Visit, HearAir, Down──► step ──► Portable::handle ──► save ──► then: base station
//! legs, Air ────────────Do, OfferCall───┘                                └──► legs, Air
//! ```
//!
//! Invariant: a handset that was told it is subscribed or located is so after `kill -9`.

use std::collections::HashMap;
use std::net::SocketAddr;

use actix::prelude::*;
use kirkwall_core::call::dect_leg::Stream;
use kirkwall_core::call::text::post::Errand;
use kirkwall_core::dect::base_link::code::{CipherAlgorithm, ReleaseReason};
use kirkwall_core::dect::base_link::word::{CipherKey, ConnRelease};
use kirkwall_core::dect::base_link::{ConnId, MediaId, Octets};
use kirkwall_core::dect::element;
use kirkwall_core::dect::identity::Ipui;
use kirkwall_core::dect::portable::{
    CallNews, CallNo, Connection, Input, News, Offer, Order, Output, Portable, Save,
};
use kirkwall_core::id::{CallRef, Tokens};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::pii::Pii;
use kirkwall_data::portable::{PortableRecord, Portables};
use tracing::{Span, debug, error, info_span};

use super::base::{Own, Say, nwk};
use super::handover::{Followed, Key};
use super::leg::{At, InspectStream, LegHears, NativeLeg, Occupied};
use super::{Air, AskPlan, Capture, HandsetTold, PageAll};
use crate::ports::Ports;
use crate::post::{Post, Shown};

mod shown;

pub use shown::{CallShown, InspectCall, ShownKey};

/// Gives the pure [`Portable`] a mailbox, a clock, a disk and a voice. Decides nothing itself.
pub struct NativeHandset {
    ipui: Ipui,
    machine: Portable,
    /// Where it speaks over now.
    at: Option<At>,
    legs: HashMap<CallNo, Addr<NativeLeg>>,
    /// Texts that are on their way to its display, and who wants to know.
    texts: HashMap<u64, (Errand, Addr<Post>)>,
    next_text: u64,
    /// The cipher key of its connection.
    key: Option<ShownKey>,
    air: Addr<Air>,
    ports: Ports,
    tokens: Tokens,
    store: Portables,
    alarm: Option<SpawnHandle>,
    span: Span,
}

impl NativeHandset {
    /// With its machine, fresh or as it stood.
    pub fn new(machine: Portable, air: Addr<Air>, ports: Ports, tokens: Tokens) -> Self {
        let ipui = machine.ipui().clone();
        let span = info_span!("handset", ipui = %Pii(&ipui));
        let (at, legs, key, store) = (None, HashMap::new(), None, Portables::new(&ports.journal));
        let (texts, next_text) = (HashMap::new(), 0);
        Self { ipui, machine, at, legs, texts, next_text, key, air, ports, tokens, store, alarm: None, span }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: Input, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        let Ready { save, then } = match self.machine.handle(input, self.ports.clock.now()) {
            Ok(ready) => ready,
            Err(refusal) => return debug!(%refusal),
        };
        if save.is_empty() {
            return self.perform(then, ctx);
        }
        let writes = save.into_iter().map(|save| match save {
            Save::Put(standing) => self.store.put(&PortableRecord::new(*standing)),
            Save::Forget(ipui) => self.store.delete(&PortableRecord::name_of(&ipui)),
        });
        let saved = self.ports.journal.save(writes.collect()).into_actor(self);
        ctx.wait(saved.map(|saved, me, ctx| match saved {
            Ok(()) => me.perform(then, ctx),
            // It was told nothing, and will ask again.
            Err(fault) => error!(parent: &me.span, %fault, "handset not saved, and not answered"),
        }));
    }

    fn perform(&mut self, then: Vec<Output>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                Output::Page(page) => self.air.do_send(PageAll(page)),
                Output::Send { connection, octets } => {
                    self.air.do_send(Capture { sent: true, octets: octets.clone() });
                    if let Some(say) = nwk(connection.number, octets) {
                        self.say(&connection, say);
                    }
                }
                Output::Release { connection, normal } => {
                    let reason = if normal { ReleaseReason::NORMAL } else { ReleaseReason::ABNORMAL };
                    let conn = ConnId(connection.number);
                    self.say(&connection, Say(ConnRelease { conn, reason }.into()));
                }
                Output::CipherKey { connection, algorithm, number, key } => {
                    let dsc2 = algorithm == element::CipherAlgorithm::DSC2;
                    let alg = if dsc2 { CipherAlgorithm::Dsc2 } else { CipherAlgorithm::Dsc };
                    let (conn, ck_num) = (ConnId(connection.number), number);
                    if let Some(dck) = Octets::new(key.0).map(Pii) {
                        self.key = Some(ShownKey { alg, ck_num, dck: dck.clone() });
                        self.say(&connection, Say(CipherKey { conn, alg, ck_num, dck }.into()));
                    }
                }
                Output::News(News::Call(call, news)) => self.call_news(call, news, ctx),
                Output::News(News::TextShown(number, outcome)) => {
                    if let Some((errand, post)) = self.texts.remove(&number) {
                        post.do_send(Shown(errand, outcome.map_err(|fault| fault.to_string())));
                    }
                }
                Output::News(news) => self.air.do_send(HandsetTold(self.ipui.clone(), news)),
            }
        }
        self.rearm(ctx);
    }

    /// The number of a text, whose fate that post wants to know.
    pub(super) fn await_text(&mut self, errand: Errand, post: Addr<Post>) -> u64 {
        self.next_text += 1;
        self.texts.insert(self.next_text, (errand, post));
        self.next_text
    }

    fn say(&self, connection: &Connection, say: Say) {
        if let Some(at) = self.at.as_ref().filter(|at| at.connection.base == connection.base) {
            at.base.do_send(say);
        }
    }

    /// A call that the handset asks for gets its leg; all other news go to the leg there is.
    fn call_news(&mut self, call: CallNo, news: CallNews, ctx: &mut Context<Self>) {
        if let (CallNews::Asked { digits, emergency, .. }, Some(at)) = (&news, &self.at) {
            let asked = super::leg::Asked {
                call,
                digits: digits.clone(),
                emergency: *emergency,
                ipui: self.ipui.clone(),
                at: self.place(at, call),
                handset: ctx.address(),
                tokens: self.tokens.split(),
            };
            self.air.do_send(asked);
            return;
        }
        if let CallNews::Digits(digits) = news {
            return self.ask_plan(call, digits, ctx);
        }
        let over = matches!(news, CallNews::Ended { .. });
        if let Some(leg) = self.legs.get(&call) {
            leg.do_send(LegHears(news, self.at.as_ref().map(|at| self.place(at, call))));
        }
        if over {
            self.legs.remove(&call);
        }
    }

    /// Where it speaks in a call: wideband speech takes both the base station and the handset.
    fn place(&self, at: &At, call: CallNo) -> At {
        At { wideband: at.wideband && self.machine.is_wideband(call), ..at.clone() }
    }

    /// Whether these digits are a whole number is the dial plan's to say.
    fn ask_plan(&self, call: CallNo, digits: Pii<String>, ctx: &mut Context<Self>) {
        let asked = self.air.send(AskPlan(digits.clone())).into_actor(self);
        ctx.spawn(asked.map(move |whole, me, ctx| {
            if whole.unwrap_or(false) {
                me.step(Input::Order(Order::Whole(call, digits)), ctx);
            }
        }));
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(Input::Deadline, ctx))
        });
    }
}

impl Actor for NativeHandset {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(256);
        self.step(Input::Started, ctx);
    }
}

/// It has opened a connection, and this was its first word.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Visit {
    /// Where.
    pub at: At,
    /// The message.
    pub first: Vec<u8>,
}

impl Handler<Visit> for NativeHandset {
    type Result = ();

    fn handle(&mut self, Visit { at, first }: Visit, ctx: &mut Self::Context) {
        at.base.do_send(Own(ConnId(at.connection.number), ctx.address()));
        let connection = at.connection.clone();
        self.at = Some(at);
        self.key = None;
        self.step(Input::Opened { connection, first }, ctx);
    }
}

/// It says this.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HearAir {
    /// Over this connection.
    pub connection: Connection,
    /// The message.
    pub octets: Vec<u8>,
}

impl Handler<HearAir> for NativeHandset {
    type Result = ();

    fn handle(&mut self, HearAir { connection, octets }: HearAir, ctx: &mut Self::Context) {
        self.air.do_send(Capture { sent: false, octets: octets.clone() });
        self.step(Input::Heard { connection, octets }, ctx);
    }
}

/// A connection of its is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Down {
    /// Which.
    pub connection: Connection,
    /// Released in order.
    pub normal: bool,
}

impl Handler<Down> for NativeHandset {
    type Result = ();

    fn handle(&mut self, Down { connection, normal }: Down, ctx: &mut Self::Context) {
        self.step(Input::Closed { connection, normal }, ctx);
    }
}

/// A connection of its is ciphered, or clear.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Ciphered {
    /// Which.
    pub connection: Connection,
    /// Ciphered.
    pub on: bool,
}

impl Handler<Ciphered> for NativeHandset {
    type Result = ();

    fn handle(&mut self, Ciphered { connection, on }: Ciphered, ctx: &mut Self::Context) {
        self.step(Input::Ciphered { connection, on }, ctx);
    }
}

/// It was handed over.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MovedTo {
    /// Where it is now.
    pub at: At,
    /// Where the new base station receives its speech.
    pub stream: Option<SocketAddr>,
    /// It has a long slot there.
    pub long: bool,
    /// The handover; it goes on when speech has followed.
    pub key: Key,
}

impl Handler<MovedTo> for NativeHandset {
    type Result = ();

    fn handle(&mut self, MovedTo { at, stream, long, key }: MovedTo, ctx: &mut Self::Context) {
        let Some(old) = self.at.replace(at.clone()) else { return };
        let conn = ConnId(at.connection.number);
        at.base.do_send(Own(conn, ctx.address()));
        self.step(Input::Moved { from: old.connection.clone(), to: at.connection.clone() }, ctx);
        if self.machine.connection() != Some(&at.connection) {
            // What it came over with has ended meanwhile.
            at.base.do_send(Say(ConnRelease { conn, reason: ReleaseReason::NORMAL }.into()));
            self.at = Some(old);
        }
        match self.legs.is_empty() {
            true => self.air.do_send(Followed(key)),
            false => self.legs.iter().for_each(|(call, leg)| {
                leg.do_send(super::leg::StreamMoved { at: self.place(&at, *call), stream, long, key });
            }),
        }
    }
}

/// Tell the handset this.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Do(pub Order);

impl Handler<Do> for NativeHandset {
    type Result = ();

    fn handle(&mut self, Do(order): Do, ctx: &mut Self::Context) {
        self.step(Input::Order(order), ctx);
    }
}

/// This leg has that call of the handset.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Serve(pub CallNo, pub Addr<NativeLeg>);

impl Handler<Serve> for NativeHandset {
    type Result = ();

    fn handle(&mut self, Serve(call, leg): Serve, _: &mut Self::Context) {
        self.legs.insert(call, leg);
    }
}

/// Offer the handset a call; its news go to the leg.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OfferCall {
    /// Its number.
    pub call: CallNo,
    /// What it shows.
    pub offer: Box<Offer>,
    /// Who wants it.
    pub leg: Addr<NativeLeg>,
}

impl Handler<OfferCall> for NativeHandset {
    type Result = ();

    fn handle(&mut self, OfferCall { call, offer, leg }: OfferCall, ctx: &mut Self::Context) {
        if let Some(by) = self.legs.values().next() {
            return leg.do_send(Occupied(by.clone()));
        }
        self.legs.insert(call, leg);
        self.step(Input::Order(Order::Offer { call, offer }), ctx);
    }
}
