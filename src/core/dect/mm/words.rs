//! What the mobility machine hears, says and saves.

use crate::dect::element::{AuthType, CipherAlgorithm, Duration, IdentityType, LocationArea, Model};
use crate::dect::element::{PortableIdentity, RejectReason, TerminalCapability};
use crate::dect::identity::{Ipui, Park, Tpui};
use crate::dect::key::{AccessCode, Uak};
use crate::dect::message::Message;

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A mobility message came.
    Received(Message),
    /// The switch wants something of the handset.
    Ask(Ask),
    /// The switch has decided about what the handset wants.
    Decide(Decision),
    /// The base station reports that the connection is ciphered now, or clear.
    Ciphered(bool),
    /// The link is gone.
    LinkLost,
    /// The deadline has come.
    Deadline,
}

/// A procedure the switch begins: priority 2 of clause 15.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Who are you (13.2.1)? At most four identities.
    Identify(Vec<IdentityType>),
    /// Prove it (13.3.1), and derive a cipher key under this number.
    Authenticate {
        /// Number of the derived cipher key; `None` derives none that is kept.
        store: Option<u8>,
    },
    /// Cipher, or stop (13.8).
    Cipher {
        /// On or off.
        enable: bool,
        /// With which cipher.
        algorithm: CipherAlgorithm,
    },
    /// Take this temporary name (13.2.2).
    Assign(Tpui, Duration),
    /// Your subscription ends (13.5.2).
    Terminate,
    /// Tell where you are (13.4.3).
    SuggestLocation,
}

/// What the switch decides about a request of the handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may subscribe, if it knows the access code; a key is allocated first (13.5.1, 13.6).
    Subscribe {
        /// What the person has to type in.
        code: AccessCode,
        /// Who it will be.
        ipui: Ipui,
        /// What it may use.
        park: Park,
        /// How many bits of PARI and RPN its location area has.
        level: u8,
    },
    /// It is where it says (13.4.1).
    Locate {
        /// Only if it proves who it is.
        authenticate: bool,
        /// Its temporary name; `None` lets it keep what it has.
        tpui: Option<Tpui>,
        /// How many bits of PARI and RPN its location area has.
        level: u8,
    },
    /// Its subscription ends as it wants (13.5.2).
    Terminate {
        /// Only if it proves who it is.
        authenticate: bool,
    },
    /// No.
    Refuse(RejectReason),
}

/// What the machine orders, or tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this.
    Send(Message),
    /// It wants to subscribe; decide.
    AccessRightsRequested {
        /// Who it is.
        ipui: Ipui,
        /// How it would authenticate.
        auth_type: Option<AuthType>,
        /// What it can do.
        capability: Option<TerminalCapability>,
        /// What it is.
        model: Option<Model>,
    },
    /// It tells where it is; decide.
    LocationRequested {
        /// Who it is.
        identity: PortableIdentity,
        /// The area it comes from.
        old_area: Option<LocationArea>,
        /// What it can do.
        capability: Option<TerminalCapability>,
    },
    /// It wants to end its subscription; decide.
    TerminationRequested(PortableIdentity),
    /// It has subscribed.
    Subscribed(Ipui),
    /// It is located, and has the temporary name if one was given and taken.
    Located(Option<Tpui>),
    /// It is switched off or leaves.
    Detached,
    /// It took the temporary name.
    Assigned(Tpui),
    /// Its subscription has ended.
    Terminated,
    /// It has proved who it is.
    Authenticated,
    /// What it said about who it is; empty when it would not.
    Identified(Vec<PortableIdentity>),
    /// Give the base station this cipher key.
    CipherKey {
        /// For which cipher.
        algorithm: CipherAlgorithm,
        /// Its number.
        number: u8,
        /// The key.
        key: crate::pii::Pii<Vec<u8>>,
    },
    /// Ciphering is on, or off.
    Ciphered(bool),
    /// A procedure came to nothing.
    Failed(Procedure, Failure),
    /// No mobility procedure needs the link any more. "MM should normally indicate "partial release" …
    /// except … after a location registration procedure with TPUI assignment" (14.2.7.2).
    LinkNotNeeded {
        /// Keep it for a few seconds.
        partial: bool,
    },
}

/// A procedure, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Procedure {
    /// Identification of PT.
    Identification,
    /// Temporary identity assignment.
    Assignment,
    /// Authentication of PT.
    Authentication,
    /// Key allocation.
    KeyAllocation,
    /// Ciphering related.
    Ciphering,
    /// Access rights terminate.
    Termination,
    /// Obtaining access rights.
    AccessRights,
    /// Location registration.
    Location,
}

/// Why a procedure came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It did not answer twice.
    NoAnswer,
    /// Its answer is wrong: another code or key than ours.
    WrongAnswer,
    /// It said no.
    Rejected(Option<RejectReason>),
    /// It uses a way we cannot.
    Unsupported,
    /// The link went.
    LinkLost,
    /// It began something else.
    Abandoned,
}

/// What is to be on disk before anything is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Save {
    /// A key made over the air, beside the access code it was made with: "the FT marks the new UAK with
    /// "unconfirmed status"" (13.6).
    Unconfirmed {
        /// Its number.
        number: u8,
        /// The key.
        uak: Uak,
        /// The code.
        code: AccessCode,
    },
    /// The key works: "then also the FT shall erase the AC".
    Confirmed,
    /// The key did not work: "If it fails the FT shall delete this UAK".
    Unkeyed,
    /// It is subscribed.
    Subscribed {
        /// Who it is now.
        ipui: Ipui,
        /// What it may use.
        park: Park,
    },
    /// It is not any more; forget its keys too.
    Unsubscribed,
    /// It is in reach; under this temporary name, if one.
    Located(Option<Tpui>),
    /// It is not.
    Detached,
}

/// Why an input is not taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// [`super::MAX_WAITING`] procedures wait already.
    #[error("too many mobility procedures wait for this handset; try again when some have ended")]
    TooMany,
    /// There is no request of that kind to decide about.
    #[error("the handset has asked nothing that this decides")]
    NothingAsked,
    /// No key to authenticate with.
    #[error("the handset has no authentication key yet; subscribe it first")]
    NoKey,
    /// No cipher key of the length this cipher takes.
    #[error("no cipher key for that cipher; authenticate the handset first")]
    NoCipherKey,
    /// No identity to name it by.
    #[error("the handset is not subscribed")]
    NotSubscribed,
}
