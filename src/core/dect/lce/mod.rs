//! Link control of one handset, fixed side (EN 300 175-5, clause 14, annex A.6).
//!
//! ```text
//! Released ──something to say──► EstablishPending ──page response──► Established ──no user──► Released
//!                                 page, LCE.03, N300                   │  partial: LCE.02 first
//!                                                                      └─lost, a call active─► Resuming, LCE.04
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::element::{PortableIdentity, RejectReason};
use super::identity::{Ipui, Tpui};
use super::message::{Kind, Message, Protocol, Side, Transaction};
use crate::machine::{Machine, Ready};
use crate::timer::{Moment, TimerTable};

mod page;

pub use page::{Page, PageAddress, PageHeader};

/// "Recommended value for voice applications is 3" (A.7).
pub const N300: u8 = 3;
/// Most messages that wait for a link.
pub const MAX_QUEUED: usize = 16;

/// Timers of annex A.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Release, 5 s.
    Lce01,
    /// Link kept after a partial release: 10 s at most, 3 s at least; 10 here, so that a handset that ends
    /// one call and dials again finds its link.
    Lce02,
    /// Page again, 3 s.
    Lce03,
    /// Link lost in a call, 5 s.
    Lce04,
    /// Link without a word, 5 s.
    Lce05,
}

impl Timer {
    fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Lce01 | Self::Lce04 | Self::Lce05 => 5,
            Self::Lce02 => 10,
            Self::Lce03 => 3,
        })
    }
}

/// States of a link, as 14.2 names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// "LINK RELEASED"
    Released,
    /// "ESTABLISH PENDING": paged, no answer yet.
    EstablishPending,
    /// "LINK ESTABLISHED"
    Established,
    /// "RELEASE PENDING"
    ReleasePending,
    /// Lost in a call, and expected back (17.9 c).
    Resuming,
}

/// What can happen to a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// An entity wants this said; the page, if one is needed, is for this.
    Send(Message, PageHeader),
    /// The handset has opened a link, on its own or after a page. {LCE-PAGE-RESPONSE} was matched with
    /// [`answers`] before.
    Opened {
        /// It came with a message.
        with_message: bool,
    },
    /// The handset said something.
    Heard,
    /// An entity needs the link no more.
    NotNeeded {
        /// It may be wanted again soon.
        partial: bool,
        /// Other entities need it.
        in_use: bool,
    },
    /// What waits is not to be said any more: the call was given up.
    Discard,
    /// The data link confirms the release (DL_RELEASE-cfm).
    ReleaseConfirmed,
    /// The data link is gone (DL_RELEASE-ind).
    Failed {
        /// An active call wants it back, and it was not released in order.
        resume: bool,
    },
    /// The deadline has come.
    Deadline,
}

/// What a link orders, or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Page the handset in its location area.
    Page(Page),
    /// Send this over the link.
    Data(Message),
    /// Release the data link.
    Release {
        /// What is still to be sent is sent first.
        normal: bool,
    },
    /// The handset does not answer; what waited is dropped.
    Unreachable {
        /// How many messages waited.
        dropped: usize,
    },
    /// A lost link did not come back.
    Gone,
}

/// Why an input is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// [`MAX_QUEUED`] messages wait for the link already.
    #[error("too many messages wait for this handset to answer its page")]
    Full,
    /// "A link shall not be re-established whilst in the "RELEASE PENDING" state" (14.2.7.1).
    #[error("the link is being released; try again in a moment")]
    Releasing,
}

/// The link of one handset.
#[derive(Debug)]
pub struct Link {
    state: State,
    ipui: Ipui,
    tpui: Option<Tpui>,
    queue: VecDeque<Message>,
    header: PageHeader,
    pages: u8,
    timers: TimerTable<Timer>,
}

/// Orders as they come together; a link saves nothing.
type Out = Vec<Output>;

