//! Certificates: reading, checking, making, trusting and exchanging them.
//!
//! * [`Identity`]: a certificate chain with its key, from PEM, checked so that a wrong one is refused with
//!   words before a peer refuses it without.
//! * [`LiveIdentity`]: the same, exchangeable while connections come in.
//! * [`Trust`]: whom we believe. Names are compared by RFC 5922.
//! * [`server_config`], [`client_config`]: rustls settings, TLS 1.2 and 1.3, ring.
//!
//! Out of scope: TLS 1.0 and 1.1 (Lync 2010 on old Windows), revocation lists.

mod create;
mod fault;
mod identity;
mod inspect;
mod live;
mod pem;
mod servers;
mod tls;
mod trust;
mod words;
mod x509;

#[cfg(test)]
mod tests;

pub use create::{Created, self_signed, self_signed_files, write_secret};
pub use fault::PkiFault;
pub use identity::Identity;
pub use inspect::{Chain, Facts, looking_config};
pub use live::LiveIdentity;
pub use tls::{ClientAuth, ClientTls, client_config, server_config};
pub use trust::Trust;
pub use words::words;
pub use x509::{Usage, fingerprint, names_of};
