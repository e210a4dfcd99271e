//! The post actor: texts between handsets and the north, alarms and their confirmation.
//!
//! ```text
//! supervisor ── HearText ──► step ──► core Post ──► save ──► then: 202, FindText, SIP, air
//! web ── SendText, … ──────────┘                        supervisor ◄── Utter (by a user's line)
//! ```
//!
//! Invariant: whoever is told that a text was taken (202, 201) finds it on disk, and it goes on after `kill -9`.
//! Decides nothing itself: what becomes of a text is said by [`kirkwall_core::call::text::post`].

mod desk;
mod native;
mod repeats;
mod ring;

use std::collections::HashMap;

use actix::prelude::*;
use kirkwall_core::call::text::post::{
    self as core, Errand, Found, PostEvent, PostInput, PostOutput, PostRefusal, PostSave,
};
use kirkwall_core::call::text::request::{Heard, read};
use kirkwall_core::call::text::{Draft, Priority, Sender, TextId};
use kirkwall_core::id::{CallRef, OwnerId, Tokens, Username};
use kirkwall_core::machine::{Machine, Ready};
use kirkwall_core::sip::Peer;
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_data::text::{TextRecord, Texts};
use metrics::{counter, gauge};
use tracing::{debug, error, info, warn};

use crate::air::ShowText;
use crate::call::SendFailed;
use crate::ports::Ports;
use crate::settings::MessageSettings;
use crate::supervisor::{AnswerText, FindText, Hear, OWNER_OF_LINE, Supervisor, Utter, invite_key};
pub use native::HearNative;
use repeats::Repeats;

/// Stands in the branches of texts: beside the lines' and presences' numbers.
pub const OWNER_OF_POST: OwnerId = OwnerId(OWNER_OF_LINE | 1 << 61);

/// Gives the pure post a mailbox, a clock, a disk and a voice. See the module.
pub struct Post {
    machine: core::Post,
    store: Texts,
    ports: Ports,
    settings: MessageSettings,
    supervisor: Addr<Supervisor>,
    repeats: Repeats,
    /// Calls for alarms.
    ringing: HashMap<(TextId, usize), CallRef>,
    alarm: Option<SpawnHandle>,
}

/// What is done once an input is saved.
type Then = Box<dyn FnOnce(&mut Post)>;

impl Post {
    /// Empty; [`Actor::started`] reads what is on disk.
    pub fn new(
        ports: Ports,
        domain: &str,
        settings: MessageSettings,
        supervisor: Addr<Supervisor>,
        tokens: Tokens,
    ) -> Self {
        let machine = core::Post::new(domain.to_owned(), OWNER_OF_POST, tokens);
        let (store, repeats) = (Texts::new(&ports.journal), Repeats::default());
        let ringing = HashMap::new();
        Self { machine, store, ports, settings, supervisor, repeats, ringing, alarm: None }
    }

    /// One input in, everything it causes out, in order. The mailbox waits while the disk writes.
    fn step(
        &mut self,
        input: PostInput,
        after: Option<Then>,
        ctx: &mut Context<Self>,
    ) -> Result<(), PostRefusal> {
        let Ready { save, then } = self.machine.handle(input, self.ports.clock.now())?;
        if save.is_empty() {
            self.perform(then, after, ctx);
            return Ok(());
        }
        let writes = save.into_iter().map(|PostSave::Put(message)| self.store.put(&TextRecord(*message)));
        let saved = self.ports.journal.save(writes.collect()).into_actor(self);
        ctx.wait(saved.map(|saved, me, ctx| match saved {
            Ok(()) => me.perform(then, after, ctx),
            // Nobody is told that it was taken; what is in memory is tried all the same.
            Err(fault) => {
                error!(%fault, "a text was not saved");
                me.perform(then, None, ctx);
            }
        }));
        Ok(())
    }

    /// As [`step`](Self::step), where nobody waits for the refusal.
    fn tell(&mut self, input: PostInput, ctx: &mut Context<Self>) {
        if let Err(refusal) = self.step(input, None, ctx) {
            debug!(%refusal);
        }
    }

