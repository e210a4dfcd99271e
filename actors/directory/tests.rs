//! With a directory that the test plays.

use std::sync::Mutex;

use kirkwall_core::directory::{Draft, Kind};
use kirkwall_integration::directory::Read;

use super::*;
use crate::desk::{CreatePhoneBookEntry, ExportPhoneBook, ImportPhoneBook};

type Answer = Result<Copy, LdapFault>;

/// What the directory says next; the last word is said for ever.
#[derive(Clone)]
struct Played(Arc<Mutex<Answer>>);

impl Played {
    fn says(&self, answer: Answer) {
        *self.0.lock().unwrap() = answer;
    }

    fn reader(&self) -> Reader {
        let played = self.clone();
        Arc::new(move || {
            let answer = played.0.lock().unwrap().clone();
            Box::pin(async move { answer })
        })
    }
}

fn draft(name: &str, number: &str) -> Draft {
    Draft { name: name.into(), numbers: vec![(Kind::Office, number.into())], ..Draft::default() }
}

fn copy(names: &[&str]) -> Answer {
    let read = |name: &&str| Read { id: EntryId(format!("d-{name}")), draft: draft(name, "+49 30 12345") };
    Ok(Copy { entries: names.iter().map(read).collect(), cut: None })
}

fn away() -> Answer {
    Err(LdapFault::Unreachable { uri: "ldaps://dc".into(), why: "connection refused".into() })
}

fn start(dir: &tempfile::TempDir, source: Option<&Played>) -> (Journal, Addr<Directory>) {
    let journal = Journal::open(dir.path()).unwrap();
    let settings = DirectorySettings {
        source: source.map(|played| ("ldaps://dc".to_owned(), played.reader())),
        refresh: Duration::from_secs(3600),
        rules: NumberRules::default(),
    };
    let actor = Directory::new(
        journal.clone(),
        settings,
        SharedBook::default(),
        Clock::start(),
        Tokens::new([7; 32]),
    );
    (journal, actor.start())
}

async fn names(actor: &Addr<Directory>, query: &str) -> Vec<String> {
    let ask = SearchPhoneBook { query: query.into(), multi_tap: false, offset: 0, limit: 50 };
    let page = actor.send(ask).await.unwrap().unwrap();
    page.entries.into_iter().map(|view| view.entry.name).collect()
}

async fn read(actor: &Addr<Directory>) -> DirectoryState {
    actor.send(ReadDirectory).await.unwrap().unwrap().directory.unwrap()
}

#[actix::test]
async fn a_directory_that_is_away_leaves_the_last_good_copy_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let played = Played(Arc::new(Mutex::new(copy(&["Anna", "Bert"]))));
    {
        let (_journal, actor) = start(&dir, Some(&played));
        assert_eq!(read(&actor).await.fault, None);
        assert_eq!(names(&actor, "").await, ["Anna", "Bert"]);
        played.says(away());
        let state = read(&actor).await;
        assert!(state.fault.unwrap().contains("connection refused"));
        assert_eq!((state.entries, names(&actor, "an").await.len()), (2, 1));
        stop(actor).await;
    }
    let (_journal, actor) = start(&dir, Some(&played));
    assert_eq!(names(&actor, "").await, ["Anna", "Bert"], "served before the directory was tried");
    assert!(read(&actor).await.read.is_some());
    played.says(copy(&["Clara"]));
    assert_eq!(read(&actor).await.fault, None);
    assert_eq!(names(&actor, "").await, ["Clara"]);
}

#[actix::test]
async fn an_empty_directory_is_a_fault_and_not_an_empty_book() {
    let dir = tempfile::tempdir().unwrap();
    let played = Played(Arc::new(Mutex::new(copy(&["Anna"]))));
    let (_journal, actor) = start(&dir, Some(&played));
    assert_eq!(read(&actor).await.fault, None);
    played.says(copy(&[]));
    assert!(read(&actor).await.fault.unwrap().contains("what the account may read"));
    assert_eq!(names(&actor, "").await, ["Anna"]);
}

#[actix::test]
async fn a_directory_that_is_configured_no_more_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let played = Played(Arc::new(Mutex::new(copy(&["Anna"]))));
    {
        let (_journal, actor) = start(&dir, Some(&played));
        read(&actor).await;
        stop(actor).await;
    }
    let (_journal, actor) = start(&dir, None);
    assert!(names(&actor, "").await.is_empty());
    let fault = actor.send(ReadDirectory).await.unwrap().unwrap_err();
    assert!(fault.to_string().contains("phone_book.uri"), "{fault}");
}

#[actix::test]
async fn local_entries_are_found_at_once_and_come_back_by_csv() {
    let dir = tempfile::tempdir().unwrap();
    let (_journal, actor) = start(&dir, None);
    let create = |draft| CreatePhoneBookEntry { draft, dry_run: false };
    actor.send(create(draft("Zoë Öztürk", "+49 30 1"))).await.unwrap().unwrap();
    assert_eq!(names(&actor, "ozt").await, ["Zoë Öztürk"]);
    let DeskFault::Invalid(faults) = actor.send(create(draft("", "x"))).await.unwrap().unwrap_err() else {
        panic!("not refused for its fields")
    };
    assert_eq!(faults.len(), 2);
    let csv = actor.send(ExportPhoneBook).await.unwrap().unwrap();
    let import = |csv: String| ImportPhoneBook { csv: csv.into_bytes(), dry_run: false };
    assert_eq!(actor.send(import(csv.clone())).await.unwrap().unwrap().unchanged, 1);
    let more = format!("{csv}Bert,,,4711,,,\r\n");
    assert_eq!(actor.send(import(more.clone())).await.unwrap().unwrap().created, 1);
    assert_eq!(names(&actor, "").await.len(), 2);
    let wrong = actor.send(import(format!("{more}Carl,,,none,,,\r\n"))).await.unwrap().unwrap();
    assert_eq!((wrong.errors.len(), wrong.errors[0].line), (1, 4));
    assert_eq!(names(&actor, "").await.len(), 2, "a wrong line keeps all lines out");
}

/// Ends the actor so that the store is free for the next one.
async fn stop(actor: Addr<Directory>) {
    actor.send(Stop).await.unwrap();
    while actor.connected() {
        tokio::task::yield_now().await;
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

impl Handler<Stop> for Directory {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
