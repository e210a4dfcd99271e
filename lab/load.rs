//! Load: REGISTERs and calls at a steady rate against a SIP server, with latencies and failures.
//!
//! The rate is kept whatever the server does (open loop): a slow server shows as latency and as requests
//! that were not started because too many were under way, not as a lower rate.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::front_end::Account;
use crate::phone::registration::{Registrar, Standing};
use crate::phone::{Behaviour, CallReport, CallScript, Dial, Ended, Outcome, Phone, PhoneConfig};
use crate::sip::endpoint::locked;
use crate::sip::tls::Trust;
use crate::sip::{Endpoint, EndpointConfig, Failure, Hop, Incoming, Transport, address};

/// Most requests or calls under way at once.
pub const MAX_UNDER_WAY: usize = 8_192;
/// Kinds of failure that are told apart.
const MAX_CAUSES: usize = 64;
/// How long calls and registrations may go on after the last was begun.
const DRAIN: Duration = Duration::from_secs(40);

/// What to do to which server.
#[derive(Debug, Clone)]
pub struct LoadConfig {
    /// The server.
    pub server: SocketAddr,
    /// How to reach it.
    pub transport: Transport,
    /// Its domain.
    pub domain: String,
    /// What to believe of its certificate.
    pub trust: Trust,
    /// Our address.
    pub ip: IpAddr,
    /// Who registers and calls: the first calls the second, the third the fourth …
    pub users: Vec<Account>,
    /// REGISTERs to send beyond the one that each user begins with.
    pub registers: u64,
    /// REGISTERs per second.
    pub registers_per_second: f64,
    /// Calls to place.
    pub calls: u64,
    /// Calls per second.
    pub calls_per_second: f64,
    /// From answer to BYE.
    pub talk: Duration,
    /// Whether calls carry sound; costs this machine 100 packets per second and call.
    pub sound: bool,
    /// The whole run is cut off after this time.
    pub limit: Duration,
}

/// Latencies in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Latencies {
    /// How many.
    pub count: usize,
    /// Half were faster.
    pub p50: f64,
    /// Nine in ten were faster.
    pub p90: f64,
    /// 99 in a hundred were faster.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Latencies {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        let Some(slowest) = all.last() else { return Self::default() };
        let milliseconds = |d: &Duration| d.as_secs_f64() * 1e3;
        // Nearest rank: the smallest value that so many of a hundred do not exceed.
        let rank = |percent: usize| milliseconds(&all[(all.len() * percent).div_ceil(100).max(1) - 1]);
        Self { count: all.len(), p50: rank(50), p90: rank(90), p99: rank(99), max: milliseconds(slowest) }
    }
}

/// What came of one kind of work.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Begun.
    pub begun: u64,
    /// Ended well.
    pub good: u64,
    /// Not begun: too many were under way, or the user was still in a call.
    pub not_begun: u64,
    /// Ended badly, by cause.
    pub failed: BTreeMap<String, u64>,
}

/// The result.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LoadReport {
    /// Seconds from the first request to the last answer.
    pub seconds: f64,
    /// The first registration of every user, as fast as sixteen at a time go.
    pub preparation: Tally,
    /// REGISTERs at the wished rate.
    pub registers: Tally,
    /// From REGISTER to its 200, both rounds of digest included.
    pub register_ms: Latencies,
    /// Calls.
    pub calls: Tally,
    /// From INVITE to 180 or 183.
    pub ringing_ms: Latencies,
    /// From INVITE to 200.
    pub answer_ms: Latencies,
    /// Whether the limit cut the run off.
    pub cut_off: bool,
}

