//! Delivering: where to, how often, and what an answer means.

use std::time::Duration;

use super::{Errand, Found, PostEvent, PostOutput, PostSave};
use super::{PATIENCE, Post, joined};
use crate::call::location::date_time;
use crate::call::text::carrier::{CarrierOrder, MOST_OUT};
use crate::call::text::cpim::Cpim;
use crate::call::text::imdn::{self, Disposition, Imdn};
use crate::call::text::request::{Content, TextWay};
use crate::call::text::{Confirmation, Priority, Sender, Standing, TextId, TextMessage};
use crate::dect::identity::Ipui;
use crate::id::Username;
use crate::machine::Ready;
use crate::pii::Pii;
use crate::timer::Moment;

/// Between the first and the second try; doubled with each, up to [`LONGEST_WAIT`]. A handset that comes
/// back is tried at once.
const FIRST_WAIT: Duration = Duration::from_secs(15);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Notifications that wait to be sent, at most.
const MOST_NOTICES: usize = 500;

/// One recipient's delivery.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// When it is tried, or given up to be under way.
    pub next: Moment,
    under_way: bool,
    /// Far ends that have not answered yet.
    pending: usize,
    taken: bool,
    /// The worst that was heard of them: whether trying again is of no use, and why.
    refused: Option<(bool, String)>,
    /// Where it is sent, to be sent again without an envelope.
    ways: Vec<TextWay>,
}

/// A notification for a sender.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub until: Moment,
    content: Content,
}

pub(super) type Outcome = Ready<PostSave, PostOutput>;

impl Post {
    /// Looks for those whose turn it is, as many as may be out.
    pub(super) fn try_due(&mut self, now: Moment, ready: &mut Outcome) {
        self.notices.retain(|_, notice| notice.until > now);
        let out = self.trials.values().filter(|trial| trial.under_way && trial.next > now).count();
        let mut room = MOST_OUT.saturating_sub(out);
        for message in self.open.values().filter(|message| !message.withdrawn) {
            for (index, recipient) in message.recipients.iter().enumerate() {
                let fresh = Trial {
                    next: now,
                    under_way: false,
                    pending: 0,
                    taken: false,
                    refused: None,
                    ways: Vec::new(),
                };
                if recipient.is_settled() {
                    continue;
                }
                let trial = self.trials.entry((message.id, index)).or_insert(fresh);
                if trial.next > now {
                    continue;
                }
                if room == 0 {
                    // Its turn comes when one of those that are out is answered, in a second at most.
                    trial.next = now + Duration::from_secs(1);
                    continue;
                }
                room -= 1;
                (trial.under_way, trial.next, trial.pending) = (true, now + PATIENCE + PATIENCE, 0);
                (trial.taken, trial.refused) = (false, None);
                ready.then.push(PostOutput::Find {
                    errand: Errand::Text(message.id, index, message.asks_for_notices()),
                    address: recipient.address.clone(),
                    sender: message.sender.clone(),
                });
            }
        }
    }

    pub(super) fn found(&mut self, errand: Errand, found: Found, now: Moment) -> Outcome {
        match errand {
            Errand::Text(id, index, envelope) => self.found_recipient((id, index, envelope), found, now),
            Errand::Notice(number) => match (self.notices.remove(&number), found) {
                (Some(notice), Found::Handsets { ways, .. }) => self.notify(number, &notice, ways, now),
                (Some(notice), Found::North(way)) => self.notify(number, &notice, vec![*way], now),
                _ => Ready::nothing(),
            },
        }
    }

    fn notify(&mut self, number: u64, notice: &Notice, ways: Vec<TextWay>, now: Moment) -> Outcome {
        let mut orders = Vec::new();
        for way in ways.into_iter().take(self.carrier.room()) {
            orders.extend(self.carrier.carry(Errand::Notice(number), "notice", way, &notice.content, now));
        }
        self.carried(orders, now)
    }

