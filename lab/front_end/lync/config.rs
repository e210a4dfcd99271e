//! How a front end speaks as Lync does.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::pool::Pool;
use crate::ice::Manner;

/// What makes a front end one of Lync.
#[derive(Debug, Clone)]
pub struct LyncConfig {
    /// Name of this server: in its certificate, as `targetname`, in `ms-fe`, as source of ms-diagnostics.
    pub fqdn: String,
    /// Name of its pool: in its certificate and in Record-Route.
    pub pool: String,
    /// `RTC/3.5` OCS 2007 R2, `RTC/4.0` Lync 2010, `RTC/5.0` Lync 2013, `RTC/6.0` Skype for Business.
    pub server: String,
    /// How long a registration lasts when the client asks for nothing; shorter wishes are granted.
    pub expires: Duration,
    /// `timeout` of ms-keep-alive.
    pub keep_alive: Duration,
    /// Trusted applications: who shows their certificate is not asked for anything more.
    pub trusted: Vec<TrustedApplication>,
    /// PEM certificates that client certificates may chain to, besides the front end's own CA.
    pub client_ca_pem: String,
    /// How everybody else proves who he is.
    pub proof: Proof,
    /// Users whose home is another server: redirected there (301, this Contact URI) once they have proved
    /// who they are.
    pub homes: HashMap<String, String>,
    /// What `presence-state` says of the registrar.
    pub cluster: Cluster,
    /// Whether the registrar is the user's primary one (`is-connected-to-primary`).
    pub primary: bool,
    /// Whether presence and contacts are served. A survivable branch appliance cut off from its pool serves
    /// calls only (`user-services-state=unavailable`).
    pub user_services: bool,
    /// The pool that it is one server of; none: one of its own.
    pub members: Option<Pool>,
    /// What in-band provisioning says of encryption.
    pub encryption: Encryption,
    /// Whether it says that bandwidth is asked for before a call is taken.
    pub checks_bandwidth: bool,
    /// What it says of media bypass: the id of the clients' place; none: bypass is off.
    pub bypass_id: Option<String>,
    /// The dial plan.
    pub location_profile: LocationProfile,
    /// `tel:` URI by user: Enterprise Voice, and the number under which the user is called.
    pub lines: HashMap<String, String>,
    /// New and old messages in the voice mailbox, by user.
    pub voice_mail: HashMap<String, (u32, u32)>,
    /// Users on everybody's contact list.
    pub contacts: Vec<String>,
    /// What MRAS tells of the media relay: its host name.
    pub relay_host: String,
    /// Its UDP port.
    pub relay_udp: u16,
    /// Its TCP port.
    pub relay_tcp: u16,
    /// What MRAS and relay share; passwords are made from it ([`super::relay_credentials`]).
    pub relay_key: Vec<u8>,
    /// What the audio mixer of conferences does about ICE.
    pub mcu_ice: Manner,
    /// Where its ports are; none: where the far-end users' are.
    pub mcu_address: Option<IpAddr>,
}

impl LyncConfig {
    /// A Lync 2013 server `fe1` in the pool `pool` of a domain, which takes everybody at his word.
    pub fn new(domain: &str) -> Self {
        Self {
            fqdn: format!("fe1.{domain}"),
            pool: format!("pool.{domain}"),
            server: "RTC/5.0".into(),
            expires: Duration::from_secs(7_200),
            keep_alive: Duration::from_secs(300),
            trusted: Vec::new(),
            client_ca_pem: String::new(),
            proof: Proof::None,
            homes: HashMap::new(),
            cluster: Cluster::Central,
            primary: true,
            user_services: true,
            members: None,
            encryption: Encryption::Support,
            checks_bandwidth: false,
            bypass_id: None,
            location_profile: LocationProfile::default(),
            lines: HashMap::new(),
            voice_mail: HashMap::new(),
            contacts: Vec::new(),
            relay_host: format!("edge.{domain}"),
            relay_udp: 3_478,
            relay_tcp: 443,
            relay_key: b"kirkwall lab".to_vec(),
            mcu_ice: Manner::Off,
            mcu_address: None,
        }
    }
}

