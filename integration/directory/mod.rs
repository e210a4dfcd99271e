//! The company's directory: LDAP, as OpenLDAP, Active Directory and Samba serve it.
//!
//! ```text
//!  connect ─► TLS (LDAPS, or StartTLS) ─► bind ─► search in pages ─► unbind
//!                                                  └─► Copy: drafts of entries, and what was cut off
//! ```
//!
//! One call reads everything ([`read`]); nothing stays open between two of them. Each step has a limit of its
//! own, and all together one; a directory that sends nonsense ends the reading, never the switch.
//! Out of scope: following referrals (RFC 4511 §4.1.10), since that sends our password to hosts that the
//! administrator did not name.

mod fault;
mod ldap;
mod settings;

pub use fault::LdapFault;
pub use ldap::{Copy, Cut, Read, read};
pub use settings::{Attributes, LdapSettings, check_filter, tls_config};
