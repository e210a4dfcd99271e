//! A call's bandwidth at the policy server behind its relay: asked for before the call rings, booked when it
//! talks, given back with the allocation.

use std::net::SocketAddr;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::Side;
use kirkwall_core::media::ice::candidate::Component;
use kirkwall_core::media::ice::turn::Input;
use kirkwall_core::media::ice::turn::reservation::{
    BandwidthReservation, Path, ReservationInput, ReservationOutput, Verdict,
};
use kirkwall_core::timer::Moment;
use metrics::counter;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::MediaChannel;
use super::agents::side_index;

/// How long a call waits for the policy before it goes on without.
const PATIENCE: Duration = Duration::from_secs(2);

/// The reservation of one side; it goes with the side's relay.
#[derive(Default)]
pub(super) struct SidePolicy {
    reservation: BandwidthReservation,
    told: Option<oneshot::Sender<Verdict>>,
}

impl SidePolicy {
    /// Of before a restart.
    pub(super) fn resumed(reservation: BandwidthReservation, now: Moment) -> Self {
        Self { reservation: reservation.resumed(now), told: None }
    }

    /// What survives.
    pub(super) fn record(&self) -> BandwidthReservation {
        self.reservation.clone()
    }

    /// What must be asked anew at another relay.
    pub(super) fn anew(&self) -> Option<Box<Path>> {
        self.reservation.anew()
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        self.reservation.deadline()
    }
}

/// Is there bandwidth for this call?
#[derive(Debug, Message)]
#[rtype(result = "Verdict")]
pub struct CheckBandwidth {
    /// Which side.
    pub side: Side,
    /// Between whom.
    pub path: Box<Path>,
}

impl Handler<CheckBandwidth> for MediaChannel {
    type Result = ResponseActFuture<Self, Verdict>;

    fn handle(
        &mut self,
        CheckBandwidth { side, path }: CheckBandwidth,
        ctx: &mut Self::Context,
    ) -> Self::Result {
        let (told, verdict) = oneshot::channel();
        match &mut self.relays[side_index(side)] {
            Some(relay) if relay.is_allocated() => relay.policy.told = Some(told),
            // Whoever is not asked has nothing against it.
            _ => return Box::pin(std::future::ready(Verdict::Room).into_actor(self)),
        }
        self.policy_step(side, ReservationInput::Check(path), ctx);
        let waited = actix::clock::timeout(PATIENCE, verdict).into_actor(self);
        Box::pin(waited.map(|verdict, me, _| match verdict {
            Ok(Ok(verdict)) => {
                counter!("ipdect_bandwidth_checks_total", "verdict" => word(verdict)).increment(1);
                verdict
            }
            _ => {
                counter!("ipdect_bandwidth_checks_total", "verdict" => "silent").increment(1);
                warn!(channel = %me.id, "the bandwidth policy does not answer; the call goes on");
                Verdict::Room
            }
        }))
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Room => "room",
        Verdict::RoomByRelays => "relays",
        Verdict::NoRoom { .. } => "no_room",
    }
}

impl MediaChannel {
    /// One input in, everything it causes out.
    pub(super) fn policy_step(&mut self, side: Side, input: ReservationInput, ctx: &mut Context<Self>) {
        let now = self.ice.clock.now();
        let Some(relay) = &mut self.relays[side_index(side)] else { return };
        for output in relay.policy.reservation.handle(input, now) {
            match output {
                ReservationOutput::Ask(ask) => {
                    info!(channel = %self.id, ?side, step = ?ask.step, "bandwidth is asked for");
                    self.relay_step(side, Component::Rtp, Input::Reserve(ask), ctx);
                }
                ReservationOutput::Verdict(verdict) => {
                    let Some(relay) = &mut self.relays[side_index(side)] else { return };
                    if let Some(told) = relay.policy.told.take() {
                        // Who waited may have given up.
                        let _ = told.send(verdict);
                    }
                }
            }
        }
    }

    /// Media of a side goes there now: what was checked is booked.
    pub(super) fn policy_chosen(
        &mut self,
        side: Side,
        by_own_relay: Option<SocketAddr>,
        (peer, peer_is_relayed): (SocketAddr, bool),
        ctx: &mut Context<Self>,
    ) {
        let chosen = ReservationInput::Chosen { by_own_relay, peer, peer_is_relayed };
        self.policy_step(side, chosen, ctx);
    }

    /// The last word to a relay, about RTP: the allocation goes back, and with it what is reserved.
    pub(super) fn farewell(&mut self, side: Side) -> Input<'static> {
        let relay = self.relays[side_index(side)].as_mut();
        let update = relay.and_then(|relay| relay.policy.reservation.give_back());
        update.map_or(Input::Release, |update| Input::GiveBack(Box::new(update)))
    }
}
