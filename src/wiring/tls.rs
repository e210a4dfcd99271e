//! Certificates of the node: those it is told, else self-signed ones that it makes on its first start.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use kirkwall_core::sip::Facing;
use kirkwall_data::certificate::{CertificateRecord, Usage as Kind};
use kirkwall_integration::lync::Provisioner;
use kirkwall_integration::pki::{
    ClientAuth, ClientTls, Identity, LegacyMaterial, LegacyTls, LiveIdentity, Oldest, PkiFault, Trust, Usage,
    client_config, self_signed_files, server_config,
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
    pub legacy: Option<LegacyTls>,
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
        legacy: legacy(config, data, imported)?,
    })
}

/// OpenSSL for the old front ends that are named, with the same certificate, authorities and names.
fn legacy(
    config: &Config,
    data: &Path,
    imported: &[CertificateRecord],
) -> Result<Option<LegacyTls>, PkiFault> {
    if config.sip.legacy_tls.is_empty() {
        return Ok(None);
    }
    let (chain, key) = match own_record(config, imported) {
        Some((record, key)) => (record.chain_pem.clone(), key.to_owned()),
        None => {
            let folder = data.join("tls");
            let file = |told: &Option<PathBuf>, made: &str| text(&told.clone().unwrap_or(folder.join(made)));
            (file(&config.sip.certificate, "sip.pem")?, file(&config.sip.key, "sip.key")?)
        }
    };
    let authorities = authority_text(config.sip.ca.as_deref(), imported)?;
    let material = LegacyMaterial {
        chain: &chain,
        key: &key,
        authorities: authorities.as_deref(),
        verified: config.sip.verify,
        oldest: if config.sip.legacy_tls_1_0 { Oldest::Tls10 } else { Oldest::Tls12 },
    };
    let hosts = config.sip.legacy_tls.iter().map(|name| name.as_str().to_owned()).collect();
    let clients = clients_required(config).then(|| allowed(config));
    LegacyTls::new(&material, hosts, clients).map(Some)
}

/// Who fetches certificates of users, where they may sign in by TLS-DSK.
pub fn provisioner(
    config: &Config,
    imported: &[CertificateRecord],
) -> Result<Option<Arc<Provisioner>>, PkiFault> {
    if !config.lync.tls_dsk {
        return Ok(None);
    }
    let authorities = authority_text(config.sip.ca.as_deref(), imported)?;
    let made = Provisioner::new(authorities, config.sip.verify);
    let made = made.map_err(|what| PkiFault::Library { origin: "lync.tls_dsk".to_owned(), what })?;
    Ok(Some(Arc::new(made)))
}

/// The node's own certificate for SIP: the file of the configuration, else the one imported last, else
/// one that it signs itself.
fn sip_identity(config: &Config, data: &Path, imported: &[CertificateRecord]) -> Result<Identity, PkiFault> {
    match own_record(config, imported) {
        Some((record, key)) => {
            Identity::from_pem(&record.name, &record.chain_pem, key, Usage::Server, SystemTime::now())
        }
        None => identity("sip", &config.sip.certificate, &config.sip.key, config, data),
    }
}

/// The imported certificate that is ours, with its key, unless the configuration names one.
fn own_record<'a>(
    config: &Config,
    imported: &'a [CertificateRecord],
) -> Option<(&'a CertificateRecord, &'a str)> {
    let own = imported.iter().filter(|record| record.usage.contains(&Kind::Sip));
    let newest = own.max_by_key(|record| record.created).filter(|_| config.sip.certificate.is_none())?;
    Some((newest, newest.key_pem.as_ref()?.reveal()))
}

fn text(file: &Path) -> Result<String, PkiFault> {
    let origin = file.display().to_string();
    fs::read_to_string(file).map_err(|error| PkiFault::Library { origin, what: error.to_string() })
}

/// The bundle of the configuration and what was imported; none: those of the system.
fn authority_text(bundle: Option<&Path>, imported: &[CertificateRecord]) -> Result<Option<String>, PkiFault> {
    let told = bundle.map(text).transpose()?;
    let more = imported.iter().filter(|record| record.usage.contains(&Kind::Trust));
    let all: Vec<String> = told.into_iter().chain(more.map(|record| record.chain_pem.clone())).collect();
    Ok((!all.is_empty()).then(|| all.join("\n")))
}

/// Those of [`authority_text`]; without any told, the system's.
pub fn authorities(bundle: Option<&Path>, imported: &[CertificateRecord]) -> Result<Trust, PkiFault> {
    match (bundle, authority_text(bundle, imported)?) {
        (_, None) => Trust::system().or_else(|fault| nobody(&fault)),
        (Some(bundle), Some(text)) => Trust::from_pem(&bundle.display().to_string(), text.as_bytes()),
        (None, Some(text)) => Trust::from_pem("imported certificates", text.as_bytes()),
    }
}

fn clients_required(config: &Config) -> bool {
    config.lync.trusted_server || config.sip.north.client_certificates == ClientCertificates::Required
}

fn client_auth(
    config: &Config,
    trust: &Trust,
    imported: &[CertificateRecord],
) -> Result<ClientAuth, PkiFault> {
    let told = config.sip.ca.is_some() || imported.iter().any(|record| record.usage.contains(&Kind::Trust));
    match (trust, clients_required(config)) {
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

pub fn names(config: &Config) -> Vec<String> {
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
