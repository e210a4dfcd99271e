//! Message waiting.

use kirkwall_actors::desk::{Bearer, GetMailbox, SetMailbox};
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::id::Username;

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// What waits; none: nobody ever told.
pub async fn mailbox(site: &Site, user: Username) -> Result<Option<Mailbox>, Problem> {
    Ok(ask(&site.desk.get_mailbox, GetMailbox(user)).await??)
}

/// Says what waits.
pub async fn set_mailbox(site: &Site, who: &Bearer, order: SetMailbox) -> Result<Mailbox, Problem> {
    let user = order.user.clone();
    let set = ask(&site.desk.set_mailbox, order).await??;
    audit(who, "message waiting set", &user);
    Ok(set)
}

/// Nothing new waits; what was heard stays.
pub async fn clear_mailbox(site: &Site, who: &Bearer, user: Username) -> Result<(), Problem> {
    let known = mailbox(site, user.clone()).await?.unwrap_or_default();
    let mailbox = Mailbox { waiting: false, new: 0, urgent: 0, ..known };
    ask(&site.desk.set_mailbox, SetMailbox { user: user.clone(), mailbox }).await??;
    audit(who, "message waiting cleared", &user);
    Ok(())
}
