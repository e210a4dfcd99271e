//! The post: every message that is not settled yet, and what happens to it.
//!
//! ```text
//! Submit ──► save ──► Find ──Found──► Carrier ──► 2xx: delivered ──► IMDN, reply, key: read, confirmed
//!              ▲        ▲                │                                     │
//!              │        └── later ◄──────┘ busy, away, silent                  └► told to its sender
//!              └── next level ◄── nobody has confirmed in time
//! ```
//!
//! A message is on disk before anybody is told that it was taken, and its standing is before its sender is
//! told of it. After a restart what was open goes on; a text that was out when the process died may arrive
//! twice, which is better than not at all.
//!
//! Who guards what waits: a delivery has the moment of its next try, bounded by the message's `expires`; a
//! confirmation has `escalates`; what is out has the transaction's timer F; what was asked of the supervisor
//! has [`PATIENCE`].

mod alarm;
mod deliver;
mod hear;
#[cfg(test)]
pub(in crate::call) mod tests;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::carrier::Carrier;
use super::{Draft, Recipient, Standing, TextId, TextMessage};
use crate::id::{OwnerId, Tokens};
use crate::machine::{Machine, Ready};
use crate::timer::Moment;
use alarm::Ring;
use deliver::{Notice, Trial};
pub use words::{Errand, Found, PostEvent, PostInput, PostOutput, PostRefusal, PostSave};

/// Most messages that are not settled.
pub const MOST_OPEN: usize = 1_000;
/// How long the supervisor may take to say where somebody is.
const PATIENCE: Duration = Duration::from_secs(30);

/// See the module.
pub struct Post {
    /// The domain of this switch, for names of messages.
    domain: String,
    open: BTreeMap<TextId, TextMessage>,
    trials: HashMap<(TextId, usize), Trial>,
    notices: HashMap<u64, Notice>,
    next_notice: u64,
    /// Calls to recipients of alarms.
    rings: HashMap<(TextId, usize), Ring>,
    carrier: Carrier<Errand>,
    last: u64,
}

impl Post {
    /// With nothing in it. `owner` stands in the branches of what it sends.
    pub fn new(domain: String, owner: OwnerId, tokens: Tokens) -> Self {
        Self {
            domain,
            open: BTreeMap::new(),
            trials: HashMap::new(),
            notices: HashMap::new(),
            next_notice: 0,
            rings: HashMap::new(),
            carrier: Carrier::new(owner, tokens),
            last: 0,
        }
    }

    /// A fresh name: the moment, made unique.
    pub fn name(&mut self, now: Moment) -> TextId {
        self.last = now.as_micros().max(self.last + 1);
        TextId(self.last)
    }

    /// One that is not settled.
    pub fn get(&self, id: TextId) -> Option<&TextMessage> {
        self.open.get(&id)
    }

    /// How many are not settled.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn started(&mut self, records: Vec<TextMessage>, now: Moment) -> Ready<PostSave, PostOutput> {
        for message in records {
            self.last = self.last.max(message.id.0);
            if message.is_open() && self.open.len() < MOST_OPEN {
                self.open.insert(message.id, message);
            }
        }
        self.go_on(now)
    }

    fn submit(
        &mut self,
        id: TextId,
        draft: Draft,
        now: Moment,
    ) -> Result<Ready<PostSave, PostOutput>, PostRefusal> {
        if self.open.len() >= MOST_OPEN {
            return Err(PostRefusal::Full);
        }
        let mut to: Vec<String> = Vec::new();
        for address in draft.to {
            if !to.contains(&address) {
                to.push(address);
            }
        }
        let after = draft.escalation.as_ref().map(|escalation| escalation.after);
        let message = TextMessage {
            id,
            sender: draft.sender,
            text: draft.text,
            priority: draft.priority,
            confirmation: draft.confirmation,
            escalates: after.map(|after| now + after),
            escalation: draft.escalation,
            level: 0,
            expires: now + draft.lifetime.max(after.unwrap_or_default()),
            recipients: to.iter().map(|address| Recipient::new(address, 0, now)).collect(),
            wish: draft.wish,
            withdrawn: false,
        };
        let mut ready = Ready::nothing();
        ready.save.push(PostSave::Put(Box::new(message.clone())));
        self.open.insert(id, message);
        Ok(joined(ready, self.go_on(now)))
    }

    /// Everything that is due.
    fn go_on(&mut self, now: Moment) -> Ready<PostSave, PostOutput> {
        let mut ready = Ready::nothing();
        let ids: Vec<TextId> = self.open.keys().copied().collect();
        for id in ids {
            self.escalate(id, now, &mut ready);
            self.expire(id, now, &mut ready);
        }
        self.try_due(now, &mut ready);
        self.forget_settled(now);
        ready
    }

    /// What was not delivered in its time is not worth delivering.
    fn expire(&mut self, id: TextId, now: Moment, ready: &mut Ready<PostSave, PostOutput>) {
        let late = self.open.get(&id).is_some_and(|message| message.expires <= now);
        let Some(message) = self.open.get_mut(&id).filter(|_| late) else { return };
        let mut changed = false;
        for (index, recipient) in message.recipients.iter_mut().enumerate() {
            if recipient.standing == Standing::Waiting {
                (recipient.standing, recipient.since, changed) = (Standing::Expired, now, true);
                self.trials.remove(&(id, index));
            }
        }
        if message.awaits_confirmation() && message.escalation.is_none() {
            ready.then.push(PostOutput::Event(PostEvent::Unconfirmed(id)));
        }
        if changed {
            ready.save.push(PostSave::Put(Box::new(message.clone())));
        }
    }

    /// Nobody has confirmed in time: the next level is asked.
    fn escalate(&mut self, id: TextId, now: Moment, ready: &mut Ready<PostSave, PostOutput>) {
        let due = |message: &TextMessage| {
            message.awaits_confirmation() && message.escalates.is_some_and(|at| at <= now)
        };
        let Some(message) = self.open.get_mut(&id).filter(|message| due(message)) else { return };
        let Some(escalation) = message.escalation.clone() else { return };
        let next = escalation.levels.get(usize::from(message.level)).cloned();
        match next {
            Some(addresses) => {
                message.level += 1;
                for address in addresses {
                    if !message.recipients.iter().any(|known| known.address == address) {
                        message.recipients.push(Recipient::new(&address, message.level, now));
                    }
                }
                message.escalates = Some(now + escalation.after);
                // Who is asked late has as long as the others.
                message.expires = message.expires.max(now + escalation.after);
                ready.then.push(PostOutput::Event(PostEvent::Escalated(id, message.level)));
            }
            None => {
                message.escalates = None;
                ready.then.push(PostOutput::Event(PostEvent::Unconfirmed(id)));
            }
        }
        ready.save.push(PostSave::Put(Box::new(message.clone())));
    }

    /// Settled messages live on disk only. One whose confirmation still counts stays while it may come.
    fn forget_settled(&mut self, now: Moment) {
        let trials = &mut self.trials;
        self.open.retain(|id, message| {
            let waits = message.recipients.iter().any(|recipient| !recipient.is_settled());
            let more = message.wants_more() && message.expires > now;
            let rings = message.recipients.iter().any(|recipient| message.rings_for(recipient, now));
            let stays = !message.withdrawn && (waits || rings || message.escalates.is_some() || more);
            if !stays {
                trials.retain(|(of, _), _| of != id);
            }
            stays
        });
    }

    fn withdraw(&mut self, id: TextId, now: Moment) -> Result<Ready<PostSave, PostOutput>, PostRefusal> {
        let message = self.open.get_mut(&id).ok_or(PostRefusal::Settled)?;
        message.withdrawn = true;
        let save = vec![PostSave::Put(Box::new(message.clone()))];
        let ready = Ready { save, then: Vec::new() };
        Ok(joined(ready, self.go_on(now)))
    }
}

