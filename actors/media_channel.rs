//! The media channel actor: owns one pair of flows in the media engine and orders it.
//!
//! Packets never come here; the engine's threads move them. What the engine notices (counters, key
//! presses, silence) comes back as messages.
//!
//! Invariant: ports are free again when the actor is gone, however it went ([`Drop`]).

mod agents;
mod bandwidth;
mod relays;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::Side;
use kirkwall_core::id::{CallRef, ChannelId};
use kirkwall_core::media::ice::agent;
use kirkwall_core::media::negotiate::Agreed;
use kirkwall_data::Journal;
use kirkwall_data::call::{CallRecord, Calls};
use kirkwall_integration::media::{
    self, Chair, ChannelCounters, Engine, EngineFault, Flow, Ports, SideCounters,
};
use metrics::counter;
use tracing::{info, warn};

use crate::desk::MediaView;
use crate::recovery::{MediaRecord, media_name};

pub use agents::{IceSeed, PairsChosen, WayNews};
use agents::{SideAgent, side_index};
pub use bandwidth::CheckBandwidth;
pub use relays::{Gather, RelayAccess, RelayFailed, RelayRecord};
use relays::{Seen, SideRelay};

/// A call this old is worth bringing back; shorter ones are over before anybody could.
const FIRST_KEPT: Duration = Duration::from_secs(2);
/// The engine asks for at least each 10 s.
const KEPT_EVERY: Duration = Duration::from_secs(5);

/// Owns a channel of the engine. See the module.
pub struct MediaChannel {
    id: ChannelId,
    engine: Engine,
    journal: Journal,
    store: Calls<MediaRecord>,
    open: bool,
    kept: bool,
    remotes: [Option<String>; 2],
    ice: IceSeed,
    /// Of the sides where both ends do ICE.
    agents: [Option<SideAgent>; 2],
    /// Of before a restart, until their sides run.
    resumed: [Option<agent::Record>; 2],
    /// Of the sides that have addresses at a relay.
    relays: [Option<SideRelay>; 2],
    /// Who waits for these addresses.
    gathering: Option<tokio::sync::oneshot::Sender<()>>,
    listening: bool,
    /// Somebody looks whether relays are still there.
    watching: bool,
    seen: [Seen; 2],
    alarm: Option<SpawnHandle>,
}

impl MediaChannel {
    /// Not open yet.
    pub fn new(id: ChannelId, engine: Engine, journal: Journal, ice: IceSeed) -> Self {
        let store = Calls::new(&journal);
        Self {
            id,
            engine,
            journal,
            store,
            open: false,
            kept: false,
            remotes: [None, None],
            ice,
            agents: [None, None],
            resumed: [None, None],
            relays: [None, None],
            gathering: None,
            listening: false,
            watching: false,
            seen: Default::default(),
            alarm: None,
        }
    }

    fn set(&self, side: Side, flow: Flow) {
        if let Err(fault) = self.engine.set(self.id, engine_side(side), flow) {
            warn!(channel = %self.id, %fault, "media cannot run as agreed");
        }
    }

    fn name(&self) -> String {
        media_name(CallRef(self.id.0))
    }

    /// Where the streams stand goes to disk now and then. Nobody waits for it: after a crash a stream
    /// goes on from the last position kept, with room for what was sent since.
    fn keep(&mut self, _: &mut Context<Self>) {
        let Some((ports, standing)) = self.engine.ports(self.id).zip(self.engine.standing(self.id)) else {
            return;
        };
        self.kept = true;
        let relays = self.relays.each_ref().map(|relay| relay.as_ref().and_then(SideRelay::record));
        let agents = self.agents.each_ref().map(|agent| agent.as_ref().map(SideAgent::record));
        let state = MediaRecord::new(ports, standing).with_ways(relays, agents);
        let record = CallRecord { name: self.name(), state };
        drop(self.journal.save(vec![self.store.put(&record)]));
    }

    fn forget(&mut self) {
        if std::mem::take(&mut self.kept) {
            drop(self.journal.save(vec![self.store.delete(&self.name())]));
        }
    }

    fn views(&self, counters: &ChannelCounters) -> Vec<MediaView> {
        let [a, b] = &self.remotes;
        vec![view("caller", &counters.a, a.clone()), view("callee", &counters.b, b.clone())]
    }
}

