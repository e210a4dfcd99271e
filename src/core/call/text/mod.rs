//! Text messages: between handsets and the north, and from administrators to handsets.
//!
//! ```text
//!  handset, north ── MESSAGE ──► read ──┐                    ┌──► handset (SIP MESSAGE, or over the air)
//!                                       ├──► Post ── Carry ──┤
//!  REST, emergency calls ── Draft ──────┘     │  ▲           └──► north (MESSAGE by a user's line)
//!                                             │  └── 2xx, IMDN, reply, key
//!                                          record, escalation
//! ```
//!
//! The switch stores and forwards: a text is on disk before its sender hears 202 (RFC 3428 §7: "the 202
//! (Accepted) response … the message has been accepted … but the recipient may not have received it"), and
//! goes on until it is delivered or too old. So a text to a handset that is switched off arrives when it is
//! back, and a text to many needs no help of theirs.
//!
//! An alarm is a text that is urgent, asks for confirmation, and goes to others when none comes. One that is an
//! emergency rings ([`post`]).
//!
//! Terminology: *delivered*: the far end took it (a 2xx, or an IMDN that says so). *read*: its user saw it
//! (IMDN `displayed`). *confirmed*: its user answered for it: a reply, a key, a feature code. A confirmation
//! counts as read, and what is read was delivered.
//!
//! A file each: [`cpim`] and [`imdn`] the documents, [`request`] the SIP, [`carrier`] the transactions,
//! [`post`] the machine.
//!
//! Out of scope: pictures and files (415), rooms and lists (RFC 5365), MSRP, and messages in an INVITE session
//! as Lync's clients prefer them: a text from there comes as page mode or not at all.

pub mod carrier;
pub mod cpim;
pub mod imdn;
pub mod post;
pub mod request;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::Username;
use crate::pii::Pii;
use crate::timer::Moment;

/// Longest text, in octets of UTF-8. RFC 3428 §8: "the size of MESSAGE requests outside of a media session MUST
/// NOT exceed 1300 bytes", and headers need the rest.
pub const LONGEST_TEXT: usize = 700;
/// Most recipients of one message, all levels of escalation together.
pub const MOST_RECIPIENTS: usize = 500;
/// Most levels of escalation.
pub const MOST_LEVELS: usize = 8;

/// The name of a message: the moment it was taken in, in microseconds. Sorts by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TextId(pub u64);

impl fmt::Display for TextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013x}", self.0)
    }
}

impl FromStr for TextId {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// How urgent (RFC 3261 §20.26, without "non-urgent", which no handset shows).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// As any.
    #[default]
    Normal,
    /// Handsets that can, ring for it.
    Urgent,
    /// Life is in danger.
    Emergency,
}

impl Priority {
    /// As in the header and in REST.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Urgent => "urgent",
            Self::Emergency => "emergency",
        }
    }
}

/// What a message asks of its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirmation {
    /// Nothing.
    #[default]
    None,
    /// That somebody saw it.
    Read,
    /// That somebody answers for it.
    Reply,
}

impl Confirmation {
    /// As in REST.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Reply => "reply",
        }
    }
}

/// How a message stands with one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Not there yet; it is tried again.
    Waiting,
    /// The far end took it.
    Delivered,
    /// Its user saw it.
    Read,
    /// Its user answers for it.
    Confirmed,
    /// Its user will not.
    Declined,
    /// It cannot get there.
    Failed,
    /// It was too old before it got there.
    Expired,
    /// Somebody else had answered for it before it got there.
    Unneeded,
}

impl Standing {
    /// As in REST.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Confirmed => "confirmed",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Unneeded => "unneeded",
        }
    }
}

/// Who sent a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// User part, or a whole URI of the north: where an answer goes.
    pub address: String,
    /// For people.
    pub display: String,
    /// The user of this switch, when it is one.
    pub user: Option<Username>,
}

/// Somebody who shall get a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// As it was asked for: username, number or URI.
    pub address: String,
    /// The user of this switch that this means, once that is known.
    #[serde(default)]
    pub user: Option<Username>,
    /// On which level of escalation; 0 at once.
    #[serde(default)]
    pub level: u8,
    /// How it stands.
    pub standing: Standing,
    /// Since when.
    pub since: Moment,
    /// How often it was tried.
    #[serde(default)]
    pub tries: u16,
    /// Why the last try failed, in words.
    #[serde(default)]
    pub cause: String,
    /// What its user answered.
    #[serde(default)]
    pub answer: Pii<String>,
}

impl Recipient {
    fn new(address: &str, level: u8, now: Moment) -> Self {
        Self {
            address: address.to_owned(),
            user: None,
            level,
            standing: Standing::Waiting,
            since: now,
            tries: 0,
            cause: String::new(),
            answer: Pii::default(),
        }
    }

    /// Whether nothing more happens by itself.
    pub fn is_settled(&self) -> bool {
        self.standing != Standing::Waiting
    }
}

/// What a sender asked to be told (RFC 5438).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The sender's Message-ID.
    pub id: String,
    /// The sender's DateTime, as it wrote it.
    pub date_time: String,
    /// Tell when it was delivered.
    pub delivery: bool,
    /// Tell when it was read.
    pub display: bool,
}

/// Whom it goes to when nobody confirms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Escalation {
    /// How long each level has.
    pub after: Duration,
    /// The recipients of the levels after the first.
    pub levels: Vec<Vec<String>>,
}

