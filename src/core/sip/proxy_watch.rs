//! Watches the proxies of a node, all users together: thousands of lines need not find out one by one
//! that a server hangs, and somebody must notice when the first one is back.
//!
//! ```text
//!            answered                 silence, connection refused
//!  unknown ───────────► up ──────────────────────────────────► down
//!                       ▲                 answered               │
//!                       └────────────────────────────────────────┘
//! ```
//!
//! Asked is by OPTIONS, every few seconds, over the connection that the users' requests take; any answer
//! is life. A server that never answered an OPTIONS is not held for dead because of silence: some may
//! drop what no user of theirs sends. That its connection fails counts always.

use std::net::SocketAddr;
use std::time::Duration;

use crate::id::{OwnerId, Tokens};
use crate::machine::{Machine, Ready};
use crate::timer::Moment;

use super::Destination;
use super::wire::{HeaderName, Message, Method, Via};

/// How long an answer may take before a server that has answered before counts as hung.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most proxies that are watched.
const MOST: usize = 32;

/// What makes a watch.
#[derive(Debug, Clone)]
pub struct WatchSettings {
    /// Stands in our branches, so that answers find the watch.
    pub owner: OwnerId,
    /// `host:port` for Via and From.
    pub sent_by: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// Between two questions.
    pub every: Duration,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchInput {
    /// These are the proxies.
    Proxies(Vec<Destination>),
    /// An answer whose branch names our owner.
    Received(Message),
    /// A question could not leave.
    Failed(Message),
    /// A connection to this address is gone.
    Closed(SocketAddr),
    /// The moment of [`Machine::deadline`] has come.
    Deadline,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchOutput {
    /// Send it.
    Send {
        /// The OPTIONS.
        request: Message,
        /// Where to.
        to: Destination,
    },
    /// It does not serve: whoever uses it shall use another.
    Down {
        /// Which.
        proxy: Destination,
        /// Why, in words.
        cause: &'static str,
    },
    /// It serves again.
    Up(Destination),
}

/// Why an input is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchRefusal {
    /// Too late, or somebody else's.
    #[error("an answer to no question of ours")]
    NothingAsked,
}

/// See the module.
#[derive(Debug)]
pub struct ProxyWatch {
    settings: WatchSettings,
    watched: Vec<Watched>,
    tokens: Tokens,
    asked: u32,
}

#[derive(Debug)]
struct Watched {
    proxy: Destination,
    health: Health,
    /// Whether it ever answered.
    answers: bool,
    /// Branch and moment of the question that waits for its answer.
    open: Option<(String, Moment)>,
    /// When to ask next.
    next: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Unknown,
    Up(Moment),
    Down,
}

impl ProxyWatch {
    /// Of no proxies yet.
    pub fn new(settings: WatchSettings, tokens: Tokens) -> Self {
        Self { settings, watched: Vec::new(), tokens, asked: 0 }
    }

    /// Whether it is known not to serve.
    pub fn is_down(&self, proxy: &Destination) -> bool {
        self.of(proxy.address).is_some_and(|watched| watched.health == Health::Down)
    }

    /// Since when it serves without a break.
    pub fn up_since(&self, proxy: &Destination) -> Option<Moment> {
        match self.of(proxy.address)?.health {
            Health::Up(since) => Some(since),
            Health::Unknown | Health::Down => None,
        }
    }

    fn of(&self, address: SocketAddr) -> Option<&Watched> {
        self.watched.iter().find(|watched| watched.proxy.address == address)
    }

    fn replace(&mut self, proxies: Vec<Destination>, now: Moment) {
        let mut before = std::mem::take(&mut self.watched);
        for proxy in proxies.into_iter().take(MOST) {
            let known = before.iter().position(|watched| watched.proxy == proxy);
            self.watched.push(match known {
                Some(at) => before.swap_remove(at),
                None => Watched { proxy, health: Health::Unknown, answers: false, open: None, next: now },
            });
        }
    }

