//! The connection to the switch: TCP, TLS 1.3, and enrolment for a base that has no certificate.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::codec::Framed;

use super::identity::{self, Identity};
use super::{BaseConfig, Proof};
use crate::dect::obl::number::{kind, tag};
use crate::dect::obl::{Coding, Frame};
use crate::sip::Failure;

/// How long connecting and enrolling may take; a machine that does 256 at once needs some time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A link.
pub(super) type Link = Framed<TlsStream<TcpStream>, Coding>;

/// What connecting came to.
pub(super) enum Opened {
    /// A link to say HELLO on, and the certificate shown on it.
    Link(Box<Link>, Option<Identity>),
    /// The switch would not enrol us, and said so.
    Refused(Frame),
}

/// Connects; asks for a certificate first when there is a token instead of one.
pub(super) async fn open(config: BaseConfig, identity: Option<Identity>) -> Result<Opened, Failure> {
    let opening = async {
        let identity = match (identity, &config.proof) {
            (Some(identity), _) => Some(identity),
            (None, Proof::Token(token)) => match enrol(&config, token).await? {
                Ok(identity) => Some(identity),
                Err(refusal) => return Ok(Opened::Refused(refusal)),
            },
            (None, Proof::Identity(_) | Proof::Nothing) => None,
        };
        let link = connect(&config, identity.as_ref()).await?;
        Ok(Opened::Link(Box::new(link), identity))
    };
    let opened = tokio::time::timeout(PATIENCE, opening).await;
    opened.unwrap_or_else(|_| Err(Failure::io("connecting to the switch", "no answer")))
}

async fn connect(config: &BaseConfig, identity: Option<&Identity>) -> Result<Link, Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::io(format!("connecting to {}", config.switch), e);
    let tls = identity.map_or_else(identity::stranger, Identity::client)?;
    let name = ServerName::try_from(config.switch_name.clone()).map_err(|e| failed(&e))?;
    let socket = TcpStream::connect(config.switch).await.map_err(|e| failed(&e))?;
    socket.set_nodelay(true).map_err(|e| failed(&e))?;
    let stream = TlsConnector::from(tls).connect(name, socket).await.map_err(|e| failed(&e))?;
    if stream.get_ref().1.alpn_protocol() != Some(identity::ALPN) {
        return Err(failed(&"the switch does not speak obl/1"));
    }
    Ok(Framed::new(stream, Coding))
}

/// ENROL on a connection of its own: a certificate, or the frame that refuses it.
async fn enrol(config: &BaseConfig, token: &str) -> Result<Result<Identity, Frame>, Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::io("enrolling", e);
    let (key, request) = identity::request(config.base_id)?;
    let mut link = connect(config, None).await?;
    let ask = Frame { seq: 1, ..Frame::request(kind::ENROL) };
    link.send(ask.text(tag::ENROL_TOKEN, token).bytes(tag::CSR, &request)).await.map_err(|e| failed(&e))?;
    let answer = link.next().await.ok_or_else(|| failed(&"the switch hung up"))?.map_err(|e| failed(&e))?;
    let part = |tag| answer.get(tag).map(<[u8]>::to_vec);
    match (answer.kind, part(tag::CERT), part(tag::CA)) {
        (kind::ENROL_CFM, Some(certificate), Some(ca)) => Ok(Ok(identity::granted(key, certificate, ca))),
        _ => Ok(Err(answer)),
    }
}
