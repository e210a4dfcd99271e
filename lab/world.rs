//! A small hospital, emulated: a front end with far-end users in the north, handsets on base stations in
//! the south, and people who call each other. The switch under test stands between.
//!
//! ```text
//! World::prepare ──► Prepared: front end listens; its address, CA and users configure the switch
//! Prepared::run ───► World: bases register at the switch, calls go on until World::stop
//! ```

mod call;
mod counters;
mod people;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use crate::sip::tls::Trust;
pub use counters::Counters;
pub use people::User;

use crate::front_end::{Account, Accounts, FrontEnd, FrontEndConfig};
use crate::handset::{Base, Handset};
use crate::phone::Phone;
use crate::phone::registration::Standing;
use crate::plan::{Plan, Shape};
use crate::sip::Listening;
use crate::sip::{Credentials, Failure, Transport};

/// Most handsets of one world.
pub const MAX_HANDSETS: usize = 5_000;

/// What the world is like.
#[derive(Debug, Clone)]
pub struct WorldConfig {
    /// Names, passwords, voices and calls follow from it.
    pub seed: u64,
    /// Handsets, at most 5000.
    pub handsets: usize,
    /// Base stations; the handsets are spread over them.
    pub bases: usize,
    /// Far-end users.
    pub far_ends: usize,
    /// Mean of attempts per minute, at speed 1.
    pub calls_per_minute: f64,
    /// How many times faster than life.
    pub speed: f64,
    /// The domain of both sides.
    pub domain: String,
    /// The address of every emulator.
    pub ip: IpAddr,
    /// How bases speak to the switch: the first base takes the first, and so on in turn; those without
    /// an address in [`South`] are left out.
    pub transports: Vec<Transport>,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            handsets: 12,
            bases: 3,
            far_ends: 6,
            calls_per_minute: 12.0,
            speed: 1.0,
            domain: "kirkwall.test".into(),
            ip: IpAddr::from([127, 0, 0, 1]),
            transports: vec![Transport::Udp, Transport::Tcp, Transport::Tls],
        }
    }
}

/// The switch's south side.
#[derive(Debug, Clone, Default)]
pub struct South {
    /// SIP over UDP.
    pub udp: Option<SocketAddr>,
    /// SIP over TCP.
    pub tcp: Option<SocketAddr>,
    /// SIP over TLS.
    pub tls: Option<SocketAddr>,
    /// What bases believe of the switch's certificate.
    pub trust: Trust,
}

impl South {
    const fn of(&self, transport: Transport) -> Option<SocketAddr> {
        match transport {
            Transport::Udp => self.udp,
            Transport::Tcp => self.tcp,
            Transport::Tls => self.tls,
        }
    }
}

/// The north stands; the south waits for the switch.
pub struct Prepared {
    config: WorldConfig,
    front_end: FrontEnd,
    users: Vec<User>,
    far_ends: Vec<Phone>,
}

/// A running world. Stop it with [`World::stop`].
pub struct World {
    shared: Arc<Shared>,
    generator: JoinHandle<()>,
    stop: CancellationToken,
}

pub(crate) struct Shared {
    pub(crate) front_end: FrontEnd,
    pub(crate) far_ends: Vec<Phone>,
    pub(crate) bases: Vec<Base>,
    pub(crate) handsets: Vec<Arc<Handset>>,
    pub(crate) counters: counters::Ledger,
}

impl World {
    /// Starts the front end and invents the users.
    ///
    /// # Errors
    /// When a socket cannot be bound, or a number is beyond its bound.
    pub async fn prepare(config: WorldConfig) -> Result<Prepared, Failure> {
        if config.handsets > MAX_HANDSETS || config.bases == 0 {
            return Err(Failure::Unusable {
                field: "world",
                text: format!("{} handsets on {} bases", config.handsets, config.bases),
            });
        }
        let users = people::users(&config);
        let accounts = users.iter().map(|user| Account {
            user: user.username.clone(),
            credentials: Credentials {
                username: user.auth_username.clone(),
                password: user.auth_password.clone(),
            },
        });
        let any = Some(SocketAddr::new(config.ip, 0));
        let front_end = FrontEnd::start(FrontEndConfig {
            udp: any,
            tcp: any,
            tls: any,
            sound: Some(config.ip),
            ..FrontEndConfig::loopback(&config.domain, Accounts::Given(accounts.collect()))
        })
        .await?;
        let far_ends = people::far_ends(&config, &front_end)?;
        Ok(Prepared { config, front_end, users, far_ends })
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        self.shared.counters.snapshot()
    }

