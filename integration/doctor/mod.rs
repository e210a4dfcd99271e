//! The doctor's probes: each looks at one thing of the system and says what it saw.
//!
//! ```text
//!              ┌─ own name          ─┐
//!  Plan ──►    ├─ each certificate   ├──► Finding …     all at once; each step at most STEP,
//!              ├─ each proxy         │                   all together at most WHOLE
//!              └─ clock, ports, disk ┘
//! ```
//!
//! A probe leaves nothing behind: no binding at a registrar, no file, no port. What it sends to a proxy is
//! one OPTIONS, and one REGISTER without contacts, which asks and changes nothing (RFC 3261 §10.2.3).
//! Words for verdicts stand in [`kirkwall_core::doctor`].

mod ask;
mod certificates;
mod directory;
mod handshake;
mod names;
mod old_tls;
mod platform;
mod proxy;
mod tasks;
mod voice;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kirkwall_core::doctor::{Finding, Topology};
use kirkwall_core::id::Tokens;
use kirkwall_core::sip::Transport;

use crate::directory::LdapSettings;
use crate::pki::{Identity, LiveIdentity, Oldest, Trust};
use crate::sip::{DnsMethod, Resolver};

pub use tasks::Progress;

/// Longest wait for one answer.
pub const STEP: Duration = Duration::from_secs(10);
/// Longest wait for all.
pub const WHOLE: Duration = Duration::from_secs(60);

/// What to look at.
#[derive(Debug)]
pub struct Plan {
    /// Full name of this node.
    pub fqdn: Option<String>,
    /// Address that stands in SDP, when it is set: behind NAT the name leads to it.
    pub media_address: Option<IpAddr>,
    /// Certificates of this node.
    pub certificates: Vec<CertificatePlan>,
    /// The north.
    pub north: NorthPlan,
    /// The directory of the phone book. None: none is configured. Or why it cannot be asked.
    pub directory: Option<Result<LdapSettings, String>>,
    /// Voice.
    pub media: MediaPlan,
    /// Data directory.
    pub data: Option<PathBuf>,
    /// Open files that the switch needs at full load.
    pub files: u64,
    /// For Call-IDs, tags and branches.
    pub tokens: Tokens,
}

/// A certificate of ours.
#[derive(Debug, Clone)]
pub struct CertificatePlan {
    /// Its setting, `sip.certificate`.
    pub setting: &'static str,
    /// PEM file of the chain.
    pub certificate: PathBuf,
    /// PEM file of the key.
    pub key: PathBuf,
    /// Names that it must hold.
    pub names: Vec<String>,
    /// It is shown as a client too (MTLS).
    pub mutual: bool,
    /// This node made it for itself, and nobody is expected to trust it yet.
    pub self_made: bool,
}

/// The north side.
#[derive(Debug, Clone)]
pub struct NorthPlan {
    /// Proxies, host and port.
    pub proxies: Vec<(String, Option<u16>)>,
    /// How they are reached.
    pub transport: Transport,
    /// How they are looked up.
    pub dns: DnsMethod,
    /// SIP domain.
    pub domain: Option<String>,
    /// User-Agent of the requests.
    pub user_agent: String,
    /// Whom we trust. Or why there is nobody.
    pub trust: Result<Trust, String>,
    /// PEM bundle of `trust`; the system's when `None`.
    pub ca: Option<PathBuf>,
    /// What we show.
    pub identity: Option<Identity>,
    /// Proxies that OpenSSL speaks with, and how far back.
    pub legacy: Option<(Vec<String>, Oldest)>,
    /// The entry in the Lync topology that should be there.
    pub topology: Option<Topology>,
    /// User whose registration is asked for; or why there is none.
    pub aor: Result<String, String>,
}

/// Ports for voice.
#[derive(Debug, Clone, Copy)]
pub struct MediaPlan {
    /// First UDP port.
    pub first: u16,
    /// Last UDP port.
    pub last: u16,
    /// Media channels.
    pub channels: u32,
    /// A switch runs and holds some of them.
    pub running: bool,
}

/// Looks at everything at once. `progress` is told before the first and after each thing looked at. What
/// is not done within [`WHOLE`] is told as a warning of its own.
pub async fn run(mut plan: Plan, progress: impl Fn(Progress<'_>)) -> Vec<Finding> {
    let resolver = Resolver::system().map_err(|fault| fault.to_string());
    let north = Arc::new(plan.north);
    let mut tasks = tasks::Tasks::default();
    names::plan(&mut tasks, plan.fqdn.clone(), plan.media_address, resolver.clone());
    for certificate in plan.certificates {
        certificates::plan(&mut tasks, certificate, north.clone());
    }
    let own_name = plan.fqdn;
    for (host, port) in north.proxies.clone() {
        let identity = north.identity.clone().map(LiveIdentity::new);
        let tokens = plan.tokens.split();
        let call =
            proxy::Visit { host, port, own_name: own_name.clone(), north: north.clone(), identity, tokens };
        proxy::plan(&mut tasks, call, resolver.clone());
    }
    directory::plan(&mut tasks, plan.directory);
    platform::plan(&mut tasks, plan.data, plan.files);
    voice::plan(&mut tasks, plan.media);
    tasks.run(progress).await
}
