//! Two halves of one call: two handsets of this switch that talk by way of the north.
//!
//! ```text
//!  handset ── call ── BYE ──► front end ──► BYE ── call ── handset
//!                      └── the front end is dead: we bring it ourselves ──┘
//! ```
//!
//! A front end that passes calls on (a proxy, RFC 3261 §16) leaves their tags as they are, so the To tag of a
//! BYE names our own other half. When that front end is gone nobody brings the BYE: another one does not know
//! the dialog, or answers that the route is not valid. So a BYE that nobody has brought a while later is
//! brought by ourselves; its dialog checks it as any other BYE (RFC 3261 §12.2.2).

use std::collections::HashSet;
use std::time::Duration;

use actix::prelude::*;
use kirkwall_core::call::Phase;
use kirkwall_core::id::OwnerId;
use kirkwall_core::sip::wire::{Message as SipMessage, Method};
use kirkwall_core::sip::{Destination, Facing, Peer};
use metrics::counter;
use tracing::info;

use super::Supervisor;

/// How long a front end has to bring a BYE, which takes it milliseconds.
const BROUGHT_WITHIN: Duration = Duration::from_secs(4);

/// BYEs to halves of our own that have left and not come back yet: Call-ID and To tag.
#[derive(Debug, Default)]
pub(super) struct Byes(HashSet<(String, String)>);

impl Supervisor {
    /// A BYE leaves for the north: should it be for a half of our own, it is looked after.
    pub(super) fn look_after(&mut self, message: &SipMessage, to: &Destination, ctx: &mut Context<Self>) {
        let Some(dialog) = self.own_half(message) else { return };
        self.byes.0.insert(dialog.clone());
        let (message, to) = (message.clone(), to.clone());
        ctx.run_later(BROUGHT_WITHIN, move |me, ctx| {
            if me.byes.0.remove(&dialog) {
                me.bring(message, &to, ctx);
            }
        });
    }

    /// A BYE has come from the north.
    pub(super) fn brought(&mut self, message: &SipMessage) {
        if let Some(dialog) = dialog_of_bye(message) {
            self.byes.0.remove(&dialog);
        }
    }

    /// A BYE that could not leave: nobody else brings it.
    pub(super) fn bring_unsent(&mut self, message: &SipMessage, ctx: &mut Context<Self>) {
        let Some((dialog, to)) = self.own_half(message).zip(self.proxies.first().cloned()) else { return };
        self.byes.0.remove(&dialog);
        self.bring(message.clone(), &to, ctx);
    }

    fn bring(&mut self, message: SipMessage, to: &Destination, ctx: &mut Context<Self>) {
        counter!("ipdect_halves_ended_total").increment(1);
        info!("the other half of a call is told of its end, which no front end has brought");
        let peer = Peer {
            transport: to.transport,
            remote: to.address,
            local: self.ports.sip.local(Facing::North, to.transport, to.address.ip()).unwrap_or(to.address),
            connection: to.connection,
            facing: Facing::North,
            tls_names: Vec::new(),
        };
        self.route_message(message, peer, ctx);
    }

    /// The dialog of a BYE whose To tag we made, for a call that stands.
    fn own_half(&self, message: &SipMessage) -> Option<(String, String)> {
        let dialog = dialog_of_bye(message)?;
        let other = self.calls.get(&self.call_of(OwnerId::in_word(&dialog.1)?))?;
        (other.summary.phase != Phase::Ended).then_some(dialog)
    }
}

fn dialog_of_bye(message: &SipMessage) -> Option<(String, String)> {
    let is_bye = message.is_request() && message.method() == Some(Method::Bye);
    let dialog = message.call_id().zip(message.to_tag()).filter(|_| is_bye)?;
    Some((dialog.0.to_string(), dialog.1.to_string()))
}
