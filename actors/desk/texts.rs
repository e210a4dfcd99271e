//! Text messages and alarms.

use actix::prelude::*;
use kirkwall_core::call::text::{Draft, TextId, TextMessage};
use kirkwall_core::id::Username;

use super::DeskFault;

/// Messages that are kept, newest first.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<TextPage, DeskFault>")]
pub struct ListTexts {
    /// Those of that state only.
    pub state: Option<String>,
    /// Those before that one.
    pub after: Option<TextId>,
    /// Most of them, 1 to 1,000.
    pub limit: usize,
}

/// A page of messages.
#[derive(Debug, Clone, Default)]
pub struct TextPage {
    /// Newest first.
    pub messages: Vec<TextMessage>,
    /// Whether there are older ones.
    pub more: bool,
    /// How many are kept, of whatever state.
    pub total: usize,
}

/// One message.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<TextMessage, DeskFault>")]
pub struct GetText(pub TextId);

/// Sends a message.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<TextMessage, DeskFault>")]
pub struct SendText {
    /// In whose name; none: the switch's.
    pub from: Option<Username>,
    /// All the rest; its sender does not count. `*` among its recipients means every user.
    pub draft: Draft,
}

/// Takes a message back: it is not delivered any further.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct WithdrawText(pub TextId);

/// Answers for a message in a recipient's place.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<TextMessage, DeskFault>")]
pub struct ConfirmText {
    /// Which.
    pub id: TextId,
    /// The recipient's address as in the message.
    pub recipient: String,
}
