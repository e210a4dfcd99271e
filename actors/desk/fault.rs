//! Why a question or order was not carried out, sorted by fault.

use serde::Serialize;

/// One field that is wrong: which, what, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    /// The field's API name.
    pub field: String,
    /// What is wrong and how to mend it, in a sentence.
    pub detail: String,
}

impl FieldFault {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}

/// Why an administrator's question or order failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskFault {
    /// There is no such thing (HTTP 404).
    #[error("there is no {0}")]
    NotFound(String),
    /// Fields are wrong (422).
    #[error("{} field(s) are wrong", .0.len())]
    Invalid(Vec<FieldFault>),
    /// Something of that name exists (409).
    #[error("{0}")]
    Conflict(String),
    /// Somebody else changed it meanwhile (412).
    #[error("it was changed meanwhile; its revision is now {revision}")]
    Stale {
        /// The present revision.
        revision: u64,
    },
    /// Not now: queues are full or the switch is draining (503).
    #[error("not now: {0}")]
    Busy(String),
    /// We could not (500).
    #[error("{0}")]
    Failed(String),
}