    /// Every handset, by the number that the plan gives it.
    pub fn handsets(&self) -> &[Arc<Handset>] {
        &self.shared.handsets
    }

    /// The front end.
    pub fn front_end(&self) -> &FrontEnd {
        &self.shared.front_end
    }

    /// Waits until every handset is registered at the switch.
    ///
    /// # Errors
    /// With those that are not, when the time is over.
    pub async fn registered_within(&self, limit: Duration) -> Result<(), Vec<(String, Standing)>> {
        let end = Instant::now() + limit;
        let mut missing = Vec::new();
        for handset in &self.shared.handsets {
            let left = end.saturating_duration_since(Instant::now());
            if let Err(standing) = handset.registered_within(left).await {
                missing.push((handset.user().to_owned(), standing));
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Ends the calls, the registrations and the front end; says what had happened.
    pub async fn stop(self) -> Counters {
        self.stop.cancel();
        let bases = self.shared.bases.iter().map(Base::stop);
        futures::future::join_all(bases).await;
        self.shared.front_end.stop().await;
        // The generator waits for its calls, which end with their endpoints.
        if tokio::time::timeout(Duration::from_secs(10), self.generator).await.is_err() {
            tracing::warn!("calls did not end with the world");
        }
        self.shared.counters.snapshot()
    }
}

impl Prepared {
    /// Where the front end listens: one of these is the switch's proxy.
    pub fn front_end_addresses(&self) -> Listening {
        self.front_end.listening()
    }

    /// The front end.
    pub fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    /// The certificate of the front end's CA, for the switch to trust.
    pub fn ca_pem(&self) -> &str {
        self.front_end.ca_pem()
    }

    /// The domain of both sides.
    pub fn domain(&self) -> &str {
        &self.config.domain
    }

    /// The users to create in the switch.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Starts the bases and the calls.
    ///
    /// # Errors
    /// When a base cannot open its sockets, or the switch has no transport that a base may use.
    pub async fn run(self, south: &South) -> Result<World, Failure> {
        let bases = people::bases(&self.config, &self.users, south)?;
        let mut running = Vec::with_capacity(bases.len());
        for base in bases {
            running.push(Base::start(base).await?);
        }
        let of_user = |user: &User| running.iter().find_map(|base| base.handset(&user.username));
        let shared = Arc::new(Shared {
            handsets: self.users.iter().filter_map(of_user).collect(),
            bases: running,
            front_end: self.front_end,
            far_ends: self.far_ends,
            counters: counters::Ledger::default(),
        });
        let plan = Plan::new(
            self.config.seed,
            Shape {
                handsets: shared.handsets.len(),
                far_ends: shared.far_ends.len(),
                calls_per_minute: self.config.calls_per_minute,
                speed: self.config.speed,
            },
        );
        let stop = CancellationToken::new();
        let generator = tokio::spawn(generate(shared.clone(), plan, stop.clone()));
        Ok(World { shared, generator, stop })
    }
}

/// Makes the planned calls. The plan's clock starts when every handset is registered, or after 30 s. At
/// most as many calls are under way as there are phones: a busy phone's call is skipped.
async fn generate(shared: Arc<Shared>, plan: Plan, stop: CancellationToken) {
    let registered = async {
        let end = Instant::now() + Duration::from_secs(30);
        for handset in &shared.handsets {
            let _ = handset.registered_within(end.saturating_duration_since(Instant::now())).await;
        }
    };
    if stop.run_until_cancelled(registered).await.is_none() {
        return;
    }
    let (begun, calls) = (Instant::now(), TaskTracker::new());
    for planned in plan {
        if stop.run_until_cancelled(sleep_until(begun + planned.at)).await.is_none() {
            break;
        }
        let shared = shared.clone();
        calls.spawn(async move { call::make(&shared, &planned).await });
    }
    calls.close();
    calls.wait().await;
}
