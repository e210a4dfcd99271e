//! Ports that the system chose for the north side: taken again at the next start, since the registrar and
//! the far ends of standing calls know them.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use kirkwall_core::sip::{Facing, Transport};
use kirkwall_integration::sip::Listen;
use tracing::warn;

/// The port of last time when it is free, else 0.
pub fn kept(data: &Path, transport: Transport) -> u16 {
    let text = fs::read_to_string(file(data)).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(transport.uri_name())?.trim().parse().ok());
    line.filter(|port| is_free(transport, *port)).unwrap_or(0)
}

/// Notes the ports in use. A start without them only costs a registration.
pub fn keep(data: &Path, bound: &[Listen]) {
    let north = bound.iter().filter(|listener| listener.facing == Facing::North);
    let lines = north.map(|listener| format!("{} {}\n", listener.transport, listener.bind.port()));
    if let Err(error) = fs::write(file(data), lines.collect::<String>()) {
        warn!(%error, "the ports in use could not be noted; after a restart others may be chosen");
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("north-ports")
}

fn is_free(transport: Transport, port: u16) -> bool {
    let any = (Ipv4Addr::UNSPECIFIED, port);
    let bound: io::Result<()> = match transport {
        Transport::Udp => UdpSocket::bind(any).map(drop),
        Transport::Tcp | Transport::Tls => TcpListener::bind(any).map(drop),
    };
    bound.is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn a_free_port_of_last_time_is_taken_again_and_a_taken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let other = UdpSocket::bind("0.0.0.0:0").unwrap();
        let taken = other.local_addr().unwrap();
        let listen = |transport, bind: SocketAddr| Listen { facing: Facing::North, transport, bind };
        assert_eq!(kept(folder.path(), Transport::Udp), 0);
        keep(folder.path(), &[listen(Transport::Udp, taken)]);
        assert_eq!(kept(folder.path(), Transport::Udp), 0);
        drop(other);
        assert_eq!(kept(folder.path(), Transport::Udp), taken.port());
        assert_eq!(kept(folder.path(), Transport::Tcp), 0);
    }
}
