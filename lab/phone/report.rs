//! What one end saw of a call.

use std::time::Duration;

use serde::Serialize;

use crate::media::Heard;

/// Who began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// This phone dialled.
    Placed,
    /// This phone was called.
    Served,
}

/// How the INVITE ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// 2xx.
    Answered,
    /// A final refusal, with its status.
    Refused {
        /// 300 to 699.
        code: u16,
    },
    /// The caller gave up.
    Cancelled,
    /// Nothing final came in time.
    NoResponse,
    /// This end could not; the words say what.
    Failed {
        /// For a person.
        why: String,
    },
}

/// Who sent BYE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// This phone, and the other end confirmed.
    Here,
    /// The other end.
    There,
    /// This phone, and no answer came; or the call outlived every bound; or the 2xx got no ACK.
    Lost,
}

/// A call, as one end saw it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallReport {
    /// Who began.
    pub direction: Direction,
    /// User part of the other end, as dialled or as shown.
    pub peer: String,
    /// Call-ID at this end.
    pub call_id: String,
    /// How it ended before or with the answer.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Highest provisional status beyond 100.
    pub progress: Option<u16>,
    /// Whether sound was offered before the answer.
    pub early_media: bool,
    /// The number in the ms-diagnostics of a refusal.
    pub diagnostics: Option<u32>,
    /// Where a 3xx pointed.
    pub redirected_to: Option<String>,
    /// From INVITE to the first 180 or 183.
    #[serde(serialize_with = "milliseconds", rename = "rang_after_ms")]
    pub rang_after: Option<Duration>,
    /// From INVITE to 200.
    #[serde(serialize_with = "milliseconds", rename = "answered_after_ms")]
    pub answered_after: Option<Duration>,
    /// From answer to end.
    #[serde(serialize_with = "milliseconds", rename = "talked_ms")]
    pub talked: Option<Duration>,
    /// Who ended it; none when it was never answered.
    pub ended: Option<Ended>,
    /// What was heard; none without sound.
    pub heard: Option<Heard>,
}

impl CallReport {
    pub(super) fn new(direction: Direction, peer: String, call_id: String) -> Self {
        Self {
            direction,
            peer,
            call_id,
            outcome: Outcome::NoResponse,
            progress: None,
            early_media: false,
            diagnostics: None,
            redirected_to: None,
            rang_after: None,
            answered_after: None,
            talked: None,
            ended: None,
            heard: None,
        }
    }
}

fn milliseconds<S: serde::Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    duration.map(|d| d.as_millis() as u64).serialize(to)
}
