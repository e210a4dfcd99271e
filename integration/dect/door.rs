//! From the handshake to the moment when it is known whose link it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use futures::{SinkExt as _, StreamExt as _};
use kirkwall_core::dect::base_link::ToBase;
use kirkwall_core::dect::base_link::code::{GoodbyeReason, RefuseReason};
use kirkwall_core::dect::base_link::enrolment::KeyPrint;
use kirkwall_core::dect::base_link::greeting::{Certified, Greeting, Verdict, refuse};
use kirkwall_core::dect::base_link::value::{BaseId, Der};
use kirkwall_core::dect::base_link::word::{EnrolCfm, Goodbye, Hello};
use kirkwall_core::pii::Pii;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::server::TlsStream;
use tokio_util::codec::Framed;
use tracing::{info, warn};

use super::accept::Porch;
use super::codec::{Frames, Piece, StreamFault};
use super::table::{Seat, source};
use super::{count, link};
use crate::pki::CertificateRequest;

pub(super) type Stream = Framed<TlsStream<TcpStream>, Frames>;

/// Serves one connection to its end.
pub(super) async fn serve(
    porch: Arc<Porch>,
    stream: TlsStream<TcpStream>,
    certified: Option<Certified>,
    remote: SocketAddr,
    seat: Seat,
) {
    let (frames, longest) = Frames::new();
    let mut stream = Framed::new(stream, frames);
    let stop = porch.links.stop.clone();
    let verdict = tokio::select! {
        verdict = greet(&porch, &mut stream, certified) => verdict,
        () = stop.cancelled() => Some(Verdict::Refuse(refuse(RefuseReason::NOT_NOW))),
    };
    match verdict {
        None | Some(Verdict::Wait) => count("greeting"),
        Some(Verdict::Refuse(refused)) => {
            count("refused");
            info!(source = %source(remote), reason = %refused.reason, "base link: refused at the door");
            last_word(&porch, &mut stream, refused.into()).await;
        }
        Some(Verdict::Enrol { hello, token, csr }) => {
            let answer = match enrol(&porch, hello.as_deref(), token, &csr).await {
                Ok((base, granted)) => {
                    info!(%base, source = %source(remote), "base link: base station enrolled");
                    ToBase::from(granted)
                }
                Err(reason) => {
                    count("enrolment");
                    warn!(source = %source(remote), %reason, "base link: enrolment refused");
                    refuse(reason).into()
                }
            };
            last_word(&porch, &mut stream, answer).await;
        }
        Some(Verdict::Admit(hello, certified)) => {
            link::run(porch, stream, longest, hello, certified, remote, seat).await;
        }
    }
}

/// What the first frames come to; `None` when the connection was closed, or its octets are no frames.
async fn greet(porch: &Porch, stream: &mut Stream, certified: Option<Certified>) -> Option<Verdict> {
    let mut greeting = Greeting::new(certified);
    let mut until = Instant::now() + porch.links.limits.greeting;
    loop {
        match timeout_at(until, stream.next()).await {
            Err(_) => return Some(greeting.expire()),
            Ok(None | Some(Err(StreamFault::Io(_)))) => return None,
            Ok(Some(Err(StreamFault::Malformed(_)))) => {
                let goodbye = Goodbye { reason: GoodbyeReason::PROTOCOL, retry_s: None };
                last_word(porch, stream, goodbye.into()).await;
                return None;
            }
            Ok(Some(Ok(Piece::Begun))) => {}
            Ok(Some(Ok(Piece::Frame(heard)))) => match greeting.hear(heard) {
                Verdict::Wait => until = Instant::now() + porch.links.limits.greeting,
                verdict => return Some(verdict),
            },
        }
    }
}

/// Sends the only word of a connection, and closes it.
async fn last_word(porch: &Porch, stream: &mut Stream, word: ToBase) {
    let said = async {
        stream.send((1, word)).await?;
        stream.close().await
    };
    // Who does not take it has closed already.
    let _ = timeout(porch.links.limits.write, said).await;
}

/// The token is used, then the certificate is given.
async fn enrol(
    porch: &Porch,
    hello: Option<&Hello>,
    token: Pii<String>,
    csr: &Der,
) -> Result<(BaseId, EnrolCfm), RefuseReason> {
    let request = CertificateRequest::read(csr.as_slice()).map_err(|fault| {
        info!(%fault, "base link: a certificate request was refused");
        RefuseReason::BAD_WORD
    })?;
    let named = request.name().and_then(|name| name.parse().ok());
    // The name in the request is the one it will have; what HELLO says cannot be another.
    let base: BaseId = named.ok_or(RefuseReason::BAD_WORD)?;
    if hello.is_some_and(|hello| hello.base_id != base) {
        return Err(RefuseReason::STOLEN_ID);
    }
    let redeemed = porch.office.redeem(base, KeyPrint::of(request.spki()), token);
    match timeout(porch.links.limits.greeting, redeemed).await {
        Ok(redeemed) => redeemed?,
        Err(_) => return Err(RefuseReason::NOT_NOW),
    }
    let issued = porch.authority.issue(&request, &base.to_string(), SystemTime::now());
    let certificate = issued.map_err(|fault| {
        warn!(%fault, %base, "base link: no certificate could be made");
        RefuseReason::NOT_NOW
    })?;
    let ca = porch.authority.certificate().to_vec();
    let granted = Der::new(certificate).zip(Der::new(ca)).map(|(cert, ca)| EnrolCfm { cert, ca });
    granted.map(|granted| (base, granted)).ok_or(RefuseReason::NOT_NOW)
}
