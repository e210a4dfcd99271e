//! Calls, standing and ended.

use actix::prelude::*;
use kirkwall_core::call::CallSummary;
use kirkwall_core::call::ladder::Rung;
use kirkwall_core::id::{CallRef, Username};
use serde::Serialize;

use super::DeskFault;

/// Which calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallsWanted {
    /// Those that stand.
    #[default]
    Active,
    /// Those that have ended, newest first.
    Ended,
}

/// Calls. Standing ones oldest first.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<CallPage, DeskFault>")]
pub struct ListCalls {
    /// Which.
    pub wanted: CallsWanted,
    /// Continue behind this call.
    pub after: Option<CallRef>,
    /// At most so many (1 to 1,000).
    pub limit: usize,
}

/// One page of calls.
#[derive(Debug, Clone, Serialize)]
pub struct CallPage {
    /// In the order asked.
    pub calls: Vec<CallSummary>,
    /// Whether more follow.
    pub more: bool,
    /// How many there are in all.
    pub total: usize,
}

/// One call, standing or remembered.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<CallDetail, DeskFault>")]
pub struct GetCall(pub CallRef);

/// A call with its media.
#[derive(Debug, Clone, Serialize)]
pub struct CallDetail {
    /// As in lists.
    pub summary: CallSummary,
    /// Media counters per side, while known.
    pub media: Vec<MediaView>,
}

/// How the media of one side of a call fares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MediaView {
    /// `caller` or `callee`.
    pub side: &'static str,
    /// Packets that came from that side and were taken.
    pub packets_received: u64,
    /// Packets sent to it.
    pub packets_sent: u64,
    /// Packets that should have come and did not.
    pub packets_lost: u64,
    /// Packets refused: strangers, bad authentication, replays, clear RTP where SRTP is agreed.
    pub packets_refused: u64,
    /// Interarrival jitter in milliseconds (RFC 3550 §6.4.1).
    pub jitter_ms: f64,
    /// Where its packets come from, once locked.
    pub remote: Option<String>,
}

/// The messages of a call, with its text form.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<CallLadder, DeskFault>")]
pub struct GetLadder(pub CallRef);

/// A ladder, redacted.
#[derive(Debug, Clone, Serialize)]
pub struct CallLadder {
    /// Which call.
    pub reference: CallRef,
    /// Message by message.
    pub rungs: Vec<Rung>,
    /// Messages left out from the middle.
    pub dropped: usize,
    /// The same for a terminal.
    #[serde(skip)]
    pub text: String,
}

/// Hangs a call up.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), DeskFault>")]
pub struct HangUpCall(pub CallRef);

/// Rings a user's handset and connects whoever answers there with `to`. With `dry_run` everything is checked, nobody is
/// rung, and the answer is what the call would be.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<CallSummary, DeskFault>")]
pub struct PlaceCall {
    /// Whose handset.
    pub user: Username,
    /// Username, number or URI.
    pub to: String,
    /// Only check.
    pub dry_run: bool,
}
