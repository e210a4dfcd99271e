//! The handset actor: one per user, keeps where the user's handsets are registered.
//!
//! ```text
//! supervisor, clock ──Register──► step ──► Registrar ──► save ──► reply; supervisor: HandsetLocated
//! ```
//!
//! Invariant: a 200 to a REGISTER leaves only after the bindings are on disk, so a handset that was told
//! it is registered is reachable after `kill -9`.

use actix::prelude::*;
use kirkwall_core::dect::identity::Ipui;
use kirkwall_core::id::{BaseStationId, Tokens, Username};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::sip::registrar::{
    Bindings, Limits, Registrar, RegistrarInput, RegistrarOutput, SaveBindings,
};
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Destination, DisplayLimits, Peer, SipBaseProfile, door};
use kirkwall_core::timer::Moment;
use kirkwall_data::handset::{HandsetRecord, Handsets};
use tracing::{Span, error, info_span, warn};

use crate::desk::BindingView;
use crate::ports::Ports;
use crate::roster::Guard;
use crate::supervisor::{HandsetDied, HandsetLocated, Supervisor};

/// Where a handset can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Contact URI.
    pub contact: String,
    /// The way there.
    pub destination: Destination,
    /// The base station that carries it.
    pub base: BaseStationId,
    /// What it calls itself.
    pub user_agent: String,
    /// Call-ID of its registration: a handset that was started anew has a new one.
    pub registration: String,
    /// Until when.
    pub expires: Moment,
    /// The handset, when it is on native base stations; contact and destination are names only.
    pub native: Option<Ipui>,
}

impl Located {
    /// What its display and memory hold, as far as its maker is known.
    pub fn limits(&self) -> DisplayLimits {
        let agent = (!self.user_agent.is_empty()).then_some(self.user_agent.as_str());
        SipBaseProfile::recognise(agent, None, self.destination.address.ip()).limits
    }

    /// For lists.
    pub fn view(&self) -> BindingView {
        BindingView {
            contact: self.contact.clone(),
            address: format!("{} {}", self.destination.transport, self.destination.address),
            user_agent: self.user_agent.clone(),
            base_station: Some(self.base.clone()),
            // A native handset is located until it leaves or is seen elsewhere: EN 300 175-5 knows no time for it.
            expires: self.native.is_none().then_some(self.expires),
        }
    }
}

/// What a handset actor is made from.
pub struct HandsetSeed {
    /// Whose.
    pub user: Username,
    /// The world.
    pub ports: Ports,
    /// Who routes by its bindings.
    pub supervisor: Addr<Supervisor>,
    /// For tags.
    pub tokens: Tokens,
}

/// Gives the pure [`Registrar`] a mailbox, a clock and a disk. Decides nothing itself.
pub struct Handset {
    seed: HandsetSeed,
    _guard: Guard,
    machine: Registrar,
    store: Handsets<Bindings>,
    alarm: Option<SpawnHandle>,
    span: Span,
}

impl Handset {
    /// Without bindings; [`Actor::started`] reads them.
    pub fn new(seed: HandsetSeed) -> Self {
        let machine = Registrar::new(Bindings::none(seed.user.as_str()), Limits::default());
        let (store, span) = (Handsets::new(&seed.ports.journal), info_span!("handset", user = %seed.user));
        let guard = Guard::new(seed.supervisor.clone(), HandsetDied(seed.user.clone()));
        Self { seed, _guard: guard, machine, store, alarm: None, span }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: RegistrarInput, peer: Option<Peer>, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        let now = self.seed.ports.clock.now();
        let Ready { save, then } = match self.machine.handle(input, now) {
            Ok(ready) => ready,
            Err(refusal) => return warn!(%refusal),
        };
        if save.is_empty() {
            return self.perform(then, peer, ctx);
        }
        let writes = save.into_iter().map(|SaveBindings(state)| match state.list.is_empty() {
            true => self.store.delete(&state.aor),
            false => self.store.put(&HandsetRecord { aor: state.aor.clone(), state }),
        });
        let saved = self.seed.ports.journal.save(writes.collect()).into_actor(self);
        ctx.wait(saved.map(|saved, me, ctx| match saved {
            Ok(()) => me.perform(then, peer, ctx),
            Err(fault) => me.reload(&fault, ctx),
        }));
    }