/// Runs the load.
///
/// # Errors
/// When no socket can be bound, or calls are wished without two users.
pub async fn run(config: &LoadConfig) -> Result<LoadReport, Failure> {
    if config.users.is_empty() || (config.calls > 0 && config.users.len() < 2) {
        let text = format!("{} users; calls need two", config.users.len());
        return Err(Failure::Unusable { field: "users", text });
    }
    let any = Some(SocketAddr::new(config.ip, 0));
    let (endpoint, requests) = Endpoint::start(EndpointConfig {
        udp: any.filter(|_| config.transport == Transport::Udp),
        tcp: any.filter(|_| config.transport == Transport::Tcp),
        tls_client: Some(config.trust.client()?),
        ..EndpointConfig::default()
    })
    .await?;
    let load = Load::new(config, &endpoint);
    let phones = load.users.iter().map(|user| (user.phone.config().user.clone(), user.phone.clone()));
    endpoint.spawn(answer(endpoint.clone(), requests, phones.collect()));
    let report = load.run().await;
    endpoint.stop().await;
    Ok(report)
}

async fn answer(
    endpoint: Endpoint,
    mut requests: mpsc::Receiver<Incoming>,
    phones: std::collections::HashMap<String, Phone>,
) {
    while let Some(Some(incoming)) = endpoint.stop_token().run_until_cancelled(requests.recv()).await {
        let user = address::user(incoming.request.uri()).unwrap_or_default();
        match (phones.get(&user), &incoming.server) {
            (Some(phone), _) => phone.handle(incoming).await,
            (None, Some(server)) => server.send(server.reply(404, "Not Found")).await,
            (None, None) => {}
        }
    }
}

struct User {
    phone: Phone,
    registrar: tokio::sync::Mutex<Registrar>,
}

struct Load {
    config: LoadConfig,
    users: Vec<Arc<User>>,
    hop: Hop,
    end: Instant,
}

#[derive(Default)]
struct Results {
    tally: Tally,
    first: Vec<Duration>,
    second: Vec<Duration>,
}

impl Results {
    fn failed(&mut self, cause: String) {
        let known = self.tally.failed.len() < MAX_CAUSES || self.tally.failed.contains_key(&cause);
        *self.tally.failed.entry(if known { cause } else { "other".into() }).or_default() += 1;
    }
}

type Shared = Arc<Mutex<Results>>;

impl Load {
    fn new(config: &LoadConfig, endpoint: &Endpoint) -> Self {
        let hop = Hop::new(config.transport, config.server);
        let user = |account: &Account| {
            let phone = PhoneConfig {
                credentials: Some(account.credentials.clone()),
                sound: config.sound.then_some(config.ip),
                lines: 64,
                ..PhoneConfig::new(&account.user, &config.domain)
            };
            let answer = Behaviour::Answer { after: Duration::ZERO, talk: None };
            let phone = Phone::new(endpoint.clone(), phone, answer);
            let registrar = tokio::sync::Mutex::new(Registrar::new(phone.clone(), hop));
            Arc::new(User { phone, registrar })
        };
        let users = config.users.iter().map(user).collect();
        Self { config: config.clone(), users, hop, end: Instant::now() + config.limit }
    }

    async fn run(self) -> LoadReport {
        let (begun, preparation) = (Instant::now(), Shared::default());
        let mut cut_off = self.prepare(&preparation).await;
        let (registers, calls) = (Shared::default(), Shared::default());
        let (config, users) = (&self.config, &self.users);
        let register = |n: u64, results: Shared| {
            let user = users[n as usize % users.len()].clone();
            register(user, results)
        };
        let call = |n: u64, results: Shared| {
            let pair = n as usize % (users.len() / 2).max(1) * 2;
            let called = users[(pair + 1) % users.len()].phone.config();
            let dial = Dial::new(&called.user, &called.domain, self.hop);
            call(users[pair].clone(), dial, self.config.talk, results)
        };
        let (one, two) = tokio::join!(
            self.pace(config.registers, config.registers_per_second, &registers, register),
            self.pace(config.calls, config.calls_per_second, &calls, call),
        );
        cut_off |= one | two;
        let (registers, calls) = (take(&registers), take(&calls));
        LoadReport {
            seconds: begun.elapsed().as_secs_f64(),
            preparation: take(&preparation).tally,
            register_ms: Latencies::of(registers.first),
            registers: registers.tally,
            ringing_ms: Latencies::of(calls.first),
            answer_ms: Latencies::of(calls.second),
            calls: calls.tally,
            cut_off,
        }
    }