    fn found_recipient(
        &mut self,
        (id, index, envelope): (TextId, usize, bool),
        found: Found,
        now: Moment,
    ) -> Outcome {
        let Some(message) = self.open.get_mut(&id).filter(|message| !message.withdrawn) else {
            return Ready::nothing();
        };
        let Some(recipient) = message.recipients.get_mut(index) else { return Ready::nothing() };
        recipient.tries = recipient.tries.saturating_add(1);
        let (ways, native) = match found {
            Found::Handsets { user, ways, native } => {
                recipient.user = Some(user);
                match ways.is_empty() && native.is_empty() {
                    true => return self.give_up((id, index), false, "no handset can be reached", now),
                    false => (ways, native),
                }
            }
            Found::North(way) => (vec![*way], Vec::new()),
            Found::NotNow(why) => return self.give_up((id, index), false, &why, now),
            Found::Nowhere(why) => return self.give_up((id, index), true, &why, now),
        };
        self.deliver((id, index, envelope), ways, native, now)
    }

    fn deliver(
        &mut self,
        (id, index, envelope): (TextId, usize, bool),
        ways: Vec<TextWay>,
        native: Vec<Ipui>,
        now: Moment,
    ) -> Outcome {
        let Some(message) = self.open.get(&id) else { return Ready::nothing() };
        let errand = Errand::Text(id, index, envelope);
        let show = |ipui: Ipui| PostOutput::Show {
            errand,
            ipui,
            heading: message.heading(),
            text: message.text.clone(),
        };
        let mut ready = Ready::say(native.iter().cloned().map(show).collect());
        let contents: Vec<_> = ways
            .iter()
            .map(|way| match envelope {
                true => message.in_envelope(index, way, &self.domain),
                false => Content::plain(&message.text.0, message.priority),
            })
            .collect();
        if let Some(trial) = self.trials.get_mut(&(id, index)) {
            (trial.pending, trial.ways) = (ways.len() + native.len(), ways.clone());
            trial.next = now + PATIENCE + PATIENCE;
        }
        let mut orders = Vec::new();
        for (way, content) in ways.into_iter().zip(contents) {
            orders.extend(self.carrier.carry(errand, &name_of(id, index), way, &content, now));
        }
        let carried = self.carried(orders, now);
        ready = joined(ready, carried);
        ready
    }

    /// What the transactions say.
    pub(super) fn carried(&mut self, orders: Vec<CarrierOrder<Errand>>, now: Moment) -> Outcome {
        let mut ready = Ready::nothing();
        for order in orders {
            match order {
                CarrierOrder::Send { message, to, line } => {
                    ready.then.push(PostOutput::Send { message, to, line })
                }
                CarrierOrder::Done { errand: Errand::Notice(_), .. } => {}
                CarrierOrder::Done { errand: Errand::Text(id, index, envelope), status } => {
                    let done = match verdict(status) {
                        // Not everybody opens envelopes: what they want to hear is in them is said again.
                        Verdict::Type if envelope => self.without_envelope(id, index, now),
                        other => self.one_done((id, index), other, now),
                    };
                    ready = joined(ready, done);
                }
            }
        }
        ready
    }

    fn without_envelope(&mut self, id: TextId, index: usize, now: Moment) -> Outcome {
        let ways = match self.trials.get_mut(&(id, index)) {
            // Of several far ends that share a verdict the first to say so is enough.
            Some(trial) => std::mem::take(&mut trial.ways),
            None => return Ready::nothing(),
        };
        match ways.is_empty() {
            true => self.one_done((id, index), Verdict::Final("it takes no texts".into()), now),
            false => self.deliver((id, index, false), ways, Vec::new(), now),
        }
    }

    /// A handset on a native base station has said what it did.
    pub(super) fn shown(&mut self, errand: Errand, outcome: Result<(), String>, now: Moment) -> Outcome {
        let Errand::Text(id, index, _) = errand else { return Ready::nothing() };
        let verdict = outcome.map_or_else(Verdict::Later, |()| Verdict::Taken);
        self.one_done((id, index), verdict, now)
    }

