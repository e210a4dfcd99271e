//! What a user's line has besides his number: the forward that a front end executes, a private number, and in
//! whose name he may call.
//!
//! ```text
//!  REST, handset ── saved ──► Forward ──► presence actor ──► front end
//!  Lync client ──► front end ──► presence actor ── FollowForward ──► saved, as if set here
//! ```
//!
//! One record on disk holds this and the user's own settings. What was written last is kept, since two changes
//! may be on their way to the disk at once and neither shall undo the other.

use std::collections::HashMap;

use actix::prelude::*;
use kirkwall_core::call::forward::Forwarding;
use kirkwall_core::call::represented::ExtraLines;
use kirkwall_core::call::route::{Map, forward_at_north, north_forward_text};
use kirkwall_core::id::Username;
use kirkwall_core::lync::routing::NorthForward;
use kirkwall_core::sip::wire::{Text, Uri};
use kirkwall_data::feature::{FeatureRecord, Features};
use kirkwall_data::{SaveFault, Write};
use tracing::{error, info};

use super::Supervisor;
use super::books::Books;
use crate::presence::Happened;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct LineBook {
    /// By user, as it was handed to the disk last.
    written: HashMap<Username, FeatureRecord>,
    /// What stands at the front end.
    agreed: HashMap<Username, NorthForward>,
    pub(super) lines: HashMap<Username, ExtraLines>,
    /// Users by their private numbers.
    pub(super) private: HashMap<String, Username>,
    pub(super) told: HashMap<Username, Told>,
}

/// What a front end has told of a user's line.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// URIs or addresses of those who may call in his name.
    pub delegates: Vec<String>,
    /// User part or number of his private line.
    pub private: Option<String>,
}

impl LineBook {
    /// As it was found on disk.
    pub fn restore(&mut self, record: FeatureRecord) {
        let user = record.user.clone();
        self.take_lines(&user, record.lines.clone());
        record.agreed.clone().map(|agreed| self.agreed.insert(user.clone(), agreed));
        self.written.insert(user, record);
    }

    /// They count from now on.
    pub fn take_lines(&mut self, user: &Username, lines: ExtraLines) {
        self.private.retain(|_, owner| owner != user);
        lines.private_number.clone().map(|number| self.private.insert(number, user.clone()));
        self.lines.insert(user.clone(), lines);
    }

    fn forget(&mut self, user: &Username) -> bool {
        self.take_lines(user, ExtraLines::default());
        self.lines.remove(user);
        self.agreed.remove(user);
        self.told.remove(user);
        self.written.remove(user).is_some()
    }
}

impl Supervisor {
    /// The write of a user's record after a change.
    pub(super) fn feature_write(
        &mut self,
        user: &Username,
        change: impl FnOnce(&mut FeatureRecord),
    ) -> Write {
        let plain = || FeatureRecord {
            user: user.clone(),
            forwarding: Forwarding::default(),
            agreed: None,
            lines: ExtraLines::default(),
        };
        let record = self.line_book.written.entry(user.clone()).or_insert_with(plain);
        change(record);
        let store = Features::new(&self.ports.journal);
        if *record == plain() { store.delete(user) } else { store.put(record) }
    }

    /// Takes a removed user's settings out of the book; whether there were any.
    pub(super) fn forget_lines(&mut self, user: &Username) -> bool {
        self.line_book.forget(user)
    }

    /// A user's forward as a front end is told of it.
    fn forward_at_north(&self, user: &Username) -> NorthForward {
        let plain = Forwarding::default();
        let set = self.forwarding.get(user).unwrap_or(&plain);
        forward_at_north(set, &self.settings.dialling, &Books(self), |user| self.aor(user))
    }

    /// Whether the front end executes what the user has set.
    pub(super) fn forwarded_by_north(&self, user: &Username) -> bool {
        self.line_book.agreed.get(user).is_some_and(|agreed| *agreed == self.forward_at_north(user))
    }

    /// The presence actor publishes what is new.
    pub(super) fn tell_forward(&self, user: &Username) {
        let (ours, agreed) = (self.forward_at_north(user), self.line_book.agreed.get(user).cloned());
        self.presences.tell(user, Happened::Forward { ours, agreed });
    }

    /// This stands at the front end now.
    pub(super) fn forward_agreed(&mut self, user: Username, forward: NorthForward, ctx: &mut Context<Self>) {
        let write = self.feature_write(&user, |record| record.agreed = Some(forward.clone()));
        self.saved(write, ctx, move |me| _ = me.line_book.agreed.insert(user, forward));
    }

    /// The user has set something in a Lync client: it counts here too, for calls that no front end sees.
    pub(super) fn follow_forward(
        &mut self,
        user: Username,
        (forward, instead_of): (NorthForward, NorthForward),
        ctx: &mut Context<Self>,
    ) {
        if !self.accounts.contains_key(&user) || self.forward_at_north(&user) != instead_of {
            return;
        }
        let set = self.following(&user, &forward);
        let write = self.feature_write(&user, |record| {
            (record.forwarding, record.agreed) = (set.clone(), Some(forward.clone()));
        });
        self.saved(write, ctx, move |me| {
            info!(%user, "a user's forward was set in a Lync client");
            me.line_book.agreed.insert(user.clone(), forward);
            me.forwarding.insert(user, set);
        });
    }

    /// What the user has set when this forward takes the place of his own. Where our dial plan would read the
    /// short form as something else, the URI stays.
    fn following(&self, user: &Username, forward: &NorthForward) -> Forwarding {
        let books = Books(self);
        let before = self.forwarding.get(user).cloned().unwrap_or_default();
        let with = |text: &dyn Fn(&str) -> String| match forward {
            NorthForward::Off => Forwarding { always: None, no_answer: None, ..before.clone() },
            NorthForward::Always(to) => Forwarding { always: Some(text(to)), ..before.clone() },
            NorthForward::NoAnswer(to, seconds) => Forwarding {
                always: None,
                no_answer: Some(text(to)),
                no_answer_seconds: *seconds,
                ..before.clone()
            },
        };
        let short = with(&|uri| north_forward_text(uri, |host| books.is_ours(host)));
        let read = forward_at_north(&short, &self.settings.dialling, &books, |user| self.aor(user));
        if read == *forward { short } else { with(&|uri| uri.to_owned()) }
    }

    /// What the front end tells of a user's line.
    pub(super) fn lines_told(&mut self, user: Username, delegates: Vec<String>, private: Option<String>) {
        let number = |uri: String| Uri::parse(&Text::from(uri.as_str())).map_or(uri, |uri| uri.user_text());
        self.line_book.told.insert(user, Told { delegates, private: private.map(number) });
    }

    /// Saves, then lets it count.
    fn saved(&mut self, write: Write, ctx: &mut Context<Self>, counts: impl FnOnce(&mut Self) + 'static) {
        let saved = self.ports.journal.save(vec![write]).into_actor(self);
        ctx.spawn(saved.map(|saved: Result<(), SaveFault>, me, _| match saved {
            Ok(()) => counts(me),
            Err(fault) => error!(%fault, "what a front end told of a user's line is not saved"),
        }));
    }
}