/// A trusted application pool of the topology (`New-CsTrustedApplicationPool`).
#[derive(Debug, Clone)]
pub struct TrustedApplication {
    /// The name that its certificate must show.
    pub fqdn: String,
    /// Where the front end connects to for requests to it; none: they go over its own connections only.
    pub address: Option<SocketAddr>,
}

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Not at all.
    None,
    /// It must be a trusted application.
    Trust,
    /// By NTLM.
    Ntlm(Ntlm),
}

/// NTLM over SIP ([MS-SIPAE]).
#[derive(Debug, Clone)]
pub struct Ntlm {
    /// Highest version of the signing rules: 2, 3 or 4. The client may answer with a lower one.
    pub version: u8,
    /// 401 or 407.
    pub challenge: ChallengeStyle,
    /// The NetBIOS name of the domain.
    pub netbios_domain: String,
    /// Whether 1xx answers are signed too; real servers leave some unsigned.
    pub signs_provisional: bool,
    /// Whether the CHALLENGE carries the server's clock (Lync 2013 does, OCS 2007 R2 does not).
    pub sends_time: bool,
    /// How long a security association lives; then the client is challenged again. Lync: 8 hours.
    pub life: Duration,
    /// Largest difference between the clocks. Lync: 15 minutes.
    pub skew: Duration,
    /// Whether Kerberos and TLS-DSK are offered beside NTLM. Neither is served.
    pub offers_others: bool,
    /// TLS-DSK in place of NTLM; users get certificates that last so long from the front end's web services,
    /// where they sign in by NTLM.
    pub tls_dsk: Option<Duration>,
}

impl Default for Ntlm {
    fn default() -> Self {
        Self {
            version: 4,
            challenge: ChallengeStyle::Unauthorized,
            netbios_domain: "LAB".into(),
            signs_provisional: true,
            sends_time: true,
            life: Duration::from_secs(8 * 3_600),
            skew: Duration::from_secs(15 * 60),
            offers_others: true,
            tls_dsk: None,
        }
    }
}

/// Which status and headers challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ChallengeStyle {
    /// 401, WWW-Authenticate, Authorization, Authentication-Info.
    #[value(name = "401")]
    Unauthorized,
    /// 407, Proxy-Authenticate, Proxy-Authorization, Proxy-Authentication-Info.
    #[value(name = "407")]
    Proxy,
}

/// `primary-cluster-type` ([MS-SIPREGE] 2.2.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Cluster {
    /// The user's primary registrar is a pool.
    Central,
    /// It is a survivable branch appliance.
    Remote,
}

impl Cluster {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Central => "central",
            Self::Remote => "remote",
        }
    }
}

/// `ucPC2PCAVEncryption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Encryption {
    /// SRTP when the other end has it.
    Support,
    /// SRTP or no call.
    Require,
    /// No SRTP.
    Refuse,
}

impl Encryption {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Support => "SupportEncryption",
            Self::Require => "RequireEncryption",
            Self::Refuse => "DoNotSupportEncryption",
        }
    }
}

/// A dial plan ([MS-SIPRE]): the first rule that matches translates.
#[derive(Debug, Clone)]
pub struct LocationProfile {
    /// Its name, without a domain.
    pub name: String,
    /// Patterns (.NET regular expressions) and what they become (`$1` …).
    pub rules: Vec<(String, String)>,
    /// What is dialled for an outside line.
    pub external_access_prefix: Option<String>,
}

impl Default for LocationProfile {
    /// Four digits are an extension, seven a number of the town, and +… stays.
    fn default() -> Self {
        let rule = |pattern: &str, translation: &str| (pattern.to_owned(), translation.to_owned());
        Self {
            name: "Lab".into(),
            rules: vec![
                rule(r"^(\d{4})$", "+1999555$1"),
                rule(r"^(\d{7})$", "+1999$1"),
                rule(r"^011(\d+)$", "+$1"),
            ],
            external_access_prefix: Some("9".into()),
        }
    }
}
