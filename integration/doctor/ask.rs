//! Requests of the doctor to a proxy, over the same transports as the switch's own, and their answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use kirkwall_core::sip::wire::{HeaderName, Message, Method, Via};
use kirkwall_core::sip::{Destination, Facing, Transport};
use kirkwall_core::timer::{T1, T2};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::STEP;
use super::proxy::Visit;
use crate::pki::client_config;
use crate::sip::{Arrival, CloseCause, Listen, SendFault, Transports, TransportsConfig};

/// Arrivals kept; a proxy that sends more unasked is cut short.
const INBOX: usize = 64;

/// A final answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub message: Message,
    pub round_trip: Duration,
    pub arrived: SystemTime,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// TLS ended it; maybe our certificate was refused.
    Tls(String),
    /// Sent, and nothing came.
    Silence,
    /// Anything else, in words.
    Other(String),
}

/// Asks `to` with OPTIONS, and with REGISTER when there is a user. The answers stand in the same order.
pub(super) async fn ask(
    visit: &mut Visit,
    to: &Destination,
) -> Result<Vec<Result<Answer, NoAnswer>>, String> {
    let (sender, mut inbox) = mpsc::channel(INBOX);
    let sink = move |arrival| drop(sender.try_send(arrival));
    let transports = Transports::start(config(visit, to)?, sink).await.map_err(|fault| fault.to_string())?;
    let local = transports.local(Facing::North, to.transport, to.address.ip());
    let local = local.ok_or_else(|| format!("there is no route to {}", to.address.ip()))?;
    let mut requests = vec![options(visit, to, local)];
    if let Ok(aor) = visit.north.aor.clone() {
        requests.push(register(visit, to, local, &aor));
    }
    let answers = gather(&transports, &mut inbox, to, requests).await;
    transports.shutdown().await;
    Ok(answers)
}

fn config(visit: &Visit, to: &Destination) -> Result<TransportsConfig, String> {
    let mut config = TransportsConfig::default();
    match to.transport {
        Transport::Udp => {
            let any = if to.address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let bind = any.parse().map_err(|error| format!("{any}: {error}"))?;
            config.listeners.push(Listen { facing: Facing::North, transport: Transport::Udp, bind });
        }
        Transport::Tcp => {}
        Transport::Tls => {
            let trust = visit.north.trust.as_ref().map_err(Clone::clone)?;
            let tls = client_config(trust, visit.identity.clone()).map_err(|fault| fault.to_string())?;
            config.client_tls.insert(Facing::North, tls);
        }
    }
    Ok(config)
}

/// Sends all, repeats over UDP, and waits for a final answer to each.
async fn gather(
    transports: &Transports,
    inbox: &mut mpsc::Receiver<Arrival>,
    to: &Destination,
    requests: Vec<Message>,
) -> Vec<Result<Answer, NoAnswer>> {
    let begun = Instant::now();
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    let mut answers: Vec<Result<Answer, NoAnswer>> = vec![Err(NoAnswer::Silence); requests.len()];
    for (at, request) in requests.iter().enumerate() {
        open.insert(call_id(request), at);
        transports.send(request.clone(), to.clone());
    }
    let mut interval = T1;
    let mut again = begun + interval;
    let deadline = begun + STEP;
    while !open.is_empty() && Instant::now() < deadline {
        let until = if to.transport == Transport::Udp { again.min(deadline) } else { deadline };
        match tokio::time::timeout_at(until, inbox.recv()).await {
            Ok(Some(arrival)) => take(arrival, begun.elapsed(), &mut open, &mut answers),
            Ok(None) => break,
            Err(_) => {
                // RFC 3261 §17.1.2.2: Timer E doubles up to T2.
                open.values().for_each(|&at| transports.send(requests[at].clone(), to.clone()));
                interval = (interval * 2).min(T2);
                again += interval;
            }
        }
    }
    answers
}

fn take(
    arrival: Arrival,
    round_trip: Duration,
    open: &mut BTreeMap<String, usize>,
    answers: &mut [Result<Answer, NoAnswer>],
) {
    match arrival {
        Arrival::Message { parsed: Ok(message), .. } => {
            let is_final = message.status().is_some_and(|status| status >= 200);
            if let Some(at) = is_final.then(|| open.remove(&call_id(&message))).flatten() {
                answers[at] = Ok(Answer { message, round_trip, arrived: SystemTime::now() });
            }
        }
        Arrival::Message { parsed: Err(fault), .. } => {
            let said = NoAnswer::Other(format!("an answer came that is no SIP: {fault}"));
            open.values().for_each(|&at| answers[at] = Err(said.clone()));
        }
        Arrival::SendFailed { message, cause, .. } => {
            if let Some(at) = open.remove(&call_id(&message)) {
                answers[at] = Err(match cause {
                    SendFault::Tls(what) | SendFault::Closed(CloseCause::Tls(what)) => NoAnswer::Tls(what),
                    other => NoAnswer::Other(other.to_string()),
                });
            }
        }
        Arrival::Closed { cause, .. } => {
            let said = match cause {
                CloseCause::Tls(what) => NoAnswer::Tls(what),
                other => NoAnswer::Other(format!("the connection ended without an answer: {other}")),
            };
            std::mem::take(open).into_values().for_each(|at| answers[at] = Err(said.clone()));
        }
        Arrival::Opened { .. } | Arrival::Refused { .. } => {}
    }
}

/// RFC 3261 §11: OPTIONS, "to query another UA or a proxy server as to its capabilities".
fn options(visit: &mut Visit, to: &Destination, local: SocketAddr) -> Message {
    let domain = visit.domain();
    let ours = visit.our_name(local);
    let mut request = Message::request(Method::Options, format!("sip:{domain}"));
    common(visit, &mut request, to, local, (&format!("sip:{ours}"), &format!("sip:{domain}")));
    let transport = to.transport.uri_name();
    request.headers.push(HeaderName::Contact, format!("<sip:{ours}:{};transport={transport}>", local.port()));
    request.headers.push(HeaderName::Accept, "application/sdp");
    request
}

/// RFC 3261 §10.2.3: "A success response to any REGISTER request contains the complete list of existing
/// bindings, regardless of whether the request contained a Contact header field." Without one it changes
/// nothing.
fn register(visit: &mut Visit, to: &Destination, local: SocketAddr, aor: &str) -> Message {
    let domain = visit.domain();
    let mut request = Message::request(Method::Register, format!("sip:{domain}"));
    common(visit, &mut request, to, local, (aor, aor));
    request
}

fn common(
    visit: &mut Visit,
    request: &mut Message,
    to: &Destination,
    local: SocketAddr,
    (from, dialled): (&str, &str),
) {
    let method = request.method().unwrap_or(Method::Options);
    let (transport, cookie, branch) = (to.transport.via_name(), Via::COOKIE, visit.tokens.word());
    let (tag, call) = (visit.tokens.word(), visit.tokens.word());
    let mut push = |name: HeaderName, value: String| request.headers.push(name, value);
    push(HeaderName::Via, format!("SIP/2.0/{transport} {local};branch={cookie}{branch};rport"));
    push(HeaderName::MaxForwards, "70".to_owned());
    push(HeaderName::From, format!("<{from}>;tag={tag}"));
    push(HeaderName::To, format!("<{dialled}>"));
    push(HeaderName::CallId, call);
    push(HeaderName::CSeq, format!("1 {}", method.as_str()));
    push(HeaderName::UserAgent, visit.north.user_agent.clone());
}

fn call_id(message: &Message) -> String {
    message.call_id().map(ToString::to_string).unwrap_or_default()
}
