//! A long slot for a leg: room first, then the base station.

use super::*;
use crate::air::base::ChangeSlot;
use crate::supervisor::ResizeBase;

impl NativeLeg {
    pub(super) fn change_slot(&mut self, long: bool, ctx: &mut Context<Self>) {
        let Some(at) = self.at.clone() else { return };
        let (conn, leg) = (ConnId(at.connection.number), ctx.address());
        if !long {
            return at.base.do_send(ChangeSlot { conn, long, leg });
        }
        let Some((call, base)) = self.held.clone().filter(|_| !self.long) else {
            return self.slot_answered(&at.connection, long, false, ctx);
        };
        let asked = self.seed.supervisor.send(ResizeBase { call, base, long }).into_actor(self);
        ctx.spawn(asked.map(move |granted, me, ctx| match granted {
            Ok(Ok(())) if me.is_at(&at.connection) => {
                me.long = true;
                at.base.do_send(ChangeSlot { conn, long, leg });
            }
            // It went elsewhere meanwhile, and what it held here goes back with all it held.
            Ok(Ok(())) => {}
            _ => me.slot_answered(&at.connection, long, false, ctx),
        }));
    }

    fn is_at(&self, connection: &Connection) -> bool {
        self.at.as_ref().is_some_and(|at| at.connection == *connection)
    }

    /// The second channel of a long slot goes back; the first is the call's as before.
    pub(super) fn give_up_long(&mut self) {
        if let Some((call, base)) = self.held.clone().filter(|_| std::mem::take(&mut self.long)) {
            self.seed.supervisor.do_send(ResizeBase { call, base, long: false });
        }
    }

    fn slot_answered(&mut self, connection: &Connection, long: bool, done: bool, ctx: &mut Context<Self>) {
        if !self.is_at(connection) {
            return;
        }
        if long {
            let result = if done { "long" } else { "refused" };
            let base = connection.base.to_string();
            metrics::counter!("ipdect_base_long_slots_total", "base" => base, "result" => result)
                .increment(1);
        }
        if !(long && done) {
            self.give_up_long();
        }
        self.step(Input::SlotChanged { long: long && done }, ctx);
    }
}

/// The slot of a connection has changed, or has not.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SlotAnswered {
    /// Which connection.
    pub connection: Connection,
    /// It was to be a long one.
    pub long: bool,
    /// It is as it was to be.
    pub done: bool,
}

impl Handler<SlotAnswered> for NativeLeg {
    type Result = ();

    fn handle(&mut self, SlotAnswered { connection, long, done }: SlotAnswered, ctx: &mut Self::Context) {
        self.slot_answered(&connection, long, done, ctx);
    }
}
