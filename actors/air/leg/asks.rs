//! What a native leg asks the supervisor, and puts to its machine.

use kirkwall_core::call::cause::Cause;

use super::*;
use crate::supervisor::{IsWhole, OpenCatalogue};

impl NativeLeg {
    /// What the handset's user may look through is the supervisor's to say.
    pub(super) fn open_catalogue(&self, ctx: &mut Context<Self>) {
        let asked = self.seed.supervisor.send(OpenCatalogue(self.ipui.clone())).into_actor(self);
        ctx.spawn(asked.map(|found, me, ctx| {
            let busy = || Cause::of_status(503, "the switch is busy");
            me.step(Input::Catalogue(found.unwrap_or_else(|_| Err(busy()))), ctx);
        }));
    }

    /// Whether these digits are a whole number is the dial plan's to say.
    pub(super) fn ask_plan(&self, digits: Pii<String>, ctx: &mut Context<Self>) {
        let asked = self.seed.supervisor.send(IsWhole(digits.clone())).into_actor(self);
        ctx.spawn(asked.map(|whole, me, ctx| {
            if whole.unwrap_or(false) {
                me.step(Input::Whole(digits), ctx);
            }
        }));
    }
}
