//! CERT-001 to CERT-007: the certificates of this node.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kirkwall_core::doctor::{Check, Finding, check, days_left};
use rustls::{CertificateError, Error};

use super::tasks::Tasks;
use super::{CertificatePlan, NorthPlan};
use crate::pki::{Chain, Facts, PkiFault, Trust, words};

pub(super) fn plan(tasks: &mut Tasks, certificate: CertificatePlan, north: Arc<NorthPlan>) {
    let target = format!("{} {}", certificate.setting, certificate.certificate.display());
    tasks.add_blocking(&check::CERT_001, Some(target.clone()), move || {
        let found = look(&certificate, &north, SystemTime::now());
        found.into_iter().map(|finding| finding.of(&target)).collect()
    });
}

fn look(plan: &CertificatePlan, north: &NorthPlan, now: SystemTime) -> Vec<Finding> {
    let read = Chain::load(&plan.certificate).and_then(|chain| Ok((chain.facts()?, chain)));
    let (facts, chain) = match read {
        Ok(read) => read,
        Err(fault) => {
            let mend = format!("Put the certificate there as PEM, or correct {}.", plan.setting);
            return vec![Finding::error(&check::CERT_001, fault.to_string(), mend)];
        }
    };
    vec![
        key(plan, &chain, &facts[0]),
        authority(plan, north, &chain, &facts, now),
        names(plan, &chain),
        usage(plan, &facts[0]),
        dates(&facts, now),
        strength(&facts),
    ]
}

fn key(plan: &CertificatePlan, chain: &Chain, own: &Facts) -> Finding {
    match chain.check_key(&plan.key) {
        Ok(()) => {
            Finding::good(&check::CERT_001, format!("{} is the key of {}", plan.key.display(), own.subject))
        }
        Err(fault @ PkiFault::KeyMismatch { .. }) => {
            let mend = "Use the key that was made with the request for this certificate. The two below print the same when they belong together.";
            let (certificate, key) = (quoted(&plan.certificate), quoted(&plan.key));
            Finding::error(&check::CERT_001, fault.to_string(), mend).with_command(format!(
                "openssl x509 -in {certificate} -noout -pubkey; openssl pkey -in {key} -pubout"
            ))
        }
        Err(fault) => {
            let mend =
                "Put the private key there as PEM, not locked, RSA of 2048 bits or more or ECDSA P-256.";
            Finding::error(&check::CERT_001, fault.to_string(), mend)
        }
    }
}

fn authority(
    plan: &CertificatePlan,
    north: &NorthPlan,
    chain: &Chain,
    facts: &[Facts],
    now: SystemTime,
) -> Finding {
    let check = &check::CERT_002;
    let whose =
        north.ca.as_ref().map_or_else(|| "the system's store".to_owned(), |ca| ca.display().to_string());
    let trust = match &north.trust {
        Ok(Trust::Unverified) => return Finding::skipped(check, "sip.verify = false: no authority is held"),
        Ok(trust) => trust,
        Err(why) => return Finding::error(check, why, "Set sip.ca to the PEM bundle of your authority."),
    };
    let issuer = &facts[facts.len() - 1].issuer;
    match chain.leads_to(trust, now) {
        Ok(()) => {
            Finding::good(check, format!("{} certificates, ending at {issuer} in {whose}", facts.len()))
        }
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) if facts[0].is_self_issued() => {
            self_signed(plan, north)
        }
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Finding::error(
            check,
            format!("{} certificates; the last was issued by {issuer}, which is not in {whose}", facts.len()),
            "Append the intermediate certificates to the file, our own first; and add the root to sip.ca.",
        )
        .with_command(format!(
            "openssl crl2pkcs7 -nocrl -certfile {} | openssl pkcs7 -print_certs -noout",
            quoted(&plan.certificate)
        )),
        Err(Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        )) => Finding::skipped(check, "cannot be judged before its usage is mended (CERT-004)"),
        Err(error) => {
            // The words are about a peer's, and this one is ours.
            let said = words(&error).replace("the peer's certificate", "this certificate");
            Finding::error(check, said, "Have it issued again by an authority in sip.ca.")
        }
    }
}

/// Fine for pages; a peer with MTLS refuses it.
fn self_signed(plan: &CertificatePlan, north: &NorthPlan) -> Finding {
    let check = &check::CERT_002;
    let evidence = match plan.self_made {
        true => "self-signed, made by this node on its first start",
        false => "self-signed",
    };
    if !plan.mutual || north.proxies.is_empty() {
        return Finding::good(check, format!("{evidence}; nobody in the north has to trust it"));
    }
    let mend = "Have a certificate issued by an authority that the proxies trust, and set sip.certificate and sip.key.";
    match north.topology {
        Some(_) => Finding::error(check, evidence, mend),
        None => Finding::warning(check, evidence, mend),
    }
}

fn names(plan: &CertificatePlan, chain: &Chain) -> Finding {
    let check = &check::CERT_003;
    let missing: Vec<_> = plan.names.iter().filter(|name| !chain.proves(name)).cloned().collect();
    let held = chain.names().join(", ");
    match (plan.names.is_empty(), missing.is_empty()) {
        (true, _) => Finding::skipped(
            check,
            format!("holds {held}; node.fqdn is not set, so there is nothing to compare"),
        ),
        (false, true) => Finding::good(check, format!("holds {}", plan.names.join(" and "))),
        (false, false) => {
            let wanted: Vec<_> = plan.names.iter().map(|name| format!("DNS:{name}")).collect();
            // RFC 5922 §7.2: wildcards are not matched.
            Finding::error(
                check,
                format!("holds {held}, but not {}", missing.join(" and ")),
                format!(
                    "Have it issued with the subject alternative names {}; a wildcard does not count in SIP.",
                    wanted.join(", ")
                ),
            )
            .with_command(format!(
                "openssl x509 -in {} -noout -ext subjectAltName",
                quoted(&plan.certificate)
            ))
        }
    }
}

fn usage(plan: &CertificatePlan, own: &Facts) -> Finding {
    let check = &check::CERT_004;
    let lacking = match (own.server_auth, own.client_auth) {
        (true, true) => return Finding::good(check, "may be shown as server and as client"),
        (true, false) if !plan.mutual => return Finding::good(check, "may be shown as server"),
        (true, false) => "clientAuth (TLS client)",
        (false, true) => "serverAuth (TLS server)",
        (false, false) => "serverAuth and clientAuth",
    };
    Finding::error(
        check,
        format!("its extended key usage lacks {lacking}"),
        "Have it issued from a template with both usages; the template \"Web Server\" of Windows has the server's only.",
    )
    .with_command(format!("openssl x509 -in {} -noout -ext extendedKeyUsage", quoted(&plan.certificate)))
}

/// The chain is valid as long as its shortest-lived certificate.
fn dates(facts: &[Facts], now: SystemTime) -> Finding {
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let from = facts.iter().map(|one| one.not_before).max().unwrap_or_default();
    let until = facts.iter().map(|one| one.not_after).min().unwrap_or_default();
    days_left(now, from, until)
}

fn strength(facts: &[Facts]) -> Finding {
    let check: &'static Check = &check::CERT_007;
    let weak = facts.iter().find_map(|one| Some((&one.subject, one.weakness.as_ref()?)));
    match weak {
        None => Finding::good(check, "keys and signatures of the chain are strong enough"),
        Some((subject, weakness)) => Finding::error(
            check,
            format!("{subject}: {weakness}"),
            "Have it issued again, with RSA of 2048 bits or more, or ECDSA P-256, and SHA-256.",
        ),
    }
}

/// For a shell.
fn quoted(path: &std::path::Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}
