//! The ICE agents of a channel, one a side: their checks go through the engine's ports, their choice steers
//! the flow.
//!
//! ```text
//! engine ──StunArrived──► Agent::handle ──► engine: send_stun, set; call: PairsChosen
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use actix::prelude::*;
use kirkwall_core::call::Side;
use kirkwall_core::id::Tokens;
use kirkwall_core::media::ice::agent::{Agent, Input, Local, Output, Record, Role, Settings};
use kirkwall_core::media::ice::candidate::{Candidate, Component, Kind};
use kirkwall_core::media::ice::description::Description;
use kirkwall_core::media::ice::turn;
use kirkwall_core::media::ice::turn::reservation::ReservationInput;
use kirkwall_core::media::negotiate::IceAgreed;
use kirkwall_integration::media::{self, Flow, Stun, StunListener};
use metrics::counter;
use tracing::{debug, info, warn};

use super::MediaChannel;
use super::relays::{RelayFailed, SideRelay};

/// How agents are made, and who hears what they chose.
pub struct IceSeed {
    /// Their settings.
    pub settings: Settings,
    /// Who says so to the far end.
    pub call: Recipient<PairsChosen>,
    /// Who finds another way for a side whose way is lost.
    pub ways: Recipient<WayNews>,
    /// Who hears of relays that fail.
    pub relay: Recipient<RelayFailed>,
    /// Their random words.
    pub tokens: Tokens,
    /// The clock.
    pub clock: crate::clock::Clock,
}

/// The agent of a side has a pair for every component.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PairsChosen {
    /// Which side.
    pub side: Side,
    /// The pairs, as descriptions name them.
    pub chosen: Box<Description>,
}

/// What became of the way of a side's voice.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum WayNews {
    /// The media relay that it goes over is gone.
    Lost {
        /// Which side.
        side: Side,
        /// What became of it, in words.
        why: String,
    },
    /// No pair of addresses works.
    NotFound(Side),
}

/// The agent of one side.
pub(super) struct SideAgent {
    agent: Agent,
    ice: IceAgreed,
    /// As agreed, with the addresses of the descriptions.
    flow: Flow,
    /// Where RTP and RTCP go by the agent's word.
    paths: [Option<SocketAddr>; 2],
}

impl SideAgent {
    fn new(ice: IceAgreed, flow: Flow, seed: &mut IceSeed) -> Self {
        let role = if ice.controlling { Role::Controlling } else { Role::Controlled };
        let local = |candidate: &Candidate| Local { candidate: candidate.clone(), base: candidate.address };
        let locals = ice.candidates.iter().map(local).collect();
        let agent =
            Agent::new(seed.settings.clone(), role, ice.credentials.clone(), locals, &mut seed.tokens);
        Self { agent, ice, flow, paths: [None, None] }
    }

    /// The one of before a restart.
    fn resumed(record: Record, ice: IceAgreed, flow: Flow, seed: &mut IceSeed) -> Self {
        let agent = Agent::restore(seed.settings.clone(), record, &mut seed.tokens);
        Self { agent, ice, flow, paths: [None, None] }
    }

    /// What survives.
    pub(super) fn record(&self) -> Record {
        self.agent.record()
    }

    /// The flow as it runs now.
    fn steered(&self) -> Flow {
        let [rtp, rtcp] = self.paths;
        Flow {
            remote: rtp.or(self.flow.remote),
            remote_rtcp: rtcp.or(self.flow.remote_rtcp),
            ..self.flow.clone()
        }
    }

    fn base(&self, component: Component) -> Option<SocketAddr> {
        self.ice.candidates.iter().find(|c| c.component == component).map(|c| c.address)
    }

    /// Whether an address of the peer's is one at a relay.
    fn is_relayed(&self, remote: SocketAddr) -> bool {
        self.ice.remote.candidates.iter().any(|c| c.address == remote && c.kind == Kind::Relayed)
    }

    /// Whether an address of ours is one at a relay.
    fn is_at_relay(&self, component: Component, local: SocketAddr) -> bool {
        let ours = |c: &&Candidate| c.component == component && c.address == local;
        self.ice.candidates.iter().find(ours).is_some_and(|c| c.kind == Kind::Relayed)
    }