impl TextMessage {
    /// Whether somebody who has it may still say something that counts: until it expires.
    fn wants_more(&self) -> bool {
        let asks = self.awaits_confirmation() || self.wish.as_ref().is_some_and(|wish| wish.display);
        let someone = |recipient: &Recipient| recipient.standing == Standing::Delivered;
        let read = |recipient: &Recipient| recipient.standing == Standing::Read;
        asks && self.recipients.iter().any(|r| someone(r) || (read(r) && self.awaits_confirmation()))
    }
}

/// One after the other.
fn joined(
    mut first: Ready<PostSave, PostOutput>,
    then: Ready<PostSave, PostOutput>,
) -> Ready<PostSave, PostOutput> {
    first.save.extend(then.save);
    first.then.extend(then.then);
    first
}

impl Machine for Post {
    type Input = PostInput;
    type Save = PostSave;
    type Output = PostOutput;
    type Refusal = PostRefusal;

    fn handle(&mut self, input: PostInput, now: Moment) -> Result<Ready<PostSave, PostOutput>, PostRefusal> {
        let mut ready = self.hear(input, now)?;
        self.settle_rings(now, &mut ready);
        Ok(ready)
    }

    fn deadline(&self) -> Option<Moment> {
        let waits = |m: &TextMessage| {
            // At its beginning nothing has expired.
            let rings = m.recipients.iter().any(|r| m.rings_for(r, m.created()));
            m.recipients.iter().any(|r| !r.is_settled()) || m.wants_more() || rings
        };
        let expiry = self.open.values().filter(|m| waits(m)).map(|m| m.expires);
        let escalation = self.open.values().filter_map(|message| message.escalates);
        let trials = self.trials.values().map(|trial| trial.next);
        let notices = self.notices.values().map(|notice| notice.until);
        let all = expiry.chain(escalation).chain(trials).chain(notices).chain(self.carrier.deadline());
        all.chain(self.rings.values().filter_map(Ring::wakes)).min()
    }
}

impl Post {
    /// The one match of what it is told.
    fn hear(&mut self, input: PostInput, now: Moment) -> Result<Ready<PostSave, PostOutput>, PostRefusal> {
        match input {
            PostInput::Started(records) => Ok(self.started(records, now)),
            PostInput::Submit(id, draft) => self.submit(id, *draft, now),
            PostInput::Found(errand, found) => Ok(self.found(errand, found, now)),
            PostInput::Received(response) => {
                let orders = self.carrier.received(response, now);
                Ok(self.carried(orders, now))
            }
            PostInput::SendFailed(request) => {
                let orders = self.carrier.failed(&request, now);
                Ok(self.carried(orders, now))
            }
            PostInput::Shown(errand, outcome) => Ok(self.shown(errand, outcome, now)),
            PostInput::Reachable(user) => {
                self.rings_reachable(&user, now);
                Ok(self.reachable(&user, now))
            }
            PostInput::Rung(place, fate) => self.rung(place, fate, now),
            PostInput::Notice { by, notice } => self.noticed(&by, &notice, now),
            PostInput::Answer { by, text } => self.answered(&by, text, now),
            PostInput::Confirm { id, by } => self.confirm(id, &by, Standing::Confirmed, now),
            PostInput::Withdraw(id) => self.withdraw(id, now),
            PostInput::Deadline => {
                let orders = self.carrier.deadline_came(now);
                let ready = self.carried(orders, now);
                Ok(joined(ready, self.go_on(now)))
            }
        }
    }
}
