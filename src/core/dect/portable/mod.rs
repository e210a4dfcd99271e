//! One handset, fixed side: its link, its mobility and its calls in one machine (EN 300 175-5, clause 5.2).
//!
//! ```text
//!  base station ──Opened, Heard, Moved, Closed──►┌────────── Portable ──────────┐──Page, Send, Release, CipherKey──►
//!                                                │ lce::Link ◄─ mm::Mm          │
//!  switch ──────────────Order───────────────────►│          ◄─ cc::Call, ss     │──News──► supervisor, legs
//!                                                └──────────────────────────────┘
//! ```
//!
//! Happy path: the handset asks for access rights while a [`Window`] is open ([`News::SubscriptionAsked`]),
//! is given a key, tells where it is and proves who it is ([`News::Located`]). From then on it calls
//! ([`CallNews::Asked`], when the number is whole) and is called ([`Order::Offer`]). Every call is ciphered
//! where [`Rules::cipher`] says so, and a call of the handset is told of only when the ciphering stands:
//! that is the proof of who calls. An emergency call does not wait for it.
//!
//! It fails by a wrong code ([`News::SubscriptionFailed`]), a handset that is out of reach
//! ([`News::Unreachable`]; the offered call ends with "user not in range") and a link that is lost: an
//! active call waits five seconds for it to come back (17.9), the others end.
//!
//! The handset keeps its own IPUI (type N, its IPEI): nothing is gained by another one in a system that
//! knows its handsets by their IPEI. It gets no TPUI: the default one, from its IPUI, does for paging, and a
//! handset that answers another one's page is told so ({LCE-PAGE-REJECT}).
//!
//! Out of scope: a second call beside the first in the sense of annex I (call waiting is a matter of the
//! one call's keypad and display), external handover, ISDN and data services.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::dect::element::{Coding, RejectReason, TerminalCapability};
use crate::dect::identity::{Ipui, Park};
use crate::dect::lce::{self, Link, PageHeader};
use crate::dect::message::{Fault, Kind, Message, Protocol, Side, receive};
use crate::dect::mm::{Keys, Mm};
use crate::dect::{cc, ss};
use crate::id::{BaseStationId, Tokens};
use crate::machine::{Machine, Ready};
use crate::timer::Moment;

mod codec;
mod dialling;
mod door;
mod mobility;
mod obey;
mod speech;
#[cfg(test)]
mod tests;
mod texts;
mod window;
mod words;

pub use dialling::Dialling;
pub use door::{Directory, Greeting, greet};
pub use texts::{MOST_TEXTS, TextFault, TextOffer};
pub use window::{Claim, ClosedWhy, Verdict, Window, Windows};
pub use words::{CallNews, CallNo, Connection, Fare, Input, News, Offer, Order, Output};
pub use words::{Refusal, Save, Shown, Standing};

use speech::Speech;
use texts::Texts;

/// What holds for all handsets of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What a subscribed handset may use: this system.
    pub park: Park,
    /// How many bits of PARI and RPN its location area has.
    pub level: u8,
    /// Whether calls are ciphered.
    pub cipher: bool,
    /// The pause after which a dialled number counts as whole.
    pub digit_gap: Duration,
    /// Whether calls may be in G.722, where handset and base station can.
    pub wideband: bool,
}

/// The machine. See the module.
#[derive(Debug)]
pub struct Portable {
    rules: Rules,
    ipui: Ipui,
    tokens: Tokens,
    /// Its subscription, as it lies on disk.
    standing: Option<Standing>,
    /// A key that was just made; the subscription it belongs to follows in the same breath.
    fresh: Option<(u8, crate::dect::key::Uak, crate::dect::key::AccessCode)>,
    link: Link,
    mm: Mm,
    calls: BTreeMap<CallNo, Speech>,
    next_call: u64,
    texts: Texts,
    connection: Option<Connection>,
    /// A cipher key was derived since this machine was made.
    keyed: bool,
    /// The connection is ciphered.
    ciphered: bool,
    /// Ciphering was asked for on this connection.
    securing: bool,
    capability: Option<TerminalCapability>,
}

