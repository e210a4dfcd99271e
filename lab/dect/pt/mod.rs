//! The portable side of the network layer: link control, mobility, calls (EN 300 175-5, clauses 9, 13, 14).
//!
//! ```text
//! user's acts ──┐                          ┌──► Send, OpenLink, CloseLink
//! messages  ────┼──► Portable ──► take() ──┼──► Key (for ciphering), Sound
//! pages, time ──┘                          └──► Happened: what a user would see or hear
//! ```
//!
//! No socket and no clock: every entry takes the time, and what follows is taken with
//! [`Portable::take`]. One call at a time; another is refused as busy.

mod call;
mod mobility;
mod post;
#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub use call::{CallState, Ringing};
pub use text::Display;

use super::dsaa2::Key;
use super::identity::{Ipei, Park, Rfpi, assigned_tpui};
use super::number::{ie, msg, pd};
use super::nwk::{Malformed, Message};
use call::Call;
use mobility::Procedure;
use post::Post;

/// LCE.05: a link without a word is released.
const LCE_05: Duration = Duration::from_secs(5);
/// The connectionless broadcast's short address.
const CBI: u16 = 0xCFFF;

/// What a handset keeps in its memory: the access rights to one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// PORTABLE-IDENTITY as the system assigned it.
    ipui: Vec<u8>,
    /// Relevant bits of the PARK, and the bits.
    park: (u8, Vec<u8>),
    uak: Key,
    tpui: Option<u32>,
}

impl Subscription {
    /// As it stands after access rights were granted.
    pub fn new(ipei: Ipei, park: Park, uak: Key) -> Self {
        Self { ipui: ipei.ipui_n().to_vec(), park: (park.pli, park.value), uak, tpui: None }
    }

    /// The system that it gives access to.
    pub fn park(&self) -> Park {
        Park { pli: self.park.0, value: self.park.1.clone() }
    }
}

/// What the machine wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Open a link; the page that it answers goes along.
    OpenLink(Option<u32>),
    /// A message for the link.
    Send(Vec<u8>),
    /// Release the link.
    CloseLink,
    /// Cipher with this key when the base does.
    Key(Key),
    /// Open the ear and the mouth, or close them.
    Sound {
        /// What the system sends is played.
        hear: bool,
        /// What the user says is sent.
        speak: bool,
    },
    /// Something that the user, or a test, notices.
    Happened(Event),
}

/// Something that a user of a handset, or a test, notices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// Access rights were granted.
    Subscribed,
    /// They were not.
    NotSubscribed {
        /// REJECT-REASON; none when nobody answered or the system could not prove itself.
        reason: Option<u8>,
    },
    /// The system knows where the handset is.
    Located,
    /// It does not want to.
    NotLocated {
        /// REJECT-REASON; none when nobody answered.
        reason: Option<u8>,
    },
    /// The system has authenticated the handset.
    Authenticated,
    /// The system has proved itself, or failed to.
    SystemProved {
        /// Whether RES2 was right.
        right: bool,
    },
    /// The access rights were taken away over the air.
    Deleted,
    /// A call comes in.
    Ringing(Ringing),
    /// The call is under way.
    Call {
        /// The state that it came to.
        state: CallState,
    },
    /// The call is over.
    Ended {
        /// RELEASE-REASON; none when the link was lost or nobody answered.
        reason: Option<u8>,
    },
    /// A tone or an alerting pattern, as SIGNAL numbers them.
    Signal {
        /// The number.
        signal: u8,
    },
    /// The display changed.
    Display {
        /// All of its text.
        text: String,
    },
    /// A text came.
    Text {
        /// All of it.
        text: String,
    },
    /// A text of ours was taken, or was not.
    Sent {
        /// Whether.
        taken: bool,
    },
    /// So many new voice messages.
    MessageWaiting {
        /// How many.
        count: u8,
    },
    /// The system sent something that the standard does not allow.
    Malformed {
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Down,
    Opening,
    Up,
}

