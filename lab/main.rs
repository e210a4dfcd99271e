//! `kirkwall-lab`: the emulators, each alone, for tests.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use command::{base, front_end, handset, load, native, story};

/// Emulators for testing Kirkwall and other SIP switches.
#[derive(Parser)]
#[command(name = "kirkwall-lab", version, about)]
struct Arguments {
    #[command(subcommand)]
    emulator: Emulator,
}

#[derive(Subcommand)]
enum Emulator {
    /// A registrar, proxy and far-end users. Prints `ready udp=… tcp=… tls=…`; ends with SIGTERM.
    FrontEnd(Box<front_end::Arguments>),
    /// One scripted handset behind a base station. Prints JSON lines.
    Handset(handset::Arguments),
    /// REGISTERs and calls at a rate. Prints one JSON object; exit code 1 when anything failed.
    Load(load::Arguments),
    /// A native handset with a base station of its own, on the base link. Prints JSON lines.
    Native(native::Arguments),
    /// A native base station on the base link. Prints JSON lines.
    Base(base::Arguments),
    /// A story against the real switch. Exit code 1 when it failed, 2 when it cannot be run.
    Story(story::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let outcome = match Arguments::parse().emulator {
        Emulator::FrontEnd(arguments) => front_end::run(*arguments).await,
        Emulator::Handset(arguments) => handset::run(arguments).await,
        Emulator::Load(arguments) => load::run(arguments).await,
        Emulator::Native(arguments) => native::run(arguments).await,
        Emulator::Base(arguments) => base::run(arguments).await,
        Emulator::Story(arguments) => story::run(arguments).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("kirkwall-lab: {error}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
