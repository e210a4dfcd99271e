//! DNS-003, SIP-001 to SIP-006 and TIME-002: one visit to one proxy, step by step as a call would go.
//!
//! ```text
//! resolve ─► connect ─► TLS that only looks ─► certificate ─► OPTIONS, REGISTER over the real transports
//! DNS-003    SIP-001    SIP-002, SIP-004       SIP-003        SIP-005, SIP-006, TIME-002, SIP-004
//! ```
//!
//! The first step that fails ends the visit; those after it are told as skipped.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use kirkwall_core::doctor::{
    Check, Finding, Skew, answer_to_options, answer_to_register, check, clock_skew, parse_http_date,
};
use kirkwall_core::id::Tokens;
use kirkwall_core::sip::wire::HeaderName;
use kirkwall_core::sip::{Destination, Facing, Transport};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;

use super::ask::{Answer, NoAnswer, ask};
use super::handshake::{self, Ours, Seen};
use super::tasks::Tasks;
use super::{NorthPlan, STEP};
use crate::pki::{Chain, LiveIdentity, Trust, words};
use crate::sip::{Resolver, Target};

/// Addresses of one proxy that are tried.
const ADDRESSES: usize = 8;

/// One proxy and what we show it.
pub(super) struct Visit {
    pub host: String,
    pub port: Option<u16>,
    pub own_name: Option<String>,
    pub north: Arc<NorthPlan>,
    pub identity: Option<Arc<LiveIdentity>>,
    pub tokens: Tokens,
}

impl Visit {
    /// The domain that is asked for.
    pub fn domain(&self) -> String {
        self.north.domain.clone().unwrap_or_else(|| self.host.clone())
    }

    /// How we call ourselves: the pool of the topology, our name, or our address.
    pub fn our_name(&self, local: SocketAddr) -> String {
        let pool = self.north.topology.as_ref().map(|topology| topology.pool.clone());
        let address = || match local.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        pool.or_else(|| self.own_name.clone()).unwrap_or_else(address)
    }

    fn target(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", self.host)
    }

