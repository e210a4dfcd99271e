//! What the machine of one handset hears, says and saves.

use serde::{Deserialize, Serialize};

use super::texts::{TextFault, TextOffer};
use crate::dect::cc::Ender;
use crate::dect::element::{CipherAlgorithm, Events, RejectReason, ReleaseReason, Signal};
use crate::dect::identity::{Ipui, Park, Tpui};
use crate::dect::key::{AccessCode, Uak};
use crate::dect::lce::Page;
use crate::dect::mm;
use crate::dect::ss::{Caller, Key};
use crate::id::BaseStationId;
use crate::pii::Pii;

/// A connection through the air, as the base station that carries it numbers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection {
    /// Which base station.
    pub base: BaseStationId,
    /// Its number for it.
    pub number: u16,
}

/// A call of the handset. Who offers one gives its number; calls of the handset are numbered from
/// [`CallNo::OF_HANDSET`] on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallNo(pub u64);

impl CallNo {
    /// The first number of a call that the handset began.
    pub const OF_HANDSET: u64 = 1 << 63;
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It is made, anew or from its record.
    Started,
    /// The handset has opened a connection, and this was its first word.
    Opened {
        /// The connection.
        connection: Connection,
        /// The message.
        first: Vec<u8>,
    },
    /// It said this.
    Heard {
        /// Over this connection; another than the present one is ignored.
        connection: Connection,
        /// The message.
        octets: Vec<u8>,
    },
    /// The connection was handed over.
    Moved {
        /// From here.
        from: Connection,
        /// To here.
        to: Connection,
    },
    /// The connection is gone.
    Closed {
        /// Which.
        connection: Connection,
        /// Released in order, not lost.
        normal: bool,
    },
    /// The base station reports the connection ciphered, or clear.
    Ciphered {
        /// Which.
        connection: Connection,
        /// Ciphered.
        on: bool,
    },
    /// The switch wants something.
    Order(Order),
    /// The deadline has come.
    Deadline,
}

/// What the switch wants of a handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// It may subscribe, when it knows the code: the answer to [`News::SubscriptionAsked`].
    Subscribe(AccessCode),
    /// It may not.
    RefuseSubscription(RejectReason),
    /// Delete its subscription over the air.
    Terminate,
    /// Forget its subscription without asking it: it is lost or broken.
    Forget,
    /// Tell where you are (13.4.3).
    SuggestLocation,
    /// Prove who you are.
    Authenticate,
    /// Offer it a call.
    Offer {
        /// The number to speak of it by.
        call: CallNo,
        /// What it shows and how it rings.
        offer: Box<Offer>,
    },
    /// The call is to be in G.722 (true) or in G.726 from now on; a handset without G.722 hears nothing of it.
    Speak(CallNo, bool),
    /// Tell the handset how its call fares.
    Tell(CallNo, Fare),
    /// Show and sound something in a call.
    Show(CallNo, Box<Shown>),
    /// The dial plan says that these digits are all there will be; ignored when more came meanwhile.
    Whole(CallNo, Pii<String>),
    /// Grant or refuse what the handset asked in {HOLD}.
    AnswerHold(CallNo, bool),
    /// Grant or refuse what it asked in {RETRIEVE}.
    AnswerRetrieve(CallNo, bool),
    /// End a call.
    Release {
        /// Which.
        call: CallNo,
        /// Why.
        reason: ReleaseReason,
        /// What its user hears meanwhile.
        tone: Option<Signal>,
        /// What the display says.
        words: Option<Pii<String>>,
    },
    /// Tell of events beside any call: messages that wait, calls that were missed.
    Notify(Events),
    /// Show it a text: [`News::TextShown`] says what became of it.
    Text(TextOffer),
    /// What it wrote is kept, or will not be: the answer to [`News::TextWritten`].
    AnswerText(bool),
}

/// What a handset shows and sounds in a call; what is not given stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// All that stands on the display from now on; a return (0D) begins a line.
    pub text: Option<Pii<String>>,
    /// A tone of the handset's own.
    pub signal: Option<Signal>,
    /// Another caller, who waits.
    pub caller: Option<Caller>,
}

/// What a handset is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Who calls.
    pub caller: Caller,
    /// How it rings.
    pub ring: Signal,
    /// From within the house.
    pub internal: bool,
}

/// How a call of the handset fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fare {
    /// The far end is alerted.
    Alerting {
        /// The far end's own sound is to be heard; else the handset makes the ring-back tone.
        in_band: bool,
    },
    /// Something is to be heard.
    InBand,
    /// The far end has answered.
    Connected,
}

