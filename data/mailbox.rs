//! Message waiting, as the north side told it last.

use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::id::Username;
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
    /// What waits.
    pub mailbox: Mailbox,
}

impl Record for MailboxRecord {
    const TREE: Tree = Tree::Mailbox;
    type Key = Username;

    fn key(&self) -> &Username {
        &self.user
    }
}
