//! The actor of a native leg: one call of one handset, with its stream at a base station.
//!
//! ```text
//! call ──Obey──► step ──► DectLeg::handle ──► handset (NativeHandset), stream (NativeBase), call (LegSaid)
//! ```
//!
//! Nothing of it is on disk: a native call that stood when the process ended is ended when it starts again.

mod messages;
mod stream;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use actix::prelude::*;
use kirkwall_core::call::dect_leg::{Abilities, Beginning, DectLeg, Input, Output, Stream};
use kirkwall_core::call::{LegNews, LegNo};
use kirkwall_core::dect::base_link::code::{Codec as BaseCodec, SrtpSuite as BaseSuite};
use kirkwall_core::dect::base_link::word::{MediaModify, MediaOpen, SrtpKey as BaseKey, dir};
use kirkwall_core::dect::base_link::{ConnId, MediaId};
use kirkwall_core::dect::cc::Ender;
use kirkwall_core::dect::element::ReleaseReason;
use kirkwall_core::dect::identity::Ipui;
use kirkwall_core::dect::portable::{CallNews, CallNo, Connection, Offer, Order};
use kirkwall_core::id::{BaseStationId, CallRef, Tokens};
use kirkwall_core::machine::Machine;
use kirkwall_core::media::{Codec, Direction, SrtpKey, SrtpSuite};
use kirkwall_core::pii::Pii;
use tracing::{Span, debug, info_span};

pub use messages::{GoOver, InspectStream, Join, LegHears, StreamMoved, StreamOpened, TurnedAway};
pub use stream::{base_codec, direction, key, suite};

use super::FindHandset;
use super::base::{CloseStream, ForgetStream, NativeBase, OpenStream, Say, TakeStream};
use super::handover::{Followed, Key};
use super::portable::{Do, NativeHandset, OfferCall, Serve};
use crate::call::{Call, LegSaid};
use crate::dialog::Obey;
use crate::ports::Ports;
use crate::supervisor::{MoveBase, NativeCall, Supervisor};

/// Where a handset speaks over.
#[derive(Debug, Clone)]
pub struct At {
    /// The connection.
    pub connection: Connection,
    /// The base station that carries it.
    pub base: Addr<NativeBase>,
    /// Where that base station speaks from.
    pub remote: SocketAddr,
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
        base: BaseStationId,
        beginning: Box<Beginning>,
    },
    Done,
}

/// Numbers of streams; unique on every base link while this process lives.
static NEXT_STREAM: AtomicU32 = AtomicU32::new(1);

/// Gives the pure [`DectLeg`] a mailbox and a voice. Decides nothing itself.
pub struct NativeLeg {
    seed: LegSeed,
    machine: DectLeg,
    start: Start,
    call: Option<Addr<Call>>,
    /// The call, and the base station whose channel it holds for this leg.
    held: Option<(CallRef, BaseStationId)>,
    asked: Option<Asked>,
    at: Option<At>,
    media: Option<MediaId>,
    stream: Option<Stream>,
    /// The handover that waits for the stream to follow.
    handover: Option<Key>,
    closed: bool,
    span: Span,
}

impl NativeLeg {
    /// The leg of a handset that calls.
    pub fn asked(seed: LegSeed, asked: Asked) -> Self {
        Self::new(seed, Start::Asked(Box::new(asked)))
    }

    /// The leg of a handset that is called.
    pub fn dialled(
        seed: LegSeed,
        (call, reference): (Addr<Call>, CallRef),
        (ipui, base): (Ipui, BaseStationId),
        beginning: Beginning,
    ) -> Self {
        Self::new(seed, Start::Dialled { call, ipui, reference, base, beginning: Box::new(beginning) })
    }

    fn new(mut seed: LegSeed, start: Start) -> Self {
        let machine = DectLeg::new(seed.call_no, seed.abilities.clone(), seed.tokens.split());
        let span = info_span!("native leg", leg = seed.leg.0);
        let (call, held, asked, at, media, stream) = (None, None, None, None, None, None);
        let handover = None;
        Self { seed, machine, start, call, held, asked, at, media, stream, handover, closed: false, span }
    }