impl Actor for MediaChannel {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(FIRST_KEPT, |me, ctx| {
            me.keep(ctx);
            ctx.run_interval(KEPT_EVERY, Self::keep);
        });
    }
}

impl Drop for MediaChannel {
    fn drop(&mut self) {
        if self.open {
            self.engine.close(self.id);
        }
    }
}

/// Take ports.
#[derive(Debug, Message)]
#[rtype(result = "Result<Ports, EngineFault>")]
pub struct Open;

impl Handler<Open> for MediaChannel {
    type Result = Result<Ports, EngineFault>;

    fn handle(&mut self, _: Open, _: &mut Self::Context) -> Self::Result {
        let ports = self.engine.open(self.id)?;
        self.open = true;
        Ok(ports)
    }
}

/// Take up the ports and streams that the channel had before this process.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), EngineFault>")]
pub struct Reopen(pub MediaRecord);

impl Handler<Reopen> for MediaChannel {
    type Result = Result<(), EngineFault>;

    fn handle(&mut self, Reopen(record): Reopen, ctx: &mut Self::Context) -> Self::Result {
        self.kept = true;
        self.engine.reopen(self.id, record.ports(), record.standing())?;
        self.open = true;
        let now = self.ice.clock.now();
        self.resumed = *record.agents;
        self.relays = (*record.relays).map(|relay| relay.map(|relay| SideRelay::restore(relay, now)));
        if self.relays.iter().any(Option::is_some) {
            self.listen(ctx);
            self.watch_relays(ctx);
            self.rearm(ctx);
        }
        Ok(())
    }
}

/// Let one side run as agreed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Run(pub Side, pub Box<Agreed>);

impl Handler<Run> for MediaChannel {
    type Result = ();

    fn handle(&mut self, Run(side, agreed): Run, ctx: &mut Self::Context) {
        self.remotes[side_index(side)] = agreed.remote.map(|remote| remote.to_string());
        let flow = flow(&agreed);
        match agreed.ice {
            Some(ice) => self.meet(side, *ice, flow, ctx),
            None => {
                self.agents[side_index(side)] = None;
                if agreed.bypassed {
                    info!(channel = %self.id, ?side, "media goes straight to the gateway");
                    counter!("ipdect_media_bypassed_total").increment(1);
                }
                if let Some(remote) = agreed.remote {
                    self.policy_chosen(side, None, (remote, false), ctx);
                }
                self.set(side, flow);
            }
        }
    }
}

/// Let one side hear a sound in place of the other; none: the other again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Play(pub Side, pub Option<Arc<[u8]>>);

impl Handler<Play> for MediaChannel {
    type Result = ();

    fn handle(&mut self, Play(side, sound): Play, _: &mut Self::Context) {
        if let Err(fault) = self.engine.play(self.id, engine_side(side), sound) {
            warn!(channel = %self.id, %fault, "a sound cannot be played");
        }
    }
}

/// Let one side talk in a conference in place of the other side; none: with the other side.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Sit(pub Side, pub Option<Chair>);

impl Handler<Sit> for MediaChannel {
    type Result = ();

    fn handle(&mut self, Sit(side, chair): Sit, ctx: &mut Self::Context) {
        match self.engine.seat(self.id, engine_side(side), chair) {
            // The record of a call with one end names one port: without this one it could not be taken up again.
            Ok(()) if !self.kept => self.keep(ctx),
            Ok(()) => {}
            Err(fault) => warn!(channel = %self.id, %fault, "somebody cannot talk in a conference"),
        }
    }
}

/// Press a key towards a side, for so many milliseconds.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct PressKey(pub Side, pub char, pub u32);

impl Handler<PressKey> for MediaChannel {
    type Result = ();

    fn handle(&mut self, PressKey(side, digit, millis): PressKey, _: &mut Self::Context) {
        let press = kirkwall_core::media::dtmf::Press::new(digit, millis);
        let pressed = press.map(|press| self.engine.press(self.id, engine_side(side), press));
        if let Some(Err(fault)) = pressed {
            warn!(channel = %self.id, %fault, "a key cannot be pressed");
        }
    }
}

