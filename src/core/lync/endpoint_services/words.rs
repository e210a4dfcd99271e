//! What the services of an endpoint are made of, hear and say.

use crate::id::OwnerId;
use crate::lync::endpoint::Instance;
use crate::lync::location_profile::LocationProfile;
use crate::lync::mras::Granted;
use crate::lync::presence::PresenceTimes;
use crate::lync::provisioning::Provisioning;
use crate::lync::roaming::Waiting;
use crate::lync::routing::NorthForward;
use crate::sip::Destination;
use crate::sip::wire::Message;

#[cfg(doc)]
use crate::machine::Machine;

/// What the services are made of.
#[derive(Debug, Clone)]
pub struct ServicesAccount {
    /// Stands in our branches and tags.
    pub owner: OwnerId,
    /// Address of record, as a URI.
    pub aor: String,
    /// The endpoint's instance.
    pub instance: Instance,
    /// `host:port` for Via.
    pub sent_by: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// When the handset is shown as inactive and away.
    pub times: PresenceTimes,
    /// Whether presence is published.
    pub publishes: bool,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServicesInput {
    /// The user is signed in, perhaps once more.
    SignedIn {
        /// GRUU, as the front end told.
        gruu: String,
        /// Where requests go.
        proxy: Destination,
        /// No user services: calls only.
        limited: bool,
        /// Whether somebody still wants the location profile.
        wants_profile: bool,
    },
    /// Not any longer.
    SignedOut,
    /// From now on this endpoint keeps the node's credentials for the media relay, until it is signed out.
    WantsRelay,
    /// A relay refuses the credentials that this endpoint keeps.
    RelayRefused,
    /// A verified response whose branch names our owner.
    Received(Message),
    /// A verified NOTIFY or BENOTIFY whose To tag names our owner.
    Notified(Message),
    /// A message of ours could not leave.
    TransportFailed(Message),
    /// The user has touched the handset.
    Used,
    /// How many calls the user has, from dialling or answering to the end.
    Calls(usize),
    /// Do not disturb, set at the handset.
    DoNotDisturb(bool),
    /// The user's forward as it is here, and what was agreed with the front end last.
    Forward {
        /// As it is here.
        ours: NorthForward,
        /// What was agreed; none: never anything.
        agreed: Option<NorthForward>,
    },
    /// Out of range of every base station, where that is to be shown.
    OutOfRange(bool),
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// What is ordered.
#[derive(Debug, Clone)]
pub enum ServicesOutput {
    /// Sign and send it.
    Send {
        /// The request.
        request: Message,
        /// Where to.
        to: Destination,
    },
    /// Sign it and send it to where the notification came from.
    Answer(Message),
    /// The front end does not know the user's keys.
    Doubted,
    /// What people should know, in words; replaces what was said before.
    Notes(Vec<String>),
    /// The dial plan of the pool.
    LocationProfile(Box<LocationProfile>),
    /// Credentials for the media relay; they replace those before.
    Relay(Box<Granted>),
    /// What the pool provides.
    Provisioned(Box<Provisioning>),
    /// Messages waiting.
    Waiting(Waiting),
    /// This forward stands at the front end and is known to.
    ForwardAgreed(NorthForward),
    /// The user has set another forward in a Lync client.
    FollowForward {
        /// To be set.
        forward: NorthForward,
        /// What it takes the place of.
        instead_of: NorthForward,
    },
    /// What the front end tells of the user's lines; it replaces what was told before.
    Lines {
        /// URIs or addresses of those who may call for him.
        delegates: Vec<String>,
        /// URI of his private line.
        private: Option<String>,
    },
}

/// Why an input is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServicesRefusal {
    /// Late, or a stranger's.
    #[error("nothing of ours that this answers or belongs to")]
    NotOurs,
}
