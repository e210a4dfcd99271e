//! Order, goldens of both outward forms, and the rules.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::sip::wire::{HeaderName, Message, Method, Text};

fn sample() -> Report {
    Report::new(vec![
        Finding::good(&check::PLT_003, "65536 open files are allowed, 4352 are needed"),
        Finding::error(
            &check::SIP_001,
            "192.0.2.7:5061: Connection refused (os error 111)",
            "Is the front-end service running there, and does a firewall let port 5061 through?",
        )
        .with_command("nc -vz sba.example.com 5061")
        .of("sba.example.com:5061"),
        Finding::good(&check::SIP_001, "192.0.2.8:5061 answers in 2 ms").of("pool.example.com:5061"),
        Finding::skipped(&check::SIP_002, "not reached (SIP-001)").of("sba.example.com:5061"),
        days_left(1_764_000_000, 1_700_000_000, 1_765_000_000).of("/etc/kirkwall/sip.pem"),
        Finding::good(&check::CFG_001, "kirkwall.toml is understood"),
    ])
}

#[test]
fn the_text_is_as_people_know_it() {
    assert_eq!(text(&sample()), include_str!("testdata/report.txt"));
}

#[test]
fn the_json_is_as_programs_know_it() {
    let json = serde_json::to_string_pretty(&sample()).unwrap();
    assert_eq!(json.trim(), include_str!("testdata/report.json").trim());
}

#[test]
fn findings_stand_by_group_id_and_target_whatever_came_first() {
    let wanted = sample();
    let mut mixed: Vec<Finding> = wanted.findings().to_vec();
    mixed.reverse();
    assert_eq!(Report::new(mixed), wanted);
    let ids: Vec<_> = wanted.findings().iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["CFG-001", "CERT-005", "SIP-001", "SIP-001", "SIP-002", "PLT-003"]);
}

#[test]
fn the_exit_code_is_that_of_the_gravest_finding() {
    let code = |findings: Vec<Finding>| Report::new(findings).exit_code();
    let good = Finding::good(&check::PLT_001, "x");
    let skipped = Finding::skipped(&check::LOG_001, "x");
    let warning = Finding::warning(&check::PLT_001, "x", "y");
    let error = Finding::error(&check::PLT_001, "x", "y");
    let config = Finding::error(&check::CFG_001, "x", "y");
    assert_eq!(code(vec![]), 0);
    assert_eq!(code(vec![good.clone(), skipped.clone()]), 0);
    assert_eq!(code(vec![skipped, warning.clone(), good.clone()]), 4);
    assert_eq!(code(vec![error.clone(), warning.clone()]), 5);
    assert_eq!(code(vec![error, config, good]), 2);
}

#[test]
fn every_id_is_there_once_and_says_why() {
    let ids: BTreeSet<_> = CATALOGUE.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CATALOGUE.len());
    assert!(CATALOGUE.iter().all(|check| check.why.ends_with('.') && !check.title.ends_with('.')));
}

#[test]
fn words_of_strangers_cannot_command_the_terminal() {
    let mut answer = answer(200);
    answer.headers.push(HeaderName::from_text(Text::from_static("Server")), "a\u{1b}[2J\u{202e}b");
    let finding = answer_to_options(&answer, None);
    assert!(finding.evidence.contains("a?[2J?b"), "{}", finding.evidence);
    let long = Finding::good(&check::SIP_005, "x".repeat(100_000));
    assert_eq!(long.evidence.chars().count(), MAX_WORDS + 1);
}

#[test]
fn certificates_are_told_in_time() {
    const NOW: i64 = 1_764_000_000;
    let verdict = |from: i64, days: i64| days_left(NOW, NOW + from, NOW + days * 86_400).verdict;
    assert_eq!(verdict(-1, -1), Verdict::Error);
    assert_eq!(verdict(60, 400), Verdict::Error);
    assert_eq!(verdict(-1, 6), Verdict::Error);
    assert_eq!(verdict(-1, 7), Verdict::Warning);
    assert_eq!(verdict(-1, 29), Verdict::Warning);
    assert_eq!(verdict(-1, 30), Verdict::Good);
}

