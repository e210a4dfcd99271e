//! Transfers between the machines: ways asked of the supervisor, and legs that go from one call to another.
//!
//! ```text
//!  heir ── Bequeath ──► supervisor ──► giver: is it my dialog? what have I to leave?
//!  heir ◄──────────── Inheritance ──── giver, which passes on what its lent legs say from now on
//!  heir saves, moves the media, then Taken ──► giver: ends what is left
//! ```

use kirkwall_core::call::conference::{RoomName, RoomOrder};
use kirkwall_core::call::{Errand, Estate, Side};
use kirkwall_core::id::CallRef;
use kirkwall_core::sip::replaces::{Matched, Replaces};

use super::*;
use crate::dialog::Named;
use crate::media_channel::TakeOver;
use crate::supervisor::{PassLegs, RouteTransfer};

impl Call {
    /// Whom to dial for a transfer, from the supervisor.
    pub(super) fn ask_way(&mut self, errand: Errand, ctx: &mut Context<Self>) {
        let asked = self.supervisor.send(RouteTransfer { call: self.summary().reference, errand });
        ctx.spawn(asked.into_actor(self).map(|reply, me, ctx| {
            let ports = me.ports.media.ports(ChannelId(me.summary().reference.0));
            let input = match (reply, ports) {
                (Ok(Ok(Granted { attempts, credentials, about })), Some(ports)) => {
                    me.credentials = credentials;
                    Input::Admitted(Box::new(Admitted { about, ..me.grant(attempts, ports) }))
                }
                (Ok(Err(cause)), _) => Input::Denied(cause),
                _ => Input::Denied(Cause::of_status(500, "the switch could not route the transfer")),
            };
            me.step(input, ctx);
        }));
    }

    /// The legs of another call, from whichever call has this one.
    pub(super) fn ask_for_legs(&mut self, owner: OwnerId, ctx: &mut Context<Self>) {
        let replaces = self.machine.referral().and_then(|referral| referral.replaces.clone());
        self.supervisor.do_send(Bequeath { owner, replaces, heir: ctx.address() });
    }

    /// Takes over media, then tells the call that it came from.
    pub(super) fn take_media(&mut self, from: CallRef, side: Side, into: Side, ctx: &mut Context<Self>) {
        let theirs = self.giver.as_ref().and_then(|giver| giver.channel.clone());
        let taken = self
            .channel
            .as_ref()
            .map(|channel| channel.send(TakeOver { from: ChannelId(from.0), channel: theirs, side, into }));
        let taken = async move {
            match taken {
                Some(taken) => taken.await.is_ok_and(|taken| taken.is_ok()),
                None => false,
            }
        };
        ctx.spawn(taken.into_actor(self).map(|taken, me, ctx| {
            if let Some(Giver { call, kept, .. }) = me.giver.take() {
                call.do_send(Taken { kept, taken: true });
            }
            if !taken {
                let cause = Cause::of_status(500, "the media of the other call could not be taken over");
                me.step(Input::HangUp(cause), ctx);
            }
        }));
    }

    /// What a lent leg says is for the call that has it.
    pub(super) fn pass_on(&mut self, leg: LegNo, news: LegNews, ctx: &mut Context<Self>) {
        let owner = self.machine.name_of(leg);
        if let Some((heir, _)) = self.lent.get(&leg) {
            heir.do_send(Passed { owner, news, from: ctx.address() });
        }
    }

    fn leave(&mut self, kept: LegNo, heir: Addr<Call>, matched: Option<Matched>, ctx: &mut Context<Self>) {
        let refused = match matched {
            None => Some(Cause::of_status(481, "Replaces names a call that is not here")),
            Some(Matched::Over) => Some(Cause::of_status(603, "the call that Replaces names is over")),
            Some(_) if !self.lent.is_empty() => {
                Some(Cause::of_status(603, "the other call is being transferred already"))
            }
            Some(_) => None,
        };
        if let Some(room) = self.machine.room_of(kept).filter(|_| refused.is_none()) {
            return heir.do_send(Inheritance::Met { room, kept, from: ctx.address() });
        }
        let estate = refused.map_or_else(|| self.machine.estate(kept), Err);
        self.hand_out(estate, kept, heir, ctx);
    }