    fn perform(&mut self, then: Vec<PostOutput>, after: Option<Then>, ctx: &mut Context<Self>) {
        if let Some(after) = after {
            after(self);
        }
        for output in then {
            match output {
                PostOutput::Find { errand, address, sender } => self.find(errand, address, sender, ctx),
                PostOutput::Send { message, to, line: Some(line) } => {
                    self.supervisor.do_send(Utter { line, message, to });
                }
                PostOutput::Send { message, to, line: None } => self.ports.sip.send(message, to),
                PostOutput::Show { errand, ipui, heading, text } => match &self.ports.air {
                    Some(air) => air.do_send(ShowText { errand, ipui, heading, text, post: ctx.address() }),
                    None => ctx.notify(Shown(errand, Err("there are no native base stations".to_owned()))),
                },
                PostOutput::Ring { place, user, from, words } => self.ring(place, (user, from), words.0, ctx),
                PostOutput::Hush(place) => self.hush(place),
                PostOutput::Event(event) => note(&event),
            }
        }
        gauge!("ipdect_texts_open").set(self.machine.open() as f64);
        self.rearm(ctx);
    }

    fn find(&self, errand: Errand, address: String, sender: Sender, ctx: &mut Context<Self>) {
        let asked = self.supervisor.send(FindText { address, sender }).into_actor(self);
        ctx.spawn(asked.map(move |found, me, ctx| {
            let found = found.unwrap_or_else(|_| Found::NotNow("the switch is busy".into()));
            me.tell(PostInput::Found(errand, found), ctx);
        }));
    }

    fn rearm(&mut self, ctx: &mut Context<Self>) {
        if let Some(old) = self.alarm.take() {
            ctx.cancel_future(old);
        }
        self.alarm = self.machine.deadline().map(|at| {
            let after = at.since(self.ports.clock.now());
            ctx.run_later(after, |me, ctx| me.tell(PostInput::Deadline, ctx))
        });
    }

    /// What is older than the settings keep goes.
    fn purge(&self) {
        let since = self.ports.clock.now() - self.settings.kept;
        let old = self.store.iter().flatten().take_while(|record| record.0.created() < since);
        let writes: Vec<_> = old.map(|record| self.store.delete(&record.0.id)).collect();
        if !writes.is_empty() {
            drop(self.ports.journal.save(writes));
        }
    }
}

/// For logs and counters. Never what was written, and to whom only where it was an alarm.
fn note(event: &PostEvent) {
    let kind = match event {
        PostEvent::Delivered(_) => "delivered",
        PostEvent::Undelivered(..) => "undelivered",
        PostEvent::Confirmed(..) => "confirmed",
        PostEvent::Escalated(..) => "escalated",
        PostEvent::Unconfirmed(_) => "unconfirmed",
    };
    counter!("ipdect_texts_total", "event" => kind).increment(1);
    match event {
        PostEvent::Delivered(id) => debug!(%id, "text delivered"),
        PostEvent::Undelivered(id, why) => info!(%id, %why, "text not delivered"),
        PostEvent::Confirmed(id, by) => info!(%id, %by, "alarm confirmed"),
        PostEvent::Escalated(id, level) => {
            warn!(%id, level, "nobody has confirmed an alarm; it goes further")
        }
        PostEvent::Unconfirmed(id) => error!(%id, "nobody has confirmed an alarm, and nobody is left to ask"),
    }
}

impl Actor for Post {
    type Context = Context<Self>;

    /// First start and every restart alike: what was open goes on.
    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4_096);
        let mut kept = Vec::new();
        for record in self.store.iter() {
            match record {
                Ok(record) => kept.push(record.0),
                Err(fault) => error!(%fault, "a text cannot be read"),
            }
        }
        self.tell(PostInput::Started(kept), ctx);
        self.purge();
        ctx.run_interval(std::time::Duration::from_secs(3_600), |me, _| me.purge());
    }
}

/// A MESSAGE outside a dialog, of somebody who has proved who that is.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HearText {
    /// The request.
    pub request: SipMessage,
    /// Where it came from.
    pub peer: Peer,
    /// By whom.
    pub sender: Sender,
    /// To whom: username, number or URI.
    pub to: String,
}

impl Handler<HearText> for Post {
    type Result = ();

