//! Call logs of users.

use std::future::ready;

use actix::prelude::*;
use kirkwall_core::call::CallSummary;
use kirkwall_core::call::house::HouseKind;
use kirkwall_core::call::log::entries;
use kirkwall_core::id::Username;
use kirkwall_core::timer::Moment;
use kirkwall_data::ReadFault;
use kirkwall_data::call_log::{CallLogRecord, CallLogs};
use tracing::error;

use super::Supervisor;
use crate::desk::{CallLogPage, ClearCallLog, DeskFault, ListCallLog};
use crate::users::not_saved;

impl Supervisor {
    /// What an ended call means to everybody it concerned.
    pub(super) fn log_call(&mut self, summary: &CallSummary, ctx: &mut Context<Self>) {
        let logs = self.settings.logs;
        if logs.entries == 0 || summary.house == HouseKind::Alarm {
            return;
        }
        let called = self.calls.get(&summary.reference).map_or(Vec::new(), |entry| entry.called.clone());
        let summary = &summary.as_wanted();
        // A call that stood before this process knows only who answered.
        let answered = summary.callee.user.clone().filter(|_| called.is_empty());
        let rang_first = summary.caller.user.as_ref().filter(|_| summary.house == HouseKind::Clicked);
        let called = called.into_iter().chain(answered);
        let called: Vec<Username> = called.filter(|user| rang_first != Some(user)).collect();
        let now = self.ports.clock.now();
        let since = Moment::from_micros(now.as_micros().saturating_sub(logs.kept.as_micros() as u64));
        let store = CallLogs::new(&self.ports.journal);
        let lines =
            entries(summary, &called).into_iter().filter(|(user, _)| self.accounts.contains_key(user));
        let writes: Vec<_> =
            lines.flat_map(|(user, line)| store.added(&user, line, logs.entries, since)).collect();
        if writes.is_empty() {
            return;
        }
        let saved = self.ports.journal.save(writes).into_actor(self);
        ctx.spawn(saved.map(|saved, _, _| {
            if let Err(fault) = saved {
                error!(%fault, "a call stands in no log");
            }
        }));
    }

    /// A user's entries, oldest first.
    pub(super) fn log_of(
        &self,
        user: &Username,
    ) -> impl DoubleEndedIterator<Item = Result<CallLogRecord, ReadFault>> + use<> {
        CallLogs::new(&self.ports.journal).of(user)
    }

    /// A removed user's log goes too.
    pub(super) fn forget_log(&mut self, user: &Username) {
        let writes = CallLogs::new(&self.ports.journal).removed(user, |_| true);
        if !writes.is_empty() {
            drop(self.ports.journal.save(writes));
        }
    }
}

impl Handler<ListCallLog> for Supervisor {
    type Result = Result<CallLogPage, DeskFault>;

    fn handle(&mut self, ask: ListCallLog, _: &mut Self::Context) -> Self::Result {
        self.must_know(&ask.user)?;
        let wanted = |kind| ask.kind.is_none_or(|wanted| wanted == kind);
        let all: Vec<_> = self.log_of(&ask.user).rev().flatten().map(|kept| kept.entry).collect();
        let fits: Vec<_> = all.into_iter().filter(|entry| wanted(entry.kind)).collect();
        let total = fits.len();
        let behind = fits.into_iter().filter(|entry| ask.after.is_none_or(|after| entry.call < after));
        let limit = ask.limit.clamp(1, 1_000);
        let mut entries: Vec<_> = behind.take(limit + 1).collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok(CallLogPage { entries, more, total })
    }
}

impl Handler<ClearCallLog> for Supervisor {
    type Result = ResponseActFuture<Self, Result<(), DeskFault>>;

    fn handle(&mut self, ClearCallLog { user, kind }: ClearCallLog, _: &mut Self::Context) -> Self::Result {
        if let Err(fault) = self.must_know(&user) {
            return Box::pin(ready(Err(fault)).into_actor(self));
        }
        let store = CallLogs::new(&self.ports.journal);
        let writes = store.removed(&user, |entry| kind.is_none_or(|kind| kind == entry.kind));
        if writes.is_empty() {
            return Box::pin(ready(Ok(())).into_actor(self));
        }
        let saved = self.ports.journal.save(writes).into_actor(self);
        Box::pin(saved.map(|saved, _, _| saved.map_err(not_saved)))
    }
}
