//! Forwards, feature codes and call logs.

use kirkwall_actors::desk::{
    Bearer, CallLogPage, ClearCallLog, GetForwarding, GetLines, LinesView, ListCallLog, ListFeatureCodes,
    SetForwarding, SetLines,
};
use kirkwall_core::call::dialling::CodeLine;
use kirkwall_core::call::forward::Forwarding;
use kirkwall_core::id::Username;

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// What a user has set.
pub async fn forwarding(site: &Site, user: Username) -> Result<Forwarding, Problem> {
    Ok(ask(&site.desk.get_forwarding, GetForwarding(user)).await??)
}

/// Sets it.
pub async fn set_forwarding(site: &Site, who: &Bearer, order: SetForwarding) -> Result<Forwarding, Problem> {
    let user = order.user.clone();
    let set = ask(&site.desk.set_forwarding, order).await??;
    audit(who, "forwards set", &user);
    Ok(set)
}

/// What a user's line has besides the number.
pub async fn lines(site: &Site, user: Username) -> Result<LinesView, Problem> {
    Ok(ask(&site.desk.get_lines, GetLines(user)).await??)
}

/// Sets it.
pub async fn set_lines(site: &Site, who: &Bearer, order: SetLines) -> Result<LinesView, Problem> {
    let user = order.user.clone();
    let set = ask(&site.desk.set_lines, order).await??;
    audit(who, "lines set", &user);
    Ok(set)
}

/// The codes in use.
pub async fn codes(site: &Site) -> Result<Vec<CodeLine>, Problem> {
    ask(&site.desk.list_feature_codes, ListFeatureCodes).await
}

/// One page of a user's log.
pub async fn log(site: &Site, wanted: ListCallLog) -> Result<CallLogPage, Problem> {
    Ok(ask(&site.desk.list_call_log, wanted).await??)
}

/// Takes calls out of a log.
pub async fn clear_log(site: &Site, who: &Bearer, order: ClearCallLog) -> Result<(), Problem> {
    let user = order.user.clone();
    ask(&site.desk.clear_call_log, order).await??;
    audit(who, "call log cleared", &user);
    Ok(())
}
