//! Where to send: a subset of RFC 3263.
//!
//! ```text
//! literal address ──────────────► itself
//! port given, or method a ──────► A, AAAA
//! method srv ──► SRV ──► A, AAAA   nothing there ──► A, AAAA with the default port
//! ```
//!
//! Out of scope: NAPTR (§4.1). The transport is configured, so nothing is left for NAPTR to choose.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use kirkwall_core::sip::{Destination, Facing, Transport};

/// Longest wait for one question, all attempts together.
const WAIT: Duration = Duration::from_secs(5);
/// Answers remembered.
const CACHE: u64 = 1_024;
/// Longest trust in an answer, found or not found.
const MAX_TTL: Duration = Duration::from_secs(3_600);
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(30);
/// SRV records used of one answer, and destinations given.
const MAX_SERVERS: usize = 16;
const MAX_DESTINATIONS: usize = 32;

/// How a name without port becomes addresses (`sip.dns_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsMethod {
    /// A and AAAA records, default port.
    A,
    /// SRV records first.
    Srv,
}

/// What to resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name or literal address; IPv6 with or without brackets.
    pub host: String,
    /// Port, if one was given.
    pub port: Option<u16>,
    /// Transport to use.
    pub transport: Transport,
    /// Which of our sockets to use.
    pub facing: Facing,
}

/// Why there is no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveFault {
    /// The name has no address.
    #[error("{host}: no such name ({what}); is it spelled right, and does this node's DNS server know it?")]
    NoAddress {
        /// The name.
        host: String,
        /// What DNS says.
        what: String,
    },
    /// RFC 2782: "A Target of "." means that the service is decidedly not available at this domain."
    #[error("{0}: its DNS says that it offers no SIP by this transport")]
    NotOffered(String),
    /// No answer in time.
    #[error("{0}: DNS gave no answer within 5 s")]
    Timeout(String),
    /// The resolver cannot be made.
    #[error("DNS resolver: {0}")]
    Resolver(String),
}

/// DNS with the system's settings and hosts file, read when it is made.
#[derive(Debug, Clone)]
pub struct Resolver {
    dns: TokioResolver,
}

impl Resolver {
    /// From `/etc/resolv.conf`. Without one, or without a server in it, only the hosts file answers.
    pub fn system() -> Result<Self, ResolveFault> {
        let (config, options) = hickory_resolver::system_conf::read_system_conf().unwrap_or_else(|error| {
            tracing::warn!(%error, "no DNS server is configured; only the hosts file will be asked");
            (ResolverConfig::from_parts(None, Vec::new(), Vec::new()), ResolverOpts::default())
        });
        Self::with_config(config, options)
    }

