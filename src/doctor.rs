//! `kirkwall doctor`: looks for trouble and says why it matters and how it is mended.
//!
//! ```text
//! configuration ─► store ─► probes (kirkwall_integration::doctor) ─► Report ─► text or JSON, exit code
//! ```
//!
//! Wiring only: what is looked at comes from the configuration and the data directory.

mod store;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use kirkwall_core::doctor::{Finding, Report, SrtpUse, Topology, check, srtp_fits, text};
use kirkwall_core::id::Tokens;
use kirkwall_core::sip::Transport;
use kirkwall_integration::doctor::{CertificatePlan, MediaPlan, NorthPlan, Plan, Progress};
use kirkwall_integration::pki::{Identity, Oldest, Trust, Usage};
use kirkwall_integration::sip::DnsMethod;

use crate::cli::{Doctor, Form};
use crate::config::{self, Config, ConfigFault, SrtpPolicy};
use crate::wiring::fresh_seed;
use store::Store;

/// Connections, listeners, files of the store and logs, beside the ports of calls.
const FILES_BESIDE: u64 = 1_024;
/// Sockets of a call: RTP and RTCP, north and south.
const FILES_PER_CHANNEL: u64 = 4;

pub fn doctor(args: Doctor) -> ExitCode {
    let report = Report::new(examine(&args));
    match args.output {
        Form::Text => print!("{}", text(&report)),
        // Numbers, text and lists only: writing them cannot fail.
        Form::Json => println!("{}", serde_json::to_string_pretty(&report).unwrap_or_default()),
    }
    ExitCode::from(report.exit_code())
}

fn examine(args: &Doctor) -> Vec<Finding> {
    let config = match Config::load(args.config.as_deref()) {
        Ok(config) => config,
        Err(faults) => return faults.iter().map(unreadable).collect(),
    };
    let mut findings = vec![
        Finding::good(&check::CFG_001, "every setting is understood"),
        encryption(&config),
        logs(&config),
    ];
    let store = store::look(args.data.as_deref());
    findings.extend(store.findings.iter().cloned());
    match plan(&config, args, &store).and_then(probe) {
        Ok(found) => findings.extend(found),
        Err(why) => {
            findings.push(Finding::warning(&check::PLT_003, why, "The probes did not run; mend this first."))
        }
    }
    findings
}

fn unreadable(fault: &ConfigFault) -> Finding {
    let target = match fault.field.is_empty() {
        true => fault.origin.to_string(),
        false => format!("{} {}", fault.origin, fault.field),
    };
    Finding::error(&check::CFG_001, &fault.what, "Correct this setting; nothing else was looked at.")
        .with_command("kirkwall check --config kirkwall.toml")
        .of(target)
}

/// Runs the probes on a runtime of their own, which is not waited for: a disk that hangs shall not hold
/// the report.
fn probe(plan: Plan) -> Result<Vec<Finding>, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("threads: {error}"))?;
    let shown = stderr().is_terminal();
    let found = runtime.block_on(kirkwall_integration::doctor::run(plan, |progress| {
        if shown {
            show(progress)
        }
    }));
    if shown {
        // Clears the line.
        eprint!("\r\x1b[K");
    }
    runtime.shutdown_background();
    Ok(found)
}

fn show(progress: Progress<'_>) {
    let Progress { done, total, waiting_for } = progress;
    let waiting: String = waiting_for.unwrap_or_default().chars().take(60).collect();
    eprint!("\r\x1b[K{done} of {total} looked at, waiting for {waiting}");
    let _ = stderr().flush();
}

fn plan(config: &Config, args: &Doctor, store: &Store) -> Result<Plan, String> {
    let (channels, _) = config.capacity.media();
    let files = FILES_BESIDE + u64::from(channels) * FILES_PER_CHANNEL;
    let data = args.data.as_deref();
    let ports = config.media.ports;
    Ok(Plan {
        fqdn: config.node.fqdn.as_ref().map(|name| name.as_str().to_owned()),
        media_address: config.media.address,
        certificates: certificates(config, data),
        north: north(config, args, store),
        directory: crate::wiring::directory::ldap(config, &[]).transpose(),
        media: MediaPlan { first: ports.first, last: ports.last, channels, running: store.running },
        data: args.data.clone(),
        files,
        tokens: Tokens::new(fresh_seed()?),
    })
}

