//! Message waiting, as it was told last, and the handsets that have subscribed to it.

use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::id::Username;
use kirkwall_core::sip::notifier::Subscribed;
use serde::{Deserialize, Serialize};

use crate::record::{Record, Records};
use crate::tree::Tree;

/// All mailboxes that were heard of.
pub type Mailboxes = Records<MailboxRecord>;

/// One user's mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxRecord {
    /// Whose; names the record.
    pub user: Username,
    /// What waits; none: nobody ever told.
    #[serde(default)]
    pub mailbox: Option<Mailbox>,
    /// Handsets that were told that they are subscribed.
    #[serde(default)]
    pub subscribers: Vec<Subscribed>,
}

impl Record for MailboxRecord {
    const TREE: Tree = Tree::Mailbox;
    type Key = Username;

    fn key(&self) -> &Username {
        &self.user
    }
}
