//! The actor of a native leg: the call of one handset on the air, with its stream at a base station, and the
//! calls of the switch that share it.
//!
//! ```text
//! calls ──ObeyOn──► step ──► DectLeg::handle ──► handset (NativeHandset), stream (NativeBase), calls (LegSaid)
//! ```
//!
//! A call for a handset makes a leg; when the handset has a call already, the leg there takes it as one more of
//! its lines, and the new leg only passes on what its call says (`lines`).
//!
//! Nothing of it is on disk: a native call that stood when the process ended is ended when it starts again.

mod asks;
mod lines;
mod messages;
mod slot;
mod stream;

use std::collections::BTreeMap;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use actix::prelude::*;
use kirkwall_core::call::dect_leg::{Abilities, Beginning, Called, DectLeg, Input, LineNo, Output, Stream};
use kirkwall_core::call::{Body, LegNews, LegNo, LegOrder};
use kirkwall_core::dect::base_link::code::{Codec as BaseCodec, SrtpSuite as BaseSuite};
use kirkwall_core::dect::base_link::word::{MediaModify, MediaOpen, SrtpKey as BaseKey, dir};
use kirkwall_core::dect::base_link::{ConnId, MediaId};
use kirkwall_core::dect::cc::Ender;
use kirkwall_core::dect::element::ReleaseReason;
use kirkwall_core::dect::identity::Ipui;
use kirkwall_core::dect::portable::{CallNews, CallNo, Connection, Offer, Order};
use kirkwall_core::id::{BaseStationId, CallRef, Tokens};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::media::{Codec, Direction, SrtpKey, SrtpSuite};
use kirkwall_core::pii::Pii;
use kirkwall_core::radio::allocation::Purpose;
use tracing::{Span, debug, info_span};

pub use lines::{GoOver, Join, Knock, ObeyOn, Occupied, TurnedAway};
pub use messages::{InspectStream, LegHears, StreamMoved, StreamOpened};
pub use slot::SlotAnswered;
pub use stream::{base_codec, direction, key, suite};

use super::FindHandset;
use super::base::{CloseStream, ForgetStream, NativeBase, OpenStream, Say, TakeStream};
use super::handover::{Followed, Key};
use super::portable::{Do, NativeHandset, OfferCall, Serve};
use crate::call::{Call, LegSaid};
use crate::ports::Ports;
use crate::supervisor::{KeepBase, MoveBase, NativeCall, ReleaseBase, Supervisor, TakeBase};

use lines::Place;

/// Where a handset speaks over.
#[derive(Debug, Clone)]
pub struct At {
    /// The connection.
    pub connection: Connection,
    /// The base station that carries it.
    pub base: Addr<NativeBase>,
    /// Where that base station speaks from.
    pub remote: SocketAddr,
    /// It can carry G.722 in a long slot, and so can the handset where a call of its is meant.
    pub wideband: bool,
}

/// A handset wants a call.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Asked {
    /// The handset's number for it.
    pub call: CallNo,
    /// What was dialled.
    pub digits: Pii<String>,
    /// A call for help.
    pub emergency: bool,
    /// Whose.
    pub ipui: Ipui,
    /// Where it speaks.
    pub at: At,
    /// The handset.
    pub handset: Addr<NativeHandset>,
    /// Words for its leg.
    pub tokens: Tokens,
}

/// What a leg is made from beside its beginning.
pub struct LegSeed {
    /// The handset's number for the call.
    pub call_no: CallNo,
    /// Its number in the call.
    pub leg: LegNo,
    /// What base stations bring.
    pub abilities: Abilities,
    /// The handset; none while it must be looked for.
    pub handset: Option<Addr<NativeHandset>>,
    /// Who gives channels.
    pub supervisor: Addr<Supervisor>,
    /// The world.
    pub ports: Ports,
    /// Its own words.
    pub tokens: Tokens,
}

/// How the actor begins.
enum Start {
    Asked(Box<Asked>),
    Dialled {
        call: Addr<Call>,
        ipui: Ipui,
        reference: CallRef,
        base: Option<BaseStationId>,
        called: Box<Called>,
    },
    /// The handset was offered this.
    Offered(Box<Called>),
    Done,
}

/// Numbers of streams; unique on every base link while this process lives.
static NEXT_STREAM: AtomicU32 = AtomicU32::new(1);

