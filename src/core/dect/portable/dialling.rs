//! Collecting the number that a handset dials: en bloc or digit by digit (EN 300 175-5, 9.3.1.5).

use std::time::Duration;

use crate::dect::element::CalledNumber;
use crate::dect::message::Message;
use crate::dect::ss::{self, Key};
use crate::timer::Moment;

/// Most characters of a number or URI.
const MAX_DIGITS: usize = 64;

/// A number that grows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dialling {
    digits: String,
    complete: bool,
    due: Option<Moment>,
}

impl Dialling {
    /// Takes what a {CC-SETUP} or {CC-INFO} says of the number. `gap` is the pause after which a number
    /// counts as whole.
    pub(super) fn take(&mut self, message: &Message, gap: Duration, now: Moment) {
        if let Some(called) = message.get::<CalledNumber>() {
            called.number.0.iter().for_each(|octet| self.press(Key::Character((*octet).into()), gap, now));
        }
        ss::keys(message).into_iter().for_each(|key| self.press(key, gap, now));
        self.complete |= ss::is_complete(message);
    }

    /// Takes one key. `gap` is the pause after which a number counts as whole.
    pub fn press(&mut self, key: Key, gap: Duration, now: Moment) {
        let before = self.digits.len();
        match key {
            Key::Character(character) => self.push(character),
            Key::Internal | Key::Service | Key::Supplementary | Key::Recall => {}
            Key::Pause | Key::Pulse | Key::Dtmf | Key::DtmfHeld | Key::DtmfEnd | Key::Control(_) => {}
        }
        if self.digits.len() > before {
            self.due = Some(now + gap);
        }
    }

    /// It is whole if these are its digits: a dial plan says so.
    pub fn complete(&mut self, digits: &str) {
        self.complete |= self.digits == digits;
    }

    /// What was dialled so far.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// "#" ends a number; within a code of a feature, which begins with "*" or "#", it belongs to the code.
    fn push(&mut self, character: char) {
        if self.complete || !(' '..='~').contains(&character) || self.digits.len() >= MAX_DIGITS {
            return;
        }
        let code = self.digits.starts_with(['*', '#']);
        match (character, self.digits.is_empty()) {
            ('#', false) if code => {
                self.digits.push('#');
                self.complete = self.digits.len() > 2;
            }
            ('#', false) => self.complete = true,
            (character, _) => self.digits.push(character),
        }
    }

    /// Whether anything was dialled.
    pub fn is_empty(&self) -> bool {
        self.digits.is_empty()
    }

    /// Until when another digit is waited for.
    pub fn deadline(&self) -> Option<Moment> {
        self.due.filter(|_| !self.complete)
    }

    /// The number, once it is whole.
    pub fn whole(&self, now: Moment) -> Option<&str> {
        let whole = self.complete || self.due.is_some_and(|due| due <= now);
        (whole && !self.digits.is_empty()).then_some(self.digits.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::element::{MultiKeypad, NumberType, Plan, Tag};
    use crate::dect::message::{Kind, Protocol, Side, Transaction};
    use crate::pii::Pii;

    const GAP: Duration = Duration::from_secs(4);

    fn keyed(keys: &[u8]) -> Message {
        let transaction = Transaction::first(Protocol::Cc, Side::Portable);
        Message::new(Kind::CcInfo, Side::Portable, transaction).with(&MultiKeypad::new(keys))
    }

    fn at(seconds: u64) -> Moment {
        Moment::default() + Duration::from_secs(seconds)
    }

    #[test]
    fn a_number_is_whole_after_a_pause_a_hash_or_when_it_says_so() {
        let mut pause = Dialling::default();
        pause.take(&keyed(b"47"), GAP, at(0));
        pause.take(&keyed(b"11"), GAP, at(3));
        assert_eq!(
            (pause.deadline(), pause.whole(at(6)), pause.whole(at(7))),
            (Some(at(7)), None, Some("4711"))
        );

        let mut hash = Dialling::default();
        hash.take(&keyed(b"4711#99"), GAP, at(0));
        assert_eq!((hash.whole(at(0)), hash.deadline()), (Some("4711"), None));

        let mut said = Dialling::default();
        let (kind, plan) = (NumberType::UNKNOWN, Plan::UNKNOWN);
        let called = CalledNumber { kind, plan, number: Pii(b"4711".to_vec()) };
        let transaction = Transaction::first(Protocol::Cc, Side::Portable);
        let setup = Message::new(Kind::CcSetup, Side::Portable, transaction);
        said.take(&setup.with(&called).with_flag(Tag::SENDING_COMPLETE), GAP, at(0));
        assert_eq!(said.whole(at(0)), Some("4711"));
    }

    #[test]
    fn a_hash_belongs_to_the_code_of_a_feature() {
        let whole = |keys: &[u8], after: u64| {
            let mut dialling = Dialling::default();
            dialling.take(&keyed(keys), GAP, at(0));
            dialling.whole(at(after)).map(str::to_owned)
        };
        assert_eq!(whole(b"*21*4711#", 0).as_deref(), Some("*21*4711#"));
        assert_eq!(whole(b"#21#", 0).as_deref(), Some("#21#"));
        assert_eq!(whole(b"***999*00", 0), None);
        assert_eq!(whole(b"***999*00", 4).as_deref(), Some("***999*00"));
    }

    #[test]
    fn a_number_never_grows_beyond_a_uri() {
        let mut dialling = Dialling::default();
        (0..20).for_each(|_| dialling.take(&keyed(&[b'1'; 200]), GAP, at(0)));
        assert_eq!(dialling.whole(at(9)).map(str::len), Some(MAX_DIGITS));
        let mut nothing = Dialling::default();
        nothing.take(&keyed(&[0x15]), GAP, at(0));
        assert!(nothing.is_empty() && nothing.whole(at(99)).is_none());
    }
}
