//! What a server chooses that our TLS library cannot reach: a ClientHello with the versions and ciphers
//! of old Windows hosts, only to read the answer. No key is agreed and nothing is sent after it.

use std::net::SocketAddr;

use kirkwall_core::id::Tokens;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::pki::Oldest;

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It would go on with this version and cipher.
    Chose {
        /// `0x0301` is TLS 1.0 (RFC 2246 §6.2.1), `0x0302` 1.1, `0x0303` 1.2.
        version: u16,
        /// Number of the cipher suite.
        cipher: u16,
    },
    /// It refuses with this alert (RFC 5246 §7.2).
    Alert(u8),
    /// Something that is no TLS record.
    NotTls,
    /// It hung up or kept silent.
    Nothing,
}

/// Ciphers that old servers choose from; the first four rustls has too. RFC 4346, 5246, 5288, 5289.
const CIPHERS: &[(u16, &str)] = &[
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
    (0x0004, "TLS_RSA_WITH_RC4_128_MD5"),
];

/// Whether rustls could have agreed on this: then something else is wrong.
pub(super) fn is_ours(version: u16, cipher: u16) -> bool {
    let provider = rustls::crypto::ring::default_provider();
    let mut suites = provider.cipher_suites.iter();
    version >= 0x0303 && suites.any(|suite| u16::from(suite.suite()) == cipher)
}

/// How far [`LegacyTls`](crate::pki::LegacyTls) must go back for this; `None`: it does not go there.
pub(super) fn needs(version: u16, cipher: u16) -> Option<Oldest> {
    match (version, cipher) {
        (0x0303, 0xc013 | 0xc014 | 0xc027 | 0xc028 | 0xc02f | 0xc030) => Some(Oldest::Tls12),
        (0x0301..=0x0303, 0xc013 | 0xc014 | 0xc027 | 0xc028 | 0x003c | 0x003d | 0x0035 | 0x002f) => {
            Some(Oldest::Tls10)
        }
        _ => None,
    }
}

/// Name of a cipher suite.
pub(super) fn cipher_name(cipher: u16) -> String {
    let known = CIPHERS.iter().find(|(number, _)| *number == cipher);
    known.map_or_else(|| format!("cipher {cipher:#06x}"), |(_, name)| (*name).to_owned())
}

/// Name of a version.
pub(super) fn version_name(version: u16) -> String {
    match version {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        other => format!("version {other:#06x}"),
    }
}

/// Asks the server at `address`. The caller limits the time.
pub(super) async fn ask(address: SocketAddr, name: Option<&str>, tokens: &mut Tokens) -> Answer {
    let Ok(mut stream) = TcpStream::connect(address).await else { return Answer::Nothing };
    if stream.write_all(&hello(name, tokens.bytes())).await.is_err() {
        return Answer::Nothing;
    }
    let mut head = [0; 5];
    if stream.read_exact(&mut head).await.is_err() {
        return Answer::Nothing;
    }
    // No ServerHello is longer than a kilobyte.
    let length = usize::from(u16::from_be_bytes([head[3], head[4]])).min(1_024);
    let mut body = vec![0; length];
    let mut filled = 0;
    while filled < 46.min(length) {
        match stream.read(&mut body[filled..]).await {
            Ok(count) if count > 0 => filled += count,
            _ => break,
        }
    }
    answer(head, &body[..filled])
}

/// Reads the first record: head of five octets (RFC 5246 §6.2.1), then what is there of its body.
fn answer(head: [u8; 5], body: &[u8]) -> Answer {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const SERVER_HELLO: u8 = 2;
    match (head, body) {
        ([ALERT, 3, ..], [_, description, ..]) => Answer::Alert(*description),
        // Handshake head of four octets, version, random of 32, session id with its length, cipher.
        ([HANDSHAKE, 3, ..], [SERVER_HELLO, _, _, _, major, minor, rest @ ..]) => {
            let session = rest.get(32).map_or(0, |length| usize::from(*length));
            match rest.get(33 + session..35 + session) {
                Some(&[high, low]) => Answer::Chose {
                    version: u16::from_be_bytes([*major, *minor]),
                    cipher: u16::from_be_bytes([high, low]),
                },
                _ => Answer::Nothing,
            }
        }
        ([ALERT | HANDSHAKE, 3, ..], _) => Answer::Nothing,
        _ => Answer::NotTls,
    }
}

