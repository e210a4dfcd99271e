//! Rooms between the machines: what a call is told by the room that its ends are in, and how calls come
//! together there.

use kirkwall_core::call::Ticket;
use kirkwall_core::call::conference::{RoomName, RoomOrder, Whom};
use kirkwall_core::id::Username;
use kirkwall_core::sip::replaces::{Matched, Replaces};

use super::*;
use crate::dialog::Named;

/// The room's order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct InRoom(pub RoomOrder);

impl Handler<InRoom> for Call {
    type Result = ();

    fn handle(&mut self, InRoom(order): InRoom, ctx: &mut Self::Context) {
        self.step(Input::Room(order), ctx);
    }
}

/// This user's end goes to a conference of the pool.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Convene {
    /// Whose end.
    pub user: Username,
    /// The focus, or the factory that makes a conference of all calls of the user.
    pub to: String,
}

impl Handler<Convene> for Call {
    type Result = ();

    fn handle(&mut self, Convene { user, to }: Convene, ctx: &mut Self::Context) {
        self.step(Input::Convene(user, to), ctx);
    }
}

/// How the conference that the call leads into shall be shown.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ShowConference(pub String);

impl Handler<ShowConference> for Call {
    type Result = ();

    fn handle(&mut self, ShowConference(words): ShowConference, ctx: &mut Self::Context) {
        self.step(Input::Shown(words), ctx);
    }
}

/// A room's actor was started anew: it wants to know who is there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct RoomBegan(pub RoomName);

impl Handler<RoomBegan> for Call {
    type Result = ();

    fn handle(&mut self, RoomBegan(room): RoomBegan, ctx: &mut Self::Context) {
        self.step(Input::RoomBegan(room), ctx);
    }
}

/// Somebody has pressed a key, told within the voice (RFC 4733).
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct KeyHeard(pub core::Side, pub char, pub u32);

impl Handler<KeyHeard> for Call {
    type Result = ();

    fn handle(&mut self, KeyHeard(side, digit, millis): KeyHeard, ctx: &mut Self::Context) {
        self.step(Input::KeyHeard(side, digit, millis), ctx);
    }
}

/// Give this end, the last one, to another call of its room.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Cede {
    /// Which end, by its name in tags.
    pub member: OwnerId,
    /// Who takes it.
    pub heir: Addr<Call>,
}

impl Handler<Cede> for Call {
    type Result = ();

    fn handle(&mut self, Cede { member, heir }: Cede, ctx: &mut Self::Context) {
        let gone = || Cause::of_status(481, "the other call is over");
        let estate = match self.machine.leg_named(member) {
            Some(leg) if self.lent.is_empty() => self.machine.whole_estate(leg),
            _ => Err(gone()),
        };
        self.hand_out(estate, LegNo(u32::MAX), heir, ctx);
    }
}

/// Come to a room without the end whose dialog this is.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Summon {
    /// Which room.
    pub room: RoomName,
    /// The end, by its name in tags.
    pub owner: OwnerId,
    /// The dialog as its far end named it.
    pub replaces: Replaces,
    /// Who asks.
    pub from: Addr<Call>,
    /// For the answer.
    pub leg: LegNo,
    /// For the answer.
    pub ticket: Ticket,
}

impl Handler<Summon> for Call {
    type Result = ();

    fn handle(&mut self, summon: Summon, ctx: &mut Self::Context) {
        let Summon { room, owner, replaces, from, leg, ticket } = summon;
        let dialog = self.machine.leg_named(owner).and_then(|leg| self.dialog(leg)).cloned();
        let asked = async move {
            let dialog = dialog?;
            match dialog.send(Named(replaces.clone())).await.ok().flatten() {
                None => dialog.send(Named(replaces.mirrored())).await.ok().flatten(),
                seen => seen,
            }
        };
        ctx.wait(asked.into_actor(self).map(move |matched, me, ctx| {
            let order = RoomOrder::Meet { room, without: Some(Whom::Leg(owner)) };
            let status = match matched {
                Some(Matched::Confirmed) => me.summoned(order, ctx),
                _ => 481,
            };
            from.do_send(Summoned { leg, ticket, status });
        }));
    }
}

/// Whether the other call has come.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Summoned {
    /// Who asked for it.
    pub leg: LegNo,
    /// By which request.
    pub ticket: Ticket,
    /// How it went.
    pub status: u16,
}

impl Handler<Summoned> for Call {
    type Result = ();

    fn handle(&mut self, Summoned { leg, ticket, status }: Summoned, ctx: &mut Self::Context) {
        self.step(Input::Summoned { leg, ticket, status }, ctx);
    }
}

impl Call {
    /// Whether the call went there, as a status.
    fn summoned(&mut self, order: RoomOrder, ctx: &mut Context<Self>) -> u16 {
        match self.machine.handle(Input::Room(order), self.ports.clock.now()) {
            Ok(ready) => {
                self.carry_out(ready, ctx);
                200
            }
            Err(refusal) => {
                debug!(%refusal);
                603
            }
        }
    }
}
