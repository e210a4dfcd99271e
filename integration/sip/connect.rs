//! Connections that we open.

use std::net::SocketAddr;
use std::sync::Arc;

use kirkwall_core::sip::Transport;

use super::connection::{Connection, Stream};
use super::table::{Item, Opening, Route};
use super::transports::Shared;
use super::{SendFault, socket, tls, tls_legacy};

/// Opens a connection and serves it; when that fails, everything in its queue comes back.
pub(super) async fn run(shared: Arc<Shared>, opening: Opening) {
    let opened = tokio::select! {
        opened = open(&shared, &opening) => opened,
        () = opening.stop.cancelled() => Err(SendFault::NotNow("shutting down")),
    };
    let Opening { seat, mut inbox, line, to, stop } = opening;
    match opened {
        Ok(Opened { stream, names, local }) => {
            let route = Route::to(&to);
            let connection = Connection { shared, seat, route, local, names, opened: true, line, stop };
            connection.run(stream, inbox).await;
        }
        Err(fault) => {
            drop(seat);
            for item in inbox.close() {
                if let Item::Message(outgoing) = item {
                    shared.failed(*outgoing, fault.clone());
                }
            }
        }
    }
}

struct Opened {
    stream: Box<dyn Stream>,
    names: Vec<String>,
    local: SocketAddr,
}

async fn open(shared: &Shared, opening: &Opening) -> Result<Opened, SendFault> {
    let (to, limits) = (&opening.to, &shared.limits);
    let client = match to.transport {
        Transport::Udp | Transport::Tcp => None,
        Transport::Tls => {
            let client = shared.tls().client.get(&to.facing).cloned();
            Some(client.ok_or(SendFault::NoTls(to.facing))?)
        }
    };
    let unreachable =
        |what: &dyn std::fmt::Display| SendFault::Unreachable(format!("{}: {what}", to.address));
    let connect = socket::connect(to.address, source(shared, opening));
    let stream = tokio::time::timeout(limits.connect, connect)
        .await
        .map_err(|_| unreachable(&format_args!("no answer within {:?}", limits.connect)))?
        .map_err(|error| unreachable(&error))?;
    let local = stream.local_addr().map_err(|error| unreachable(&error))?;
    let Some(client) = client else {
        return Ok(Opened { stream: Box::new(stream), names: Vec::new(), local });
    };
    let name = to.server_name.as_deref();
    if let Some((legacy, name)) = shared.tls().legacy.zip(name).filter(|(l, name)| l.speaks_to(name)) {
        let opened = tls_legacy::connect(&legacy, stream, name, to.address, limits.handshake).await;
        let (stream, names) = opened.map_err(SendFault::Tls)?;
        return Ok(Opened { stream: Box::new(stream), names, local });
    }
    let (stream, names) =
        tls::connect(client, stream, name, to.address, limits.handshake).await.map_err(SendFault::Tls)?;
    Ok(Opened { stream: Box::new(stream), names, local })
}

/// The address of a listener of that side, so that the peer sees us where our Via says we are.
fn source(shared: &Shared, opening: &Opening) -> Option<SocketAddr> {
    let to = &opening.to;
    let listen = shared.listener(to.facing, to.transport, to.address.ip())?;
    let ip = listen.bind.ip();
    let fits = !ip.is_unspecified() && ip.is_loopback() == to.address.ip().is_loopback();
    fits.then(|| SocketAddr::new(ip, 0))
}
