//! What a handset's user looks through by keypad and display: the phone book, and the user's own calls.
//!
//! ```text
//!  feature code ──► Opening ──Opened(Catalogue)──► Open ──#──► Dial
//!                     │ keys are kept               │ ▲
//!                     │                             └─┘ keys: another card, shown
//!                     └──────────── R, a pause ─────┴──────► Leave
//! ```
//!
//! It needs no more of a handset than GAP asks of every one (EN 300 444): keypad digits and R in {CC-INFO}, and a
//! display that `<<MULTI-DISPLAY>>` is written to. Handsets with arrow keys send the control codes of EN 300 175-5,
//! annex D, which do the same.
//!
//! | Key | In the phone book | In the call log |
//! |---|---|---|
//! | 2 to 9, 0 | one more letter of a name, as on the keys (`5646` finds John); 0 is the space | 2 missed, 3 received, 4 placed, 0 all |
//! | `*`, arrow down | the next number | the call before it |
//! | 1 (which has no letters), arrow up | the number before | the call after it |
//! | `#`, return | dial what is shown | the same |
//! | R, arrow left | take the last letter back; without any, leave | leave |
//!
//! One **card** is shown at a time, since a display of two lines has no room for more: name, number, and where it
//! stands. A number that the handset cannot hold is kept by its name alone and not dialled (the guide: "SIP URI up to
//! 64 characters").
//!
//! It fails by nothing of its own: what is not there is said in words, and a key that means nothing sounds so.

use std::time::Duration;

use super::log::LogKind;
use crate::dect::element::Signal;
use crate::dect::ss::{Key, MAX_NAME, MAX_NUMBER};
use crate::machine::{Machine, Ready};
use crate::timer::Moment;

mod catalogue;
#[cfg(test)]
mod tests;

pub use catalogue::{Card, Catalogue, Dialable, LIMITS, MOST_CALLS};

/// Longest pause between two keys.
pub const IDLE: Duration = Duration::from_secs(30);
/// Longest time that anybody looks through it: a connection of a base station is held meanwhile.
pub const LONGEST: Duration = Duration::from_secs(300);
/// Most letters of a name that are looked for.
const MOST_LETTERS: usize = 24;

/// What is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The phone book.
    PhoneBook,
    /// The user's own calls.
    CallLog,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// This is what there is to look through.
    Opened(Box<Catalogue>),
    /// The user pressed a key.
    Key(Key),
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// What it orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Show this; a return begins a line.
    Show {
        /// All that stands on the display from now on.
        text: String,
        /// A tone.
        signal: Option<Signal>,
    },
    /// Dial this; nothing more is shown.
    Dial {
        /// Number, or URI with its scheme.
        address: String,
        /// Whose, possibly empty.
        name: String,
    },
    /// The user is done.
    Leave,
}

/// Why an input is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was left.
    #[error("the menu was left")]
    Left,
}

/// The machine. See the module.
#[derive(Debug, PartialEq, Eq)]
pub struct Menu {
    topic: Topic,
    /// None until it is opened.
    catalogue: Option<Box<Catalogue>>,
    /// Keys of a name, once for each letter.
    letters: String,
    /// The calls that are wanted; none: all.
    kind: Option<LogKind>,
    /// What is shown; none: a line that says what to do, or that there is nothing.
    card: Option<Card>,
    /// Which card that is.
    at: usize,
    /// Which of its numbers.
    number: usize,
    /// Cards in all.
    of: usize,
    idle: Moment,
    ends: Moment,
    left: bool,
}

type Out = Vec<Output>;

impl Menu {
    /// Begins; [`Input::Opened`] comes next, and keys may come before it.
    pub fn new(topic: Topic, now: Moment) -> Self {
        Self {
            topic,
            catalogue: None,
            letters: String::new(),
            kind: None,
            card: None,
            at: 0,
            number: 0,
            of: 0,
            idle: now + IDLE,
            ends: now + LONGEST,
            left: false,
        }
    }

    fn opened(&mut self, catalogue: Box<Catalogue>, now: Moment, out: &mut Out) {
        self.catalogue = Some(catalogue);
        self.begin(now);
        self.show(None, out);
    }

    /// The one match of keys.
    fn pressed(&mut self, key: Key, now: Moment, out: &mut Out) {
        self.idle = now + IDLE;
        let good = match key {
            Key::Character('*') | Key::Control(DOWN) => self.next(now),
            Key::Character('1') | Key::Control(UP) => self.previous(now),
            Key::Character('#') | Key::Control(RETURN) => return self.dial(out),
            Key::Recall | Key::Control(LEFT) => return self.back(now, out),
            Key::Character(digit) if digit.is_ascii_digit() => self.digit(digit, now),
            // Held keys end; nothing was meant by it.
            Key::DtmfEnd => return,
            _ => false,
        };
        if self.catalogue.is_some() {
            self.show((!good).then_some(Signal::NEGATIVE), out);
        }
    }