impl Link {
    /// No link yet.
    pub fn new(ipui: Ipui, tpui: Option<Tpui>) -> Self {
        let (queue, timers) = (VecDeque::new(), TimerTable::default());
        let header = PageHeader::NoUPlane;
        Self { state: State::Released, ipui, tpui, queue, header, pages: 0, timers }
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The temporary name by which it is paged from now on.
    pub fn assign(&mut self, tpui: Option<Tpui>) {
        self.tpui = tpui;
    }

    fn start(&mut self, timer: Timer, now: Moment) {
        self.timers.set(timer, now + timer.length());
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.timers.stop_all();
    }

    fn page(&mut self, now: Moment, out: &mut Out) {
        let address = PageAddress::short(&self.ipui, self.tpui);
        out.push(Output::Page(Page { header: self.header, address }));
        self.start(Timer::Lce03, now);
    }

    fn send(
        &mut self,
        message: Message,
        header: PageHeader,
        now: Moment,
        out: &mut Out,
    ) -> Result<(), Refusal> {
        match self.state {
            State::Established => {
                self.timers.stop(Timer::Lce02);
                self.timers.stop(Timer::Lce05);
                out.push(Output::Data(message));
                return Ok(());
            }
            State::ReleasePending => return Err(Refusal::Releasing),
            _ if self.queue.len() >= MAX_QUEUED => return Err(Refusal::Full),
            // "New requests shall be queued until the pending link establishment is either successful or has
            // failed" (14.2.3).
            State::EstablishPending | State::Resuming => {}
            State::Released => {
                (self.header, self.pages) = (header, 0);
                self.enter(State::EstablishPending);
                self.page(now, out);
            }
        }
        self.queue.push_back(message);
        Ok(())
    }

    fn opened(&mut self, with_message: bool, now: Moment, out: &mut Out) {
        self.enter(State::Established);
        out.extend(self.queue.drain(..).map(Output::Data));
        if out.is_empty() && !with_message {
            self.start(Timer::Lce05, now);
        }
    }

    fn release(&mut self, normal: bool, now: Moment, out: &mut Out) {
        self.enter(State::ReleasePending);
        out.push(Output::Release { normal });
        self.start(Timer::Lce01, now);
    }

    fn failed(&mut self, resume: bool, now: Moment, out: &mut Out) {
        match (self.state, resume) {
            // "If timer <LCE.04> is already running, it shall not be restarted."
            (State::Resuming, true) => {}
            (State::Established, true) => {
                self.enter(State::Resuming);
                self.start(Timer::Lce04, now);
            }
            (State::EstablishPending, _) => {}
            _ => {
                let dropped = self.queue.len();
                self.queue.clear();
                self.enter(State::Released);
                if dropped > 0 {
                    out.push(Output::Unreachable { dropped });
                }
            }
        }
    }

    fn expire(&mut self, now: Moment, out: &mut Out) {
        while let Some(timer) = self.timers.pop_expired(now) {
            match timer {
                // "A message may be resubmitted a maximum of N300 times, before it is discarded."
                Timer::Lce03 if self.pages < N300 => {
                    self.pages += 1;
                    self.page(now, out);
                }
                Timer::Lce03 => {
                    out.push(Output::Unreachable { dropped: self.queue.len() });
                    self.queue.clear();
                    self.enter(State::Released);
                }
                // "On expiry of <LCE.02> … the LCE shall release the link immediately using the "abnormal"
                // release procedure" (14.2.7.2). A link that never said a word is released in order.
                Timer::Lce02 => self.release(false, now, out),
                Timer::Lce05 => self.release(true, now, out),
                // "If timer <LCE.01> expires before the DL_RELEASE-cfm primitive is received, the initiating
                // entity shall immediately initiate the "abnormal" release procedure": nothing is awaited then.
                Timer::Lce01 => {
                    out.push(Output::Release { normal: false });
                    self.enter(State::Released);
                }
                // "If timer <LCE.04> expires …, the LCE shall clear all of the associated calls" (17.9).
                Timer::Lce04 => {
                    self.queue.clear();
                    self.enter(State::Released);
                    out.push(Output::Gone);
                }
            }
        }
    }
}

impl Machine for Link {
    type Input = Input;
    type Save = std::convert::Infallible;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, input: Input, now: Moment) -> Result<Ready<Self::Save, Output>, Refusal> {
        let mut out = Out::new();
        match (input, self.state) {
            (Input::Send(message, header), _) => self.send(message, header, now, &mut out)?,
            (Input::Opened { with_message }, _) => self.opened(with_message, now, &mut out),
            (Input::Heard, _) => {
                self.timers.stop(Timer::Lce02);
                self.timers.stop(Timer::Lce05);
            }
            // Whoever else uses the link says so in his turn.
            (Input::NotNeeded { partial: true, in_use: false }, State::Established) => {
                self.start(Timer::Lce02, now);
            }
            // "The LCE shall examine whether no other higher layer entities are using it and no LCE timers are
            // running" (14.2.7.1).
            (Input::NotNeeded { partial: false, in_use: false }, State::Established)
                if self.timers.next().is_none() =>
            {
                self.release(true, now, &mut out);
            }
            (Input::NotNeeded { .. }, _) => {}
            // "If the call is released by the higher entity … the message shall be immediately discarded".
            (Input::Discard, State::EstablishPending) => {
                self.queue.clear();
                self.enter(State::Released);
            }
            (Input::Discard, _) => {}
            (Input::ReleaseConfirmed, State::ReleasePending) => self.enter(State::Released),
            (Input::ReleaseConfirmed, _) => {}
            (Input::Failed { resume }, _) => self.failed(resume, now, &mut out),
            (Input::Deadline, _) => self.expire(now, &mut out),
        }
        Ok(Ready::say(out))
    }

    fn deadline(&self) -> Option<Moment> {
        self.timers.next()
    }
}

/// Whether a page response is this handset's: "The LCE shall then check the identity contained in this
/// response against a list of outstanding {LCE-REQUEST-PAGE} messages" (14.2.3).
pub fn answers(response: &Message, ipui: &Ipui, tpui: Option<Tpui>) -> bool {
    match response.get::<PortableIdentity>() {
        Some(PortableIdentity::Ipui(found)) => found == *ipui,
        Some(PortableIdentity::Tpui { tpui: found, .. }) => Some(found) == tpui,
        Some(PortableIdentity::Ipei(found)) => ipui.ipei() == Some(found),
        None => false,
    }
}

/// {LCE-PAGE-REJECT} for a response nobody waits for. "This unwanted link shall be immediately released".
pub fn reject(response: &Message, reason: RejectReason) -> Message {
    let reject = response.answer(Kind::LcePageReject).with(&reason);
    reject.with_some(response.get::<PortableIdentity>().as_ref())
}

/// A free transaction for us to begin. "The TI value of "6" shall only be used for connectionless NWK layer
/// transactions" (7.3). `None` when all are in use.
pub fn free(protocol: Protocol, in_use: &[Transaction]) -> Option<Transaction> {
    (0..=protocol.highest_value().min(5))
        .map(|value| Transaction { protocol, value, starter: Side::Fixed })
        .find(|transaction| !in_use.contains(transaction))
}

#[cfg(test)]
mod tests;