    /// Lends what the call has to leave to its heir, which says whether it has taken it.
    pub(super) fn hand_out(
        &mut self,
        estate: Result<Estate, Cause>,
        kept: LegNo,
        heir: Addr<Call>,
        ctx: &mut Context<Self>,
    ) {
        let estate = match estate {
            Ok(estate) => estate,
            Err(cause) => return heir.do_send(Inheritance::Refused(cause)),
        };
        let mut dialogs = Vec::new();
        for owner in estate.owners() {
            let leg = self.machine.leg_named(owner);
            if let Some((leg, dialog)) = leg.and_then(|leg| Some((leg, self.legs.get(&leg)?.clone()))) {
                self.lent.insert(leg, (heir.clone(), dialog.clone()));
                dialogs.push((owner, dialog));
            }
        }
        let (channel, from) = (self.channel.clone(), ctx.address());
        heir.do_send(Inheritance::Left(Box::new(Bequest { estate, dialogs, kept, channel, from })));
    }

    fn inherit(&mut self, bequest: Bequest, ctx: &mut Context<Self>) {
        let Bequest { estate, dialogs, kept, channel, from } = bequest;
        let (origin, owners, bases) = (estate.from, estate.owners(), estate.bases());
        let ready = match self.machine.handle(Input::Inherited(Box::new(estate)), self.ports.clock.now()) {
            Ok(ready) => ready,
            Err(refusal) => {
                debug!(%refusal);
                return from.do_send(Taken { kept, taken: false });
            }
        };
        let to = self.summary().reference;
        self.supervisor.do_send(PassLegs { from: origin, to, owners, bases });
        for (owner, dialog) in dialogs {
            if let Some(leg) = self.machine.leg_named(owner) {
                dialog.go_over(ctx.address(), to, leg);
                self.legs.insert(leg, dialog);
            }
        }
        self.giver = Some(Giver { call: from, kept, channel });
        self.carry_out(ready, ctx);
    }
}

/// A call wants the other legs of the call that has this one; the dialog must prove to be it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Bequeath {
    /// The leg, by its name in our tag.
    pub owner: OwnerId,
    /// The dialog as the referrer named it. None: the leg itself asks, of a handset that has both calls.
    pub replaces: Option<Replaces>,
    /// Who asks.
    pub heir: Addr<Call>,
}

impl Handler<Bequeath> for Call {
    type Result = ();

    fn handle(&mut self, Bequeath { owner, replaces, heir }: Bequeath, ctx: &mut Self::Context) {
        let leg = self.machine.leg_named(owner).filter(|leg| self.legs.contains_key(leg));
        let Some(leg) = leg else { return heir.do_send(Inheritance::NotOurs) };
        if heir == ctx.address() {
            let cause = Cause::of_status(482, "a call cannot be transferred to itself");
            return heir.do_send(Inheritance::Refused(cause));
        }
        let (replaces, dialog) = match (replaces, self.dialog(leg)) {
            (Some(replaces), Some(dialog)) => (replaces, dialog.clone()),
            // Only a leg of this process asks without naming a dialog, and only for its own.
            (None, None) => return self.leave(leg, heir, Some(Matched::Confirmed), ctx),
            _ => return heir.do_send(Inheritance::NotOurs),
        };
        let asked = async move {
            let seen = dialog.send(Named(replaces.clone())).await.ok().flatten();
            match seen {
                None => dialog.send(Named(replaces.mirrored())).await.ok().flatten(),
                seen => seen,
            }
        };
        ctx.wait(asked.into_actor(self).map(move |matched, me, ctx| me.leave(leg, heir, matched, ctx)));
    }
}

