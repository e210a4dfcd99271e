//! The listener of the base link: TLS connections of native base stations, frames in, frames out.
//!
//! ```text
//! accept ─► TLS 1.3 ─► door (Greeting) ─┬─ admitted ─► Office::greeted, then Office::heard for each frame
//!                                       ├─ ENROL ────► Office::redeem ─► certificate ─► close
//!                                       └─ refused ──► REFUSE ─► close
//! Links::send, Links::close ──bounded queue──► writer of that link
//! ```
//!
//! It knows frames and bounds, and nothing of radios or calls. Reading waits until the office has taken a
//! frame; a link whose queue is full, that takes no bytes, or that sends half a frame and no more is cut.
//! Everything refused is counted in `ipdect_base_link_dropped_total` by reason.

mod accept;
mod codec;
mod door;
mod limits;
mod link;
mod table;

pub use accept::ListenFault;
pub use limits::Limits;
pub use table::Links;

use std::net::SocketAddr;

use futures::future::BoxFuture;
use kirkwall_core::dect::base_link::Heard;
use kirkwall_core::dect::base_link::code::RefuseReason;
use kirkwall_core::dect::base_link::enrolment::KeyPrint;
use kirkwall_core::dect::base_link::greeting::Certified;
use kirkwall_core::dect::base_link::session::LinkNo;
use kirkwall_core::dect::base_link::value::BaseId;
use kirkwall_core::dect::base_link::word::Hello;
use kirkwall_core::pii::Pii;

/// Who owns the base stations. The order for one link is: greeted, heard as often as frames come, gone.
pub trait Office: Send + Sync + 'static {
    /// A link has said HELLO, and its certificate is this base station's. The answer comes by
    /// [`Links::send`].
    fn greeted(
        &self,
        link: LinkNo,
        hello: Box<Hello>,
        certified: Certified,
        remote: SocketAddr,
    ) -> BoxFuture<'static, ()>;

    /// A frame came. The next one is read when this is done.
    fn heard(&self, link: LinkNo, heard: Heard) -> BoxFuture<'static, ()>;

    /// A link is gone. Nothing more comes of it.
    fn gone(&self, link: LinkNo);

    /// A base station shows its token. When this says yes, the token is used and the base station known: both
    /// are on disk.
    fn redeem(
        &self,
        base: BaseId,
        key: KeyPrint,
        token: Pii<String>,
    ) -> BoxFuture<'static, Result<(), RefuseReason>>;
}

/// Counts what was refused or cut.
fn count(reason: &'static str) {
    metrics::counter!("ipdect_base_link_dropped_total", "reason" => reason).increment(1);
}

#[cfg(test)]
mod tests;
