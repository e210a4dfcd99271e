//! The journal under load, under the knife, and after damage.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use std::fs;

use kirkwall_core::timer::Moment;
use serde_json::{Value, json};

use super::*;
use crate::call::{CallRecord, Calls};
use crate::cdr::{CdrRecord, Cdrs};
use crate::config_item::{ConfigItem, ConfigItems};
use crate::secret::Secret;
use crate::tree::Tree;
use crate::user::{UserRecord, Users};

fn user(name: &str, text: &str) -> UserRecord {
    let mut user = UserRecord::new(name.parse().unwrap(), Moment::from_micros(1));
    user.standby_text = text.into();
    user
}

fn users_in(journal: &Journal) -> BTreeMap<String, String> {
    let read = Users::new(journal).iter().map(|user| user.unwrap());
    read.map(|user| (user.username.to_string(), user.standby_text)).collect()
}

#[test]
fn what_was_saved_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut anna = user("4711", "ward 3");
    anna.auth_password = Secret::new("hunter2");
    {
        let journal = Journal::open(dir.path()).unwrap();
        let users = Users::new(&journal);
        journal.save_blocking(vec![users.put(&anna), users.put(&user("4712", "x"))]).unwrap();
        journal.save_blocking(vec![users.delete(&"4712".parse().unwrap())]).unwrap();
    }
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.notices(), []);
    let users = Users::new(&journal);
    assert_eq!(users.get(&anna.username).unwrap(), Some(anna));
    assert_eq!(users.count(), 1);
    assert_eq!(journal.health().records, 1);
}

#[test]
fn many_waiting_batches_share_one_flush() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let users = Users::new(&journal);
    let held = journal.0.shared.lock_commit();
    let saved: Vec<Saved> =
        (0..500).map(|i| journal.save(vec![users.put(&user(&format!("{i}"), "x"))])).collect();
    drop(held);
    for saved in saved {
        saved.wait().unwrap();
    }
    let health = journal.health();
    assert_eq!((health.batches, health.records, health.waiting), (500, 500, 0));
    assert!(health.groups <= 2, "{} flushes", health.groups);
}

#[test]
fn a_full_queue_says_busy_and_a_record_too_large_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let users = Users::new(&journal);
    let delete = users.delete(&"1".parse().unwrap());
    let held = journal.0.shared.lock_commit();
    let first = journal.save(vec![delete.clone()]);
    while journal.0.shared.lock_queue().writes > 0 {
        thread::yield_now();
    }
    let second = journal.save(vec![delete.clone(); Journal::QUEUE]);
    assert_eq!(journal.save_blocking(vec![delete.clone()]), Err(SaveFault::Busy));
    drop(held);
    first.wait().unwrap();
    second.wait().unwrap();
    let too_many = vec![delete; Journal::QUEUE + 1];
    assert_eq!(journal.save_blocking(too_many), Err(SaveFault::TooMany(Journal::QUEUE + 1)));
    let large = users.put(&user("1", &"x".repeat(Write::MAX_BODY)));
    assert!(matches!(journal.save_blocking(vec![large]), Err(SaveFault::TooLarge { .. })));
    assert_eq!(journal.save_blocking(vec![]), Ok(()));
}

#[test]
fn a_disk_error_fails_all_who_wait_and_all_who_come() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let users = Users::new(&journal);
    let held = journal.0.shared.lock_commit();
    let waiting = journal.save(vec![users.put(&user("1", "x"))]);
    journal.0.shared.refuse_from_now("no space left on device");
    drop(held);
    let late = journal.save_blocking(vec![users.put(&user("2", "x"))]);
    assert_eq!(late, Err(SaveFault::Disk("no space left on device".into())));
    // Taken by the writer before the fault, or failed by it: never left without an answer.
    let _ = waiting.wait();
    assert_eq!(journal.health().fault.as_deref(), Some("no space left on device"));
    let group = journal.0.shared.lock_commit().meta.group;
    assert!(group <= 1);
}

#[test]
fn a_log_that_cannot_be_synced_fails_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let users = Users::new(&journal);
    let (done, saved) = oneshot::channel();
    let batch = Batch { writes: vec![users.put(&user("1", "x"))], done };
    // fdatasync refuses a pipe with EINVAL: a real refusal of the system.
    let (reader, _writer) = io::pipe().unwrap();
    let log = File::from(std::os::fd::OwnedFd::from(reader));
    let disk = writer::Disk { log, mark: tempfile::tempfile().unwrap() };
    assert!(journal.0.shared.write_group(&[batch], &disk).is_err());
    drop(saved);
}