/// A handset's network layer.
#[derive(Debug)]
pub struct Portable {
    ipei: Ipei,
    subscription: Option<Subscription>,
    link: Link,
    /// Messages that wait for the link.
    waiting: Vec<Message>,
    procedure: Option<Procedure>,
    /// RAND_P of our own authentication of the system.
    proving: Option<[u8; 8]>,
    call: Option<Call>,
    post: Post,
    display: Display,
    cipher_key: Option<Key>,
    last_word: Option<Instant>,
    /// RAND_P and RES of its last answer.
    answered: Option<([u8; 8], [u8; 4])>,
    /// It answers with them again.
    replays: bool,
    outputs: Vec<Output>,
    /// It has long slots and G.722; its call is in G.722.
    wideband: bool,
    wide: bool,
}

impl Portable {
    /// A handset with this serial number, and what it remembers.
    pub fn new(ipei: Ipei, subscription: Option<Subscription>) -> Self {
        Self {
            ipei,
            subscription,
            link: Link::Down,
            waiting: Vec::new(),
            procedure: None,
            proving: None,
            call: None,
            post: Post::default(),
            display: Display::default(),
            cipher_key: None,
            last_word: None,
            answered: None,
            replays: false,
            outputs: Vec::new(),
            wideband: false,
            wide: false,
        }
    }

    /// With long slots and G.722, or without.
    #[must_use]
    pub const fn with_wideband(mut self, wideband: bool) -> Self {
        self.wideband = wideband;
        self
    }

    /// Whether its call is in G.722.
    pub const fn speaks_wide(&self) -> bool {
        self.wide
    }

    /// What it remembers.
    pub const fn subscription(&self) -> Option<&Subscription> {
        self.subscription.as_ref()
    }

    /// Where its call stands.
    pub fn call_state(&self) -> Option<CallState> {
        self.call.as_ref().map(Call::state)
    }

    /// What the display shows.
    pub fn display(&self) -> String {
        self.display.to_string()
    }

    /// Whether anything is going on.
    pub const fn is_busy(&self) -> bool {
        self.procedure.is_some()
            || self.call.is_some()
            || self.post.is_busy()
            || !matches!(self.link, Link::Down)
    }

    /// The identity of the medium access layer: the assigned TPUI, or E and something.
    pub fn pmid(&self) -> u32 {
        let assigned = self.subscription.as_ref().and_then(|subscription| subscription.tpui);
        assigned.unwrap_or(0xE_0000 | u32::from(self.ipei.default_page_address()))
    }

    /// What is to be done since the last time.
    pub fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// The link stands.
    pub fn link_up(&mut self, now: Instant) {
        (self.link, self.last_word) = (Link::Up, Some(now));
        for message in std::mem::take(&mut self.waiting) {
            self.outputs.push(Output::Send(message.octets()));
        }
    }

    /// The link is gone, or could not be had.
    pub fn link_down(&mut self) {
        (self.link, self.last_word) = (Link::Down, None);
        self.waiting.clear();
        self.abandon_procedure(None);
        self.lose_texts();
        if !self.says_setup_again() {
            self.end_call(None);
        }
    }

    /// A page: three octets, or five.
    pub fn page(&mut self, pdu: &[u8], id: Option<u32>) {
        if self.link == Link::Down && self.is_paged(pdu) {
            let mut answer = Message::new(pd::LCE, msg::LCE_PAGE_RESPONSE);
            answer = answer.with(ie::PORTABLE_IDENTITY, &self.portable_identity());
            if let Some(subscription) = &self.subscription {
                answer = answer.with(ie::FIXED_IDENTITY, &subscription.park().element());
            }
            self.link = Link::Opening;
            self.outputs.push(Output::OpenLink(id));
            self.waiting.push(answer);
        }
    }

    /// A message from the system.
    pub fn hear(&mut self, octets: &[u8], now: Instant) {
        self.last_word = Some(now);
        let message = match Message::from_fixed(octets) {
            Ok(message) => message,
            Err(why) => return self.malformed(octets, &why),
        };
        match message.protocol {
            pd::MM => self.hear_mm(&message, now),
            pd::CC => self.hear_cc(&message),
            pd::CISS => self.hear_notice(&message),
            pd::CLMS => self.show(&message),
            pd::COMS => self.hear_coms(&message),
            // "LCE-PAGE-REJECT": the answer was not for us; the fixed side releases the link.
            _ => self.happened(Event::Malformed { why: "the answer to a page was refused".into() }),
        }
    }

