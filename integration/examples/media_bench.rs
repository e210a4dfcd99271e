//! Prints the CPU cost of a relayed packet: engine and bare forwarder, in turn, at rising load.
//!
//! `cargo run --release -p kirkwall-integration --example media_bench [SECONDS] [CHANNELS...]`

use std::time::Duration;

use kirkwall_integration::media::bench::{Load, Subject, run};

fn main() -> std::io::Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse().ok());
    let seconds = numbers.next().unwrap_or(3);
    let mut sizes: Vec<usize> = numbers.map(|n: u64| n as usize).collect();
    if sizes.is_empty() {
        sizes = vec![50, 200, 500];
    }
    println!(
        "{:>8} {:>11} {:>12} {:>9} {:>9} {:>7}",
        "channels", "relay", "us/packet", "sent", "received", "lost %"
    );
    for channels in sizes {
        use Subject::*;
        for subject in [Forwarder, Plain, Translated, Srtp, Mixed] {
            let load = Load { channels, duration: Duration::from_secs(seconds), ports: 20_000..=29_999 };
            let outcome = run(subject, &load)?;
            let lost =
                outcome.sent.saturating_sub(outcome.received) as f64 * 100.0 / outcome.sent.max(1) as f64;
            println!(
                "{channels:>8} {:>11} {:>12.2} {:>9} {:>9} {lost:>7.3}",
                format!("{subject:?}").to_lowercase(),
                outcome.per_packet.as_nanos() as f64 / 1000.0,
                outcome.sent,
                outcome.received,
            );
        }
    }
    Ok(())
}