#[test]
fn a_slow_answer_is_not_a_wrong_clock() {
    let verdict = |apart: i64, trip: u64| {
        clock_skew(Skew {
            ours: 1_764_000_000 + apart,
            theirs: 1_764_000_000,
            round_trip: Duration::from_secs(trip),
        })
        .verdict
    };
    assert_eq!(verdict(0, 0), Verdict::Good);
    assert_eq!(verdict(35, 8), Verdict::Good);
    assert_eq!(verdict(35, 0), Verdict::Warning);
    assert_eq!(verdict(-35, 0), Verdict::Warning);
    assert_eq!(verdict(-3600, 0), Verdict::Error);
    assert_eq!(verdict(i64::MAX / 2, 0), Verdict::Error);
}

#[test]
fn too_few_ports_are_told_with_the_number_that_is_enough() {
    assert!(channels_fit(30_000, 30_127, 32).is_ok());
    let (_, mend) = channels_fit(30_000, 30_126, 32).unwrap_err();
    assert!(mend.contains("30000-30128") && mend.contains("media_channels = 31"), "{mend}");
    // Half a pair at the beginning.
    assert!(channels_fit(30_001, 30_128, 32).is_err());
    assert!(channels_fit(65_535, 65_535, 1).is_err());
    assert!(channels_fit(1, 65_535, u32::MAX).is_err());
}

#[test]
fn srtp_is_judged_by_who_is_in_the_north() {
    let good = SrtpUse { offered: true, required: false, lync: true, tls: true, mki_and_lifetime: true };
    let verdict = |used: SrtpUse| srtp_fits(used).verdict;
    assert_eq!(verdict(good), Verdict::Good);
    assert_eq!(verdict(SrtpUse { offered: false, ..good }), Verdict::Warning);
    assert_eq!(verdict(SrtpUse { mki_and_lifetime: false, ..good }), Verdict::Warning);
    assert_eq!(verdict(SrtpUse { tls: false, lync: false, ..good }), Verdict::Warning);
    assert_eq!(verdict(SrtpUse { offered: false, tls: false, lync: false, ..good }), Verdict::Good);
}

#[test]
fn any_answer_to_options_proves_sip_but_a_refused_trusted_server_is_an_error() {
    let trusted = Topology { pool: "dectpool.example.com".into(), application: "dect".into(), port: 5061 };
    let verdict = |status: u16, topology| answer_to_options(&answer(status), topology).verdict;
    for status in [200, 302, 401, 404, 405, 483, 486] {
        assert_eq!(verdict(status, None), Verdict::Good, "{status}");
    }
    assert_eq!(verdict(403, None), Verdict::Good);
    assert_eq!(verdict(503, None), Verdict::Warning);
    let refused = answer_to_options(&answer(403), Some(&trusted));
    assert_eq!(refused.verdict, Verdict::Error);
    let command = refused.mend.unwrap().command.unwrap();
    assert_eq!(
        command,
        "New-CsTrustedApplication -ApplicationId dect -TrustedApplicationPoolFqdn dectpool.example.com -Port 5061; \
         Enable-CsTopology"
    );
}

#[test]
fn a_challenge_to_register_is_good_and_an_unknown_user_is_not() {
    let verdict = |status: u16| answer_to_register(&answer(status), "sip:4711@example.com").verdict;
    for (status, wanted) in [
        (200, Verdict::Good),
        (401, Verdict::Good),
        (407, Verdict::Good),
        (302, Verdict::Good),
        (403, Verdict::Error),
        (404, Verdict::Error),
        (405, Verdict::Error),
        (423, Verdict::Warning),
        (503, Verdict::Warning),
    ] {
        assert_eq!(verdict(status), wanted, "{status}");
    }
}

#[test]
fn an_error_id_of_lync_is_told_in_words() {
    let mut refused = answer(403);
    let name = HeaderName::from_text(Text::from_static("ms-diagnostics"));
    refused.headers.push(name, "4005;reason=\"Destination URI not enabled\";source=\"fe\"");
    let evidence = answer_to_register(&refused, "sip:4711@example.com").evidence;
    assert!(evidence.contains("(the user is not enabled for SIP)"), "{evidence}");
    assert!(evidence.contains("4005;reason="), "{evidence}");
}

fn answer(status: u16) -> Message {
    Message::response(&Message::request(Method::Options, "sip:example.com"), status, "Words", None)
}
