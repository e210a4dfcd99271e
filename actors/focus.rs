//! The focus actor: one user in one conference of the pool, beside the call that talks with its mixer.
//!
//! ```text
//! supervisor, sip, clock ──► step ──► core Focus::handle ──► the user's line, which signs; supervisor
//! ```
//!
//! It keeps nothing on disk: the call is there, and names the focus, which is joined anew after a restart.

use actix::prelude::*;
use kirkwall_core::id::Username;
use kirkwall_core::lync::conference::{Focus as Machine, FocusInput, FocusOutput};
use kirkwall_core::machine::Machine as _;
use tracing::{Span, debug, info_span};

use crate::call::SendFailed;
use crate::ports::Ports;
use crate::roster::Guard;
use crate::supervisor::{FocusDied, FocusSays, Hear, LineDoubted, Supervisor, Utter};

/// What a focus actor is made from.
pub struct FocusSeed {
    /// Whose.
    pub user: Username,
    /// Stands in its branches and tags.
    pub owner: u64,
    /// Its machine, not started yet.
    pub machine: Machine,
    /// The world.
    pub ports: Ports,
    /// Who knows the line, and who is told.
    pub supervisor: Addr<Supervisor>,
}

/// Gives the pure machine a mailbox, a clock and a voice. Decides nothing itself.
pub struct Focus {
    user: Username,
    owner: u64,
    machine: Machine,
    ports: Ports,
    supervisor: Addr<Supervisor>,
    alarm: Option<SpawnHandle>,
    _guard: Guard,
    span: Span,
}

impl Focus {
    /// Of a user who is not in the conference yet.
    pub fn new(seed: FocusSeed) -> Self {
        let FocusSeed { user, owner, machine, ports, supervisor } = seed;
        Self {
            _guard: Guard::new(supervisor.clone(), FocusDied(owner)),
            span: info_span!("focus", %user, owner = owner & 0xffff_ffff),
            user,
            owner,
            machine,
            ports,
            supervisor,
            alarm: None,
        }
    }

    fn step(&mut self, input: FocusInput, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        match self.machine.handle(input, self.ports.clock.now()) {
            Ok(ready) => ready.then.into_iter().for_each(|output| self.perform(output, ctx)),
            Err(refusal) => debug!(%refusal),
        }
        self.rearm(ctx);
    }

    fn perform(&mut self, output: FocusOutput, ctx: &mut Context<Self>) {
        let user = self.user.clone();
        match output {
            FocusOutput::Send { message, to } => self.supervisor.do_send(Utter { line: user, message, to }),
            FocusOutput::Doubted => self.supervisor.do_send(LineDoubted(user)),
            FocusOutput::Closed => ctx.stop(),
            said => self.supervisor.do_send(FocusSays(self.owner, said)),
        }
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(FocusInput::Deadline, ctx))
        });
    }
}

impl Actor for Focus {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(256);
        self.step(FocusInput::Started, ctx);
    }
}

/// A verified message for it.
impl Handler<Hear> for Focus {
    type Result = ();

    fn handle(&mut self, Hear { message, peer }: Hear, ctx: &mut Self::Context) {
        self.step(FocusInput::Received(message, peer), ctx);
    }
}

impl Handler<SendFailed> for Focus {
    type Result = ();

    fn handle(&mut self, SendFailed(message): SendFailed, ctx: &mut Self::Context) {
        self.step(FocusInput::TransportFailed(message), ctx);
    }
}

/// What the user wants of the conference.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AskFocus(pub FocusInput);

impl Handler<AskFocus> for Focus {
    type Result = ();

    fn handle(&mut self, AskFocus(input): AskFocus, ctx: &mut Self::Context) {
        self.step(input, ctx);
    }
}