/// Gives the pure [`DectLeg`] a mailbox and a voice. Decides nothing itself.
pub struct NativeLeg {
    seed: LegSeed,
    machine: DectLeg,
    start: Start,
    /// Its lines, by the calls that they belong to.
    lines: BTreeMap<LineNo, Place>,
    /// The call that holds a channel of a base station for the connection.
    held: Option<(CallRef, BaseStationId)>,
    /// Whose handset it is, where it spoke when it began.
    asked: Option<Asked>,
    /// Orders that came while its one line was given to another leg.
    moving: Option<Vec<LegOrder>>,
    /// The leg that has its one line, when the handset was in a call already.
    elsewhere: Option<(Addr<NativeLeg>, LineNo)>,
    ipui: Ipui,
    at: Option<At>,
    media: Option<MediaId>,
    stream: Option<Stream>,
    /// The channel that is held is a long slot.
    long: bool,
    /// The handover that waits for the stream to follow.
    handover: Option<Key>,
    alarm: Option<SpawnHandle>,
    span: Span,
}

impl NativeLeg {
    /// The leg of a handset that calls.
    pub fn asked(seed: LegSeed, asked: Asked) -> Self {
        Self::new(seed, asked.ipui.clone(), Start::Asked(Box::new(asked)))
    }

    /// The leg of a handset that is called, and the base station whose channel the call holds for it.
    pub fn dialled(
        seed: LegSeed,
        (call, reference): (Addr<Call>, CallRef),
        (ipui, base): (Ipui, Option<BaseStationId>),
        called: Called,
    ) -> Self {
        let start = Start::Dialled { call, ipui: ipui.clone(), reference, base, called: Box::new(called) };
        Self::new(seed, ipui, start)
    }

    fn new(mut seed: LegSeed, ipui: Ipui, start: Start) -> Self {
        let machine = DectLeg::new(seed.call_no, seed.abilities.clone(), seed.tokens.split());
        Self {
            span: info_span!("native leg", leg = seed.leg.0),
            seed,
            machine,
            start,
            lines: BTreeMap::new(),
            held: None,
            asked: None,
            moving: None,
            elsewhere: None,
            ipui,
            at: None,
            media: None,
            stream: None,
            long: false,
            handover: None,
            alarm: None,
        }
    }

