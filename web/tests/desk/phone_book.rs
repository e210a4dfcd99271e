//! The phone book as the desk of these tests keeps it.

use kirkwall_actors::desk::*;
use kirkwall_core::directory::{Book, Draft, EntryId, Kind, NumberRules, Query, Source};

/// Entries of a test: two local ones, one of the directory.
pub fn entries() -> Vec<PhoneBookEntryView> {
    let rows = [
        ("l-anna", "Anna Beck", "Radiology", "4711", Some(1)),
        ("l-zoe", "Zoë Öztürk", "<b>Stores</b>", "+49 171 5550101", Some(3)),
        ("d-1", "Müller, Clara", "Ward 3", "+49 30 1234567", None),
    ];
    rows.into_iter()
        .map(|(id, name, department, number, revision)| view(id, name, department, number, revision))
        .collect()
}

fn view(id: &str, name: &str, department: &str, number: &str, revision: Option<u64>) -> PhoneBookEntryView {
    let draft = Draft {
        name: name.into(),
        department: department.into(),
        numbers: vec![(Kind::Office, number.into())],
    };
    made(id, &draft, revision).unwrap()
}

/// What becomes of a draft.
pub fn made(id: &str, draft: &Draft, revision: Option<u64>) -> Result<PhoneBookEntryView, DeskFault> {
    let source = if revision.is_some() { Source::Local } else { Source::Directory };
    let field = |fault: kirkwall_core::directory::Fault| FieldFault::new(fault.field, fault.why);
    let entry = draft.strict(EntryId(id.into()), source, &NumberRules::default());
    let entry = entry.map_err(|faults| DeskFault::Invalid(faults.into_iter().map(field).collect()))?;
    Ok(PhoneBookEntryView { entry, revision })
}

/// The page that fits.
pub fn search(entries: &[PhoneBookEntryView], ask: &SearchPhoneBook) -> PhoneBookPage {
    let book = Book::new(entries.iter().map(|view| view.entry.clone()));
    let read = if ask.multi_tap { Query::multi_tap } else { Query::typed };
    let found = book.search(&read(&ask.query, &NumberRules::default()), ask.offset, ask.limit);
    let of = |entry: &kirkwall_core::directory::Entry| {
        entries.iter().find(|view| view.entry.id == entry.id).unwrap().clone()
    };
    PhoneBookPage {
        entries: found.entries.into_iter().map(of).collect(),
        total: found.total,
        size: book.len(),
    }
}
