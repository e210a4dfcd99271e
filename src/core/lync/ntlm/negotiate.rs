//! NEGOTIATE, with which the connection-oriented form begins ([MS-NLMP] §2.2.1.1): HTTP uses it, SIP does not.

use super::Flags;

/// The message: flags, no names, no version.
pub fn negotiate() -> Vec<u8> {
    let flags = Flags::OURS.without(Flags::DATAGRAM).without(Flags::TARGET_INFO).without(Flags::VERSION);
    let mut bytes = b"NTLMSSP\0".to_vec();
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(flags.0.to_le_bytes());
    // DomainNameFields and WorkstationFields: length, room, offset.
    bytes.extend([0; 16]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_offers_what_authenticate_needs_and_no_datagrams() {
        let bytes = negotiate();
        assert_eq!((bytes.len(), &bytes[..12]), (32, &b"NTLMSSP\0\x01\0\0\0"[..]));
        let flags = Flags(u32::from_le_bytes(bytes[12..16].try_into().unwrap()));
        assert!(flags.has(Flags::UNICODE) && flags.has(Flags::KEY_EXCHANGE) && !flags.has(Flags::DATAGRAM));
    }
}