fn north(config: &Config, args: &Doctor, store: &Store) -> NorthPlan {
    let sip = &config.sip;
    let trust = match (sip.verify, &sip.ca) {
        (false, _) => Ok(Trust::Unverified),
        (true, Some(bundle)) => Trust::bundle(bundle),
        (true, None) => Trust::system(),
    };
    let identity = sip_files(config, args.data.as_deref()).and_then(|(certificate, key, _)| {
        // What is wrong with it is told by CERT-001 to CERT-007.
        Identity::load(&certificate, &key, Usage::Server, SystemTime::now()).ok()
    });
    NorthPlan {
        proxies: sip.proxies.iter().map(|proxy| (proxy.host.clone(), proxy.port)).collect(),
        transport: sip.transport,
        dns: match sip.dns_method {
            config::DnsMethod::A => DnsMethod::A,
            config::DnsMethod::Srv => DnsMethod::Srv,
        },
        domain: sip.domain.as_ref().map(|domain| domain.as_str().to_owned()),
        user_agent: sip.user_agent.clone(),
        trust: trust.map_err(|fault| fault.to_string()),
        ca: sip.ca.clone(),
        identity,
        legacy: legacy(config),
        topology: topology(config),
        aor: aor(config, args, store),
    }
}

fn legacy(config: &Config) -> Option<(Vec<String>, Oldest)> {
    let hosts: Vec<String> = config.sip.legacy_tls.iter().map(|name| name.as_str().to_owned()).collect();
    let oldest = if config.sip.legacy_tls_1_0 { Oldest::Tls10 } else { Oldest::Tls12 };
    (!hosts.is_empty()).then_some((hosts, oldest))
}

/// The entry of a trusted server.
fn topology(config: &Config) -> Option<Topology> {
    let lync = &config.lync;
    let pool = lync.pool_fqdn.as_ref().or(config.node.fqdn.as_ref())?;
    (lync.enabled && lync.trusted_server).then(|| Topology {
        pool: pool.as_str().to_owned(),
        application: lync.application_id.clone(),
        port: config.sip.north.listen_tls.0.map_or(5061, |address| address.port()),
    })
}

fn aor(config: &Config, args: &Doctor, store: &Store) -> Result<String, String> {
    let domain = config.sip.domain.as_ref().ok_or("sip.domain is not set")?;
    let user = match &args.user {
        Some(user) => user.as_str().to_owned(),
        None => store.user.clone()?,
    };
    let scheme = if config.sip.use_sips_uri { "sips" } else { "sip" };
    Ok(format!("{scheme}:{user}@{}", domain.as_str()))
}

fn certificates(config: &Config, data: Option<&Path>) -> Vec<CertificatePlan> {
    let names = [Some(&config.node.fqdn), config.lync.enabled.then_some(&config.lync.pool_fqdn)];
    let mut names: Vec<String> =
        names.into_iter().flatten().flatten().map(|name| name.as_str().to_owned()).collect();
    names.dedup();
    let mutual = config.sip.transport == Transport::Tls;
    let sip = sip_files(config, data).map(|(certificate, key, self_made)| CertificatePlan {
        setting: "sip.certificate",
        certificate,
        key,
        names: names.clone(),
        mutual,
        self_made,
    });
    let web = config.web.certificate.clone().zip(config.web.key.clone());
    let web = web.map(|(certificate, key)| CertificatePlan {
        setting: "web.certificate",
        certificate,
        key,
        names: names.iter().take(1).filter(|_| config.node.fqdn.is_some()).cloned().collect(),
        mutual: false,
        self_made: false,
    });
    sip.into_iter().chain(web).collect()
}

/// Certificate and key for SIP, and whether this node made them; none before its first start.
fn sip_files(config: &Config, data: Option<&Path>) -> Option<(PathBuf, PathBuf, bool)> {
    if let (Some(certificate), Some(key)) = (&config.sip.certificate, &config.sip.key) {
        return Some((certificate.clone(), key.clone(), false));
    }
    let folder = data?.join("tls");
    let (certificate, key) = (folder.join("sip.pem"), folder.join("sip.key"));
    certificate.exists().then_some((certificate, key, true))
}

fn encryption(config: &Config) -> Finding {
    let media = &config.media;
    if config.sip.proxies.is_empty() {
        return Finding::skipped(&check::MED_002, "sip.proxies is empty: there is no north to fit");
    }
    srtp_fits(SrtpUse {
        offered: media.srtp != SrtpPolicy::Off,
        required: media.srtp == SrtpPolicy::Required,
        lync: config.lync.enabled,
        tls: config.sip.transport == Transport::Tls,
        mki_and_lifetime: media.sdes_mki.unwrap_or(config.lync.enabled)
            && media.sdes_lifetime.unwrap_or(config.lync.enabled),
    })
}

/// This build has no syslog; a configured server must not be thought served.
fn logs(config: &Config) -> Finding {
    let check = &check::LOG_001;
    match &config.syslog.server {
        None => Finding::skipped(check, "this version sends no syslog yet; log lines go to standard error"),
        Some(server) => Finding::warning(
            check,
            format!("syslog.server is {}, but this version sends no syslog yet", server.host),
            "Until then log lines go to standard error; let systemd or the container runtime pass them on.",
        ),
    }
}