    fn with_config(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, ResolveFault> {
        options.timeout = WAIT / 2;
        options.attempts = 2;
        options.cache_size = CACHE;
        options.positive_max_ttl = Some(MAX_TTL);
        options.negative_max_ttl = Some(MAX_NEGATIVE_TTL);
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Always;
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        let dns = builder.build().map_err(|error| ResolveFault::Resolver(error.to_string()))?;
        Ok(Self { dns })
    }

    /// Destinations in the order in which to try them, at least one. `random` gives numbers for the choice
    /// among servers of equal priority. A TLS destination carries `host` as the name that its certificate
    /// must prove, whatever DNS answered (RFC 5922 §4, DNS is not to be believed).
    pub async fn resolve(
        &self,
        target: &Target,
        method: DnsMethod,
        random: impl FnMut() -> u32,
    ) -> Result<Vec<Destination>, ResolveFault> {
        let host = target.host.trim_matches(['[', ']']);
        let port = target.port.unwrap_or(target.transport.default_port());
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![destination(target, SocketAddr::new(ip, port), None)]);
        }
        // RFC 3263 §4.2: "If the TARGET was not a numeric IP address, but a port is present in the URI, the
        // client performs an A or AAAA record lookup of the domain name."
        let servers = match (target.port, method) {
            (None, DnsMethod::Srv) => self.servers(host, target.transport, random).await?,
            _ => Vec::new(),
        };
        let addresses = match servers.is_empty() {
            // "If no SRV records were found, the client performs an A or AAAA record lookup".
            true => self.addresses(host).await?.into_iter().map(|ip| SocketAddr::new(ip, port)).collect(),
            false => self.server_addresses(host, servers).await?,
        };
        let name = (target.transport == Transport::Tls).then(|| host.trim_end_matches('.').to_owned());
        let all = addresses.into_iter().take(MAX_DESTINATIONS);
        Ok(all.map(|address| destination(target, address, name.clone())).collect())
    }

    async fn servers(
        &self,
        host: &str,
        transport: Transport,
        random: impl FnMut() -> u32,
    ) -> Result<Vec<Server>, ResolveFault> {
        let service = match transport {
            Transport::Udp => "_sip._udp",
            Transport::Tcp => "_sip._tcp",
            Transport::Tls => "_sips._tcp",
        };
        let question = self.dns.srv_lookup(format!("{service}.{}.", host.trim_end_matches('.')));
        // No answer, or no such name: A and AAAA are asked, and their error is the one to tell.
        let Ok(Ok(answer)) = tokio::time::timeout(WAIT, question).await else { return Ok(Vec::new()) };
        let records = answer.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(Server {
                priority: srv.priority,
                weight: srv.weight,
                name: srv.target.to_string(),
                port: srv.port,
            }),
            _ => None,
        });
        let servers: Vec<_> = records.take(MAX_SERVERS).collect();
        if let [only] = &servers[..]
            && only.name == "."
        {
            return Err(ResolveFault::NotOffered(host.to_owned()));
        }
        Ok(in_order(servers, random))
    }

    /// Addresses of all servers, in the servers' order; one that has none is passed over.
    async fn server_addresses(
        &self,
        host: &str,
        servers: Vec<Server>,
    ) -> Result<Vec<SocketAddr>, ResolveFault> {
        let found = join_all(servers.iter().map(|server| self.addresses(&server.name))).await;
        let mut fault = None;
        let mut addresses = Vec::new();
        for (server, found) in servers.iter().zip(found) {
            match found {
                Ok(ips) => addresses.extend(ips.into_iter().map(|ip| SocketAddr::new(ip, server.port))),
                Err(error) => fault = Some(error),
            }
        }
        match (addresses.is_empty(), fault) {
            (false, _) => Ok(addresses),
            (true, Some(fault)) => Err(fault),
            (true, None) => Err(ResolveFault::NoAddress {
                host: host.to_owned(),
                what: "no server has an address".into(),
            }),
        }
    }

    /// IPv4 before IPv6: the worlds north and south of a PBX are IPv4 first.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, ResolveFault> {
        let answer = tokio::time::timeout(WAIT, self.dns.lookup_ip(host))
            .await
            .map_err(|_| ResolveFault::Timeout(host.to_owned()))?
            .map_err(|error| ResolveFault::NoAddress { host: host.to_owned(), what: error.to_string() })?;
        let mut addresses: Vec<_> = answer.iter().collect();
        addresses.sort_by_key(IpAddr::is_ipv6);
        addresses.dedup();
        Ok(addresses)
    }
}

fn destination(target: &Target, address: SocketAddr, server_name: Option<String>) -> Destination {
    let Target { transport, facing, .. } = *target;
    Destination { transport, address, facing, connection: None, server_name }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    priority: u16,
    weight: u16,
    name: String,
    port: u16,
}

