//! The registration actor: one user's line to the north.
//!
//! ```text
//! supervisor, sip, clock ──► step ──► Line::handle ──► save ──► then: sip; supervisor: LineChanged
//! dialogs ──► Say ──► Line::sign ──► sip           supervisor ──► Vouch ──► Line::verify ──► Vouched
//! ```
//!
//! Invariant: a REGISTER leaves only after its number is on disk, so that after `kill -9` the registrar
//! hears a higher one and the same Call-ID. Security associations live in memory only: after `kill -9` the
//! user signs in anew, and what his standing dialogs say meanwhile waits for it ([`voice`]).

mod certificate;
mod messages;
mod state;
mod voice;

use std::sync::PoisonError;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::id::Username;
use kirkwall_core::lync::line::{Line, LineInput, LyncAccount};
use kirkwall_core::lync::ntlm::NtlmPolicy;
use kirkwall_core::lync::sign_in::{SignInOutput, SignInStatus};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::sip::proxies::Proxies;
use kirkwall_core::sip::registration::{Account, RegistrationRecord, SaveRegistration, StateName};
use kirkwall_core::sip::{ConnectionId, Destination, Peer, door};
use kirkwall_data::registration::{RegistrationRecord as Stored, Registrations};
use tracing::{Span, error, info, info_span};

use crate::ports::Ports;
use crate::roster::Guard;
use crate::supervisor::{CallsLost, LineChanged, Redirect, SignedIn, SignedInHow, Supervisor};

pub use messages::{Home, Leave, NewProxies, ProxyDown, ProxyUp, Unreached, Want};
use messages::{NextTurn, UseProxy};
pub use state::{LineSeed, LineState, LineWay, LyncSeed, SharedPace};
pub use voice::{Doubted, Say, Vouch};

const BACKUP: &str = "signed in at the backup registrar";
const LIMITED: &str = "limited functionality: calls, but no presence";

/// Gives the pure machine a mailbox, a clock, a disk and a voice. Decides nothing itself.
pub struct Registration {
    user: Username,
    machine: Line,
    proxies: Proxies,
    ports: Ports,
    supervisor: Addr<Supervisor>,
    store: Registrations<RegistrationRecord>,
    pace: SharedPace,
    /// Inputs that begin a REGISTER and wait for their turn, in order.
    in_turn: Vec<LineInput>,
    alarm: Option<SpawnHandle>,
    held: voice::Held,
    /// How he comes by a certificate, where he signs in by one.
    certificate: Option<certificate::Certificate>,
    /// What Via names us.
    sent_by: String,
    /// What the supervisor was told last.
    signed_in: bool,
    /// Who sent the notification that is being taken.
    notifier: Option<Peer>,
    /// What the last answer to a REGISTER came over.
    answered_on: Option<ConnectionId>,
    told: LineState,
    leaving: bool,
    cause: Option<String>,
    _guard: Guard,
    span: Span,
}

