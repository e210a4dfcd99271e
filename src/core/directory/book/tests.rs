use super::super::{Draft, Kind, NumberRules};
use super::*;

fn rules() -> NumberRules {
    NumberRules { country_code: "49".into(), ..NumberRules::default() }
}

fn entry(id: &str, name: &str, department: &str, number: &str, source: Source) -> Entry {
    let kind = if number.len() < 6 { Kind::Internal } else { Kind::Office };
    let draft =
        Draft { name: name.into(), department: department.into(), numbers: vec![(kind, number.into())] };
    draft.strict(EntryId(id.into()), source, &rules()).unwrap()
}

fn local(id: &str, name: &str, number: &str) -> Entry {
    entry(id, name, "", number, Source::Local)
}

fn directory(id: &str, name: &str, number: &str) -> Entry {
    entry(id, name, "", number, Source::Directory)
}

fn house() -> Book {
    Book::new([
        entry("1", "Anna Beck", "Radiology", "+49 30 1234567", Source::Directory),
        entry("2", "Bernd Müller", "Stores", "4711", Source::Directory),
        entry("3", "Müller, Clara", "Radiology", "0171 555 0101", Source::Directory),
        entry("4", "Žofie Annová", "", "+420 2 3456789", Source::Directory),
    ])
}

fn ids(book: &Book, typed: &str) -> Vec<String> {
    let found = book.search(&Query::typed(typed, &rules()), 0, 50);
    assert_eq!(found.total, found.entries.len());
    found.entries.iter().map(|entry| entry.id.0.clone()).collect()
}

#[test]
fn nothing_typed_is_everybody_by_name() {
    assert_eq!(ids(&house(), ""), ["1", "2", "3", "4"]);
}

#[test]
fn names_that_begin_so_come_before_words_that_do() {
    assert_eq!(ids(&house(), "mü"), ["3", "2"]);
    assert_eq!(ids(&house(), "ann"), ["1", "4"]);
}

#[test]
fn umlauts_are_found_in_every_spelling() {
    for typed in ["muller", "MUELLER", "Müller"] {
        assert_eq!(ids(&house(), typed), ["3", "2"], "{typed}");
    }
}

#[test]
fn every_word_must_begin_a_word_in_any_order() {
    assert_eq!(ids(&house(), "mul ber"), ["2"]);
    assert_eq!(ids(&house(), "rad mul"), ["3"]);
    assert!(ids(&house(), "mul xyz").is_empty());
}

#[test]
fn keys_pressed_once_find_names_and_numbers() {
    assert_eq!(ids(&house(), "2662"), ["1"], "anna: 2662; annova is 266682");
    assert_eq!(ids(&house(), "266"), ["1", "4"]);
    assert_eq!(ids(&house(), "4711"), ["2"]);
    assert_eq!(ids(&house(), "0171"), ["3"], "kept as +49171");
    assert_eq!(ids(&house(), "1234567"), ["1"], "the end of a number");
    assert_eq!(ids(&house(), "683553"), ["2", "3"], "mueller spelt out: 683553 7");
}

#[test]
fn pages_follow_each_other_without_gap() {
    let book =
        Book::new((0..450).map(|n| local(&format!("{n:03}"), &format!("Person {n:03}"), &format!("{n}1"))));
    let mut seen = Vec::new();
    while let Some(page) =
        Some(book.search(&Query::name("person"), seen.len(), 1_000)).filter(|p| !p.entries.is_empty())
    {
        assert!(page.entries.len() <= MAX_PAGE);
        assert_eq!(page.total, 450);
        seen.extend(page.entries.iter().map(|entry| entry.id.0.clone()));
    }
    assert_eq!(seen, (0..450).map(|n| format!("{n:03}")).collect::<Vec<_>>());
    assert!(book.search(&Query::All, usize::MAX, 10).entries.is_empty());
}

#[test]
fn a_caller_is_known_by_every_spelling_of_the_number() {
    let book = house();
    let name = |number: &str| {
        let dial = rules().normal(number).unwrap();
        book.caller(&dial, 7).map(|entry| entry.name.as_str())
    };
    assert_eq!(name("+49 30 1234567"), Some("Anna Beck"));
    assert_eq!(name("030 1234567"), Some("Anna Beck"));
    assert_eq!(name("00 49 171 5550101"), Some("Müller, Clara"));
    assert_eq!(name("4711"), Some("Bernd Müller"));
    assert_eq!(name("1234567"), Some("Anna Beck"), "a local call shows the last digits only");
    assert_eq!(name("234567"), None, "too few digits");
    assert_eq!(name("+49 89 1234567"), None, "the same digits in another town");
    assert_eq!(name("94711"), None, "a short number must fit whole");
}

#[test]
fn without_rules_a_trunk_zero_stands_for_a_country_code() {
    let plain = NumberRules::default();
    let draft = Draft {
        name: "Anna".into(),
        numbers: vec![(Kind::Office, "030 1234567".into())],
        ..Draft::default()
    };
    let book = Book::new([draft.strict(EntryId("1".into()), Source::Local, &plain).unwrap()]);
    assert_eq!(book.caller("+49301234567", 7).map(|e| e.name.as_str()), Some("Anna"));
    let book = Book::new([directory("2", "Bert", "+49 30 1234567")]);
    assert_eq!(book.caller("0301234567", 7).map(|e| e.name.as_str()), Some("Bert"));
}

#[test]
fn a_number_of_two_people_names_neither_unless_one_is_ours() {
    let shared = [directory("1", "Anna", "030 1234567"), directory("2", "Bert", "030 1234567")];
    assert_eq!(Book::new(shared.clone()).caller("+49301234567", 7), None);
    let ours = shared.into_iter().chain([local("3", "Reception", "030 1234567")]);
    assert_eq!(Book::new(ours).caller("+49301234567", 7).map(|e| e.name.as_str()), Some("Reception"));
}

#[test]
fn a_local_entry_takes_the_place_of_the_directorys() {
    let book = Book::new([
        directory("1", "Anna Beck", "4711"),
        local("2", "ANNA BECK", "4711"),
        directory("3", "Anna Beck", "4712"),
    ]);
    assert_eq!(book.entries().iter().map(|e| e.id.0.as_str()).collect::<Vec<_>>(), ["2", "3"]);
}

#[test]
fn what_is_over_the_bound_is_counted() {
    let book = Book::new((0..MAX_ENTRIES + 3).map(|n| local(&n.to_string(), &format!("P {n}"), "12")));
    assert_eq!((book.len(), book.left_out()), (MAX_ENTRIES, 3));
}
