//! SIPp: many calls of one pattern, counted by it.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Process, free_port, free_ports, until, until_true};
use crate::scene::Scene;

/// A running SIPp.
pub struct Sipp {
    pub address: SocketAddr,
    statistics: PathBuf,
    process: Process,
}

/// What SIPp counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    pub successful: u64,
    pub failed: u64,
    pub retransmissions: u64,
    /// Calls that stood when the counting ended.
    pub current: u64,
}

/// How many calls a client makes.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub calls: u64,
    pub per_second: u64,
    /// Calls at once beyond which it stops to start new ones, and the run no longer keeps its rate.
    pub at_once: u64,
    /// How long each call stands after its answer, in milliseconds.
    pub talk_ms: u64,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted { successful, failed, retransmissions, current } = self;
        write!(
            f,
            "{successful} successful, {failed} failed, {current} open, {retransmissions} retransmissions"
        )
    }
}

impl Sipp {
    /// A server: answers calls by `scenario` until it is stopped.
    pub fn server(scene: &Scene, name: &str, scenario: &str) -> Sipp {
        Self::listening(Self::start(scene, name, scenario, None, free_port(), |_| {}))
    }

    /// A server that writes down every message, [`messages`](Self::messages).
    pub fn writing_server(scene: &Scene, name: &str, scenario: &str) -> Sipp {
        let file = scene.room(name).join("messages.log");
        Self::listening(Self::start(scene, name, scenario, None, free_port(), |command| {
            command.arg("-trace_msg").arg("-message_file").arg(file);
        }))
    }

    /// The same, and it sends back the voice that it hears.
    pub fn echoing_server(scene: &Scene, name: &str, scenario: &str) -> Sipp {
        let file = scene.room(name).join("messages.log");
        Self::listening(Self::start(scene, name, scenario, None, free_port(), |command| {
            command.args(["-rtp_echo", "-trace_msg", "-message_file"]).arg(file);
        }))
    }

    /// What it heard and said.
    pub fn messages(&self) -> String {
        let file = self.statistics.with_file_name("messages.log");
        std::fs::read_to_string(file).unwrap_or_default().replace('\r', "")
    }

    fn listening(mut sipp: Sipp) -> Sipp {
        until_true("SIPp listens", Duration::from_secs(10), || {
            assert_eq!(sipp.process.poll(), None, "{}", sipp.process.output());
            std::net::UdpSocket::bind(sipp.address).is_err()
        });
        sipp
    }

    /// A client from `port` that takes `rows` (user;password …) in turn for its calls to `to`.
    pub fn client(
        scene: &Scene,
        name: &str,
        scenario: &str,
        to: SocketAddr,
        port: u16,
        rows: &[String],
        load: Load,
    ) -> Sipp {
        let file = scene.room(name).join("rows.csv");
        std::fs::write(&file, format!("SEQUENTIAL\n{}\n", rows.join("\n"))).unwrap();
        Self::start(scene, name, scenario, Some(to), port, |command| {
            command.arg("-inf").arg(file);
            command.args(["-m", &load.calls.to_string(), "-r", &load.per_second.to_string()]);
            command.args(["-l", &load.at_once.to_string(), "-d", &load.talk_ms.to_string()]);
        })
    }

    fn start(
        scene: &Scene,
        name: &str,
        scenario: &str,
        to: Option<SocketAddr>,
        port: u16,
        arguments: impl FnOnce(&mut Command),
    ) -> Sipp {
        let room = scene.room(name);
        let statistics = room.join("statistics.csv");
        let media = free_ports(4);
        let mut command = Command::new("sipp");
        command.current_dir(&room).args(to.map(|to| to.to_string()));
        command.arg("-sf").arg(scenario_file(scenario));
        command.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-mp", &media.to_string()]);
        command.args(["-nostdin", "-trace_err", "-trace_stat", "-fd", "1", "-stf"]).arg(&statistics);
        // A server that ends sends no more answers: calls are counted as the scenario says, not cut.
        command.args(["-buff_size", "1048576", "-timeout_error"]);
        arguments(&mut command);
        let process = Process::start(name, &room, command);
        Sipp { address: SocketAddr::from(([127, 0, 0, 1], port)), statistics, process }
    }

    /// Waits until the client has made all its calls.
    pub fn wait(&mut self, within: Duration) -> Counted {
        self.process.wait(within);
        self.counted()
    }

    /// Waits until no call of a server stands, and answers what it counted till then.
    pub fn wait_quiet(&self) -> Counted {
        until("SIPp's calls have all ended", Duration::from_secs(60), || {
            let counted = self.counted();
            (counted.current == 0).then_some(counted)
        })
    }

    /// Whether it has written its first line of figures.
    pub fn has_started(&self) -> bool {
        std::fs::read_to_string(&self.statistics).is_ok_and(|text| text.lines().count() > 1)
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The last line that it wrote about itself.
    pub fn counted(&self) -> Counted {
        let text = std::fs::read_to_string(&self.statistics).unwrap_or_default();
        let mut lines = text.lines();
        let names: Vec<_> = lines.next().unwrap_or_default().split(';').collect();
        let values: Vec<_> = lines.next_back().unwrap_or_default().split(';').collect();
        let column = |name: &str| {
            let at = names.iter().position(|column| *column == name);
            let value = at.and_then(|at| values.get(at)?.parse().ok());
            value.unwrap_or_else(|| panic!("SIPp wrote no {name}:\n{}", self.process.output()))
        };
        Counted {
            successful: column("SuccessfulCall(C)"),
            failed: column("FailedCall(C)"),
            retransmissions: column("Retransmissions(C)"),
            current: column("CurrentCall"),
        }
    }
}

fn scenario_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/sipp").join(format!("{name}.xml"))
}
