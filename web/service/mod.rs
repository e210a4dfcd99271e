//! What REST and pages have in common: one function for each thing an administrator can do.

pub mod access;
pub mod air;
pub mod calls;
pub mod certificates;
pub mod features;
pub mod mailbox;
pub mod phone_book;
pub mod plant;
pub mod provisioning;
pub mod rooms;
pub mod settings;
pub mod texts;
pub mod users;

use std::time::Duration;

use actix::prelude::*;
use kirkwall_actors::desk::Bearer;

use crate::problem::{BUSY, Problem};

/// How long the switch may take to answer. Importing thousands of users writes to disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the switch. A closed mailbox or no answer in time is "not now", never a hang.
pub async fn ask<M>(to: &Recipient<M>, message: M) -> Result<M::Result, Problem>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    let late = || Problem::new(&BUSY, "the switch did not answer in time");
    let closed = |_| Problem::new(&BUSY, "this part of the switch is being restarted");
    to.send(message).timeout(PATIENCE).await.map_err(|error| match error {
        MailboxError::Timeout => late(),
        MailboxError::Closed => closed(error),
    })
}

/// Writes to the log who did what to what.
pub fn audit(who: &Bearer, act: &'static str, what: &dyn std::fmt::Display) {
    tracing::info!(target: "kirkwall::audit", who = who.name, act, %what);
}