    /// One input in, everything it causes out, in order.
    fn step(&mut self, input: Input, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        let ready = match self.machine.handle(input, self.seed.ports.clock.now()) {
            Ok(ready) => ready,
            Err(refusal) => return debug!(%refusal),
        };
        for output in ready.then {
            match output {
                Output::Handset(Order::Offer { call, offer }) => {
                    self.offer(call, offer, ctx);
                }
                Output::Handset(order) => {
                    if let Some(handset) = &self.seed.handset {
                        handset.do_send(Do(order));
                    }
                }
                Output::Open(connection) => self.open(&connection, ctx),
                Output::Modify(stream) => self.modify(*stream),
                Output::Followed => self.followed(),
                Output::CloseStream => self.close_stream(),
                Output::Begin(offer) => self.begin(offer, ctx),
                Output::News(news) => self.report(news),
            }
        }
        // A leg that nobody joined has nobody to wait for.
        if self.machine.is_over() && (self.closed || self.call.is_none() && self.asked.is_none()) {
            ctx.stop();
        }
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

    fn report(&mut self, news: LegNews) {
        self.closed |= news == LegNews::Closed;
        if let Some(call) = &self.call {
            call.do_send(LegSaid { leg: self.seed.leg, news });
        }
    }

    /// A channel of the base station first, if it is another than the one that is held; then the stream.
    fn open(&mut self, connection: &Connection, ctx: &mut Context<Self>) {
        let moved = self.held.clone().filter(|(_, base)| *base != connection.base);
        let Some((call, from)) = moved else { return self.open_stream(ctx) };
        let to = connection.base.clone();
        self.held = Some((call, to.clone()));
        let asked = self.seed.supervisor.send(MoveBase { call, from, to }).into_actor(self);
        ctx.spawn(asked.map(|granted, me, ctx| match granted {
            Ok(Ok(())) => me.open_stream(ctx),
            Ok(Err(words)) => me.step(Input::NotOpened(words), ctx),
            Err(_) => me.step(Input::NotOpened("the switch is busy".to_owned()), ctx),
        }));
    }

    fn open_stream(&mut self, ctx: &mut Context<Self>) {
        let Some(at) = &self.at else { return };
        let media_id = MediaId(NEXT_STREAM.fetch_add(1, Ordering::Relaxed));
        let codec = self.seed.abilities.codecs.first().copied().unwrap_or(Codec::Pcma);
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
        if let (Some(media), Some(at)) = (self.media.take(), &self.at) {
            at.base.do_send(CloseStream(media));
        }
    }

    fn begin(&mut self, offer: kirkwall_core::call::Body, ctx: &mut Context<Self>) {
        let Some(asked) = &self.asked else { return };
        self.seed.supervisor.do_send(NativeCall {
            ipui: asked.ipui.clone(),
            digits: asked.digits.clone(),
            emergency: asked.emergency,
            base: asked.at.connection.base.clone(),
            remote: asked.at.remote,
            offer,
            leg: ctx.address(),
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
                self.asked = Some(*asked);
                self.step(Input::Started(Beginning::Asked(connection)), ctx);
            }
            Start::Dialled { call, ipui, reference, base, beginning } => {
                self.call = Some(call);
                self.held = Some((reference, base));
                let air = self.seed.ports.air.clone();
                let found = async move { air?.send(FindHandset(ipui)).await.ok().flatten() };
                // Orders that come meanwhile wait.
                ctx.wait(found.into_actor(self).map(|found, me, ctx| {
                    me.seed.handset = found;
                    me.step(Input::Started(*beginning), ctx);
                }));
            }
            Start::Done => {}
        }
    }
}

impl Drop for NativeLeg {
    /// A leg that goes without having closed has panicked: its call must not wait for it.
    fn drop(&mut self) {
        if let (Some(call), false) = (&self.call, self.closed) {
            call.do_send(LegSaid { leg: self.seed.leg, news: LegNews::Closed });
        }
    }
}