    fn ask(&mut self, at: usize, now: Moment) -> WatchOutput {
        self.asked = self.asked % 0x7fff_ffff + 1;
        let branch = format!("{}{}.{}", Via::COOKIE, self.settings.owner, self.tokens.word());
        let watched = &mut self.watched[at];
        watched.open = Some((branch.clone(), now));
        watched.next = now + self.settings.every;
        let to = watched.proxy.clone();
        let host = to.server_name.clone().unwrap_or_else(|| to.address.ip().to_string());
        let WatchSettings { sent_by, user_agent, .. } = &self.settings;
        let mut request = Message::request(Method::Options, format!("sip:{host}"));
        let name = to.transport.via_name();
        let tag = self.tokens.word();
        for (header, value) in [
            (HeaderName::Via, format!("SIP/2.0/{name} {sent_by};branch={branch};rport;alias")),
            (HeaderName::MaxForwards, "70".to_owned()),
            (HeaderName::From, format!("<sip:{sent_by}>;tag={tag}")),
            (HeaderName::To, format!("<sip:{host}>")),
            (HeaderName::CallId, self.tokens.word()),
            (HeaderName::CSeq, format!("{} OPTIONS", self.asked)),
            (HeaderName::UserAgent, user_agent.clone()),
        ] {
            request.headers.push(header, value);
        }
        WatchOutput::Send { request, to }
    }

    /// Which question this answers, or is.
    fn open(&mut self, message: &Message) -> Result<&mut Watched, WatchRefusal> {
        let branch = message.top_via().and_then(|via| via.branch()).ok_or(WatchRefusal::NothingAsked)?;
        let is_it =
            |watched: &&mut Watched| watched.open.as_ref().is_some_and(|(open, _)| *open == *branch.as_str());
        self.watched.iter_mut().find(is_it).ok_or(WatchRefusal::NothingAsked)
    }

    fn deadline_came(&mut self, now: Moment) -> Vec<WatchOutput> {
        let mut then = Vec::new();
        for at in 0..self.watched.len() {
            let watched = &mut self.watched[at];
            let late = watched.open.as_ref().is_some_and(|(_, since)| now.since(*since) >= PATIENCE);
            if late {
                watched.open = None;
                if watched.answers {
                    then.extend(watched.down("it does not answer any longer"));
                }
            }
            // One question at a time: a server that hangs is not piled upon.
            if self.watched[at].open.is_none() && self.watched[at].next <= now {
                then.push(self.ask(at, now));
            }
        }
        then
    }
}

impl Watched {
    fn answered(&mut self, now: Moment) -> Option<WatchOutput> {
        (self.open, self.answers) = (None, true);
        let before = self.health;
        if !matches!(before, Health::Up(_)) {
            self.health = Health::Up(now);
        }
        (before == Health::Down).then(|| WatchOutput::Up(self.proxy.clone()))
    }

    fn down(&mut self, cause: &'static str) -> Option<WatchOutput> {
        let before = std::mem::replace(&mut self.health, Health::Down);
        (before != Health::Down).then(|| WatchOutput::Down { proxy: self.proxy.clone(), cause })
    }

    fn due(&self) -> Moment {
        self.open.as_ref().map_or(self.next, |(_, since)| *since + PATIENCE)
    }
}

impl Machine for ProxyWatch {
    type Input = WatchInput;
    /// What was up before a restart says nothing after it.
    type Save = std::convert::Infallible;
    type Output = WatchOutput;
    type Refusal = WatchRefusal;

    fn handle(
        &mut self,
        input: WatchInput,
        now: Moment,
    ) -> Result<Ready<Self::Save, WatchOutput>, WatchRefusal> {
        let then = match input {
            WatchInput::Proxies(proxies) => {
                self.replace(proxies, now);
                self.deadline_came(now)
            }
            WatchInput::Received(answer) => self.open(&answer)?.answered(now).into_iter().collect(),
            WatchInput::Failed(question) => {
                let watched = self.open(&question)?;
                watched.open = None;
                watched.down("it cannot be reached").into_iter().collect()
            }
            WatchInput::Closed(remote) => {
                // It is asked at once whether it is still there.
                for watched in self.watched.iter_mut().filter(|watched| watched.proxy.address == remote) {
                    (watched.open, watched.next) = (None, now);
                }
                self.deadline_came(now)
            }
            WatchInput::Deadline => self.deadline_came(now),
        };
        Ok(Ready::say(then))
    }

