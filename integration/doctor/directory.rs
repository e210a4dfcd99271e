//! The phone book's directory: whether it lets us in, and whether anything is there.

use kirkwall_core::doctor::{Finding, check};

use super::STEP;
use super::tasks::Tasks;
use crate::directory::{Cut, LdapSettings, read};

/// Enough to see that something is there.
const ENTRIES: usize = 1_000;

/// Adds the probe. What is wrong is said in the words of the phone book's page.
pub(super) fn plan(tasks: &mut Tasks, settings: Option<Result<LdapSettings, String>>) {
    let target = match &settings {
        Some(Ok(settings)) => Some(settings.uri.clone()),
        _ => None,
    };
    tasks.add(&check::ACC_002, target, async move {
        match settings {
            None => {
                vec![Finding::skipped(&check::ACC_002, "phone_book.uri is not set: there is no directory")]
            }
            Some(Err(why)) => {
                vec![Finding::error(
                    &check::ACC_002,
                    why,
                    "Correct this setting; the directory was not asked.",
                )]
            }
            Some(Ok(settings)) => look(settings).await,
        }
    });
}

async fn look(settings: LdapSettings) -> Vec<Finding> {
    let uri = settings.uri.clone();
    let whole = STEP * 3;
    let copy = read(LdapSettings { most: ENTRIES, step: STEP, whole, ..settings }).await;
    let found = match copy {
        Err(fault) => {
            let mend = "Correct what is named, in [phone_book] or at the directory.";
            vec![Finding::error(&check::ACC_002, fault.to_string(), mend)]
        }
        Ok(copy) => {
            let count = copy.entries.len();
            let more = if copy.cut == Some(Cut::Ours) { "at least " } else { "" };
            let there = match (count, copy.cut) {
                (0, _) => Finding::warning(
                    &check::ACC_003,
                    "no entry has a name and a number",
                    "Check phone_book.base, phone_book.filter, the attributes, and what the account may read.",
                ),
                (_, Some(Cut::Theirs)) => Finding::warning(
                    &check::ACC_003,
                    format!("{count} entries, and the directory gives no more"),
                    "Raise the size limit of the account at the directory, or narrow phone_book.filter.",
                ),
                _ => Finding::good(&check::ACC_003, format!("{more}{count} entries")),
            };
            vec![Finding::good(&check::ACC_002, "connected, and bound"), there]
        }
    };
    found.into_iter().map(|finding| finding.of(&uri)).collect()
}
