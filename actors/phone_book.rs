//! The book that everybody reads: one actor makes a new one, the others look things up in it at once.

use std::sync::{Arc, RwLock};

use kirkwall_core::directory::{Book, NumberRules};

/// The present book. Cheap to clone; all clones see the same one.
#[derive(Debug, Clone, Default)]
pub struct SharedBook(Arc<RwLock<(u64, Arc<Book>)>>);

impl SharedBook {
    /// The book as it is now; it does not change while it is held.
    pub fn now(&self) -> Arc<Book> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).1.clone()
    }

    /// Puts a new book in its place, unless a later one is there already: books are indexed beside each other.
    pub(crate) fn replace(&self, number: u64, book: Book) {
        let mut present = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if present.0 < number {
            *present = (number, Arc::new(book));
        }
    }
}

/// Names of callers who bring none.
#[derive(Debug, Clone, Default)]
pub struct CallerNames {
    /// Where they are looked up.
    pub book: SharedBook,
    /// How numbers are dialled here.
    pub rules: NumberRules,
    /// Least digits at the end of a number that must fit.
    pub least_digits: usize,
    /// Whether they are looked up at all.
    pub enabled: bool,
}

impl CallerNames {
    /// The name behind a number, as far as there is one and no more than one.
    pub fn of(&self, number: &str) -> Option<String> {
        let dial = self.rules.normal(number).filter(|_| self.enabled)?;
        self.book.now().caller(&dial, self.least_digits).map(|entry| entry.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use kirkwall_core::directory::{Draft, EntryId, Kind, Source};

    use super::*;

    fn book(name: &str) -> Book {
        let draft = Draft {
            name: name.into(),
            numbers: vec![(Kind::Office, "+49 30 1234567".into())],
            ..Draft::default()
        };
        Book::new([draft.strict(EntryId("1".into()), Source::Local, &NumberRules::default()).unwrap()])
    }

    #[test]
    fn a_book_that_took_longer_does_not_displace_a_later_one() {
        let names = CallerNames { enabled: true, least_digits: 7, ..CallerNames::default() };
        names.book.replace(2, book("Later"));
        names.book.replace(1, book("Earlier"));
        assert_eq!(names.of("+49301234567").as_deref(), Some("Later"));
        assert_eq!(names.of("anonymous"), None);
        assert_eq!(CallerNames { enabled: false, ..names }.of("+49301234567"), None);
    }
}