/// Take one side of another call's media in place of a side here.
#[derive(Message)]
#[rtype(result = "Result<(), EngineFault>")]
pub struct TakeOver {
    /// Where it is.
    pub from: ChannelId,
    /// Who owns it there.
    pub channel: Option<Addr<MediaChannel>>,
    /// Which side there.
    pub side: Side,
    /// Which side here.
    pub into: Side,
}

impl Handler<TakeOver> for MediaChannel {
    type Result = Result<(), EngineFault>;

    fn handle(&mut self, take: TakeOver, ctx: &mut Self::Context) -> Self::Result {
        let TakeOver { from, channel, side, into } = take;
        self.engine.adopt(self.id, engine_side(into), from, engine_side(side))?;
        // What was kept so far tells of the former leg.
        self.keep(ctx);
        self.take_agent(channel, side, into, ctx);
        Ok(())
    }
}

/// Give the ports back; what was counted.
#[derive(Debug, Message)]
#[rtype(result = "Vec<MediaView>")]
pub struct Close;

impl Handler<Close> for MediaChannel {
    type Result = Vec<MediaView>;

    fn handle(&mut self, _: Close, ctx: &mut Self::Context) -> Self::Result {
        self.release_relays(ctx);
        ctx.stop();
        self.forget();
        let counters = if std::mem::take(&mut self.open) { self.engine.close(self.id) } else { None };
        counters.map_or(Vec::new(), |counters| self.views(&counters))
    }
}

/// What is counted now.
#[derive(Debug, Message)]
#[rtype(result = "Vec<MediaView>")]
pub struct Count;

impl Handler<Count> for MediaChannel {
    type Result = Vec<MediaView>;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> Self::Result {
        self.engine.counters(self.id).map_or(Vec::new(), |counters| self.views(&counters))
    }
}

/// What a key press that the engine has heard means to the call of that channel.
pub fn key_pressed(report: &media::Report) -> Option<(CallRef, Side, char, u32)> {
    match report {
        media::Report::Dtmf { channel, side, digit, millis } => {
            let side = if *side == media::Side::A { Side::A } else { Side::B };
            Some((CallRef(channel.0), side, *digit, *millis))
        }
        _ => None,
    }
}

/// Counts what the engine notices. Called on media threads: it only touches counters.
pub fn count_report(report: &media::Report) {
    match report {
        media::Report::Dtmf { .. } => counter!("ipdect_media_digits_total").increment(1),
        media::Report::Silence { .. } => counter!("ipdect_media_silences_total").increment(1),
        media::Report::StrangerRefused { .. } => counter!("ipdect_media_strangers_total").increment(1),
        media::Report::SrtpRefused { .. } => counter!("ipdect_media_srtp_refused_total").increment(1),
        media::Report::Counters { counters, .. } => {
            metrics::histogram!("ipdect_media_jitter_seconds").record(counters.jitter_us as f64 / 1e6);
        }
        _ => {}
    }
}

const fn engine_side(side: Side) -> media::Side {
    match side {
        Side::A => media::Side::A,
        Side::B => media::Side::B,
    }
}

fn flow(agreed: &Agreed) -> Flow {
    let noise = agreed.comfort_noise.then_some(13);
    Flow {
        remote: agreed.remote,
        remote_rtcp: agreed.remote_rtcp,
        codec: agreed.codec,
        send_pt: agreed.send_pt,
        recv_pt: agreed.recv_pt,
        dtmf_send_pt: agreed.dtmf_send_pt,
        dtmf_recv_pt: agreed.dtmf_recv_pt,
        noise_send_pt: noise,
        noise_recv_pt: noise,
        srtp: agreed.srtp.clone(),
        direction: agreed.direction,
        symmetric: true,
    }
}

fn view(side: &'static str, counters: &SideCounters, remote: Option<String>) -> MediaView {
    MediaView {
        side,
        packets_received: counters.packets_in,
        packets_sent: counters.packets_out,
        packets_lost: counters.lost,
        packets_refused: counters.strangers + counters.unauthentic + counters.replayed + counters.malformed,
        jitter_ms: counters.jitter_us as f64 / 1_000.0,
        remote,
    }
}
