//! MESSAGEs that came before: over UDP a client repeats one until it hears an answer (RFC 3261 §17.1.2), and a
//! text shall not arrive twice for that.

use std::collections::{HashMap, VecDeque};

use kirkwall_core::sip::transaction::TIMEOUT;
use kirkwall_core::timer::Moment;

/// Most that are remembered; beyond it the oldest goes, and its repetition would be taken for new.
const MOST: usize = 4_096;

/// Transactions by key, for as long as they may be repeated: Timer J, 64*T1.
#[derive(Default)]
pub(super) struct Repeats {
    answers: HashMap<String, Option<u16>>,
    order: VecDeque<(Moment, String)>,
}

impl Repeats {
    /// None: it is new, and known from now on. Some: it was here, with the status that answered it, if any.
    pub fn take(&mut self, key: &str, now: Moment) -> Option<Option<u16>> {
        while self.order.front().is_some_and(|(at, _)| now.since(*at) > TIMEOUT || self.order.len() >= MOST) {
            if let Some((_, old)) = self.order.pop_front() {
                self.answers.remove(&old);
            }
        }
        if let Some(known) = self.answers.get(key) {
            return Some(*known);
        }
        self.answers.insert(key.to_owned(), None);
        self.order.push_back((now, key.to_owned()));
        None
    }

    /// It was answered so.
    pub fn answered(&mut self, key: &str, status: u16) {
        if let Some(answer) = self.answers.get_mut(key) {
            *answer = Some(status);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_repetition_is_known_until_it_cannot_come_any_more() {
        let (mut repeats, now) = (Repeats::default(), Moment::from_micros(1));
        assert_eq!(repeats.take("a", now), None);
        assert_eq!(repeats.take("a", now), Some(None));
        repeats.answered("a", 202);
        assert_eq!(repeats.take("a", now + Duration::from_secs(30)), Some(Some(202)));
        assert_eq!(repeats.take("a", now + Duration::from_secs(40)), None);
        (0..10_000).for_each(|n| assert_eq!(repeats.take(&n.to_string(), now), None));
        assert!(repeats.answers.len() <= MOST && repeats.order.len() <= MOST);
    }
}
