//! An ICE agent on loopback, driven by hand: it prints its lines, reads the peer's, and says what happens.
//!
//! `cargo run -p kirkwall-integration --example ice_probe [controlling|controlled] [ms-ice2|rfc5389|rfc3489]`
//!
//! Two probes can be joined by copying their lines; so can one probe and `tests/libnice.c`.

#[path = "../tests/ice_driver/mod.rs"]
mod ice_driver;

use std::time::Duration;

use ice_driver::{Driver, lines, read_line};
use kirkwall_core::media::ice::agent::{Role, Settings, State};
use kirkwall_core::media::ice::candidate::Component;
use kirkwall_core::media::ice::description::Description;
use kirkwall_core::media::ice::stun::Dialect;

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let role =
        if words.iter().any(|word| word == "controlled") { Role::Controlled } else { Role::Controlling };
    let dialect = match words.iter().find_map(|word| word.strip_prefix("rfc")) {
        Some("5389") => Dialect::Rfc5389,
        Some("3489") => Dialect::Rfc3489,
        _ => Dialect::MsIce2,
    };
    let mut driver = Driver::new(Settings { dialect, ..Settings::default() }, role)?;
    driver.lines().iter().for_each(|line| println!("{line}"));
    let mut description = Description::default();
    for line in std::io::stdin().lines() {
        if read_line(&mut description, line?.trim()) {
            break;
        }
    }
    driver.remote(description);
    driver.run(Duration::from_secs(12), |driver| {
        matches!(driver.agent.state(), State::Completed | State::Failed)
    });
    driver.events.iter().for_each(|event| println!("{event:?}"));
    if let Some(offer) = driver.agent.final_description() {
        lines(&offer).iter().for_each(|line| println!("final {line}"));
    }
    for component in Component::ALL.into_iter().filter(|c| driver.selected(*c).is_some()) {
        driver.send(component, b"\x80probe")?;
    }
    // The peer may need our answers a little longer.
    driver.run(Duration::from_secs(3), |driver| driver.media.len() >= 2);
    println!("{} datagrams of media", driver.media.len());
    Ok(())
}
