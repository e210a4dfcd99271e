//! Message waiting: who is asked and told, by which user's actor. What waits is kept here for lists.

use std::collections::HashMap;

use actix::prelude::*;
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::call::message_waiting::{LineUp, MessageAccount, is_message_summary};
use kirkwall_core::id::{OwnerId, Username};
use kirkwall_core::lync::roaming::Waiting;
use kirkwall_core::sip::subscription::Subscriber;
use kirkwall_core::sip::wire::Message as SipMessage;
use kirkwall_core::sip::{Facing, Peer};
use kirkwall_data::mailbox::Mailboxes as Records;
use metrics::counter;
use tracing::{debug, error, info};

use super::{OWNER_OF_LINE, Supervisor};
use crate::desk::{DeskFault, GetMailbox, SetMailbox};
use crate::dialog::local_end_to;
use crate::message_waiting::{
    AskRegistrar, ForgetMailbox, HandsetsAt, MessageSeed, MessageWaiting, SubscribeMailbox, TellWaiting,
};
use crate::supervisor::Hear;

/// Set beside [`OWNER_OF_LINE`] in the numbers of these actors.
const OF_MAILBOX: u64 = 1 << 61;

/// The message waiting actors.
#[derive(Default)]
pub(super) struct Mailboxes {
    actors: HashMap<Username, (Addr<MessageWaiting>, OwnerId)>,
    owners: HashMap<u64, Username>,
    /// What waits, where anybody ever told.
    known: HashMap<Username, Mailbox>,
    troubles: HashMap<Username, String>,
    last: u64,
}

impl Mailboxes {
    /// Whose a number in a branch or tag is.
    pub fn of_owner(&self, OwnerId(owner): OwnerId) -> Option<&Addr<MessageWaiting>> {
        self.actors.get(self.owners.get(&owner)?).map(|(addr, _)| addr)
    }

    /// What waits for a user; none: nobody ever told.
    pub fn of(&self, user: &Username) -> Option<&Mailbox> {
        self.known.get(user)
    }

    /// Why the registrar tells nothing, in words.
    pub fn trouble(&self, user: &Username) -> Option<&String> {
        self.troubles.get(user)
    }
}

/// Something else is in a mailbox, and it is on disk.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MailboxChanged {
    /// Whose.
    pub user: Username,
    /// What waits.
    pub mailbox: Mailbox,
}

/// The registrar does not tell, or tells again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MailboxTrouble {
    /// Whose.
    pub user: Username,
    /// Why; none: it tells.
    pub words: Option<String>,
}

/// A message waiting actor is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct MailboxDied(pub Username);

impl Supervisor {
    /// What waited when the process ended still waits.
    pub(super) fn restore_mailboxes(&mut self, ctx: &mut Context<Self>) {
        for record in Records::new(&self.ports.journal).iter() {
            match record {
                Ok(record) => _ = self.mailbox(&record.user, ctx),
                Err(fault) => error!(%fault, "a mailbox cannot be read"),
            }
        }
    }

    fn mailbox(&mut self, user: &Username, ctx: &mut Context<Self>) -> Addr<MessageWaiting> {
        match self.mailboxes.actors.get(user) {
            Some((addr, _)) if addr.connected() => return addr.clone(),
            Some((_, OwnerId(dead))) => _ = self.mailboxes.owners.remove(dead),
            None => {}
        }
        self.mailboxes.last += 1;
        let owner = OWNER_OF_LINE | OF_MAILBOX | self.mailboxes.last;
        let seed = MessageSeed {
            user: user.clone(),
            account: MessageAccount {
                owner: OwnerId(owner),
                aor: self.aor(user.as_str()),
                user_agent: self.settings.user_agent.clone(),
            },
            ports: self.ports.clone(),
            settings: self.settings.clone(),
            supervisor: ctx.address(),
            tokens: self.tokens.split(),
        };
        let arbiter = self.roster.arbiter_of(user);
        let addr = MessageWaiting::start_in_arbiter(&arbiter, move |_| MessageWaiting::new(seed));
        self.mailboxes.owners.insert(owner, user.clone());
        self.mailboxes.actors.insert(user.clone(), (addr.clone(), OwnerId(owner)));
        self.mailbox_places(user);
        addr
    }

