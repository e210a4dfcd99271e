//! Certificates of the node: those it is told, else self-signed ones that it makes on its first start.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use kirkwall_core::sip::Facing;
use kirkwall_data::certificate::{CertificateRecord, Usage as Kind};
use kirkwall_integration::pki::{
    ClientAuth, ClientTls, Identity, LiveIdentity, PkiFault, Trust, Usage, client_config, self_signed_files,
    server_config,
};
use rustls::ServerConfig;
use tracing::{info, warn};

use crate::config::{ClientCertificates, Config};

/// What TLS needs, on all sides.
pub struct Certificates {
    pub web: Arc<ServerConfig>,
    pub web_fingerprint: String,
    pub servers: BTreeMap<Facing, Arc<ServerConfig>>,
    pub clients: BTreeMap<Facing, ClientTls>,
}

pub fn certificates(
    config: &Config,
    data: &Path,
    imported: &[CertificateRecord],
) -> Result<Certificates, PkiFault> {
    let web = identity("web", &config.web.certificate, &config.web.key, config, data)?;
    let web_fingerprint = web.fingerprint();
    let sip = LiveIdentity::new(sip_identity(config, data, imported)?);
    let trust = match (config.sip.verify, &config.sip.ca) {
        (false, _) => Trust::unverified("sip.verify"),
        (true, bundle) => authorities(bundle.as_deref(), imported)?,
    };
    let servers = BTreeMap::from([
        (Facing::North, server_config(sip.clone(), client_auth(config, &trust, imported)?)?),
        (Facing::South, server_config(sip.clone(), ClientAuth::None)?),
    ]);
    // A handset's own certificate is its maker's; who it is was proved by digest over the connection
    // it opened. Only when that connection is gone do we open one to its contact.
    let clients = BTreeMap::from([
        (Facing::North, client_config(&trust, Some(sip))?),
        (Facing::South, client_config(&Trust::Unverified, None)?),
    ]);
    Ok(Certificates {
        web: server_config(LiveIdentity::new(web), ClientAuth::None)?,
        web_fingerprint,
        servers,
        clients,
    })
}

/// The node's own certificate for SIP: the file of the configuration, else the one imported last, else
/// one that it signs itself.
fn sip_identity(config: &Config, data: &Path, imported: &[CertificateRecord]) -> Result<Identity, PkiFault> {
    let own = imported
        .iter()
        .filter(|record| record.usage.contains(&Kind::Sip))
        .max_by_key(|record| record.created);
    match own.and_then(|record| Some((record, record.key_pem.as_ref()?))) {
        Some((record, key)) if config.sip.certificate.is_none() => Identity::from_pem(
            &record.name,
            &record.chain_pem,
            key.reveal(),
            Usage::Server,
            SystemTime::now(),
        ),
        _ => identity("sip", &config.sip.certificate, &config.sip.key, config, data),
    }
}

/// The bundle of the configuration and what was imported; without either, the system's authorities.
fn authorities(bundle: Option<&Path>, imported: &[CertificateRecord]) -> Result<Trust, PkiFault> {
    let mut text = match bundle {
        Some(bundle) => fs::read_to_string(bundle).map_err(|error| PkiFault::Library {
            origin: bundle.display().to_string(),
            what: error.to_string(),
        })?,
        None => String::new(),
    };
    for record in imported.iter().filter(|record| record.usage.contains(&Kind::Trust)) {
        text.push('\n');
        text.push_str(&record.chain_pem);
    }
    match (bundle, text.is_empty()) {
        (None, true) => Trust::system().or_else(|fault| nobody(&fault)),
        (Some(bundle), _) => Trust::from_pem(&bundle.display().to_string(), text.as_bytes()),
        (None, false) => Trust::from_pem("imported certificates", text.as_bytes()),
    }
}

fn client_auth(
    config: &Config,
    trust: &Trust,
    imported: &[CertificateRecord],
) -> Result<ClientAuth, PkiFault> {
    let told = config.sip.ca.is_some() || imported.iter().any(|record| record.usage.contains(&Kind::Trust));
    let required =
        config.lync.trusted_server || config.sip.north.client_certificates == ClientCertificates::Required;
    match (trust, required) {
        (Trust::Roots(roots), true) => Ok(ClientAuth::Servers(roots.clone(), allowed(config))),
        (Trust::Roots(roots), false) if told => Ok(ClientAuth::Optional(roots.clone())),
        (Trust::Roots(_) | Trust::Unverified, false) => Ok(ClientAuth::None),
        (Trust::Unverified, true) => Err(PkiFault::NoTrust {
            origin: "sip.north.client_certificates".to_owned(),
            what: "client certificates are required, but sip.verify = false; set sip.ca to the bundle of your CA".to_owned(),
        }),
    }
}

/// Who may connect to the north side when certificates are required.
fn allowed(config: &Config) -> Vec<String> {
    let proxies = config.sip.proxies.iter().map(|proxy| proxy.host.trim_matches(['[', ']']).to_owned());
    proxies.chain(config.sip.north.allowed.iter().map(|name| name.as_str().to_owned())).collect()
}

/// Without any authority every TLS server is refused, which is safe; plain transports still work.
fn nobody(fault: &PkiFault) -> Result<Trust, PkiFault> {
    warn!(%fault, "no authority is known: TLS servers in the north will be refused; set sip.ca");
    Ok(Trust::Roots(Arc::new(rustls::RootCertStore::empty())))
}

fn identity(
    what: &str,
    certificate: &Option<PathBuf>,
    key: &Option<PathBuf>,
    config: &Config,
    data: &Path,
) -> Result<Identity, PkiFault> {
    if let (Some(certificate), Some(key)) = (certificate, key) {
        return Identity::load(certificate, key, Usage::Server, SystemTime::now());
    }
    let folder = data.join("tls");
    fs::create_dir_all(&folder).map_err(|error| PkiFault::Library {
        origin: folder.display().to_string(),
        what: error.to_string(),
    })?;
    let (certificate, key) = (folder.join(format!("{what}.pem")), folder.join(format!("{what}.key")));
    let (identity, fresh) = self_signed_files(&certificate, &key, &names(config), SystemTime::now())?;
    if fresh {
        let (file, fingerprint) = (certificate.display().to_string(), identity.fingerprint());
        info!(%file, %fingerprint, "made a self-signed certificate for {what}; replace it by one of your own CA");
    }
    Ok(identity)
}

fn names(config: &Config) -> Vec<String> {
    let configured = [&config.node.fqdn, &config.lync.pool_fqdn, &config.sip.domain];
    let mut names: Vec<String> =
        configured.into_iter().flatten().map(|name| name.as_str().to_owned()).collect();
    names.push("localhost".to_owned());
    let addresses = super::own_addresses().into_iter().chain(config.media.address);
    names.extend(addresses.chain([IpAddr::from([127, 0, 0, 1])]).map(|ip| ip.to_string()));
    names.sort();
    names.dedup();
    names
}