    fn perform(&mut self, then: Vec<RegistrarOutput>, peer: Option<Peer>, ctx: &mut Context<Self>) {
        let mut changed = false;
        for output in then {
            match (output, &peer) {
                (RegistrarOutput::Reply(answer), Some(peer)) => {
                    let to = door::response_destination(&answer, peer);
                    self.seed.ports.sip.send(answer, to);
                }
                (RegistrarOutput::Reply(_), None) => error!("an answer without anybody who asked"),
                (RegistrarOutput::Changed(_), _) => changed = true,
            }
        }
        if changed {
            self.tell_supervisor();
        }
        self.rearm(ctx);
    }

    fn tell_supervisor(&self) {
        let now = self.seed.ports.clock.now();
        let located = |binding: &kirkwall_core::sip::registrar::Binding| Located {
            contact: binding.contact.clone(),
            destination: binding.destination(),
            base: binding.base_station().key,
            user_agent: binding.user_agent.clone().unwrap_or_default(),
            registration: binding.call_id.clone(),
            expires: binding.expires,
            native: None,
        };
        let places = self.machine.bindings().targets(now).into_iter().map(located).collect();
        self.seed.supervisor.do_send(HandsetLocated { user: self.seed.user.clone(), places });
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.seed.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(RegistrarInput::Deadline, None, ctx))
        });
    }

    /// Memory is ahead of disk, so memory is wrong: the old bindings are read again and the REGISTER
    /// stays unanswered, so that the handset repeats it.
    fn reload(&mut self, fault: &kirkwall_data::SaveFault, ctx: &mut Context<Self>) {
        error!(parent: &self.span, %fault, "bindings not saved");
        self.restore(ctx);
    }

    fn restore(&mut self, ctx: &mut Context<Self>) {
        let bindings = match self.store.get(self.seed.user.as_str()) {
            Ok(record) => record.map(|record| record.state),
            Err(fault) => {
                error!(parent: &self.span, %fault, "bindings cannot be read");
                None
            }
        };
        let bindings = bindings.unwrap_or_else(|| Bindings::none(self.seed.user.as_str()));
        self.machine = Registrar::new(bindings, Limits::default());
        self.tell_supervisor();
        self.step(RegistrarInput::Started, None, ctx);
    }
}

impl Actor for Handset {
    type Context = Context<Self>;

    /// First start and every restart alike: the bindings are those on disk.
    fn started(&mut self, ctx: &mut Self::Context) {
        self.alarm = None;
        self.restore(ctx);
    }
}

/// An authenticated REGISTER for this user.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Register {
    /// The request.
    pub request: SipMessage,
    /// Where it came from.
    pub peer: Peer,
}

impl Handler<Register> for Handset {
    type Result = ();

    fn handle(&mut self, Register { request, peer }: Register, ctx: &mut Self::Context) {
        let to_tag = self.seed.tokens.word();
        self.step(
            RegistrarInput::Register { request: Box::new(request), peer: peer.clone(), to_tag },
            Some(peer),
            ctx,
        );
    }
}

/// A connection is gone: bindings that used it are reached by address from now on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ConnectionGone(pub kirkwall_core::sip::ConnectionId);

impl Handler<ConnectionGone> for Handset {
    type Result = ();

    fn handle(&mut self, ConnectionGone(connection): ConnectionGone, ctx: &mut Self::Context) {
        self.step(RegistrarInput::ConnectionClosed(connection), None, ctx);
        self.tell_supervisor();
    }
}

/// The user was removed: its bindings go from the disk and the actor with them.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Forget;

impl Handler<Forget> for Handset {
    type Result = ();

    fn handle(&mut self, _: Forget, ctx: &mut Self::Context) {
        let saved = self.seed.ports.journal.save(vec![self.store.delete(self.seed.user.as_str())]);
        ctx.wait(saved.into_actor(self).map(|saved, me, ctx| {
            if let Err(fault) = saved {
                error!(parent: &me.span, %fault, "bindings of a removed user are still on disk");
            }
            ctx.stop();
        }));
    }
}
