//! What administrators ask of the post.

use actix::prelude::*;
use kirkwall_core::call::text::post::{PostInput, PostRefusal};
use kirkwall_core::call::text::{Draft, Sender, TextId, TextMessage};
use kirkwall_core::id::Username;
use tokio::sync::oneshot;

use super::Post;
use crate::desk::{ConfirmText, DeskFault, FieldFault, GetText, ListTexts, SendText, TextPage, WithdrawText};
use crate::supervisor::{AllUsers, NameOf};

/// The address that means every user.
pub const EVERYBODY: &str = "*";

type Reply<T> = ResponseActFuture<Post, Result<T, DeskFault>>;

impl Handler<ListTexts> for Post {
    type Result = Result<TextPage, DeskFault>;

    fn handle(&mut self, ask: ListTexts, _: &mut Self::Context) -> Self::Result {
        let wanted = |message: &TextMessage| ask.state.as_ref().is_none_or(|state| message.state() == state);
        let limit = ask.limit.clamp(1, 1_000);
        let found = self.store.newest(ask.after).flatten().filter(wanted);
        let mut messages: Vec<_> = found.take(limit + 1).collect();
        let more = messages.len() > limit;
        messages.truncate(limit);
        Ok(TextPage { messages, more, total: self.store.count() })
    }
}

impl Handler<GetText> for Post {
    type Result = Result<TextMessage, DeskFault>;

    fn handle(&mut self, GetText(id): GetText, _: &mut Self::Context) -> Self::Result {
        self.kept(id)
    }
}

impl Handler<SendText> for Post {
    type Result = Reply<TextMessage>;

    fn handle(&mut self, order: SendText, _: &mut Self::Context) -> Self::Result {
        let everybody = order.draft.to.iter().any(|to| to == EVERYBODY);
        let users = everybody.then(|| self.supervisor.send(AllUsers));
        let sender = order.from.clone().map(|from| self.supervisor.send(NameOf(from)));
        let known = async move {
            let users = match users {
                Some(users) => users.await.unwrap_or_default(),
                None => Vec::new(),
            };
            let sender = match sender {
                Some(sender) => sender.await.unwrap_or_default(),
                None => None,
            };
            (users, sender)
        };
        Box::pin(known.into_actor(self).then(|(users, sender), me, ctx| me.send(order, users, sender, ctx)))
    }
}

impl Post {
    fn kept(&self, id: TextId) -> Result<TextMessage, DeskFault> {
        let missing = || DeskFault::NotFound(format!("message {id}; the newest 10,000 are kept"));
        let on_disk = || self.store.get(&id).ok().flatten().map(|record| record.0);
        self.machine.get(id).cloned().or_else(on_disk).ok_or_else(missing)
    }

    fn send(
        &mut self,
        order: SendText,
        users: Vec<Username>,
        sender: Option<String>,
        ctx: &mut Context<Self>,
    ) -> Reply<TextMessage> {
        let draft = match self.draft(&order, &users, sender) {
            Ok(draft) => draft,
            Err(fault) => return Box::pin(std::future::ready(Err(fault)).into_actor(self)),
        };
        let id = self.machine.name(self.ports.clock.now());
        let (saved, heard) = oneshot::channel();
        let then = Box::new(move |_: &mut Self| {
            // Who asked may have gone.
            let _ = saved.send(());
        });
        match self.step(PostInput::Submit(id, Box::new(draft)), Some(then), ctx) {
            Err(refusal) => Box::pin(std::future::ready(Err(busy(refusal))).into_actor(self)),
            Ok(()) => Box::pin(heard.into_actor(self).map(move |heard, me, _| match heard {
                Ok(()) => me.kept(id),
                Err(_) => Err(DeskFault::Failed("the message was not saved".into())),
            })),
        }
    }

    fn draft(
        &self,
        order: &SendText,
        users: &[Username],
        sender: Option<String>,
    ) -> Result<Draft, DeskFault> {
        let mut draft = order.draft.clone();
        if let Some(from) = &order.from {
            let unknown = || vec![FieldFault::new("from", format!("there is no user {from}"))];
            let display = sender.ok_or_else(|| DeskFault::Invalid(unknown()))?;
            draft.sender = Sender { address: from.to_string(), display, user: Some(from.clone()) };
        } else {
            draft.sender = self.settings.own_sender();
        }
        if draft.to.iter().any(|to| to == EVERYBODY) {
            draft.to = users.iter().map(ToString::to_string).collect();
        }
        let field = |fault: kirkwall_core::call::text::DraftFault| FieldFault::new(fault.field, fault.what);
        let faults: Vec<_> = draft.faults().into_iter().map(field).collect();
        if faults.is_empty() { Ok(draft) } else { Err(DeskFault::Invalid(faults)) }
    }
}

impl Handler<WithdrawText> for Post {
    type Result = Result<(), DeskFault>;

    fn handle(&mut self, WithdrawText(id): WithdrawText, ctx: &mut Self::Context) -> Self::Result {
        self.kept(id)?;
        self.step(PostInput::Withdraw(id), None, ctx).map_err(busy)
    }
}

impl Handler<ConfirmText> for Post {
    type Result = Result<TextMessage, DeskFault>;

    fn handle(&mut self, order: ConfirmText, ctx: &mut Self::Context) -> Self::Result {
        let message = self.kept(order.id)?;
        if !message.recipients.iter().any(|recipient| recipient.address == order.recipient) {
            let wrong = format!("the message did not go to {:?}", order.recipient);
            return Err(DeskFault::Invalid(vec![FieldFault::new("recipient", wrong)]));
        }
        self.step(PostInput::Confirm { id: order.id, by: order.recipient }, None, ctx).map_err(busy)?;
        let kept = self.machine.get(order.id).cloned();
        Ok(kept.unwrap_or(message))
    }
}

fn busy(refusal: PostRefusal) -> DeskFault {
    match refusal {
        PostRefusal::Full => DeskFault::Busy(refusal.to_string()),
        PostRefusal::Settled | PostRefusal::NothingWaits => DeskFault::Conflict(refusal.to_string()),
    }
}
