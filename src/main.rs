//! The `kirkwall` executable. It only dispatches; what a command does lies in its module.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cli;
mod commands;
mod config;
mod demo;
mod doctor;
mod serve;
mod telemetry;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command, Token, Users};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Check(args) => cli::check(args.config.as_deref()),
        Command::Token(Token::Create(args)) => commands::create_token(args),
        Command::Users(Users::Import(args)) => commands::import_users(args),
        Command::Serve(args) => serve::serve(args),
        Command::Demo(args) => demo::demo(args),
        Command::Doctor(args) => doctor::doctor(args),
    }
}
