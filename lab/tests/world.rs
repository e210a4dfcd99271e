//! A world whose switch is a second front end: the plan's calls arrive, and sound is verified.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use kirkwall_lab::front_end::{Account, Accounts, FrontEnd, FrontEndConfig};
use kirkwall_lab::sip::Credentials;
use kirkwall_lab::world::{South, World, WorldConfig};

/// Handset to handset calls go through a proxy in the switch's place; calls that need its north side do
/// not: far ends are unknown there (404), and no handset is registered at the front end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planned_calls_are_made_verified_and_counted_and_the_world_stops() {
    let config = WorldConfig {
        seed: 3,
        handsets: 8,
        bases: 3,
        far_ends: 4,
        calls_per_minute: 60.0,
        speed: 12.0,
        ..WorldConfig::default()
    };
    let prepared = World::prepare(config).await.unwrap();
    let accounts = prepared.users().iter().map(|user| Account {
        user: user.username.clone(),
        credentials: Credentials { username: user.username.clone(), password: user.south_password.clone() },
    });
    let switch = FrontEndConfig::loopback(prepared.domain(), Accounts::Given(accounts.collect()));
    let switch = FrontEnd::start(switch).await.unwrap();
    let at = switch.listening();
    let world =
        prepared.run(&South { udp: at.udp, tcp: at.tcp, tls: at.tls, ..South::default() }).await.unwrap();
    world.registered_within(Duration::from_secs(10)).await.unwrap();
    assert_eq!(switch.registered(), 8);

    let enough = async {
        while world.counters().audio_verified < 3 || world.counters().failed.is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), enough).await;
    let counters = world.stop().await;
    assert!(waited.is_ok(), "{counters:?}");
    assert_eq!((counters.active, counters.audio_missing), (0, 0), "{counters:?}");
    // Whatever failed, failed because the far ends do not exist in this switch.
    assert!(counters.failed.keys().all(|cause| cause == "refused 404"), "{counters:?}");
    assert!(counters.failed.len() == 1 && counters.skipped > 0, "{counters:?}");
    switch.stop().await;
}
