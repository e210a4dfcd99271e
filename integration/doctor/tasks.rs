//! All probes at once, and what becomes of those that do not end.

use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use kirkwall_core::doctor::{Check, Finding};
use tokio::time::Instant;

use super::WHOLE;

/// How far the doctor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Looked at.
    pub done: usize,
    /// All there is to look at.
    pub total: usize,
    /// One that is not done.
    pub waiting_for: Option<&'a str>,
}

/// Probes to run.
#[derive(Default)]
pub(super) struct Tasks(Vec<Task>);

struct Task {
    /// What people are told while it runs.
    name: String,
    /// Told of when it does not end.
    first: &'static Check,
    target: Option<String>,
    work: BoxFuture<'static, Vec<Finding>>,
}

impl Tasks {
    /// Adds a probe whose first check is `first`.
    pub(super) fn add(
        &mut self,
        first: &'static Check,
        target: Option<String>,
        work: impl Future<Output = Vec<Finding>> + Send + 'static,
    ) {
        let name = target.clone().unwrap_or_else(|| first.title.to_owned());
        self.0.push(Task { name, first, target, work: work.boxed() });
    }

    /// Adds a probe that blocks its thread.
    pub(super) fn add_blocking(
        &mut self,
        first: &'static Check,
        target: Option<String>,
        work: impl FnOnce() -> Vec<Finding> + Send + 'static,
    ) {
        let of = target.clone();
        self.add(first, target, async move {
            let work = tokio::time::timeout(super::STEP, tokio::task::spawn_blocking(work));
            match work.await {
                Ok(Ok(findings)) => findings,
                Ok(Err(error)) => vec![unfinished(first, of, &format!("the probe itself failed: {error}"))],
                Err(_) => {
                    vec![unfinished(first, of, &format!("no answer of the system within {:?}", super::STEP))]
                }
            }
        });
    }

    /// Runs all of them.
    pub(super) async fn run(self, progress: impl Fn(Progress<'_>)) -> Vec<Finding> {
        self.run_within(WHOLE, progress).await
    }

    async fn run_within(self, limit: Duration, progress: impl Fn(Progress<'_>)) -> Vec<Finding> {
        let (deadline, total) = (Instant::now() + limit, self.0.len());
        let mut waiting = Vec::with_capacity(total);
        let mut running: FuturesUnordered<_> = FuturesUnordered::new();
        for (at, task) in self.0.into_iter().enumerate() {
            waiting.push((at, task.name, task.first, task.target));
            running.push(task.work.map(move |findings| (at, findings)));
        }
        let mut all = Vec::new();
        loop {
            let waiting_for = waiting.first().map(|(_, name, ..)| name.as_str());
            progress(Progress { done: total - waiting.len(), total, waiting_for });
            match tokio::time::timeout_at(deadline, running.next()).await {
                Ok(Some((at, findings))) => {
                    waiting.retain(|(other, ..)| *other != at);
                    all.extend(findings);
                }
                Ok(None) => return all,
                Err(_) => break,
            }
        }
        let late = format!("not done within {limit:?}");
        all.extend(waiting.into_iter().map(|(_, _, first, target)| unfinished(first, target, &late)));
        all
    }
}

fn unfinished(check: &'static Check, target: Option<String>, evidence: &str) -> Finding {
    let finding = Finding::warning(
        check,
        evidence,
        "Run the doctor again; when it stays so, look at this thing first.",
    );
    match target {
        Some(target) => finding.of(target),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use kirkwall_core::doctor::{Verdict, check};

    use super::*;

    #[tokio::test]
    async fn what_never_ends_is_told_and_keeps_nothing_else_back() {
        let mut tasks = Tasks::default();
        tasks.add(&check::SIP_001, Some("hole:5061".into()), std::future::pending());
        tasks.add(&check::PLT_003, None, async { vec![Finding::good(&check::PLT_003, "enough")] });
        let (calls, last) = (Cell::new(0), Cell::new(0));
        let findings = tasks
            .run_within(Duration::from_millis(50), |progress| {
                calls.set(calls.get() + 1);
                last.set(progress.done);
                assert_eq!((progress.total, progress.waiting_for), (2, Some("hole:5061")));
            })
            .await;
        assert_eq!((calls.get(), last.get()), (2, 1));
        let seen: Vec<_> = findings.iter().map(|f| (f.id, f.verdict, f.target.as_deref())).collect();
        assert_eq!(
            seen,
            [("PLT-003", Verdict::Good, None), ("SIP-001", Verdict::Warning, Some("hole:5061")),]
        );
    }

    #[tokio::test]
    async fn a_probe_that_panics_is_a_finding() {
        let mut tasks = Tasks::default();
        tasks.add_blocking(&check::PLT_001, None, || panic!("disk on fire"));
        let findings = tasks.run(|_| {}).await;
        assert_eq!((findings[0].id, findings[0].verdict), ("PLT-001", Verdict::Warning));
    }
}