/// Saves and orders as they come together.
type Out = Ready<Save, Output>;

impl Portable {
    /// A handset that is not subscribed.
    pub fn new(ipui: Ipui, rules: Rules, tokens: Tokens) -> Self {
        Self::from(ipui, None, rules, tokens)
    }

    /// A handset as it stood; give it [`Input::Started`] next.
    pub fn restored(standing: Standing, rules: Rules, tokens: Tokens) -> Self {
        Self::from(standing.ipui.clone(), Some(standing), rules, tokens)
    }

    fn from(ipui: Ipui, standing: Option<Standing>, rules: Rules, mut tokens: Tokens) -> Self {
        let tpui = standing.as_ref().and_then(|standing| standing.tpui);
        let capability =
            standing.as_ref().and_then(|standing| TerminalCapability::decode(&standing.capability).ok());
        Self {
            link: Link::new(ipui.clone(), tpui),
            mm: mobility::machine(standing.as_ref(), tokens.split()),
            rules,
            ipui,
            tokens,
            standing,
            fresh: None,
            calls: BTreeMap::new(),
            next_call: CallNo::OF_HANDSET,
            texts: Texts::default(),
            connection: None,
            keyed: false,
            ciphered: false,
            securing: false,
            capability,
        }
    }

    /// Who it is.
    pub fn ipui(&self) -> &Ipui {
        &self.ipui
    }

