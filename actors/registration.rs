//! The registration actor: one user's line to the north.
//!
//! ```text
//! supervisor, sip, clock ──► step ──► Registration::handle ──► save ──► then: sip; supervisor: LineChanged
//! ```
//!
//! Invariant: a REGISTER leaves only after its number is on disk, so that after `kill -9` the registrar
//! hears a higher one and the same Call-ID.

use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::id::{OwnerId, Tokens, Username};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::sip::Destination;
use kirkwall_core::sip::digest::Credentials;
use kirkwall_core::sip::registration::{
    Account, Registration as Line, RegistrationInput, RegistrationOutput, RegistrationRecord,
    SaveRegistration, StateName,
};
use kirkwall_core::timer::Moment;
use kirkwall_data::registration::{RegistrationRecord as Stored, Registrations};
use tracing::{Span, debug, error, info_span};

use crate::call::SendFailed;
use crate::ports::Ports;
use crate::roster::Guard;
use crate::supervisor::{Hear, LineChanged, Supervisor};

/// How a line stands, as the supervisor keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineState {
    /// `registered`, `registering`, `waiting`, `failed`, `off`.
    pub name: &'static str,
    /// Last cause in words, when not registered.
    pub cause: Option<String>,
    /// The registrar in use, as transport and address.
    pub registrar: Option<String>,
    /// Until when.
    pub expires: Option<Moment>,
    /// How calls go out over it, while it is up.
    pub way: Option<LineWay>,
    /// Whether the actor is gone.
    pub gone: bool,
}

/// How calls go out over a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineWay {
    /// Next hop.
    pub destination: Destination,
    /// Service-Route of the registrar (RFC 3608 §6.1).
    pub service_route: Vec<String>,
}

impl Default for LineState {
    fn default() -> Self {
        Self { name: "registering", cause: None, registrar: None, expires: None, way: None, gone: false }
    }
}

impl LineState {
    /// In words, for people.
    pub fn words(&self) -> String {
        match &self.cause {
            Some(cause) if self.way.is_none() => format!("{}: {cause}", self.name),
            _ => self.name.to_owned(),
        }
    }
}

/// What a line is made from.
pub struct LineSeed {
    /// Whose.
    pub user: Username,
    /// Its name in branches.
    pub owner: OwnerId,
    /// Address of record, as a URI.
    pub aor: String,
    /// Domain of the registrar.
    pub registrar: String,
    /// Expiry to ask for, in seconds.
    pub expires: u32,
    /// What we call ourselves.
    pub user_agent: String,
    /// Name and password.
    pub credentials: Credentials,
    /// Proxies in order of preference, at least one.
    pub proxies: Vec<Destination>,
    /// The world.
    pub ports: Ports,
    /// Who routes by it.
    pub supervisor: Addr<Supervisor>,
    /// Its own words.
    pub tokens: Tokens,
}

/// Gives the pure machine a mailbox, a clock, a disk and a voice. Decides nothing itself.
pub struct Registration {
    user: Username,
    machine: Line,
    proxies: Vec<Destination>,
    at: usize,
    ports: Ports,
    supervisor: Addr<Supervisor>,
    store: Registrations<RegistrationRecord>,
    alarm: Option<SpawnHandle>,
    told: LineState,
    leaving: bool,
    cause: Option<String>,
    _guard: Guard,
    span: Span,
}

impl Registration {
    /// Goes on from the record on disk, if there is one.
    pub fn new(seed: LineSeed) -> Self {
        let LineSeed {
            user,
            owner,
            aor,
            registrar,
            expires,
            user_agent,
            credentials,
            proxies,
            ports,
            supervisor,
            mut tokens,
        } = seed;
        let proxy = proxies.first().cloned().expect("lines start only after a proxy was resolved");
        let local = ports.sip.local(proxy.facing, proxy.transport, proxy.address.ip());
        let sent_by = local.map_or_else(|| registrar.clone(), |local| local.to_string());
        let store: Registrations<RegistrationRecord> = Registrations::new(&ports.journal);
        let record = match store.get(user.as_str()) {
            Ok(stored) => stored.map(|stored| stored.state),
            Err(fault) => {
                error!(%user, %fault, "a registration cannot be read; it begins anew");
                None
            }
        };
        let record = record.unwrap_or_else(|| RegistrationRecord::new(&mut tokens));
        let account = Account {
            owner,
            aor,
            registrar: format!("sip:{registrar}"),
            contact: format!("sip:{user}@{sent_by};transport={}", proxy.transport),
            contact_params: String::new(),
            sent_by,
            credentials,
            expires: Duration::from_secs(expires.into()),
            user_agent,
            proxy,
        };
        let gone = LineState { gone: true, name: "off", ..LineState::default() };
        Self {
            machine: Line::new(account, record, tokens.split()),
            proxies,
            at: 0,
            store,
            alarm: None,
            told: LineState::default(),
            leaving: false,
            cause: None,
            _guard: Guard::new(supervisor.clone(), LineChanged { user: user.clone(), state: gone }),
            span: info_span!("registration", %user),
            user,
            ports,
            supervisor,
        }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: RegistrationInput, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        let Ready { save, then } = match self.machine.handle(input, self.ports.clock.now()) {
            Ok(ready) => ready,
            Err(refusal) => return debug!(%refusal),
        };
        if save.is_empty() {
            return self.perform(then, ctx);
        }
        let aor = self.user.to_string();
        let writes = save
            .into_iter()
            .map(|SaveRegistration(state)| self.store.put(&Stored { aor: aor.clone(), state }));
        let saved = self.ports.journal.save(writes.collect()).into_actor(self);
        ctx.wait(saved.map(|saved, me, ctx| match saved {
            Ok(()) => me.perform(then, ctx),
            Err(fault) => {
                error!(parent: &me.span, %fault, "registration not saved; it starts anew");
                ctx.stop();
            }
        }));
    }

