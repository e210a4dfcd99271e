//! Connections that come to us.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kirkwall_core::sip::{Facing, Transport};
use tokio::net::{TcpListener, TcpStream};
use tracing::{info, warn};

use super::connection::{Connection, Stream};
use super::fault::count;
use super::table::{Route, Seat};
use super::transports::Shared;
use super::{Arrival, Listen, socket, tls, tls_legacy};

/// Pause after the system refuses to accept, which it does when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until shutdown.
pub(super) async fn run(shared: Arc<Shared>, listen: Listen, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, remote)) => match shared.table.admit(remote.ip()) {
                Ok(seat) => {
                    let welcome = welcome(shared.clone(), listen.clone(), stream, remote, seat);
                    shared.tasks.spawn(welcome);
                }
                // Dropping the stream closes it.
                Err(limit) => count(limit),
            },
            Err(error) => {
                count("accept");
                warn!(%error, address = %listen.bind, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn welcome(shared: Arc<Shared>, listen: Listen, stream: TcpStream, remote: SocketAddr, seat: Seat) {
    socket::tune(&stream);
    let local = stream.local_addr().unwrap_or(listen.bind);
    let (stream, names): (Box<dyn Stream>, _) = match listen.transport {
        Transport::Udp | Transport::Tcp => (Box::new(stream), Vec::new()),
        Transport::Tls => {
            let handshake = handshake(&shared, &listen, stream, remote);
            let ended = tokio::select! {
                ended = handshake => ended,
                () = shared.stop.cancelled() => return,
            };
            match ended {
                Ok(secured) => secured,
                Err(what) => {
                    count("handshake");
                    info!(%remote, local = %listen.bind, %what, "TLS handshake refused");
                    return shared.arrive(Arrival::Refused { facing: listen.facing, remote, what });
                }
            }
        }
    };
    let route = Route { facing: listen.facing, transport: listen.transport, remote };
    let (line, inbox) = shared.table.enter(&seat, &route, &names);
    let stop = shared.stop.child_token();
    let connection = Connection { shared, seat, route, local, names, opened: false, line, stop };
    connection.run(stream, inbox).await;
}

type Secured = (Box<dyn Stream>, Vec<String>);

/// Old front ends come to the listener of the north as well as to be called: with any of them, OpenSSL
/// answers there. It speaks with the others too.
async fn handshake(
    shared: &Shared,
    listen: &Listen,
    stream: TcpStream,
    remote: SocketAddr,
) -> Result<Secured, String> {
    let (settings, limit) = (shared.tls(), shared.limits.handshake);
    if let Some(legacy) = settings.legacy.filter(|_| listen.facing == Facing::North) {
        let (stream, names) = tls_legacy::accept(&legacy, stream, remote, limit).await?;
        return Ok((Box::new(stream), names));
    }
    let config = settings.server.get(&listen.facing).cloned().ok_or("this side has no certificate")?;
    let (stream, names) = tls::accept(config, stream, limit).await?;
    Ok((Box::new(stream), names))
}
