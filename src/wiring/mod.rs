//! Puts the switch together: store, certificates, sockets, media, actors, web. No logic of its own.
//!
//! Order matters: the store first (it is locked, and may have to be mended), then what can fail for want
//! of a port or a certificate, then the actors, last the web. Nothing is served before all of it stands.

mod air;
mod desk;
pub mod directory;
mod kept_ports;
mod settings;
mod tls;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::prelude::*;
use kirkwall_actors::access::{Access, CreateLink};
use kirkwall_actors::certificates::{Apply, Certificates, imported};
use kirkwall_actors::clock::Clock;
use kirkwall_actors::desk::{AirDesk, Desk};
use kirkwall_actors::media_channel;
use kirkwall_actors::ports::{Ports, SipPort};
use kirkwall_actors::post::Post;
use kirkwall_actors::provisioning::{Provisioning, WebAt};
use kirkwall_actors::roster::Roster;
use kirkwall_actors::run_time::{Kept, RunTime};
use kirkwall_actors::spool::SpoolReader;
use kirkwall_actors::supervisor::{
    Arrived, Drain, KeyInVoice, MeetPost, MeetProvisioning, MeetUsers, Supervisor,
};
use kirkwall_actors::users::{Users, UsersPorts};
use kirkwall_core::id::Tokens;
use kirkwall_core::sip::wire::Message;
use kirkwall_core::sip::{ConnectionId, Destination, Facing, Transport};
use kirkwall_data::Journal;
use kirkwall_integration::media::{Engine, EngineConfig, Report};
use kirkwall_integration::sip::{Arrival, Limits, Listen, Resolver, Transports, TransportsConfig};
use kirkwall_web::WebOptions;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::Handle;
use tracing::{error, info, warn};

use crate::config::{Config, Listener};

/// A running switch.
pub struct Switch {
    transports: Transports,
    native: Option<air::Native>,
    supervisor: Addr<Supervisor>,
    access: Addr<Access>,
    web: (actix_web::dev::ServerHandle, SocketAddr),
    ops: (actix_web::dev::ServerHandle, SocketAddr),
    journal: Journal,
    /// SHA-256 of the web certificate.
    pub web_fingerprint: String,
}

/// How a switch is started beside its configuration.
pub struct Start<'a> {
    /// Where the store lies.
    pub data: &'a Path,
    /// The runtime for sockets.
    pub sockets: Handle,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// A sentence over every page.
    pub banner: Option<String>,
}

impl Switch {
    /// Starts everything. Call it inside the actix system.
    ///
    /// # Errors
    /// In words, naming the setting or file that is to be mended.
    pub async fn start(config: &Config, start: Start<'_>) -> Result<Self, String> {
        let mut settings = settings::settings(config);
        let journal = Journal::open(start.data).map_err(told)?;
        journal.notices().iter().for_each(|notice| warn!(%notice, "the store was mended"));
        let kept = Kept::read(&journal, &settings);
        kept.lay_over(&mut settings);
        let certificates = tls::certificates(config, start.data, &imported(&journal)).map_err(told)?;
        if let Some(lync) = settings.north.as_mut().and_then(|north| north.lync.as_mut()) {
            lync.tls_dsk = tls::provisioner(config, &imported(&journal)).map_err(told)?;
        }
        let mut tokens = Tokens::new(fresh_seed()?);
        let clock = Clock::start();

        let inbox = Arc::new(OnceLock::<Addr<Supervisor>>::new());
        let transports =
            open_transports(config, &certificates, &start.sockets, inbox.clone(), start.data).await?;
        transports.set_legacy_tls(certificates.legacy.clone());
        kept_ports::keep(start.data, transports.bound());
        let media = open_media(config, inbox.clone())?;
        let sip: Arc<dyn SipPort> = Arc::new(SipSockets(transports.clone()));
        let mut ports = Ports { sip, media, journal: journal.clone(), clock, air: None };

        let roster = Roster::start(workers());
        let mut native = air::Native::start(config, &settings, &ports, roster.clone(), tokens.split())?;
        ports.air = native.as_ref().map(|native| native.air.clone());
        let resolver = Resolver::system().map_err(told)?;
        let names = directory::caller_names(config);
        let (post_ports, set_up_ports) = (ports.clone(), ports.clone());
        let supervisor = Supervisor::new(settings.clone(), ports, roster, resolver, tokens.split())
            .with_caller_names(names.clone())
            .start();
        let users = Users::new(journal.clone(), users_ports(&supervisor), clock).start();
        supervisor.do_send(MeetUsers(users.clone()));
        // After the users: a text that waited over a restart asks where they are at once.
        let post = {
            let (domain, messages) = (&settings.domain, settings.messages.clone());
            Post::new(post_ports, domain, messages, supervisor.clone(), tokens.split()).start()
        };
        supervisor.do_send(MeetPost(post.clone()));
        let (sheets, own) = (settings::provisioning(&settings, transports.bound()), tokens.split());
        let provisioning = Provisioning::new(sheets, set_up_ports, supervisor.clone(), own).start();
        supervisor.do_send(MeetProvisioning(provisioning.clone()));
        let access = Access::new(journal.clone(), tokens.split(), clock).start();
        let run_time = RunTime::new(journal.clone(), kept, supervisor.clone().recipient(), clock).start();
        SpoolReader::new(&journal, users.clone(), access.clone()).map_err(told)?.start();
        // From here on arrivals find somebody.
        _ = inbox.set(supervisor.clone());
        if let Some(native) = &mut native {
            let names = tls::names(config);
            native.open(config, start.data, &start.sockets, supervisor.clone(), &names).await?;
        }

        let apply = apply_certificates(config.clone(), start.data.to_owned(), transports.clone());
        let imports = Certificates::new(journal.clone(), apply, clock).start();
        let own = (&journal, &imported(&journal)[..]);
        let directory = directory::start(config, &names, own, &start.sockets, (clock, tokens.split()))?;
        let air = native.as_ref().map(|native| AirDesk::of(&native.air));
        let desk = Desk {
            air,
            ..desk::desk(
                &users,
                &supervisor,
                &access,
                &imports,
                &directory,
                (&post, &provisioning, &run_time),
            )
        };
        let options = WebOptions {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: settings.node.clone(),
            banner: start.banner,
        };
        let place = |key: &str, error: std::io::Error| {
            format!("{key}: cannot listen: {error}; choose another address or port")
        };
        let (web, web_at) =
            kirkwall_web::serve(config.web.listen, Some(certificates.web), desk.clone(), options)
                .map_err(|error| place("web.listen", error))?;
        provisioning.do_send(WebAt(web_at.port()));
        let metrics = start.metrics;
        let (ops, ops_at) = kirkwall_web::serve_ops(config.ops.listen, desk, move || metrics.render())
            .map_err(|error| place("ops.listen", error))?;
        let (web_handle, ops_handle) = (web.handle(), ops.handle());
        actix::spawn(web);
        actix::spawn(ops);
        Ok(Self {
            transports,
            native,
            supervisor,
            access,
            web: (web_handle, web_at),
            ops: (ops_handle, ops_at),
            journal,
            web_fingerprint: certificates.web_fingerprint,
        })
    }

