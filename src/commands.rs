//! Commands on a data directory: done here when no switch holds it, handed to the switch when one does.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use kirkwall_data::request::{Outcome, Request};
use kirkwall_data::spool::Spool;
use kirkwall_data::token::TokenRecord;
use kirkwall_data::users_csv::{self, Summary, Verdict};
use kirkwall_data::{Journal, OpenFault};

use crate::cli::{TokenCreate, UsersImport};

/// How long a running switch may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// `kirkwall token create`: prints the token on standard output, once, after it is on disk.
pub fn create_token(args: TokenCreate) -> ExitCode {
    let (token, text) = match TokenRecord::fresh(args.name, args.scope, now(), None) {
        Ok(fresh) => fresh,
        Err(fault) => return fail(&fault),
    };
    match carry_out(&args.data, Request::CreateToken(token)) {
        Ok(Outcome::TokenCreated) => {
            println!("{}", text.0);
            ExitCode::SUCCESS
        }
        Ok(other) => fail(&told(other)),
        Err(why) => fail(&why),
    }
}

/// `kirkwall users import`: one line for each row that is not unchanged, then the sums.
pub fn import_users(args: UsersImport) -> ExitCode {
    let csv = match read_csv(&args.file) {
        Ok(csv) => csv,
        Err(why) => return fail(&why),
    };
    match carry_out(&args.data, Request::ImportUsers { csv: Pii(csv) }) {
        Ok(Outcome::UsersImported(summary)) => show(&args.file, &summary),
        Ok(other) => fail(&told(other)),
        Err(why) => fail(&why),
    }
}

fn carry_out(data: &Path, request: Request) -> Result<Outcome, String> {
    match Journal::open_at_once(data) {
        Ok(journal) => {
            journal.notices().iter().for_each(|notice| eprintln!("kirkwall: {notice}"));
            let (writes, outcome) = request.plan(&journal, now());
            journal.save_blocking(writes).map_err(|fault| fault.to_string())?;
            Ok(outcome)
        }
        Err(OpenFault::Locked { .. }) => {
            let spool = Spool::open(data).map_err(|fault| fault.to_string())?;
            let ticket = spool.put(&request).map_err(|fault| fault.to_string())?;
            spool.wait(&ticket, PATIENCE).map_err(|fault| fault.to_string())
        }
        Err(fault) => Err(fault.to_string()),
    }
}

/// Read here, so that a bad encoding is told with its line before anything is handed over.
fn read_csv(file: &Path) -> Result<String, String> {
    let octets = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    users_csv::parse(&octets).map_err(|fault| format!("{}: {fault}", file.display()))?;
    String::from_utf8(octets).map_err(|error| format!("{}: {error}", file.display()))
}

fn show(file: &Path, summary: &Summary) -> ExitCode {
    let file = file.display();
    for row in &summary.rows {
        let username = &row.username;
        match &row.verdict {
            Verdict::Create => println!("{file}:{}: {username}: create", row.line),
            Verdict::Update => println!("{file}:{}: {username}: update", row.line),
            Verdict::Unchanged => {}
            Verdict::Error { reason, .. } => eprintln!("{file}:{}: {username}: error: {reason}", row.line),
        }
    }
    let Summary { created, updated, unchanged, errors, .. } = summary;
    println!("{created} created, {updated} updated, {unchanged} unchanged, {errors} errors");
    if *errors == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!("kirkwall: nothing was changed; mend the lines above and import again");
    ExitCode::from(2)
}

fn told(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused { why } => why,
        _ => "the switch answered something else than was asked; is it of the same version?".into(),
    }
}

fn fail(why: &impl std::fmt::Display) -> ExitCode {
    eprintln!("kirkwall: {why}");
    ExitCode::FAILURE
}

fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(since.as_micros() as u64)
}
