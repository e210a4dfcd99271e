//! What `kirkwall-lab front-end --lync` needs besides.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kirkwall_lab::front_end::LyncConfig;
use kirkwall_lab::front_end::lync::{ChallengeStyle, Cluster, Encryption, Ntlm, Proof, TrustedApplication};
use kirkwall_lab::sip::Failure;

/// How it speaks as a Lync front end: TCP and TLS only, with epid, GRUU, signed Record-Route. Everybody but
/// trusted applications must sign by --ntlm; without it, and without --trusted, everybody is taken at his
/// word. Its last line, at SIGTERM, counts the signatures; wrong messages go to standard error.
#[derive(clap::Args)]
#[command(next_help_heading = "Lync")]
pub struct LyncArguments {
    /// Speak as a Lync front end.
    #[arg(long)]
    lync: bool,
    /// Its name: in its certificate, as targetname; default fe1.DOMAIN.
    #[arg(long, requires = "lync")]
    fqdn: Option<String>,
    /// Its pool's name: in its certificate and in Record-Route; default pool.DOMAIN.
    #[arg(long, requires = "lync")]
    pool: Option<String>,
    /// Challenge by NTLM, with signing rules of at most this version: 2, 3 or 4.
    #[arg(long, requires = "lync", value_parser = clap::value_parser!(u8).range(2..=4))]
    ntlm: Option<u8>,
    /// Which status challenges.
    #[arg(long, value_enum, default_value = "401")]
    challenge: ChallengeStyle,
    /// The NetBIOS name of the domain.
    #[arg(long, default_value = "LAB")]
    netbios_domain: String,
    /// Leave 1xx answers unsigned.
    #[arg(long)]
    unsigned_provisional: bool,
    /// Seconds until a client must prove itself anew.
    #[arg(long, default_value_t = 28_800)]
    association_life: u64,
    /// A trusted application, FQDN or FQDN=ADDRESS:PORT: taken by its client certificate, unasked. With an
    /// address, requests for it go over a connection to there.
    #[arg(long, requires = "lync")]
    trusted: Vec<String>,
    /// Trust client certificates of this CA (PEM) too.
    #[arg(long, requires = "lync")]
    client_ca: Option<PathBuf>,
    /// USER=URI: this user's home is another server; it is redirected (301) once it has proved itself.
    #[arg(long, requires = "lync")]
    home: Vec<String>,
    /// Longest registration, seconds; what a client gets that asks for nothing.
    #[arg(long, default_value_t = 7_200)]
    expires: u64,
    /// Seconds of silence after which clients shall send a keep-alive.
    #[arg(long, default_value_t = 300)]
    keep_alive: u64,
    /// Server header: RTC/3.5 OCS 2007 R2, RTC/4.0 Lync 2010, RTC/5.0 Lync 2013, RTC/6.0 Skype for Business.
    #[arg(long, default_value = "RTC/5.0")]
    server: String,
    /// What the users' primary registrar is: a pool (central) or a survivable branch appliance (remote).
    #[arg(long, value_enum, default_value = "central")]
    cluster: Cluster,
    /// What provisioning says of SRTP.
    #[arg(long, value_enum, default_value = "support")]
    encryption: Encryption,
    /// USER=tel:NUMBER: the user has Enterprise Voice and this number.
    #[arg(long, requires = "lync")]
    line: Vec<String>,
    /// A user on everybody's contact list.
    #[arg(long, requires = "lync")]
    contact: Vec<String>,
    /// Be the backup registrar of its users.
    #[arg(long)]
    backup: bool,
}

impl LyncArguments {
    /// Whether it shall speak as Lync at all.
    pub fn is_wanted(&self) -> bool {
        self.lync
    }

    /// The configuration; none without `--lync`.
    ///
    /// # Errors
    /// When an option cannot be read.
    pub fn config(&self, domain: &str) -> Result<Option<LyncConfig>, Failure> {
        if !self.lync {
            return Ok(None);
        }
        let default = LyncConfig::new(domain);
        let proof = match self.ntlm {
            Some(version) => Proof::Ntlm(self.ntlm(version)),
            None if self.trusted.is_empty() => Proof::None,
            None => Proof::Trust,
        };
        let lines = self.line.iter().map(|one| pair(one, "--line", "USER=tel:NUMBER"));
        let homes = self.home.iter().map(|one| pair(one, "--home", "USER=URI"));
        Ok(Some(LyncConfig {
            fqdn: self.fqdn.clone().unwrap_or(default.fqdn.clone()),
            pool: self.pool.clone().unwrap_or(default.pool.clone()),
            server: self.server.clone(),
            expires: Duration::from_secs(self.expires),
            keep_alive: Duration::from_secs(self.keep_alive),
            trusted: self.trusted.iter().map(|one| application(one)).collect::<Result<_, _>>()?,
            client_ca_pem: self.client_ca.as_deref().map_or(Ok(String::new()), super::read)?,
            proof,
            homes: homes.collect::<Result<_, _>>()?,
            cluster: self.cluster,
            primary: !self.backup,
            encryption: self.encryption,
            lines: lines.collect::<Result<_, _>>()?,
            contacts: self.contact.clone(),
            ..default
        }))
    }

    fn ntlm(&self, version: u8) -> Ntlm {
        Ntlm {
            version,
            challenge: self.challenge,
            netbios_domain: self.netbios_domain.clone(),
            signs_provisional: !self.unsigned_provisional,
            life: Duration::from_secs(self.association_life),
            ..Ntlm::default()
        }
    }
}

fn application(text: &str) -> Result<TrustedApplication, Failure> {
    let Some((fqdn, address)) = text.split_once('=') else {
        return Ok(TrustedApplication { fqdn: text.to_owned(), address: None });
    };
    let address = address.parse().ok();
    let address: SocketAddr = address.ok_or_else(|| unusable("--trusted", "FQDN=ADDRESS:PORT", text))?;
    Ok(TrustedApplication { fqdn: fqdn.to_owned(), address: Some(address) })
}

fn pair(text: &str, option: &'static str, form: &str) -> Result<(String, String), Failure> {
    let (left, right) = text.split_once('=').ok_or_else(|| unusable(option, form, text))?;
    Ok((left.to_owned(), right.to_owned()))
}

fn unusable(field: &'static str, form: &str, text: &str) -> Failure {
    Failure::Unusable { field, text: format!("{text}: write {form}") }
}