    /// Where pages and REST are.
    pub fn web(&self) -> SocketAddr {
        self.web.1
    }

    /// Where a listener of ours is, if there is one.
    pub fn bound(&self, facing: Facing, transport: Transport) -> Option<SocketAddr> {
        let found = self.transports.bound().iter().find(|l| l.facing == facing && l.transport == transport);
        found.map(|listener| listener.bind)
    }

    /// A fresh one-time log-in link.
    pub async fn log_in_link(&self) -> Result<String, String> {
        let word = self.access.send(CreateLink).await.map_err(told)?;
        Ok(format!("https://{}/login/{}", reachable(self.web()), word.0))
    }

    /// Takes no new calls, waits for the standing ones at most `patience`, then stops everything.
    pub async fn drain(self, patience: Duration) {
        info!("draining: no new calls are taken");
        self.supervisor.do_send(Drain);
        let idle = async {
            loop {
                let overview = self.supervisor.send(kirkwall_actors::desk::GetOverview).await;
                if !matches!(overview, Ok(Ok(view)) if view.calls > 0) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        };
        if tokio::time::timeout(patience, idle).await.is_err() {
            warn!("calls still stand; they end with the process");
        }
        self.web.0.stop(true).await;
        self.ops.0.stop(true).await;
        if let Some(native) = &self.native {
            native.stop().await;
        }
        self.transports.shutdown().await;
        if let Err(error) = self.journal.export() {
            error!(%error, "the export of the store was not written");
        }
    }
}

/// `ready web=… sip_udp=… …`: the line that scripts wait for.
impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |facing, transport| match self.bound(facing, transport) {
            Some(address) => address.to_string(),
            None => "off".to_owned(),
        };
        write!(f, "ready web={} ops={}", self.web.1, self.ops.1)?;
        for (name, transport) in
            [("sip_udp", Transport::Udp), ("sip_tcp", Transport::Tcp), ("sip_tls", Transport::Tls)]
        {
            write!(f, " {name}={}", at(Facing::South, transport))?;
        }
        for (name, transport) in
            [("north_udp", Transport::Udp), ("north_tcp", Transport::Tcp), ("north_tls", Transport::Tls)]
        {
            write!(f, " {name}={}", at(Facing::North, transport))?;
        }
        match self.native.as_ref().and_then(air::Native::bound) {
            Some(address) => write!(f, " base_link={address}"),
            None => write!(f, " base_link=off"),
        }
    }
}

/// The transports as actors see them.
struct SipSockets(Transports);

impl SipPort for SipSockets {
    fn send(&self, message: Message, to: Destination) {
        self.0.send(message, to);
    }

    fn local(&self, facing: Facing, transport: Transport, remote: IpAddr) -> Option<SocketAddr> {
        self.0.local(facing, transport, remote)
    }

    fn cut(&self, connection: ConnectionId) {
        self.0.cut(connection);
    }
}