    /// Where the handsets are that are told.
    pub(super) fn mailbox_places(&self, user: &Username) {
        if let Some((mailbox, _)) = self.mailboxes.actors.get(user) {
            mailbox.do_send(HandsetsAt(self.locations.get(user).cloned().unwrap_or_default()));
        }
    }

    /// A line came up or went down: its registrar is asked for messages, where the settings want it. Lync
    /// tells of them with the user's own data.
    pub(super) fn mailbox_line(&mut self, user: &Username, ctx: &mut Context<Self>) {
        let asks =
            self.settings.north.as_ref().is_some_and(|north| north.message_waiting && north.lync.is_none());
        if !asks || !self.accounts.contains_key(user) {
            return;
        }
        let up = self.lines.get(user).is_some_and(|entry| entry.state.way.is_some());
        if up || self.mailboxes.actors.contains_key(user) {
            let mailbox = self.mailbox(user, ctx);
            mailbox.do_send(AskRegistrar(self.subscriber(user)));
        }
    }

    fn subscriber(&self, user: &Username) -> Option<Box<LineUp>> {
        let way = self.lines.get(user)?.state.way.clone()?;
        let (_, owner) = self.mailboxes.actors.get(user)?;
        let local = local_end_to(&self.ports, &self.settings, &way.destination, user.as_str());
        Some(Box::new(LineUp(Subscriber {
            owner: *owner,
            aor: self.aor(user.as_str()),
            target: self.aor(user.as_str()),
            contact: local.contact,
            contact_params: String::new(),
            sent_by: local.sent_by,
            credentials: self.credentials(user)?,
            user_agent: self.settings.user_agent.clone(),
            route: way.service_route,
            proxy: way.destination,
        })))
    }

    /// A handset asks for its user's mailbox. Which mailbox its request names does not matter: bases name the
    /// number of the voice mail, the user or nobody. Another user's is refused.
    pub(super) fn subscribe_mailbox(&mut self, request: SipMessage, peer: Peer, ctx: &mut Context<Self>) {
        let Some(user) = self.authentic(&request, &peer) else { return };
        let named = request.to().and_then(|to| to.uri.user_text().parse::<Username>().ok());
        if named.is_some_and(|named| named != user && self.accounts.contains_key(&named)) {
            return self.refuse(&request, &peer, 403);
        }
        self.mailbox(&user, ctx).do_send(SubscribeMailbox { request, peer });
    }

    /// A notification that nobody asked for: from a server of the north, for a user of ours.
    pub(super) fn notified(&mut self, request: SipMessage, peer: Peer, ctx: &mut Context<Self>) {
        if peer.facing != Facing::North || !self.trusts(&peer) {
            return self.refuse(&request, &peer, 403);
        }
        if !is_message_summary(&request) {
            return self.refuse(&request, &peer, 489);
        }
        let uris = request.request_uri().into_iter().chain(request.to().map(|to| to.uri));
        let mut users = uris.filter_map(|uri| self.user_called(&uri.user_text()));
        match users.next() {
            Some(user) => self.mailbox(&user, ctx).do_send(Hear { message: request, peer }),
            None => self.refuse(&request, &peer, 404),
        }
    }

    pub(super) fn user_called(&self, name: &str) -> Option<Username> {
        let named = name.parse::<Username>().ok().filter(|user| self.accounts.contains_key(user));
        named.or_else(|| self.numbers.get(name).cloned())
    }

    /// A native handset shows what waits, as soon as its user is known.
    pub(super) fn mailbox_native(&self, user: &Username) {
        if let Some(mailbox) = self.mailboxes.of(user) {
            let count = if mailbox.waiting { mailbox.new.max(1) } else { 0 };
            self.tell_waiting(user, u16::try_from(count).unwrap_or(u16::MAX));
        }
    }

