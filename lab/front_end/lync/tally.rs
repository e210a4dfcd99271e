//! What was signed and verified, and what was wrong: tests read it.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::sip::Message;
use crate::sip::endpoint::locked;

/// Most complaints that are kept.
const COMPLAINTS: usize = 64;

/// Signatures since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Signatures {
    /// Messages that left with a signature.
    pub signed: u64,
    /// Messages that left without one because no security association fits. None is expected but refusals
    /// to strangers.
    pub unsigned: u64,
    /// Messages that arrived with a signature that fits.
    pub verified: u64,
    /// Messages whose credentials were wrong: signature, number, epid, password.
    pub bad: u64,
    /// Messages without credentials, or of an association that does not exist any more. The first REGISTER
    /// of a connection is one.
    pub missing: u64,
    /// Connections that were closed because their certificate names nobody who is trusted.
    pub strangers: u64,
}

#[derive(Default)]
pub(super) struct Tally {
    signed: AtomicU64,
    unsigned: AtomicU64,
    verified: AtomicU64,
    bad: AtomicU64,
    missing: AtomicU64,
    strangers: AtomicU64,
    complaints: Mutex<VecDeque<String>>,
    /// Quality reports.
    reports: Mutex<VecDeque<String>>,
}

impl Tally {
    pub(super) fn signed(&self) {
        self.signed.fetch_add(1, Relaxed);
    }

    pub(super) fn unsigned(&self) {
        self.unsigned.fetch_add(1, Relaxed);
    }

    pub(super) fn verified(&self) {
        self.verified.fetch_add(1, Relaxed);
    }

    pub(super) fn bad(&self, message: &Message, why: &str) {
        self.bad.fetch_add(1, Relaxed);
        self.complain(message, why);
    }

    pub(super) fn missing(&self, message: &Message, why: &str) {
        self.missing.fetch_add(1, Relaxed);
        // A request without credentials is how every client begins.
        if message.code().is_some() || ["ACK", "CANCEL"].contains(&message.cseq_method()) {
            self.complain(message, why);
        }
    }

    pub(super) fn stranger(&self) {
        self.strangers.fetch_add(1, Relaxed);
    }

    /// Keeps a sentence for the tests, which message and what is wrong with it.
    pub(super) fn complain(&self, message: &Message, why: &str) {
        let what = message.code().map_or_else(|| "request".to_owned(), |code| code.to_string());
        let cseq = message.header("CSeq").unwrap_or("");
        let from = message.user_of("From").unwrap_or_default();
        let line = format!("{what} {cseq} of {}, from {from}: {why}", message.call_id());
        tracing::debug!(%line, "wrong");
        let mut complaints = locked(&self.complaints);
        if complaints.len() >= COMPLAINTS {
            complaints.pop_front();
        }
        complaints.push_back(line);
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        locked(&self.complaints).iter().cloned().collect()
    }

    /// Keeps a quality report.
    pub(super) fn keep_report(&self, report: String, most: usize) {
        let mut reports = locked(&self.reports);
        if reports.len() >= most {
            reports.pop_front();
        }
        reports.push_back(report);
    }

    pub(super) fn reports(&self) -> Vec<String> {
        locked(&self.reports).iter().cloned().collect()
    }

    pub(super) fn signatures(&self) -> Signatures {
        Signatures {
            signed: self.signed.load(Relaxed),
            unsigned: self.unsigned.load(Relaxed),
            verified: self.verified.load(Relaxed),
            bad: self.bad.load(Relaxed),
            missing: self.missing.load(Relaxed),
            strangers: self.strangers.load(Relaxed),
        }
    }
}
