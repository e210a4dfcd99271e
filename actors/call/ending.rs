//! What is kept of a call that is over.

use kirkwall_core::call::CallSummary;
use kirkwall_data::cdr::CdrRecord;

/// Its line in the records of calls.
pub(super) fn cdr(summary: &CallSummary) -> CdrRecord {
    let summary = &summary.as_wanted();
    let numbers = (summary.caller.number.clone(), summary.callee.number.clone());
    let (from, to) = summary.began_with.clone().unwrap_or(numbers);
    let bases = [&summary.caller.base, &summary.callee.base];
    CdrRecord {
        call: summary.reference,
        from,
        to,
        started: summary.started,
        answered: summary.answered,
        ended: summary.ended.unwrap_or(summary.started),
        cause: summary.cause.as_ref().map_or(16, |cause| cause.q850),
        status: summary.cause.as_ref().map(|cause| cause.status),
        base_stations: bases.into_iter().flatten().cloned().collect(),
    }
}
