//! The handle to all SIP sockets of this node.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use kirkwall_core::sip::wire::{Message, ParseFault};
use kirkwall_core::sip::{ConnectionId, Destination, Facing, Peer, Transport};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fault::{CloseCause, ListenFault, SendFault, count, setting};
use super::route::Routes;
use super::table::{Outgoing, Table};
use super::{Limits, accept, connect, socket, tls, udp};
use crate::pki::{ClientTls, LegacyTls};

/// An address to listen on. For UDP it is also the one to send from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Which world it faces.
    pub facing: Facing,
    /// How.
    pub transport: Transport,
    /// Where; port 0 lets the system choose.
    pub bind: SocketAddr,
}

/// Everything [`Transports::start`] needs.
#[derive(Debug, Clone, Default)]
pub struct TransportsConfig {
    /// What to listen on. A side that sends by UDP needs a UDP listener here, port 0 if nothing else.
    pub listeners: Vec<Listen>,
    /// Our certificate and what we ask of clients, per side with a TLS listener.
    pub server_tls: BTreeMap<Facing, Arc<ServerConfig>>,
    /// Whom we trust and what we show, per side on which we open TLS connections.
    pub client_tls: BTreeMap<Facing, ClientTls>,
    /// Bounds.
    pub limits: Limits,
}

/// What the transports tell.
#[derive(Debug)]
pub enum Arrival {
    /// A message, or what could be read of one.
    Message {
        /// The message. After a fault on a stream that loses the framing, the connection closes within
        /// [`Limits::linger`]; answer at once.
        parsed: Result<Message, ParseFault>,
        /// Who sent it.
        peer: Peer,
    },
    /// A message did not leave.
    SendFailed {
        /// The message.
        message: Message,
        /// Where it should have gone.
        destination: Destination,
        /// Why not.
        cause: SendFault,
    },
    /// A stream connection stands, handshake included.
    Opened {
        /// The far end; `connection` is set.
        peer: Peer,
        /// Whether we opened it.
        by_us: bool,
    },
    /// A stream connection has ended. Nothing more comes from it.
    Closed {
        /// Which.
        connection: ConnectionId,
        /// Which world it faced.
        facing: Facing,
        /// TCP or TLS.
        transport: Transport,
        /// Its far end.
        remote: SocketAddr,
        /// Why.
        cause: CloseCause,
    },
    /// A client's TLS handshake failed on our listener.
    Refused {
        /// Which world the listener faces.
        facing: Facing,
        /// The client.
        remote: SocketAddr,
        /// What is wrong, in words.
        what: String,
    },
}

/// The handle; cloning it clones nothing else. The sockets live until [`shutdown`](Self::shutdown).
#[derive(Clone)]
pub struct Transports(Arc<Shared>);

impl Transports {
    /// Opens all listeners, or none. All sockets are served by the runtime this is called on; let it be one
    /// with several threads, for TLS handshakes take milliseconds. `sink` is called from its tasks, in the
    /// order of the wire for each connection; it must not block.
    pub async fn start(
        config: TransportsConfig,
        sink: impl Fn(Arrival) + Send + Sync + 'static,
    ) -> Result<Self, ListenFault> {
        let Sockets { bound, outlets, inlets, listeners } = open(&config)?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            sink: Box::new(sink),
            table: Table::new(config.limits.clone(), first_id()),
            limits: config.limits,
            bound,
            udp: outlets,
            tls: RwLock::new(tls::Settings {
                server: config.server_tls,
                client: config.client_tls,
                legacy: None,
            }),
            routes: Routes::default(),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            stop,
        });
        for inlet in inlets {
            shared.tasks.spawn(udp::run(shared.clone(), inlet));
        }
        for (listen, listener) in listeners {
            shared.tasks.spawn(accept::run(shared.clone(), listen, listener));
        }
        Ok(Self(shared))
    }

    /// The listeners with their real ports, in the order of the configuration.
    pub fn bound(&self) -> &[Listen] {
        &self.0.bound
    }

    /// Sends `message`. Never blocks and never fails here: what cannot leave comes back as
    /// [`Arrival::SendFailed`]. May be called from any thread.
    pub fn send(&self, message: Message, to: Destination) {
        let shared = &self.0;
        let outgoing = Outgoing { bytes: message.encode(), message, to };
        let queued = match outgoing.to.transport {
            Transport::Udp if shared.stop.is_cancelled() => {
                Err((Box::new(outgoing), SendFault::NotNow("shutting down")))
            }
            Transport::Udp => udp::send(&shared.udp, outgoing),
            Transport::Tcp | Transport::Tls => shared.table.enqueue(outgoing, &shared.stop).map(|opening| {
                if let Some(opening) = opening {
                    shared.tasks.spawn_on(connect::run(shared.clone(), opening), &shared.runtime);
                }
            }),
        };
        if let Err((outgoing, fault)) = queued {
            // Told from another task, so that whoever sends is never called back while it sends.
            let shared = shared.clone();
            self.0.runtime.spawn(async move { shared.failed(*outgoing, fault) });
        }
    }

    /// The address under which `remote` sees and reaches us, for Via and Contact: of a listener when that
    /// side has one, else with the transport's default port, for answers come by the connection anyway.
    /// `None` without a route, or for UDP without a socket of that family.
    pub fn local(&self, facing: Facing, transport: Transport, remote: IpAddr) -> Option<SocketAddr> {
        let listener = self.0.listener(facing, transport, remote);
        match (listener, transport) {
            (Some(listen), _) => self.0.seen(listen.bind, remote),
            (None, Transport::Udp) => None,
            (None, _) => Some(SocketAddr::new(self.0.routes.source(remote)?, transport.default_port())),
        }
    }

    /// OpenSSL for the peers that it names, and for all that connect to a TLS listener of the north. For
    /// connections to come.
    pub fn set_legacy_tls(&self, legacy: Option<LegacyTls>) {
        self.0.tls.write().unwrap_or_else(PoisonError::into_inner).legacy = legacy.map(Arc::new);
    }

    /// Replaces the TLS settings for connections to come; those that stand keep theirs. A certificate
    /// alone is better exchanged in its [`LiveIdentity`](crate::pki::LiveIdentity).
    pub fn set_tls(&self, server: BTreeMap<Facing, Arc<ServerConfig>>, client: BTreeMap<Facing, ClientTls>) {
        let mut settings = self.0.tls.write().unwrap_or_else(PoisonError::into_inner);
        (settings.server, settings.client) = (server, client);
    }

    /// Ends a connection that brought what it should not, at once.
    pub fn cut(&self, connection: ConnectionId) {
        self.0.table.cut(connection);
    }

    /// Stops listening, lets each connection say what is queued, and waits for the end, at most
    /// [`Limits::shutdown`].
    pub async fn shutdown(&self) {
        self.0.table.close();
        self.0.stop.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(self.0.limits.shutdown, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.0.tasks.len(), "SIP connections did not end in time");
        }
    }

    #[cfg(test)]
    pub(super) fn connections(&self) -> (usize, usize) {
        self.0.table.count()
    }
}

