//! What a sign-in hears and says.

use crate::lync::security_association::Untrusted;
use crate::sip::Destination;
use crate::sip::registration::RegistrationRefusal;
use crate::sip::wire::{Message, Uri};

#[cfg(doc)]
use super::{Machine, SignIn};
use super::{Proof, SignInStatus, SignOut};

/// What happens to a sign-in.
#[derive(Debug)]
pub enum SignInInput {
    /// First start, restart or takeover.
    Started,
    /// Whether the user shall be signed in.
    Wanted(bool),
    /// A response to a REGISTER of ours.
    Received(Message),
    /// A NOTIFY or BENOTIFY of `Event: registration-notify`, already [verified](SignIn::verify).
    Notified(Message),
    /// Another request of the user's was challenged, so the front end does not know our keys.
    Challenged,
    /// The connection to the proxy is gone, or the REGISTER could not leave.
    TransportFailed,
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
    /// New name, password or certificate.
    ProofChanged(Proof),
    /// The user's certificate has been fetched, after [`SignInOutput::FetchCertificate`].
    CertificateReady,
    /// It could not be fetched, and why, in words.
    CertificateFailed(String),
    /// Use this proxy from now on.
    ProxyChanged(Destination),
    /// Use this proxy, which serves again: ends a wait too, unless the front end has refused the user.
    ProxyBack(Destination),
}

/// What a sign-in orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInOutput {
    /// Send it.
    Send {
        /// The REGISTER, signed.
        request: Message,
        /// Where to.
        to: Destination,
    },
    /// Send this answer to the notification, over the connection it came by.
    Respond(Message),
    /// It stands differently now.
    Changed(SignInStatus),
    /// This proxy does not serve.
    NextProxy {
        /// The one that failed.
        failed: Destination,
    },
    /// The user's home server is there: resolve, connect, then [`SignInInput::ProxyChanged`]. Its
    /// certificate carries the name of the pool, even when the target is an address.
    Redirected {
        /// Where to.
        targets: Vec<Uri>,
    },
    /// Fetch a certificate of the user from this service, then [`SignInInput::CertificateReady`].
    FetchCertificate {
        /// `sts-uri` of the challenge.
        service: String,
    },
    /// Dialogs and subscriptions of this user do not exist any longer at the front end.
    DialogsLost {
        /// Why, in words.
        cause: String,
        /// Whether his calls shall end too. When only the way to the front end broke they go on: voice
        /// does not take it.
        ends_calls: bool,
    },
    /// The front end has signed the user out.
    SignedOut(SignOut),
}

/// Why an input is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefusal {
    /// Nothing of ours that it answers.
    #[error(transparent)]
    Registration(#[from] RegistrationRefusal),
    /// Its signature does not fit.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// A notification that says nothing about a registration.
    #[error("a notification without a known registration event: {0}")]
    UnknownEvent(String),
}

impl SignInRefusal {
    /// Whether the connection that brought the message is to be ended ([`Untrusted::ends_connection`]).
    pub const fn ends_connection(&self) -> bool {
        matches!(self, Self::Untrusted(untrusted) if untrusted.ends_connection())
    }
}
