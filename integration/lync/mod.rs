//! What TLS-DSK needs of the world: certificates of users, and the TLS engine inside of SIP headers.
//!
//! ```text
//!  sts-uri ──► provision: metadata, web ticket, certificate (https, NTLM) ──► UserTls keeps it
//!  gssapi-data ──► UserTls::port ──► OpenSSL over buffers ──► keys
//! ```
//!
//! OpenSSL does both, since front ends on old Windows speak nothing that rustls does, and since signatures
//! need a cipher suite with a MAC of SHA-1, which rustls does not have.

mod https;
mod provision;
mod tls_dsk;

#[cfg(test)]
mod tests;

pub use provision::{Asker, Fault, Provisioner};
pub use tls_dsk::{UserCertificate, UserTls};
