//! `kirkwall-lab handset`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kirkwall_lab::handset::{Base, BaseConfig, Handset, HandsetAccount, Model};
use kirkwall_lab::media::{Codec, Protection, Voice};
use kirkwall_lab::phone::{Behaviour, CallReport, CallScript, Outcome};
use kirkwall_lab::sip::{Credentials, Failure, Transport};
use tokio::sync::broadcast;

use super::{print_line, told_to_stop, trust};

/// Registers, then dials once (--dial) or answers calls. Prints one JSON line when registered and one for
/// each call, with level, longest gap and the number of the voice that was heard.
#[derive(clap::Args)]
pub struct Arguments {
    /// The switch.
    #[arg(long)]
    server: SocketAddr,
    /// How to reach it.
    #[arg(long, value_enum, default_value = "udp")]
    transport: Transport,
    /// Trust this CA (PEM); without it any certificate.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Domain of the account.
    #[arg(long, default_value = "lab.test")]
    domain: String,
    /// User part of the account.
    #[arg(long)]
    user: String,
    /// User name of the digest, when it differs.
    #[arg(long)]
    auth_user: Option<String>,
    /// Its password.
    #[arg(long, env = "KIRKWALL_LAB_PASSWORD", hide_env_values = true)]
    password: String,
    /// Our address.
    #[arg(long, default_value = "127.0.0.1")]
    ip: IpAddr,
    /// The base station it pretends to be.
    #[arg(long, value_enum, default_value = "gigaset-n870")]
    model: Model,
    /// Its voice, 0 to 63.
    #[arg(long, default_value_t = 0)]
    voice: u8,
    /// Codecs, preferred first.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "pcma,pcmu")]
    codecs: Vec<Codec>,
    /// SRTP.
    #[arg(long, value_enum, default_value = "off")]
    srtp: Protection,
    /// Dial this user, report, end.
    #[arg(long)]
    dial: Option<String>,
    /// Send CANCEL after so many seconds without an answer.
    #[arg(long)]
    cancel_after: Option<f64>,
    /// Ring so many seconds before answering.
    #[arg(long, default_value_t = 1.0)]
    answer_after: f64,
    /// Hang up so many seconds after the answer; else the other end does.
    #[arg(long)]
    talk: Option<f64>,
    /// Answer 486.
    #[arg(long)]
    busy: bool,
    /// End after so many answered calls; else at SIGTERM.
    #[arg(long)]
    calls: Option<u32>,
    /// Give up when not registered after so many seconds.
    #[arg(long, default_value_t = 10.0)]
    register_within: f64,
}

pub async fn run(arguments: Arguments) -> Result<bool, Failure> {
    let base = Base::start(config(&arguments)?).await?;
    let outcome = match base.handset(&arguments.user) {
        Some(handset) => live(&handset, &arguments).await,
        None => Err(Failure::Stopped),
    };
    base.stop().await;
    outcome
}

async fn live(handset: &Handset, arguments: &Arguments) -> Result<bool, Failure> {
    handset.phone().set_behaviour(behaviour(arguments)?);
    let served = handset.phone().served_calls();
    if let Err(standing) =
        handset.registered_within(seconds("register-within", arguments.register_within)?).await
    {
        print_line(&serde_json::json!({"event": "not_registered", "why": format!("{standing:?}")}))?;
        return Ok(false);
    }
    print_line(&serde_json::json!({"event": "registered", "user": arguments.user}))?;
    if let Some(user) = &arguments.dial {
        let talk = arguments.talk.map(|talk| seconds("talk", talk)).transpose()?;
        let cancel_after = arguments.cancel_after.map(|after| seconds("cancel-after", after)).transpose()?;
        let report = handset.dial(user, &CallScript { cancel_after, talk }).await;
        print_line(&report)?;
        return Ok(matches!(report.outcome, Outcome::Answered | Outcome::Cancelled));
    }
    tokio::select! {
        () = told_to_stop() => Ok(true),
        all = report_calls(served, arguments.calls) => all.map(|()| true),
    }
}

async fn report_calls(
    mut served: broadcast::Receiver<CallReport>,
    calls: Option<u32>,
) -> Result<(), Failure> {
    let mut answered = 0;
    while calls.is_none_or(|limit| answered < limit) {
        match served.recv().await {
            Ok(report) => {
                answered += u32::from(report.outcome == Outcome::Answered);
                print_line(&report)?;
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => eprintln!("{missed} reports were lost"),
            Err(broadcast::error::RecvError::Closed) => break,
        }
    }
    Ok(())
}

fn behaviour(arguments: &Arguments) -> Result<Behaviour, Failure> {
    if arguments.busy {
        return Ok(Behaviour::BUSY);
    }
    let talk = arguments.talk.map(|talk| seconds("talk", talk)).transpose()?;
    Ok(Behaviour::Answer { after: seconds("answer-after", arguments.answer_after)?, talk })
}

fn config(arguments: &Arguments) -> Result<BaseConfig, Failure> {
    let username = arguments.auth_user.as_ref().unwrap_or(&arguments.user).clone();
    Ok(BaseConfig {
        model: arguments.model,
        mac: format!("{}000001", arguments.model.oui()),
        ip: arguments.ip,
        transport: arguments.transport,
        registrar: arguments.server,
        domain: arguments.domain.clone(),
        trust: trust(arguments.ca.as_deref())?,
        expires: Duration::from_secs(300),
        codecs: arguments.codecs.clone(),
        protection: arguments.srtp,
        comfort_noise: false,
        sound: true,
        handsets: vec![HandsetAccount {
            user: arguments.user.clone(),
            display_name: String::new(),
            credentials: Credentials { username, password: arguments.password.clone() },
            voice: Voice::new(arguments.voice),
        }],
    })
}

fn seconds(field: &'static str, value: f64) -> Result<Duration, Failure> {
    let unusable = || Failure::Unusable { field, text: value.to_string() };
    Duration::try_from_secs_f64(value).map_err(|_| unusable())
}
