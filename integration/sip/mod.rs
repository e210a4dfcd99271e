//! SIP on sockets: UDP, TCP, TLS and MTLS, north and south.
//!
//! ```text
//!  listeners ──► accept ──┐                       ┌──► sink(Arrival)
//!                         ├──► connection ── codec┤
//!  send() ──► table ──► connect                   └──► socket
//!  send() ──────────────────────────► udp ◄──────────► socket
//! ```
//!
//! * [`Transports::send`] takes a message and a destination that is already resolved ([`Resolver`]); what
//!   cannot be delivered comes back as [`Arrival::SendFailed`].
//! * A stream is found again by its [`ConnectionId`](kirkwall_core::sip::ConnectionId), by the address it
//!   goes to, or by the alias its far end asked for (RFC 5923).
//! * Everything a stranger can make grow has a number in [`Limits`].
//!
//! Out of scope: SCTP and WebSockets; SigComp (RFC 3261 requires neither).

mod accept;
mod codec;
mod connect;
mod connection;
mod fault;
mod limits;
mod resolve;
mod route;
mod socket;
mod table;
mod tls;
mod tls_legacy;
mod transports;
mod udp;
mod writer;

#[cfg(test)]
mod tests;

pub use fault::{CloseCause, ListenFault, SendFault};
pub use limits::Limits;
pub use resolve::{DnsMethod, ResolveFault, Resolver, Target};
pub use transports::{Arrival, Listen, Transports, TransportsConfig};
