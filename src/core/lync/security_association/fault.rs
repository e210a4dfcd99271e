//! Why authentication does not go on, and why a message is not trusted.

use crate::lync::ntlm::MessageFault;
use crate::lync::signing::Unsignable;
use crate::lync::tls_dsk::DskFailure;

/// Why authentication does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaFault {
    /// Nothing that we speak and are allowed.
    #[error("the front end offers {offered}; this switch speaks {ours} here. {mend}")]
    NoScheme {
        /// Schemes as offered.
        offered: String,
        /// What we would have taken.
        ours: String,
        /// What to change.
        mend: &'static str,
    },
    /// TLS-DSK is to be used, and the user has no certificate that lasts.
    #[error("{target_name} wants a certificate of the user (TLS-DSK), and one must be fetched first")]
    NoCertificate {
        /// The server.
        target_name: String,
        /// The certificate provisioning service, if it names one.
        service: Option<String>,
    },
    /// The last message was not accepted.
    #[error("{what} was refused by {target_name}{hint}")]
    Refused {
        /// What the user proved himself with.
        what: &'static str,
        /// The server.
        target_name: String,
        /// More, when the answer tells.
        hint: String,
    },
    /// The server goes round in a circle, or out of turn.
    #[error("{target_name} breaks off the handshake: {what}")]
    OutOfTurn {
        /// The server.
        target_name: String,
        /// What it did.
        what: &'static str,
    },
    /// Its CHALLENGE cannot be used.
    #[error("the NTLM CHALLENGE of the front end: {0}")]
    Ntlm(#[from] MessageFault),
    /// The inner handshake failed.
    #[error(transparent)]
    TlsDsk(#[from] DskFailure),
}

/// Why a received message is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It should be signed.
    #[error("{what} without a signature, though one was agreed with the front end")]
    Unsigned {
        /// Method or status.
        what: String,
    },
    /// Signed by keys we do not share.
    #[error("signed under the association {opaque:?}, which is not ours")]
    UnknownAssociation {
        /// Its name.
        opaque: String,
    },
    /// The signature does not fit: something on the way changed the message, or made it.
    #[error("the signature of the front end does not fit its message")]
    Forged,
    /// A number that was seen, or is too old.
    #[error("message number {0} was received before")]
    Replayed(u32),
    /// A header that the signature covers is broken.
    #[error(transparent)]
    Unsignable(#[from] Unsignable),
}

impl Untrusted {
    /// Whether the connection that brought the message is to be ended: somebody else speaks on it.
    pub const fn ends_connection(&self) -> bool {
        matches!(self, Self::Forged)
    }
}