/// What the machine orders, or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Page it in its location area.
    Page(Page),
    /// Send this.
    Send {
        /// Over this connection.
        connection: Connection,
        /// The message.
        octets: Vec<u8>,
    },
    /// Release a connection.
    Release {
        /// Which.
        connection: Connection,
        /// What is still to be sent is sent first.
        normal: bool,
    },
    /// Give the base station this key for the connection.
    CipherKey {
        /// Which connection.
        connection: Connection,
        /// For which cipher.
        algorithm: CipherAlgorithm,
        /// Its number.
        number: u8,
        /// The key.
        key: Pii<Vec<u8>>,
    },
    /// Something others want to know.
    News(News),
}

/// What others want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It wants to subscribe; answer with [`Order::Subscribe`] or [`Order::RefuseSubscription`].
    SubscriptionAsked {
        /// Whether it says that it knows DSAA2, the one algorithm we have.
        dsaa2: bool,
    },
    /// It has subscribed.
    Subscribed,
    /// It has not: its code was wrong, or it gave up.
    SubscriptionFailed(mm::Failure),
    /// It has told where it is, and proved who it is.
    Located(BaseStationId),
    /// It is switched off, or out of reach.
    Detached,
    /// Its subscription has ended.
    Terminated,
    /// It would not end its subscription, or could not be asked.
    NotTerminated(mm::Failure),
    /// It does not answer its page.
    Unreachable,
    /// A text stands on its display, or why not.
    TextShown(u64, Result<(), TextFault>),
    /// Its user wrote a text; answer with [`Order::AnswerText`].
    TextWritten {
        /// To whom: what was dialled.
        to: Pii<String>,
        /// The text.
        text: Pii<String>,
    },
    /// Something in a call.
    Call(CallNo, CallNews),
}

/// What happens in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallNews {
    /// The handset wants a call; all digits are there.
    Asked {
        /// The digits, or letters of a URI.
        digits: Pii<String>,
        /// What sort of call.
        emergency: bool,
        /// Where the speech is.
        connection: Connection,
    },
    /// Digits have come, and perhaps more will: whoever knows the dial plan may say [`Order::Whole`].
    Digits(Pii<String>),
    /// It has answered its page for an offered call.
    Reached(Connection),
    /// It rings.
    Alerting,
    /// Its user has answered.
    Answered,
    /// The speech is elsewhere from now on.
    Moved(Connection),
    /// Keys were pressed in the call.
    Keys(Vec<Key>),
    /// {HOLD}: its user wants to put the call on hold.
    HoldAsked,
    /// {RETRIEVE}: and have it back.
    RetrieveAsked,
    /// It does not speak G.722 in this call: it refused, or wants to go back to G.726.
    StaysNarrow,
    /// The call is over.
    Ended {
        /// Why.
        reason: ReleaseReason,
        /// By whom.
        by: Ender,
    },
}

/// A subscribed handset as it lies on disk. It holds its key: seal it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Who it is.
    pub ipui: Ipui,
    /// What it may use.
    pub park: Park,
    /// The authentication key and its number; none while it did not prove itself.
    #[serde(default)]
    pub uak: Option<(u8, Uak)>,
    /// The access code the key was made with, while the key is unconfirmed.
    #[serde(default)]
    pub code: Option<AccessCode>,
    /// It is located: switched on and in reach when it last spoke.
    #[serde(default)]
    pub located: bool,
    /// Its temporary name.
    #[serde(default)]
    pub tpui: Option<Tpui>,
    /// The base station it last spoke through.
    #[serde(default)]
    pub base: Option<BaseStationId>,
    /// What it can do: the contents of its `<<TERMINAL-CAPABILITY>>`.
    #[serde(default)]
    pub capability: Vec<u8>,
}

/// What is to be on disk before anything is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Save {
    /// This is how it stands.
    Put(Box<Standing>),
    /// It is not subscribed any more.
    Forget(Ipui),
}

/// Why an input is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such call.
    #[error("the handset has no such call")]
    NoSuchCall,
    /// The connection is not the one it speaks over.
    #[error("the handset speaks over another connection")]
    NotItsConnection,
    /// Not subscribed.
    #[error("the handset is not subscribed")]
    NotSubscribed,
    /// The call control machine refuses.
    #[error(transparent)]
    Call(#[from] crate::dect::cc::Refusal),
    /// The mobility machine refuses.
    #[error(transparent)]
    Mobility(#[from] mm::Refusal),
    /// The link refuses.
    #[error(transparent)]
    Link(#[from] crate::dect::lce::Refusal),
}
