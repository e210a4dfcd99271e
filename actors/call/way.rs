//! The voice of a side has lost its way: addresses at the relay that serves now, and the machine does the rest.

use std::time::Duration;

use super::*;
use crate::media_channel::WayNews;
use crate::supervisor::ServingRelay;

/// Longest wait for a relay that serves: after a restart its credentials come when a user has signed in again.
const RELAY_WAIT: Duration = Duration::from_secs(15);

impl Handler<WayNews> for Call {
    type Result = ();

    fn handle(&mut self, news: WayNews, ctx: &mut Self::Context) {
        match news {
            WayNews::NotFound(side) => self.step(Input::WayNotFound(side), ctx),
            WayNews::Lost { side, why } => self.look_for_way(side, why, ctx),
        }
    }
}

impl Call {
    /// An agent has chosen its pairs: for people who read the log, when it had lost them.
    pub(super) fn note_way_found(&mut self, side: core::Side) {
        if std::mem::take(&mut self.astray[usize::from(side == core::Side::B)]) {
            info!(parent: &self.span, ?side, "the voice of a call has found another way");
        }
    }

    fn look_for_way(&mut self, side: core::Side, why: String, ctx: &mut Context<Self>) {
        let Some(channel) = self.channel.clone() else { return };
        let supervisor = self.supervisor.clone();
        let gathered = async move {
            let serving = actix::clock::timeout(RELAY_WAIT, supervisor.send(ServingRelay)).await;
            let relay = serving.ok().and_then(Result::ok).flatten()?;
            let [a, b] = channel.send(Gather { sides: vec![side], relay }).await.ok()?;
            Some(if side == core::Side::A { a } else { b })
        };
        ctx.spawn(gathered.into_actor(self).map(move |relayed, me, ctx| {
            me.astray[usize::from(side == core::Side::B)] = true;
            me.step(Input::WayLost { side, relayed: relayed.unwrap_or_default(), why }, ctx);
        }));
    }
}