    fn digit(&mut self, digit: char, now: Moment) -> bool {
        match (self.topic, kind_of(digit)) {
            (Topic::PhoneBook, _) if self.letters.len() >= MOST_LETTERS => return false,
            (Topic::PhoneBook, _) => self.letters.push(digit),
            (Topic::CallLog, Some(kind)) => self.kind = kind,
            (Topic::CallLog, None) => return false,
        }
        self.begin(now);
        self.catalogue.is_none() || self.of > 0
    }

    /// The numbers of a card come one after another, and behind the last card the first.
    fn next(&mut self, now: Moment) -> bool {
        match &self.card {
            Some(card) if self.number + 1 < card.numbers.len() => self.number += 1,
            Some(_) => self.look((self.at + 1) % self.of.max(1), now),
            None => self.look(0, now),
        }
        self.card.is_some()
    }

    fn previous(&mut self, now: Moment) -> bool {
        match &self.card {
            Some(_) if self.number > 0 => self.number -= 1,
            Some(_) => {
                let of = self.of.max(1);
                self.look((self.at + of - 1) % of, now);
                self.number = self.card.as_ref().map_or(0, |card| card.numbers.len().saturating_sub(1));
            }
            None => self.look(0, now),
        }
        self.card.is_some()
    }

    /// The phone book says what to do before the first letter: everybody is no answer.
    fn begin(&mut self, now: Moment) {
        self.look(0, now);
        if self.topic == Topic::PhoneBook && self.letters.is_empty() {
            self.card = None;
        }
    }

    fn look(&mut self, at: usize, now: Moment) {
        let Some(catalogue) = &self.catalogue else { return };
        (self.card, self.of) = catalogue.find(self.topic, (&self.letters, self.kind), at, now);
        (self.at, self.number) = (at, 0);
    }

    fn back(&mut self, now: Moment, out: &mut Out) {
        if self.letters.pop().is_none() {
            return self.leave(out);
        }
        self.begin(now);
        if self.catalogue.is_some() {
            self.show(None, out);
        }
    }

    fn dial(&mut self, out: &mut Out) {
        let Some(card) = &self.card else {
            if self.catalogue.is_some() {
                self.show(Some(Signal::NEGATIVE), out);
            }
            return;
        };
        match card.numbers.get(self.number).and_then(|number| number.dials.clone()) {
            Some(address) => {
                self.left = true;
                out.push(Output::Dial { address, name: card.name.clone() });
            }
            None => self.show(Some(Signal::NEGATIVE), out),
        }
    }

    fn leave(&mut self, out: &mut Out) {
        self.left = true;
        out.push(Output::Leave);
    }

    fn show(&self, signal: Option<Signal>, out: &mut Out) {
        out.push(Output::Show { text: self.text(), signal });
    }

    /// Name, number, and what else there is room for.
    fn text(&self) -> String {
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        let Some(card) = &self.card else { return self.nothing() };
        let number = card.numbers.get(self.number);
        let place = format!("{}/{}", self.at + 1, self.of);
        let (shown, remark) = match number {
            Some(Dialable { dials: Some(_), shown, kind }) => (cut(shown, MAX_NUMBER), *kind),
            _ => ("too long to dial".to_owned(), ""),
        };
        let last = [place.as_str(), remark, card.remark.as_str()].into_iter().filter(|word| !word.is_empty());
        let last = last.collect::<Vec<_>>().join(" ");
        let lines = [cut(&card.name, MAX_NAME), shown, last];
        lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\r")
    }

    fn nothing(&self) -> String {
        match (self.topic, self.of) {
            (Topic::PhoneBook, 0) if self.letters.is_empty() => "Phone book\rnobody in it".to_owned(),
            (Topic::PhoneBook, _) if self.letters.is_empty() => "Phone book\rtype a name".to_owned(),
            (Topic::PhoneBook, _) => format!("Nobody\r{}", self.letters),
            (Topic::CallLog, _) => match self.kind {
                Some(kind) => format!("No {} calls", kind.as_str()),
                None => "No calls".to_owned(),
            },
        }
    }
}

/// EN 300 175-5, annex D: "cursor left" 08, "cursor down" 0A, "cursor up" 0B, "return" 0D.
const LEFT: u8 = 0x08;
const DOWN: u8 = 0x0A;
const UP: u8 = 0x0B;
const RETURN: u8 = 0x0D;

/// The calls that a digit stands for; the inner none is all of them.
fn kind_of(digit: char) -> Option<Option<LogKind>> {
    match digit {
        '0' => Some(None),
        '2' => Some(Some(LogKind::Missed)),
        '3' => Some(Some(LogKind::Received)),
        '4' => Some(Some(LogKind::Placed)),
        _ => None,
    }
}

impl Machine for Menu {
    type Input = Input;
    type Save = std::convert::Infallible;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Ready<Self::Save, Output>, Refusal> {
        if self.left {
            return Err(Refusal::Left);
        }
        let mut out = Out::new();
        match input {
            Input::Opened(catalogue) => self.opened(catalogue, now, &mut out),
            Input::Key(key) => self.pressed(key, now, &mut out),
            Input::Deadline if self.idle.min(self.ends) <= now => self.leave(&mut out),
            Input::Deadline => {}
        }
        Ok(Ready::say(out))
    }

    fn deadline(&self) -> Option<Moment> {
        (!self.left).then(|| self.idle.min(self.ends))
    }
}
