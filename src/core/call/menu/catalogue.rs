//! What there is to look through: the phone book as it was when the user began, and the user's own calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Topic;
use crate::call::log::{LogEntry, LogKind};
use crate::dect::ss::{MAX_NAME, MAX_NUMBER};
use crate::directory::{Book, Entry, Kind, Query};
use crate::sip::DisplayLimits;
use crate::timer::Moment;

/// Most calls of a log that a handset shows.
pub const MOST_CALLS: usize = 100;

/// What a native handset holds (the guide: 24 characters of a name, "SIP URI up to 64 characters including `sip:`").
pub const LIMITS: DisplayLimits = DisplayLimits { name: MAX_NAME, name_and_number: None, uri: MAX_NUMBER };

/// One name with its numbers, or one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Whose, possibly empty.
    pub name: String,
    /// At least one.
    pub numbers: Vec<Dialable>,
    /// What else is to be said: of a call, what it was and how long ago.
    pub remark: String,
}

/// A number of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialable {
    /// As it is shown.
    pub shown: String,
    /// What is dialled; none where it is longer than the handset can hold.
    pub dials: Option<String>,
    /// What it rings, where that is worth a word.
    pub kind: &'static str,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Catalogue {
    book: Arc<Book>,
    calls: Arc<[LogEntry]>,
}

impl Catalogue {
    /// Of this book and these calls, the latest first; at most [`MOST_CALLS`] of them are kept.
    pub fn new(book: Arc<Book>, calls: impl IntoIterator<Item = LogEntry>) -> Self {
        Self { book, calls: calls.into_iter().take(MOST_CALLS).collect() }
    }

    /// The card at this place, and how many there are: of names under the keys `letters`, or of calls of a kind.
    pub(super) fn find(
        &self,
        topic: Topic,
        (letters, kind): (&str, Option<LogKind>),
        at: usize,
        now: Moment,
    ) -> (Option<Card>, usize) {
        match topic {
            Topic::PhoneBook => {
                let query = match letters.is_empty() {
                    true => Query::All,
                    false => Query::NameKeys(letters.to_owned()),
                };
                let found = self.book.search(&query, at, 1);
                (found.entries.first().map(|entry| card_of_entry(entry)), found.total)
            }
            Topic::CallLog => {
                let fits = || self.calls.iter().filter(|call| kind.is_none_or(|kind| kind == call.kind));
                let card = fits().nth(at).map(|call| card_of_call(call, now));
                (card, fits().count())
            }
        }
    }
}

fn card_of_call(call: &LogEntry, now: Moment) -> Card {
    let dials = call.redialled_on(&LIMITS).map(str::to_owned);
    let number = Dialable { shown: call.number.clone(), dials, kind: "" };
    let remark = format!("{} {}", call.kind.as_str(), ago(now.since(call.started)));
    let name = if call.name.is_empty() { String::new() } else { call.shown_on(&LIMITS).to_owned() };
    Card { name, numbers: vec![number], remark }
}

fn card_of_entry(entry: &Entry) -> Card {
    // One number needs no word; of several one wants to know which is the mobile.
    let word = |kind: Kind| if entry.numbers.len() > 1 { kind.word() } else { "" };
    let dialable = |number: &crate::directory::Number| Dialable {
        shown: number.dial.clone(),
        dials: Some(number.dial.clone()),
        kind: word(number.kind),
    };
    Card {
        name: entry.name.clone(),
        numbers: entry.numbers.iter().map(dialable).collect(),
        remark: String::new(),
    }
}

/// A handset has no time zone, so a call is so long ago.
pub(super) fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1_440 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1_440),
    }
}

impl fmt::Debug for Catalogue {
    /// How much there is, and nobody's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("names", &self.book.len())
            .field("calls", &self.calls.len())
            .finish()
    }
}

impl PartialEq for Catalogue {
    /// The same book, not one that is alike.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.book, &other.book) && self.calls == other.calls
    }
}

impl Eq for Catalogue {}