impl Registration {
    /// Goes on from the record on disk, if there is one.
    pub fn new(mut seed: LineSeed) -> Self {
        let tokens = seed.tokens.split();
        let mut proxies =
            Proxies::new(seed.proxies.clone()).expect("lines start only after a proxy was resolved");
        for down in &seed.avoid {
            proxies.failed(down, seed.ports.clock.now());
        }
        let store: Registrations<RegistrationRecord> = Registrations::new(&seed.ports.journal);
        let record = match store.get(seed.user.as_str()) {
            Ok(stored) => stored.map(|stored| stored.state),
            Err(fault) => {
                error!(user = %seed.user, %fault, "a registration cannot be read; it begins anew");
                None
            }
        };
        let record = record.unwrap_or_else(|| RegistrationRecord::new(&mut seed.tokens));
        let mut lync = seed.lync.as_ref().map(|lync| lync_account(lync, &record, &seed.user));
        let known = (seed.aor.as_str(), &seed.credentials);
        let certificate = seed.lync.as_ref().zip(lync.as_mut());
        let certificate = certificate.and_then(|(lync, account)| {
            certificate::Certificate::of(lync, account, known, seed.tokens.split())
        });
        let account = account(&seed, proxies.current().clone());
        let sent_by = account.sent_by.clone();
        let machine = Line::new(account, lync, record, tokens);
        let gone = LineState { gone: true, name: "off", ..LineState::default() };
        let LineSeed { user, ports, supervisor, pace, .. } = seed;
        Self {
            machine,
            proxies,
            store,
            pace,
            in_turn: Vec::new(),
            alarm: None,
            held: voice::Held::default(),
            certificate,
            sent_by,
            signed_in: false,
            notifier: None,
            answered_on: None,
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
    fn step(&mut self, input: LineInput, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        let Ready { save, then } = match self.machine.handle(input, self.ports.clock.now()) {
            Ok(ready) => ready,
            Err(refusal) => return self.refused(&refusal),
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

    /// As [`step`](Self::step), when the node's turn has come to begin another REGISTER.
    fn step_in_turn(&mut self, input: LineInput, ctx: &mut Context<Self>) {
        if self.in_turn.is_empty() && !self.machine.begins(&input) {
            return self.step(input, ctx);
        }
        // The machine will ask for it again.
        if matches!(input, LineInput::Deadline) && !self.in_turn.is_empty() {
            return;
        }
        self.in_turn.push(input);
        if self.in_turn.len() == 1 {
            self.await_turn(ctx);
        }
    }

    fn await_turn(&mut self, ctx: &mut Context<Self>) {
        let wait = self.pace.lock().unwrap_or_else(PoisonError::into_inner).turn(self.ports.clock.now());
        match wait {
            Duration::ZERO => self.turn_came(ctx),
            wait => _ = ctx.run_later(wait, Self::turn_came),
        }
    }

    fn turn_came(&mut self, ctx: &mut Context<Self>) {
        if self.in_turn.is_empty() {
            return;
        }
        let input = self.in_turn.remove(0);
        self.step(input, ctx);
        if !self.in_turn.is_empty() {
            ctx.notify(NextTurn);
        }
    }

    fn perform(&mut self, then: Vec<SignInOutput>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                SignInOutput::Send { request, to } => self.ports.sip.send(request, to),
                SignInOutput::Respond(answer) => {
                    if let Some(peer) = self.notifier.take() {
                        let to = door::response_destination(&answer, &peer);
                        self.ports.sip.send(answer, to);
                    }
                }
                SignInOutput::Changed(status) => self.note(status),
                SignInOutput::NextProxy { failed } => self.next_proxy(&failed, ctx),
                SignInOutput::Redirected { targets } => {
                    let (user, by) = (self.user.clone(), self.proxies.current().clone());
                    self.supervisor.do_send(Redirect { user, targets, by });
                }
                SignInOutput::FetchCertificate { service } => self.fetch_certificate(service, ctx),
                SignInOutput::SignedOut(out) => info!(cause = %out.cause, "signed out by the front end"),
                SignInOutput::DialogsLost { cause, ends_calls } => {
                    let user = self.user.clone();
                    self.supervisor.do_send(CallsLost { user, cause, ends_calls });
                }
            }
        }
        self.say_held();
        self.tell_of_sign_in();
        self.tell_supervisor();
        self.rearm(ctx);
        if self.leaving && matches!(self.machine.state(), StateName::Stopped | StateName::Idle) {
            self.forget(ctx);
        }
    }

    fn note(&mut self, status: SignInStatus) {
        let cause = match status.status {
            Some(code) if !status.cause.starts_with(&code.to_string()) => format!("{code}, {}", status.cause),
            _ => status.cause,
        };
        if status.registered_until.is_none() && self.cause.as_ref() != Some(&cause) {
            info!(parent: &self.span, %cause, "not registered");
        }
        self.cause = Some(cause).filter(|_| status.registered_until.is_none());
        if status.registered_until.is_some() {
            self.proxies.settled(self.ports.clock.now());
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

    fn next_proxy(&mut self, failed: &Destination, ctx: &mut Context<Self>) {
        if self.proxies.failed(failed, self.ports.clock.now()) {
            ctx.notify(UseProxy);
        }
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
        // A front end forgets its users with their connections.
        let up = up.filter(|_| self.machine.may_speak());
        let proxy = self.proxies.current();
        let way = up.map(|_| LineWay {
            destination: proxy.clone(),
            service_route: self.machine.service_route().to_vec(),
        });
        let name = if way.is_some() { "registered" } else { name };
        let registrar = Some(format!("{} {}", proxy.transport, proxy.address));
        let (cause, notes) = (self.cause.clone(), self.notes());
        let away = way.is_some() && !self.proxies.is_first();
        LineState { name, cause, registrar, expires: up, way, away, notes, gone: false }
    }

    /// What people should know of a line that stands.
    fn notes(&self) -> Vec<String> {
        let told = self.machine.told();
        let notes = [
            (told.is_some_and(|told| told.presence.is_primary == Some(false)), BACKUP),
            (told.is_some_and(|told| told.presence.limited), LIMITED),
        ];
        notes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words.to_owned()).collect()
    }

    fn tell_supervisor(&mut self) {
        let state = self.state();
        if state != self.told {
            self.told = state.clone();
            self.supervisor.do_send(LineChanged { user: self.user.clone(), state });
        }
    }

    fn tell_of_sign_in(&mut self) {
        let signed_in = self.machine.instance().filter(|_| self.machine.may_speak());
        if self.signed_in == signed_in.is_some() {
            return;
        }
        self.signed_in = signed_in.is_some();
        let how = signed_in.zip(self.machine.gruu()).map(|(instance, gruu)| SignedInHow {
            gruu,
            instance,
            sent_by: self.sent_by.clone(),
            proxy: self.proxies.current().clone(),
            limited: self.machine.told().is_some_and(|told| told.presence.limited),
        });
        self.supervisor.do_send(SignedIn { user: self.user.clone(), how });
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        if !self.in_turn.is_empty() {
            return;
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step_in_turn(LineInput::Deadline, ctx))
        });
    }
}

fn account(seed: &LineSeed, proxy: Destination) -> Account {
    let local = seed.ports.sip.local(proxy.facing, proxy.transport, proxy.address.ip());
    let own_name = seed.lync.as_ref().and_then(|lync| lync.own_name.as_ref());
    let sent_by = match (own_name, local) {
        (Some(name), Some(local)) => format!("{name}:{}", local.port()),
        (None, Some(local)) => local.to_string(),
        (_, None) => seed.registrar.clone(),
    };
    Account {
        owner: seed.owner,
        aor: seed.aor.clone(),
        registrar: format!("sip:{}", seed.registrar),
        contact: format!("sip:{}@{sent_by};transport={}", seed.user, proxy.transport),
        contact_params: String::new(),
        sent_by,
        credentials: seed.credentials.clone(),
        expires: Duration::from_secs(seed.expires.into()),
        user_agent: seed.user_agent.clone(),
        proxy,
    }
}

fn lync_account(lync: &LyncSeed, record: &RegistrationRecord, user: &Username) -> LyncAccount {
    LyncAccount {
        epid: LyncAccount::epid_of(record, lync.ipei.as_deref(), &lync.node, user.as_str()),
        trusted_server: lync.trusted_server,
        policy: NtlmPolicy::default(),
        subnet: lync.subnet,
        ask_expires: lync.ask_expires,
        tls_dsk: None,
    }
}

impl Actor for Registration {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.step(LineInput::Started, ctx);
        ctx.notify(Want { wanted: true, credentials: None });
    }
}
