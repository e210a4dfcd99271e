//! What users have set for themselves, the codes they set it with, and their call logs.

use actix::prelude::*;
use kirkwall_core::call::dialling::CodeLine;
use kirkwall_core::call::forward::Forwarding;
use kirkwall_core::call::log::{LogEntry, LogKind};
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_core::call::represented::ExtraLines;
use kirkwall_core::id::{CallRef, Username};

use super::DeskFault;

/// What a user has set.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Forwarding, DeskFault>")]
pub struct GetForwarding(pub Username);

/// Sets all of it. Targets that the user may not call are refused.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Forwarding, DeskFault>")]
pub struct SetForwarding {
    /// Whose.
    pub user: Username,
    /// From now on.
    pub forwarding: Forwarding,
}

/// What a user's line has besides his number.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<LinesView, DeskFault>")]
pub struct GetLines(pub Username);

/// Sets all of it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<LinesView, DeskFault>")]
pub struct SetLines {
    /// Whose.
    pub user: Username,
    /// From now on.
    pub lines: ExtraLines,
}

/// What a user's line has besides his number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinesView {
    /// As it was set here.
    pub set: ExtraLines,
    /// His private line, as Lync tells.
    pub private_told: Option<String>,
    /// Addresses of those who may call in his name, as he set it in a Lync client.
    pub delegates_told: Vec<String>,
    /// Whether his front end executes his forwards, for the calls that come by it.
    pub forwarded_by_north: bool,
}

/// The feature codes in use.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<CodeLine>")]
pub struct ListFeatureCodes;

/// A user's log, newest first.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<CallLogPage, DeskFault>")]
pub struct ListCallLog {
    /// Whose.
    pub user: Username,
    /// Only these; none: all.
    pub kind: Option<LogKind>,
    /// Continue behind this call.
    pub after: Option<CallRef>,
    /// At most so many (1 to 1,000).
    pub limit: usize,
}

/// One page of a log.
#[derive(Debug, Clone)]
pub struct CallLogPage {
    /// Newest first.
    pub entries: Vec<LogEntry>,
    /// Whether more follow.
    pub more: bool,
    /// How many there are in all.
    pub total: usize,
}

/// Takes entries out of a user's log.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct ClearCallLog {
    /// Whose.
    pub user: Username,
    /// Only these; none: all.
    pub kind: Option<LogKind>,
}

/// What waits in a user's mailbox; none: nobody ever told.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<Mailbox>, DeskFault>")]
pub struct GetMailbox(pub Username);

/// Says what waits, in place of the voice mail. Its next word counts again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Mailbox, DeskFault>")]
pub struct SetMailbox {
    /// Whose.
    pub user: Username,
    /// What waits.
    pub mailbox: Mailbox,
}
