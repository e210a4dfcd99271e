//! What the command line asks: the same code answers it in the command, when the switch is stopped, and in
//! the switch, when it comes over the [spool](crate::spool).

use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::journal::Journal;
use crate::token::{TokenRecord, Tokens};
use crate::tree::Write;
use crate::user::Users;
use crate::users_csv::{self, Summary};

/// What a command may ask of a running switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Store this token. The command made it and alone knows the secret.
    CreateToken(TokenRecord),
    /// Import these users.
    ImportUsers {
        /// The file as it was read.
        csv: kirkwall_core::pii::Pii<String>,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The token is on disk.
    TokenCreated,
    /// The file was judged; its users are on disk if no line had an error.
    UsersImported(Summary),
    /// Nothing was done.
    Refused {
        /// Why, for the person at the command line.
        why: String,
    },
}

impl Request {
    /// What is to be saved for it, and the outcome that holds once it is. Doing it twice does no harm.
    pub fn plan(self, journal: &Journal, now: Moment) -> (Vec<Write>, Outcome) {
        match self {
            Self::CreateToken(token) => (vec![Tokens::new(journal).put(&token)], Outcome::TokenCreated),
            Self::ImportUsers { csv: Pii(csv) } => plan_import(&Users::new(journal), &csv, now),
        }
    }
}

fn plan_import(users: &Users, csv: &str, now: Moment) -> (Vec<Write>, Outcome) {
    let refused = |why: String| (Vec::new(), Outcome::Refused { why });
    let rows = match users_csv::parse(csv.as_bytes()) {
        Ok(rows) => rows,
        Err(fault) => return refused(fault.to_string()),
    };
    // A user that cannot be read must not be made anew over what is there.
    let existing: Result<std::collections::HashMap<_, _>, _> =
        users.iter().map(|user| user.map(|user| (user.username.clone(), user))).collect();
    let existing = match existing {
        Ok(existing) => existing,
        Err(fault) => return refused(fault.to_string()),
    };
    let (summary, records) = users_csv::judge(rows, |username| existing.get(username).cloned(), now);
    let writes = records.iter().map(|record| users.put(record)).collect();
    (writes, Outcome::UsersImported(summary))
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::spool::{Spool, SpoolFault};

    fn import(csv: &str) -> Request {
        Request::ImportUsers { csv: Pii(csv.into()) }
    }

    #[test]
    fn a_command_reaches_the_switch_that_holds_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let mut switch = Spool::of(&journal).unwrap();
        let data = dir.path().to_owned();
        let command = thread::spawn(move || {
            let spool = Spool::open(&data).unwrap();
            let ticket = spool.put(&import("username,south_password\n4711,PlantedSecret\n")).unwrap();
            spool.wait::<Outcome>(&ticket, Duration::from_secs(20)).unwrap()
        });
        let (ticket, request) = loop {
            if let Some(taken) = switch.take::<Request>().pop() {
                break taken;
            }
            thread::yield_now();
        };
        assert!(switch.take::<Request>().is_empty(), "taken once");
        for entry in std::fs::read_dir(dir.path().join("spool")).unwrap() {
            let octets = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!octets.windows(13).any(|window| window == b"PlantedSecret"));
        }
        let (writes, outcome) = request.plan(&journal, Moment::default());
        journal.save_blocking(writes).unwrap();
        switch.answer(&ticket, &outcome).unwrap();
        let Outcome::UsersImported(summary) = command.join().unwrap() else { panic!("imported") };
        assert_eq!((summary.created, summary.errors), (1, 0));
        assert_eq!(std::fs::read_dir(dir.path().join("spool")).unwrap().count(), 0, "nothing is left behind");
        assert_eq!(Users::new(&journal).count(), 1);
    }

    #[test]
    fn a_request_that_nobody_answers_is_withdrawn() {
        let dir = tempfile::tempdir().unwrap();
        drop(Journal::open(dir.path()).unwrap());
        let spool = Spool::open(dir.path()).unwrap();
        let ticket = spool.put(&import("username\n1\n")).unwrap();
        let outcome = spool.wait::<Outcome>(&ticket, Duration::from_millis(1));
        assert!(matches!(outcome, Err(SpoolFault::NoAnswer(_))));
        let journal = Journal::open(dir.path()).unwrap();
        assert!(Spool::of(&journal).unwrap().take::<Request>().is_empty());
    }

    #[test]
    fn a_spooled_file_that_does_not_open_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let mut switch = Spool::of(&journal).unwrap();
        let path = dir.path().join("spool/forged.request");
        std::fs::write(&path, b"{}").unwrap();
        assert!(switch.take::<Request>().is_empty());
        assert!(!path.exists());
    }

    #[test]
    fn an_import_with_an_error_writes_nothing_and_one_done_twice_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let (writes, _) = import("username\n1\na b\n").plan(&journal, Moment::default());
        assert!(writes.is_empty());
        let (writes, _) = import("username\n1\n2\n").plan(&journal, Moment::default());
        journal.save_blocking(writes).unwrap();
        let (writes, outcome) = import("username\n1\n2\n").plan(&journal, Moment::from_micros(9));
        assert!(writes.is_empty());
        assert!(matches!(outcome, Outcome::UsersImported(summary) if summary.unchanged == 2));
        let (_, outcome) = import("nonsense\n").plan(&journal, Moment::default());
        assert!(matches!(outcome, Outcome::Refused { .. }));
    }
}
