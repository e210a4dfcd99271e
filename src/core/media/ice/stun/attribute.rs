//! Numbers of STUN methods and attributes, and how addresses stand in attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The method of connectivity checks and keep-alives (RFC 5389 §18.1).
pub const BINDING: u16 = 0x001;

/// RFC 5389 §15.1.
pub const MAPPED_ADDRESS: u16 = 0x0001;
/// RFC 5389 §15.3.
pub const USERNAME: u16 = 0x0006;
/// RFC 5389 §15.4.
pub const MESSAGE_INTEGRITY: u16 = 0x0008;
/// RFC 5389 §15.6.
pub const ERROR_CODE: u16 = 0x0009;
/// RFC 5389 §15.9.
pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
/// RFC 5389 §15.2; \[MS-ICE2\] §2.2.1 uses this number too.
pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// RFC 5245 §19.1.
pub const PRIORITY: u16 = 0x0024;
/// RFC 5245 §19.1: a flag without content.
pub const USE_CANDIDATE: u16 = 0x0025;
/// XOR-MAPPED-ADDRESS of draft-ietf-behave-rfc3489bis-02, kept by \[MS-TURN\] §2.2.2.16.
pub const XOR_MAPPED_ADDRESS_OLD: u16 = 0x8020;
/// RFC 5389 §15.10.
pub const SOFTWARE: u16 = 0x8022;
/// RFC 5389 §15.5.
pub const FINGERPRINT: u16 = 0x8028;
/// RFC 5245 §19.1.
pub const ICE_CONTROLLED: u16 = 0x8029;
/// RFC 5245 §19.1.
pub const ICE_CONTROLLING: u16 = 0x802A;
/// \[MS-ICE2\] §2.2: the foundation of the candidate that a check is sent from.
pub const CANDIDATE_IDENTIFIER: u16 = 0x8054;
/// \[MS-ICE2\] §2.2: four octets, 2 for what we speak.
pub const IMPLEMENTATION_VERSION: u16 = 0x8070;

/// Whether a receiver that does not know the attribute must refuse the request (RFC 5389 §15).
pub const fn comprehension_required(attribute: u16) -> bool {
    attribute < 0x8000
}

/// Value of an address attribute (RFC 5389 §15.1).
pub fn address_value(address: SocketAddr) -> Vec<u8> {
    let family = if address.is_ipv4() { 1 } else { 2 };
    let mut value = vec![0, family];
    value.extend_from_slice(&address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => value.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => value.extend_from_slice(&ip.octets()),
    }
    value
}

/// Reads the value of an address attribute; `None` when family or length is wrong.
pub fn read_address(value: &[u8]) -> Option<SocketAddr> {
    let (head, ip) = value.split_first_chunk::<4>()?;
    let ip = match head[1] {
        1 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?)),
        2 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([head[2], head[3]])))
}

/// Covers or uncovers an address.
///
/// RFC 5389 §15.2 xors with the magic cookie and, for IPv6, with the transaction behind it. These are
/// the octets 4 to 19 of the header, and in messages without cookie (\[MS-TURN\] §2.2.2.16) it is the same
/// octets again, so `transaction` are all sixteen of them.
pub fn xor_address(address: SocketAddr, transaction: &[u8; 16]) -> SocketAddr {
    let mut value = address_value(address);
    value[2] ^= transaction[0];
    value[3] ^= transaction[1];
    value[4..].iter_mut().zip(transaction).for_each(|(octet, mask)| *octet ^= mask);
    read_address(&value).expect("xor changes neither family nor length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written_also_under_xor() {
        for text in ["192.0.2.1:32853", "[2001:db8::1]:9", "0.0.0.0:0"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(read_address(&address_value(address)), Some(address));
            let covered = xor_address(address, &[0xA5; 16]);
            assert_ne!(covered, address);
            assert_eq!(xor_address(covered, &[0xA5; 16]), address);
        }
        for bad in [&[][..], &[0, 1, 0, 1, 1, 2, 3], &[0, 3, 0, 1, 1, 2, 3, 4], &[0, 2, 0, 1, 1, 2, 3, 4]] {
            assert_eq!(read_address(bad), None);
        }
    }
}
