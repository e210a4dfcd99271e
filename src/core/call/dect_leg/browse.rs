//! The phone book and the call log on the handset: the menu lives in the call on the air, without a line.
//!
//! ```text
//!  a code, off hook ──► Stage::Browsing, {CC-CONNECT} ──dial──► a stream, then the first line
//!  R, then a code   ──► the held line stays behind    ──dial──► the second line
//! ```
//!
//! The handset is told that it is connected, since keys then come one by one and its display is the switch's. There is
//! no stream and no channel until something is dialled; what becomes of that call is told by display and tones, as
//! for any call beside another.

use super::*;
use crate::call::dialling::CodeOrder;
use crate::call::menu::{self, Catalogue, Menu, Topic};
use crate::dect::element::Signal;

impl Abilities {
    /// What is looked through when this is dialled.
    pub fn topic_of(&self, digits: &str) -> Option<Topic> {
        match self.codes.read(digits)?.ok()? {
            CodeOrder::Browse(topic) => Some(topic),
            _ => None,
        }
    }

    /// How the call of a handset begins that dialled this.
    pub fn beginning(&self, connection: Connection, digits: &str, emergency: bool) -> Beginning {
        match self.topic_of(digits).filter(|_| !emergency) {
            Some(topic) => Beginning::Browses(connection, topic),
            None => Beginning::Asked(connection),
        }
    }
}

impl DectLeg {
    pub(super) fn begin_browsing(
        &mut self,
        connection: Connection,
        topic: Topic,
        now: Moment,
        out: &mut Out,
    ) {
        (self.calling, self.stage, self.browses_at) = (true, Stage::Browsing, Some(connection));
        self.open_menu(topic, now, out);
    }

    /// What is typed from now on is for the menu.
    pub(super) fn open_menu(&mut self, topic: Topic, now: Moment, out: &mut Out) {
        self.keying = Keying::Menu(Box::new(Menu::new(topic, now)));
        out.push(Output::Browse);
    }

    /// This is what there is to look through, or why its user may not.
    pub(super) fn catalogue(&mut self, catalogue: Result<Box<Catalogue>, Cause>, now: Moment, out: &mut Out) {
        if !matches!(self.keying, Keying::Menu(_)) {
            return;
        }
        let beside = self.behind().is_some();
        match catalogue {
            Ok(catalogue) => {
                match beside {
                    true => self.sound(Signal::TONES_OFF, out),
                    false => out.push(Output::Handset(portable::Order::Tell(self.call, Fare::Connected))),
                }
                self.step_menu(menu::Input::Opened(catalogue), now, out);
            }
            Err(cause) if beside => {
                self.keying = Keying::number(now);
                self.show(cause.plain_words(), Some(Signal::NEGATIVE), out);
            }
            Err(cause) => {
                self.keying = Keying::Speech;
                self.release(cause, now, out);
            }
        }
    }

    pub(super) fn step_menu(&mut self, input: menu::Input, now: Moment, out: &mut Out) {
        let Keying::Menu(menu) = &mut self.keying else { return };
        let Ok(ready) = menu.handle(input, now) else { return };
        for output in ready.then {
            match output {
                menu::Output::Show { text, signal } => self.show(text, signal, out),
                menu::Output::Dial { address, name } => self.dial_chosen(&address, name, out),
                menu::Output::Leave if self.stage == Stage::Browsing => {
                    self.release(Cause::normal(), now, out);
                }
                menu::Output::Leave => self.take_back(out),
            }
        }
    }

    /// The first line of the call on the air, or the one beside a held line.
    fn dial_chosen(&mut self, address: &str, name: String, out: &mut Out) {
        self.keying = Keying::Speech;
        match self.browses_at.take().filter(|_| self.stage == Stage::Browsing) {
            Some(connection) => {
                let no = self.take_line(Line::chosen(address, name, false));
                (self.front, self.stage, self.browsed) = (Some(no), Stage::Opening, true);
                self.show_line(no, "Calling", Some(Signal::TONES_OFF), out);
                out.push(Output::Open(connection));
            }
            None => self.call_beside(Line::chosen(address, name, true), address, out),
        }
    }

    /// The number that the first line was chosen by; none when it was dialled.
    pub(super) fn chosen(&self, no: LineNo) -> Option<String> {
        self.lines.get(&no).filter(|_| self.browsed).map(|line| line.partner.number.clone())
    }
}
