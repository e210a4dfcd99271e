//! The emulators' command lines.

pub mod base;
pub mod front_end;
pub mod handset;
pub mod load;
pub mod lync;
pub mod native;
pub mod story;

use std::path::Path;

use kirkwall_lab::front_end::Account;
use kirkwall_lab::sip::tls::Trust;
use kirkwall_lab::sip::{Credentials, Failure};

/// Prints one JSON line and flushes it.
///
/// # Errors
/// When standard output is closed.
pub fn print_line(value: &impl serde::Serialize) -> Result<(), Failure> {
    use std::io::Write as _;
    let failed = |e: &dyn std::fmt::Display| Failure::io("writing to standard output", e);
    let line = serde_json::to_string(value).map_err(|e| failed(&e))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| failed(&e))
}

/// Reads users: one a line, `user,password` or `user,auth_username,password`; `#` begins a comment.
///
/// # Errors
/// With file and line.
pub fn read_users(file: &Path) -> Result<Vec<Account>, Failure> {
    let text = read(file)?;
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(n, line)| user(line).ok_or_else(|| bad_line(file, n))).collect()
}

fn user(line: &str) -> Option<Account> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let (user, username, password) = match fields[..] {
        [user, password] => (user, user, password),
        [user, username, password] => (user, username, password),
        _ => return None,
    };
    let credentials = Credentials { username: username.to_owned(), password: password.to_owned() };
    (!user.is_empty()).then(|| Account { user: user.to_owned(), credentials })
}

fn bad_line(file: &Path, line: usize) -> Failure {
    let text = format!("{}:{line}: write user,password or user,auth_username,password", file.display());
    Failure::Unusable { field: "users file", text }
}

/// Reads a file whole.
///
/// # Errors
/// With its name.
pub fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|e| Failure::io(format!("reading {}", file.display()), e))
}

/// Trusts a PEM file, or anything without one.
///
/// # Errors
/// When the file cannot be read.
pub fn trust(ca: Option<&Path>) -> Result<Trust, Failure> {
    ca.map_or(Ok(Trust::Anything), |file| read(file).map(Trust::Pem))
}

/// Resolves at SIGINT or SIGTERM.
pub async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
