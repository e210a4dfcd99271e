//! Calls that the switch makes by itself, in the name of a user.

use actix::prelude::*;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::call::conference::RoomName;
use kirkwall_core::call::house::HouseLeg;
use kirkwall_core::call::{LegNo, NewCall, Party, Ticket};
use kirkwall_core::id::{CallRef, Username};
use kirkwall_core::sip::Facing;
use kirkwall_core::sip::wire::{Scheme, Text, Uri};
use tracing::info;

use super::{CallEntry, MAX_CALLS, Supervisor};
use crate::call::{Call, HouseSeed, HouseTold, Summoned};

impl Supervisor {
    /// Calls `to` in the name of `by`, and connects whoever answers with `connect`; both are URIs.
    pub(super) fn house_call(
        &mut self,
        by: &Username,
        (to, connect): (String, String),
        told: HouseTold,
        ctx: &mut Context<Self>,
    ) -> Result<CallRef, (Cause, HouseTold)> {
        self.attempts += 1;
        if self.draining || self.active >= MAX_CALLS {
            return Err((Cause::no_channel(503, "the switch takes no more calls"), told));
        }
        if self.accounts.get(by).is_none_or(|record| !record.enabled) {
            return Err((Cause::of_status(403, "the caller is not known"), told));
        }
        let read = |text: String| Uri::parse(&Text::from(text));
        let Some(dialled) = read(to).filter(|uri| !matches!(uri.scheme, Scheme::Other(_))) else {
            return Err((Cause::of_status(484, "whom to call is no address"), told));
        };
        // A number with its own scheme is dialled as a handset dials it.
        let dialled = match dialled.scheme {
            Scheme::Tel => read(self.aor(&dialled.user_text())).unwrap_or(dialled),
            _ => dialled,
        };
        let reference = self.reference();
        let callee = Party { number: dialled.user_text(), ..Party::default() };
        let (caller, facing) = (self.party(by, None), Facing::South);
        let new = NewCall { reference, caller, dialled: callee, facing, offer: Some(HouseLeg::offer()) };
        let summary = kirkwall_core::call::CallSummary::of(&new, self.ports.clock.now());
        let seed = HouseSeed {
            new,
            dialled,
            connect,
            told,
            supervisor: ctx.address(),
            ports: self.ports.clone(),
            settings: self.settings.clone(),
            tokens: self.tokens.split(),
        };
        let addr = Call::start_in_arbiter(&self.roster.arbiter(reference.0), move |_| Call::house(seed));
        let entry = CallEntry::new(addr, summary, String::new(), (Vec::new(), false));
        self.calls.insert(reference, entry);
        self.active += 1;
        self.calls_max = self.calls_max.max(self.active);
        Ok(reference)
    }
}

/// Somebody inside a room wants somebody else there (RFC 4579 §5.5). Who asks hears [`Summoned`].
#[derive(Message)]
#[rtype(result = "()")]
pub struct InviteToRoom {
    /// Which room.
    pub room: RoomName,
    /// Whom: a URI.
    pub to: String,
    /// In whose name.
    pub by: Username,
    /// Who asks.
    pub from: Addr<Call>,
    /// For the answer.
    pub leg: LegNo,
    /// For the answer.
    pub ticket: Ticket,
}

impl Handler<InviteToRoom> for Supervisor {
    type Result = ();

    fn handle(&mut self, invite: InviteToRoom, ctx: &mut Self::Context) {
        let InviteToRoom { room, to, by, from, leg, ticket } = invite;
        let connect = self.aor(room.as_str());
        let told: HouseTold = Box::new(move |status| from.do_send(Summoned { leg, ticket, status }));
        match self.house_call(&by, (to, connect), told, ctx) {
            Ok(call) => info!(%call, %by, %room, "somebody is invited to a room"),
            Err((cause, told)) => {
                info!(%by, %room, why = %cause.words, "nobody is invited to a room");
                told(cause.status);
            }
        }
    }
}
