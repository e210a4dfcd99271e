//! What happened in the world.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;

use crate::sip::endpoint::locked;

/// Kinds of failure that are told apart; further ones are counted as "other".
const MAX_CAUSES: usize = 64;

/// Calls since the world began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Dialled.
    pub tried: u64,
    /// Under way.
    pub active: u64,
    /// Answered.
    pub answered: u64,
    /// Answered, and both ends heard the other's voice and nobody else's.
    pub audio_verified: u64,
    /// Answered and long enough, but one end did not hear the other.
    pub audio_missing: u64,
    /// Busy, unanswered or cancelled, as planned.
    pub unanswered_as_planned: u64,
    /// Cut off because the world stopped.
    pub cut_off: u64,
    /// Not tried: a phone was still in a call, or not registered.
    pub skipped: u64,
    /// Against the plan, by cause.
    pub failed: BTreeMap<String, u64>,
}

#[derive(Default)]
pub(crate) struct Ledger(Mutex<Counters>);

impl Ledger {
    pub(super) fn snapshot(&self) -> Counters {
        locked(&self.0).clone()
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut locked(&self.0));
    }

    pub(super) fn failed(&self, cause: String) {
        let mut counters = locked(&self.0);
        let known = counters.failed.len() < MAX_CAUSES || counters.failed.contains_key(&cause);
        *counters.failed.entry(if known { cause } else { "other".into() }).or_default() += 1;
    }
}