    /// What people should know of a line while it is up: its own notes, presence, messages.
    pub(super) fn notes_of(&self, user: &Username, own: &[String]) -> Vec<String> {
        let trouble = self.mailboxes.trouble(user);
        own.iter().chain(self.presences.notes(user)).chain(trouble).cloned().collect()
    }

    /// What Lync's own category says. Its voice mail is reached at the user's own address ([MS-SIPRE] §2.2.3).
    pub(super) fn lync_waiting(&mut self, user: &Username, waiting: Waiting, ctx: &mut Context<Self>) {
        let account = Some(format!("{};opaque=app:voicemail", self.aor(user.as_str())));
        let Waiting { waiting, unread, read } = waiting;
        let mailbox = Mailbox { waiting, new: unread, old: read, urgent: 0, account };
        self.mailbox(user, ctx).do_send(TellWaiting(mailbox));
    }

    /// A removed user's mailbox goes too.
    pub(super) fn forget_mailbox(&mut self, user: &Username) {
        self.mailboxes.known.remove(user);
        self.mailboxes.troubles.remove(user);
        if let Some((mailbox, OwnerId(owner))) = self.mailboxes.actors.remove(user) {
            self.mailboxes.owners.remove(&owner);
            mailbox.do_send(ForgetMailbox);
        }
    }
}

impl Handler<MailboxChanged> for Supervisor {
    type Result = ();

    fn handle(&mut self, MailboxChanged { user, mailbox }: MailboxChanged, _: &mut Self::Context) {
        debug!(%user, waiting = mailbox.waiting, "a mailbox has changed");
        if self.mailboxes.actors.contains_key(&user) {
            self.mailboxes.known.insert(user.clone(), mailbox);
            self.mailbox_native(&user);
        }
    }
}

impl Handler<MailboxTrouble> for Supervisor {
    type Result = ();

    fn handle(&mut self, MailboxTrouble { user, words }: MailboxTrouble, _: &mut Self::Context) {
        match words {
            Some(words) if self.accounts.contains_key(&user) => {
                debug!(%user, why = words, "message waiting");
                self.mailboxes.troubles.insert(user, words);
            }
            _ => _ = self.mailboxes.troubles.remove(&user),
        }
    }
}

impl Handler<MailboxDied> for Supervisor {
    type Result = ();

    /// It starts again from its record while its user is kept.
    fn handle(&mut self, MailboxDied(user): MailboxDied, ctx: &mut Self::Context) {
        if self.mailboxes.actors.get(&user).is_none_or(|(addr, _)| addr.connected())
            || !self.accounts.contains_key(&user)
        {
            return;
        }
        counter!("ipdect_actor_deaths_total", "actor" => "message_waiting").increment(1);
        match self.deaths.may_restart(&format!("mailbox {user}"), self.ports.clock.now()) {
            true => {
                self.mailbox(&user, ctx);
                self.mailbox_line(&user, ctx);
            }
            false => error!(%user, "a mailbox's actor keeps dying; it stays away until something is told"),
        }
    }
}

impl Handler<GetMailbox> for Supervisor {
    type Result = Result<Option<Mailbox>, DeskFault>;

    fn handle(&mut self, GetMailbox(user): GetMailbox, _: &mut Self::Context) -> Self::Result {
        self.must_know(&user)?;
        Ok(self.mailboxes.of(&user).cloned())
    }
}

impl Handler<SetMailbox> for Supervisor {
    type Result = ResponseFuture<Result<Mailbox, DeskFault>>;

    fn handle(&mut self, SetMailbox { user, mailbox }: SetMailbox, ctx: &mut Self::Context) -> Self::Result {
        if let Err(fault) = self.must_know(&user) {
            return Box::pin(std::future::ready(Err(fault)));
        }
        info!(%user, waiting = mailbox.waiting, "a mailbox is set by hand");
        let told = self.mailbox(&user, ctx).send(TellWaiting(mailbox.clone()));
        let gone = |_| DeskFault::Failed("the mailbox cannot be reached".into());
        Box::pin(async move { told.await.map_err(gone)?.map(|()| mailbox) })
    }
}
