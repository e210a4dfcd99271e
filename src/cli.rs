//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use kirkwall_core::id::Username;

use crate::config::Config;

/// IP-DECT telephony switch.
#[derive(Debug, Parser)]
#[command(name = "kirkwall", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the switch in the foreground; SIGTERM drains.
    Serve(Serve),
    /// Run a switch with an emulated front end, base stations, handsets and calls.
    Demo(Demo),
    /// Check a configuration file; ends with 0, or with 2 and what is wrong.
    Check(Check),
    /// Look for trouble; ends with 0 good, 4 warnings, 5 errors, 2 bad configuration.
    Doctor(Doctor),
    /// API tokens.
    #[command(subcommand)]
    Token(Token),
    /// Users.
    #[command(subcommand)]
    Users(Users),
}

/// `kirkwall serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Configuration file [default: kirkwall.toml here, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
}

/// `kirkwall demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Port of the web pages
    #[arg(long, default_value_t = 8443)]
    pub port: u16,
    /// Seed of the emulated world; the same seed gives the same calls
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Keep the data in this directory
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `kirkwall check`
#[derive(Debug, Args)]
pub struct Check {
    /// Configuration file [default: kirkwall.toml here, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `kirkwall doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Configuration file [default: kirkwall.toml here, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data directory of the switch; without it, disk and store are not looked at
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// User whose registration in the north is asked for [default: the first enabled one of the store]
    #[arg(long, value_name = "USERNAME")]
    pub user: Option<Username>,
    /// Form of the findings
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    pub output: Form,
}

/// Form of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `kirkwall token …`
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token and print it once; works with the switch stopped or running.
    Create(TokenCreate),
}

/// `kirkwall token create`
#[derive(Debug, Args)]
pub struct TokenCreate {
    /// Data directory of the switch
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// What the token is for
    #[arg(long)]
    pub name: String,
    /// What it may do; repeat or separate by commas
    #[arg(long, required = true, value_delimiter = ',', value_parser = kirkwall_data::token::SCOPES)]
    pub scope: Vec<String>,
}

/// `kirkwall users …`
#[derive(Debug, Subcommand)]
pub enum Users {
    /// Import a CSV by the same rules as the web; a file with an error in any line changes nothing.
    Import(UsersImport),
}

/// `kirkwall users import`
#[derive(Debug, Args)]
pub struct UsersImport {
    /// Data directory of the switch
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The file
    #[arg(value_name = "FILE.csv")]
    pub file: PathBuf,
}

/// `kirkwall check`: 0, or 2 with one line for each fault on standard error.
pub fn check(file: Option<&Path>) -> ExitCode {
    match Config::load(file) {
        Ok(_) => ExitCode::SUCCESS,
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Command {
        Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}")).command
    }

    #[test]
    fn every_line_of_the_contract_is_understood() {
        assert!(matches!(parse("kirkwall serve --config k.toml --data d"), Command::Serve(_)));
        assert!(matches!(parse("kirkwall demo"), Command::Demo(Demo { port: 8443, seed: None, keep: None })));
        assert!(matches!(
            parse("kirkwall demo --port 1 --seed 7 --keep d"),
            Command::Demo(Demo { port: 1, seed: Some(7), .. })
        ));
        assert!(matches!(parse("kirkwall check --config k.toml"), Command::Check(_)));
        assert!(matches!(
            parse("kirkwall doctor -o json"),
            Command::Doctor(Doctor { output: Form::Json, .. })
        ));
        assert!(matches!(
            parse("kirkwall doctor --data d --user 4711"),
            Command::Doctor(Doctor { output: Form::Text, data: Some(_), user: Some(_), config: None })
        ));
        assert!(Cli::try_parse_from("kirkwall doctor --user a@b".split(' ')).is_err());
        let token = parse("kirkwall token create --data d --name n --scope users:read,users:write");
        let Command::Token(Token::Create(token)) = token else { panic!("{token:?}") };
        assert_eq!(token.scope, ["users:read", "users:write"]);
        assert!(matches!(parse("kirkwall users import --data d f.csv"), Command::Users(_)));
        assert!(
            Cli::try_parse_from("kirkwall token create --data d --name n --scope all".split(' ')).is_err()
        );
    }
}