    fn deadline(&self) -> Option<Moment> {
        self.watched.iter().map(Watched::due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Facing, Transport};

    fn proxy(last: u8) -> Destination {
        let (transport, address) = (Transport::Tls, ([10, 0, 0, last], 5061).into());
        let server_name = Some(format!("fe{last}.example.com"));
        Destination { transport, address, facing: Facing::North, connection: None, server_name }
    }

    struct Bench {
        watch: ProxyWatch,
        now: Moment,
        asked: Vec<Message>,
        news: Vec<String>,
    }

    impl Bench {
        fn new() -> Self {
            let settings = WatchSettings {
                owner: OwnerId(1 << 63),
                sent_by: "dect.example.com:5061".into(),
                user_agent: "Kirkwall".into(),
                every: Duration::from_secs(5),
            };
            let watch = ProxyWatch::new(settings, Tokens::new([3; 32]));
            let now = Moment::from_micros(1_000_000_000_000);
            let mut bench = Self { watch, now, asked: Vec::new(), news: Vec::new() };
            bench.give(WatchInput::Proxies(vec![proxy(1), proxy(2)]));
            bench
        }

        fn give(&mut self, input: WatchInput) {
            for output in self.watch.handle(input, self.now).unwrap().then {
                match output {
                    WatchOutput::Send { request, .. } => self.asked.push(request),
                    WatchOutput::Down { proxy, .. } => self.news.push(format!("{} down", proxy.address.ip())),
                    WatchOutput::Up(proxy) => self.news.push(format!("{} up", proxy.address.ip())),
                }
            }
        }

        /// Runs on, while those of `alive` answer.
        fn pass(&mut self, seconds: u64, alive: &[u8]) {
            let end = self.now + Duration::from_secs(seconds);
            loop {
                for asked in std::mem::take(&mut self.asked) {
                    let host = asked.request_uri().unwrap().host.unwrap().to_string();
                    if alive.iter().any(|last| host == format!("fe{last}.example.com")) {
                        let answer = Message::response(&asked, 405, "Method Not Allowed", Some("x"));
                        self.give(WatchInput::Received(answer));
                    }
                }
                match self.watch.deadline().filter(|due| *due <= end) {
                    Some(due) => self.now = self.now.max(due),
                    None => break self.now = end,
                }
                self.give(WatchInput::Deadline);
            }
        }
    }

    #[test]
    fn a_server_that_hangs_is_found_within_fifteen_seconds_and_missed_when_it_is_back() {
        let mut bench = Bench::new();
        bench.pass(60, &[1, 2]);
        assert!(bench.news.is_empty());
        let since = bench.watch.up_since(&proxy(1)).unwrap();
        bench.pass(15, &[2]);
        assert_eq!(bench.news, ["10.0.0.1 down"]);
        assert!(bench.watch.is_down(&proxy(1)) && !bench.watch.is_down(&proxy(2)));
        bench.pass(3_600, &[2]);
        bench.pass(15, &[1, 2]);
        assert_eq!(bench.news, ["10.0.0.1 down", "10.0.0.1 up"]);
        assert!(bench.watch.up_since(&proxy(1)).unwrap() > since);
    }

    #[test]
    fn one_that_never_answers_is_not_dead_for_that_but_for_its_connection() {
        let mut bench = Bench::new();
        bench.pass(600, &[2]);
        assert!(bench.news.is_empty() && bench.watch.up_since(&proxy(1)).is_none());
        bench.give(WatchInput::Closed(proxy(1).address));
        let question = bench.asked.pop().unwrap();
        bench.give(WatchInput::Failed(question.clone()));
        assert_eq!(bench.news, ["10.0.0.1 down"]);
        let stale = bench.watch.handle(WatchInput::Failed(question), bench.now);
        assert_eq!(stale, Err(WatchRefusal::NothingAsked));
    }

    #[test]
    fn a_closed_connection_is_asked_after_at_once() {
        let mut bench = Bench::new();
        bench.pass(61, &[1, 2]);
        bench.give(WatchInput::Closed(proxy(1).address));
        assert_eq!(bench.asked.len(), 1);
        let answer = Message::response(&bench.asked[0], 200, "OK", Some("x"));
        bench.give(WatchInput::Received(answer));
        assert!(bench.news.is_empty(), "it only hung up");
    }

    #[test]
    fn proxies_looked_up_anew_keep_what_is_known_of_them() {
        let mut bench = Bench::new();
        bench.pass(20, &[1, 2]);
        bench.pass(20, &[1]);
        bench.give(WatchInput::Proxies(vec![proxy(2), proxy(3)]));
        assert!(bench.watch.is_down(&proxy(2)) && !bench.watch.is_down(&proxy(3)));
    }
}
