//! SIP for emulators: messages, sockets, transactions, dialogs and digest.
//!
//! None of it comes from kirkwall-core, so that an error there cannot cancel itself out here. Lines,
//! methods, header names and URIs are parsed by `ezk-sip-types`; the rest is written here.
//!
//! ```text
//! sockets ──► framing ──► Message ──► Endpoint ──► dialog's mailbox, or the endpoint's mailbox
//!                                        │
//!                     transactions: retransmit, absorb, match (RFC 3261 §17)
//! ```

pub mod address;
pub mod client;
pub mod config;
pub mod dialog;
pub mod digest;
pub mod endpoint;
mod flow;
pub mod guard;
pub mod hop;
pub mod message;
mod receive;
pub mod server;
pub mod tls;

pub use client::ClientTransaction;
pub use config::{EndpointConfig, Listening};
pub use dialog::{Dialog, Names};
pub use digest::Credentials;
pub use endpoint::{Endpoint, Incoming};
pub use hop::{Hop, Transport};
pub use message::Message;
pub use server::ServerTransaction;

/// A token that will not repeat: tags, branches, Call-IDs.
pub fn fresh_token() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Something an emulator could not do. The words say what was tried and why it failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// A socket, a file or a certificate.
    #[error("{doing}: {why}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        why: String,
    },
    /// A stated limit is reached; what is named is not done.
    #[error("{0} is full")]
    Full(&'static str),
    /// A URI, address or header that cannot be used.
    #[error("{field} is not usable: {text}")]
    Unusable {
        /// Which.
        field: &'static str,
        /// What stood there.
        text: String,
    },
    /// The endpoint has stopped.
    #[error("the endpoint has stopped")]
    Stopped,
}

impl Failure {
    /// An I/O failure with the words for what was tried.
    pub fn io(doing: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Io { doing: doing.into(), why: why.to_string() }
    }
}
