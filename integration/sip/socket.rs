//! Sockets with the options SIP wants.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

/// Asked for a UDP receive buffer: a few thousand messages while we do something else. The system may
/// give less (`net.core.rmem_max`).
const UDP_BUFFER: usize = 4 << 20;
/// Connections the system may hold for us before we accept them.
const BACKLOG: i32 = 1_024;
/// Unacknowledged bytes for so long mean a dead peer (RFC 5482).
const UNACKNOWLEDGED: Duration = Duration::from_secs(12);

/// A UDP socket on `address`.
pub(super) fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = new(address, Type::DGRAM, Protocol::UDP)?;
    // Best effort: a smaller buffer works too.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER);
    let _ = socket.set_send_buffer_size(UDP_BUFFER);
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Where new SIP-DECT base stations ask for their settings (SIP plug and play; RFC 3261 §18.1.1 has the address).
const PLUG_AND_PLAY: Ipv4Addr = Ipv4Addr::new(224, 0, 1, 75);

/// Hears what is said to all in the network this machine is in. A socket with an address of its own hears nothing
/// but what is for that, and a machine without such a network hears nobody: neither is a fault.
pub(super) fn hear_new_base_stations(socket: &UdpSocket, address: SocketAddr) {
    if address.ip() == Ipv4Addr::UNSPECIFIED
        && let Err(error) = socket.join_multicast_v4(PLUG_AND_PLAY, Ipv4Addr::UNSPECIFIED)
    {
        tracing::info!(%error, "new base stations cannot be heard by multicast");
    }
}

/// A TCP listener on `address`.
pub(super) fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = new(address, Type::STREAM, Protocol::TCP)?;
    // So that a restart need not wait for the TIME_WAIT of the former life.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Connects to `remote`, from `source` when given.
pub(super) async fn connect(remote: SocketAddr, source: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(source) = source {
        socket.bind(source)?;
    }
    let stream = socket.connect(remote).await?;
    tune(&stream);
    Ok(stream)
}

/// Options of a connected stream. All best effort: SIP works without them, only worse.
pub(super) fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    let _ = socket.set_tcp_keepalive(&probes);
    let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}

fn new(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // One family per socket: peers appear under their own address and not as ::ffff:a.b.c.d.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}