/// What all tasks share.
pub(super) struct Shared {
    sink: Box<dyn Fn(Arrival) + Send + Sync>,
    pub limits: Limits,
    pub table: Arc<Table>,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
    bound: Vec<Listen>,
    udp: Vec<udp::Outlet>,
    tls: RwLock<tls::Settings>,
    routes: Routes,
    runtime: Handle,
}

impl Shared {
    pub fn arrive(&self, arrival: Arrival) {
        (self.sink)(arrival);
    }

    pub fn failed(&self, outgoing: Outgoing, cause: SendFault) {
        count(cause.label());
        let Outgoing { message, to, .. } = outgoing;
        self.arrive(Arrival::SendFailed { message, destination: to, cause });
    }

    pub fn tls(&self) -> tls::Settings {
        self.tls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `bound` as `remote` sees it: the wildcard address replaced by that of the route.
    pub fn seen(&self, bound: SocketAddr, remote: IpAddr) -> Option<SocketAddr> {
        match bound.ip().is_unspecified() {
            false => Some(bound),
            true => Some(SocketAddr::new(self.routes.source(remote)?, bound.port())),
        }
    }

    /// The listener a peer at `remote` would reach us by.
    pub fn listener(&self, facing: Facing, transport: Transport, remote: IpAddr) -> Option<&Listen> {
        self.bound.iter().find(|listen| {
            listen.facing == facing
                && listen.transport == transport
                && listen.bind.is_ipv4() == remote.is_ipv4()
        })
    }
}

struct Sockets {
    bound: Vec<Listen>,
    outlets: Vec<udp::Outlet>,
    inlets: Vec<udp::Inlet>,
    listeners: Vec<(Listen, TcpListener)>,
}

fn open(config: &TransportsConfig) -> Result<Sockets, ListenFault> {
    let mut sockets =
        Sockets { bound: Vec::new(), outlets: Vec::new(), inlets: Vec::new(), listeners: Vec::new() };
    for listen in &config.listeners {
        let (key, address) = (setting(listen.facing, listen.transport), listen.bind);
        let refused = |source| ListenFault::Bind { key, address, source };
        let mut bound = listen.clone();
        match listen.transport {
            Transport::Udp => {
                let socket = socket::udp(address).map_err(refused)?;
                if listen.facing == Facing::South {
                    socket::hear_new_base_stations(&socket, address);
                }
                bound.bind = socket.local_addr().map_err(refused)?;
                let (outlet, inlet) = udp::pair(bound.clone(), socket);
                sockets.outlets.push(outlet);
                sockets.inlets.push(inlet);
            }
            Transport::Tls if !config.server_tls.contains_key(&listen.facing) => {
                return Err(ListenFault::NoCertificate { key, address });
            }
            Transport::Tcp | Transport::Tls => {
                let listener = socket::listener(address).map_err(refused)?;
                bound.bind = listener.local_addr().map_err(refused)?;
                sockets.listeners.push((bound.clone(), listener));
            }
        }
        sockets.bound.push(bound);
    }
    Ok(sockets)
}

/// Connection ids begin at the present time in microseconds, so that a record which names a connection of
/// a former life of this node never names one of this life.
fn first_id() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
