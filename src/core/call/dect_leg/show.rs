//! What the handset shows and sounds: who is there, and how the call fares.
//!
//! The caller of a call that rings stands in {CC-SETUP} as number and name. Everything else is text for the
//! display, since that is what every handset has: a line for what happens, one for the name, one for the
//! number, cut to what handsets bear.

use super::*;
use crate::call::Party;
use crate::dect::element::Signal;
use crate::dect::portable::{Order, Shown};
use crate::dect::ss::{Caller, MAX_NAME, MAX_NUMBER};

/// Who is at the other end of a line, as the handset shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Partner {
    /// Number or URI.
    pub number: String,
    /// Name, possibly empty.
    pub name: String,
    /// One of our users.
    pub internal: bool,
}

impl Partner {
    fn of(party: &Party) -> Self {
        Self { number: party.number.clone(), name: party.display.clone(), internal: party.user.is_some() }
    }

    pub fn of_caller(caller: &Caller) -> Self {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let name = caller.name.as_ref().map_or(String::new(), |name| text(&name.name.0));
        Self { number: text(&caller.number.number.0), name, internal: false }
    }

    pub fn caller(&self) -> Caller {
        Caller::new(&self.number, Some(&self.name))
    }

    /// With a line for what happens.
    fn text(&self, happens: &str) -> String {
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        let (name, number) = (cut(&self.name, MAX_NAME), cut(&self.number, MAX_NUMBER));
        let lines = [happens, &name, &number].into_iter().filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("\r")
    }
}

impl DectLeg {
    /// The call says whom a line talks with, or is being connected with.
    pub(super) fn partner(&mut self, no: LineNo, party: &Party, out: &mut Out) {
        let Some(line) = self.lines.get_mut(&no) else { return };
        let partner = Partner::of(party);
        if std::mem::replace(&mut line.partner, partner.clone()) == partner {
            return;
        }
        let happens = match (line.answered, line.told) {
            (true, _) => "",
            (false, true) => ringing(line.waits),
            (false, false) => "Calling",
        };
        // A handset that is offered a call shows the caller.
        if self.front == Some(no) && (line.answered || line.calling) {
            self.show_line(no, happens, None, out);
        }
    }

    /// How a call that the handset began fares.
    pub(super) fn tell_fare(&mut self, no: LineNo, fare: Fare, out: &mut Out) {
        let Some(line) = self.lines.get_mut(&no) else { return };
        let (first, waits) = (!std::mem::replace(&mut line.told, true), line.waits);
        if self.front != Some(no) || !self.is_on_air() {
            return;
        }
        let (second, call) = (self.connected || self.browsed, self.call);
        let (happens, tone) = match fare {
            Fare::Alerting { in_band: false } => (ringing(waits), Signal::RING_BACK),
            Fare::Alerting { in_band: true } | Fare::InBand => (ringing(waits), Signal::TONES_OFF),
            Fare::Connected => ("", Signal::TONES_OFF),
        };
        match second {
            false => out.push(Output::Handset(Order::Tell(call, fare))),
            // The call on the air is active: what the second one does is told by tones.
            true if first || fare == Fare::Connected => return self.show_line(no, happens, Some(tone), out),
            true => return,
        }
        if self.lines.get(&no).is_some_and(|line| waits || line.partner != Partner::default()) {
            self.show_line(no, happens, None, out);
        }
    }

    /// What the handset asked of the switch is done.
    pub(super) fn confirmed(&mut self, no: LineNo, words: String, out: &mut Out) {
        if self.front == Some(no) {
            self.show(words, Some(Signal::CONFIRM), out);
        }
    }

    pub(super) fn show_line(&self, no: LineNo, happens: &str, signal: Option<Signal>, out: &mut Out) {
        if let Some(line) = self.lines.get(&no) {
            self.show(line.partner.text(happens), signal, out);
        }
    }

    pub(super) fn show(&self, text: impl Into<String>, signal: Option<Signal>, out: &mut Out) {
        let text = Some(Pii(text.into()));
        let shown = Shown { text, signal, caller: None };
        out.push(Output::Handset(Order::Show(self.call, Box::new(shown))));
    }

    /// A tone, and the display stays as it is.
    pub(super) fn sound(&self, signal: Signal, out: &mut Out) {
        let shown = Shown { text: None, signal: Some(signal), caller: None };
        out.push(Output::Handset(Order::Show(self.call, Box::new(shown))));
    }

    /// Another call waits: tone, number and name, and the same as text.
    pub(super) fn show_waiting(&self, no: LineNo, out: &mut Out) {
        let Some(line) = self.lines.get(&no) else { return };
        let text = Some(Pii(line.partner.text("Call waiting")));
        let (signal, caller) = (Some(Signal::CALL_WAITING), Some(line.partner.caller()));
        let shown = Shown { text, signal, caller };
        out.push(Output::Handset(Order::Show(self.call, Box::new(shown))));
    }
}

/// What a caller reads whose call rings at the called party, or waits there beside another.
const fn ringing(waits: bool) -> &'static str {
    if waits { "Call waits" } else { "Ringing" }
}
