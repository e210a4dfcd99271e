//! The message waiting actor: one per user of whose mailbox anything was heard, or who has a line to ask.
//!
//! ```text
//! supervisor, sip, rest, clock ──► step ──► MessageWaiting::handle ──► save ──► sip; supervisor: MailboxChanged
//! ```
//!
//! Invariant: what a handset is told, and that it is subscribed, is on disk before it hears so.

use actix::prelude::*;
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::call::message_waiting::{
    self as core, Kept, LineUp, MessageAccount, MessageInput, MessageOutput, SaveKept,
};
use kirkwall_core::id::{Tokens, Username};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::sip::notifier::{LocalName, NotifierInput, Place, Subscribe};
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Facing, Peer, door};
use kirkwall_data::SaveFault;
use kirkwall_data::mailbox::{MailboxRecord, Mailboxes};
use tracing::{Span, debug, error, info_span};

use crate::call::SendFailed;
use crate::desk::DeskFault;
use crate::dialog::local_end;
use crate::handset::Located;
use crate::ports::Ports;
use crate::roster::Guard;
use crate::settings::Settings;
use crate::supervisor::{Hear, MailboxChanged, MailboxDied, MailboxTrouble, Supervisor, Utter};
use crate::users::not_saved;

/// What a message waiting actor is made from.
pub struct MessageSeed {
    /// Whose.
    pub user: Username,
    /// What the machine is made of.
    pub account: MessageAccount,
    /// The world.
    pub ports: Ports,
    /// Settings of the node.
    pub settings: Settings,
    /// Who routes to it and is told.
    pub supervisor: Addr<Supervisor>,
    /// Its own words.
    pub tokens: Tokens,
}

/// Gives the pure machine a mailbox, a clock, a disk and a voice. Decides nothing itself.
pub struct MessageWaiting {
    user: Username,
    machine: core::MessageWaiting,
    ports: Ports,
    settings: Settings,
    supervisor: Addr<Supervisor>,
    store: Mailboxes,
    tokens: Tokens,
    alarm: Option<SpawnHandle>,
    _guard: Guard,
    span: Span,
}

impl MessageWaiting {
    /// From what is on disk.
    pub fn new(seed: MessageSeed) -> Self {
        let MessageSeed { user, account, ports, settings, supervisor, mut tokens } = seed;
        let (store, span) = (Mailboxes::new(&ports.journal), info_span!("message_waiting", %user));
        let record = store.get(&user).unwrap_or_else(|fault| {
            error!(parent: &span, %fault, "a mailbox cannot be read");
            None
        });
        let kept = record.map_or_else(Kept::default, |record| Kept {
            mailbox: record.mailbox,
            subscribers: record.subscribers,
        });
        Self {
            machine: core::MessageWaiting::new(account, kept, tokens.split()),
            _guard: Guard::new(supervisor.clone(), MailboxDied(user.clone())),
            alarm: None,
            user,
            ports,
            settings,
            supervisor,
            store,
            tokens,
            span,
        }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: MessageInput, peer: Option<Peer>, ctx: &mut Context<Self>) {
        let Some((saves, then)) = self.decide(input, ctx) else { return };
        if saves.is_empty() {
            return self.perform(then, peer.as_ref());
        }
        let saved = self.ports.journal.save(saves).into_actor(self);
        ctx.wait(saved.map(move |saved, me, ctx| match saved {
            Ok(()) => me.perform(then, peer.as_ref()),
            Err(fault) => me.lost(&fault, ctx),
        }));
    }

    fn decide(
        &mut self,
        input: MessageInput,
        ctx: &mut Context<Self>,
    ) -> Option<(Vec<kirkwall_data::Write>, Vec<MessageOutput>)> {
        let _entered = self.span.clone().entered();
        let decided = self.machine.handle(input, self.ports.clock.now());
        self.rearm(ctx);
        let Ready { save, then } = decided.map_err(|refusal| debug!(%refusal)).ok()?;
        let writes = save.into_iter().map(|SaveKept(kept)| {
            let Kept { mailbox, subscribers } = kept;
            self.store.put(&MailboxRecord { user: self.user.clone(), mailbox, subscribers })
        });
        Some((writes.collect(), then))
    }

    fn perform(&mut self, then: Vec<MessageOutput>, peer: Option<&Peer>) {
        let user = || self.user.clone();
        for output in then {
            match output {
                MessageOutput::Reply(answer) | MessageOutput::Answer(answer) => match peer {
                    Some(peer) => self.answer(answer, peer),
                    None => error!(parent: &self.span, "an answer without anybody who asked"),
                },
                MessageOutput::Send { request, to } => self.ports.sip.send(request, to),
                MessageOutput::Changed(mailbox) => {
                    self.supervisor.do_send(MailboxChanged { user: user(), mailbox });
                }
                MessageOutput::Trouble(words) => {
                    self.supervisor.do_send(MailboxTrouble { user: user(), words });
                }
            }
        }
    }

