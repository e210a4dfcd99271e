//! Binding and listening.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use kirkwall_actors::desk::Desk;
use rustls::ServerConfig;

use crate::ops::{self, Metrics};
use crate::site::{Site, WebOptions};
use crate::{config, headers, phone_books, provisioning, rest, ui};

/// Threads of the web port. The work is small; the switch itself needs the cores.
const WORKERS: usize = 2;
/// Most connections at once, over all workers.
const CONNECTIONS: usize = 1_000;
/// Most connections of the ops port.
const OPS_CONNECTIONS: usize = 64;
/// An idle connection is closed after this long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The head of a request must have come by then.
const SLOW_REQUEST: Duration = Duration::from_secs(10);
/// Open live streams do not hold a stop up for longer.
const STOP_SECS: u64 = 3;

/// Puts REST, pages and static files under an `App`, with the state they share. Call it once and clone
/// the result for each worker.
pub fn configure(
    desk: Desk,
    options: WebOptions,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    let site = web::Data::from(Site::new(desk, options));
    move |services| {
        let all = web::scope("")
            .wrap(headers::security())
            .service(rest::scope(&site))
            .service(phone_books::scope())
            .service(provisioning::scope())
            .service(config::scope());
        services.app_data(site.clone()).service(ui::routes(all, &site));
    }
}

/// Serves the web port on `listen` (port 0: any free one) and says where. With `tls`, HTTP/2 is offered by
/// ALPN beside HTTP/1.1. Signals are the caller's: stop it with [`Server::handle`].
///
/// # Errors
/// When `listen` cannot be bound.
pub fn serve(
    listen: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    desk: Desk,
    options: WebOptions,
) -> io::Result<(Server, SocketAddr)> {
    let configure = configure(desk, options);
    let server = HttpServer::new(move || App::new().configure(configure.clone()))
        .workers(WORKERS)
        .max_connections(CONNECTIONS / WORKERS)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(SLOW_REQUEST)
        .tls_handshake_timeout(SLOW_REQUEST)
        .shutdown_timeout(STOP_SECS)
        .disable_signals();
    let server = match tls {
        // actix adds h2 and http/1.1 to the configuration's ALPN protocols.
        Some(tls) => server.bind_rustls_0_23(listen, Arc::unwrap_or_clone(tls))?,
        None => server.bind(listen)?,
    };
    let bound = bound(&server.addrs())?;
    Ok((server.run(), bound))
}

/// Serves `/livez`, `/readyz` and `/metrics` on `listen` and says where. `metrics` renders the Prometheus
/// text.
///
/// # Errors
/// When `listen` cannot be bound.
pub fn serve_ops(
    listen: SocketAddr,
    desk: Desk,
    metrics: impl Fn() -> String + Send + Sync + 'static,
) -> io::Result<(Server, SocketAddr)> {
    let metrics: Metrics = Arc::new(metrics);
    let configure = ops::configure(desk, metrics);
    let server = HttpServer::new(move || App::new().configure(configure.clone()))
        .workers(1)
        .max_connections(OPS_CONNECTIONS)
        .client_request_timeout(SLOW_REQUEST)
        .shutdown_timeout(STOP_SECS)
        .disable_signals()
        .bind(listen)?;
    let bound = bound(&server.addrs())?;
    Ok((server.run(), bound))
}

fn bound(addresses: &[SocketAddr]) -> io::Result<SocketAddr> {
    addresses.first().copied().ok_or_else(|| io::Error::other("no address was bound"))
}
