//! Other programs: started with their output in a file, never outliving the test.

use std::collections::VecDeque;
use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a loaded machine; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until there is something, or stops the test with the words of what was awaited.
pub fn until<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < within, "waited {within:?} in vain for: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Looks until it is so.
pub fn until_true(what: &str, within: Duration, mut look: impl FnMut() -> bool) {
    until(what, within, || look().then_some(()));
}

/// A port that is free for UDP and TCP, on loopback, and was not given to anybody lately.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// So many ports are kept from being given twice: several times what tests that run side by side have.
const REMEMBERED: usize = 8_000;

/// The first of `count` ports in a row, all free; an even one, as RTP wants it (RFC 3550 section 11).
pub fn free_ports(count: u16) -> u16 {
    static GIVEN: Mutex<VecDeque<(u16, u16)>> = Mutex::new(VecDeque::new());
    // Below the range from which Linux takes ports for outgoing sockets, and from another place in each
    // process, so that two test runs on one machine seldom look at the same ports.
    let start = (std::process::id() as u16).wrapping_mul(97) % 18_000;
    let mut given = GIVEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let is_given = |port: u16| given.iter().any(|(first, end)| (*first..*end).contains(&port));
    let first = (0..20_000)
        .map(|step| 10_000 + (start + step) % 20_000)
        .filter(|first| count == 1 || first % 2 == 0)
        .find(|first| (*first..first + count).all(|port| !is_given(port) && is_free(port)))
        .expect("twenty thousand ports are not all taken");
    given.push_back((first, first + count));
    while given.iter().map(|(first, end)| usize::from(end - first)).sum::<usize>() > REMEMBERED {
        given.pop_front();
    }
    first
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A running program. Dropped, it is killed with everything that it started; if the test failed, the
/// end of its output is printed.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with output and errors in `dir/name.log`, appended.
    pub fn start(name: &str, dir: &Path, mut command: Command) -> Process {
        let log = dir.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        if command.get_envs().all(|(key, _)| key != "KEEP_STDIN") {
            command.stdin(Stdio::null());
        } else {
            command.env_remove("KEEP_STDIN").stdin(Stdio::piped());
        }
        // A group of its own: the program's children go with it.
        let child = command
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {:?} does not start: {error}", command.get_program()));
        Process { name: name.into(), child, log, ended: None }
    }

    /// Marks a command so that [`Process::start`] gives it a pipe as standard input.
    pub fn with_stdin(command: &mut Command) {
        command.env("KEEP_STDIN", "1");
    }

    pub fn stdin(&mut self) -> &mut std::process::ChildStdin {
        self.child.stdin.as_mut().expect("the command was marked with with_stdin")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it said so far.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for a piece of output behind the first `from` bytes and answers all output from there.
    pub fn wait_output(&mut self, needle: &str, from: usize) -> String {
        let what = format!("{} says {needle:?}", self.name);
        until(&what, PATIENCE, || {
            let output = self.output();
            let fresh = output.get(from..).unwrap_or_default();
            if fresh.contains(needle) {
                return Some(fresh.to_owned());
            }
            let ended = self.poll();
            assert!(ended.is_none(), "{} ended with {ended:?} before it said {needle:?}", self.name);
            None
        })
    }

    /// Whether it has ended, and how.
    pub fn poll(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let what = format!("{} ends", self.name);
        until(&what, within, || self.poll())
    }

    /// Asks it to end, and insists after ten seconds.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        let asked = Instant::now();
        while self.poll().is_none() && asked.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(10));
        }
        self.kill()
    }

    /// kill -9, for the whole group.
    pub fn kill(&mut self) -> ExitStatus {
        self.signal("KILL");
        let ended = match self.ended {
            Some(ended) => ended,
            None => self.child.wait().unwrap(),
        };
        self.ended = Some(ended);
        ended
    }

    fn signal(&self, signal: &str) {
        let order = format!("kill -{signal} -{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &order]).stderr(Stdio::null()).status();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let output = self.output();
            let lines: Vec<_> = output.split(['\n', '\r']).filter(|line| !line.is_empty()).collect();
            let tail = &lines[lines.len().saturating_sub(60)..];
            eprintln!("--- end of {}:\n{}\n---", self.log.display(), tail.join("\n"));
        }
    }
}