    fn same_peer(&self, ice: &IceAgreed) -> bool {
        self.ice.credentials == ice.credentials && self.ice.remote.credentials == ice.remote.credentials
    }
}

impl MediaChannel {
    /// Both ends of a side do ICE: an agent looks for the way, or goes on with the one it has.
    pub(super) fn meet(&mut self, side: Side, ice: IceAgreed, flow: Flow, ctx: &mut Context<Self>) {
        self.listen(ctx);
        let index = side_index(side);
        let known = self.agents[index].take().filter(|known| known.same_peer(&ice));
        let theirs = ice.remote.credentials.as_ref();
        let resumed = self.resumed[index].take().filter(|record| record.is_of(&ice.credentials, theirs));
        let returns = known.is_none() && resumed.is_some();
        let news = !returns && known.as_ref().is_none_or(|known| known.ice.remote != ice.remote);
        let remote = ice.remote.clone();
        let mut agent = match (known, resumed) {
            (Some(known), _) => SideAgent { flow, ice, ..known },
            (None, Some(record)) => SideAgent::resumed(record, ice, flow, &mut self.ice),
            (None, None) => SideAgent::new(ice, flow, &mut self.ice),
        };
        // Media that goes over a relay stays there until the agent says otherwise: also after a restart.
        if let Some(relay) = &self.relays[index] {
            let [rtp, rtcp] = Component::ALL.map(|component| relay.leads(component));
            agent.paths = [agent.paths[0].or(rtp), agent.paths[1].or(rtcp)];
        }
        self.set(side, agent.steered());
        self.agents[index] = Some(agent);
        if news {
            self.agent_step(side, Input::Remote(remote), ctx);
        }
        if returns {
            self.agent_step(side, Input::Started, ctx);
        }
    }

    /// The agent of a side comes from the channel that it was in.
    pub(super) fn take_agent(
        &mut self,
        from: Option<Addr<MediaChannel>>,
        side: Side,
        into: Side,
        ctx: &mut Context<Self>,
    ) {
        (self.agents[side_index(into)], self.relays[side_index(into)]) = (None, None);
        let Some(from) = from else { return };
        let given = from.send(GiveAgent(side)).into_actor(self);
        // What runs next on this side needs it.
        ctx.wait(given.map(move |agent, me, ctx| {
            let Ok(Some(agent)) = agent else { return };
            me.listen(ctx);
            (me.agents[side_index(into)], me.relays[side_index(into)]) = (Some(agent.0), agent.1);
            me.watch_relays(ctx);
            me.rearm(ctx);
        }));
    }

