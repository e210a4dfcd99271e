//! Addresses at a media relay, for the sides of a channel that face one: a client each for RTP and RTCP, on the
//! channel's own ports, over UDP, or over TCP where UDP does not get through.
//!
//! ```text
//! Gather ──► Turn: Allocate ──► candidates ── agent ── checks in Send ──► chosen: Set Active Destination
//! from then on the engine's packets go to the relay as they are, and come from there as they are
//! ```
//!
//! What was allocated over UDP is kept with the channel's record, so that a call over a relay keeps its audio
//! over `kill -9`: the ports are the same, so the relay does not notice. Over TCP it ends with the connection.

mod record;
mod stream;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::Side;
use kirkwall_core::media::ice::agent::{Input as Checked, Local};
use kirkwall_core::media::ice::candidate::{Candidate, Component, Transport};
use kirkwall_core::media::ice::turn::reservation::{Path, ReservationInput};
use kirkwall_core::media::ice::turn::{Access, Failure, Input, Output, RelayTransport, Turn};
use kirkwall_core::timer::Moment;
use kirkwall_integration::media::RelayStream;
use metrics::counter;
use tokio::sync::oneshot;
use tracing::{debug, info};

pub use record::RelayRecord;
pub(super) use watch::Seen;

use super::MediaChannel;
use super::agents::side_index;
use super::bandwidth::SidePolicy;

/// How long a call waits for the relay on one way, before it tries the other or goes on without.
const GATHERING: Duration = Duration::from_millis(500);
/// Counts our addresses (RFC 5245 §4.1.1.3): the own socket is 1, what a relay sees of it would be 2.
const FOUNDATION: u16 = 3;

/// A relay, and what to show there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayAccess {
    /// The credentials.
    pub access: Access,
    /// Where it is over UDP, if it is tried so.
    pub udp: Option<SocketAddr>,
    /// Where it is over TCP, if it is tried so.
    pub tcp: Option<SocketAddr>,
}

impl RelayAccess {
    /// Where it is on this way.
    pub fn at(&self, transport: RelayTransport) -> Option<SocketAddr> {
        match transport {
            RelayTransport::Udp => self.udp,
            RelayTransport::Tcp => self.tcp,
        }
    }
}

/// A relay gave no address.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RelayFailed {
    /// Which.
    pub server: SocketAddr,
    /// On which way.
    pub transport: RelayTransport,
    /// Why, in words.
    pub why: String,
    /// It refuses the credentials, and may take others.
    pub stale: bool,
}

/// The relay of one side.
pub(super) struct SideRelay {
    transport: RelayTransport,
    server: SocketAddr,
    /// For RTP and for RTCP.
    clients: [Client; 2],
    /// What is reserved there.
    pub(super) policy: SidePolicy,
    /// What was reserved at the relay before, and must be at this one.
    reserve: Option<Box<Path>>,
    /// Which of the side's relays it is, by its streams.
    number: u32,
}

struct Client {
    turn: Turn,
    /// Over TCP only.
    stream: Option<RelayStream>,
    /// Our address there, and how it sees us.
    address: Option<(SocketAddr, SocketAddr)>,
    ended: bool,
    /// Whom media shall go to.
    wanted: Option<SocketAddr>,
}

impl SideRelay {
    fn new(transport: RelayTransport, server: SocketAddr, access: &Access, number: u32) -> Self {
        let client = || Client {
            turn: Turn::new(transport, access.clone()),
            stream: None,
            address: None,
            ended: false,
            wanted: None,
        };
        let policy = SidePolicy::default();
        Self { transport, server, clients: [client(), client()], policy, reserve: None, number }
    }

    /// Where the engine's packets go, once the relay has taken their destination.
    pub(super) fn leads(&self, component: Component) -> Option<SocketAddr> {
        let client = &self.clients[index(component)];
        client.wanted.filter(|wanted| client.turn.active() == Some(*wanted))?;
        Some(self.gate(component))
    }

    /// What stands for the relay in the engine's eyes.
    fn gate(&self, component: Component) -> SocketAddr {
        self.clients[index(component)].stream.as_ref().map_or(self.server, RelayStream::at)
    }

    /// Whether media of a component goes over it, or is to.
    fn carries(&self, component: Component) -> bool {
        component == Component::Rtp && self.clients[index(component)].wanted.is_some()
    }

    fn candidates(&self) -> Vec<Candidate> {
        let all = Component::ALL.into_iter().zip(&self.clients);
        let allocated: Vec<_> =
            all.filter_map(|(component, client)| Some((component, client.address?))).collect();
        // Lync wants both components of an address, or none.
        if allocated.len() < self.clients.len() {
            return Vec::new();
        }
        // [MS-TURN]: what is allocated over TCP is a TCP port, which takes the peer's connections.
        let transport = match self.transport {
            RelayTransport::Udp => Transport::Udp,
            RelayTransport::Tcp => Transport::TcpPassive,
        };
        let candidate = |(component, (address, reflexive))| {
            Local::relayed(component, transport, address, reflexive, FOUNDATION).candidate
        };
        allocated.into_iter().map(candidate).collect()
    }

