//! The presence actor: what one signed-in user has at the front end besides calls.
//!
//! ```text
//! supervisor, sip, clock ──► step ──► EndpointServices::handle ──► the user's line, which signs; supervisor
//! ```
//!
//! It keeps nothing on disk: after a restart the user signs in anew and the front end tells the versions.

use actix::prelude::*;
use kirkwall_core::id::{Tokens, Username};
use kirkwall_core::lync::endpoint_services::{
    EndpointServices, ServicesAccount, ServicesInput, ServicesOutput,
};
use kirkwall_core::lync::routing::NorthForward;
use kirkwall_core::machine::Machine;
use kirkwall_core::sip::{Destination, Peer, door};
use tracing::{Span, debug, info_span};

use crate::call::SendFailed;
use crate::ports::Ports;
use crate::roster::Guard;
use crate::supervisor::{Hear, LineDoubted, PresenceDied, PresenceSays, Supervisor, Utter};

/// What a presence actor is made from.
pub struct PresenceSeed {
    /// Whose.
    pub user: Username,
    /// What the machine is made of.
    pub account: ServicesAccount,
    /// The world.
    pub ports: Ports,
    /// Who knows the line, and who is told.
    pub supervisor: Addr<Supervisor>,
    /// Its own words.
    pub tokens: Tokens,
}

/// Gives the pure machine a mailbox, a clock and a voice. Decides nothing itself.
pub struct Presence {
    user: Username,
    machine: EndpointServices,
    ports: Ports,
    supervisor: Addr<Supervisor>,
    /// Who sent the notification that is being taken.
    notifier: Option<Peer>,
    alarm: Option<SpawnHandle>,
    _guard: Guard,
    span: Span,
}

impl Presence {
    /// Of a user who is not signed in yet.
    pub fn new(seed: PresenceSeed) -> Self {
        let PresenceSeed { user, account, ports, supervisor, tokens } = seed;
        Self {
            machine: EndpointServices::new(account, tokens),
            ports,
            notifier: None,
            alarm: None,
            _guard: Guard::new(supervisor.clone(), PresenceDied(user.clone())),
            span: info_span!("presence", %user),
            supervisor,
            user,
        }
    }

    fn step(&mut self, input: ServicesInput, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        match self.machine.handle(input, self.ports.clock.now()) {
            Ok(ready) => ready.then.into_iter().for_each(|output| self.perform(output)),
            Err(refusal) => debug!(%refusal),
        }
        self.rearm(ctx);
    }

    fn perform(&mut self, output: ServicesOutput) {
        let user = self.user.clone();
        match output {
            ServicesOutput::Send { request, to } => {
                self.supervisor.do_send(Utter { line: user, message: request, to });
            }
            ServicesOutput::Answer(answer) => {
                if let Some(peer) = &self.notifier {
                    let to = door::response_destination(&answer, peer);
                    self.supervisor.do_send(Utter { line: user, message: answer, to });
                }
            }
            ServicesOutput::Doubted => self.supervisor.do_send(LineDoubted(user)),
            ServicesOutput::Notes(notes) => self.supervisor.do_send(PresenceSays::Notes(user, notes)),
            ServicesOutput::LocationProfile(profile) => {
                self.supervisor.do_send(PresenceSays::LocationProfile(profile));
            }
            ServicesOutput::Relay(granted) => {
                self.supervisor.do_send(PresenceSays::Relay(user, granted));
            }
            ServicesOutput::Provisioned(told) => {
                self.supervisor.do_send(PresenceSays::Provisioned(user, told))
            }
            ServicesOutput::Waiting(waiting) => self.supervisor.do_send(PresenceSays::Waiting(user, waiting)),
            ServicesOutput::ForwardAgreed(forward) => {
                self.supervisor.do_send(PresenceSays::ForwardAgreed(user, forward));
            }
            ServicesOutput::FollowForward { forward, instead_of } => {
                self.supervisor.do_send(PresenceSays::FollowForward(user, forward, instead_of));
            }
            ServicesOutput::Lines { delegates, private } => {
                self.supervisor.do_send(PresenceSays::Lines(user, delegates, private));
            }
        }
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(ServicesInput::Deadline, ctx))
        });
    }
}

impl Actor for Presence {
    type Context = Context<Self>;
}

/// A verified message for it: an answer, or a notification.
impl Handler<Hear> for Presence {
    type Result = ();

    fn handle(&mut self, Hear { message, peer }: Hear, ctx: &mut Self::Context) {
        match message.is_request() {
            true => {
                self.notifier = Some(peer);
                self.step(ServicesInput::Notified(message), ctx);
            }
            false => self.step(ServicesInput::Received(message), ctx),
        }
    }
}

impl Handler<SendFailed> for Presence {
    type Result = ();

    fn handle(&mut self, SendFailed(message): SendFailed, ctx: &mut Self::Context) {
        self.step(ServicesInput::TransportFailed(message), ctx);
    }
}

/// What happens to the user.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum Happened {
    /// Signed in, perhaps once more.
    SignedIn {
        /// GRUU, as the front end told.
        gruu: String,
        /// Where requests go.
        proxy: Destination,
        /// No user services.
        limited: bool,
        /// Whether nobody has the location profile yet.
        wants_profile: bool,
    },
    /// Signed out.
    SignedOut,
    /// It keeps the node's credentials for the media relay from now on.
    WantsRelay,
    /// A relay refuses them.
    RelayRefused,
    /// So many calls stand, from dialling or answering to the end.
    Calls(usize),
    /// Out of range of every base station.
    OutOfRange(bool),
    /// Do not disturb, set at the handset.
    DoNotDisturb(bool),
    /// The user's forward, and what was agreed with the front end last.
    Forward {
        /// As it is here.
        ours: NorthForward,
        /// What was agreed.
        agreed: Option<NorthForward>,
    },
    /// The user was removed: the actor goes.
    Removed,
}

impl Handler<Happened> for Presence {
    type Result = ();

    fn handle(&mut self, happened: Happened, ctx: &mut Self::Context) {
        let input = match happened {
            Happened::SignedIn { gruu, proxy, limited, wants_profile } => {
                ServicesInput::SignedIn { gruu, proxy, limited, wants_profile }
            }
            Happened::SignedOut => ServicesInput::SignedOut,
            Happened::WantsRelay => ServicesInput::WantsRelay,
            Happened::RelayRefused => ServicesInput::RelayRefused,
            Happened::Calls(calls) => ServicesInput::Calls(calls),
            Happened::OutOfRange(out) => ServicesInput::OutOfRange(out),
            Happened::DoNotDisturb(on) => ServicesInput::DoNotDisturb(on),
            Happened::Forward { ours, agreed } => ServicesInput::Forward { ours, agreed },
            Happened::Removed => return ctx.stop(),
        };
        self.step(input, ctx);
    }
}
