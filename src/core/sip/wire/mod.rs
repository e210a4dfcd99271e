//! The words of SIP on the wire (RFC 3261 §7, §25): parsed without copying, written byte for byte.
//!
//! Own code, because no crate takes what Lync and RFC 4475 send (docs/decisions.md, "SIP wire"): any
//! method, any URI scheme, compact names, folded lines, GRUUs with colons in parameters, and route
//! headers that must go back exactly as they came.
//!
//! A [`Message`] holds slices of the buffer it was parsed from; cloning one copies no text.

mod frame;
mod header;
mod message;
mod method;
mod name_addr;
mod parse;
#[cfg(test)]
mod properties;
mod text;
mod uri;
mod via;

pub use frame::{Frame, FrameFault, FrameFaultReason, Framer, MAX_BODY, MAX_HEAD};
pub use header::{Header, HeaderName, Headers};
pub use message::{CSeq, Message, StartLine};
pub use method::Method;
pub use name_addr::{NameAddr, Params, quoted};
pub use parse::{MAX_HEADERS, ParseFault};
pub use text::Text;
pub use uri::{Host, Scheme, Uri};
pub use via::Via;
