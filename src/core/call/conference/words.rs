//! What a [`Conference`](super::Conference) is told, and what it orders.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Conference;
use crate::call::Party;
use crate::call::cause::Cause;
use crate::id::{BadUsername, CallRef, MixerId, OwnerId, Username};
use crate::pii::Pii;
use crate::timer::Moment;

/// What is dialled to get into a room: the user part of its URI.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomName(Username);

impl RoomName {
    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for RoomName {
    type Err = BadUsername;

    fn from_str(text: &str) -> Result<Self, BadUsername> {
        text.parse().map(Self)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a room comes from, and so when it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Made by an administrator, and there until one removes it.
    MeetMe,
    /// Made by a user in a call; it goes with its parties.
    AdHoc,
    /// A conference of the pool in the north, which some of our users are in. It is no room of ours.
    Pool,
}

/// A room as it is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// What is dialled.
    pub name: RoomName,
    /// For people.
    pub title: String,
    /// Where it comes from.
    pub kind: RoomKind,
    /// Digits that are asked of whoever comes; none: everybody may come in.
    pub pin: Option<Pii<String>>,
    /// Whether a tone tells those inside that somebody has come or gone.
    pub tones: bool,
    /// Most parties, 2 to [`MOST_PARTIES`](super::MOST_PARTIES).
    pub most: u8,
    /// Whether it can be dialled from the north.
    pub outside: bool,
}

/// What is wrong with a [`Room`], by field.
pub type RoomFaults = Vec<(&'static str, String)>;

impl Room {
    /// Checks what an administrator has set.
    pub fn faults(&self) -> RoomFaults {
        let mut faults = Vec::new();
        if !(2..=super::MOST_PARTIES).contains(&self.most) {
            faults.push(("most", format!("2 to {} parties are possible", super::MOST_PARTIES)));
        }
        if self.title.chars().count() > 64 {
            faults.push(("title", "a title has at most 64 characters".into()));
        }
        let good = |pin: &str| (4..=12).contains(&pin.len()) && pin.bytes().all(|b| b.is_ascii_digit());
        match &self.pin {
            Some(Pii(pin)) if !good(pin) => faults.push(("pin", "a PIN has 4 to 12 digits".into())),
            // Whoever may dial from outside is everybody.
            None if self.outside => {
                faults.push(("pin", "a room that can be dialled from outside needs a PIN".into()))
            }
            _ => {}
        }
        faults
    }
}

/// What can happen to a conference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It begins, or was restored from its record.
    Started,
    /// An administrator has changed the room.
    Set(Room),
    /// An end of a call has come to the room. Said again after a restart.
    Entered {
        /// The end, by its name in tags.
        member: OwnerId,
        /// Its call.
        call: CallRef,
        /// Who it is.
        party: Party,
        /// Whoever brought it here vouches for it: no PIN is asked.
        vouched: bool,
    },
    /// It has pressed a key.
    Key(OwnerId, char),
    /// It has hung up, or was taken elsewhere.
    Left(OwnerId),
    /// A call is gone with all its ends.
    CallGone(CallRef),
    /// Mute somebody, or let somebody speak again.
    Mute(OwnerId, bool),
    /// Send somebody away.
    Remove(OwnerId),
    /// The room is removed: everybody is sent away.
    Close,
    /// The moment it asked for has come.
    Deadline,
}

/// What a conference orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Tell the call of that reference something.
    Call(CallRef, RoomOrder),
    /// Everybody inside hears this once.
    Announce(Announcement),
    /// Lists want to know.
    Changed(Box<RoomView>),
    /// It is over; its actor may go.
    Over,
}

/// What everybody inside hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// Somebody has come.
    Joined,
    /// Somebody has gone.
    Gone,
}

/// What a call is told by the room that its ends are in. Ends are named as in tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomOrder {
    /// All its ends but one talk in this room from now on.
    Meet {
        /// Which.
        room: RoomName,
        /// The end whose user is there already, and which is ended.
        without: Option<Whom>,
    },
    /// This end talks with the others from now on.
    Sit {
        /// Which end.
        member: OwnerId,
        /// With whom.
        mixer: MixerId,
        /// It only hears.
        muted: bool,
    },
    /// This end, which waits to be let in, hears this.
    Prompt(OwnerId, Prompt),
    /// This end is sent away.
    Dismiss(OwnerId, Cause),
    /// The call's two ends are the last: they talk with each other as before.
    Part,
    /// The call's end and this end of another call are the last: they become one call.
    Unite(CallRef, OwnerId),
}

/// An end of a call, as it is named from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The one of this user.
    User(Username),
    /// The one of this name in tags.
    Leg(OwnerId),
}

/// What somebody at the door hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// The PIN, please.
    AskPin,
    /// That was not it; again, please.
    WrongPin,
}

/// What a call tells the room that its ends are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomNews {
    /// This end has come.
    Entered {
        /// By its name in tags.
        member: OwnerId,
        /// Who it is.
        party: Party,
        /// It did not dial the room itself: who brought it is responsible.
        vouched: bool,
    },
    /// It has pressed a key.
    Key(OwnerId, char),
    /// It has gone.
    Left(OwnerId),
}

impl RoomNews {
    /// As the conference hears it from `call`.
    pub fn from_call(self, call: CallRef) -> Input {
        match self {
            Self::Entered { member, party, vouched } => Input::Entered { member, call, party, vouched },
            Self::Key(member, digit) => Input::Key(member, digit),
            Self::Left(member) => Input::Left(member),
        }
    }
}

/// What a conference asks to have written.
#[derive(Debug, Clone, PartialEq)]
pub enum Save {
    /// The room and who is in it.
    Put(Box<Conference>),
    /// It is no more.
    Delete(RoomName),
}

/// Why a conference does not take an input. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("room {room} does not take {input}")]
pub struct Refusal {
    pub(super) room: RoomName,
    pub(super) input: &'static str,
}

/// A room as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomView {
    /// As it is set up.
    pub room: Room,
    /// Who is there, in the order in which they came.
    pub members: Vec<MemberView>,
}

/// Somebody in a room, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// By its name in tags.
    pub id: OwnerId,
    /// Its call.
    pub call: CallRef,
    /// Number or user part.
    pub number: String,
    /// Display name, possibly empty.
    pub display: String,
    /// When it came.
    pub since: Moment,
    /// Still at the door, where a PIN is asked.
    pub waits: bool,
    /// It only hears.
    pub muted: bool,
}
