//! SIP-002: a TLS handshake that only looks, so that version, certificate and refusals are seen apart.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kirkwall_core::doctor::{Finding, check};
use kirkwall_core::id::Tokens;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, Error, ProtocolVersion, SignatureScheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::old_tls::{self, Answer};
use super::{STEP, proxy};
use crate::pki::{Chain, LiveIdentity, Oldest, looking_config, words};

/// How long a refusal of our certificate may take under TLS 1.3, where it comes after the handshake.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// What a handshake showed.
pub(super) struct Seen {
    /// The chain of the server.
    pub chain: Option<Chain>,
    /// What became of our certificate.
    pub ours: Ours,
}

/// What became of our certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ours {
    /// The server did not ask for one.
    NotAsked,
    /// Asked for and taken.
    Accepted,
    /// Shown, and no objection so far (TLS 1.3).
    NoObjection,
    /// Asked for, and we had none; the server went on or not.
    Missing {
        /// Whether the connection stands nevertheless.
        stands: bool,
    },
    /// Refused, in the server's words.
    Refused(String),
}

/// Opens TLS over `stream`; `legacy` is what OpenSSL may do with this server instead. Gives what was seen beside the finding when the handshake got that far.
pub(super) async fn look(
    stream: TcpStream,
    address: SocketAddr,
    name: Option<&str>,
    (identity, legacy): (Option<Arc<LiveIdentity>>, Option<Oldest>),
    tokens: &mut Tokens,
) -> (Finding, Option<Seen>) {
    let check = &check::SIP_002;
    let asked = Arc::new(Asked { identity, asked: AtomicBool::new(false) });
    let config = match looking_config(asked.clone()) {
        Ok(config) => config,
        Err(fault) => {
            return (
                Finding::error(check, fault.to_string(), "This is a fault of the program; report it."),
                None,
            );
        }
    };
    let server = proxy::server_name(name, address);
    let connecting = TlsConnector::from(Arc::new(config)).connect(server, stream);
    match tokio::time::timeout(STEP, connecting).await {
        Err(_) => (silent(address), None),
        Ok(Ok(stream)) => {
            let finding = Finding::good(check, format!("{address}: {}", agreed(&stream)));
            (finding, Some(after(stream, &asked).await))
        }
        Ok(Err(error)) => failed(&error, address, name, (&asked, legacy), tokens).await,
    }
}

fn silent(address: SocketAddr) -> Finding {
    Finding::error(
        &check::SIP_002,
        format!("{address}: the connection stands, but there is no TLS handshake within {STEP:?}"),
        "Something accepts connections and does not speak TLS: a firewall or load balancer in between, a hung service, or a port that is not for TLS.",
    )
    .with_command(format!("openssl s_client -connect {address}"))
}

fn agreed(stream: &TlsStream<TcpStream>) -> String {
    let session = stream.get_ref().1;
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
    format!("{version}, {}", cipher.unwrap_or_default().trim_start_matches("TLS13_"))
}

async fn after(mut stream: TlsStream<TcpStream>, asked: &Asked) -> Seen {
    let session = stream.get_ref().1;
    let chain = Chain::shown("certificate of the proxy", session.peer_certificates().unwrap_or_default());
    // RFC 5246 §7.3: in TLS 1.2 the server has checked our certificate before its Finished; in TLS 1.3
    // (RFC 8446 §4.4) our side is finished first.
    let late = session.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    let ours = match (asked.was(), asked.identity.is_some(), late) {
        (false, ..) => Ours::NotAsked,
        (true, true, false) => Ours::Accepted,
        (true, false, false) => Ours::Missing { stands: true },
        (true, has, true) => match (objection(&mut stream).await, has) {
            (Some(refusal), true) => Ours::Refused(refusal),
            (Some(_), false) => Ours::Missing { stands: false },
            (None, true) => Ours::NoObjection,
            (None, false) => Ours::Missing { stands: true },
        },
    };
    let _ = tokio::time::timeout(AFTERWARDS, stream.shutdown()).await;
    Seen { chain, ours }
}

/// Waits for a refusal. A CRLF CRLF asks for an answer (RFC 5626 §3.5.1), so a server that is content
/// may say so at once.
async fn objection(stream: &mut TlsStream<TcpStream>) -> Option<String> {
    let mut answer = [0; 64];
    let talk = async {
        stream.write_all(b"\r\n\r\n").await?;
        stream.flush().await?;
        stream.read(&mut answer).await
    };
    match tokio::time::timeout(AFTERWARDS, talk).await {
        Ok(Err(error)) => Some(tls_error(&error).map_or_else(|| error.to_string(), words)),
        Ok(Ok(0)) => Some("the peer hung up after it had seen our certificate".to_owned()),
        Ok(Ok(_)) | Err(_) => None,
    }
}

