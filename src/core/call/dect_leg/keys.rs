//! The keypad in a call: key presses for the far end, and the R key.
//!
//! ```text
//!  Speech ──R, alone──► Number ──whole──► a second call            Speech ──other keys──► far end (RFC 4733)
//!     │                    └──R──► the first call again
//!     └──R, two lines──► Code ──0..4──► what the digit says
//! ```
//!
//! | After R | With | Does (ETS 300 738, as GSM handsets have it) |
//! |---|---|---|
//! | a number | one call | holds it, and calls the number |
//! | the code of the phone book or the call log | one call | holds it, and lets look up whom to call (`browse`) |
//! | R | a number not dialled whole, or not answered | gives it up, and takes the first call back |
//! | 0 | a call that waits, or a held one | refuses the one, or ends the other |
//! | 1 | two calls | ends the one in front and takes the other |
//! | 2 | two calls | holds the one in front and takes the other |
//! | 3 | two calls | makes a conference of the two |
//! | 4 | two calls | connects the two with each other and leaves |
//!
//! On hook in a second call that was begun with R does what R4 does, also while it rings or is being dialled.

use super::*;
use crate::call::menu::{self, Menu};
use crate::dect::element::Signal;
use crate::dect::portable::Dialling;
use crate::dect::ss::Key;

/// Longest pause between R and its digit.
const CODE: Duration = Duration::from_secs(6);
/// How long a dial tone, or the tone of a call that failed, is heard before the first call comes back.
const TONE: Duration = Duration::from_secs(20);
/// How long a key counts as pressed, in milliseconds: the handset tells the press alone.
const PRESS: u32 = 160;

/// What keys mean now.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) enum Keying {
    /// They are for the far end.
    #[default]
    Speech,
    /// The next digit says what becomes of two lines; until then.
    Code(Moment),
    /// They are a number; without a key the first call comes back then.
    Number(Dialling, Moment),
    /// They are for what is looked through.
    Menu(Box<Menu>),
}

impl Keying {
    pub(super) fn deadline(&self) -> Option<Moment> {
        match self {
            Self::Speech => None,
            Self::Code(until) => Some(*until),
            Self::Number(dialling, until) => dialling.deadline().or(Some(*until)),
            Self::Menu(menu) => menu.deadline(),
        }
    }

    /// A number that nobody has begun to dial.
    pub(super) fn number(now: Moment) -> Self {
        Self::Number(Dialling::default(), now + TONE)
    }
}

impl DectLeg {
    pub(super) fn key(&mut self, key: Key, now: Moment, out: &mut Out) {
        if matches!(self.keying, Keying::Menu(_)) {
            return self.step_menu(menu::Input::Key(key), now, out);
        }
        match (key, std::mem::take(&mut self.keying)) {
            (Key::Recall, keying) => self.recall(&keying, now, out),
            (Key::Character(digit), Keying::Code(_)) => self.code(digit, out),
            (key, Keying::Number(mut dialling, until)) => {
                let first = dialling.is_empty();
                dialling.press(key, self.abilities.digit_gap, now);
                self.keying = Keying::Number(dialling, until);
                self.typed(first, now, out);
            }
            (Key::Character(digit), Keying::Speech) => self.press(digit, out),
            (_, keying) => self.keying = keying,
        }
    }

    /// A key for the far end, as the voice would go there.
    fn press(&self, digit: char, out: &mut Out) {
        let digit = digit.to_ascii_uppercase();
        let told = self.front.filter(|no| self.lines.get(no).is_some_and(|line| line.joined));
        if let (Some(no), Some(_)) = (told, crate::media::dtmf::code_of(digit)) {
            out.push(Output::News(no, LegNews::KeyPressed { digit, millis: PRESS }));
        }
    }

    fn recall(&mut self, keying: &Keying, now: Moment, out: &mut Out) {
        match keying {
            Keying::Number(..) | Keying::Menu(_) => self.take_back(out),
            Keying::Code(_) => self.front.into_iter().for_each(|no| self.show_line(no, "", None, out)),
            Keying::Speech => match (self.front, self.behind()) {
                // What rings there is given up.
                (Some(front), Some(_)) if !self.is_answered(front) => self.take_back(out),
                (Some(_), Some(_)) => {
                    self.keying = Keying::Code(now + CODE);
                    self.show("0 end 1 take 2 swap\r3 all 4 join", None, out);
                }
                (Some(front), None) if self.is_answered(front) && self.asked.is_none() => {
                    self.hold_for_second(front, now, out);
                }
                _ => {}
            },
        }
    }

    fn typed(&mut self, first: bool, now: Moment, out: &mut Out) {
        let Keying::Number(dialling, _) = &self.keying else { return };
        if let Some(digits) = dialling.whole(now).map(str::to_owned) {
            self.keying = Keying::Speech;
            return match self.abilities.topic_of(&digits) {
                Some(topic) => self.open_menu(topic, now, out),
                None => self.call_second(&digits, out),
            };
        }
        if !dialling.is_empty() {
            let digits = dialling.digits().to_owned();
            self.show(digits.clone(), first.then_some(Signal::TONES_OFF), out);
            out.push(Output::Digits(Pii(digits)));
        }
    }

    /// The dial plan says that the number is whole.
    pub(super) fn whole(&mut self, digits: &str, now: Moment, out: &mut Out) {
        if let Keying::Number(dialling, _) = &mut self.keying {
            dialling.complete(digits);
            if dialling.whole(now).is_some() {
                self.typed(false, now, out);
            }
        }
    }

    fn code(&mut self, digit: char, out: &mut Out) {
        let (Some(front), Some(other)) = (self.front, self.behind()) else { return };
        match digit {
            '0' => self.drop_other(other, out),
            '1' | '2' if !self.can_be_taken(other, out) => {}
            '1' => {
                self.close_line(front, Cause::normal(), out);
                self.take_up(other, out);
            }
            '2' => {
                self.hold(front, out);
                self.take_up(other, out);
            }
            '3' if self.is_answered(front) && self.is_answered(other) => {
                out.push(Output::News(front, LegNews::ConferenceAsked));
            }
            '4' if self.is_answered(other) => self.connect(other, out),
            _ => self.show_line(front, "Not possible", Some(Signal::NEGATIVE), out),
        }
    }

    /// A pause has become too long.
    pub(super) fn expire(&mut self, now: Moment, out: &mut Out) {
        match &self.keying {
            Keying::Code(until) if *until <= now => {
                self.keying = Keying::Speech;
                self.front.into_iter().for_each(|no| self.show_line(no, "", None, out));
            }
            Keying::Number(dialling, _) if dialling.whole(now).is_some() => self.typed(false, now, out),
            Keying::Menu(_) => self.step_menu(menu::Input::Deadline, now, out),
            Keying::Number(dialling, until) if dialling.is_empty() && *until <= now => {
                self.take_back(out);
            }
            _ => {}
        }
        if self.tells_until.take_if(|until| *until <= now).is_some() {
            let reason = self.why.as_ref().map_or(ReleaseReason::NORMAL, |why| reason_of(why).0);
            let (call, tone, words) = (self.call, None, None);
            out.push(Output::Handset(portable::Order::Release { call, reason, tone, words }));
        }
        if self.away_until.is_some_and(|until| until <= now) {
            self.away_until = None;
            let lines: Vec<_> = self.lines.keys().copied().collect();
            let cause = Cause { status: 480, q850: 19, words: "the calls could not be connected".into() };
            lines.into_iter().for_each(|no| self.close_line(no, cause.clone(), out));
            self.over_when_gone();
        }
    }
}
