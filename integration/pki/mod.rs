//! Certificates: reading, checking, making, trusting and exchanging them.
//!
//! * [`Identity`]: a certificate chain with its key, from PEM, checked so that a wrong one is refused with
//!   words before a peer refuses it without.
//! * [`LiveIdentity`]: the same, exchangeable while connections come in.
//! * [`Trust`]: whom we believe. Names are compared by RFC 5922.
//! * [`Authority`]: our own, for base stations on the base link.
//! * [`server_config`], [`client_config`]: rustls settings, TLS 1.2 and 1.3, ring.
//! * [`LegacyTls`]: OpenSSL's settings for front ends that rustls cannot speak with.
//!
//! Out of scope: revocation lists.

mod authority;
mod certificate_request;
mod create;
mod fault;
mod identity;
mod inspect;
mod legacy;
mod live;
mod pem;
mod servers;
mod tls;
mod trust;
mod words;
mod x509;

#[cfg(test)]
pub(crate) mod tests;

pub use authority::Authority;
pub use certificate_request::{BadRequest, CertificateRequest};
pub use create::{Created, self_signed, self_signed_files, write_secret};
pub use fault::PkiFault;
pub use identity::Identity;
pub use inspect::{Chain, Facts, looking_config};
pub use legacy::{LegacyMaterial, LegacyTls, Oldest};
pub use live::LiveIdentity;
pub use tls::{ClientAuth, ClientTls, base_link_config, client_config, server_config};
pub use trust::Trust;
pub use words::words;
pub use x509::{Usage, common_name_of, fingerprint, names_of, spki_of};
