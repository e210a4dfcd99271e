//! `kirkwall-lab native`: a base and handsets on it, in one process, since the air is.

use std::path::PathBuf;
use std::time::Duration;

use kirkwall_lab::base_station::Standing;
use kirkwall_lab::dect::identity::Ipei;
use kirkwall_lab::dect::pt::Subscription;
use kirkwall_lab::handset::native::{Dialling, NativeConfig, NativeHandset, NativeReport, User};
use kirkwall_lab::media::Voice;
use kirkwall_lab::radio::{Place, Radio};
use kirkwall_lab::sip::Failure;

use super::base::BaseArguments;
use super::{print_line, told_to_stop};

/// A native handset on a native base station of its own: subscribes (--code), tells where it is, then dials
/// once (--dial) or answers calls. Prints JSON lines.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    base: BaseArguments,
    /// Serial number: thirteen digits, the last is the check digit.
    #[arg(long, default_value = "00012 0000137 9")]
    ipei: Ipei,
    /// Subscribe with this access code.
    #[arg(long)]
    code: Option<String>,
    /// Keeps the access rights here, and uses them the next time.
    #[arg(long)]
    memory: Option<PathBuf>,
    /// Its voice, 0 to 63.
    #[arg(long, default_value_t = 0)]
    voice: u8,
    /// Hum instead of speaking: without pauses.
    #[arg(long)]
    hum: bool,
    /// Dial this number, report, end.
    #[arg(long)]
    dial: Option<String>,
    /// Put the number into CC-SETUP.
    #[arg(long)]
    en_bloc: bool,
    /// Ring so many seconds before answering.
    #[arg(long, default_value_t = 1.0)]
    answer_after: f64,
    /// Refuse calls.
    #[arg(long)]
    reject: bool,
    /// Hang up so many seconds after the answer; else the other end does.
    #[arg(long)]
    talk: Option<f64>,
    /// End after so many calls; else at SIGTERM.
    #[arg(long)]
    calls: Option<u32>,
    /// Give up when base or handset are not ready after so many seconds.
    #[arg(long, default_value_t = 30.0)]
    ready_within: f64,
}

pub async fn run(arguments: Arguments) -> Result<bool, Failure> {
    let (radio, limit) = (Radio::default(), seconds("ready-within", arguments.ready_within)?);
    let base = arguments.base.start(&radio)?;
    let linked = base
        .wait_for(limit, |seen| seen.standing == Standing::Linked && seen.radio == 2 && seen.sync >= 2)
        .await;
    if let Err(seen) = linked {
        print_line(&serde_json::json!({"event": "base_not_ready", "why": format!("{:?}", seen.standing)}))?;
        return Ok(false);
    }
    arguments.base.keep_identity(&base)?;
    let handset = NativeHandset::start(config(&arguments)?, &radio);
    let outcome = live(&handset, &arguments, limit).await;
    handset.switch_off().await;
    base.stop().await;
    outcome
}

async fn live(handset: &NativeHandset, arguments: &Arguments, limit: Duration) -> Result<bool, Failure> {
    if let Some(code) = arguments.code.as_ref().filter(|_| handset.subscription().is_none()) {
        if let Err(reason) = handset.subscribe(code, limit).await {
            print_line(&serde_json::json!({"event": "not_subscribed", "reject_reason": reason}))?;
            return Ok(false);
        }
        print_line(&serde_json::json!({"event": "subscribed", "ipei": arguments.ipei}))?;
    }
    if let Err(seen) = handset.wait_for(limit, |seen| seen.located).await {
        print_line(&serde_json::json!({"event": "not_located", "seen": seen}))?;
        return Ok(false);
    }
    keep(handset, arguments)?;
    print_line(&serde_json::json!({"event": "located", "radio_number": handset.seen().base.map(|b| b.0)}))?;
    if let Some(number) = &arguments.dial {
        let how = if arguments.en_bloc { Dialling::EnBloc } else { Dialling::Overlap };
        let talk = talk(arguments)?;
        let report = handset.call(number, how, talk, Duration::from_secs(3_600)).await?;
        print_line(&report)?;
        return Ok(report.answered);
    }
    tokio::select! {
        () = told_to_stop() => Ok(true),
        all = report_calls(handset, arguments.calls) => all.map(|()| true),
    }
}

async fn report_calls(handset: &NativeHandset, calls: Option<u32>) -> Result<(), Failure> {
    let (mut reports, mut ended) = (handset.reports(), 0);
    while calls.is_none_or(|limit| ended < limit) {
        let report: NativeReport = reports.recv().await.map_err(|_| Failure::Stopped)?;
        ended += 1;
        print_line(&report)?;
    }
    Ok(())
}

fn config(arguments: &Arguments) -> Result<NativeConfig, Failure> {
    let after = seconds("answer-after", arguments.answer_after)?;
    let user = match arguments.reject {
        true => User::Rejects { after },
        false => User::Answers { after, talk: talk(arguments)? },
    };
    let subscription = arguments.memory.as_ref().filter(|file| file.exists()).map(remembered).transpose()?;
    let (hum, place) = (arguments.hum, Place::default());
    let config = NativeConfig::new(arguments.ipei, Voice::new(arguments.voice));
    Ok(NativeConfig { hum, place, user, subscription, ..config })
}

fn remembered(file: &PathBuf) -> Result<Subscription, Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::io(format!("reading {}", file.display()), e);
    let text = std::fs::read_to_string(file).map_err(|e| failed(&e))?;
    serde_json::from_str(&text).map_err(|e| failed(&e))
}

fn keep(handset: &NativeHandset, arguments: &Arguments) -> Result<(), Failure> {
    let (Some(file), Some(subscription)) = (&arguments.memory, handset.subscription()) else {
        return Ok(());
    };
    let failed = |e: &dyn std::fmt::Display| Failure::io(format!("writing {}", file.display()), e);
    let text = serde_json::to_string(&subscription).map_err(|e| failed(&e))?;
    std::fs::write(file, text).map_err(|e| failed(&e))
}

fn talk(arguments: &Arguments) -> Result<Option<Duration>, Failure> {
    arguments.talk.map(|talk| seconds("talk", talk)).transpose()
}

fn seconds(field: &'static str, value: f64) -> Result<Duration, Failure> {
    let unusable = || Failure::Unusable { field, text: value.to_string() };
    Duration::try_from_secs_f64(value).map_err(|_| unusable())
}
