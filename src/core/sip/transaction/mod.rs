//! The four transactions of RFC 3261 §17, with the Accepted states of RFC 6026. Virtual time.
//!
//! ```text
//!  TU ── request ──► ClientTransaction ── Send ──► wire ──► ServerTransaction ── (key) ──► TU
//!  TU ◄── Deliver ── ClientTransaction ◄── wire ◄── Send ── ServerTransaction ◄── respond ── TU
//! ```
//!
//! A transaction hides loss: it repeats what may have been lost and swallows what came twice. It does
//! not know dialogs. Its user (the TU) drives it with inputs and carries out its orders in order;
//! `Terminated` is always the last one.
//!
//! Who guards a state that has no timer: *Proceeding* of the INVITE client is guarded by the TU (it
//! cancels, then calls [`ClientTransaction::abandon`]); *Proceeding* and *Trying* of the servers are
//! guarded by the TU that owes the response.
//!
//! Out of scope: Timer C (proxies only, RFC 3261 §16.6), stateless operation, multicast.

mod client;
mod client_invite;
mod client_non_invite;
mod key;
mod server;
mod server_invite;
mod server_non_invite;

pub use client::{ClientInput, ClientOrder, ClientTransaction};
pub use key::{ClientKey, ServerKey};
pub use server::{ServerInput, ServerOrder, ServerTransaction};

use std::time::Duration;

use super::wire::{CSeq, HeaderName, Message, Method, StartLine};
use crate::timer::T1;

/// The timers of RFC 3261 §17 and RFC 6026 §8.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// INVITE request retransmission, UDP only.
    A,
    /// INVITE transaction timeout.
    B,
    /// Wait for retransmissions of a non-2xx final response to INVITE.
    D,
    /// Non-INVITE request retransmission, UDP only.
    E,
    /// Non-INVITE transaction timeout.
    F,
    /// INVITE non-2xx response retransmission, UDP only.
    G,
    /// Wait for the ACK to a non-2xx response.
    H,
    /// Wait for retransmissions of that ACK.
    I,
    /// Wait for retransmissions of a non-INVITE request.
    J,
    /// Wait for retransmissions of a response to a non-INVITE request.
    K,
    /// RFC 6026: wait for retransmissions of an INVITE answered with 2xx.
    L,
    /// RFC 6026: wait for further 2xx of an INVITE.
    M,
}

/// 64*T1: timers B, F, H, J, L and M (RFC 3261 table 4, RFC 6026 §8.1).
pub const TIMEOUT: Duration = Duration::from_secs(32);
const _: () = assert!(TIMEOUT.as_millis() == 64 * T1.as_millis());

/// The ACK to a non-2xx final response (RFC 3261 §17.1.1.3).
///
/// "The ACK request constructed by the client transaction MUST contain values for the Call-ID, From,
/// and Request-URI that are equal to the values of those header fields in the request passed to the
/// transport … The To header field in the ACK MUST equal the To header field in the response being
/// acknowledged … MUST contain a single Via header field, and this MUST be equal to the top Via."
pub fn ack_of_refusal(invite: &Message, response: &Message) -> Message {
    let mut ack = follower(invite, Method::Ack);
    if let Some(to) = response.header(&HeaderName::To) {
        ack.headers.set(HeaderName::To, to.clone());
    }
    ack
}

/// The CANCEL of a request (RFC 3261 §9.1).
///
/// "The Request-URI, Call-ID, To, the numeric part of CSeq, and From header fields in the CANCEL request
/// MUST be identical to those in the request being cancelled, including tags. A CANCEL constructed by a
/// client MUST have only a single Via header field value matching the top Via value in the request being
/// cancelled."
pub fn cancel_of(request: &Message) -> Message {
    follower(request, Method::Cancel)
}

/// What ACK and CANCEL share: both follow their request hop by hop with its own branch and Route.
fn follower(request: &Message, method: Method) -> Message {
    let uri = match &request.start {
        StartLine::Request { uri, .. } => uri.clone(),
        StartLine::Response { .. } => Default::default(),
    };
    let mut message = Message::request(method.clone(), uri);
    if let Some(via) = request.headers.list(&HeaderName::Via).into_iter().next() {
        message.headers.push(HeaderName::Via, via);
    }
    message.headers.push(HeaderName::MaxForwards, "70");
    // "If the INVITE request whose response is being acknowledged had Route header fields, those header
    // fields MUST appear in the ACK." The same stands for CANCEL.
    for route in request.headers.get_all(&HeaderName::Route) {
        message.headers.push(HeaderName::Route, route.clone());
    }
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
        if let Some(value) = request.header(&name) {
            message.headers.push(name, value.clone());
        }
    }
    if let Some(CSeq { number, .. }) = request.cseq() {
        message.headers.push(HeaderName::CSeq, format!("{number} {method}"));
    }
    message
}

/// The class of a response, for the tables of the machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Provisional,
    Success,
    Refusal,
}

impl Class {
    fn of(status: u16) -> Self {
        match status {
            ..=199 => Self::Provisional,
            200..=299 => Self::Success,
            _ => Self::Refusal,
        }
    }
}

#[cfg(test)]
mod tests;