    /// Registers every user once, sixteen at a time. True when the limit cut it off.
    async fn prepare(&self, results: &Shared) -> bool {
        let mut tasks = JoinSet::new();
        for user in &self.users {
            if tasks.len() >= 16 && timeout_at(self.end, tasks.join_next()).await.is_err() {
                return true;
            }
            locked(results).tally.begun += 1;
            tasks.spawn(register(user.clone(), results.clone()));
        }
        timeout_at(self.end, async { while tasks.join_next().await.is_some() {} }).await.is_err()
    }

    /// Begins `count` pieces of work at this rate and waits for their end. True when the limit cut it off.
    async fn pace<F>(&self, count: u64, rate: f64, results: &Shared, begin: impl Fn(u64, Shared) -> F) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if count == 0 || rate <= 0.0 {
            return false;
        }
        let mut tick = interval(Duration::from_secs_f64(1.0 / rate).max(Duration::from_micros(50)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut tasks = JoinSet::new();
        for n in 0..count {
            if timeout_at(self.end, tick.tick()).await.is_err() {
                return true;
            }
            while tasks.try_join_next().is_some() {}
            if tasks.len() >= MAX_UNDER_WAY {
                locked(results).tally.not_begun += 1;
                continue;
            }
            locked(results).tally.begun += 1;
            tasks.spawn(begin(n, results.clone()));
        }
        let end = self.end.min(Instant::now() + self.config.talk + DRAIN);
        timeout_at(end, async { while tasks.join_next().await.is_some() {} }).await.is_err()
    }
}

async fn register(user: Arc<User>, results: Shared) {
    let mut registrar = user.registrar.lock().await;
    let begun = Instant::now();
    let outcome = registrar.register(Duration::from_secs(600)).await;
    let took = begun.elapsed();
    let mut results = locked(&results);
    match outcome {
        Ok(Standing::Registered(_)) => {
            results.tally.good += 1;
            results.first.push(took);
        }
        Ok(Standing::Refused(code)) => results.failed(format!("refused {code}")),
        Ok(other) => results.failed(format!("{other:?}")),
        Err(error) => results.failed(error.to_string()),
    }
}

async fn call(user: Arc<User>, dial: Dial, talk: Duration, results: Shared) {
    let script = CallScript { cancel_after: None, talk: Some(talk) };
    let report = user.phone.call(&dial, &script).await;
    let mut results = locked(&results);
    results.first.extend(report.rang_after);
    results.second.extend(report.answered_after);
    match failure(&report) {
        None => results.tally.good += 1,
        Some(cause) => results.failed(cause),
    }
}

fn failure(report: &CallReport) -> Option<String> {
    match (&report.outcome, report.ended) {
        (Outcome::Answered, Some(Ended::Here)) => None,
        (Outcome::Answered, Some(Ended::There)) => Some("hung up by the other end".into()),
        (Outcome::Answered, _) => Some("BYE was not answered".into()),
        (Outcome::Refused { code }, _) => Some(format!("refused {code}")),
        (Outcome::Cancelled, _) => Some("cancelled".into()),
        (Outcome::NoResponse, _) => Some("no response".into()),
        (Outcome::Failed { why }, _) => Some(why.clone()),
    }
}

fn take(results: &Shared) -> Results {
    std::mem::take(&mut *locked(results))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let all = (1..=200).rev().map(Duration::from_millis).collect();
        let expected = Latencies { count: 200, p50: 100.0, p90: 180.0, p99: 198.0, max: 200.0 };
        assert_eq!(Latencies::of(all), expected);
        assert_eq!(Latencies::of(vec![Duration::from_millis(3)]).p50, 3.0);
        assert_eq!(Latencies::of(Vec::new()), Latencies::default());
    }
}
