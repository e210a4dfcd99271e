//! Alarms that ring: calls of the switch itself to handsets, ordered and ended here.

use actix::prelude::*;
use kirkwall_core::call::house::HouseFate;
use kirkwall_core::call::text::TextId;
use kirkwall_core::call::text::post::PostInput;
use kirkwall_core::id::Username;
use tracing::info;

use super::Post;
use crate::call::HouseTold;
use crate::supervisor::{HushAlarm, RingAlarm};

/// A message, and which of its recipients.
type Place = (TextId, usize);

impl Post {
    pub(super) fn ring(
        &self,
        place: Place,
        (user, from): (Username, String),
        words: String,
        ctx: &mut Context<Self>,
    ) {
        let post = ctx.address();
        let told: HouseTold = Box::new(move |fate| post.do_send(Rung(place, fate)));
        let asked = self.supervisor.send(RingAlarm { user, from, words, told }).into_actor(self);
        ctx.spawn(asked.map(move |call, me, _| match call {
            Ok(Ok(call)) if me.machine.is_ringing(place) => drop(me.ringing.insert(place, call)),
            // It was hushed meanwhile.
            Ok(Ok(call)) => me.supervisor.do_send(HushAlarm(call)),
            Ok(Err(cause)) => info!(id = %place.0, why = %cause.words, "an alarm does not ring"),
            // The supervisor is gone, and whoever wants to know was told so.
            Err(_) => {}
        }));
    }

    pub(super) fn hush(&mut self, place: Place) {
        if let Some(call) = self.ringing.remove(&place) {
            self.supervisor.do_send(HushAlarm(call));
        }
    }
}

/// How a call for an alarm went.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Rung(pub Place, pub HouseFate);

impl Handler<Rung> for Post {
    type Result = ();

    fn handle(&mut self, Rung(place, fate): Rung, ctx: &mut Self::Context) {
        self.ringing.remove(&place);
        self.tell(PostInput::Rung(place, fate), ctx);
    }
}
