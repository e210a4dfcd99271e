//! `kirkwall-lab story`.

use std::path::PathBuf;

use kirkwall_lab::sip::Failure;
use kirkwall_lab::story::{Ending, Runner, verbs};

use super::told_to_stop;

/// Runs a story against the real switch and prints each step when it is done. The switch is the program
/// `kirkwall` beside this one, or the one that KIRKWALL_PROGRAM names. docs/stories.md has the language.
#[derive(clap::Args)]
pub struct Arguments {
    /// The story.
    #[arg(required_unless_present = "steps")]
    file: Option<PathBuf>,
    /// Print every step that a story can have, as a table.
    #[arg(long)]
    steps: bool,
}

pub async fn run(arguments: Arguments) -> Result<bool, Failure> {
    if arguments.steps {
        print!("{}", verbs::reference());
        return Ok(true);
    }
    let file = arguments.file.unwrap_or_default();
    let runner = Runner::found();
    let running = runner.run_file(&file, |step, took| {
        println!("{:>4}  {}  ({:.2} s)", step.line, step.text, took.as_secs_f32());
    });
    // Whoever interrupts leaves no switch behind: the story is dropped, and its programs with it.
    let ending = tokio::select! {
        ending = running => ending,
        () = told_to_stop() => Ending::Failed(format!("{}: interrupted", file.display())),
    };
    match ending {
        Ending::Passed => {
            println!("passed");
            Ok(true)
        }
        Ending::Failed(why) => {
            println!("failed\n{why}");
            Ok(false)
        }
        Ending::Unusable(why) => Err(Failure::Unusable { field: "the story", text: why }),
    }
}
