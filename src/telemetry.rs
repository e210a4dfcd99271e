//! Log lines and metrics of the process.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Log lines go to standard error: for people when it is a terminal, else as JSON. `RUST_LOG` sets levels.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = match std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        true => lines.try_init(),
        false => lines.json().flatten_event(true).try_init(),
    };
    if installed.is_err() {
        eprintln!("kirkwall: log lines go elsewhere already");
    }
}

/// Starts counting; the handle renders what `/metrics` shows.
pub fn count() -> Result<PrometheusHandle, String> {
    let handle = PrometheusBuilder::new().install_recorder().map_err(|error| error.to_string())?;
    metrics::gauge!("ipdect_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}