/// RFC 2782, "Weight": within a priority, each next server is drawn with a chance in proportion to its
/// weight; those with weight 0 stand first in the row, so that they have a small chance only.
fn in_order(mut servers: Vec<Server>, mut random: impl FnMut() -> u32) -> Vec<Server> {
    servers.sort_by_key(|server| (server.priority, server.weight != 0));
    let mut ordered = Vec::with_capacity(servers.len());
    while let Some(priority) = servers.first().map(|server| server.priority) {
        let group = servers.iter().take_while(|server| server.priority == priority);
        let sum: u32 = group.map(|server| u32::from(server.weight)).sum();
        // "choose a uniform random number between 0 and the sum computed (inclusive), and select the RR
        // whose running sum value is the first in the selected order which is greater than or equal to
        // the random number selected."
        let chosen = random() % (sum + 1);
        let mut running = 0;
        let at = servers.iter().position(|server| {
            running += u32::from(server.weight);
            running >= chosen
        });
        ordered.push(servers.remove(at.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig};
    use hickory_resolver::proto::op::{Message, ResponseCode};
    use hickory_resolver::proto::rr::rdata::{A, SRV};
    use hickory_resolver::proto::rr::{Name, Record, RecordType};
    use tokio::net::UdpSocket;

    use super::*;

    fn target(host: &str, port: Option<u16>, transport: Transport) -> Target {
        Target { host: host.to_owned(), port, transport, facing: Facing::North }
    }

    fn addresses(found: &[Destination]) -> Vec<String> {
        found.iter().map(|d| d.address.to_string()).collect()
    }

    fn no_dns() -> Resolver {
        let none = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        Resolver::with_config(none, ResolverOpts::default()).unwrap()
    }

    /// A DNS server with a small zone; it says NXDOMAIN to the rest.
    async fn dns() -> Resolver {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut buffer = [0; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let answer = answer(&Message::from_vec(&buffer[..length]).unwrap());
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        let mut connection = ConnectionConfig::udp();
        connection.port = port;
        let server = NameServerConfig::new([127, 0, 0, 1].into(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        Resolver::with_config(config, ResolverOpts::default()).unwrap()
    }

    fn answer(question: &Message) -> Message {
        let query = question.queries[0].clone();
        let srv = |priority, weight, port, name: &str| {
            RData::SRV(SRV::new(priority, weight, port, Name::from_ascii(name).unwrap()))
        };
        let records = match (query.name().to_string().as_str(), query.query_type()) {
            ("_sips._tcp.example.test.", RecordType::SRV) => vec![
                srv(20, 1, 5_063, "backup.example.test."),
                srv(10, 1, 5_061, "one.example.test."),
                srv(10, 0, 5_062, "gone.example.test."),
            ],
            ("_sip._udp.never.test.", RecordType::SRV) => vec![srv(0, 0, 0, ".")],
            ("one.example.test.", RecordType::A) => vec![RData::A(A::new(10, 0, 0, 1))],
            ("backup.example.test.", RecordType::A) => vec![RData::A(A::new(10, 0, 0, 3))],
            ("plain.test.", RecordType::A) => vec![RData::A(A::new(10, 0, 0, 9))],
            _ => Vec::new(),
        };
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.recursion_desired = true;
        answer.metadata.recursion_available = true;
        if records.is_empty() {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        answer
            .add_answers(records.into_iter().map(|data| Record::from_rdata(query.name().clone(), 60, data)));
        answer.add_query(query);
        answer
    }

    #[tokio::test]
    async fn a_literal_address_is_itself() {
        let resolver = no_dns();
        for (host, port, transport, expected) in [
            ("192.0.2.1", None, Transport::Udp, "192.0.2.1:5060"),
            ("192.0.2.1", None, Transport::Tls, "192.0.2.1:5061"),
            ("[2001:db8::1]", Some(5070), Transport::Tcp, "[2001:db8::1]:5070"),
            ("2001:db8::1", None, Transport::Tls, "[2001:db8::1]:5061"),
        ] {
            let found = resolver.resolve(&target(host, port, transport), DnsMethod::Srv, || 0).await.unwrap();
            assert_eq!(addresses(&found), [expected]);
            assert_eq!(found[0].server_name, None);
        }
    }

    #[tokio::test]
    async fn localhost_needs_no_dns_server() {
        for method in [DnsMethod::A, DnsMethod::Srv] {
            let found =
                no_dns().resolve(&target("localhost", None, Transport::Tls), method, || 0).await.unwrap();
            assert_eq!(addresses(&found)[0], "127.0.0.1:5061");
            assert_eq!(found[0].server_name.as_deref(), Some("localhost"));
        }
        let fault = no_dns().resolve(&target("nowhere.test", None, Transport::Udp), DnsMethod::A, || 0).await;
        assert!(fault.unwrap_err().to_string().contains("nowhere.test"));
    }

    #[tokio::test]
    async fn srv_gives_servers_in_order_and_passes_over_those_without_address() {
        let resolver = dns().await;
        let found = resolver
            .resolve(&target("example.test", None, Transport::Tls), DnsMethod::Srv, || 0)
            .await
            .unwrap();
        assert_eq!(addresses(&found), ["10.0.0.1:5061", "10.0.0.3:5063"]);
        // The name to prove is the one that was asked for, not the one DNS gave.
        assert!(found.iter().all(|d| d.server_name.as_deref() == Some("example.test")));
    }

    #[tokio::test]
    async fn without_srv_records_or_with_a_port_addresses_are_asked() {
        let resolver = dns().await;
        let plain = target("plain.test", None, Transport::Udp);
        let found = resolver.resolve(&plain, DnsMethod::Srv, || 0).await.unwrap();
        assert_eq!(addresses(&found), ["10.0.0.9:5060"]);
        let found = resolver
            .resolve(&target("plain.test", Some(7), Transport::Udp), DnsMethod::Srv, || 0)
            .await
            .unwrap();
        assert_eq!(addresses(&found), ["10.0.0.9:7"]);
        let fault = resolver.resolve(&target("never.test", None, Transport::Udp), DnsMethod::Srv, || 0).await;
        assert_eq!(fault.unwrap_err(), ResolveFault::NotOffered("never.test".into()));
        let fault =
            resolver.resolve(&target("unknown.test", None, Transport::Udp), DnsMethod::Srv, || 0).await;
        assert!(matches!(fault.unwrap_err(), ResolveFault::NoAddress { .. }));
    }

    #[test]
    fn weights_decide_within_a_priority_only() {
        let server = |priority, weight, port| Server { priority, weight, name: String::new(), port };
        let row = || vec![server(2, 9, 3), server(1, 30, 2), server(1, 0, 0), server(1, 10, 1)];
        let order = |random: u32| -> Vec<u16> {
            in_order(row(), || random).into_iter().map(|server| server.port).collect()
        };
        assert_eq!(order(0), [0, 2, 1, 3], "weight 0 is drawn by 0 only");
        assert_eq!(order(40), [1, 2, 0, 3]);
        let mut first = [0_u32; 4];
        (0..41).for_each(|random| first[order(random)[0] as usize] += 1);
        assert_eq!(first, [1, 10, 30, 0]);
    }
}
