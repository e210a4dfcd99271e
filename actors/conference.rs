//! The conference actor: one room, from its making to its end.
//!
//! ```text
//! calls ──RoomNews──► Supervisor ──► step ──► Conference::handle ──► save ──► then: calls, mixer,
//!                                                                             supervisor (lists)
//! ```
//!
//! It holds no dialog and no sound: the calls whose ends are in the room keep those, and are told by
//! [`InRoom`] where their ends sit. Everybody who comes passes the supervisor, which knows what rooms there
//! are; after that room and calls talk directly.

use std::collections::HashMap;

use actix::prelude::*;
use kirkwall_core::call::conference::{self as core, Announcement, Input, Output, RoomOrder, Save};
use kirkwall_core::id::{CallRef, OwnerId};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_data::room::{RoomRecord, Rooms};
use tracing::{Span, debug, error, info_span, warn};

use crate::call::{Call, InRoom};
use crate::desk::DeskFault;
use crate::ports::Ports;
use crate::roster::Guard;
use crate::settings::Sounds;
use crate::supervisor::{RoomChanged, RoomDied, Supervisor};

/// What a conference actor is made from.
pub struct ConferenceSeed {
    /// Its machine: a new one, or from its record.
    pub machine: core::Conference,
    /// Who lists rooms.
    pub supervisor: Addr<Supervisor>,
    /// The world.
    pub ports: Ports,
    /// What is announced.
    pub sounds: Sounds,
}

/// Gives the pure conference a mailbox, a clock, a disk and a voice. Decides nothing itself.
pub struct Conference {
    machine: core::Conference,
    supervisor: Addr<Supervisor>,
    ports: Ports,
    sounds: Sounds,
    store: Rooms,
    /// The calls whose ends have come here.
    calls: HashMap<CallRef, Addr<Call>>,
    alarm: Option<SpawnHandle>,
    _guard: Guard,
    span: Span,
}

impl Conference {
    /// Not started yet.
    pub fn new(seed: ConferenceSeed) -> Self {
        let ConferenceSeed { machine, supervisor, ports, sounds } = seed;
        let name = machine.room().name.clone();
        Self {
            _guard: Guard::new(supervisor.clone(), RoomDied(name.clone())),
            span: info_span!("conference", room = %name),
            store: Rooms::new(&ports.journal),
            calls: HashMap::new(),
            alarm: None,
            machine,
            supervisor,
            ports,
            sounds,
        }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(&mut self, input: Input, ctx: &mut Context<Self>) -> Result<(), core::Refusal> {
        let _entered = self.span.clone().entered();
        let Ready { save, then } = self.machine.handle(input, self.ports.clock.now())?;
        if save.is_empty() {
            self.perform(then, ctx);
            return Ok(());
        }
        let writes = save.into_iter().map(|save| match save {
            Save::Put(state) => {
                self.store.put(&RoomRecord { name: state.room().name.clone(), state: *state })
            }
            Save::Delete(name) => self.store.delete(&name),
        });
        let saved = self.ports.journal.save(writes.collect()).into_actor(self);
        ctx.wait(saved.map(|saved, me, ctx| {
            if let Err(fault) = saved {
                error!(parent: &me.span, %fault, "room not saved; it would not survive a crash");
            }
            me.perform(then, ctx);
        }));
        Ok(())
    }

    fn perform(&mut self, then: Vec<Output>, ctx: &mut Context<Self>) {
        for output in then {
            match output {
                Output::Call(call, order) => self.tell(call, order),
                Output::Announce(announcement) => self.announce(announcement),
                Output::Changed(view) => {
                    self.supervisor.do_send(RoomChanged(view));
                }
                Output::Over => ctx.stop(),
            }
        }
        self.rearm(ctx);
    }

    fn tell(&self, call: CallRef, order: RoomOrder) {
        match self.calls.get(&call) {
            Some(addr) => addr.do_send(InRoom(order)),
            None => debug!(%call, "an order for a call that has not come"),
        }
    }

    fn announce(&self, announcement: Announcement) {
        let sound = match announcement {
            Announcement::Joined => self.sounds.joined.clone(),
            Announcement::Gone => self.sounds.gone.clone(),
        };
        if let Err(fault) = self.ports.media.announce(self.machine.mixer(), sound) {
            warn!(parent: &self.span, %fault, "a tone cannot be played");
        }
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| _ = me.step(Input::Deadline, ctx))
        });
    }
}

impl Actor for Conference {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1_024);
        _ = self.step(Input::Started, ctx);
    }
}

/// A call says something of its ends here.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Heard {
    /// Which call.
    pub call: CallRef,
    /// Where it is told things.
    pub from: Addr<Call>,
    /// What.
    pub news: core::RoomNews,
}

impl Handler<Heard> for Conference {
    type Result = ();

    fn handle(&mut self, Heard { call, from, news }: Heard, ctx: &mut Self::Context) {
        self.calls.insert(call, from);
        if let Err(refusal) = self.step(news.from_call(call), ctx) {
            debug!(%refusal);
        }
    }
}

/// A call is gone, in whatever way.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CallGone(pub CallRef);

impl Handler<CallGone> for Conference {
    type Result = ();

    fn handle(&mut self, CallGone(call): CallGone, ctx: &mut Self::Context) {
        _ = self.step(Input::CallGone(call), ctx);
        self.calls.remove(&call);
    }
}

/// What an administrator wants of a room.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub enum Administer {
    /// Set it up so.
    Set(core::Room),
    /// Mute somebody, or let somebody speak.
    Mute(OwnerId, bool),
    /// Send somebody away.
    Remove(OwnerId),
    /// Remove the room.
    Close,
}

impl Handler<Administer> for Conference {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, order: Administer, ctx: &mut Self::Context) -> Self::Result {
        let input = match order {
            Administer::Set(room) => Input::Set(room),
            Administer::Mute(member, muted) => Input::Mute(member, muted),
            Administer::Remove(member) => Input::Remove(member),
            Administer::Close => Input::Close,
        };
        self.step(input, ctx).map_err(|refusal| DeskFault::NotFound(refusal.to_string()))
    }
}

/// How the room is; answered when what was said before is on disk.
#[derive(Debug, Message)]
#[rtype(result = "core::RoomView")]
pub struct Inspect;

impl Handler<Inspect> for Conference {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, _: Inspect, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.machine.view())
    }
}