async fn failed(
    error: &io::Error,
    address: SocketAddr,
    name: Option<&str>,
    (asked, legacy): (&Asked, Option<Oldest>),
    tokens: &mut Tokens,
) -> (Finding, Option<Seen>) {
    let check = &check::SIP_002;
    let tls = tls_error(error);
    let said = tls.map_or_else(|| error.to_string(), words);
    if asked.was() && matches!(tls, None | Some(Error::AlertReceived(_))) && !is_about_version(tls) {
        // Version and cipher were agreed before the server asked; what it refuses is our certificate.
        let ours =
            if asked.identity.is_some() { Ours::Refused(said) } else { Ours::Missing { stands: false } };
        let finding = Finding::good(
            check,
            format!("{address}: version and cipher agreed; refused afterwards (SIP-004)"),
        );
        return (finding, Some(Seen { chain: None, ours }));
    }
    let answer =
        tokio::time::timeout(STEP, old_tls::ask(address, name, tokens)).await.unwrap_or(Answer::Nothing);
    let finding = match answer {
        Answer::Chose { version, cipher } if !old_tls::is_ours(version, cipher) => {
            too_old(address, name, (version, cipher), legacy)
        }
        Answer::NotTls => Finding::error(
            check,
            format!("{address}: this port answers, but not with TLS"),
            "Name the TLS port of the proxy in sip.proxies (5061 by default), or set sip.transport = \"tcp\".",
        ),
        Answer::Chose { .. } | Answer::Alert(_) | Answer::Nothing => Finding::error(
            check,
            format!("{address}: {said}"),
            "See what the server offers; TLS 1.2 or 1.3 with ECDHE and AES-GCM or ChaCha20 is needed.",
        )
        .with_command(format!("openssl s_client -connect {address} -servername {}", name.unwrap_or("NAME"))),
    };
    (finding, None)
}

/// What a server of another age needs, and whether it has it.
fn too_old(
    address: SocketAddr,
    name: Option<&str>,
    (version, cipher): (u16, u16),
    legacy: Option<Oldest>,
) -> Finding {
    let check = &check::SIP_002;
    let (version_name, cipher_name) = (old_tls::version_name(version), old_tls::cipher_name(cipher));
    let needs = old_tls::needs(version, cipher);
    if needs.is_some_and(|needs| legacy == Some(Oldest::Tls10) || legacy == Some(needs)) {
        let evidence = format!("{address}: {version_name}, {cipher_name}, by OpenSSL (sip.legacy_tls)");
        return Finding::good(check, evidence);
    }
    let what = match version < 0x0303 {
        true => format!("speaks no newer version than {version_name} (it chose {cipher_name})"),
        false => format!(
            "speaks {version_name}, but has no cipher in common with this switch: it would take {cipher_name}"
        ),
    };
    let evidence =
        format!("{address}: the server {what}; rustls, the TLS library of this switch, has neither");
    let name = name.unwrap_or("NAME");
    let (set, update) = (
        format!("sip.legacy_tls = [\"{name}\"]"),
        "enable TLS 1.2 and TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 on the server (Windows Server 2016 and later)",
    );
    let mend = match needs {
        Some(Oldest::Tls12) => format!("Set {set}, so that OpenSSL speaks with it; better, {update}."),
        Some(Oldest::Tls10) => format!(
            "Better {update}. If that cannot be, set {set} and sip.legacy_tls_1_0 = true: it is weak encryption."
        ),
        None => format!("Nothing in this switch speaks that any more: {update}."),
    };
    Finding::error(check, evidence, &mend)
        .with_command(format!("openssl s_client -connect {address} -tls1_2"))
}

fn is_about_version(error: Option<&Error>) -> bool {
    matches!(
        error,
        Some(Error::AlertReceived(
            AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity
        ))
    )
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// Shows our certificate, and remembers that it was asked for.
#[derive(Debug)]
struct Asked {
    identity: Option<Arc<LiveIdentity>>,
    asked: AtomicBool,
}

impl Asked {
    fn was(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::SeqCst);
        self.identity.as_ref()?.resolve(issuers, schemes)
    }

    fn has_certs(&self) -> bool {
        // Also without one, to hear of the request.
        true
    }
}
