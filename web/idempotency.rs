//! Answers kept for requests that are sent twice (`Idempotency-Key`).
//!
//! A client that lost the answer of a POST sends it again with the same key and gets the first answer. Only
//! good answers are kept: what failed may be tried again under the same key.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use kirkwall_core::pii::Pii;

use crate::problem::{BAD_REQUEST, BUSY, IDEMPOTENCY_IN_FLIGHT, IDEMPOTENCY_KEY_REUSED, Problem};
use crate::rest::Answer;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Most answers kept; beyond, the oldest goes.
const MOST: usize = 1_000;
/// Longest key.
const LONGEST_KEY: usize = 255;

/// The table of answers.
#[derive(Default)]
pub struct Idempotency {
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    since: Instant,
    /// SHA-256 of the body.
    body: String,
    /// None while the first request is being worked on. May hold a fresh token, hence [`Pii`].
    answer: Option<Pii<Answer>>,
}

/// What to do with a request that carries a key.
pub enum Claim<'a> {
    /// The first of its kind: do it, then [`Ticket::keep`] the answer.
    First(Ticket<'a>),
    /// Was done: this was the answer.
    Done(Box<Answer>),
}

/// The right to do what the key stands for. Dropped without an answer, the key is free again.
pub struct Ticket<'a> {
    table: &'a Idempotency,
    key: String,
    kept: bool,
}

impl Idempotency {
    /// Looks `key` up for `whom` (name and operation), who sends `body` (its SHA-256).
    pub fn claim(&self, whom: &str, key: &str, body: &str) -> Result<Claim<'_>, Problem> {
        if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            let detail = "Idempotency-Key must be 1 to 255 visible ASCII characters, for example a UUID";
            return Err(Problem::new(&BAD_REQUEST, detail));
        }
        let key = format!("{whom}\n{key}");
        let mut entries = self.lock();
        entries.retain(|_, entry| entry.since.elapsed() < KEPT);
        match entries.get(&key) {
            Some(entry) if entry.body != body => {
                Err(Problem::new(&IDEMPOTENCY_KEY_REUSED, "the first request with this key had another body"))
            }
            Some(Entry { answer: Some(answer), .. }) => Ok(Claim::Done(Box::new(answer.0.clone()))),
            Some(_) => {
                Err(Problem::new(&IDEMPOTENCY_IN_FLIGHT, "the first request has not been answered yet"))
            }
            None => {
                make_room(&mut entries)?;
                let entry = Entry { since: Instant::now(), body: body.to_owned(), answer: None };
                entries.insert(key.clone(), entry);
                Ok(Claim::First(Ticket { table: self, key, kept: false }))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().expect("nothing panics while it holds this lock")
    }
}

/// The oldest answered entry goes; entries that are being worked on stay.
fn make_room(entries: &mut HashMap<String, Entry>) -> Result<(), Problem> {
    if entries.len() < MOST {
        return Ok(());
    }
    let answered = entries.iter().filter(|(_, entry)| entry.answer.is_some());
    let oldest = answered.min_by_key(|(_, entry)| entry.since).map(|(key, _)| key.clone());
    let full = || Problem::new(&BUSY, "too many requests are being worked on");
    oldest.and_then(|key| entries.remove(&key)).map(drop).ok_or_else(full)
}

impl Ticket<'_> {
    /// Keeps the answer for whoever asks again.
    pub fn keep(mut self, answer: &Answer) {
        if let Some(entry) = self.table.lock().get_mut(&self.key) {
            entry.answer = Some(Pii(answer.clone()));
            self.kept = true;
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.table.lock().remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(claim: Result<Claim<'_>, Problem>) -> &'static str {
        claim.err().map_or("ok", |problem| problem.kind.code)
    }

    fn first<'a>(table: &'a Idempotency, key: &str) -> Ticket<'a> {
        match table.claim("me", key, "body") {
            Ok(Claim::First(ticket)) => ticket,
            _ => panic!("{key} is not the first"),
        }
    }

    #[test]
    fn the_second_request_gets_the_first_answer() {
        let table = Idempotency::default();
        first(&table, "k").keep(&Answer::new(201).header("location", "/x"));
        let Ok(Claim::Done(answer)) = table.claim("me", "k", "body") else { panic!("not done") };
        assert_eq!(answer.status, 201);
    }

    #[test]
    fn a_key_with_another_body_or_in_flight_is_refused() {
        let table = Idempotency::default();
        let ticket = first(&table, "k");
        assert_eq!(code(table.claim("me", "k", "body")), "idempotency_in_flight");
        assert_eq!(code(table.claim("me", "k", "other")), "idempotency_key_reused");
        assert_eq!(code(table.claim("you", "k", "other")), "ok");
        drop(ticket);
        first(&table, "k");
    }

    #[test]
    fn the_table_is_bounded() {
        let table = Idempotency::default();
        for n in 0..MOST + 50 {
            first(&table, &n.to_string()).keep(&Answer::new(201));
        }
        assert_eq!(table.lock().len(), MOST);
    }

    #[test]
    fn a_key_that_cannot_be_is_refused() {
        let table = Idempotency::default();
        assert_eq!(code(table.claim("me", "", "b")), "bad_request");
        assert_eq!(code(table.claim("me", &"k".repeat(256), "b")), "bad_request");
    }
}