async fn open_transports(
    config: &Config,
    certificates: &tls::Certificates,
    sockets: &Handle,
    inbox: Arc<OnceLock<Addr<Supervisor>>>,
    data: &Path,
) -> Result<Transports, String> {
    let config = TransportsConfig {
        listeners: listeners(config, data),
        server_tls: certificates.servers.clone(),
        client_tls: certificates.clients.clone(),
        limits: limits(config),
    };
    let sink = move |arrival: Arrival| {
        let taken = inbox.get().is_some_and(|supervisor| supervisor.try_send(Arrived(arrival)).is_ok());
        if !taken {
            metrics::counter!("ipdect_sip_door_total", "verdict" => "drop", "why" => "too_busy").increment(1);
        }
    };
    // Sockets have threads of their own, so that a busy actor does not keep them from reading.
    let started = sockets.spawn(Transports::start(config, sink)).await;
    started.map_err(|error| format!("the SIP sockets could not be started: {error}"))?.map_err(told)
}

/// A front end carries thousands of users over one connection and must be missed within 30 seconds: five
/// till the next keep-alive, twelve till TCP gives up, five for the try to connect again.
fn limits(config: &Config) -> Limits {
    let usual = Limits::default();
    match config.lync.enabled {
        false => usual,
        true => Limits {
            keep_alive: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            queue: 8_192,
            queue_bytes: 32 << 20,
            ..usual
        },
    }
}

fn listeners(config: &Config, data: &Path) -> Vec<Listen> {
    let (north, south) = (&config.sip.north, &config.sip.south);
    let any = |port| Listener(Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)));
    // What we send to the north by UDP or TCP needs a socket, and the registrar one to call us at.
    let needed = |listener: Listener, transport| match listener.0 {
        None if !config.sip.proxies.is_empty() && config.sip.transport == transport => {
            any(kept_ports::kept(data, transport))
        }
        _ => listener,
    };
    let all = [
        (Facing::South, Transport::Udp, south.udp),
        (Facing::South, Transport::Tcp, south.tcp),
        (Facing::South, Transport::Tls, south.tls),
        (Facing::North, Transport::Udp, needed(north.listen_udp, Transport::Udp)),
        (Facing::North, Transport::Tcp, needed(north.listen_tcp, Transport::Tcp)),
        (Facing::North, Transport::Tls, needed(north.listen_tls, Transport::Tls)),
    ];
    all.into_iter()
        .filter_map(|(facing, transport, listener)| listener.0.map(|bind| Listen { facing, transport, bind }))
        .collect()
}

fn open_media(config: &Config, inbox: Arc<OnceLock<Addr<Supervisor>>>) -> Result<Engine, String> {
    let ports = config.media.ports;
    let threads = config.media.threads.map_or_else(|| workers().min(4), usize::from);
    let engine = EngineConfig {
        bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        ports: ports.first..=ports.last,
        threads,
        dscp: u8::try_from(config.media.dscp).unwrap_or(46),
        report_every: Duration::from_secs(10),
        silence_after: Duration::from_secs(30),
    };
    let reports = move |report: Report| {
        media_channel::count_report(&report);
        // A media thread never waits; a key that finds a full mailbox is pressed again by its user.
        if let Some((call, side, digit, millis)) = media_channel::key_pressed(&report)
            && let Some(supervisor) = inbox.get()
        {
            _ = supervisor.try_send(KeyInVoice(call, side, digit, millis));
        }
    };
    Engine::start(engine, reports).map_err(|error| format!("media: {error}"))
}

fn users_ports(supervisor: &Addr<Supervisor>) -> UsersPorts {
    UsersPorts {
        changed: supervisor.clone().recipient(),
        removed: supervisor.clone().recipient(),
        states: supervisor.clone().recipient(),
    }
}

/// Imported certificates take effect for connections to come; those of the web port with the next start.
fn apply_certificates(config: Config, data: PathBuf, transports: Transports) -> Apply {
    Arc::new(move |records| {
        let certificates = tls::certificates(&config, &data, records).map_err(told)?;
        transports.set_tls(certificates.servers, certificates.clients);
        transports.set_legacy_tls(certificates.legacy);
        Ok(())
    })
}

/// Addresses under which this machine reaches others, as far as that can be asked without sending.
pub fn own_addresses() -> Vec<IpAddr> {
    let towards = |bind: &str, to: &str| -> Option<IpAddr> {
        let socket = UdpSocket::bind(bind).ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let found = [towards("0.0.0.0:0", "192.0.2.1:9"), Some(IpAddr::V4(Ipv4Addr::LOCALHOST))];
    found.into_iter().flatten().filter(|ip| !ip.is_unspecified()).collect()
}

fn reachable(bound: SocketAddr) -> SocketAddr {
    match bound.ip().is_unspecified() {
        true => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), bound.port()),
        false => bound,
    }
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Thirty-two bytes that nobody can guess.
pub fn fresh_seed() -> Result<[u8; 32], String> {
    use std::io::Read as _;
    let mut seed = [0; 32];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
    read.map(|()| seed).map_err(|error| format!("/dev/urandom: {error}"))
}

fn told(fault: impl fmt::Display) -> String {
    fault.to_string()
}
