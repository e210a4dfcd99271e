//! TLS by OpenSSL on top of a TCP stream, for the peers that [`LegacyTls`] names.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use openssl::ssl::{Ssl, SslRef};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::pki::{self, LegacyTls};

/// Opens TLS to `remote`, which must prove `name`.
pub(super) async fn connect(
    tls: &LegacyTls,
    stream: TcpStream,
    name: &str,
    remote: SocketAddr,
    limit: Duration,
) -> Result<(SslStream<TcpStream>, Vec<String>), String> {
    let words = |error: openssl::error::ErrorStack| error.to_string();
    let mut ssl = Ssl::new(&tls.client).map_err(words)?;
    ssl.set_hostname(name).map_err(words)?;
    let mut stream = SslStream::new(ssl, stream).map_err(words)?;
    let connected = tokio::time::timeout(limit, Pin::new(&mut stream).connect()).await;
    finish(connected, &remote, limit, stream.ssl())?;
    let proved = names(stream.ssl());
    match proved.iter().any(|proved| proved.eq_ignore_ascii_case(name)) {
        _ if !tls.verified => Ok((stream, Vec::new())),
        true => Ok((stream, proved)),
        false => Err(format!("the certificate of {remote} is for {}, not for {name}", proved.join(", "))),
    }
}

/// Accepts TLS; gives the names that the client's certificate proves.
pub(super) async fn accept(
    tls: &LegacyTls,
    stream: TcpStream,
    remote: SocketAddr,
    limit: Duration,
) -> Result<(SslStream<TcpStream>, Vec<String>), String> {
    let words = |error: openssl::error::ErrorStack| error.to_string();
    let ssl = Ssl::new(&tls.server).map_err(words)?;
    let mut stream = SslStream::new(ssl, stream).map_err(words)?;
    let accepted = tokio::time::timeout(limit, Pin::new(&mut stream).accept()).await;
    finish(accepted, &remote, limit, stream.ssl())?;
    tls.admits(certificate(stream.ssl()).as_ref())?;
    let proved = if tls.verified { names(stream.ssl()) } else { Vec::new() };
    Ok((stream, proved))
}

/// The reason in words. OpenSSL's own for a bad chain is "certificate verify failed" and nothing else.
fn finish(
    ended: Result<Result<(), openssl::ssl::Error>, tokio::time::error::Elapsed>,
    remote: &SocketAddr,
    limit: Duration,
    ssl: &SslRef,
) -> Result<(), String> {
    let ended = ended.map_err(|_| format!("{remote} did not complete a TLS handshake within {limit:?}"))?;
    ended.map_err(|error| match ssl.verify_result() {
        openssl::x509::X509VerifyResult::OK => format!("TLS with {remote}: {error}"),
        why => format!("the certificate of {remote} is not accepted: {}", why.error_string()),
    })
}

fn certificate(ssl: &SslRef) -> Option<CertificateDer<'static>> {
    ssl.peer_certificate()?.to_der().ok().map(CertificateDer::from)
}

fn names(ssl: &SslRef) -> Vec<String> {
    certificate(ssl).map(|certificate| pki::names_of(&certificate)).unwrap_or_default()
}