    pub(super) fn listen(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.listening, true) {
            return;
        }
        let me = ctx.address();
        // A full mailbox drops it, as the network might have.
        let listener: StunListener = Arc::new(move |stun| drop(me.try_send(StunArrived(stun))));
        if let Err(fault) = self.engine.listen_stun(self.id, listener) {
            warn!(channel = %self.id, %fault, "ICE cannot listen");
        }
    }

    pub(super) fn agent_step(&mut self, side: Side, input: Input<'_>, ctx: &mut Context<Self>) {
        let Some(agent) = &mut self.agents[side_index(side)] else { return };
        let now = self.ice.clock.now();
        match agent.agent.handle(input, now, &mut self.ice.tokens) {
            Ok(outputs) => outputs.into_iter().for_each(|output| self.agent_perform(side, output, ctx)),
            Err(refusal) => debug!(channel = %self.id, %refusal, "ICE"),
        }
        self.rearm(ctx);
    }

    fn agent_perform(&mut self, side: Side, output: Output, ctx: &mut Context<Self>) {
        let relay = self.relays[side_index(side)].as_ref();
        let is_relayed =
            |component, local| relay.is_some_and(|relay: &SideRelay| relay.owns(component, local));
        let Some(agent) = &mut self.agents[side_index(side)] else { return };
        match output {
            Output::Transmit { component, from, to, bytes } if is_relayed(component, from) => {
                self.send_over_relay(side, component, to, &bytes, ctx);
            }
            Output::Transmit { component, to, bytes, .. } => {
                let port = (super::engine_side(side), component == Component::Rtcp);
                if let Err(fault) = self.engine.send_stun(self.id, port, to, bytes) {
                    debug!(channel = %self.id, %fault, "a check could not be sent");
                }
            }
            Output::Selected { component, local, remote, how } => {
                debug!(channel = %self.id, ?side, ?component, %remote, ?how, "media goes there");
                let relayed = is_relayed(component, local);
                // An allocation over TCP has gone with the process that made it.
                if !relayed && agent.is_at_relay(component, local) {
                    let gone = "the connection to the media relay went with the process";
                    return self.relay_lost(side, component == Component::Rtp, gone);
                }
                self.relay_chosen(side, component, relayed.then_some(remote), ctx);
                // Over the relay it goes as soon as that has taken the destination.
                if !relayed {
                    self.lead(side, component, remote);
                }
                if component == Component::Rtp {
                    let theirs = self.agents[side_index(side)].as_ref().map(|agent| agent.is_relayed(remote));
                    let ours = relayed.then_some(local);
                    self.policy_chosen(side, ours, (remote, theirs.unwrap_or(false)), ctx);
                }
            }
            Output::Completed => {
                counter!("ipdect_ice_total", "outcome" => "completed").increment(1);
                if let Some(chosen) = agent.agent.final_description() {
                    self.ice.call.do_send(PairsChosen { side, chosen: Box::new(chosen) });
                }
                self.keep(ctx);
            }
            Output::NotIce => {}
            Output::Failed(components) => {
                counter!("ipdect_ice_total", "outcome" => "failed").increment(1);
                info!(channel = %self.id, ?side, ?components, "no way found by ICE; the address of the SDP is used");
                if components.contains(&Component::Rtp) {
                    self.ice.ways.do_send(WayNews::NotFound(side));
                }
            }
            Output::ConsentLost(component) => {
                info!(channel = %self.id, ?side, ?component, "the far end does not answer ICE any more");
            }
        }
    }

    /// Media of a component goes there from now on.
    pub(super) fn lead(&mut self, side: Side, component: Component, to: SocketAddr) {
        let Some(agent) = &mut self.agents[side_index(side)] else { return };
        agent.paths[usize::from(component == Component::Rtcp)] = Some(to);
        let flow = agent.steered();
        self.set(side, flow);
    }

    pub(super) fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        let agents = self.agents.iter().flatten().filter_map(|agent| agent.agent.deadline());
        let next = agents.chain(self.relays.iter().flatten().filter_map(SideRelay::deadline)).min();
        self.alarm = next.map(|at| {
            ctx.run_later(at.since(self.ice.clock.now()), |me, ctx| {
                for side in [Side::A, Side::B] {
                    me.agent_step(side, Input::Deadline, ctx);
                    me.policy_step(side, ReservationInput::Deadline, ctx);
                    for component in Component::ALL {
                        me.relay_step(side, component, turn::Input::Deadline, ctx);
                    }
                }
            })
        });
    }
}

pub(super) const fn side_index(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
}

/// The agent of a side goes with its leg to another channel.
#[derive(Message)]
#[rtype(result = "Option<Given>")]
struct GiveAgent(Side);

/// An agent on its way.
struct Given(SideAgent, Option<SideRelay>);

impl Handler<GiveAgent> for MediaChannel {
    type Result = Option<Given>;

    fn handle(&mut self, GiveAgent(side): GiveAgent, _: &mut Self::Context) -> Self::Result {
        let relay = self.relays[side_index(side)].take();
        self.agents[side_index(side)].take().map(|agent| Given(agent, relay))
    }
}

/// STUN has come to one of the ports.
#[derive(Message)]
#[rtype(result = "()")]
struct StunArrived(Stun);

impl Handler<StunArrived> for MediaChannel {
    type Result = ();

    fn handle(&mut self, StunArrived(stun): StunArrived, ctx: &mut Self::Context) {
        let side = match stun.side {
            media::Side::A => Side::A,
            media::Side::B => Side::B,
        };
        let component = if stun.control { Component::Rtcp } else { Component::Rtp };
        if self.relays[side_index(side)].as_ref().is_some_and(|relay| relay.is_at(stun.from)) {
            return self.relay_step(side, component, turn::Input::Received(&stun.bytes), ctx);
        }
        let Some(to) = self.agents[side_index(side)].as_ref().and_then(|agent| agent.base(component)) else {
            return;
        };
        self.agent_step(side, Input::Packet { component, from: stun.from, to, bytes: &stun.bytes }, ctx);
    }
}
