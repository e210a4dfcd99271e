//! What a [`Focus`](super::Focus) is told, and what it orders.

use crate::id::Tokens;
use crate::lync::conference::roster::Roster;
use crate::sip::registrar::civil_date;
use crate::sip::wire::Message;
use crate::sip::{Destination, Peer};
use crate::timer::Moment;

#[cfg(doc)]
use crate::machine::Machine;

/// How a conference is come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// By this focus.
    Join(String),
    /// It is made by this factory first.
    Create(String),
}

/// Whom the mixer shall call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callee {
    /// SIP URI.
    pub uri: String,
    /// Name, possibly empty.
    pub name: String,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FocusInput {
    /// It begins.
    Started,
    /// A verified message of ours: an answer to what we sent, or a request in one of our dialogs.
    Received(Message, Peer),
    /// A message of ours could not leave.
    TransportFailed(Message),
    /// Let the mixer call somebody.
    DialOut(Callee),
    /// Mute somebody, by URI, or let somebody speak.
    Mute(String, bool),
    /// Put somebody out, by URI.
    Remove(String),
    /// Leave the conference.
    Leave,
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq)]
pub enum FocusOutput {
    /// Sign and send it.
    Send {
        /// The message.
        message: Message,
        /// Where to.
        to: Destination,
    },
    /// The front end does not know the user's keys.
    Doubted,
    /// The user is in.
    Joined {
        /// The focus.
        focus: String,
        /// Where its mixer is called.
        audio: String,
    },
    /// The user will not come in.
    Failed {
        /// As a status of SIP.
        status: u16,
        /// Why, in words.
        words: String,
    },
    /// What became of [`FocusInput::DialOut`].
    Called {
        /// Whom.
        uri: String,
        /// None: is there. Else why not.
        refused: Option<String>,
    },
    /// Who is there now.
    Roster(Box<Roster>),
    /// The user is not in any more: nothing more will come of it but [`Closed`](Self::Closed).
    Over {
        /// Why, in words.
        words: String,
    },
    /// Every transaction is done: the owner may drop it.
    Closed,
}

/// Why an input is not taken. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FocusRefusal {
    /// There is no dialog with the focus.
    #[error("the conference was not joined, or is left")]
    NotIn,
    /// Nobody of that name is with the mixer.
    #[error("nobody of that name is in the conference")]
    Nobody,
    /// Too many commands wait for their answers.
    #[error("the focus answers nothing any more")]
    Busy,
}

/// 32 fresh hexadecimal digits.
pub(super) fn hex(tokens: &mut Tokens) -> String {
    tokens.bytes()[..16].iter().map(|byte| format!("{byte:02X}")).collect()
}

/// `2014-07-13T17:57:09Z`.
pub(super) fn date_time(at: Moment) -> String {
    let (year, month, day) = civil_date(at);
    let seconds = at.as_secs() % 86_400;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
