//! An ICE agent of core on two UDP sockets of loopback. Shared by the test with libnice and the probe.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kirkwall_core::id::Tokens;
use kirkwall_core::media::ice::agent::{Agent, Input, Local, Output, Role, Selection, Settings};
use kirkwall_core::media::ice::candidate::Component;
use kirkwall_core::media::ice::description::{Credentials, Description};
use kirkwall_core::media::ice::stun::is_stun;
use kirkwall_core::timer::Moment;

type Datagram = (Component, SocketAddr, Vec<u8>);

/// See the module.
pub struct Driver {
    pub agent: Agent,
    pub events: Vec<Output>,
    /// What came that is no STUN.
    pub media: Vec<(Component, Vec<u8>)>,
    tokens: Tokens,
    sockets: Vec<(Component, UdpSocket)>,
    arrivals: Receiver<Datagram>,
    started: Instant,
    stop: Arc<AtomicBool>,
}

impl Driver {
    /// Two fresh sockets and an agent for them.
    pub fn new(settings: Settings, role: Role) -> std::io::Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_nanos();
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(&since.to_be_bytes());
        let mut tokens = Tokens::new(seed);
        let (sender, arrivals) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (mut sockets, mut locals) = (Vec::new(), Vec::new());
        for component in Component::ALL {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            locals.push(Local::host(component, socket.local_addr()?, 1));
            listen(component, socket.try_clone()?, sender.clone(), Arc::clone(&stop))?;
            sockets.push((component, socket));
        }
        let credentials = Credentials::fresh(&mut tokens);
        let agent = Agent::new(settings, role, credentials, locals, &mut tokens);
        let (started, events, media) = (Instant::now(), Vec::new(), Vec::new());
        Ok(Self { agent, events, media, tokens, sockets, arrivals, started, stop })
    }

    /// What we tell the peer, as lines.
    pub fn lines(&self) -> Vec<String> {
        lines(&self.agent.description())
    }

    /// The peer's description.
    pub fn remote(&mut self, description: Description) {
        self.give(Input::Remote(description));
    }

    /// Sends media the way that was selected last.
    pub fn send(&self, component: Component, bytes: &[u8]) -> std::io::Result<()> {
        let (_, remote, _) = self.selected(component).expect("a pair is selected");
        self.socket(component).send_to(bytes, remote).map(drop)
    }

    /// The last selection of a component.
    pub fn selected(&self, of: Component) -> Option<(SocketAddr, SocketAddr, Selection)> {
        self.events.iter().rev().find_map(|event| match event {
            Output::Selected { component, local, remote, how } if *component == of => {
                Some((*local, *remote, *how))
            }
            _ => None,
        })
    }

    /// Runs until the condition holds; says whether it did within the time.
    pub fn run(&mut self, time: Duration, mut until: impl FnMut(&mut Self) -> bool) -> bool {
        let end = Instant::now() + time;
        while !until(self) {
            if Instant::now() >= end {
                return false;
            }
            let due = self.agent.deadline().map_or(Duration::MAX, |at| at.since(self.now()));
            match self.arrivals.recv_timeout(due.min(Duration::from_millis(20))) {
                Ok((component, from, bytes)) if is_stun(&bytes) => {
                    let to = self.socket(component).local_addr().expect("it is bound");
                    self.give(Input::Packet { component, from, to, bytes: &bytes });
                }
                Ok((component, _, bytes)) => self.media.push((component, bytes)),
                Err(_) if self.agent.deadline().is_some_and(|at| at <= self.now()) => {
                    self.give(Input::Deadline)
                }
                Err(_) => {}
            }
        }
        true
    }

    fn give(&mut self, input: Input<'_>) {
        let now = self.now();
        for output in self.agent.handle(input, now, &mut self.tokens).expect("the input fits") {
            match output {
                // A refused datagram of loopback is a lost one; ICE copes.
                Output::Transmit { component, to, bytes, .. } => {
                    drop(self.socket(component).send_to(&bytes, to))
                }
                event => self.events.push(event),
            }
        }
    }

    fn now(&self) -> Moment {
        Moment::from_micros(1_000_000) + self.started.elapsed()
    }

    fn socket(&self, component: Component) -> &UdpSocket {
        &self.sockets.iter().find(|(of, _)| *of == component).expect("both are bound").1
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// `credentials …`, `candidate …`, `described`.
pub fn lines(description: &Description) -> Vec<String> {
    let credentials = description.credentials.as_ref().expect("an agent has credentials");
    let mut lines = vec![format!("credentials {} {}", credentials.ufrag, credentials.password.0)];
    lines.extend(description.candidates.iter().map(|candidate| format!("candidate {candidate}")));
    lines.push("described".to_owned());
    lines
}

/// Reads one of these lines into the description; true when it is complete.
pub fn read_line(description: &mut Description, line: &str) -> bool {
    match line.split_once(' ') {
        Some(("credentials", rest)) => {
            let (ufrag, password) = rest.split_once(' ').expect("two words");
            description.credentials = Some(Credentials {
                ufrag: ufrag.to_owned(),
                password: kirkwall_core::pii::Pii(password.trim().to_owned()),
            });
        }
        Some(("candidate", rest)) => {
            description.candidates.push(rest.parse().unwrap_or_else(|fault| panic!("{rest}: {fault}")));
        }
        _ => {}
    }
    line == "described"
}

fn listen(
    component: Component,
    socket: UdpSocket,
    sender: Sender<Datagram>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while !stop.load(Ordering::Relaxed) {
            if let Ok((length, from)) = socket.recv_from(&mut buffer)
                && sender.send((component, from, buffer[..length].to_vec())).is_err()
            {
                return;
            }
        }
    });
    Ok(())
}