    /// Whether it gave us an address.
    pub(super) fn is_allocated(&self) -> bool {
        self.clients[0].address.is_some() && !self.clients[0].ended
    }

    fn is_settled(&self) -> bool {
        self.clients.iter().all(|client| client.ended || client.address.is_some())
    }

    fn has_failed(&self) -> bool {
        self.clients.iter().any(|client| client.address.is_none())
    }

    /// Whether it is our address there.
    pub(super) fn owns(&self, component: Component, address: SocketAddr) -> bool {
        self.clients[index(component)].address.is_some_and(|(relayed, _)| relayed == address)
    }

    /// Whether what comes from there is the relay's.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        self.transport == RelayTransport::Udp && self.server == address
    }

    /// When time has to pass.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let clients = self.clients.iter().filter_map(|client| client.turn.deadline());
        clients.chain(self.policy.deadline()).min()
    }
}

const fn index(component: Component) -> usize {
    match component {
        Component::Rtp => 0,
        Component::Rtcp => 1,
    }
}

/// Get addresses at the relay for these sides; the candidates that there are in time.
#[derive(Debug, Message)]
#[rtype(result = "[Vec<Candidate>; 2]")]
pub struct Gather {
    /// Which.
    pub sides: Vec<Side>,
    /// Where.
    pub relay: Arc<RelayAccess>,
}

impl Handler<Gather> for MediaChannel {
    type Result = ResponseActFuture<Self, [Vec<Candidate>; 2]>;

    fn handle(&mut self, Gather { sides, relay }: Gather, ctx: &mut Self::Context) -> Self::Result {
        self.listen(ctx);
        let first = if relay.udp.is_some() { RelayTransport::Udp } else { RelayTransport::Tcp };
        let waited = self.ask_relay(&sides, &relay, first, ctx);
        let both = waited.then(move |(), me, ctx| {
            let failed =
                |side: &Side| me.relays[side_index(*side)].as_ref().is_some_and(SideRelay::has_failed);
            let again: Vec<_> = sides.into_iter().filter(failed).collect();
            match first == RelayTransport::Udp && relay.tcp.is_some() && !again.is_empty() {
                true => me.ask_relay(&again, &relay, RelayTransport::Tcp, ctx),
                false => Box::pin(actix::fut::ready(())) as Gathering,
            }
        });
        Box::pin(both.map(|(), me, _| {
            let [a, b] = &me.relays;
            [a, b].map(|side| side.as_ref().map(SideRelay::candidates).unwrap_or_default())
        }))
    }
}

/// The wait for a relay's answers.
type Gathering = std::pin::Pin<Box<dyn ActorFuture<MediaChannel, Output = ()>>>;

impl MediaChannel {
    /// Asks for addresses for these sides on one way; over when all have answered, or none will be waited for.
    fn ask_relay(
        &mut self,
        sides: &[Side],
        relay: &RelayAccess,
        transport: RelayTransport,
        ctx: &mut Context<Self>,
    ) -> Gathering {
        let Some(server) = relay.at(transport) else { return Box::pin(actix::fut::ready(())) };
        let (told, done) = oneshot::channel();
        self.gathering = Some(told);
        for side in sides {
            let former = self.relays[side_index(*side)].take();
            let number = former.as_ref().map_or(1, |former| former.number.wrapping_add(1));
            let reserve = former.and_then(|former| former.reserve.or(former.policy.anew()));
            let fresh = SideRelay { reserve, ..SideRelay::new(transport, server, &relay.access, number) };
            self.relays[side_index(*side)] = Some(fresh);
            for component in Component::ALL {
                match transport {
                    RelayTransport::Udp => self.relay_step(*side, component, Input::Started, ctx),
                    RelayTransport::Tcp => self.open_stream(*side, component, (server, number), ctx),
                }
            }
        }
        let waited = actix::clock::timeout(GATHERING, done).into_actor(self);
        Box::pin(waited.map(move |waited, me, _| {
            me.gathering = None;
            if waited.is_err() {
                me.relay_failed((server, transport), "it does not answer".to_owned(), false);
            }
        }))
    }

