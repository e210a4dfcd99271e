//! The dialog actor: one leg of a call, with its SIP transactions, dialog and timers.
//!
//! ```text
//! call, sip, clock ──► step ──► Leg::handle ──► save ──► then: sip, call
//! ```
//!
//! Invariant: a 2xx or ACK that makes a dialog leaves only after the dialog is on disk.

use std::net::IpAddr;

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::{Heard, LegNews, LegNo, LegOrder, hear, tell};
use kirkwall_core::id::{OwnerId, Tokens, Username};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::sip::digest::DigestClient;
use kirkwall_core::sip::invite::{self, Dial, Leg, LegInput, LegOutput, LegRecord, LegSave, LocalEnd};
use kirkwall_core::sip::replaces::{Matched, Replaces};
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Destination, Facing, Transport, next_hop};
use kirkwall_data::call::{CallRecord, Calls};
use tracing::{Span, debug, error, info_span};

use crate::call::{Call, LegSaid, Said, SendFailed};
use crate::ports::Ports;
use crate::settings::Settings;
use crate::supervisor::{Hear, LineDoubted, Supervisor, Utter};

/// What a dialog actor is made from.
pub struct DialogSeed {
    /// Its number in the call.
    pub leg: LegNo,
    /// Its name in tags and branches.
    pub owner: OwnerId,
    /// How it names itself.
    pub local: LocalEnd,
    /// Who hears of it.
    pub call: Addr<Call>,
    /// Who signs what leaves by a line.
    pub lines: Addr<Supervisor>,
    /// The world.
    pub ports: Ports,
    /// Whose credentials answer a challenge.
    pub credentials: Option<DigestClient>,
    /// Its own words.
    pub tokens: Tokens,
    /// Its record, when it stood before this process.
    pub record: Option<LegRecord>,
}

/// Gives the pure [`Leg`] a mailbox, a clock, a disk and a voice. Decides nothing itself.
pub struct Dialog {
    leg: LegNo,
    call: Addr<Call>,
    lines: Addr<Supervisor>,
    /// The user by whose line everything leaves, if it does.
    line: Option<Username>,
    ports: Ports,
    machine: Leg,
    restored: bool,
    credentials: Option<DigestClient>,
    tokens: Tokens,
    store: Calls<LegRecord>,
    alarm: Option<SpawnHandle>,
    /// Why we hang up, when we do.
    why: Option<Cause>,
    closed: bool,
    span: Span,
}

impl Dialog {
    /// A leg that waits for its INVITE or for [`Place`].
    pub fn new(mut seed: DialogSeed) -> Self {
        let own = seed.tokens.split();
        let restored = seed.record.is_some();
        let line = seed.record.as_ref().map_or(&seed.local, |record| &record.local).line.clone();
        let machine = match seed.record {
            Some(record) => Leg::restore(record, own),
            None => Leg::new(seed.owner, seed.local, own),
        };
        let (store, span) = (Calls::new(&seed.ports.journal), info_span!("dialog", owner = %seed.owner));
        Self {
            leg: seed.leg,
            call: seed.call,
            lines: seed.lines,
            line,
            ports: seed.ports,
            machine,
            restored,
            credentials: seed.credentials,
            tokens: seed.tokens,
            store,
            alarm: None,
            why: None,
            closed: false,
            span,
        }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: LegInput, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        let Ready { save, then } = match self.machine.handle(input, self.ports.clock.now()) {
            Ok(ready) => ready,
            Err(refusal) => return debug!(%refusal),
        };
        if save.is_empty() {
            return self.perform(then, ctx);
        }
        let writes = save.into_iter().map(|save| match save {
            LegSave::Put(record) => {
                self.store.put(&CallRecord { name: record_name(record.owner), state: *record })
            }
            LegSave::Delete(owner) => self.store.delete(&record_name(owner)),
        });
        let saved = self.ports.journal.save(writes.collect()).into_actor(self);
        ctx.wait(saved.map(|saved, me, ctx| {
            if let Err(fault) = saved {
                error!(parent: &me.span, %fault, "dialog not saved; it would not survive a crash");
            }
            me.perform(then, ctx);
        }));
    }

    fn perform(&mut self, then: Vec<LegOutput>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                LegOutput::Send { message, destination, resolve } => {
                    let destination = next_hop(resolve.as_ref(), destination);
                    self.call.do_send(Said {
                        leg: self.leg,
                        message: message.clone(),
                        to: destination.clone(),
                    });
                    self.send(message, destination);
                }
                LegOutput::Event(event) => match hear(event, self.why.as_ref()) {
                    Heard::News(news) => self.report(news, ctx),
                    Heard::Challenged { request, response } => {
                        self.answer_challenge(&request, &response, ctx)
                    }
                    Heard::Asked(reply) => ctx.notify(Do(reply)),
                    Heard::Told(reply, news) => {
                        ctx.notify(Do(reply));
                        self.report(news, ctx);
                    }
                    Heard::Nothing => {}
                },
            }
        }
        self.rearm(ctx);
    }

    /// By the line, which signs it last; else as it is.
    fn send(&self, message: SipMessage, to: Destination) {
        match &self.line {
            Some(line) => self.lines.do_send(Utter { line: line.clone(), message, to }),
            None => self.ports.sip.send(message, to),
        }
    }

    fn report(&mut self, news: LegNews, ctx: &mut Context<Self>) {
        if news == LegNews::Closed {
            self.closed = true;
            ctx.stop();
        }
        self.call.do_send(LegSaid { leg: self.leg, news });
    }

    /// Credentials go with the request sent again; without any that fit, the leg ends. A line of Lync's
    /// agrees on new keys, and the request waits for them there.
    fn answer_challenge(&mut self, request: &SipMessage, response: &SipMessage, ctx: &mut Context<Self>) {
        if let Some(line) = &self.line {
            self.lines.do_send(LineDoubted(line.clone()));
            return ctx.notify(Do(invite::LegOrder::Retry { headers: Vec::new() }));
        }
        let headers =
            self.credentials.as_mut().and_then(|c| c.answer(request, response, &mut self.tokens).ok());
        match headers {
            Some(headers) => ctx.notify(Do(invite::LegOrder::Retry { headers })),
            None => {
                self.why = Some(Cause::of_status(403, "the far end refused the credentials of this line"));
                ctx.notify(Do(invite::LegOrder::HangUp { headers: Vec::new() }));
            }
        }
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(LegInput::Deadline, ctx))
        });
    }
}