    fn handle(&mut self, heard: HearText, ctx: &mut Self::Context) {
        let HearText { request, peer, sender, to } = heard;
        let key = invite_key(&request).unwrap_or_default();
        match self.repeats.take(&key, self.ports.clock.now()) {
            // Its answer is on the way, or was lost and is given again.
            Some(None) => return,
            Some(Some(status)) => return self.answer(request, peer, status),
            None => {}
        }
        match read(&request) {
            Err(not_taken) => self.answered(&key, request, peer, not_taken.status()),
            Ok(Heard::Nothing) => self.answered(&key, request, peer, 200),
            Ok(Heard::Notice(notice)) => {
                let by = sender.user.as_ref().map_or(sender.address, |user| user.to_string());
                self.tell(PostInput::Notice { by, notice }, ctx);
                self.answered(&key, request, peer, 200);
            }
            Ok(Heard::Text(text, wish)) => {
                let user = sender.user.clone();
                let then: Then = {
                    let (key, request, peer) = (key.clone(), request.clone(), peer.clone());
                    // RFC 3428 §7: 202 of who stores and forwards.
                    Box::new(move |me: &mut Self| me.answered(&key, request, peer, 202))
                };
                let answers = user.filter(|user| self.machine.awaits_answer(user, &to));
                let input = match answers {
                    Some(by) => PostInput::Answer { by, text: Some(text) },
                    None => {
                        let draft = Draft { wish, ..self.settings.draft(sender, text.0, vec![to]) };
                        if let Some(fault) = draft.faults().first() {
                            debug!(field = fault.field, why = %fault.what, "a text cannot be sent on");
                            return self.answered(&key, request, peer, 404);
                        }
                        PostInput::Submit(self.machine.name(self.ports.clock.now()), Box::new(draft))
                    }
                };
                if let Err(refusal) = self.step(input, Some(then), ctx) {
                    info!(%refusal, "a text was not taken");
                    self.answered(&key, request, peer, 503);
                }
            }
        }
    }
}

impl Post {
    fn answered(&mut self, key: &str, request: SipMessage, peer: Peer, status: u16) {
        self.repeats.answered(key, status);
        self.answer(request, peer, status);
    }

    fn answer(&self, request: SipMessage, peer: Peer, status: u16) {
        self.supervisor.do_send(AnswerText { request, peer, status });
    }
}

impl Handler<Hear> for Post {
    type Result = ();

    fn handle(&mut self, Hear { message, .. }: Hear, ctx: &mut Self::Context) {
        self.tell(PostInput::Received(message), ctx);
    }
}

impl Handler<SendFailed> for Post {
    type Result = ();

    fn handle(&mut self, SendFailed(request): SendFailed, ctx: &mut Self::Context) {
        self.tell(PostInput::SendFailed(request), ctx);
    }
}

/// A user's handset can be reached from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Reached(pub Username);

impl Handler<Reached> for Post {
    type Result = ();

    fn handle(&mut self, Reached(user): Reached, ctx: &mut Self::Context) {
        self.tell(PostInput::Reachable(user), ctx);
    }
}

/// A handset on native base stations has shown a text, or why not.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Shown(pub Errand, pub Result<(), String>);

impl Handler<Shown> for Post {
    type Result = ();

    fn handle(&mut self, Shown(errand, outcome): Shown, ctx: &mut Self::Context) {
        self.tell(PostInput::Shown(errand, outcome), ctx);
    }
}

/// A user answers the last alarm with a key or a code. Whether there was one.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct ConfirmLast(pub Username);

impl Handler<ConfirmLast> for Post {
    type Result = bool;

    fn handle(&mut self, ConfirmLast(by): ConfirmLast, ctx: &mut Self::Context) -> bool {
        self.step(PostInput::Answer { by, text: None }, None, ctx).is_ok()
    }
}

/// Somebody calls for help: the desk is told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AlertDesk {
    /// What the desk reads.
    pub text: String,
}

impl Handler<AlertDesk> for Post {
    type Result = ();

    fn handle(&mut self, AlertDesk { text }: AlertDesk, ctx: &mut Self::Context) {
        let Some(draft) = self.settings.alert(text) else { return };
        let id = self.machine.name(self.ports.clock.now());
        if let Err(refusal) = self.step(PostInput::Submit(id, Box::new(draft)), None, ctx) {
            error!(%refusal, "the desk was not told of an emergency call");
        }
    }
}

/// The priority that a word names.
pub fn priority(word: &str) -> Option<Priority> {
    [Priority::Normal, Priority::Urgent, Priority::Emergency].into_iter().find(|p| p.as_str() == word)
}

/// The name that a text names.
pub fn text_id(text: &str) -> Option<TextId> {
    text.parse().ok()
}
