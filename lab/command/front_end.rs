//! `kirkwall-lab front-end`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kirkwall_lab::front_end::{Accounts, FrontEnd, FrontEndConfig};
use kirkwall_lab::phone::CallScript;
use kirkwall_lab::sip::Failure;
use tokio::sync::mpsc;

use super::{print_line, read_users, told_to_stop};

/// Users that nobody registered answer by their name: busy…, decline…, absent…, early…, refuse-CODE,
/// redirect-USER, NAME-after-SECONDS-talk-SECONDS; and speak of media by further words in their name: optional,
/// savp (SRTP), bare, lifetime, mki (key lines), multipart (a part for OCS 2007), video, noise, lync (all that a
/// Lync client says), hold-SECONDS. Calls to registered users are placed by lines on
/// standard input: `call FROM TO TALK_SECONDS`; each is reported as a JSON line.
#[derive(clap::Args)]
pub struct Arguments {
    /// The domain it is responsible for.
    #[arg(long, default_value = "lab.test")]
    domain: String,
    /// UDP listener.
    #[arg(long)]
    udp: Option<SocketAddr>,
    /// TCP listener.
    #[arg(long)]
    tcp: Option<SocketAddr>,
    /// TLS listener; its CA goes to --ca-out.
    #[arg(long)]
    tls: Option<SocketAddr>,
    /// The address to show when a listener is bound to 0.0.0.0.
    #[arg(long)]
    advertise: Option<IpAddr>,
    /// A further name in the certificate.
    #[arg(long)]
    name: Vec<String>,
    /// Where to write the CA's certificate (PEM).
    #[arg(long)]
    ca_out: Option<PathBuf>,
    /// Who may register: user,password or user,auth_username,password a line.
    #[arg(long, conflicts_with = "any_password")]
    users: Option<PathBuf>,
    /// Without --users every name may register: with this password, or unchallenged.
    #[arg(long)]
    any_password: Option<String>,
    /// Take calls without credentials.
    #[arg(long)]
    no_call_challenge: bool,
    /// Stay out of the path of dialogs.
    #[arg(long)]
    no_record_route: bool,
    /// Far-end users send no RTP.
    #[arg(long)]
    silent: bool,
    #[command(flatten)]
    lync: super::lync::LyncArguments,
}

pub async fn run(arguments: Arguments) -> Result<bool, Failure> {
    let front_end = FrontEnd::start(config(&arguments)?).await?;
    if let Some(file) = &arguments.ca_out {
        let doing = format!("writing {}", file.display());
        std::fs::write(file, front_end.ca_pem()).map_err(|e| Failure::io(doing, e))?;
    }
    let at = front_end.listening();
    let shown = |address: Option<SocketAddr>| address.map_or("-".to_owned(), |a| a.to_string());
    println!("ready udp={} tcp={} tls={}", shown(at.udp), shown(at.tcp), shown(at.tls));
    tokio::select! {
        () = told_to_stop() => {}
        () = take_orders(&front_end) => {}
    }
    if arguments.lync.is_wanted() {
        print_line(&front_end.signatures())?;
        front_end.complaints().iter().for_each(|line| eprintln!("{line}"));
    }
    front_end.stop().await;
    Ok(true)
}

fn config(arguments: &Arguments) -> Result<FrontEndConfig, Failure> {
    let none = arguments.udp.is_none() && arguments.tcp.is_none() && arguments.tls.is_none();
    if none {
        let text = "give at least one of --udp, --tcp, --tls".to_owned();
        return Err(Failure::Unusable { field: "listeners", text });
    }
    let accounts = match &arguments.users {
        Some(file) => Accounts::Given(read_users(file)?),
        None => Accounts::Any(arguments.any_password.clone()),
    };
    let first = [arguments.udp, arguments.tcp, arguments.tls].into_iter().flatten().next();
    let own = arguments.advertise.or(first.map(|address| address.ip()));
    Ok(FrontEndConfig {
        udp: arguments.udp,
        tcp: arguments.tcp,
        tls: arguments.tls,
        advertise: arguments.advertise,
        certificate_names: arguments.name.clone(),
        challenges_calls: !arguments.no_call_challenge,
        records_route: !arguments.no_record_route,
        far_end_by_name: true,
        sound: own.filter(|_| !arguments.silent),
        lync: arguments.lync.config(&arguments.domain)?,
        ..FrontEndConfig::loopback(&arguments.domain, accounts)
    })
}

/// Takes orders from standard input for as long as it is open; afterwards waits for ever.
async fn take_orders(front_end: &FrontEnd) {
    let (sender, mut lines) = mpsc::channel::<String>(16);
    // A thread of its own: a read of standard input cannot be called off, and must not hold up the end.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        if obey(front_end, &line).is_none() {
            eprintln!("write: call FROM TO TALK_SECONDS");
        }
    }
    std::future::pending().await
}

/// Begins the call that a line orders; it reports itself.
fn obey(front_end: &FrontEnd, line: &str) -> Option<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["call", from, to, talk] = words[..] else { return None };
    let phone = front_end.far_end(from)?;
    let script = CallScript { cancel_after: None, talk: Some(Duration::from_secs(talk.parse().ok()?)) };
    let (front_end, to) = (front_end.clone(), to.to_owned());
    tokio::spawn(async move {
        let report = front_end.call(&phone, &to, &script).await;
        let report = report.unwrap_or_else(|error| phone.no_call(&to, &error.to_string()));
        if let Err(error) = print_line(&report) {
            eprintln!("{error}");
        }
    });
    Some(())
}