    fn after(&self, failed: &Check, of: &[&'static Check], into: &mut Vec<Finding>) {
        let evidence = format!("not tried, because of {}", failed.id);
        into.extend(of.iter().map(|check| Finding::skipped(check, &evidence)));
    }
}

pub(super) fn plan(tasks: &mut Tasks, visit: Visit, resolver: Result<Resolver, String>) {
    let target = visit.target();
    tasks.add(&check::SIP_001, Some(target.clone()), async move {
        let found = walk(visit, resolver).await;
        found.into_iter().map(|finding| finding.of(&target)).collect()
    });
}

const AFTER_DNS: &[&Check] = &[
    &check::SIP_001,
    &check::SIP_002,
    &check::SIP_003,
    &check::SIP_004,
    &check::SIP_005,
    &check::SIP_006,
    &check::TIME_002,
];

async fn walk(mut visit: Visit, resolver: Result<Resolver, String>) -> Vec<Finding> {
    let mut found = Vec::new();
    let destinations = match resolve(&mut visit, resolver).await {
        Ok((finding, destinations)) => {
            found.push(finding);
            destinations
        }
        Err(finding) => {
            found.push(finding);
            visit.after(&check::DNS_003, AFTER_DNS, &mut found);
            return found;
        }
    };
    let transport = visit.north.transport;
    let (first, stream) = if transport == Transport::Udp {
        found.push(Finding::skipped(
            &check::SIP_001,
            "sip.transport = \"udp\" has no connection; see SIP-005",
        ));
        (destinations[0].clone(), None)
    } else {
        let (finding, connected) = connect(&destinations).await;
        found.push(finding);
        let Some((to, stream)) = connected else {
            visit.after(&check::SIP_001, &AFTER_DNS[1..], &mut found);
            return found;
        };
        (to, Some(stream))
    };
    let mut ours = None;
    match stream.filter(|_| transport == Transport::Tls) {
        Some(stream) => match secure(&mut visit, &first, stream, &mut found).await {
            Some(seen) => ours = Some(seen.ours),
            None => return found,
        },
        None => {
            let evidence = format!("sip.transport = \"{}\"", transport.uri_name());
            let of = [&check::SIP_002, &check::SIP_003, &check::SIP_004];
            found.extend(of.map(|check| Finding::skipped(check, &evidence)));
        }
    }
    speak(&mut visit, &first, ours, &mut found).await;
    found
}

async fn resolve(
    visit: &mut Visit,
    resolver: Result<Resolver, String>,
) -> Result<(Finding, Vec<Destination>), Finding> {
    let check = &check::DNS_003;
    let north = &visit.north;
    let target = Target {
        host: visit.host.clone(),
        port: visit.port,
        transport: north.transport,
        facing: Facing::North,
    };
    let resolver =
        resolver.map_err(|why| Finding::error(check, why, "Mend /etc/resolv.conf on this machine."))?;
    let tokens = &mut visit.tokens;
    let resolved = resolver.resolve(&target, north.dns, || tokens.number() as u32).await;
    match resolved {
        Ok(found) if !found.is_empty() => {
            let addresses: Vec<_> = found.iter().map(|to| to.address.to_string()).collect();
            Ok((Finding::good(check, addresses.join(", ")), found))
        }
        Ok(_) => Err(Finding::error(check, "no address", "Add an A record for it to your DNS.")),
        Err(fault) => Err(Finding::error(
            check,
            fault.to_string(),
            "Add an A record for it to your DNS, or correct sip.proxies; for SRV records set sip.dns_method = \"srv\".",
        )
        .with_command(format!("getent ahosts {}", visit.host))),
    }
}

/// Tries all addresses at once; goes on with the first, in the order of DNS, that answers.
async fn connect(destinations: &[Destination]) -> (Finding, Option<(Destination, TcpStream)>) {
    let check = &check::SIP_001;
    let begun = Instant::now();
    let tries = destinations.iter().take(ADDRESSES).map(|to| async move {
        let tried = tokio::time::timeout(STEP, TcpStream::connect(to.address)).await;
        let tried = match tried {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {STEP:?}")),
        };
        (to, begun.elapsed(), tried)
    });
    let (mut good, mut bad, mut first) = (Vec::new(), Vec::new(), None);
    for (to, took, tried) in join_all(tries).await {
        match tried {
            Ok(stream) => {
                good.push(format!("{} answers in {} ms", to.address, took.as_millis()));
                first.get_or_insert((to.clone(), stream));
            }
            Err(why) => bad.push(format!("{}: {why}", to.address)),
        }
    }
    let evidence = good.iter().chain(&bad).cloned().collect::<Vec<_>>().join("; ");
    let mend =
        "Is the service running there, is the port right, and does every firewall in between let it through?";
    let dead =
        destinations.iter().map(|to| to.address).next().map(|to| format!("nc -vz {} {}", to.ip(), to.port()));
    let finding = match (good.is_empty(), bad.is_empty()) {
        (false, true) => Finding::good(check, evidence),
        (false, false) => Finding::warning(check, evidence, mend),
        (true, _) => Finding::error(check, evidence, mend).with_command(dead.unwrap_or_default()),
    };
    (finding, first)
}

/// SIP-002 and SIP-003, and SIP-004 when it is clear already. `None` ends the visit.
async fn secure(
    visit: &mut Visit,
    to: &Destination,
    stream: TcpStream,
    found: &mut Vec<Finding>,
) -> Option<Seen> {
    let (name, identity) = (to.server_name.clone(), visit.identity.clone());
    let named = |host: &String| name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(host));
    let legacy =
        visit.north.legacy.as_ref().filter(|(hosts, _)| hosts.iter().any(named)).map(|(_, old)| *old);
    let (finding, seen) =
        handshake::look(stream, to.address, name.as_deref(), (identity, legacy), &mut visit.tokens).await;
    found.push(finding);
    let Some(seen) = seen else {
        visit.after(&check::SIP_002, &AFTER_DNS[2..], found);
        return None;
    };
    let proved = match &seen.chain {
        None => {
            Err(Box::new(Finding::skipped(&check::SIP_003, "the proxy hung up before it could be looked at")))
        }
        Some(chain) => certificate(visit, chain, to),
    };
    let refused = match (&proved, client_certificate(visit, &seen.ours, None)) {
        (_, Some(finding)) if matches!(seen.ours, Ours::Refused(_) | Ours::Missing { stands: false }) => {
            Some(finding)
        }
        (Err(_), Some(finding)) => Some(finding),
        // Under TLS 1.3 an answer to OPTIONS would have been the proof.
        (Err(_), None) => Some(Finding::good(&check::SIP_004, "shown; no objection came")),
        (Ok(_), _) => None,
    };
    let failed = if proved.is_err() { &check::SIP_003 } else { &check::SIP_004 };
    found.push(proved.unwrap_or_else(|finding| *finding));
    match refused {
        None => Some(seen),
        Some(finding) => {
            found.push(finding);
            visit.after(failed, &AFTER_DNS[4..], found);
            None
        }
    }
}

