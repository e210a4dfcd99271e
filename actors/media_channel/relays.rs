//! Addresses at a media relay, for the sides of a channel that face one: a client each for RTP and RTCP, on the
//! channel's own ports.
//!
//! ```text
//! Gather ──► Turn: Allocate ──► candidates ── agent ── checks in Send ──► chosen: Set Active Destination
//! from then on the engine's packets go to the relay as they are, and come from there as they are
//! ```
//!
//! An allocation is not kept on disk: after a crash, a call that went over a relay has to find another way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::Side;
use kirkwall_core::media::ice::agent::{Input as Checked, Local};
use kirkwall_core::media::ice::candidate::{Candidate, Component, Transport};
use kirkwall_core::media::ice::turn::reservation::ReservationInput;
use kirkwall_core::media::ice::turn::{Access, Input, Output, RelayTransport, Turn};
use metrics::counter;
use tokio::sync::oneshot;
use tracing::{debug, info};

use super::MediaChannel;
use super::agents::side_index;
use super::bandwidth::SidePolicy;

/// How long a call waits for the relay before it goes on without.
const GATHERING: Duration = Duration::from_millis(500);
/// Counts our addresses (RFC 5245 §4.1.1.3): the own socket is 1, what a relay sees of it would be 2.
const FOUNDATION: u16 = 3;

/// A relay, and what to show there.
#[derive(Debug, Clone)]
pub struct RelayAccess {
    /// The credentials.
    pub access: Access,
    /// Where it is, over UDP.
    pub server: SocketAddr,
}

/// A relay gave no address.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RelayFailed {
    /// Which.
    pub server: SocketAddr,
    /// Why, in words.
    pub why: String,
}

/// The relay of one side.
pub(super) struct SideRelay {
    server: SocketAddr,
    /// For RTP and for RTCP.
    clients: [Client; 2],
    /// What is reserved there.
    pub(super) policy: SidePolicy,
}

struct Client {
    turn: Turn,
    /// Our address there, and how it sees us.
    address: Option<(SocketAddr, SocketAddr)>,
    ended: bool,
    /// Whom media shall go to.
    wanted: Option<SocketAddr>,
}

impl SideRelay {
    fn new(relay: &RelayAccess) -> Self {
        let client = || Client {
            turn: Turn::new(RelayTransport::Udp, relay.access.clone()),
            address: None,
            ended: false,
            wanted: None,
        };
        Self { server: relay.server, clients: [client(), client()], policy: SidePolicy::default() }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let all = Component::ALL.into_iter().zip(&self.clients);
        let allocated: Vec<_> =
            all.filter_map(|(component, client)| Some((component, client.address?))).collect();
        // Lync wants both components of an address, or none.
        if allocated.len() < self.clients.len() {
            return Vec::new();
        }
        let candidate = |(component, (address, reflexive))| {
            Local::relayed(component, Transport::Udp, address, reflexive, FOUNDATION).candidate
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

    /// Whether it is our address there.
    pub(super) fn owns(&self, component: Component, address: SocketAddr) -> bool {
        self.clients[index(component)].address.is_some_and(|(relayed, _)| relayed == address)
    }

    /// Whether what comes from there is the relay's.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        self.server == address
    }

    /// When time has to pass.
    pub(super) fn deadline(&self) -> Option<kirkwall_core::timer::Moment> {
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
        let (told, done) = oneshot::channel();
        self.gathering = Some(told);
        for side in sides {
            self.relays[side_index(side)] = Some(SideRelay::new(&relay));
            for component in Component::ALL {
                self.relay_step(side, component, Input::Started, ctx);
            }
        }
        let waited = actix::clock::timeout(GATHERING, done).into_actor(self);
        Box::pin(waited.map(move |waited, me, _| {
            me.gathering = None;
            if waited.is_err() {
                me.relay_failed(relay.server, "it does not answer".to_owned());
            }
            let [a, b] = &me.relays;
            [a, b].map(|side| side.as_ref().map(SideRelay::candidates).unwrap_or_default())
        }))
    }
}

impl MediaChannel {
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
        let (server, client) = (relay.server, &mut relay.clients[index(component)]);
        match output {
            Output::Transmit(bytes) => {
                let port = (super::engine_side(side), component == Component::Rtcp);
                if let Err(fault) = self.engine.send_stun(self.id, port, server, bytes) {
                    debug!(channel = %self.id, %fault, "a word to the relay could not be sent");
                }
            }
            Output::Allocated { relayed, reflexive, .. } => {
                client.address = Some((relayed, reflexive));
                self.gathered();
            }
            Output::Data { from, bytes } => {
                let Some((to, _)) = client.address else { return };
                self.agent_step(side, Checked::Packet { component, from, to, bytes: &bytes }, ctx);
            }
            Output::Activated(peer) if client.wanted == Some(peer) => {
                info!(channel = %self.id, ?side, ?component, "media goes over the relay");
                counter!("ipdect_ice_relayed_total").increment(1);
                self.lead(side, component, server);
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
                self.relay_failed(server, format!("it sends us to {other}"));
                self.gathered();
            }
            Output::Failed(failure) => {
                client.ended = true;
                self.relay_failed(server, failure.to_string());
                self.gathered();
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

    fn relay_failed(&self, server: SocketAddr, why: String) {
        counter!("ipdect_relay_failures_total").increment(1);
        self.ice.relay.do_send(RelayFailed { server, why });
    }
}