/// A ClientHello of TLS 1.2 (RFC 5246 §7.4.1.2), which servers of 1.0 and 1.1 answer with their own.
fn hello(name: Option<&str>, random: [u8; 32]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&random);
    body.push(0); // no session to resume
    let ciphers: Vec<u8> = CIPHERS.iter().flat_map(|(number, _)| number.to_be_bytes()).collect();
    with_length(&mut body, &ciphers);
    body.extend_from_slice(&[1, 0]); // no compression
    with_length(&mut body, &extensions(name));
    let length = u32::try_from(body.len()).unwrap_or_default().to_be_bytes();
    let mut message = vec![1, length[1], length[2], length[3]];
    message.extend_from_slice(&body);
    // "client MAY use {03,00} or the lowest version" of the record, RFC 5246 appendix E.1.
    let mut record = vec![22, 3, 1];
    with_length(&mut record, &message);
    record
}

fn extensions(name: Option<&str>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut extension = |number: u16, value: &[u8]| {
        all.extend_from_slice(&number.to_be_bytes());
        with_length(&mut all, value);
    };
    if let Some(name) = name {
        // RFC 6066 §3: one name of type host_name.
        let mut entry = vec![0];
        with_length(&mut entry, name.as_bytes());
        let mut list = Vec::new();
        with_length(&mut list, &entry);
        extension(0, &list);
    }
    // RFC 8422 §5.1: x25519, P-256, P-384, P-521; uncompressed points.
    extension(10, &[0, 8, 0, 0x1d, 0, 0x17, 0, 0x18, 0, 0x19]);
    extension(11, &[1, 0]);
    // RFC 5246 §7.4.1.4.1: SHA-512, -384, -256 and SHA-1, each with RSA and ECDSA.
    extension(13, &[0, 16, 6, 1, 6, 3, 5, 1, 5, 3, 4, 1, 4, 3, 2, 1, 2, 3]);
    all
}

/// Appends `value` after its length in two octets.
fn with_length(into: &mut Vec<u8>, value: &[u8]) {
    into.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    into.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_hello(session: usize) -> Vec<u8> {
        let mut body = vec![2, 0, 0, 70, 3, 1];
        body.extend_from_slice(&[7; 32]);
        body.push(session as u8);
        body.extend(std::iter::repeat_n(9, session));
        body.extend_from_slice(&[0x00, 0x2f, 0]);
        body
    }

    #[test]
    fn the_choice_of_a_server_is_read_with_and_without_a_session() {
        for session in [0, 32] {
            let chose = Answer::Chose { version: 0x0301, cipher: 0x002f };
            assert_eq!(answer([22, 3, 1, 0, 74], &server_hello(session)), chose);
        }
    }

    #[test]
    fn alerts_other_protocols_and_halves_are_told_apart() {
        assert_eq!(answer([21, 3, 1, 0, 2], &[2, 70]), Answer::Alert(70));
        assert_eq!(answer(*b"HTTP/", b"1.1 400 Bad"), Answer::NotTls);
        let whole = server_hello(0);
        for cut in 0..whole.len() - 1 {
            assert_eq!(answer([22, 3, 1, 0, 74], &whole[..cut]), Answer::Nothing, "cut at {cut}");
        }
    }

    #[test]
    fn every_cipher_is_named() {
        assert_eq!(cipher_name(0x002f), "TLS_RSA_WITH_AES_128_CBC_SHA");
        assert_eq!(cipher_name(0x1234), "cipher 0x1234");
        assert_eq!(version_name(0x0301), "TLS 1.0");
    }
}
