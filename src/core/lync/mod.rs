//! Lync and Skype for Business: what their front ends want beyond SIP. Knows nothing of DECT or calls.
//!
//! ```text
//!  REGISTER ──► line ──► sign_in ──► security_association ──► ntlm | tls_dsk
//!  any message of the user ──► Line::sign ──► signing (the text) ──► its MAC
//!  any message to the user ──► Line::verify
//!  endpoint_services ──► SUBSCRIBE, SERVICE;  NOTIFY, BENOTIFY or the 200 itself ──► presence
//!  roaming, provisioning, location_profile: documents, read by xml
//! ```
//!
//! Out of scope: Kerberos, which needs a ticket of the user that a switch does not have ([MS-SIPAE]
//! lets a client choose among the offered schemes); SIP compression ([MS-SIPCOMP]), which only a client
//! can ask for, and we do not.

pub mod conference;
pub mod diagnostics;
pub mod endpoint;
pub mod endpoint_services;
pub mod line;
pub mod location_profile;
pub mod mras;
pub mod ntlm;
pub mod presence;
pub mod provisioning;
pub mod roaming;
pub mod routing;
pub mod security_association;
pub mod sign_in;
pub mod signing;
pub mod tls_dsk;
pub mod web_ticket;
pub mod xml;

mod hex;
#[cfg(test)]
mod sample_messages;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod test_front_end;