    /// Its subscription, if it has one.
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }

    /// The connection it speaks over now.
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Whether nothing is lost with this machine: no subscription, no connection, no call.
    pub fn is_idle_stranger(&self) -> bool {
        self.standing.is_none() && self.connection.is_none() && self.calls.is_empty()
    }

    fn started(&mut self, out: &mut Out) {
        let located = self.standing.as_ref().filter(|standing| standing.located);
        if let Some(base) = located.and_then(|standing| standing.base.clone()) {
            out.then.push(Output::News(News::Located(base)));
        }
    }

    /// The handset has opened a connection. One that still stood is gone, whether its base station has
    /// noticed or not.
    fn opened(&mut self, connection: Connection, first: &[u8], now: Moment, out: &mut Out) {
        if let Some(old) = self.connection.take() {
            out.then.push(Output::Release { connection: old, normal: false });
            self.lost(false, now, out);
        }
        self.seen_at(&connection.base, out);
        self.connection = Some(connection);
        (self.ciphered, self.securing) = (false, false);
        match receive(first, Side::Portable) {
            Ok(message) if message.kind == Kind::LcePageResponse => self.page_answered(&message, now, out),
            other => {
                if other.as_ref().is_ok_and(|message| message.kind == Kind::CcSetup) {
                    self.forsaken(now, out);
                }
                self.step_link(lce::Input::Opened { with_message: true }, now, out);
                self.take(other, now, out);
            }
        }
    }

    /// A handset that wants its call back answers the page (17.9). One that comes on a new link with a new
    /// {CC-SETUP} has forgotten the call that it talked in on the old one.
    fn forsaken(&mut self, now: Moment, out: &mut Out) {
        let active = |call: &Speech| call.machine.state() == cc::State::Active;
        let forgotten: Vec<_> =
            self.calls.iter().filter(|(_, call)| active(call)).map(|(no, _)| *no).collect();
        for no in forgotten {
            // The machine is in F-10, which takes it.
            _ = self.step_call(no, cc::Input::LinkFailed { normal: true }, now, out);
        }
    }

    fn page_answered(&mut self, response: &Message, now: Moment, out: &mut Out) {
        let tpui = self.standing.as_ref().and_then(|standing| standing.tpui);
        let awaited = matches!(self.link.state(), lce::State::EstablishPending | lce::State::Resuming);
        if awaited && lce::answers(response, &self.ipui, tpui) {
            self.step_link(lce::Input::Opened { with_message: false }, now, out);
            self.reached(now, out);
        } else if let Some(connection) = self.connection.take() {
            let octets = lce::reject(response, RejectReason::FALSE_LCE_REPLY).encode();
            out.then.push(Output::Send { connection: connection.clone(), octets });
            out.then.push(Output::Release { connection, normal: true });
        }
    }

    /// What the handset said, by protocol.
    fn take(&mut self, received: Result<Message, Fault>, now: Moment, out: &mut Out) {
        let message = match received {
            Ok(message) => message,
            Err(fault) => return self.answer_fault(&fault, now, out),
        };
        self.step_link(lce::Input::Heard, now, out);
        match message.transaction.protocol {
            Protocol::Cc => self.hear_call(message, now, out),
            Protocol::Mm => self.step_mm(crate::dect::mm::Input::Received(message), now, out),
            Protocol::Ciss => {
                if let Some(answer) = ss::unknown_facility(&message, false) {
                    self.say(answer, PageHeader::NoUPlane, now, out);
                }
            }
            Protocol::Coms => self.hear_text(&message, now, out),
            Protocol::Lce | Protocol::Clms => {}
        }
    }

    fn answer_fault(&mut self, fault: &Fault, now: Moment, out: &mut Out) {
        let answer = match fault {
            Fault::Unrecognised { transaction, .. } if transaction.protocol == Protocol::Cc => {
                match cc::route_unrecognised(*transaction, &self.conversations()) {
                    cc::Route::Answer { message, .. } => Some(message),
                    _ => None,
                }
            }
            fault => fault.answer(),
        };
        if let Some(answer) = answer {
            self.say(answer, PageHeader::NoUPlane, now, out);
        }
    }

    fn closed(&mut self, normal: bool, now: Moment, out: &mut Out) {
        self.connection = None;
        (self.ciphered, self.securing) = (false, false);
        if self.link.state() == lce::State::ReleasePending {
            self.step_link(lce::Input::ReleaseConfirmed, now, out);
        }
        self.lost(normal, now, out);
    }

    /// The link is gone: calls that are not active end, an active one waits unless it was released in order.
    fn lost(&mut self, normal: bool, now: Moment, out: &mut Out) {
        let active = self.calls.values().any(|call| call.machine.state() == cc::State::Active);
        self.step_link(lce::Input::Failed { resume: !normal && active }, now, out);
        let waits = self.link.state() == lce::State::EstablishPending;
        if !waits {
            self.each_call(cc::Input::LinkFailed { normal }, now, out);
            self.texts_lost(out);
        }
        self.step_mm(crate::dect::mm::Input::LinkLost, now, out);
    }

    /// Its link is elsewhere now. One that was lost in a call is back: "the PT shall attempt to re-establish
    /// the link" (17.9), and its messages that waited are said.
    fn moved(&mut self, to: Connection, now: Moment, out: &mut Out) {
        let was_lost = self.connection.is_none();
        self.seen_at(&to.base, out);
        for call in self.calls.keys() {
            out.then.push(Output::News(News::Call(*call, CallNews::Moved(to.clone()))));
        }
        self.connection = Some(to);
        if was_lost {
            self.step_link(lce::Input::Opened { with_message: true }, now, out);
        }
    }

    /// Whether a link that comes over from `from` is its: that is where it speaks, or spoke until the link
    /// was lost in a call.
    fn comes_from(&self, from: &Connection) -> bool {
        match &self.connection {
            Some(connection) => connection == from,
            None => self.link.state() == lce::State::Resuming,
        }
    }

    /// It spoke through this base station.
    fn seen_at(&mut self, base: &BaseStationId, out: &mut Out) {
        let Some(standing) = self.standing.as_mut() else { return };
        if standing.base.as_ref() != Some(base) {
            standing.base = Some(base.clone());
            out.save.push(Save::Put(Box::new(standing.clone())));
            if standing.located {
                out.then.push(Output::News(News::Located(base.clone())));
            }
        }
    }

    /// Says something to the handset, paging it first if need be. What the link refuses is not said: the
    /// timers of whoever wanted it guard it.
    fn say(&mut self, message: Message, header: PageHeader, now: Moment, out: &mut Out) {
        self.step_link(lce::Input::Send(message, header), now, out);
    }

    fn step_link(&mut self, input: lce::Input, now: Moment, out: &mut Out) {
        let Ok(ready) = self.link.handle(input, now) else { return };
        for output in ready.then {
            match (output, &self.connection) {
                (lce::Output::Page(page), _) => out.then.push(Output::Page(page)),
                (lce::Output::Data(message), Some(connection)) => {
                    let (connection, octets) = (connection.clone(), message.encode());
                    out.then.push(Output::Send { connection, octets });
                }
                (lce::Output::Release { normal }, Some(connection)) => {
                    out.then.push(Output::Release { connection: connection.clone(), normal });
                }
                (lce::Output::Data(_) | lce::Output::Release { .. }, None) => {}
                (lce::Output::Unreachable { .. }, _) => {
                    out.then.push(Output::News(News::Unreachable));
                    self.texts_unreachable(out);
                    self.each_call(cc::Input::LinkFailed { normal: true }, now, out);
                    self.step_mm(crate::dect::mm::Input::LinkLost, now, out);
                }
                (lce::Output::Gone, _) => {
                    self.texts_lost(out);
                    self.each_call(cc::Input::LinkGone, now, out);
                }
            }
        }
        if self.link.state() == lce::State::Released {
            self.connection = None;
        }
    }

    /// Somebody needs the link no more.
    fn link_not_needed(&mut self, partial: bool, now: Moment, out: &mut Out) {
        let in_use = self.mm.is_busy() || !self.calls.is_empty() || self.texts.is_busy();
        self.step_link(lce::Input::NotNeeded { partial, in_use }, now, out);
    }

    fn expire(&mut self, now: Moment, out: &mut Out) {
        let due = |deadline: Option<Moment>| deadline.is_some_and(|at| at <= now);
        if due(self.link.deadline()) {
            self.step_link(lce::Input::Deadline, now, out);
        }
        if due(self.mm.deadline()) {
            self.step_mm(crate::dect::mm::Input::Deadline, now, out);
        }
        self.each_call(cc::Input::Deadline, now, out);
        self.numbers_due(now, out);
        if due(self.texts.deadline()) {
            self.texts_due(now, out);
        }
    }
}

