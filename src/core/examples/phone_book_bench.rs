//! What a search and a look-up cost in a phone book of 10,000 entries, at worst and at the 99th percentile.
//!
//! `cargo run --release -p kirkwall-core --example phone_book_bench`
//!
//! The bound of the house is 50 ms at the 99th percentile, pages and transport included.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a benchmark reads the clock; the core it measures does not"
)]
#![allow(clippy::unwrap_used, reason = "the sample is known to be sound")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use kirkwall_core::directory::{Book, Draft, Entry, EntryId, Kind, NumberRules, Query, Source, fold};

const ENTRIES: usize = 10_000;
const PAGE: usize = 50;

fn main() {
    let rules = NumberRules { country_code: "49".into(), ..NumberRules::default() };
    let entries: Vec<Entry> = (0..ENTRIES).map(|n| entry(n, &rules)).collect();
    let start = Instant::now();
    let book = Book::new(entries.clone());
    println!("{} entries, indexed in {:.1} ms", book.len(), millis(start.elapsed()));
    println!("{:<34} {:>7} {:>11} {:>11}", "", "asked", "p99, us", "worst, us");

    let names = || entries.iter().step_by(7).map(|entry| entry.name.as_str());
    let typed = |text: &str| Query::typed(text, &rules);
    let search = |query: &Query| black_box(book.search(query, 0, PAGE)).total;
    report("search, a name whole", names().map(typed), search);
    report(
        "search, two letters",
        names().map(|name| typed(&name.chars().take(2).collect::<String>())),
        search,
    );
    report(
        "search, one letter (most hits)",
        names().map(|name| typed(&name.chars().take(1).collect::<String>())),
        search,
    );
    let keys = |name: &str| typed(&kirkwall_core::directory::digits_of(&fold(name)).unwrap()[..3]);
    report("search, three keys", names().map(keys), search);
    report("everybody, last page", (0..500).map(|_| Query::All), |all| {
        black_box(book.search(all, ENTRIES - PAGE, PAGE)).total
    });
    let numbers = || entries.iter().step_by(7).map(|entry| entry.numbers[0].dial.clone());
    report("caller, number whole", numbers(), |dial| black_box(book.caller(dial, 7)).is_some() as usize);
    report("caller, last digits", numbers().map(|dial| dial[5..].to_owned()), |dial| {
        black_box(book.caller(dial, 7)).is_some() as usize
    });
    report("caller, nobody's number", (0..1_500).map(|n| format!("+4420{n:08}")), |dial| {
        black_box(book.caller(dial, 7)).is_some() as usize
    });
}

fn report<Q>(what: &str, questions: impl Iterator<Item = Q>, answer: impl Fn(&Q) -> usize) {
    let questions: Vec<Q> = questions.collect();
    let mut times: Vec<Duration> = Vec::with_capacity(questions.len());
    for question in &questions {
        let start = Instant::now();
        black_box(answer(question));
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let p99 = times[(times.len() * 99 / 100).min(times.len() - 1)];
    let worst = times[times.len() - 1];
    println!("{what:<34} {:>7} {:>11.1} {:>11.1}", times.len(), 1e3 * millis(p99), 1e3 * millis(worst));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Names as in a house of that size: few family names, fewer first names, some with accents.
fn entry(n: usize, rules: &NumberRules) -> Entry {
    const FIRST: [&str; 20] = [
        "Anna", "Bernd", "Chloé", "Dörte", "Emil", "Fatma", "Georg", "Hélène", "Ivan", "Jürgen", "Karin",
        "Łucja", "Mehmet", "Nadia", "Olaf", "Petra", "Rüdiger", "Søren", "Tina", "Zoë",
    ];
    const LAST: [&str; 16] = [
        "Müller",
        "Schmidt",
        "Beck",
        "Yılmaz",
        "Nowák",
        "Öztürk",
        "García",
        "Lindström",
        "Weiß",
        "Kowalski",
        "Krüger",
        "Dvořák",
        "Popescu",
        "Hansen",
        "Fischer",
        "Wagner",
    ];
    let name = format!("{} {}-{}", FIRST[n % 20], LAST[n / 20 % 16], LAST[n / 320 % 16]);
    let office = (Kind::Office, format!("+49 30 {:07}", 1_000_000 + n * 37));
    let draft = Draft {
        name,
        department: format!("Ward {}", n % 40),
        numbers: vec![
            office,
            (Kind::Mobile, format!("0171 {:07}", 2_000_000 + n)),
            (Kind::Internal, (10_000 + n).to_string()),
        ],
    };
    draft.strict(EntryId(n.to_string()), Source::Directory, rules).unwrap()
}
