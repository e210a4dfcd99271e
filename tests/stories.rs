//! Every story of `tests/stories/<area>/*.story`, one test each, against the program under test.
//!
//! `cargo test --workspace --test stories -- spine` runs an area, `-- busy` what has that in its name.
#![allow(clippy::unwrap_used, reason = "a runner that cannot go on shall stop")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, RwLock};
use std::time::Instant;

use kirkwall_lab::story::{Ending, Runner};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories");
/// Stories keep real time, and each has a switch, so few run at once.
const AT_ONCE: usize = 2;

fn main() -> ExitCode {
    let wanted = Wanted::read(std::env::args().skip(1));
    let stories: Vec<_> = stories().into_iter().filter(|story| wanted.takes(&story.name)).collect();
    if wanted.list {
        stories.iter().for_each(|story| println!("{}: test", story.name));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", stories.len());
    let (begun, count) = (Instant::now(), stories.len());
    let waiting = Mutex::new(stories.into_iter());
    let failures = Mutex::new(Vec::new());
    let hall = RwLock::new(());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(story) = waiting.lock().unwrap().next() else { return };
                    let why = match story.is_large() {
                        true => (hall.write().unwrap(), story.run()).1,
                        false => (hall.read().unwrap(), story.run()).1,
                    };
                    if let Some(why) = why {
                        failures.lock().unwrap().push((story.name, why));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    conclude(count, &failures, begun)
}

/// What cargo's own harness would say; `scripts/tally` counts by the last line.
fn conclude(count: usize, failures: &[(String, String)], begun: Instant) -> ExitCode {
    if !failures.is_empty() {
        println!("\nfailures:\n");
        failures.iter().for_each(|(name, why)| println!("---- {name} ----\n{why}\n"));
        println!("failures:");
        failures.iter().for_each(|(name, _)| println!("    {name}"));
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        if failures.is_empty() { "ok" } else { "FAILED" },
        count - failures.len(),
        failures.len(),
        begun.elapsed().as_secs_f32(),
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

struct Story {
    /// `spine/busy`
    name: String,
    file: PathBuf,
}

impl Story {
    /// One that says how long it takes wants both cores for itself.
    fn is_large(&self) -> bool {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.lines().any(|line| line.starts_with("longest "))
    }

    /// Why it did not pass. What panics is a failure like another.
    fn run(&self) -> Option<String> {
        let runner = Runner::new(env!("CARGO_BIN_EXE_kirkwall"));
        let run = || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(runner.run_file(&self.file, |_, _| {}))
        };
        let ending = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        let why = match ending {
            Ok(Ending::Passed) => None,
            Ok(Ending::Failed(why) | Ending::Unusable(why)) => Some(why),
            Err(_) => Some("the runner panicked; its words stand above".to_owned()),
        };
        let word = if why.is_none() { "ok" } else { "FAILED" };
        println!("test {} ... {word}", self.name);
        why
    }
}

/// Which stories are to run.
#[derive(Default)]
struct Wanted {
    filters: Vec<String>,
    exact: bool,
    list: bool,
}

impl Wanted {
    /// Arguments as cargo's own harness takes them; those that mean nothing here are passed over.
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut wanted = Self::default();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--exact" => wanted.exact = true,
                "--list" => wanted.list = true,
                "--test-threads" | "--skip" | "--format" | "--color" | "--logfile" => drop(arguments.next()),
                flag if flag.starts_with('-') => {}
                _ => wanted.filters.push(argument),
            }
        }
        wanted
    }

    fn takes(&self, name: &str) -> bool {
        let fits = |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        self.filters.is_empty() || self.filters.iter().any(fits)
    }
}

/// All stories, by name.
fn stories() -> Vec<Story> {
    let mut stories = Vec::new();
    for area in entries(Path::new(FOLDER)).filter(|entry| entry.is_dir()) {
        for file in entries(&area).filter(|entry| entry.extension().is_some_and(|kind| kind == "story")) {
            let word = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
            stories.push(Story { name: format!("{}/{}", word(&area), word(&file)), file });
        }
    }
    stories.sort_by(|one, other| one.name.cmp(&other.name));
    stories
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path())
}
