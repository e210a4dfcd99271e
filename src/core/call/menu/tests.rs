use std::sync::Arc;

use super::*;
use crate::call::log::LogEntry;
use crate::directory::{Book, Draft, EntryId, Kind, NumberRules, Source};
use crate::id::CallRef;

fn at(seconds: u64) -> Moment {
    Moment::default() + Duration::from_secs(seconds)
}

fn book() -> Arc<Book> {
    let people: [(&str, &[(Kind, &str)]); 5] = [
        ("John Smith", &[(Kind::Internal, "2001")]),
        ("Łukasz Jóźwiak", &[(Kind::Internal, "2004")]),
        ("Joanna Weber", &[(Kind::Internal, "2002"), (Kind::Mobile, "+49 171 5646")]),
        ("Елкина", &[(Kind::Internal, "2003")]),
        ("Reception of the western building, ground floor", &[(Kind::Internal, "5646")]),
    ];
    let mut entries = Vec::new();
    for (no, (name, numbers)) in people.iter().enumerate() {
        let numbers = numbers.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect();
        let draft = Draft { name: (*name).to_owned(), numbers, ..Draft::default() };
        let id = EntryId(no.to_string());
        entries.push(draft.strict(id, Source::Local, &NumberRules::default()).unwrap());
    }
    Arc::new(Book::new(entries))
}

fn call(kind: LogKind, number: &str, name: &str, uri: Option<&str>) -> LogEntry {
    LogEntry {
        call: CallRef(1),
        kind,
        number: number.to_owned(),
        name: name.to_owned(),
        uri: uri.map(str::to_owned),
        started: at(0),
        seconds: None,
        forwarded: false,
    }
}

fn calls() -> Vec<LogEntry> {
    let long = format!("sip:{}@partner.example", "x".repeat(48));
    assert_eq!(long.chars().count(), 68);
    vec![
        call(LogKind::Missed, "7001", "Doctor Who", None),
        call(LogKind::Placed, "7002", "", None),
        call(LogKind::Received, "xxxx", "Long Name", Some(&long)),
        call(LogKind::Missed, "anna", "", Some("sip:anna@partner.example")),
    ]
}

fn open(topic: Topic) -> (Menu, String) {
    let mut menu = Menu::new(topic, at(7_200));
    let catalogue = Box::new(Catalogue::new(book(), calls()));
    let out = menu.handle(Input::Opened(catalogue), at(7_200)).unwrap().then;
    let [Output::Show { text, signal: None }] = &out[..] else { panic!("{out:?}") };
    (menu, text.clone())
}

/// Presses keys, R for register recall, and gives what came of the last one.
fn press(menu: &mut Menu, keys: &str) -> Vec<Output> {
    let key = |c| if c == 'R' { Key::Recall } else { Key::Character(c) };
    keys.chars().map(|c| menu.handle(Input::Key(key(c)), at(7_200)).unwrap().then).last().unwrap()
}

#[track_caller]
fn shown(out: &[Output]) -> &str {
    match out {
        [Output::Show { text, signal: None }] => text,
        _ => panic!("{out:?}"),
    }
}

fn dials(address: &str, name: &str) -> Vec<Output> {
    vec![Output::Dial { address: address.to_owned(), name: name.to_owned() }]
}

#[test]
fn a_name_is_found_by_one_press_for_each_letter_and_dialled() {
    let (mut menu, first) = open(Topic::PhoneBook);
    assert_eq!(first, "Phone book\rtype a name");
    assert_eq!(shown(&press(&mut menu, "56")), "Joanna Weber\r2002\r1/3 internal");
    assert_eq!(shown(&press(&mut menu, "46")), "John Smith\r2001\r1/1", "no number that begins or ends so");
    assert_eq!(press(&mut menu, "#"), dials("2001", "John Smith"));
    assert_eq!(menu.handle(Input::Key(Key::Recall), at(7_200)), Err(Refusal::Left));
    assert_eq!(menu.deadline(), None);
}

#[test]
fn the_numbers_of_a_name_and_the_names_come_one_after_another() {
    let (mut menu, _) = open(Topic::PhoneBook);
    press(&mut menu, "56");
    let steps = ["Joanna Weber\r+491715646\r1/3 mobile", "John Smith\r2001\r2/3"];
    assert_eq!(steps.map(|_| shown(&press(&mut menu, "*")).to_owned()), steps);
    assert_eq!(shown(&press(&mut menu, "1")), steps[0]);
    assert_eq!(
        shown(&press(&mut menu, "11")),
        "Łukasz Jóźwiak\r2004\r3/3",
        "before the first comes the last"
    );
    assert!(shown(&press(&mut menu, "*")).starts_with("Joanna Weber\r2002"), "and behind it the first");
    press(&mut menu, "*");
    assert_eq!(press(&mut menu, "#"), dials("+491715646", "Joanna Weber"));
}

#[test]
fn letters_with_marks_and_other_scripts_are_found_and_long_names_are_cut() {
    let (mut menu, _) = open(Topic::PhoneBook);
    assert!(shown(&press(&mut menu, "5852")).starts_with("Łukasz"));
    let (mut menu, _) = open(Topic::PhoneBook);
    assert!(shown(&press(&mut menu, "344452")).starts_with("Елкина\r2003"));
    let (mut menu, _) = open(Topic::PhoneBook);
    assert_eq!(shown(&press(&mut menu, "732")), "Reception of the western\r5646\r1/1");
}