/// SIP-003: `Err` when the switch would end the connection.
fn certificate(visit: &Visit, chain: &Chain, to: &Destination) -> Result<Finding, Box<Finding>> {
    let check = &check::SIP_003;
    let error = |evidence: &str, mend: &str| Box::new(Finding::error(check, evidence, mend));
    let facts = chain.facts().map_err(|fault| error(&fault.to_string(), "Have it issued again."))?;
    let held = chain.names().join(", ");
    let shown = format!("for {held}, issued by {}", facts[0].issuer);
    let north = &visit.north;
    let trust = match &north.trust {
        Ok(trust) => trust,
        Err(why) => {
            return Err(error(why, "Set sip.ca to the PEM bundle of your authority."));
        }
    };
    if matches!(trust, Trust::Unverified) {
        let evidence = format!("{shown}; not verified, because sip.verify = false");
        let mend = "Anyone on the way can listen in. Set sip.ca to the bundle of your authority, and sip.verify = true.";
        return Ok(Finding::warning(check, evidence, mend));
    }
    let name = server_name(to.server_name.as_deref(), to.address);
    match chain.check_server(trust, &name, SystemTime::now()) {
        Ok(()) => Ok(Finding::good(check, shown)),
        Err(fault) => {
            let asked = to.server_name.clone().unwrap_or_else(|| to.address.ip().to_string());
            let command = format!("openssl s_client -connect {} -servername {asked} -showcerts", to.address);
            let mend = mend_of(&fault, visit, &held);
            Err(Box::new(error(&format!("{shown}: {}", words(&fault)), &mend).with_command(command)))
        }
    }
}

fn mend_of(error: &rustls::Error, visit: &Visit, held: &str) -> String {
    use rustls::CertificateError as Fault;
    let rustls::Error::InvalidCertificate(fault) = error else {
        return "Look at the certificate of the proxy.".to_owned();
    };
    match fault {
        Fault::UnknownIssuer | Fault::BadSignature => match &visit.north.ca {
            Some(ca) => format!("Add the root certificate of its authority to {} (sip.ca).", ca.display()),
            None => "Set sip.ca to a PEM file with the root certificate of its authority.".to_owned(),
        },
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => format!(
            "Use a name that it holds in sip.proxies ({held}), or have it issued with {}; a wildcard does not count in SIP.",
            visit.host
        ),
        Fault::Expired | Fault::ExpiredContext { .. } => "Renew the certificate on the proxy.".to_owned(),
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => {
            "Compare the clocks of both machines.".to_owned()
        }
        _ => "Have the certificate of the proxy issued again.".to_owned(),
    }
}

