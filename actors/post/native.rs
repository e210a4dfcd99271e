//! Texts that users write on handsets of native base stations.

use actix::prelude::*;
use kirkwall_core::call::text::Sender;
use kirkwall_core::call::text::post::PostInput;
use kirkwall_core::pii::Pii;
use tokio::sync::oneshot;
use tracing::{debug, info};

use super::{Post, Then};

/// A handset on native base stations has written this. Whether it is on disk.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct HearNative {
    /// By whom.
    pub sender: Sender,
    /// To whom: username, number or URI.
    pub to: String,
    /// What.
    pub text: Pii<String>,
}

impl Handler<HearNative> for Post {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, heard: HearNative, ctx: &mut Self::Context) -> Self::Result {
        let HearNative { sender, to, text } = heard;
        let user = sender.user.clone();
        let input = match user.filter(|user| self.machine.awaits_answer(user, &to)) {
            Some(by) => PostInput::Answer { by, text: Some(text) },
            None => {
                let draft = self.settings.draft(sender, text.0, vec![to]);
                if let Some(fault) = draft.faults().first() {
                    debug!(field = fault.field, why = %fault.what, "a handset's text cannot be sent on");
                    return Box::pin(std::future::ready(false));
                }
                PostInput::Submit(self.machine.name(self.ports.clock.now()), Box::new(draft))
            }
        };
        let (saved, kept) = oneshot::channel();
        let then: Then = Box::new(move |_: &mut Post| {
            // Who asked may have gone.
            let _ = saved.send(());
        });
        match self.step(input, Some(then), ctx) {
            Ok(()) => Box::pin(async move { kept.await.is_ok() }),
            Err(refusal) => {
                info!(%refusal, "a handset's text was not taken");
                Box::pin(std::future::ready(false))
            }
        }
    }
}