    fn perform(&mut self, then: Vec<RegistrationOutput>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                RegistrationOutput::Send { request, to } => self.ports.sip.send(request, to),
                RegistrationOutput::Changed(status) => {
                    let cause = status
                        .status
                        .map_or(status.cause.clone(), |code| format!("{code}, {}", status.cause));
                    self.cause = Some(cause).filter(|_| status.registered_until.is_none());
                }
                RegistrationOutput::NextProxy { .. } => self.next_proxy(ctx),
                RegistrationOutput::Redirected { targets } => {
                    debug!(count = targets.len(), "redirected; the next proxy is tried instead");
                    self.next_proxy(ctx);
                }
            }
        }
        self.tell_supervisor();
        self.rearm(ctx);
        if self.leaving && matches!(self.machine.state(), StateName::Stopped | StateName::Idle) {
            self.forget(ctx);
        }
    }

    /// The user is gone and the registrar knows: the record goes, and the actor with it.
    fn forget(&mut self, ctx: &mut Context<Self>) {
        let saved = self.ports.journal.save(vec![self.store.delete(self.user.as_str())]);
        ctx.wait(saved.into_actor(self).map(|saved, me, ctx| {
            if let Err(fault) = saved {
                error!(parent: &me.span, %fault, "the registration of a removed user is still on disk");
            }
            ctx.stop();
        }));
    }

    fn next_proxy(&mut self, ctx: &mut Context<Self>) {
        self.at = (self.at + 1) % self.proxies.len();
        ctx.notify(UseProxy);
    }

    fn state(&self) -> LineState {
        let name = match self.machine.state() {
            StateName::Registered => "registered",
            StateName::Waiting => "failed",
            StateName::Idle | StateName::Stopped => "off",
            StateName::AwaitingAnswer | StateName::AwaitingAuthenticated => "registering",
            StateName::Unregistering => "leaving",
        };
        // While a refresh is under way the registrar still holds us.
        let up = self.machine.registered_until().filter(|_| !matches!(name, "off" | "leaving"));
        let proxy = &self.proxies[self.at];
        let way = up.map(|_| LineWay {
            destination: proxy.clone(),
            service_route: self.machine.service_route().to_vec(),
        });
        let name = if way.is_some() { "registered" } else { name };
        let registrar = Some(format!("{} {}", proxy.transport, proxy.address));
        LineState { name, cause: self.cause.clone(), registrar, expires: up, way, gone: false }
    }

    fn tell_supervisor(&mut self) {
        let state = self.state();
        if state != self.told {
            self.told = state.clone();
            self.supervisor.do_send(LineChanged { user: self.user.clone(), state });
        }
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(RegistrationInput::Deadline, ctx))
        });
    }
}

impl Actor for Registration {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.step(RegistrationInput::Started, ctx);
        ctx.notify(Want { wanted: true, credentials: None });
    }
}

/// An answer to one of its requests.
impl Handler<Hear> for Registration {
    type Result = ();

    fn handle(&mut self, Hear { message, .. }: Hear, ctx: &mut Self::Context) {
        self.step(RegistrationInput::Received(message), ctx);
    }
}

impl Handler<SendFailed> for Registration {
    type Result = ();

    fn handle(&mut self, _: SendFailed, ctx: &mut Self::Context) {
        self.step(RegistrationInput::TransportFailed, ctx);
    }
}

/// The connection to its registrar is gone, and with it the registrar's way to us.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unreached;

impl Handler<Unreached> for Registration {
    type Result = ();

    fn handle(&mut self, _: Unreached, ctx: &mut Self::Context) {
        self.step(RegistrationInput::TransportFailed, ctx);
    }
}

/// Whether the user shall be registered, and as whom.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Want {
    /// Whether.
    pub wanted: bool,
    /// Name and password, when they may have changed.
    pub credentials: Option<Credentials>,
}

impl Handler<Want> for Registration {
    type Result = ();

    fn handle(&mut self, Want { wanted, credentials }: Want, ctx: &mut Self::Context) {
        if let Some(credentials) = credentials {
            self.step(RegistrationInput::CredentialsChanged(credentials), ctx);
        }
        self.step(RegistrationInput::Wanted(wanted), ctx);
    }
}

/// The user was removed: de-register, then be gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Leave;

impl Handler<Leave> for Registration {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Self::Context) {
        self.leaving = true;
        self.step(RegistrationInput::Wanted(false), ctx);
    }
}

/// The proxies have other addresses now.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Proxies(pub Vec<Destination>);

impl Handler<Proxies> for Registration {
    type Result = ();

    fn handle(&mut self, Proxies(proxies): Proxies, ctx: &mut Self::Context) {
        if proxies.is_empty() || proxies == self.proxies {
            return;
        }
        let current = self.proxies[self.at].address;
        self.at = proxies.iter().position(|proxy| proxy.address == current).unwrap_or(0);
        self.proxies = proxies;
        ctx.notify(UseProxy);
    }
}

/// To itself: use the proxy now pointed at.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct UseProxy;

impl Handler<UseProxy> for Registration {
    type Result = ();

    fn handle(&mut self, _: UseProxy, ctx: &mut Self::Context) {
        let proxy = self.proxies[self.at].clone();
        self.step(RegistrationInput::ProxyChanged(proxy), ctx);
    }
}
