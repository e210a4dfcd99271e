//! The load generator against the emulated front end: everything asked for is done, and failures are told.
#![allow(clippy::unwrap_used)]

use std::net::IpAddr;
use std::time::Duration;

use kirkwall_lab::front_end::{Account, Accounts, FrontEnd, FrontEndConfig};
use kirkwall_lab::load::{LoadConfig, run};
use kirkwall_lab::sip::tls::Trust;
use kirkwall_lab::sip::{Credentials, Transport};

fn account(n: usize) -> Account {
    let user = format!("{}", 2_000 + n);
    Account { credentials: Credentials { username: user.clone(), password: "load".into() }, user }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registers_and_calls_are_all_done_and_a_stranger_is_counted_as_refused() {
    let users: Vec<_> = (0..20).map(account).collect();
    let front_end =
        FrontEnd::start(FrontEndConfig::loopback("lab.test", Accounts::Given(users.clone()))).await.unwrap();
    let mut config = LoadConfig {
        server: front_end.listening().udp.unwrap(),
        transport: Transport::Udp,
        domain: "lab.test".into(),
        trust: Trust::Anything,
        ip: IpAddr::from([127, 0, 0, 1]),
        users,
        registers: 100,
        registers_per_second: 100.0,
        calls: 40,
        calls_per_second: 40.0,
        talk: Duration::from_millis(300),
        sound: false,
        limit: Duration::from_secs(30),
    };
    let report = run(&config).await.unwrap();
    assert_eq!(
        (report.preparation.good, report.registers.good, report.calls.good),
        (20, 100, 40),
        "{report:?}"
    );
    assert_eq!((report.register_ms.count, report.answer_ms.count, report.cut_off), (100, 40, false));
    assert!(report.register_ms.p50 > 0.0 && report.register_ms.p50 <= report.register_ms.max);
    assert_eq!(front_end.kept().0, 0);

    config.users.push(account(99));
    config.users[20].credentials.password = "wrong".into();
    (config.registers, config.calls) = (0, 0);
    let report = run(&config).await.unwrap();
    assert_eq!(report.preparation.failed.get("refused 403"), Some(&1), "{report:?}");
    front_end.stop().await;
}