/// What another call has to leave.
#[derive(Message)]
#[rtype(result = "()")]
pub enum Inheritance {
    /// There is no such leg here.
    NotOurs,
    /// Nothing, and why.
    Refused(Cause),
    /// Whoever is meant talks in a room.
    Met {
        /// Which.
        room: RoomName,
        /// The leg that asked to be left out: it goes once the other one has come.
        kept: LegNo,
        /// Its call.
        from: Addr<Call>,
    },
    /// Its legs; it wants to hear [`Taken`].
    Left(Box<Bequest>),
}

/// The call that waits to hear whether its legs were taken.
pub(super) struct Giver {
    call: Addr<Call>,
    /// The leg that it keeps.
    kept: LegNo,
    /// Where its media were.
    channel: Option<Addr<MediaChannel>>,
}

/// Legs that change hands.
pub struct Bequest {
    estate: Estate,
    dialogs: Vec<(OwnerId, LegAddr)>,
    kept: LegNo,
    channel: Option<Addr<MediaChannel>>,
    from: Addr<Call>,
}

impl Handler<Inheritance> for Call {
    type Result = ();

    fn handle(&mut self, inheritance: Inheritance, ctx: &mut Self::Context) {
        match inheritance {
            Inheritance::NotOurs => self.step(Input::NotOurs, ctx),
            Inheritance::Refused(cause) => self.step(Input::Denied(cause), ctx),
            Inheritance::Met { room, kept, from } => {
                match self.machine.handle(Input::Met(room), self.ports.clock.now()) {
                    Ok(ready) => {
                        self.carry_out(ready, ctx);
                        from.do_send(LeaveRoom(kept));
                    }
                    Err(refusal) => debug!(%refusal),
                }
            }
            Inheritance::Left(bequest) => self.inherit(*bequest, ctx),
        }
    }
}

/// Somebody has come to the room in place of this leg.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct LeaveRoom(LegNo);

impl Handler<LeaveRoom> for Call {
    type Result = ();

    fn handle(&mut self, LeaveRoom(leg): LeaveRoom, ctx: &mut Self::Context) {
        let cause = Cause { words: "transferred".into(), ..Cause::normal() };
        let order = RoomOrder::Dismiss(self.machine.name_of(leg), cause);
        self.step(Input::Room(order), ctx);
    }
}

/// Whether the legs that a call left were taken.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Taken {
    /// The leg that it keeps.
    pub kept: LegNo,
    /// Whether.
    pub taken: bool,
}

impl Handler<Taken> for Call {
    type Result = ();

    fn handle(&mut self, Taken { kept, taken }: Taken, ctx: &mut Self::Context) {
        if !taken {
            return self.lent.clear();
        }
        self.legs.retain(|leg, _| !self.lent.contains_key(leg));
        self.step(Input::Bequeathed(kept), ctx);
    }
}

/// News of a leg that its former call still heard.
#[derive(Message)]
#[rtype(result = "()")]
struct Passed {
    owner: OwnerId,
    news: LegNews,
    from: Addr<Call>,
}

impl Handler<Passed> for Call {
    type Result = ();

    fn handle(&mut self, Passed { owner, news, from }: Passed, ctx: &mut Self::Context) {
        match self.machine.leg_named(owner) {
            Some(leg) => ctx.notify(LegSaid { leg, news }),
            // It was not taken.
            None => from.do_send(Returned { owner, news }),
        }
    }
}

/// And it goes back, since the leg was not taken.
#[derive(Message)]
#[rtype(result = "()")]
struct Returned {
    owner: OwnerId,
    news: LegNews,
}

impl Handler<Returned> for Call {
    type Result = ();

    fn handle(&mut self, Returned { owner, news }: Returned, ctx: &mut Self::Context) {
        if let Some(leg) = self.machine.leg_named(owner) {
            ctx.notify(LegSaid { leg, news });
        }
    }
}
