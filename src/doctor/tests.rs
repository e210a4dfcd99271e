//! What is looked at, and the store in each of its states.

use std::time::Duration;

use kirkwall_core::doctor::{CATALOGUE, Verdict};
use kirkwall_core::id::Username;
use kirkwall_data::Journal;
use kirkwall_data::token::{TokenRecord, Tokens as TokenRecords};
use kirkwall_data::user::{UserRecord, Users};
use tempfile::TempDir;

use super::*;
use kirkwall_core::timer::Moment;

fn config(text: &str) -> Config {
    Config::read("kirkwall.toml", text, Vec::new()).unwrap()
}

fn arguments(user: Option<&str>) -> Doctor {
    let user = user.map(|user| user.parse::<Username>().unwrap());
    Doctor { config: None, data: None, user, output: Form::Text }
}

/// Verdicts of PLT-005 and PLT-006.
fn verdicts(store: &Store) -> [Verdict; 2] {
    ["PLT-005", "PLT-006"].map(|id| store.findings.iter().find(|finding| finding.id == id).unwrap().verdict)
}

fn moment(micros: u64) -> Moment {
    Moment::from_micros(micros)
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let folder = TempDir::new().unwrap();
    let store = store::look(Some(folder.path()));
    assert_eq!(verdicts(&store), [Verdict::Skipped; 2]);
    assert!(!store.running && store.user.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_store_is_looked_into_and_one_in_use_is_good() {
    let folder = TempDir::new().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let mut off = UserRecord::new("4710".parse().unwrap(), moment(1));
    off.enabled = false;
    let on = UserRecord::new("4711".parse().unwrap(), moment(1));
    let users = Users::new(&journal);
    journal.save_blocking(vec![users.put(&off), users.put(&on)]).unwrap();
    drop(users);
    let held = store::look(Some(folder.path()));
    assert_eq!(verdicts(&held), [Verdict::Skipped, Verdict::Good]);
    assert!(held.running && held.user.unwrap_err().contains("--user"));
    drop(journal);

    let free = store::look(Some(folder.path()));
    assert_eq!(verdicts(&free), [Verdict::Warning, Verdict::Good]);
    assert!(!free.running);
    assert_eq!(free.user, Ok("4711".to_owned()));
}

#[test]
fn an_expired_token_is_none() {
    let folder = TempDir::new().unwrap();
    for (expires, wanted) in [(Some(moment(2)), Verdict::Warning), (None, Verdict::Good)] {
        let journal = Journal::open(folder.path()).unwrap();
        let (token, _) = TokenRecord::fresh("t".into(), vec!["admin".into()], moment(1), expires).unwrap();
        journal.save_blocking(vec![TokenRecords::new(&journal).put(&token)]).unwrap();
        drop(journal);
        assert_eq!(verdicts(&store::look(Some(folder.path())))[0], wanted, "{expires:?}");
    }
}

#[test]
fn the_plan_follows_the_configuration() {
    let lync = "[node]\nfqdn = \"dect1.example.com\"\n[sip]\ndomain = \"example.com\"\nproxies = [\"sba.example.com:5061\"]\n\
                [lync]\nenabled = true\npool_fqdn = \"dectpool.example.com\"\n[capacity]\nmedia_channels = 32\n";
    let config = config(lync);
    let folder = TempDir::new().unwrap();
    let store = store::look(Some(folder.path()));
    let made = plan(&config, &arguments(Some("4711")), &store).unwrap();
    assert_eq!(made.north.aor, Ok("sip:4711@example.com".to_owned()));
    assert_eq!((made.media.channels, made.files), (32, 1_024 + 128));
    assert!(made.north.topology.is_none(), "only a trusted server stands in the topology");
    assert!(made.certificates.is_empty(), "none is configured, and none was made yet");
    let asked = plan(&config, &arguments(None), &store).unwrap().north.aor.unwrap_err();
    assert!(asked.contains("no store yet"), "{asked}");

    std::fs::create_dir(folder.path().join("tls")).unwrap();
    std::fs::write(folder.path().join("tls/sip.pem"), "").unwrap();
    let args = Doctor { data: Some(folder.path().to_owned()), ..arguments(None) };
    let made = plan(&config, &args, &store).unwrap();
    let [certificate] = &made.certificates[..] else { panic!("{made:?}") };
    assert!(certificate.self_made && certificate.mutual);
    assert_eq!(certificate.names, ["dect1.example.com", "dectpool.example.com"]);
}

#[test]
fn a_bad_configuration_is_told_fault_by_fault_and_ends_with_2() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("kirkwall.toml");
    std::fs::write(&file, "[sip]\ntransport = \"tsl\"\nnonsense = 1\n").unwrap();
    let report = Report::new(examine(&Doctor { config: Some(file), ..arguments(None) }));
    assert_eq!(report.exit_code(), 2);
    let targets: Vec<_> = report.findings().iter().filter_map(|finding| finding.target.as_deref()).collect();
    assert_eq!(targets.len(), 2);
    assert!(targets[0].ends_with("kirkwall.toml:2 sip.transport"), "{targets:?}");
}

#[test]
fn a_machine_alone_is_examined_without_an_error() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("kirkwall.toml");
    std::fs::write(&file, "[capacity]\nmedia_channels = 1\n").unwrap();
    let begun = std::time::Instant::now();
    let args = Doctor { config: Some(file), data: Some(folder.path().to_owned()), ..arguments(None) };
    let report = Report::new(examine(&args));
    assert!(report.verdict() < Verdict::Error, "{}", text(&report));
    let seen: Vec<_> = report.findings().iter().map(|finding| finding.id).collect();
    let wanted = [
        "CFG-001", "DNS-001", "TIME-001", "ACC-002", "MED-001", "MED-002", "LOG-001", "PLT-001", "PLT-003",
        "PLT-005", "PLT-006",
    ];
    assert_eq!(seen, wanted);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_syslog_server_that_gets_nothing_is_warned_of() {
    assert_eq!(logs(&config("")).verdict, Verdict::Skipped);
    assert_eq!(logs(&config("[syslog]\nserver = \"log.example.com\"\n")).verdict, Verdict::Warning);
}

#[test]
fn the_guide_lists_every_check() {
    let guide = include_str!("../../docs/doctor.md");
    for check in CATALOGUE {
        assert!(guide.contains(&format!("| {} |", check.id)), "{}", check.id);
    }
}
