//! The phone book: who has which number, found by name as handsets type it, and by number.
//!
//! ```text
//!  local entries ───┐                         ┌─► search: name, keypad digits, number; in pages
//!                   ├─► Book::new (merge, ─────┤
//!  directory copy ──┘    sort, index)         └─► caller: the name behind a number
//! ```
//!
//! A [`Book`] never changes: a new copy of the directory or a changed entry makes a new one, and whoever
//! still reads the old one is not disturbed. Names are compared without case and accents ([`fold`]), so
//! `muller`, `mueller` and `Müller` are the same to a searcher.
//!
//! It fails in two ways only: an entry that is not sound is refused with the field's name ([`Fault`]), and
//! what is over the bounds is left out and counted ([`Book::left_out`]).

mod book;
mod entry;
mod fold;
mod index;
mod keypad;
mod merge;
mod number;
mod query;

pub use book::{Book, Found, MAX_ENTRIES, MAX_PAGE};
pub use entry::{Draft, Entry, EntryId, Fault, MAX_NAME, MAX_NUMBERS, Source};
pub use fold::fold;
pub use keypad::{digits_of, from_multi_tap};
pub use number::{Kind, MAX_NUMBER, Number, NumberRules};
pub use query::Query;
