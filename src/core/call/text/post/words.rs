//! What the post is told and what it orders.

use crate::call::house::HouseFate;
use crate::call::text::request::TextWay;
use crate::call::text::{Draft, Sender, TextId, TextMessage, imdn::Imdn};
use crate::dect::identity::Ipui;
use crate::id::Username;
use crate::pii::Pii;
use crate::sip::Destination;
use crate::sip::wire::Message;

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Errand {
    /// A message to one of its recipients, by number. The flag: in an envelope that asks for notifications.
    Text(TextId, usize, bool),
    /// A notification to a sender.
    Notice(u64),
}

/// Where somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// At handsets of a user of ours. Both empty: not now.
    Handsets {
        /// Whose.
        user: Username,
        /// Those that speak SIP.
        ways: Vec<TextWay>,
        /// Those on native base stations.
        native: Vec<Ipui>,
    },
    /// In the north.
    North(Box<TextWay>),
    /// Not now, and why.
    NotNow(String),
    /// Nowhere, and why.
    Nowhere(String),
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostInput {
    /// First: what was on disk.
    Started(Vec<TextMessage>),
    /// A message shall be sent. Its name is fresh, and the draft has no faults.
    Submit(TextId, Box<Draft>),
    /// The answer to [`PostOutput::Find`].
    Found(Errand, Found),
    /// An answer whose branch is ours.
    Received(Message),
    /// A request of ours could not leave.
    SendFailed(Message),
    /// A handset on a native base station has the text, or why not.
    Shown(Errand, Result<(), String>),
    /// How a call to a recipient of an alarm went: the answer to [`PostOutput::Ring`].
    Rung((TextId, usize), HouseFate),
    /// A user's handset can be reached from now on.
    Reachable(Username),
    /// What became of one of our messages, by whom it was sent to.
    Notice {
        /// The user, or the URI in the north.
        by: String,
        /// What.
        notice: Imdn,
    },
    /// A user answers whatever alarm was last for it.
    Answer {
        /// Who.
        by: Username,
        /// What was written; none: a key or code, which is a yes.
        text: Option<Pii<String>>,
    },
    /// Somebody answers for a message in a user's place.
    Confirm {
        /// Which.
        id: TextId,
        /// For which recipient's address.
        by: String,
    },
    /// An administrator takes it back.
    Withdraw(TextId),
    /// The moment of [`deadline`](crate::machine::Machine::deadline) has come.
    Deadline,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostOutput {
    /// Say where this is: [`PostInput::Found`].
    Find {
        /// For what.
        errand: Errand,
        /// Username, number or URI.
        address: String,
        /// Who sends.
        sender: Sender,
    },
    /// Send it.
    Send {
        /// The request.
        message: Message,
        /// Where to.
        to: Destination,
        /// By whose line.
        line: Option<Username>,
    },
    /// Show it on a handset on native base stations: [`PostInput::Shown`].
    Show {
        /// For what.
        errand: Errand,
        /// Which handset.
        ipui: Ipui,
        /// What stands over it: how urgent it is, and who writes.
        heading: Pii<String>,
        /// What.
        text: Pii<String>,
    },
    /// Call a user's handsets for an alarm, till one answers: [`PostInput::Rung`].
    Ring {
        /// The message, and which of its recipients.
        place: (TextId, usize),
        /// Whose handsets.
        user: Username,
        /// Who sent it: user part or URI.
        from: String,
        /// What stands in the place of the caller's name.
        words: Pii<String>,
    },
    /// End that call.
    Hush((TextId, usize)),
    /// Something that people should know.
    Event(PostEvent),
}

/// What people should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostEvent {
    /// A recipient has it.
    Delivered(TextId),
    /// A recipient does not get it, and why.
    Undelivered(TextId, String),
    /// Somebody answers for it.
    Confirmed(TextId, String),
    /// Nobody has confirmed: it went to that level.
    Escalated(TextId, u8),
    /// Nobody has confirmed, and there is no further level.
    Unconfirmed(TextId),
}

/// What is asked to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostSave {
    /// A message, new or changed.
    Put(Box<TextMessage>),
}

/// Why an input is not taken. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostRefusal {
    /// Too many wait.
    #[error("too many messages wait for their delivery; try again in a minute")]
    Full,
    /// It is settled, or was never here.
    #[error("the message is settled already")]
    Settled,
    /// Nobody waits for that.
    #[error("no message waits for it")]
    NothingWaits,
}
