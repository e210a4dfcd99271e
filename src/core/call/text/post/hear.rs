//! What recipients say: notifications, answers, keys.

use super::{Errand, Post, PostEvent, PostOutput, PostRefusal, PostSave, joined};
use crate::call::text::imdn::{Disposition, Imdn};
use crate::call::text::{Standing, TextId};
use crate::id::Username;
use crate::machine::Ready;
use crate::pii::Pii;
use crate::timer::Moment;

/// Longest answer that is kept, in characters.
const LONGEST_ANSWER: usize = 200;
/// Answers that mean no, in lower case. Anything else is a yes: whoever writes back has read it.
const NO: [&str; 4] = ["0", "no", "nein", "non"];

type Heard = Result<Ready<PostSave, PostOutput>, PostRefusal>;

impl Post {
    /// A notification of whom it was sent to; anybody else's does not count.
    pub(super) fn noticed(&mut self, by: &str, notice: &Imdn, now: Moment) -> Heard {
        let place = place_of(&notice.message_id).ok_or(PostRefusal::NothingWaits)?;
        let message = self.open.get(&place.0).ok_or(PostRefusal::Settled)?;
        let recipient = message.recipients.get(place.1).ok_or(PostRefusal::NothingWaits)?;
        let theirs =
            recipient.user.as_ref().is_some_and(|user| user.as_str() == by) || recipient.address == by;
        if !theirs {
            return Err(PostRefusal::NothingWaits);
        }
        let standing = match notice.disposition {
            Disposition::Delivered => Standing::Delivered,
            Disposition::Displayed => Standing::Read,
            Disposition::Failed => Standing::Failed,
        };
        let mut ready = self.stands(place, standing, now);
        if standing == Standing::Read && ready.save.iter().any(confirmed) {
            let event = PostEvent::Confirmed(place.0, by.to_owned());
            ready.then.push(PostOutput::Event(event));
        }
        Ok(ready)
    }

    /// A user answers the alarm that it got last.
    pub(super) fn answered(&mut self, by: &Username, text: Option<Pii<String>>, now: Moment) -> Heard {
        let place = self.alarm_of(by).ok_or(PostRefusal::NothingWaits)?;
        let said = text.map_or(String::new(), |text| text.0.trim().chars().take(LONGEST_ANSWER).collect());
        let no = NO.contains(&said.to_lowercase().as_str());
        if let Some(recipient) =
            self.open.get_mut(&place.0).and_then(|message| message.recipients.get_mut(place.1))
        {
            recipient.answer = Pii(said);
        }
        let standing = if no { Standing::Declined } else { Standing::Confirmed };
        self.settle(place, by.as_str(), standing, now)
    }

    /// Whether a text of this user to that address would be an answer.
    pub fn awaits_answer(&self, by: &Username, address: &str) -> bool {
        let place = self.alarm_of(by);
        let message = place.and_then(|(id, _)| self.open.get(&id));
        message.is_some_and(|message| message.sender.address == address)
    }

    /// The newest that asks this user for a confirmation.
    fn alarm_of(&self, user: &Username) -> Option<(TextId, usize)> {
        self.open.values().rev().filter(|message| message.awaits_confirmation()).find_map(|message| {
            let theirs = |at: &usize| {
                let recipient = &message.recipients[*at];
                let it = recipient.user.as_ref() == Some(user) || recipient.address == user.as_str();
                it && !matches!(recipient.standing, Standing::Declined | Standing::Confirmed)
            };
            (0..message.recipients.len()).find(theirs).map(|at| (message.id, at))
        })
    }

    pub(super) fn confirm(&mut self, id: TextId, by: &str, standing: Standing, now: Moment) -> Heard {
        let message = self.open.get(&id).ok_or(PostRefusal::Settled)?;
        let index = message.recipients.iter().position(|recipient| recipient.address == by);
        let index = index.ok_or(PostRefusal::NothingWaits)?;
        self.settle((id, index), by, standing, now)
    }

    pub(super) fn settle(
        &mut self,
        place: (TextId, usize),
        by: &str,
        standing: Standing,
        now: Moment,
    ) -> Heard {
        self.trials.remove(&place);
        let mut ready = self.stands(place, standing, now);
        match standing {
            Standing::Confirmed => {
                let event = PostEvent::Confirmed(place.0, by.to_owned());
                ready.then.push(PostOutput::Event(event));
            }
            // Whoever says no does not let the others wait for the clock.
            _ => {
                let next = self.open.get_mut(&place.0).and_then(|message| message.escalates.as_mut());
                if let Some(at) = next {
                    *at = now;
                }
                let further = self.go_on(now);
                ready = joined(ready, further);
            }
        }
        Ok(ready)
    }
}

pub(super) fn confirmed(save: &PostSave) -> bool {
    let PostSave::Put(message) = save;
    message.is_confirmed()
}

/// The message and recipient that one of our Message-IDs means.
fn place_of(message_id: &str) -> Option<(TextId, usize)> {
    let mut words = message_id.split('@').next()?.split('-');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

impl Errand {
    /// The message that it is about, if it is about one.
    pub const fn message(&self) -> Option<TextId> {
        match self {
            Self::Text(id, ..) => Some(*id),
            Self::Notice(_) => None,
        }
    }
}
