//! Call logs of users: one record for each entry, so that a call writes little.
//!
//! The key is `user/call`, which sorts the entries of one user by age. A slash in a username is written as
//! `%2F`, so that no user's entries stand among another's.

use kirkwall_core::call::log::LogEntry;
use kirkwall_core::id::{CallRef, Username};
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::record::{ReadFault, Record, Records};
use crate::tree::{Tree, Write};

/// All entries of all users.
pub type CallLogs = Records<CallLogRecord>;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLogRecord {
    key: String,
    /// The entry.
    pub entry: LogEntry,
}

impl CallLogRecord {
    /// An entry of `user`'s log.
    pub fn new(user: &Username, entry: LogEntry) -> Self {
        Self { key: key_of(user, entry.call), entry }
    }
}

impl Record for CallLogRecord {
    const TREE: Tree = Tree::CallLog;
    type Key = str;

    fn key(&self) -> &str {
        &self.key
    }
}

fn key_of(user: &Username, call: CallRef) -> String {
    format!("{}{call}", prefix_of(user))
}

fn prefix_of(user: &Username) -> String {
    format!("{}/", user.as_str().replace('/', "%2F"))
}

impl CallLogs {
    /// One user's entries, oldest first.
    pub fn of(
        &self,
        user: &Username,
    ) -> impl DoubleEndedIterator<Item = Result<CallLogRecord, ReadFault>> + use<> {
        self.under(&prefix_of(user))
    }

    /// The writes that add an entry, and take out what is beyond `most` or older than `since`.
    pub fn added(&self, user: &Username, entry: LogEntry, most: usize, since: Moment) -> Vec<Write> {
        let kept: Vec<_> = self.of(user).flatten().collect();
        let beyond = (kept.len() + 1).saturating_sub(most);
        let old = kept.iter().enumerate().filter(|(at, kept)| *at < beyond || kept.entry.started < since);
        let mut writes: Vec<_> = old.map(|(_, kept)| self.delete(&kept.key)).collect();
        writes.push(self.put(&CallLogRecord::new(user, entry)));
        writes
    }

    /// The writes that take out entries of `user` that `wanted` says yes to.
    pub fn removed(&self, user: &Username, wanted: impl Fn(&LogEntry) -> bool) -> Vec<Write> {
        let gone = self.of(user).flatten().filter(|kept| wanted(&kept.entry));
        gone.map(|kept| self.delete(&kept.key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use kirkwall_core::call::log::LogKind;

    use super::*;
    use crate::Journal;

    fn entry(call: u64) -> LogEntry {
        LogEntry {
            call: CallRef(call),
            kind: LogKind::Missed,
            number: "4711".into(),
            name: String::new(),
            uri: None,
            started: Moment::from_micros(call * 1_000_000),
            seconds: None,
            forwarded: false,
        }
    }

    #[test]
    fn a_log_keeps_the_newest_and_what_is_not_too_old() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let logs = CallLogs::new(&journal);
        let (anna, other): (Username, Username) = ("a".parse().unwrap(), "a/b".parse().unwrap());
        for call in 1..=5 {
            journal.save_blocking(logs.added(&anna, entry(call), 3, Moment::from_micros(0))).unwrap();
        }
        journal.save_blocking(logs.added(&other, entry(9), 3, Moment::from_micros(0))).unwrap();
        let calls = |user| logs.of(user).map(|kept| kept.unwrap().entry.call.0).collect::<Vec<_>>();
        assert_eq!((calls(&anna), calls(&other)), (vec![3, 4, 5], vec![9]));
        journal.save_blocking(logs.added(&anna, entry(6), 3, Moment::from_micros(5_000_000))).unwrap();
        assert_eq!(calls(&anna), [5, 6]);
        journal.save_blocking(logs.removed(&anna, |entry| entry.call.0 == 5)).unwrap();
        assert_eq!(calls(&anna), [6]);
    }
}