#[test]
fn a_wrong_letter_is_told_and_taken_back() {
    let (mut menu, first) = open(Topic::PhoneBook);
    let wrong = press(&mut menu, "5688");
    let signal = Some(Signal::NEGATIVE);
    assert_eq!(wrong, [Output::Show { text: "Nobody\r5688".into(), signal }]);
    assert_eq!(press(&mut menu, "#"), [Output::Show { text: "Nobody\r5688".into(), signal }]);
    assert!(shown(&press(&mut menu, "RR")).starts_with("Joanna Weber"));
    assert_eq!(shown(&press(&mut menu, "RR")), first);
    assert_eq!(press(&mut menu, "R"), [Output::Leave]);
}

#[test]
fn everybody_can_be_stepped_through_without_a_letter() {
    let (mut menu, _) = open(Topic::PhoneBook);
    assert_eq!(shown(&press(&mut menu, "*")), "Joanna Weber\r2002\r1/5 internal");
    assert_eq!(shown(&press(&mut menu, "******")), "Joanna Weber\r2002\r1/5 internal", "six numbers in all");
}

#[test]
fn arrow_keys_do_what_star_one_hash_and_r_do() {
    let (mut menu, _) = open(Topic::CallLog);
    let mut arrow = |code| menu.handle(Input::Key(Key::Control(code)), at(7_200)).unwrap().then;
    assert!(shown(&arrow(DOWN)).starts_with("7002"));
    assert!(shown(&arrow(UP)).starts_with("Doctor Who"));
    assert_eq!(arrow(RETURN), dials("7001", "Doctor Who"));
}

#[test]
fn calls_come_latest_first_by_kind_with_name_number_and_age() {
    let (mut menu, first) = open(Topic::CallLog);
    assert_eq!(first, "Doctor Who\r7001\r1/4 missed 2 h ago");
    assert_eq!(shown(&press(&mut menu, "4")), "7002\r1/1 placed 2 h ago");
    assert_eq!(shown(&press(&mut menu, "2*")), "anna\r2/2 missed 2 h ago");
    assert_eq!(press(&mut menu, "#"), dials("sip:anna@partner.example", ""));
}

#[test]
fn an_address_over_64_characters_is_kept_by_name_alone_and_not_dialled() {
    let (mut menu, _) = open(Topic::CallLog);
    let text = "Long Name\rtoo long to dial\r1/1 received 2 h ago";
    assert_eq!(shown(&press(&mut menu, "3")), text);
    assert_eq!(press(&mut menu, "#"), [Output::Show { text: text.into(), signal: Some(Signal::NEGATIVE) }]);
}

#[test]
fn where_nothing_is_that_is_said() {
    for (topic, said) in [(Topic::PhoneBook, "Phone book\rnobody in it"), (Topic::CallLog, "No calls")] {
        let mut menu = Menu::new(topic, at(0));
        let empty = Box::new(Catalogue::new(Arc::default(), []));
        assert_eq!(shown(&menu.handle(Input::Opened(empty), at(0)).unwrap().then), said);
        for key in ["*", "1", "#", "9"] {
            let out = press(&mut menu, key);
            assert!(
                matches!(out[..], [Output::Show { signal: Some(Signal::NEGATIVE), .. }]),
                "{key} {out:?}"
            );
        }
    }
    let (mut menu, _) = open(Topic::CallLog);
    let nothing = Catalogue::new(book(), [call(LogKind::Missed, "1", "", None)]);
    menu.handle(Input::Opened(Box::new(nothing)), at(0)).unwrap();
    let out = press(&mut menu, "4");
    assert_eq!(out, [Output::Show { text: "No placed calls".into(), signal: Some(Signal::NEGATIVE) }]);
}

#[test]
fn letters_that_come_before_the_book_count() {
    let mut menu = Menu::new(Topic::PhoneBook, at(0));
    assert_eq!(press(&mut menu, "5646"), []);
    assert_eq!(press(&mut menu, "#*"), [], "there is nothing to dial yet, nor to step through");
    let catalogue = Box::new(Catalogue::new(book(), []));
    assert!(shown(&menu.handle(Input::Opened(catalogue), at(1)).unwrap().then).starts_with("John Smith"));
}

#[test]
fn who_presses_nothing_for_half_a_minute_or_never_ends_is_shown_out() {
    let (mut menu, _) = open(Topic::CallLog);
    assert_eq!(menu.deadline(), Some(at(7_230)));
    assert_eq!(menu.handle(Input::Deadline, at(7_229)).unwrap().then, []);
    menu.handle(Input::Key(Key::Character('*')), at(7_229)).unwrap();
    assert_eq!(menu.deadline(), Some(at(7_259)));
    for second in (7_229..7_500).step_by(20) {
        menu.handle(Input::Key(Key::Character('*')), at(second)).unwrap();
    }
    assert_eq!(menu.deadline(), Some(at(7_500)), "five minutes in all");
    assert_eq!(menu.handle(Input::Deadline, at(7_500)).unwrap().then, [Output::Leave]);
}

#[test]
fn it_holds_no_more_than_its_bounds() {
    let many = (0..500).map(|_| call(LogKind::Placed, "1", "", None));
    let mut menu = Menu::new(Topic::CallLog, at(0));
    let out = menu.handle(Input::Opened(Box::new(Catalogue::new(book(), many))), at(0)).unwrap().then;
    assert_eq!(shown(&out), "1\r1/100 placed just now");
    let (mut menu, _) = open(Topic::PhoneBook);
    press(&mut menu, &"5".repeat(500));
    assert_eq!(menu.letters.len(), MOST_LETTERS);
}

#[test]
fn an_age_is_told_in_its_largest_unit() {
    let told = |seconds| super::catalogue::ago(Duration::from_secs(seconds));
    let ages = [59, 60, 3_599, 3_600, 86_399, 86_400, 900_000].map(told);
    assert_eq!(ages, ["just now", "1 min ago", "59 min ago", "1 h ago", "23 h ago", "1 d ago", "10 d ago"]);
}