    /// One far end of a recipient is done with it.
    fn one_done(&mut self, place: (TextId, usize), verdict: Verdict, now: Moment) -> Outcome {
        let Some(trial) = self.trials.get_mut(&place).filter(|trial| trial.under_way) else {
            return Ready::nothing();
        };
        trial.pending = trial.pending.saturating_sub(1);
        match verdict {
            Verdict::Taken => trial.taken = true,
            Verdict::Later(why) => trial.refused = Some((false, why)),
            Verdict::Final(why) => {
                trial.refused.get_or_insert((true, why));
            }
            Verdict::Type => {
                trial.refused.get_or_insert((true, "it takes no texts".into()));
            }
        }
        if trial.taken {
            self.trials.remove(&place);
            return self.stands(place, Standing::Delivered, now);
        }
        match (trial.pending, trial.refused.clone()) {
            (0, Some((lasting, why))) => self.give_up(place, lasting, &why, now),
            _ => Ready::nothing(),
        }
    }

    /// It did not get there: for good, or until it is tried again.
    fn give_up(&mut self, place: (TextId, usize), lasting: bool, why: &str, now: Moment) -> Outcome {
        let Some(message) = self.open.get_mut(&place.0) else { return Ready::nothing() };
        let expires = message.expires;
        let Some(recipient) = message.recipients.get_mut(place.1) else { return Ready::nothing() };
        if recipient.is_settled() {
            return Ready::nothing();
        }
        why.clone_into(&mut recipient.cause);
        if lasting {
            self.trials.remove(&place);
            let mut ready = self.stands(place, Standing::Failed, now);
            ready.then.push(PostOutput::Event(PostEvent::Undelivered(place.0, why.to_owned())));
            return ready;
        }
        let doublings = u32::from(recipient.tries.saturating_sub(1)).min(8);
        let wait = (FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT);
        if let Some(trial) = self.trials.get_mut(&place) {
            (trial.under_way, trial.next) = (false, (now + wait).min(expires));
        }
        Ready { save: vec![PostSave::Put(Box::new(message.clone()))], then: Vec::new() }
    }

    /// A user's handset is there: what waits for it is tried now.
    pub(super) fn reachable(&mut self, user: &Username, now: Moment) -> Outcome {
        for ((id, index), trial) in &mut self.trials {
            let recipient = self.open.get(id).and_then(|message| message.recipients.get(*index));
            let theirs = recipient.is_some_and(|recipient| {
                recipient.user.as_ref() == Some(user) || recipient.address == user.as_str()
            });
            if theirs && !trial.under_way {
                trial.next = now;
            }
        }
        let mut ready = Ready::nothing();
        self.try_due(now, &mut ready);
        ready
    }

    /// A recipient stands so from now on. It never goes back.
    pub(super) fn stands(&mut self, place: (TextId, usize), standing: Standing, now: Moment) -> Outcome {
        let Some(message) = self.open.get_mut(&place.0) else { return Ready::nothing() };
        let Some(recipient) = message.recipients.get_mut(place.1) else { return Ready::nothing() };
        // Who answers for it does so even if it was thought lost.
        let known = recipient.standing >= standing && standing != Standing::Confirmed;
        if known || recipient.standing == standing {
            return Ready::nothing();
        }
        (recipient.standing, recipient.since) = (standing, now);
        if message.is_confirmed() {
            message.escalates = None;
            // Somebody goes: whoever has not heard of it need not.
            for (index, other) in message.recipients.iter_mut().enumerate() {
                if other.standing == Standing::Waiting {
                    (other.standing, other.since) = (Standing::Unneeded, now);
                    self.trials.remove(&(place.0, index));
                }
            }
        }
        let message = message.clone();
        let mut ready = Ready { save: vec![PostSave::Put(Box::new(message.clone()))], then: Vec::new() };
        if standing == Standing::Delivered {
            ready.then.push(PostOutput::Event(PostEvent::Delivered(place.0)));
        }
        self.tell_sender(&message, place.1, standing, now, &mut ready);
        self.forget_settled(now);
        ready
    }

