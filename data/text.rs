//! Text messages. The newest 10,000 are kept ([`Tree::limit`]). Sealed as a whole: what people write each other
//! is theirs.

use kirkwall_core::call::text::{TextId, TextMessage};
use serde::{Deserialize, Serialize};

use crate::record::{ReadFault, Record, Records};
use crate::tree::Tree;

/// All messages that are kept.
pub type Texts = Records<TextRecord>;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TextRecord(pub TextMessage);

impl Record for TextRecord {
    const TREE: Tree = Tree::Text;
    const SEALED: bool = true;
    type Key = TextId;

    fn key(&self) -> &TextId {
        &self.0.id
    }
}

impl Texts {
    /// Newest first, those before `after` if that is given.
    pub fn newest(
        &self,
        after: Option<TextId>,
    ) -> impl Iterator<Item = Result<TextMessage, ReadFault>> + use<> {
        let before = move |found: &Result<TextRecord, ReadFault>| match (found, after) {
            (Ok(record), Some(after)) => record.0.id < after,
            _ => true,
        };
        self.iter().rev().filter(before).map(|found| found.map(|record| record.0))
    }
}
