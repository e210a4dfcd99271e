//! Calls: list, look at, hang up.

use kirkwall_actors::desk::{
    Bearer, CallDetail, CallLadder, CallPage, CallsWanted, GetCall, GetLadder, HangUpCall, ListCalls,
    PlaceCall,
};
use kirkwall_core::call::CallSummary;
use kirkwall_core::id::CallRef;

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// One page of calls.
pub async fn list(
    site: &Site,
    wanted: CallsWanted,
    after: Option<CallRef>,
    limit: usize,
) -> Result<CallPage, Problem> {
    Ok(ask(&site.desk.list_calls, ListCalls { wanted, after, limit }).await??)
}

/// One call.
pub async fn get(site: &Site, call: CallRef) -> Result<CallDetail, Problem> {
    Ok(ask(&site.desk.get_call, GetCall(call)).await??)
}

/// Its messages.
pub async fn ladder(site: &Site, call: CallRef) -> Result<CallLadder, Problem> {
    Ok(ask(&site.desk.get_ladder, GetLadder(call)).await??)
}

/// Ends it.
pub async fn hang_up(site: &Site, who: &Bearer, call: CallRef) -> Result<(), Problem> {
    ask(&site.desk.hang_up_call, HangUpCall(call)).await??;
    audit(who, "call hung up", &call);
    Ok(())
}

/// Rings a user's handset, and connects it with somebody.
pub async fn place(site: &Site, who: &Bearer, order: PlaceCall) -> Result<CallSummary, Problem> {
    let (user, dry_run) = (order.user.clone(), order.dry_run);
    let call = ask(&site.desk.place_call, order).await??;
    if !dry_run {
        audit(who, "call placed for user", &user);
    }
    Ok(call)
}