#[test]
fn a_directory_in_use_is_refused_at_once_and_free_after_close() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    assert!(matches!(Journal::open_at_once(dir.path()), Err(OpenFault::Locked { .. })));
    drop(journal);
    assert!(Journal::open_at_once(dir.path()).is_ok());
}

#[test]
fn the_oldest_cdr_goes_when_there_is_one_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let limit = Tree::Cdr.limit().unwrap() as u64;
    let journal = Journal::open(dir.path()).unwrap();
    let cdrs = Cdrs::new(&journal);
    let cdr = |call: u64| -> CdrRecord { serde_json::from_value(json!({ "call": call })).unwrap() };
    let put = |calls: std::ops::Range<u64>| calls.map(|call| cdrs.put(&cdr(call))).collect::<Vec<_>>();
    for start in (0..limit).step_by(20_000) {
        journal.save_blocking(put(start..start + 20_000)).unwrap();
    }
    journal.save_blocking(put(limit..limit + 3)).unwrap();
    assert_eq!(journal.health().records as u64, limit);
    assert_eq!(cdrs.iter().next().unwrap().unwrap().call.0, 3);
    assert_eq!(cdrs.iter().next_back().unwrap().unwrap().call.0, limit + 2);
}

#[test]
fn secrets_are_found_in_no_file() {
    const PLANTED: [&str; 4] = ["PlantedSip77", "PlantedCode88", "PlantedSrtp99", "PlantedPem00"];
    let dir = tempfile::tempdir().unwrap();
    {
        let journal = Journal::open(dir.path()).unwrap();
        let (users, calls) = (Users::new(&journal), Calls::<Value>::new(&journal));
        let mut anna = user("4711", "NotSecret55");
        anna.auth_password = Secret::new(PLANTED[0]);
        anna.access_code = Some(Secret::new(PLANTED[1]));
        let call = CallRecord { name: "1".into(), state: json!({ "key": PLANTED[2] }) };
        let item = ConfigItem {
            name: "a".into(),
            value: Value::Null,
            secret: Some(Secret::new(PLANTED[3])),
            changed: Moment::default(),
            changed_by: String::new(),
            revision: 1,
        };
        let items = ConfigItems::new(&journal);
        journal.save_blocking(vec![users.put(&anna), calls.put(&call), items.put(&item)]).unwrap();
        assert_eq!(calls.get("1").unwrap(), Some(call));
        assert_eq!(items.get("a").unwrap(), Some(item));
        journal.export().unwrap();
    }
    let mut seen = false;
    for path in files_below(dir.path()) {
        let octets = fs::read(&path).unwrap();
        let holds = |word: &str| octets.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(!PLANTED.iter().any(|word| holds(word)), "{}", path.display());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        seen |= holds("NotSecret55");
    }
    assert!(seen, "the search finds what is not secret");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(dir.path()), mode(&dir.path().join("store"))), (0o700, 0o700));
}

#[test]
fn a_wrong_or_lost_node_key_is_told_and_nothing_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("node.key");
    {
        let journal = Journal::open(dir.path()).unwrap();
        let users = Users::new(&journal);
        journal.save_blocking(vec![users.put(&user("1", "x"))]).unwrap();
    }
    let right = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    assert!(matches!(Journal::open(dir.path()), Err(OpenFault::Key(KeyFault::Missing { .. }))));
    fs::write(&key, "00".repeat(32)).unwrap();
    assert!(matches!(Journal::open(dir.path()), Err(OpenFault::WrongKey { .. })));
    fs::write(&key, right).unwrap();
    assert_eq!(users_in(&Journal::open(dir.path()).unwrap()).len(), 1);
}