impl Machine for Portable {
    type Input = Input;
    type Save = Save;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Out, Refusal> {
        let mut out = Ready::nothing();
        let ours = |connection: &Connection| self.connection.as_ref() == Some(connection);
        match input {
            Input::Started => self.started(&mut out),
            Input::Opened { connection, first } => self.opened(connection, &first, now, &mut out),
            Input::Heard { connection, octets } if ours(&connection) => {
                self.take(receive(&octets, Side::Portable), now, &mut out);
            }
            Input::Moved { from, to } if self.comes_from(&from) => self.moved(to, now, &mut out),
            Input::Closed { connection, normal } if ours(&connection) => self.closed(normal, now, &mut out),
            Input::Ciphered { connection, on } if ours(&connection) => {
                self.step_mm(crate::dect::mm::Input::Ciphered(on), now, &mut out);
            }
            Input::Heard { .. } | Input::Moved { .. } | Input::Closed { .. } | Input::Ciphered { .. } => {
                return Err(Refusal::NotItsConnection);
            }
            Input::Order(order) => self.obey(order, now, &mut out)?,
            Input::Deadline => self.expire(now, &mut out),
        }
        self.present_waiting(now, &mut out);
        self.texts_go_on(now, &mut out);
        Ok(out)
    }

    fn deadline(&self) -> Option<Moment> {
        let calls = self.calls.values().flat_map(|call| [call.machine.deadline(), call.digits_due()]);
        calls.chain([self.link.deadline(), self.mm.deadline(), self.texts.deadline()]).flatten().min()
    }
}

/// The keys of a standing.
fn keys_of(standing: &Standing) -> Keys {
    Keys { uak: standing.uak.clone(), code: standing.code }
}