/// SIP-004. `spoken`: whether a request was answered over TLS with our certificate; `None` when the
/// question is still open.
fn client_certificate(visit: &Visit, ours: &Ours, spoken: Option<bool>) -> Option<Finding> {
    let check = &check::SIP_004;
    let lync = visit.north.topology.is_some();
    let set = "Set sip.certificate and sip.key to a certificate of this node.";
    Some(match (ours, spoken) {
        (Ours::NotAsked, _) if lync => Finding::warning(
            check,
            "the proxy did not ask for our certificate; a Lync front end does so on its port for servers",
            "Name the MTLS port of the front end in sip.proxies, 5061 by default.",
        ),
        (Ours::NotAsked, _) => Finding::good(check, "the proxy does not ask for one"),
        (Ours::Accepted, _) => Finding::good(check, "asked for and accepted"),
        (Ours::NoObjection, Some(true)) => Finding::good(check, "asked for, shown, and answered afterwards"),
        (Ours::NoObjection, Some(false)) => Finding::good(check, "asked for and shown; no objection came"),
        (Ours::NoObjection, None) => return None,
        (Ours::Missing { stands: true }, _) => Finding::warning(check, "the proxy asks for one, and we have none; it goes on without", set),
        (Ours::Missing { stands: false }, _) => Finding::error(check, "the proxy requires one, and we have none", set),
        (Ours::Refused(why), _) => Finding::error(
            check,
            why,
            "Install the authority of our certificate on the proxy as a trusted root, and see that our certificate is for a TLS client (CERT-004).",
        )
        .with_command("Import-Certificate -FilePath root.cer -CertStoreLocation Cert:\\LocalMachine\\Root"),
    })
}

/// SIP-005, SIP-006, TIME-002, and SIP-004 where it was open.
async fn speak(visit: &mut Visit, to: &Destination, ours: Option<Ours>, found: &mut Vec<Finding>) {
    let answers = match ask(visit, to).await {
        Ok(answers) => answers,
        Err(why) => {
            found.push(Finding::error(&check::SIP_005, why, "Mend what is named there."));
            visit.after(&check::SIP_005, &[&check::SIP_006, &check::TIME_002], found);
            return;
        }
    };
    let options = &answers[0];
    if let Some(ours) = ours {
        let ours = match (ours, options) {
            (Ours::NoObjection, Err(NoAnswer::Tls(why))) => Ours::Refused(why.clone()),
            (ours, _) => ours,
        };
        found.extend(client_certificate(visit, &ours, Some(options.is_ok())));
    }
    found.push(match options {
        Ok(answer) => answer_to_options(&answer.message, visit.north.topology.as_ref()),
        Err(none) => unanswered(&check::SIP_005, "OPTIONS", none),
    });
    found.push(match (answers.get(1), &visit.north.aor) {
        (Some(Ok(answer)), Ok(aor)) => answer_to_register(&answer.message, aor),
        (Some(Err(none)), _) => unanswered(&check::SIP_006, "REGISTER", none),
        (_, Err(why)) => Finding::skipped(&check::SIP_006, why),
        (None, Ok(_)) => Finding::skipped(&check::SIP_006, "not sent"),
    });
    found.push(clock(&answers));
}

fn unanswered(check: &'static Check, method: &str, none: &NoAnswer) -> Finding {
    let evidence = match none {
        NoAnswer::Tls(why) => format!("{method}: the TLS connection ended: {why}"),
        NoAnswer::Silence => format!("{method}: no answer within {STEP:?}"),
        NoAnswer::Other(why) => format!("{method}: {why}"),
    };
    let mend = "Is this the port of a SIP proxy, is its service running, and does it take requests from this address?";
    Finding::error(check, evidence, mend)
}

fn clock(answers: &[Result<Answer, NoAnswer>]) -> Finding {
    let dated = answers.iter().flatten().find_map(|answer| {
        let date = answer.message.header(&HeaderName::Date)?;
        Some((parse_http_date(date)?, answer))
    });
    match dated {
        Some((theirs, answer)) => {
            let ours = answer.arrived.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
            clock_skew(Skew { ours, theirs, round_trip: answer.round_trip })
        }
        None => Finding::skipped(&check::TIME_002, "no answer of the proxy has a Date"),
    }
}

/// The name a server must prove, its address without one.
pub(super) fn server_name(name: Option<&str>, address: SocketAddr) -> ServerName<'static> {
    let name = name.and_then(|name| ServerName::try_from(name.to_owned()).ok());
    name.unwrap_or_else(|| ServerName::from(address.ip()))
}
