//! Alarms that ring: beside its text, an alarm calls its recipients' handsets until each has heard it, or until
//! somebody answers for it.
//!
//! ```text
//!  user known ──Ring──► answered, key ──► confirmed ──► Hush: the others stop ringing
//!     ▲                     ├─ no key ──► read; where a reply is wanted, rung again later
//!     └──── a while ◄───────┴─ not answered
//! ```
//!
//! An alarm is a message of the priority *emergency*. Who guards: each ring its own `next`, its message's `expires`
//! all of them.

use std::time::Duration;

use super::deliver::Outcome;
use super::{Post, PostEvent, PostOutput, PostRefusal};
use crate::call::house::HouseFate;
use crate::call::text::{Confirmation, Priority, Recipient, Standing, TextId, TextMessage};
use crate::machine::Ready;
use crate::pii::Pii;
use crate::timer::Moment;

/// Between two calls to a handset whose user has not heard the alarm.
const AGAIN: Duration = Duration::from_secs(15);
/// Between two calls to a user who has heard it and says neither yes nor no.
const REMINDED: Duration = Duration::from_secs(60);
/// Most calls to one recipient.
const MOST_RINGS: u8 = 40;
/// Most that ring at a time.
const MOST_AT_ONCE: usize = 100;
/// How long a call may take, with its ringing (the call's Timer C) and the wait for a key.
const LONGEST: Duration = Duration::from_secs(300);
/// What displays of handsets hold for a caller's name.
const WORDS: usize = 24;

/// The calls to one recipient.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    /// When it is called, or given up to be called.
    next: Moment,
    under_way: bool,
    times: u8,
}

impl Ring {
    /// When something is to be done about it.
    pub(super) fn wakes(&self) -> Option<Moment> {
        (self.under_way || self.times < MOST_RINGS).then_some(self.next)
    }
}

impl Post {
    /// After every input: who shall be rung is, and who shall not any more is hushed.
    pub(super) fn settle_rings(&mut self, now: Moment, ready: &mut Outcome) {
        let open = &self.open;
        let wanted = |(id, index): &(TextId, usize)| {
            let message = open.get(id);
            message.is_some_and(|message| {
                message.recipients.get(*index).is_some_and(|r| message.rings_for(r, now))
            })
        };
        self.rings.retain(|place, ring| {
            let stays = wanted(place);
            if !stays && ring.under_way {
                ready.then.push(PostOutput::Hush(*place));
            }
            stays
        });
        let mut room = MOST_AT_ONCE.saturating_sub(self.rings.values().filter(|ring| ring.under_way).count());
        for message in self.open.values() {
            for (index, recipient) in message.recipients.iter().enumerate() {
                let Some(user) = recipient.user.clone().filter(|_| message.rings_for(recipient, now)) else {
                    continue;
                };
                let fresh = Ring { next: now, under_way: false, times: 0 };
                let ring = self.rings.entry((message.id, index)).or_insert(fresh);
                if ring.next > now || ring.times >= MOST_RINGS {
                    continue;
                }
                if room == 0 {
                    ring.next = now + Duration::from_secs(1);
                    continue;
                }
                room -= 1;
                (ring.under_way, ring.next, ring.times) = (true, now + LONGEST, ring.times + 1);
                let (place, from) = ((message.id, index), message.sender.address.clone());
                ready.then.push(PostOutput::Ring { place, user, from, words: message.on_a_display() });
            }
        }
    }

    /// Whether a call to this recipient is under way.
    pub fn is_ringing(&self, place: (TextId, usize)) -> bool {
        self.rings.get(&place).is_some_and(|ring| ring.under_way)
    }

    /// How a call to a recipient went.
    pub(super) fn rung(
        &mut self,
        place: (TextId, usize),
        fate: HouseFate,
        now: Moment,
    ) -> Result<Outcome, PostRefusal> {
        let Some(ring) = self.rings.get_mut(&place).filter(|ring| ring.under_way) else {
            return Ok(Ready::nothing());
        };
        let wait = if matches!(fate, HouseFate::Failed(_)) { AGAIN } else { REMINDED };
        (ring.under_way, ring.next) = (false, now + wait);
        let standing = match fate {
            HouseFate::Failed(_) | HouseFate::Connected => return Ok(Ready::nothing()),
            HouseFate::Heard => Standing::Read,
            HouseFate::Confirmed => Standing::Confirmed,
            HouseFate::Declined => Standing::Declined,
        };
        let recipient = self.open.get_mut(&place.0).and_then(|message| message.recipients.get_mut(place.1));
        let Some(recipient) = recipient else { return Ok(Ready::nothing()) };
        // A handset that takes no texts rings all the same.
        if recipient.standing == Standing::Failed {
            recipient.standing = Standing::Waiting;
        }
        let by = recipient.user.as_ref().map_or(String::new(), ToString::to_string);
        if standing != Standing::Read {
            return self.settle(place, &by, standing, now);
        }
        self.trials.remove(&place);
        let mut ready = self.stands(place, standing, now);
        if ready.save.iter().any(super::hear::confirmed) {
            ready.then.push(PostOutput::Event(PostEvent::Confirmed(place.0, by)));
        }
        Ok(ready)
    }

    /// A handset is there again: what rings for its user does so now.
    pub(super) fn rings_reachable(&mut self, user: &crate::id::Username, now: Moment) {
        for ((id, index), ring) in self.rings.iter_mut().filter(|(_, ring)| !ring.under_way) {
            let recipient = self.open.get(id).and_then(|message| message.recipients.get(*index));
            // Who has heard it is not disturbed for having come back.
            let waits = |recipient: &Recipient| recipient.standing != Standing::Read;
            if recipient.is_some_and(|r| r.user.as_ref() == Some(user) && waits(r)) {
                ring.next = now;
            }
        }
    }
}

impl TextMessage {
    /// Whether it rings at this recipient's handsets, once the user is known.
    pub(super) fn rings_for(&self, recipient: &Recipient, now: Moment) -> bool {
        let alarm = self.priority == Priority::Emergency && !self.withdrawn && self.expires > now;
        let unheard = match recipient.standing {
            Standing::Waiting | Standing::Delivered | Standing::Failed => true,
            Standing::Read => self.confirmation == Confirmation::Reply,
            Standing::Confirmed | Standing::Declined | Standing::Expired | Standing::Unneeded => false,
        };
        alarm && unheard && recipient.user.is_some() && !self.is_confirmed()
    }

    /// The beginning of it, for the place of a caller's name.
    fn on_a_display(&self) -> Pii<String> {
        let plain = self.text.0.split_whitespace().collect::<Vec<_>>().join(" ");
        Pii(format!("ALARM {plain}").chars().take(WORDS).collect())
    }
}