#[test]
fn an_export_made_while_records_are_written_is_the_state_after_one_group() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let users = Users::new(&journal);
    // Every group writes the same text to all users, so a torn export shows two texts.
    let group = |text: &str| (0..200).map(|i| users.put(&user(&format!("{i}"), text))).collect::<Vec<_>>();
    journal.save_blocking(group("start")).unwrap();
    let writing = journal.clone();
    let groups: Vec<_> = (0..60).map(|n| group(&format!("{n}"))).collect();
    let writer = thread::spawn(move || groups.into_iter().for_each(|g| writing.save_blocking(g).unwrap()));
    let mut exports = 0;
    while !writer.is_finished() {
        journal.export().unwrap();
        let (export, faults) = crate::export::read_best(dir.path());
        assert!(faults.is_empty());
        let texts: std::collections::BTreeSet<String> = export
            .unwrap()
            .records
            .values()
            .map(|value| {
                let body: Value =
                    serde_json::from_slice(crate::tree::Stored::parse(value).unwrap().body).unwrap();
                body["standby_text"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(texts.len(), 1, "{texts:?}");
        exports += 1;
    }
    writer.join().unwrap();
    assert!(exports > 0);
}

#[test]
fn a_deleted_store_comes_back_from_the_export_and_deleted_records_stay_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let before = saved_and_closed(dir.path());
    fs::remove_dir_all(dir.path().join("store")).unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    assert!(
        matches!(journal.notices(), [OpenNotice::Rebuilt { salvaged: 0, .. }]),
        "{:?}",
        journal.notices()
    );
    assert_eq!(users_in(&journal), before);
    let users = Users::new(&journal);
    assert_eq!(users.get(&"1".parse().unwrap()).unwrap().unwrap().auth_password, Secret::new("pw1"));
}

#[test]
fn a_half_written_snapshot_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let before = saved_and_closed(dir.path());
    fs::write(dir.path().join("store/snap.0000000000001234.generating"), b"half").unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.notices(), []);
    assert_eq!(users_in(&journal), before);
}

/// Three hundred users, some deleted, closed in order.
fn saved_and_closed(dir: &Path) -> BTreeMap<String, String> {
    let journal = Journal::open(dir).unwrap();
    let users = Users::new(&journal);
    for start in (0..300).step_by(50) {
        let batch = (start..start + 50).map(|i| {
            let mut user = user(&format!("{i}"), &format!("text {i} {}", "x".repeat(i % 97)));
            user.auth_password = Secret::new(format!("pw{i}"));
            users.put(&user)
        });
        journal.save_blocking(batch.collect()).unwrap();
    }
    journal
        .save_blocking((0..300).step_by(10).map(|i| users.delete(&i.to_string().parse().unwrap())).collect())
        .unwrap();
    users_in(&journal)
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn copy_below(from: &Path, to: &Path) {
    for path in files_below(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
}

/// Small pseudo-random numbers (SplitMix64), so that a failing case can be repeated. Neighbouring seeds give
/// unrelated numbers; with a plain linear generator nearly all of sixty cases hit the same file.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % sides
    }
}

/// Truncates, flips, zeroes or empties one file of the store. Answers what was done.
fn damage(dir: &Path, dice: &mut Dice) -> String {
    let mut files = files_below(&dir.join("store"));
    files.retain(|path| fs::metadata(path).unwrap().len() > 0);
    files.sort();
    let path = &files[dice.roll(files.len())];
    let mut octets = fs::read(path).unwrap();
    // Past the last written octet sled's file is zeros: aim where something is.
    let used = octets.iter().rposition(|&octet| octet != 0).map_or(1, |at| at + 1);
    let at = dice.roll(used);
    let kind = dice.roll(5);
    match kind {
        0 => octets.truncate(at),
        1 => octets[at] ^= 1 << dice.roll(8),
        2 => (at..used.min(at + 600)).for_each(|at| octets[at] = 0),
        3 => (at..used.min(at + 64)).for_each(|at| octets[at] = dice.roll(256) as u8),
        _ => octets.clear(),
    }
    fs::write(path, octets).unwrap();
    format!("{} kind {kind} at {at} of {used}", path.file_name().unwrap().to_string_lossy())
}

/// Cases from `KIRKWALL_DAMAGE_CASES`, else sixty.
#[test]
fn a_damaged_store_always_starts_with_its_last_good_state() {
    let cases: u64 = std::env::var("KIRKWALL_DAMAGE_CASES").map_or(60, |text| text.parse().unwrap());
    let good = tempfile::tempdir().unwrap();
    let before = saved_and_closed(good.path());
    let mut rebuilt = 0;
    for case in 0..cases {
        let dir = tempfile::tempdir().unwrap();
        copy_below(good.path(), dir.path());
        let mut dice = Dice(case);
        let done = damage(dir.path(), &mut dice);
        let start = std::time::Instant::now();
        let journal =
            Journal::open(dir.path()).unwrap_or_else(|fault| panic!("case {case}, {done}: {fault}"));
        assert!(start.elapsed() < Duration::from_secs(10), "case {case}, {done}: {:?}", start.elapsed());
        assert_eq!(users_in(&journal), before, "case {case}, {done}: {:?}", journal.notices());
        let users = Users::new(&journal);
        journal
            .save_blocking(vec![users.put(&user("new", "x"))])
            .unwrap_or_else(|f| panic!("case {case}: {f}"));
        rebuilt += usize::from(!journal.notices().is_empty());
        drop((journal, users));
        let again = Journal::open(dir.path()).unwrap();
        assert_eq!(again.notices(), [], "case {case}, {done}: mended once is mended");
        assert_eq!(users_in(&again).len(), before.len() + 1);
    }
    assert!(rebuilt as u64 > cases / 4, "the damage did damage: {rebuilt}");
}

