//! `kirkwall-lab load`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kirkwall_lab::load::{LoadConfig, run as run_load};
use kirkwall_lab::sip::{Failure, Transport};

use super::{print_line, read_users, trust};

/// Every user registers once; then REGISTERs and calls go on at the given rates. Users call in pairs.
#[derive(clap::Args)]
pub struct Arguments {
    /// The SIP server.
    #[arg(long)]
    server: SocketAddr,
    /// How to reach it.
    #[arg(long, value_enum, default_value = "udp")]
    transport: Transport,
    /// Trust this CA (PEM); without it any certificate.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Its domain.
    #[arg(long, default_value = "lab.test")]
    domain: String,
    /// Our address.
    #[arg(long, default_value = "127.0.0.1")]
    ip: IpAddr,
    /// user,password or user,auth_username,password a line.
    #[arg(long)]
    users: PathBuf,
    /// How many further REGISTERs.
    #[arg(long, default_value_t = 0)]
    registers: u64,
    /// REGISTERs per second.
    #[arg(long, default_value_t = 50.0)]
    register_rate: f64,
    /// How many calls.
    #[arg(long, default_value_t = 0)]
    calls: u64,
    /// Calls per second.
    #[arg(long, default_value_t = 5.0)]
    call_rate: f64,
    /// Seconds from answer to BYE.
    #[arg(long, default_value_t = 2)]
    talk: u64,
    /// Send RTP too.
    #[arg(long)]
    sound: bool,
    /// Cut off after so many seconds.
    #[arg(long, default_value_t = 600)]
    limit: u64,
}

pub async fn run(arguments: Arguments) -> Result<bool, Failure> {
    let report = run_load(&LoadConfig {
        server: arguments.server,
        transport: arguments.transport,
        domain: arguments.domain,
        trust: trust(arguments.ca.as_deref())?,
        ip: arguments.ip,
        users: read_users(&arguments.users)?,
        registers: arguments.registers,
        registers_per_second: arguments.register_rate,
        calls: arguments.calls,
        calls_per_second: arguments.call_rate,
        talk: Duration::from_secs(arguments.talk),
        sound: arguments.sound,
        limit: Duration::from_secs(arguments.limit),
    })
    .await?;
    print_line(&report)?;
    let all_good = |tally: &kirkwall_lab::load::Tally| tally.good == tally.begun && tally.not_begun == 0;
    Ok(!report.cut_off && [&report.preparation, &report.registers, &report.calls].into_iter().all(all_good))
}