impl Actor for Dialog {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(256);
        if self.restored {
            self.step(LegInput::Started, ctx);
        }
    }
}

impl Drop for Dialog {
    /// A leg that goes without having closed has panicked: its call must not wait for it.
    fn drop(&mut self) {
        if !self.closed {
            self.call.do_send(LegSaid { leg: self.leg, news: LegNews::Closed });
        }
    }
}

impl Handler<Hear> for Dialog {
    type Result = ();

    fn handle(&mut self, Hear { message, peer }: Hear, ctx: &mut Self::Context) {
        self.step(LegInput::Received(message, peer), ctx);
    }
}

impl Handler<SendFailed> for Dialog {
    type Result = ();

    fn handle(&mut self, SendFailed(message): SendFailed, ctx: &mut Self::Context) {
        self.step(LegInput::TransportFailed(message), ctx);
    }
}

/// A handset has registered over another way.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Moved {
    /// The Contact of its binding.
    pub contact: String,
    /// The way there.
    pub destination: Destination,
}

impl Handler<Moved> for Dialog {
    type Result = ();

    fn handle(&mut self, Moved { contact, destination }: Moved, ctx: &mut Self::Context) {
        self.step(LegInput::Moved { contact, destination }, ctx);
    }
}

/// Dial.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Place(pub Box<Dial>);

impl Handler<Place> for Dialog {
    type Result = ();

    fn handle(&mut self, Place(dial): Place, ctx: &mut Self::Context) {
        self.step(LegInput::Order(invite::LegOrder::Dial(dial)), ctx);
    }
}

/// The call's order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Obey(pub LegOrder);

impl Handler<Obey> for Dialog {
    type Result = ();

    fn handle(&mut self, Obey(order): Obey, ctx: &mut Self::Context) {
        if let LegOrder::HangUp { cause } | LegOrder::Reject { cause } = &order {
            self.why = Some(cause.clone());
        }
        if let Some(order) = tell(order) {
            self.step(LegInput::Order(order), ctx);
        }
    }
}

/// What the dialog that this means is doing, if it is this leg's.
#[derive(Debug, Message)]
#[rtype(result = "Option<Matched>")]
pub struct Named(pub Replaces);

impl Handler<Named> for Dialog {
    type Result = Option<Matched>;

    fn handle(&mut self, Named(replaces): Named, _: &mut Self::Context) -> Self::Result {
        self.machine.matched_by(&replaces)
    }
}

/// From now on it is a leg of another call.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Serve(pub Addr<Call>, pub LegNo);

impl Handler<Serve> for Dialog {
    type Result = ();

    fn handle(&mut self, Serve(call, leg): Serve, _: &mut Self::Context) {
        (self.call, self.leg) = (call, leg);
    }
}

/// An order to itself that follows from an event, taken after the outputs around it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Do(invite::LegOrder);

impl Handler<Do> for Dialog {
    type Result = ();

    fn handle(&mut self, Do(order): Do, ctx: &mut Self::Context) {
        self.step(LegInput::Order(order), ctx);
    }
}

/// How a leg towards `remote` names itself. `user` is whose handset or line it is, or "".
pub fn local_end(
    ports: &Ports,
    settings: &Settings,
    (facing, transport, remote): (Facing, Transport, IpAddr),
    user: &str,
) -> LocalEnd {
    let lync = settings.north.as_ref().and_then(|north| north.lync.as_ref());
    let lync = lync.filter(|_| facing == Facing::North);
    let own_name = lync.and_then(|lync| lync.own_name.as_ref());
    let sent_by = match (ports.sip.local(facing, transport, remote), own_name) {
        (Some(local), Some(name)) => format!("{name}:{}", local.port()),
        (Some(local), None) => local.to_string(),
        (None, _) => settings.domain.clone(),
    };
    let line = lync.and_then(|_| user.parse().ok());
    // [MS-CONFBAS]: who does not say so is never invited into a conference, but called by its mixer.
    let invited = lync.map(|_| "ms-conf-invite");
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    LocalEnd {
        contact: format!("sip:{user}{sent_by};transport={transport}"),
        focus: false,
        sent_by,
        transport,
        product: settings.user_agent.clone(),
        supported: ["replaces"].into_iter().chain(invited).map(str::to_owned).collect(),
        session_expires: Some(1_800),
        line,
    }
}

/// As [`local_end`], towards a destination.
pub fn local_end_to(ports: &Ports, settings: &Settings, to: &Destination, user: &str) -> LocalEnd {
    local_end(ports, settings, (to.facing, to.transport, to.address.ip()), user)
}

fn record_name(owner: OwnerId) -> String {
    let (call, leg) = LegNo::of_owner(owner);
    format!("{call}/{}", leg.0)
}
