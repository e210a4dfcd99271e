//! PLT-005 and PLT-006: the store, when it may be looked at.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kirkwall_core::doctor::{Finding, check};
use kirkwall_core::timer::Moment;
use kirkwall_data::token::Tokens;
use kirkwall_data::user::Users;
use kirkwall_data::{Journal, OpenFault};

/// How long opening may take; a large log is replayed in less.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of the store.
pub struct Store {
    /// PLT-005 and PLT-006.
    pub findings: Vec<Finding>,
    /// A switch runs on it.
    pub running: bool,
    /// The first enabled user; or why none is known.
    pub user: Result<String, String>,
}

impl Store {
    fn unknown(opening: Finding, why: &str) -> Self {
        let access = Finding::skipped(&check::PLT_005, why);
        Self { findings: vec![opening, access], running: false, user: Err(why.to_owned()) }
    }

    fn of(mut self, data: &Path) -> Self {
        let target = data.display().to_string();
        self.findings = self.findings.into_iter().map(|finding| finding.of(&target)).collect();
        self
    }
}

/// Looks at the store in `data`. Never makes one; a damaged one is mended by opening it, as the switch
/// would do at its next start.
pub fn look(data: Option<&Path>) -> Store {
    let Some(data) = data else {
        return Store::unknown(
            Finding::skipped(&check::PLT_006, "no --data DIR was given"),
            "no --data DIR was given",
        );
    };
    let owner = match std::fs::metadata(data.join("store")) {
        Ok(found) => found.uid(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let why = "there is no store yet; the first start of the switch makes one";
            return Store::unknown(Finding::skipped(&check::PLT_006, why), why).of(data);
        }
        Err(error) => {
            let mend = "Run the doctor as the user of the switch.";
            let opening = Finding::error(&check::PLT_006, error.to_string(), mend);
            return Store::unknown(opening, "the store cannot be entered").of(data);
        }
    };
    if let Some(foreign) = foreign(data, owner) {
        return foreign.of(data);
    }
    open_in_time(data.to_owned()).of(data)
}

/// Opening as another user would leave files that the switch cannot write.
fn foreign(data: &Path, owner: u32) -> Option<Store> {
    // The owner of a process's folder in /proc is its effective user (proc(5)).
    let us = std::fs::metadata("/proc/self").ok()?.uid();
    (us != owner).then(|| {
        let why = format!("the store belongs to user {owner}, the doctor runs as {us}; not opened");
        let opening = Finding::skipped(&check::PLT_006, &why)
            .mended_by("Run the doctor as the user of the switch.")
            .with_command(format!("sudo -u '#{owner}' kirkwall doctor --data {}", data.display()));
        Store::unknown(opening, &why)
    })
}

fn open_in_time(data: PathBuf) -> Store {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(open(&data)));
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let evidence = format!("does not open within {PATIENCE:?}");
        let mend = "Look at the disk (PLT-001), and at the size of the folder \"store\".";
        Store::unknown(Finding::warning(&check::PLT_006, evidence, mend), "the store did not open in time")
    })
}

fn open(data: &Path) -> Store {
    let check = &check::PLT_006;
    match Journal::open_at_once(data) {
        Ok(journal) => read(&journal),
        Err(OpenFault::Locked { .. }) => {
            let why = "a running switch holds the store; name a user with --user to try a registration";
            let opening = Finding::good(check, "held by a running switch, which has opened it");
            Store { running: true, ..Store::unknown(opening, why) }
        }
        Err(fault) => {
            let mend = "Mend what is named there; a store that cannot be read is rebuilt from its export at the next start.";
            Store::unknown(Finding::error(check, fault.to_string(), mend), "the store does not open")
        }
    }
}

fn read(journal: &Journal) -> Store {
    let users = Users::new(journal);
    let count = users.count();
    let notices: Vec<_> = journal.notices().iter().map(ToString::to_string).collect();
    let opening = match notices.is_empty() {
        true => Finding::good(&check::PLT_006, format!("opens, with {count} users; no switch runs on it")),
        false => Finding::warning(
            &check::PLT_006,
            notices.join("; "),
            "It has been mended as far as possible; compare the users with your last export, and look at the disk.",
        ),
    };
    let first = users.iter().flatten().find(|user| user.enabled);
    let user = first.map(|user| user.username.as_str().to_owned());
    Store {
        findings: vec![opening, access(journal)],
        running: false,
        user: user.ok_or_else(|| "there is no enabled user yet".to_owned()),
    }
}

fn access(journal: &Journal) -> Finding {
    let check = &check::PLT_005;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Moment::from_micros(since.as_micros() as u64);
    let tokens: Vec<_> = Tokens::new(journal).iter().flatten().collect();
    let valid = tokens.iter().filter(|token| token.expires.is_none_or(|end| end > now)).count();
    let data = journal.dir().display();
    match (valid, tokens.len()) {
        (0, all) => Finding::warning(
            check,
            if all == 0 {
                "there is no API token yet".to_owned()
            } else {
                format!("all {all} API tokens have expired")
            },
            "Make one; it is printed once.",
        )
        .with_command(format!("kirkwall token create --data {data} --name admin --scope admin")),
        (valid, _) => {
            Finding::good(check, format!("{valid} API tokens are valid; there is no default password"))
        }
    }
}