    /// One input in, everything it causes out.
    pub(super) fn relay_step(
        &mut self,
        side: Side,
        component: Component,
        input: Input<'_>,
        ctx: &mut Context<Self>,
    ) {
        let Some(relay) = &mut self.relays[side_index(side)] else { return };
        let now = self.ice.clock.now();
        match relay.clients[index(component)].turn.handle(input, now, &mut self.ice.tokens) {
            Ok(outputs) => {
                outputs.into_iter().for_each(|output| self.relay_perform(side, component, output, ctx));
            }
            Err(refusal) => debug!(channel = %self.id, ?side, %refusal, "media relay"),
        }
        self.rearm(ctx);
    }

    fn relay_perform(&mut self, side: Side, component: Component, output: Output, ctx: &mut Context<Self>) {
        let Some(relay) = &mut self.relays[side_index(side)] else { return };
        let (way, gate) = ((relay.server, relay.transport), relay.gate(component));
        let carried = relay.carries(component);
        let client = &mut relay.clients[index(component)];
        match output {
            Output::Transmit(bytes) => match &client.stream {
                Some(stream) => stream.say(bytes),
                None => {
                    let port = (super::engine_side(side), component == Component::Rtcp);
                    if let Err(fault) = self.engine.send_stun(self.id, port, way.0, bytes) {
                        debug!(channel = %self.id, %fault, "a word to the relay could not be sent");
                    }
                }
            },
            Output::Allocated { relayed, reflexive, .. } => {
                client.address = Some((relayed, reflexive));
                let reserve = relay.reserve.take_if(|_| component == Component::Rtp);
                self.gathered();
                if let Some(path) = reserve {
                    self.policy_step(side, ReservationInput::Check(path), ctx);
                }
            }
            Output::Data { from, bytes } => {
                let Some((to, _)) = client.address else { return };
                self.agent_step(side, Checked::Packet { component, from, to, bytes: &bytes }, ctx);
            }
            Output::Activated(peer) if client.wanted == Some(peer) => {
                info!(channel = %self.id, ?side, ?component, transport = ?way.1, "media goes over the relay");
                counter!("ipdect_ice_relayed_total").increment(1);
                self.watch_relays(ctx);
                self.lead(side, component, gate);
                // Save before anybody relies on it: after a crash the audio goes on there.
                self.keep(ctx);
            }
            Output::Activated(_) => {}
            Output::Reserved(answer) => self.policy_step(side, ReservationInput::Answered(answer), ctx),
            Output::NotReserved(code) => self.policy_step(side, ReservationInput::Refused(code), ctx),
            Output::NotActivated(peer, code) => {
                debug!(channel = %self.id, ?side, %peer, code, "the relay does not take a destination");
            }
            Output::Released => client.ended = true,
            Output::Redirected(other) => {
                client.ended = true;
                self.relay_failed(way, format!("it sends us to {other}"), false);
                self.gathered();
                self.relay_lost(side, carried, "the media relay sends us to another");
            }
            Output::Failed(failure) => {
                client.ended = true;
                self.relay_failed(way, failure.to_string(), matches!(failure, Failure::Credentials(_)));
                self.gathered();
                self.relay_lost(side, carried, &failure.to_string());
            }
        }
    }

    /// An agent's packet leaves from our address at the relay.
    pub(super) fn send_over_relay(
        &mut self,
        side: Side,
        component: Component,
        to: SocketAddr,
        bytes: &[u8],
        ctx: &mut Context<Self>,
    ) {
        self.relay_step(side, component, Input::Send { to, bytes }, ctx);
    }

    /// The agent has chosen: media goes over the relay to this peer, or past it.
    pub(super) fn relay_chosen(
        &mut self,
        side: Side,
        component: Component,
        peer: Option<SocketAddr>,
        ctx: &mut Context<Self>,
    ) {
        let Some(relay) = &mut self.relays[side_index(side)] else { return };
        let client = &mut relay.clients[index(component)];
        if std::mem::replace(&mut client.wanted, peer) == peer {
            return;
        }
        if let Some(peer) = peer {
            self.relay_step(side, component, Input::Activate(peer), ctx);
        }
    }

    /// The call is over, or the leg has another relay.
    pub(super) fn release_relays(&mut self, ctx: &mut Context<Self>) {
        for (side, component) in
            [Side::A, Side::B].into_iter().flat_map(|side| Component::ALL.map(|component| (side, component)))
        {
            let last = match component {
                Component::Rtp => self.farewell(side),
                Component::Rtcp => Input::Release,
            };
            self.relay_step(side, component, last, ctx);
        }
    }

    fn gathered(&mut self) {
        if self.relays.iter().flatten().all(SideRelay::is_settled)
            && let Some(told) = self.gathering.take()
        {
            // Who waited may have given up.
            let _ = told.send(());
        }
    }

    fn relay_failed(&self, (server, transport): (SocketAddr, RelayTransport), why: String, stale: bool) {
        counter!("ipdect_relay_failures_total").increment(1);
        self.ice.relay.do_send(RelayFailed { server, transport, why, stale });
    }
}