    /// To a front end by the user's line, which signs it; else as it is.
    fn answer(&self, answer: SipMessage, peer: &Peer) {
        let to = door::response_destination(&answer, peer);
        match peer.facing == Facing::North && self.settings.speaks_lync() {
            true => self.supervisor.do_send(Utter { line: self.user.clone(), message: answer, to }),
            false => self.ports.sip.send(answer, to),
        }
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(MessageInput::Deadline, None, ctx))
        });
    }

    /// Memory is ahead of disk, so memory is wrong: the supervisor starts it anew from disk.
    fn lost(&mut self, fault: &SaveFault, ctx: &mut Context<Self>) {
        error!(parent: &self.span, %fault, "a mailbox is not saved");
        ctx.stop();
    }

    fn local(&self, facing: Facing, place: (kirkwall_core::sip::Transport, std::net::IpAddr)) -> LocalName {
        let local = local_end(&self.ports, &self.settings, (facing, place.0, place.1), self.user.as_str());
        LocalName { contact: local.contact, sent_by: local.sent_by }
    }
}

impl Actor for MessageWaiting {
    type Context = Context<Self>;

    /// First start and every restart alike.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(256);
        if let Some(mailbox) = self.machine.mailbox().cloned() {
            self.supervisor.do_send(MailboxChanged { user: self.user.clone(), mailbox });
        }
        self.step(MessageInput::Started, None, ctx);
    }
}

/// An authenticated SUBSCRIBE to this user's mailbox.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SubscribeMailbox {
    /// The request.
    pub request: SipMessage,
    /// Where it came from.
    pub peer: Peer,
}

impl Handler<SubscribeMailbox> for MessageWaiting {
    type Result = ();

    fn handle(&mut self, ask: SubscribeMailbox, ctx: &mut Self::Context) {
        let SubscribeMailbox { request, peer } = ask;
        let local = self.local(peer.facing, (peer.transport, peer.remote.ip()));
        let to_tag = self.tokens.word();
        let (request, from) = (Box::new(request), peer.clone());
        let who = self.user.to_string();
        let input = NotifierInput::Subscribe(Subscribe { request, peer: from, local, to_tag, who });
        self.step(MessageInput::South(input), Some(peer), ctx);
    }
}

/// A notification from the north, or an answer to a request of ours.
impl Handler<Hear> for MessageWaiting {
    type Result = ();

    fn handle(&mut self, Hear { message, peer }: Hear, ctx: &mut Self::Context) {
        let input = match message.is_request() {
            true => MessageInput::Notified(message),
            false => MessageInput::Received(message),
        };
        self.step(input, Some(peer), ctx);
    }
}

impl Handler<SendFailed> for MessageWaiting {
    type Result = ();

    fn handle(&mut self, SendFailed(message): SendFailed, ctx: &mut Self::Context) {
        self.step(MessageInput::TransportFailed(message), None, ctx);
    }
}

/// Where the user's handsets are registered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HandsetsAt(pub Vec<Located>);

impl Handler<HandsetsAt> for MessageWaiting {
    type Result = ();

    fn handle(&mut self, HandsetsAt(located): HandsetsAt, ctx: &mut Self::Context) {
        let place = |place: Located| {
            let to = &place.destination;
            let local = self.local(to.facing, (to.transport, to.address.ip()));
            Place {
                contact: place.contact,
                registration: place.registration,
                destination: place.destination,
                local,
            }
        };
        let places = located.into_iter().filter(|place| place.native.is_none()).map(place).collect();
        self.step(MessageInput::South(NotifierInput::Places(places)), None, ctx);
    }
}

/// The user's line subscribes in this way; none: not any longer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AskRegistrar(pub Option<Box<LineUp>>);

impl Handler<AskRegistrar> for MessageWaiting {
    type Result = ();

    fn handle(&mut self, AskRegistrar(line): AskRegistrar, ctx: &mut Self::Context) {
        self.step(MessageInput::Line(line), None, ctx);
    }
}

/// So much waits. Answered when it is on disk.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct TellWaiting(pub Mailbox);

impl Handler<TellWaiting> for MessageWaiting {
    type Result = AtomicResponse<Self, Result<(), DeskFault>>;

    fn handle(&mut self, TellWaiting(mailbox): TellWaiting, ctx: &mut Self::Context) -> Self::Result {
        let decided = self.decide(MessageInput::Told(mailbox), ctx);
        let (saves, then) = decided.unwrap_or_default();
        let saved = self.ports.journal.save(saves).into_actor(self);
        AtomicResponse::new(Box::pin(saved.map(|saved, me, ctx| match saved {
            Ok(()) => {
                me.perform(then, None);
                Ok(())
            }
            Err(fault) => {
                me.lost(&fault, ctx);
                Err(not_saved(fault))
            }
        })))
    }
}

/// The user was removed: the record goes, and the actor with it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ForgetMailbox;

impl Handler<ForgetMailbox> for MessageWaiting {
    type Result = ();

    fn handle(&mut self, _: ForgetMailbox, ctx: &mut Self::Context) {
        let saved = self.ports.journal.save(vec![self.store.delete(&self.user)]);
        ctx.wait(saved.into_actor(self).map(|saved, me, ctx| {
            if let Err(fault) = saved {
                error!(parent: &me.span, %fault, "the mailbox of a removed user is still on disk");
            }
            ctx.stop();
        }));
    }
}