/// The image of a crash, taken under a running journal, with saves that no export holds.
#[test]
fn damage_after_a_crash_costs_at_most_what_the_export_does_not_hold() {
    let cases: u64 = std::env::var("KIRKWALL_DAMAGE_CASES").map_or(60, |text| text.parse().unwrap());
    let good = tempfile::tempdir().unwrap();
    let image = tempfile::tempdir().unwrap();
    let exported = saved_and_closed(good.path());
    let journal = Journal::open(good.path()).unwrap();
    let users = Users::new(&journal);
    for i in 1..200 {
        journal.save_blocking(vec![users.put(&user(&format!("{i}"), "later"))]).unwrap();
    }
    let latest = users_in(&journal);
    copy_below(good.path(), image.path());
    let (mut whole, mut told, mut hits) = (0, 0, BTreeMap::<String, usize>::new());
    for case in 0..cases {
        let dir = tempfile::tempdir().unwrap();
        copy_below(image.path(), dir.path());
        let done = damage(dir.path(), &mut Dice(1_000 + case));
        let journal =
            Journal::open(dir.path()).unwrap_or_else(|fault| panic!("case {case}, {done}: {fault}"));
        let found = users_in(&journal);
        for (name, text) in &exported {
            let kept = found.get(name).is_some_and(|found| found == text || found == &latest[name]);
            assert!(kept, "case {case}, {done}: {name}");
        }
        whole += usize::from(found == latest);
        let lost = found != latest;
        told += usize::from(lost && !journal.notices().is_empty());
        assert!(!lost || !journal.notices().is_empty(), "case {case}, {done}: lost in silence");
        // Only the log carries records.
        assert!(!lost || done.starts_with("db "), "case {case}, {done}: {:?}", journal.notices());
        *hits.entry(done.chars().take_while(char::is_ascii_alphabetic).collect()).or_default() += 1;
    }
    assert!(
        ["conf", "db", "snap"].iter().all(|file| hits.get(*file).is_some_and(|&n| n as u64 > cases / 6)),
        "{hits:?}"
    );
    println!("{cases} cases: {whole} with nothing lost, {told} lost something and said so; hits {hits:?}");
}

#[test]
fn a_damaged_export_beside_a_damaged_store_still_starts() {
    for case in 0..12 {
        let dir = tempfile::tempdir().unwrap();
        saved_and_closed(dir.path());
        let mut dice = Dice(case);
        fs::write(dir.path().join("store/db"), b"nothing").unwrap();
        let path = dir.path().join("export.jsonl");
        let mut octets = fs::read(&path).unwrap();
        let at = dice.roll(octets.len());
        if case % 2 == 0 {
            octets.truncate(at)
        } else {
            octets[at] ^= 4
        };
        fs::write(&path, &octets).unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        assert!(journal.notices().len() >= 2, "{:?}", journal.notices());
        let found = users_in(&journal).len();
        assert!(case % 2 == 0 || found >= 269, "one flipped bit costs one line: {found}");
    }
}

/// Not a test of its own: the child that [`no_acknowledged_write_is_lost_to_kill_9`] kills.
#[test]
fn child_that_writes_until_killed() {
    let Ok(dir) = std::env::var("KIRKWALL_CRASH_DIR") else { return };
    let journal = Journal::open(&dir).unwrap();
    let users = Users::new(&journal);
    let start = users_in(&journal).values().filter_map(|text| text.parse::<u64>().ok()).max().unwrap_or(0);
    let mut stdout = io::stdout();
    for number in start + 1.. {
        let name = format!("{}", number % 500);
        // Two records in one batch: both or neither.
        let (a, b) = (user(&name, &number.to_string()), user(&format!("twin{name}"), &number.to_string()));
        journal.save_blocking(vec![users.put(&a), users.put(&b)]).unwrap();
        io::Write::write_all(&mut stdout, format!("acknowledged {number}\n").as_bytes()).unwrap();
    }
}

