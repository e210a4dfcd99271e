//! The conference notification service of one room: who subscribed to its roster, and is told of it.
//!
//! ```text
//! supervisor, sip, clock ──► step ──► NotificationService::handle ──► save ──► sip
//! ```
//!
//! Invariant: that somebody is subscribed, and how far the numbers of its dialog went, is on disk before it
//! hears so. When the room is over and everybody has heard it, the actor goes.

use actix::prelude::*;
use kirkwall_core::call::conference::notification::{
    self as core, SaveSubscribers, ServiceInput, ServiceName, ServiceOutput,
};
use kirkwall_core::call::conference::{RoomName, RoomView};
use kirkwall_core::id::{OwnerId, Tokens, Username};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::sip::notifier::{LocalName, Subscribe};
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Peer, door};
use kirkwall_data::room_subscribers::{RoomSubscribers, RoomSubscribersRecord};
use tracing::{Span, debug, error, info_span};

use crate::call::SendFailed;
use crate::dialog::local_end;
use crate::ports::Ports;
use crate::roster::Guard;
use crate::settings::Settings;
use crate::supervisor::{Hear, NotificationDied, Supervisor};

/// What the actor is made from.
pub struct NotificationSeed {
    /// Which room.
    pub room: RoomName,
    /// In whose name it speaks.
    pub name: ServiceName,
    /// How the room is.
    pub view: RoomView,
    /// The world.
    pub ports: Ports,
    /// Settings of the node.
    pub settings: Settings,
    /// Who is told when it is gone.
    pub supervisor: Addr<Supervisor>,
    /// Its own words.
    pub tokens: Tokens,
}

/// Gives the pure service a mailbox, a clock, a disk and a voice. Decides nothing itself.
pub struct NotificationService {
    room: RoomName,
    machine: core::NotificationService,
    ports: Ports,
    settings: Settings,
    store: RoomSubscribers,
    tokens: Tokens,
    alarm: Option<SpawnHandle>,
    _guard: Guard,
    span: Span,
}

impl NotificationService {
    /// With the subscribers that are on disk.
    pub fn new(seed: NotificationSeed) -> Self {
        let NotificationSeed { room, name, view, ports, settings, supervisor, mut tokens } = seed;
        let (store, span) = (RoomSubscribers::new(&ports.journal), info_span!("notification", %room));
        let record = store.get(&room).unwrap_or_else(|fault| {
            error!(parent: &span, %fault, "the subscribers of a room cannot be read");
            None
        });
        let (owner, kept) = (name.owner, record.map_or_else(Vec::new, |record| record.subscribers));
        Self {
            machine: core::NotificationService::new(name, &view, kept, tokens.split()),
            _guard: Guard::new(supervisor, NotificationDied { room: room.clone(), owner }),
            alarm: None,
            room,
            ports,
            settings,
            store,
            tokens,
            span,
        }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: ServiceInput, peer: Option<Peer>, ctx: &mut Context<Self>) {
        let _entered = self.span.clone().entered();
        let decided = self.machine.handle(input, self.ports.clock.now());
        self.rearm(ctx);
        let Ready { save, then } = match decided {
            Ok(ready) => ready,
            Err(refusal) => return debug!(%refusal),
        };
        let write = |SaveSubscribers(subscribers): SaveSubscribers| match subscribers.is_empty() {
            true => self.store.delete(&self.room),
            false => self.store.put(&RoomSubscribersRecord { room: self.room.clone(), subscribers }),
        };
        let writes: Vec<_> = save.into_iter().map(write).collect();
        if writes.is_empty() {
            return self.perform(then, peer.as_ref(), ctx);
        }
        let saved = self.ports.journal.save(writes).into_actor(self);
        ctx.wait(saved.map(move |saved, me, ctx| match saved {
            Ok(()) => me.perform(then, peer.as_ref(), ctx),
            // Memory is ahead of disk, so memory is wrong: the supervisor starts it anew from disk.
            Err(fault) => {
                error!(parent: &me.span, %fault, "the subscribers of a room are not saved");
                ctx.stop();
            }
        }));
    }

    fn perform(&mut self, then: Vec<ServiceOutput>, peer: Option<&Peer>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                ServiceOutput::Reply(answer) => {
                    if let Some(peer) = peer {
                        let to = door::response_destination(&answer, peer);
                        self.ports.sip.send(answer, to);
                    }
                }
                ServiceOutput::Send { request, to } => self.ports.sip.send(request, to),
                ServiceOutput::Done => ctx.stop(),
            }
        }
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.step(ServiceInput::Deadline, None, ctx))
        });
    }
}

impl Actor for NotificationService {
    type Context = Context<Self>;

    /// First start and every restart alike.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(256);
        self.step(ServiceInput::Started, None, ctx);
    }
}

/// An authenticated SUBSCRIBE to the roster.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SubscribeRoster {
    /// The request.
    pub request: SipMessage,
    /// Where it came from.
    pub peer: Peer,
    /// Who has proved to be the sender.
    pub user: Username,
}

impl Handler<SubscribeRoster> for NotificationService {
    type Result = ();

    fn handle(&mut self, ask: SubscribeRoster, ctx: &mut Self::Context) {
        let SubscribeRoster { request, peer, user } = ask;
        let place = (peer.facing, peer.transport, peer.remote.ip());
        let local = local_end(&self.ports, &self.settings, place, self.room.as_str());
        let input = ServiceInput::Subscribe(Subscribe {
            request: Box::new(request),
            peer: peer.clone(),
            local: LocalName { contact: local.contact, sent_by: local.sent_by },
            to_tag: self.tokens.word(),
            who: user.to_string(),
        });
        self.step(input, Some(peer), ctx);
    }
}

/// How the room is now; none: it is over.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RoomIs(pub Option<Box<RoomView>>);

impl Handler<RoomIs> for NotificationService {
    type Result = ();

    fn handle(&mut self, RoomIs(view): RoomIs, ctx: &mut Self::Context) {
        self.step(view.map_or(ServiceInput::Over, ServiceInput::View), None, ctx);
    }
}

/// An answer to a request of ours.
impl Handler<Hear> for NotificationService {
    type Result = ();

    fn handle(&mut self, Hear { message, .. }: Hear, ctx: &mut Self::Context) {
        self.step(ServiceInput::Received(message), None, ctx);
    }
}

impl Handler<SendFailed> for NotificationService {
    type Result = ();

    fn handle(&mut self, SendFailed(message): SendFailed, ctx: &mut Self::Context) {
        self.step(ServiceInput::TransportFailed(message), None, ctx);
    }
}

/// Set beside [`OWNER_OF_LINE`](crate::supervisor::OWNER_OF_LINE) in the numbers of these actors.
pub const OF_ROSTER: u64 = 1 << 59;

/// Whether a number is of that kind.
pub fn is_of_roster(OwnerId(owner): OwnerId) -> bool {
    let kind = crate::supervisor::OWNER_OF_LINE | OF_ROSTER;
    owner & !(OF_ROSTER - 1) == kind
}
