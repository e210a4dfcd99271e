//! Inputs, orders, saves and news of a session.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dect::base_link::code::*;
use crate::dect::base_link::direction::{Heard, Response, ToBase};
use crate::dect::base_link::enrolment::KeyPrint;
use crate::dect::base_link::value::{ConnId, MediaId, Pmid};
use crate::dect::base_link::word::*;
use crate::pii::Pii;
use crate::timer::Moment;

/// Number of one TLS connection; never used twice while the switch runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkNo(pub u64);

/// How long things take, and what is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How often a PING goes: "PING every 5 s".
    pub ping: Duration,
    /// When the other end is dead: "dead after 15 s".
    pub dead: Duration,
    /// POLICY: how long calls outlive a lost link: "default 10 s = DL.05".
    pub grace: Duration,
    /// Firmware whose version cannot be compared is let in.
    pub allow_unknown_firmware: bool,
    /// Where newer firmware is.
    pub firmware_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(5),
            dead: Duration::from_secs(15),
            grace: Duration::from_secs(10),
            allow_unknown_firmware: false,
            firmware_url: None,
        }
    }
}

/// How the base station is to be set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its radio.
    pub radio: RadioConfig,
    /// Its place in the sync tree.
    pub sync: SyncConfig,
}

/// What can happen to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A connection has said HELLO, and its certificate is this base station's.
    Greeted {
        /// Which connection.
        link: LinkNo,
        /// What it said.
        hello: Box<Hello>,
        /// The key of its certificate.
        key: KeyPrint,
    },
    /// A frame came.
    Received {
        /// On which connection.
        link: LinkNo,
        /// What it means.
        heard: Heard,
    },
    /// A connection is gone.
    Lost {
        /// Which.
        link: LinkNo,
    },
    /// The switch wants something.
    Order(Order),
    /// The deadline has come.
    Deadline,
}

/// What the switch may want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Set it up like this from now on. A changed radio waits until no connection is up.
    Configure(Box<Plan>),
    /// Say this. Words that are the session's own business (WELCOME, PING, RADIO_CONFIG and their like) are
    /// refused.
    Say(ToBase),
    /// Take no new connections any more (true), or again (false): maintenance.
    Drain(bool),
    /// An administrator has put it out of use, or in again. Its connections are released.
    OutOfUse(bool),
    /// The switch stops. Calls may go on when it starts again.
    Stop,
}

/// Where a base station stands (the life cycle of `docs/base-link.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No link.
    Down,
    /// It came and was not let in.
    Refused,
    /// The link is lost; its calls go on for a while.
    Suspect,
    /// It is being set up.
    Configuring,
    /// It is set up, and its radio is not on yet.
    Starting,
    /// The radio is on, and has no time yet.
    Syncing,
    /// Calls may come and go.
    Operational,
    /// Calls go on, and there is no room for more.
    Busy,
    /// Calls go on; no more are taken.
    Draining,
    /// The radio is off or broken.
    RadioOff,
}

impl Standing {
    /// "Calls only in Operational/Busy". Whether there is room is the allocation's to say.
    pub fn carries_calls(self) -> bool {
        matches!(self, Self::Operational | Self::Busy)
    }
}

/// What must survive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Name of the session.
    pub session_id: [u8; 16],
    /// With this the base station comes back to it.
    pub resume_token: Pii<[u8; 16]>,
    /// Connections that were taken.
    pub live: Vec<Live>,
    /// SHA-256 of the RADIO_CONFIG that it has taken.
    #[serde(default)]
    pub radio: Option<[u8; 32]>,
}

/// A connection that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Its number.
    pub conn: ConnId,
    /// Which handset, as the MAC layer knows it.
    pub pmid: Pmid,
    /// Streams of it.
    #[serde(default)]
    pub media: Vec<MediaId>,
}

/// What a session asks to have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Save {
    /// The session as it is now.
    Session(SessionRecord),
    /// There is none any more.
    Ended,
}

/// Which request an answer is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// RADIO_CONFIG
    RadioConfig,
    /// RADIO_START
    RadioStart,
    /// RADIO_STOP
    RadioStop,
    /// SYNC_CONFIG
    SyncConfig,
    /// PAGE with that PAGE_ID
    Page(Option<u32>),
    /// CONN_RELEASE
    Release(ConnId),
    /// CIPHER_KEY
    Cipher(ConnId),
    /// SLOT_CHANGE
    Slot(ConnId),
    /// HO_PREPARE
    HoPrepare(ConnId),
    /// MEDIA_OPEN
    MediaOpen(MediaId),
    /// MEDIA_MODIFY
    MediaModify(MediaId),
    /// MEDIA_CLOSE
    MediaClose(MediaId),
    /// STATS
    Stats,
    /// FW_OFFER
    Firmware,
    /// REBOOT
    Reboot,
    /// LED
    Led,
}

/// What a session orders, or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this frame.
    Send {
        /// On which connection.
        link: LinkNo,
        /// With which number.
        seq: u32,
        /// What.
        word: ToBase,
    },
    /// Close the connection once what was sent is out.
    Close {
        /// Which.
        link: LinkNo,
    },
    /// Tell the base station's owner.
    News(News),
}

/// What the owner of a base station is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It came in.
    Up {
        /// Its calls of before go on.
        resumed: bool,
        /// Its firmware is let in, and should be newer.
        upgrade_recommended: bool,
    },
    /// It was not let in.
    Refused(Refuse),
    /// The link is lost; connections are kept until then.
    Suspect {
        /// Until when.
        until: Moment,
    },
    /// It is gone, and all its connections with it.
    Down,
    /// It stands otherwise now.
    Standing(Standing),
    /// A handset opens a connection. It wants CONN_ACCEPT or CONN_REJECT within [`super::DECIDE`].
    ConnInd(ConnInd),
    /// A connection is gone: lost, released by the handset, or not known to both ends after a resume.
    ConnDown {
        /// Which.
        conn: ConnId,
        /// Why.
        reason: DownReason,
        /// Good and bad frames it had, when they were told.
        frames: Option<(u32, u32)>,
    },
    /// A handset says something.
    Nwk(NwkData),
    /// A connection is ciphered, or not.
    Cipher(CipherTold),
    /// A request was answered. A time-out is answered with [`ErrorCode::TIMEOUT`], a link that is lost before
    /// the answer with [`ErrorCode::WRONG_STATE`].
    Answered {
        /// Which.
        request: Request,
        /// How.
        response: Response,
    },
    /// A handset in a call comes over.
    HoInd(HoInd),
    /// It is here.
    HoComplete(HoComplete),
    /// It did not come, or went back.
    HoFailed(HoFailed),
    /// Something happened on a stream.
    MediaEvent(MediaTold),
    /// What room is left.
    Capacity(Capacity),
    /// How its time is.
    Sync(SyncTold),
    /// Whom it hears.
    Neighbours(Neighbours),
    /// A line for the log.
    Log(Log),
}

/// Why an order is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no link.
    #[error("the base station has no link now")]
    NoLink,
    /// The base station has no such connection, or it was not taken.
    #[error("the base station has no connection {}", .0.0)]
    NoSuchConn(ConnId),
    /// The base station has no such stream.
    #[error("the base station has no media stream {}", .0.0)]
    NoSuchMedia(MediaId),
    /// The session says this itself.
    #[error("message {0} is the session's own to say")]
    NotYours(crate::dect::base_link::MessageType),
    /// Too much waits for the base station already.
    #[error("too much waits for this base station already")]
    Full,
    /// It is not set up, or its radio is off.
    #[error("the base station carries no calls now")]
    NotReady,
}
