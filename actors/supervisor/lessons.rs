//! What refusals teach of base stations.

use actix::prelude::*;
use kirkwall_core::call::CallSummary;
use kirkwall_core::call::cause::Cause;
use kirkwall_core::id::{BaseStationId, CallRef, Username};
use metrics::counter;
use tracing::info;

use super::Supervisor;

/// A dialled handset refused the call.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct HandsetRefused {
    /// Which call.
    pub call: CallRef,
    /// The base station that carries the handset.
    pub base: BaseStationId,
    /// Whose handset.
    pub user: Option<Username>,
    /// Why.
    pub cause: Cause,
}

impl Handler<HandsetRefused> for Supervisor {
    type Result = ();

    fn handle(&mut self, refused: HandsetRefused, _: &mut Self::Context) {
        let HandsetRefused { call, base, user, cause } = refused;
        let limit = self.base_limit(&base);
        let takes_part = |summary: &CallSummary| {
            let parties = [&summary.caller, &summary.callee];
            user.is_some() && parties.iter().any(|party| party.user == user)
        };
        let others = self.calls.iter().filter(|(other, _)| **other != call);
        let busy = others.map(|(_, entry)| &entry.summary).any(takes_part);
        if self.admission.refused_by(call, &base, &cause, (limit, busy), self.ports.clock.now()) {
            counter!("ipdect_radio_blocked_total").increment(1);
            info!(%base, status = cause.status, "the base station is full before its limit; it gets less for a minute");
        }
    }
}
