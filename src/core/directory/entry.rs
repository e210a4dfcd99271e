//! One entry: a person or a place with its numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::{Kind, Number, NumberRules};

/// Most characters of a name or a department.
pub const MAX_NAME: usize = 128;

/// Most numbers of one entry.
pub const MAX_NUMBERS: usize = 8;

/// Names an entry. Local ones are ours; those of the directory follow from their place in it, so that they
/// stay the same over a refresh.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub String);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Kept here, by an administrator.
    Local,
    /// Read from the directory; changed there only.
    Directory,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Names it.
    pub id: EntryId,
    /// As it is shown.
    pub name: String,
    /// Department, or empty.
    #[serde(default)]
    pub department: String,
    /// At least one, those inside the house first.
    pub numbers: Vec<Number>,
    /// Where it comes from.
    pub source: Source,
}

/// An entry as somebody types it or a directory gives it: not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// Name.
    pub name: String,
    /// Department.
    pub department: String,
    /// Numbers as written.
    pub numbers: Vec<(Kind, String)>,
}

/// What is wrong with a draft: the field, and how it is mended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Fault {
    /// `name`, `department` or `numbers`.
    pub field: &'static str,
    /// What is wrong, and the mend.
    pub why: String,
}

impl Draft {
    /// An entry in which everything is sound, else all that is not.
    pub fn strict(&self, id: EntryId, source: Source, rules: &NumberRules) -> Result<Entry, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut fault = |field, why: String| faults.push(Fault { field, why });
        let (name, department) = (plain(&self.name), plain(&self.department));
        if name.is_empty() {
            fault("name", "is empty; an entry is found by its name".into());
        }
        for (field, text) in [("name", &name), ("department", &department)] {
            let length = text.chars().count();
            if length > MAX_NAME {
                fault(field, format!("has {length} characters, at most {MAX_NAME} are kept; shorten it"));
            }
        }
        let mut numbers = Vec::new();
        for (kind, text) in self.numbers.iter().filter(|(_, text)| !text.trim().is_empty()) {
            match Number::read(*kind, text, rules) {
                Some(number) => numbers.push(number),
                None => fault(
                    "numbers",
                    format!("{text:?} is no number; write digits, with a plus before a whole one"),
                ),
            }
        }
        if self.numbers.iter().all(|(_, text)| text.trim().is_empty()) {
            fault("numbers", "there is none; give at least one".into());
        }
        if numbers.len() > MAX_NUMBERS {
            fault("numbers", format!("there are {}, at most {MAX_NUMBERS} are kept", numbers.len()));
        }
        if faults.is_empty() {
            Ok(Entry { id, name, department, numbers: in_order(numbers), source })
        } else {
            Err(faults)
        }
    }

    /// What can be used of an entry that nobody here can mend: texts are cut, bad numbers left out. None: no
    /// name or no number is left.
    pub fn lenient(&self, id: EntryId, source: Source, rules: &NumberRules) -> Option<Entry> {
        let cut = |text: &str| plain(text).chars().take(MAX_NAME).collect::<String>().trim().to_owned();
        let (name, department) = (cut(&self.name), cut(&self.department));
        let read = |(kind, text): &(Kind, String)| Number::read(*kind, text, rules);
        let mut numbers: Vec<Number> = Vec::new();
        for number in self.numbers.iter().filter_map(read) {
            if numbers.len() < MAX_NUMBERS && numbers.iter().all(|kept| kept.dial != number.dial) {
                numbers.push(number);
            }
        }
        let sound = !name.is_empty() && !numbers.is_empty();
        sound.then(|| Entry { id, name, department, numbers: in_order(numbers), source })
    }
}

fn in_order(mut numbers: Vec<Number>) -> Vec<Number> {
    numbers.sort_by_key(|number| number.kind);
    numbers
}

/// Blanks as one, nothing that a display cannot show.
fn plain(text: &str) -> String {
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str, numbers: &[(Kind, &str)]) -> Draft {
        Draft {
            name: name.into(),
            department: String::new(),
            numbers: numbers.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect(),
        }
    }

    fn strict(draft: &Draft) -> Result<Entry, Vec<Fault>> {
        draft.strict(EntryId("1".into()), Source::Local, &NumberRules::default())
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let faults = strict(&draft("", &[(Kind::Office, "none")])).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.field).collect::<Vec<_>>(), ["name", "numbers"]);
        assert!(strict(&draft("A", &[(Kind::Office, " ")])).unwrap_err()[0].why.contains("at least one"));
    }

    #[test]
    fn numbers_inside_come_first_and_names_are_one_line() {
        let entry =
            strict(&draft(" Anna\n Beck ", &[(Kind::Mobile, "0171 1"), (Kind::Internal, "4711")])).unwrap();
        assert_eq!(entry.name, "Anna Beck");
        assert_eq!(entry.numbers[0].dial, "4711");
    }

    #[test]
    fn of_an_entry_of_the_directory_the_good_parts_are_kept() {
        let draft =
            draft(&"é".repeat(200), &[(Kind::Office, "x"), (Kind::Mobile, "0171 1"), (Kind::Home, "01711")]);
        let entry = draft.lenient(EntryId("1".into()), Source::Directory, &NumberRules::default()).unwrap();
        assert_eq!(entry.name.chars().count(), MAX_NAME);
        assert_eq!(entry.numbers.len(), 1, "the same number twice is one");
        let empty = Draft { name: "A".into(), ..Draft::default() };
        assert_eq!(empty.lenient(EntryId("1".into()), Source::Directory, &NumberRules::default()), None);
    }
}