/// A message, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextMessage {
    /// Its name.
    pub id: TextId,
    /// Who sent it.
    pub sender: Sender,
    /// What it says.
    pub text: Pii<String>,
    /// How urgent.
    #[serde(default)]
    pub priority: Priority,
    /// What it asks.
    #[serde(default)]
    pub confirmation: Confirmation,
    /// Where it goes when nobody confirms.
    #[serde(default)]
    pub escalation: Option<Escalation>,
    /// The level that it has reached.
    #[serde(default)]
    pub level: u8,
    /// When the next level begins.
    #[serde(default)]
    pub escalates: Option<Moment>,
    /// After this it is not delivered any more.
    pub expires: Moment,
    /// Who gets it.
    pub recipients: Vec<Recipient>,
    /// What the sender wants to hear of it.
    #[serde(default)]
    pub wish: Option<Wish>,
    /// Taken back by an administrator.
    #[serde(default)]
    pub withdrawn: bool,
}

impl TextMessage {
    /// When it was taken in.
    pub fn created(&self) -> Moment {
        Moment::from_micros(self.id.0)
    }

    /// Whether what it asks was given. One is enough: whoever answers for an alarm goes.
    pub fn is_confirmed(&self) -> bool {
        let wanted: &[Standing] = match self.confirmation {
            Confirmation::None => return false,
            Confirmation::Read => &[Standing::Read, Standing::Confirmed],
            Confirmation::Reply => &[Standing::Confirmed],
        };
        self.recipients.iter().any(|recipient| wanted.contains(&recipient.standing))
    }

    /// In a word, for lists: `waiting`, `delivered`, `confirmed`, `unconfirmed`, `failed`, `withdrawn`.
    pub fn state(&self) -> &'static str {
        let of = |standing| self.recipients.iter().any(|recipient| recipient.standing == standing);
        let asked = self.confirmation != Confirmation::None;
        match () {
            () if self.withdrawn => "withdrawn",
            () if self.is_confirmed() => "confirmed",
            () if of(Standing::Waiting) => "waiting",
            () if asked => "unconfirmed",
            () if of(Standing::Delivered) || of(Standing::Read) || of(Standing::Confirmed) => "delivered",
            () => "failed",
        }
    }

    /// Whether the machine still has to do with it.
    pub fn is_open(&self) -> bool {
        let waits = self.recipients.iter().any(|recipient| !recipient.is_settled());
        !self.withdrawn && (waits || self.awaits_confirmation())
    }

    /// Whether somebody may still confirm it.
    pub fn awaits_confirmation(&self) -> bool {
        self.confirmation != Confirmation::None && !self.withdrawn && !self.is_confirmed()
    }
}

/// A message that shall be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// By whom.
    pub sender: Sender,
    /// What it says.
    pub text: Pii<String>,
    /// To whom, at once.
    pub to: Vec<String>,
    /// How urgent.
    pub priority: Priority,
    /// What it asks.
    pub confirmation: Confirmation,
    /// Where it goes when nobody confirms.
    pub escalation: Option<Escalation>,
    /// How long it may take.
    pub lifetime: Duration,
    /// What the sender wants to hear of it.
    pub wish: Option<Wish>,
}

/// Why a message cannot be sent as it is: the field, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftFault {
    /// Which field.
    pub field: &'static str,
    /// What is wrong, and how to mend it.
    pub what: String,
}

impl Draft {
    /// Everything that is wrong.
    pub fn faults(&self) -> Vec<DraftFault> {
        let mut faults = Vec::new();
        let mut fault = |field, what: String| faults.push(DraftFault { field, what });
        let text = &self.text.0;
        if text.trim().is_empty() {
            fault("text", "write something".into());
        }
        if text.len() > LONGEST_TEXT {
            fault("text", format!("at most {LONGEST_TEXT} octets are possible; these are {}", text.len()));
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            fault("text", "only printable characters and line breaks are possible".into());
        }
        let levels = self.escalation.iter().flat_map(|escalation| &escalation.levels);
        let all: Vec<&String> = self.to.iter().chain(levels.flatten()).collect();
        if self.to.is_empty() {
            fault("to", "name at least one recipient".into());
        }
        if all.len() > MOST_RECIPIENTS {
            fault(
                "to",
                format!("at most {MOST_RECIPIENTS} recipients are possible; these are {}", all.len()),
            );
        }
        let plain = |address: &str| {
            !address.is_empty()
                && address.len() <= 255
                && address.chars().all(|c| c.is_ascii_graphic() && !"<>\"".contains(c))
        };
        if let Some(wrong) = all.iter().find(|address| !plain(address)) {
            fault("to", format!("{wrong:?} is neither a username, a number nor a SIP URI"));
        }
        if let Some(escalation) = &self.escalation {
            let seconds = escalation.after.as_secs();
            if !(5..=86_400).contains(&seconds) {
                fault("escalation/after_seconds", "5 to 86400 seconds are possible".into());
            }
            if escalation.levels.is_empty() || escalation.levels.len() > MOST_LEVELS {
                fault("escalation/levels", format!("1 to {MOST_LEVELS} levels are possible"));
            }
            if self.confirmation == Confirmation::None {
                fault("confirmation", "an escalation needs one: \"read\" or \"reply\"".into());
            }
        }
        if !(10..=7 * 86_400).contains(&self.lifetime.as_secs()) {
            fault("lifetime_seconds", "10 to 604800 seconds are possible".into());
        }
        faults
    }
}
