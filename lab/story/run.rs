//! Running a story, step by step.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::form::{Fit, Given, fit};
use super::parse::{Flaw, Script, Step};
use super::stage::Stage;
use super::verbs::{self, Verb};
use super::{Fault, Switch};

/// Calls whose ladders are shown when a story failed.
const LADDERS: usize = 3;
/// Lines of the switch's log that are shown when a story failed.
const LOG_TAIL: usize = 40;

/// Runs stories against one program.
#[derive(Debug, Clone)]
pub struct Runner {
    program: PathBuf,
}

/// How a story ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every step worked out.
    Passed,
    /// The switch did otherwise. The words name the step, what was expected and found, ladders and log.
    Failed(String),
    /// The story cannot be run. The words name the line, what is wrong and how to mend it.
    Unusable(String),
}

impl Runner {
    /// With this `kirkwall` program.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    /// With the program that `KIRKWALL_PROGRAM` names, else the one beside the running program.
    pub fn found() -> Self {
        let named = std::env::var_os("KIRKWALL_PROGRAM").map(PathBuf::from);
        let beside = || Some(std::env::current_exe().ok()?.parent()?.join("kirkwall"));
        Self::new(named.or_else(beside).unwrap_or_else(|| "kirkwall".into()))
    }

    /// Runs the story of a file. `tell` hears each step when it is done.
    pub async fn run_file(&self, file: &Path, tell: impl FnMut(&Step, Duration)) -> Ending {
        match std::fs::read_to_string(file) {
            Ok(text) => self.run(&file.display().to_string(), &text, tell).await,
            Err(error) => {
                Ending::Unusable(format!("{}: {error}; name a file that can be read", file.display()))
            }
        }
    }

    /// Runs a story; `file` is its name in words to people. Nothing starts when a line is not understood.
    pub async fn run(&self, file: &str, text: &str, mut tell: impl FnMut(&Step, Duration)) -> Ending {
        let unusable = |flaw: Flaw| {
            Ending::Unusable(format!("{file}:{}: {}\n  mend: {}", flaw.line, flaw.what, flaw.mend))
        };
        let plan = match Script::parse(text).and_then(|script| plan(&script)) {
            Ok(plan) => plan,
            Err(flaw) => return unusable(flaw),
        };
        let mut stage = match Stage::set_up(&self.program) {
            Ok(stage) => stage,
            Err(fault) => return ending(file, &fault, ""),
        };
        let mut outcome = Ok(());
        let curtain = Instant::now();
        for planned in &plan {
            let begun = Instant::now();
            // A step may say that the story takes longer, so the limit is read before each.
            let longest = stage.longest;
            let left = longest.saturating_sub(curtain.elapsed());
            let acted = tokio::time::timeout(left, (planned.verb.act)(&mut stage, &planned.given)).await;
            let acted = acted.unwrap_or_else(|_| {
                Err(Fault::failed(format!("the story ends within {} s", longest.as_secs()), "it goes on"))
            });
            if let Err(fault) = acted {
                outcome = Err((&planned.step, fault));
                break;
            }
            tell(&planned.step, begun.elapsed());
        }
        if outcome.is_ok()
            && let Some(last) = plan.last()
        {
            outcome = stage.switch.verdict().map_err(|fault| (&last.step, fault));
        }
        let ending = match outcome {
            Ok(()) => Ending::Passed,
            Err((step, fault)) => {
                let evidence = evidence(&stage.switch).await;
                ending(&format!("{file}:{}", step.line), &fault, &format!("  {}\n{evidence}", step.text))
            }
        };
        stage.end().await;
        ending
    }
}

struct Planned {
    step: Step,
    verb: &'static Verb,
    given: Given,
}

/// Which verb each step is.
fn plan(script: &Script) -> Result<Vec<Planned>, Flaw> {
    script.steps.iter().map(planned).collect()
}

fn planned(step: &Step) -> Result<Planned, Flaw> {
    let mut best: Option<(usize, &'static Verb, Given)> = None;
    let mut near: Vec<(usize, &'static str)> = Vec::new();
    for verb in verbs::all() {
        match fit(verb.form, step) {
            Fit::Whole(given, literals) if best.as_ref().is_none_or(|(most, ..)| literals > *most) => {
                best = Some((literals, verb, given));
            }
            Fit::Whole(..) => {}
            Fit::Partly(literals) => near.push((literals, verb.form)),
        }
    }
    if let Some((_, verb, given)) = best {
        return Ok(Planned { step: step.clone(), verb, given });
    }
    near.sort_by_key(|(literals, _)| std::cmp::Reverse(*literals));
    let most = near.first().map_or(0, |(literals, _)| *literals);
    let forms: Vec<_> =
        near.iter().filter(|(literals, _)| *literals == most).take(6).map(|(_, form)| *form).collect();
    let mend = format!("write one of these, or see docs/stories.md:\n    {}", forms.join("\n    "));
    Err(Flaw { line: step.line, what: format!("`{}` is no step", step.text), mend })
}

fn ending(place: &str, fault: &Fault, evidence: &str) -> Ending {
    match fault {
        Fault::Failed { expected, found } => {
            Ending::Failed(format!("{place}: expected: {expected}\n  found: {found}\n{evidence}"))
        }
        Fault::Unusable { what, mend } => Ending::Unusable(format!("{place}: {what}\n  mend: {mend}")),
    }
}

/// Ladders of the newest calls, and the end of the switch's log.
async fn evidence(switch: &Switch) -> String {
    let mut words = String::new();
    for id in newest_calls(switch).await.into_iter().take(LADDERS) {
        let path = format!("/calls/{id}/ladder?format=txt");
        let ladder = match switch.rest("GET", &path, None).await {
            Ok(answer) => answer.text,
            Err(error) => error,
        };
        words += &format!("--- ladder of call {id}\n{ladder}\n");
    }
    let log = switch.log();
    let lines: Vec<_> = log.lines().collect();
    words += &format!(
        "--- end of the switch's log\n{}\n---",
        lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
    );
    words
}

/// Ids of the calls that stand, then of those that ended, newest first.
async fn newest_calls(switch: &Switch) -> Vec<String> {
    let mut ids = Vec::new();
    for path in ["/calls", "/calls?state=ended&limit=2"] {
        let Ok(calls) = switch.get(path).await else { continue };
        let calls = calls["items"].as_array().into_iter().flatten();
        ids.extend(calls.filter_map(|call| call["id"].as_str().map(str::to_owned)));
    }
    ids
}
