//! `kirkwall serve`: the switch in the foreground until it is told to stop.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tracing::error;

use crate::cli::Serve;
use crate::config::Config;
use crate::telemetry;
use crate::wiring::{Start, Switch};

/// How long standing calls may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn serve(args: Serve) -> ExitCode {
    let config = match Config::load(args.config.as_deref()) {
        Ok(config) => config,
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            return ExitCode::from(2);
        }
    };
    telemetry::log_to_stderr();
    let run = run(|sockets, metrics| async move {
        let start = Start { data: &args.data, sockets, metrics, banner: None };
        let switch = Switch::start(&config, start).await?;
        println!("{switch}");
        wait_for_stop().await?;
        switch.drain(PATIENCE).await;
        Ok(())
    });
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            error!(%why, "the switch cannot run");
            eprintln!("kirkwall: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `body` inside an actix system, with a runtime for sockets beside it.
pub fn run<F>(
    body: impl FnOnce(tokio::runtime::Handle, metrics_exporter_prometheus::PrometheusHandle) -> F,
) -> Result<(), String>
where
    F: Future<Output = Result<(), String>>,
{
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return Err("another TLS provider was installed first".to_owned());
    }
    let metrics = telemetry::count()?;
    let sockets = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("sip-sockets")
        .enable_all()
        .build()
        .map_err(|error| format!("threads for sockets: {error}"))?;
    let outcome = actix::System::new().block_on(async {
        let outcome = body(sockets.handle().clone(), metrics).await;
        if outcome.is_err() {
            // actix lets an actor begin even when it is dropped, and their timers need the runtime: those that
            // were made right before the failure, a port that is taken, say, begin here.
            tokio::task::yield_now().await;
        }
        outcome
    });
    sockets.shutdown_timeout(Duration::from_secs(2));
    outcome
}

/// SIGTERM or Ctrl-C.
pub async fn wait_for_stop() -> Result<(), String> {
    let told = |error: std::io::Error| format!("signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(told)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(told)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
