//! Texts for handsets, and texts of theirs, on their way between the post and the air.

use kirkwall_core::call::text::post::Errand;
use kirkwall_core::dect::portable::TextOffer;

use super::*;
use crate::post::{Post, Shown};
use crate::supervisor::NativeText;

/// Show a handset this; the post hears what became of it as [`Shown`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ShowText {
    /// For what.
    pub errand: Errand,
    /// Which handset.
    pub ipui: Ipui,
    /// What stands over the text.
    pub heading: Pii<String>,
    /// The text.
    pub text: Pii<String>,
    /// Who wants to know.
    pub post: Addr<Post>,
}

impl Handler<ShowText> for Air {
    type Result = ();

    fn handle(&mut self, show: ShowText, ctx: &mut Self::Context) {
        let known = self.directory.knows(&show.ipui);
        match known.then(|| self.visited(&show.ipui, ctx)).flatten() {
            Some(handset) => handset.do_send(show),
            None => show.post.do_send(Shown(show.errand, Err("the handset is not subscribed".to_owned()))),
        }
    }
}

impl Handler<ShowText> for NativeHandset {
    type Result = ();

    fn handle(&mut self, show: ShowText, ctx: &mut Self::Context) {
        let ShowText { errand, heading, text, post, .. } = show;
        let number = self.await_text(errand, post);
        self.handle(Do(Order::Text(TextOffer { number, heading, text })), ctx);
    }
}

impl Air {
    /// A user wrote a text: his handset hears whether it is kept.
    pub(super) fn written(&self, ipui: &Ipui, to: Pii<String>, text: Pii<String>, ctx: &mut Context<Self>) {
        let Some(handset) = self.handsets.get(ipui).map(|entry| entry.addr.clone()) else { return };
        let (Some(supervisor), Some(ipei)) = (&self.supervisor, ipui.ipei()) else {
            return handset.do_send(Do(Order::AnswerText(false)));
        };
        let kept = supervisor.send(NativeText { ipei, to, text }).into_actor(self);
        ctx.spawn(kept.map(move |kept, _, _| handset.do_send(Do(Order::AnswerText(kept.unwrap_or(false))))));
    }
}