    /// RFC 5438 §7.2.1: a notification for who asked for it.
    fn tell_sender(
        &mut self,
        message: &TextMessage,
        index: usize,
        standing: Standing,
        now: Moment,
        ready: &mut Outcome,
    ) {
        let Some(wish) = &message.wish else { return };
        let disposition = match standing {
            Standing::Delivered if wish.delivery => Disposition::Delivered,
            Standing::Read | Standing::Confirmed if wish.display => Disposition::Displayed,
            _ => return,
        };
        if self.notices.len() >= MOST_NOTICES {
            return;
        }
        let recipient = format!("sip:{}@{}", message.recipients[index].address, self.domain);
        let imdn = Imdn { message_id: wish.id.clone(), date_time: wish.date_time.clone(), disposition };
        let cpim = Cpim {
            from: format!("<{recipient}>"),
            to: format!("<sip:{}@{}>", message.sender.address, self.domain),
            date_time: date_time(now),
            message_id: self.carrier.word(),
            wishes: Vec::new(),
            content_type: imdn::TYPE.into(),
            body: imdn.document(&recipient).into_bytes(),
        };
        let (number, address) = (self.next_notice, message.sender.address.clone());
        self.next_notice += 1;
        let content = Content::enveloped(&cpim, Priority::Normal);
        // To the other end the notification comes from who got the text.
        let sender = Sender {
            address: message.recipients[index].address.clone(),
            display: String::new(),
            user: message.recipients[index].user.clone(),
        };
        self.notices.insert(number, Notice { until: now + PATIENCE, content });
        let errand = Errand::Notice(number);
        ready.then.push(PostOutput::Find { errand, address, sender });
    }
}

impl TextMessage {
    /// What stands over it on a display.
    fn heading(&self) -> Pii<String> {
        let urgency = match self.priority {
            Priority::Normal => "",
            Priority::Urgent => "URGENT\r",
            Priority::Emergency => "ALARM\r",
        };
        let Sender { address, display, .. } = &self.sender;
        Pii(format!("{urgency}{}", if display.is_empty() { address } else { display }))
    }

    /// Whether recipients are asked what becomes of it.
    fn asks_for_notices(&self) -> bool {
        self.confirmation != Confirmation::None || self.wish.is_some()
    }

    /// The text in an envelope that asks for notifications. Their name tells message and recipient.
    fn in_envelope(&self, index: usize, way: &TextWay, domain: &str) -> Content {
        let cpim = Cpim {
            from: format!("<{}>", way.from_uri),
            to: format!("<{}>", way.to_uri),
            date_time: date_time(self.created()),
            message_id: format!("{}@{domain}", name_of(self.id, index)),
            wishes: vec!["positive-delivery".into(), "display".into()],
            content_type: "text/plain;charset=utf-8".into(),
            body: self.text.0.clone().into_bytes(),
        };
        Content::enveloped(&cpim, self.priority)
    }
}

/// How a notification means a message and its recipient. It stands in Message-ID and in Call-ID: linphone takes
/// that for the name of a text that came without an envelope.
fn name_of(id: TextId, index: usize) -> String {
    format!("{id}-{index}")
}

/// What an answer means.
enum Verdict {
    Taken,
    /// 415.
    Type,
    Later(String),
    Final(String),
}

fn verdict(status: Option<(u16, String)>) -> Verdict {
    match status {
        None => Verdict::Later("it does not answer".into()),
        Some((200..=299, _)) => Verdict::Taken,
        // 488 and 400 of those who look into the envelope and find nothing that they know.
        Some((400 | 415 | 488, _)) => Verdict::Type,
        // RFC 3261 §21: these say that the same request will not do better.
        Some((
            status @ (403 | 404 | 405 | 410 | 413 | 414 | 416 | 420 | 485 | 501 | 505 | 603..=699),
            why,
        )) => Verdict::Final(format!("{status} {why}")),
        Some((status, why)) => Verdict::Later(format!("{status} {why}")),
    }
}