    /// Time passes.
    pub fn pass(&mut self, now: Instant) {
        self.pass_mm(now);
        self.pass_cc(now);
        let idle =
            self.procedure.is_none() && self.proving.is_none() && self.call.is_none() && !self.post.is_busy();
        let silent = self.last_word.is_some_and(|last| now.saturating_duration_since(last) >= LCE_05);
        if self.link == Link::Up && idle && silent {
            self.link = Link::Down;
            self.last_word = None;
            self.outputs.push(Output::CloseLink);
        }
    }

    /// LCE: a short page names the assigned TPUI (W = 1) or the IPUI (W = 0) by their lower 16 bits; a full
    /// one all of the TPUI's 20, or 28 of the IPUI (8.2.1).
    fn is_paged(&self, pdu: &[u8]) -> bool {
        let Some(subscription) = &self.subscription else { return false };
        let ipui = &subscription.ipui;
        let lower = |octets: usize| {
            let start = ipui.len().saturating_sub(octets);
            ipui[start..].iter().fold(0_u32, |sum, octet| sum << 8 | u32::from(*octet))
        };
        match *pdu {
            [head, high, low] => {
                let address = u16::from_be_bytes([high, low]);
                let assigned = head & 0x08 != 0;
                let ours = if assigned { subscription.tpui } else { Some(lower(2)) };
                ours.is_some_and(|ours| ours as u16 == address) || (assigned && address == CBI)
            }
            [head, a, b, c, _attributes] if head & 0x08 != 0 => {
                let tpui = u32::from_be_bytes([0, a, b, c]) >> 4;
                subscription.tpui == Some(tpui & 0xF_FFFF)
            }
            [_, a, b, c, d] => u32::from_be_bytes([a, b, c, d]) & 0x0FFF_FFFF == lower(4) & 0x0FFF_FFFF,
            _ => false,
        }
    }

    fn portable_identity(&self) -> Vec<u8> {
        let assigned = self.subscription.as_ref().map(|subscription| subscription.ipui.clone());
        assigned.unwrap_or_else(|| self.ipei.ipui_n().to_vec())
    }

    /// Says it now, or when the link stands.
    fn say(&mut self, message: Message) {
        match self.link {
            Link::Up => return self.outputs.push(Output::Send(message.octets())),
            Link::Opening => {}
            Link::Down => {
                self.link = Link::Opening;
                self.outputs.push(Output::OpenLink(None));
            }
        }
        self.waiting.push(message);
    }

    fn happened(&mut self, event: Event) {
        self.outputs.push(Output::Happened(event));
    }

    fn malformed(&mut self, octets: &[u8], why: &Malformed) {
        let text: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        self.happened(Event::Malformed { why: format!("{why}: {text}") });
    }

    /// FACILITY outside of a call: message waiting (EVENTS-NOTIFICATION).
    fn hear_notice(&mut self, message: &Message) {
        self.show(message);
        // Type 0 (message waiting), its subtype, then the count with its extension bit.
        if let Some([0 | 0x80, rest @ ..]) = message.get(ie::EVENTS_NOTIFICATION)
            && let Some(count) = rest.last()
        {
            self.happened(Event::MessageWaiting { count: count & 0x7F });
        }
    }

    /// MULTI-DISPLAY and SINGLE-DISPLAY.
    fn show(&mut self, message: &Message) {
        let text = message.get(ie::MULTI_DISPLAY).or_else(|| message.get(ie::SINGLE_DISPLAY));
        if let Some(text) = text {
            self.display.write(text);
            let text = self.display.to_string();
            self.happened(Event::Display { text });
        }
    }

    fn take_tpui(&mut self, content: Option<&[u8]>) -> bool {
        let tpui = content.and_then(assigned_tpui);
        if let (Some(subscription), Some(tpui)) = (&mut self.subscription, tpui) {
            subscription.tpui = Some(tpui);
        }
        tpui.is_some()
    }

    /// Whether it may use this system.
    pub fn may_use(&self, rfpi: Rfpi) -> bool {
        self.subscription.as_ref().is_some_and(|subscription| subscription.park().matches(rfpi))
    }
}