    /// One input in, everything it causes out, in order.
    fn step(&mut self, input: Input, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        let Ready { then, .. } = match self.machine.handle(input, self.seed.ports.clock.now()) {
            Ok(ready) => ready,
            Err(refusal) => return debug!(%refusal),
        };
        for output in then {
            match output {
                Output::Handset(Order::Offer { call, offer }) => self.offer(call, offer, ctx),
                Output::Handset(order) => {
                    if let Some(handset) = &self.seed.handset {
                        handset.do_send(Do(order));
                    }
                }
                Output::Open(connection) => self.open(&connection, ctx),
                Output::Modify(stream) => self.modify(*stream),
                Output::Slot { long } => self.change_slot(long, ctx),
                Output::Followed => self.followed(),
                Output::CloseStream => self.close_stream(),
                Output::Begin { line, digits, body } => self.begin(line, digits, body, ctx),
                Output::Digits(digits) => self.ask_plan(digits, ctx),
                Output::Browse => self.open_catalogue(ctx),
                Output::News(line, news) => self.report(line, news),
            }
        }
        self.rearm(ctx);
        if self.machine.is_over() {
            ctx.stop();
        }
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.seed.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(Input::Deadline, ctx))
        });
    }

    /// A handset that is not subscribed any more has no actor.
    fn offer(&mut self, call: CallNo, offer: Box<Offer>, ctx: &mut Context<Self>) {
        match &self.seed.handset {
            Some(handset) => handset.do_send(OfferCall { call, offer, leg: ctx.address() }),
            None => {
                let (reason, by) = (ReleaseReason::USER_UNKNOWN, Ender::Switch);
                ctx.notify(LegHears(CallNews::Ended { reason, by }, None));
            }
        }
    }

    /// A channel of the base station first, if it is another than the one that is held; then the stream.
    fn open(&mut self, connection: &Connection, ctx: &mut Context<Self>) {
        let to = connection.base.clone();
        let supervisor = self.seed.supervisor.clone();
        let call = self.lines.values().next().map(|place| place.reference);
        let asked = match self.held.replace((call.unwrap_or(CallRef(0)), to.clone())) {
            Some(held) if held.1 == to => {
                self.held = Some(held);
                return self.open_stream(ctx);
            }
            Some((call, from)) => {
                self.held = Some((call, to.clone()));
                supervisor.send(MoveBase { call, from, to })
            }
            // The call of a handset that calls takes it when it is admitted.
            None if call.is_none() => {
                self.held = None;
                return self.open_stream(ctx);
            }
            None => return self.take_base(ctx),
        };
        ctx.spawn(asked.into_actor(self).map(|granted, me, ctx| me.granted(granted, ctx)));
    }

    fn take_base(&mut self, ctx: &mut Context<Self>) {
        let Some((call, base)) = self.held.clone() else { return };
        let take = TakeBase { call, base, purpose: Purpose::New, long: false };
        let asked = self.seed.supervisor.send(take).into_actor(self);
        ctx.spawn(asked.map(|granted, me, ctx| me.granted(granted.map(|taken| taken.map(drop)), ctx)));
    }

    fn granted(&mut self, granted: Result<Result<(), String>, actix::MailboxError>, ctx: &mut Context<Self>) {
        match granted {
            Ok(Ok(())) => {
                self.tell_carried();
                self.open_stream(ctx);
            }
            Ok(Err(words)) => self.step(Input::NotOpened(words), ctx),
            Err(_) => self.step(Input::NotOpened("the switch is busy".to_owned()), ctx),
        }
    }

    fn open_stream(&mut self, ctx: &mut Context<Self>) {
        let Some(at) = &self.at else { return };
        let media_id = MediaId(NEXT_STREAM.fetch_add(1, Ordering::Relaxed));
        let codecs = self.seed.abilities.codecs_of(at.wideband);
        let codec = codecs.first().copied().unwrap_or(Codec::Pcma);
        let open = MediaOpen {
            media_id,
            conn: ConnId(at.connection.number),
            codec: base_codec(codec),
            pt: codec.payload_type(),
            ptime: 20,
            // Nowhere yet: the address follows with what is agreed on.
            remote: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
            dir: 0,
            srtp_suite: None,
            tx_key: None,
            rx_key: None,
            dtmf_pt: None,
            jitter_ms: None,
        };
        self.media = Some(media_id);
        at.base.do_send(OpenStream(open, ctx.address()));
    }

    fn modify(&mut self, stream: Stream) {
        let (Some(media_id), Some(at)) = (self.media, &self.at) else { return };
        at.base.do_send(Say(stream::modified(media_id, &stream).into()));
        self.stream = Some(stream);
    }

    fn followed(&mut self) {
        if let (Some(key), Some(air)) = (self.handover.take(), &self.seed.ports.air) {
            air.do_send(Followed(key));
        }
    }

    fn close_stream(&mut self) {
        self.give_up_long();
        if let (Some(media), Some(at)) = (self.media.take(), &self.at) {
            at.base.do_send(CloseStream(media));
        }
    }

    /// The first line calls what was dialled before it; a second one holds no channel of its own, since it
    /// has the connection of the first.
    fn begin(&mut self, line: LineNo, digits: Option<Pii<String>>, offer: Body, ctx: &mut Context<Self>) {
        let asked = self.asked.as_ref().filter(|_| line == LineNo::FIRST);
        let first = asked.is_some();
        let at = self.at.as_ref().or(asked.map(|asked| &asked.at));
        let (Some(digits), Some(at)) = (digits.or(asked.map(|asked| asked.digits.clone())), at) else {
            return;
        };
        self.seed.supervisor.do_send(NativeCall {
            ipui: self.ipui.clone(),
            digits,
            emergency: asked.is_some_and(|asked| asked.emergency),
            base: first.then(|| at.connection.base.clone()),
            remote: at.remote,
            offer,
            leg: ctx.address(),
            line,
        });
    }
}

impl Actor for NativeLeg {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(256);
        match std::mem::replace(&mut self.start, Start::Done) {
            Start::Asked(asked) => {
                asked.handset.do_send(Serve(asked.call, ctx.address()));
                self.at = Some(asked.at.clone());
                let connection = asked.at.connection.clone();
                let beginning = self.seed.abilities.beginning(connection, &asked.digits.0, asked.emergency);
                self.step(Input::Carried { able: asked.at.wideband, long: false }, ctx);
                self.asked = Some(*asked);
                self.step(Input::Started(beginning), ctx);
            }
            Start::Dialled { call, ipui, reference, base, called } => {
                let (leg, own) = (self.seed.leg, base.clone());
                let place = Place { call, leg, reference, base: own, proxy: None };
                self.lines.insert(LineNo::FIRST, place);
                self.held = base.map(|base| (reference, base));
                let air = self.seed.ports.air.clone();
                let found = async move { air?.send(FindHandset(ipui)).await.ok().flatten() };
                // Orders that come meanwhile wait.
                ctx.wait(found.into_actor(self).map(|found, me, ctx| {
                    me.seed.handset = found;
                    me.start = Start::Offered(called.clone());
                    me.step(Input::Started(Beginning::Dialled(called)), ctx);
                }));
            }
            Start::Offered(_) => {}
            Start::Done => {}
        }
    }
}

impl Drop for NativeLeg {
    /// A leg that goes without having closed its lines has panicked: their calls must not wait for it.
    fn drop(&mut self) {
        for place in self.lines.values() {
            place.call.do_send(LegSaid { leg: place.leg, news: LegNews::Closed });
        }
    }
}
