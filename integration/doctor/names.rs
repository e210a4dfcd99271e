//! DNS-001: whether our own name leads here.

use std::net::{IpAddr, UdpSocket};

use kirkwall_core::doctor::{Finding, check};
use kirkwall_core::sip::{Facing, Transport};

use super::tasks::Tasks;
use crate::sip::{DnsMethod, Resolver, Target};

pub(super) fn plan(
    tasks: &mut Tasks,
    fqdn: Option<String>,
    media_address: Option<IpAddr>,
    resolver: Result<Resolver, String>,
) {
    let check = &check::DNS_001;
    tasks.add(check, fqdn.clone(), async move {
        vec![match (fqdn, resolver) {
            (None, _) => Finding::skipped(check, "node.fqdn is not set, so nobody calls this node by a name"),
            (Some(fqdn), Err(why)) => {
                Finding::error(check, why, "Mend /etc/resolv.conf on this machine.").of(fqdn)
            }
            (Some(fqdn), Ok(resolver)) => look(&resolver, &fqdn, media_address).await.of(fqdn),
        }]
    });
}

async fn look(resolver: &Resolver, fqdn: &str, media_address: Option<IpAddr>) -> Finding {
    let target =
        Target { host: fqdn.to_owned(), port: Some(5061), transport: Transport::Tls, facing: Facing::North };
    match resolver.resolve(&target, DnsMethod::A, || 0).await {
        Ok(found) => {
            let found: Vec<_> = found.iter().map(|destination| destination.address.ip()).collect();
            judge(fqdn, &found, media_address, is_ours)
        }
        Err(fault) => Finding::error(
            &check::DNS_001,
            fault.to_string(),
            "Add an A record for this name to your DNS, or correct node.fqdn.",
        )
        .with_command(format!("getent ahosts {fqdn}")),
    }
}

fn judge(
    fqdn: &str,
    found: &[IpAddr],
    media_address: Option<IpAddr>,
    is_ours: impl Fn(IpAddr) -> bool,
) -> Finding {
    let check = &check::DNS_001;
    let list = |ips: &[IpAddr]| ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    let strangers: Vec<_> =
        found.iter().copied().filter(|ip| Some(*ip) != media_address && !is_ours(*ip)).collect();
    let command = format!("getent ahosts {fqdn}");
    if !strangers.is_empty() {
        let evidence = format!("leads to {}, not an address of this machine", list(&strangers));
        let mend = "Correct the A record or node.fqdn. Behind NAT or in a container, set media.address to the outer address.";
        let all = strangers.len() == found.len();
        let finding =
            if all { Finding::error(check, evidence, mend) } else { Finding::warning(check, evidence, mend) };
        return finding.with_command(command);
    }
    if found.iter().all(IpAddr::is_loopback) {
        let evidence = format!("leads to {} only, the loopback of this machine", list(found));
        let mend = "Others cannot follow that. Take the name off the loopback line of /etc/hosts, and add an A record to your DNS.";
        return Finding::warning(check, evidence, mend).with_command(command);
    }
    Finding::good(check, format!("leads to {}", list(found)))
}

/// Only an address of this machine can be bound.
fn is_ours(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use kirkwall_core::doctor::Verdict;

    use super::*;

    fn verdict(found: &[&str], media: Option<&str>) -> Verdict {
        let found: Vec<IpAddr> = found.iter().map(|ip| ip.parse().unwrap()).collect();
        let ours = |ip: IpAddr| ip.is_loopback() || ip.to_string() == "192.0.2.7";
        judge("dect1.example.com", &found, media.map(|ip| ip.parse().unwrap()), ours).verdict
    }

    #[test]
    fn a_name_must_lead_here_and_not_only_for_ourselves() {
        assert_eq!(verdict(&["192.0.2.7"], None), Verdict::Good);
        assert_eq!(verdict(&["192.0.2.8"], None), Verdict::Error);
        assert_eq!(verdict(&["192.0.2.8"], Some("192.0.2.8")), Verdict::Good);
        assert_eq!(verdict(&["192.0.2.7", "192.0.2.8"], None), Verdict::Warning);
        assert_eq!(verdict(&["127.0.1.1"], None), Verdict::Warning);
        assert_eq!(verdict(&["127.0.1.1", "192.0.2.7"], None), Verdict::Good);
    }

    #[test]
    fn only_an_address_of_this_machine_is_ours() {
        assert!(is_ours("127.0.0.1".parse().unwrap()));
        assert!(!is_ours("192.0.2.1".parse().unwrap()));
    }

    #[tokio::test]
    async fn localhost_is_found_and_warned_of() {
        let finding = look(&Resolver::system().unwrap(), "localhost", None).await;
        assert_eq!(finding.verdict, Verdict::Warning, "{finding:?}");
    }
}