/// Kills from `KIRKWALL_KILLS`, else twenty.
#[test]
fn no_acknowledged_write_is_lost_to_kill_9() {
    let kills: u64 = std::env::var("KIRKWALL_KILLS").map_or(20, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (mut dice, mut acknowledged, mut slowest) = (Dice(7), 0, Duration::ZERO);
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "journal::tests::child_that_writes_until_killed", "--nocapture"])
            .env("KIRKWALL_CRASH_DIR", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = 1 + dice.roll(200);
        let mut numbers = lines.map_while(Result::ok).filter_map(|line| {
            line.strip_prefix("acknowledged ").and_then(|number| number.parse::<u64>().ok())
        });
        acknowledged = numbers.by_ref().take(wanted).last().expect("the child writes");
        child.kill().unwrap();
        // What it said before it died counts too.
        acknowledged = numbers.last().unwrap_or(acknowledged);
        child.wait().unwrap();

        let start = SystemTime::now();
        let journal = Journal::open(dir.path()).unwrap();
        slowest = slowest.max(start.elapsed().unwrap());
        assert_eq!(journal.notices(), [], "kill {kill}");
        let found = users_in(&journal);
        let number = |text: &String| text.parse::<u64>().unwrap();
        for last in acknowledged.saturating_sub(499).max(1)..=acknowledged {
            let (name, twin) = (format!("{}", last % 500), format!("twin{}", last % 500));
            assert!(number(&found[&name]) >= last, "kill {kill}: {last} is lost");
            assert_eq!(found[&name], found[&twin], "kill {kill}: half a batch");
        }
    }
    println!("{kills} kills, {acknowledged} acknowledged batches, none lost, slowest opening {slowest:?}");
}

/// `cargo test -p kirkwall-data figures -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn figures_of_group_commit_and_opening() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    let users = Users::new(&journal);
    for waiting in [1_u32, 16, 256, 4_096] {
        let start = std::time::Instant::now();
        let (rounds, before) = (8_192 / waiting.max(16), journal.health().groups);
        for _ in 0..rounds {
            let put = |i| journal.save(vec![users.put(&user(&format!("{i}"), &"x".repeat(300)))]);
            let saved: Vec<Saved> = (0..waiting).map(put).collect();
            saved.into_iter().for_each(|saved| saved.wait().unwrap());
        }
        let each = start.elapsed() / (rounds * waiting);
        println!("{waiting} waiting: {each:?} each, {} flushes", journal.health().groups - before);
    }
    let cdrs = Cdrs::new(&journal);
    for start in (0..100_000).step_by(10_000) {
        let cdr = |call: u64| -> CdrRecord {
            serde_json::from_value(json!({ "call": call, "from": "x".repeat(200) })).unwrap()
        };
        journal.save_blocking((start..start + 10_000).map(|call| cdrs.put(&cdr(call))).collect()).unwrap();
    }
    let start = std::time::Instant::now();
    journal.export().unwrap();
    println!("export of {} records: {:?}", journal.health().records, start.elapsed());
    drop((users, cdrs, journal));
    let start = std::time::Instant::now();
    let journal = Journal::open(dir.path()).unwrap();
    println!("opening {} records: {:?}", journal.health().records, start.elapsed());
}

/// `cargo test -p kirkwall-data apply_batch_against -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn apply_batch_against_transaction() {
    use sled::transaction::{ConflictableTransactionError, Transactional};
    let dir = tempfile::tempdir().unwrap();
    let db = sled::Config::new().path(dir.path()).flush_every_ms(None).open().unwrap();
    let (a, b) = (db.open_tree("a").unwrap(), db.open_tree("b").unwrap());
    let value = vec![7_u8; 400];
    for size in [1_u64, 10, 100] {
        let rounds = 2_000 / size;
        let key = |round: u64, i: u64| (round * size + i).to_be_bytes();
        let start = std::time::Instant::now();
        for round in 0..rounds {
            let mut batch = sled::Batch::default();
            (0..size).for_each(|i| batch.insert(&key(round, i), value.as_slice()));
            db.apply_batch(batch).unwrap();
            db.flush().unwrap();
        }
        let batch = start.elapsed();
        let start = std::time::Instant::now();
        for round in 0..rounds {
            (&a, &b)
                .transaction(|(a, b)| {
                    for i in 0..size {
                        let tree = if i % 2 == 0 { a } else { b };
                        tree.insert(&key(round, i), value.as_slice())?;
                    }
                    Ok::<(), ConflictableTransactionError<()>>(())
                })
                .unwrap();
            db.flush().unwrap();
        }
        println!(
            "{size} records: apply_batch {:?}, transaction {:?} each",
            batch / rounds as u32,
            start.elapsed() / rounds as u32
        );
    }
}
