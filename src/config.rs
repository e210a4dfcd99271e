//! `kirkwall.toml`: what there is to set, what it means, and what is wrong with a file.
//!
//! ```text
//!  file ──► source: every value with its line ──┐
//!                                               ├─► sections below (typed) ─► check: what must fit together
//!  KIRKWALL__SIP__DOMAIN, …_FILE ───────────────┘
//!  Each step adds to one list of faults; a file with three errors is told all three.
//! ```
//!
//! The environment wins over the file. A variable ending in `_FILE` names a file that holds the value, for
//! secrets that a container mounts. Users, handsets, base stations and certificates from the UI live in
//! the data directory, not here.
#![allow(dead_code, reason = "each field is read by the part of the wiring that it sets")]

mod capacity;
mod check;
#[cfg(test)]
mod document;
mod music;
mod show;
mod source;
mod value;
mod words;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kirkwall_core::call::HoldSignal;
use kirkwall_core::call::route::InternalRouting;
use kirkwall_core::media::Codec;
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::Transport;

pub use music::music;
pub use source::{ConfigFault, Key};
use source::{Section, Values};
pub use value::{HostName, HostPort, Listener, PortRange};
pub use words::{
    AccessCodePolicy, CapacityProfile, ClientCertificates, DnsMethod, RelayTransport, SrtpPolicy, SyslogLevel,
};

impl Config {
    /// Reads the file and the process's environment. `None`: `kirkwall.toml` here if there is one, else
    /// the environment alone. On error, everything that is wrong.
    pub fn load(file: Option<&Path>) -> Result<Config, Vec<ConfigFault>> {
        let here = Path::new("kirkwall.toml");
        let file = file.or_else(|| here.exists().then_some(here));
        let text = file.map(source::read_file).transpose().map_err(|fault| vec![fault])?;
        let name = file.map_or_else(|| "kirkwall.toml".into(), |file| file.display().to_string());
        Self::read(&name, text.as_deref().unwrap_or_default(), std::env::vars_os())
    }

    /// Reads `text` as the file called `name`, under the given environment.
    pub fn read<V>(name: &str, text: &str, environment: V) -> Result<Config, Vec<ConfigFault>>
    where
        V: IntoIterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    {
        let keys = Self::keys();
        let mut values = Values::collect(name, text, environment, &keys);
        let config = Config::read_section(&mut values, "");
        check::check(&config, &mut values);
        let faults = values.into_faults();
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    /// Every key with its help, in the order of the file.
    pub fn keys() -> Vec<Key> {
        let mut keys = Vec::new();
        Config::list_keys("", &mut keys);
        keys
    }
}

/// Declares the sections: struct, defaults, reading and help from one text.
macro_rules! sections {
    ($(
        $(#[doc = $about:literal])+
        $name:ident {
            $( $(#[doc = $help:literal])+ $field:ident: $kind:ty = $default:expr, )*
            $( @ $(#[doc = $sub_about:literal])+ $sub:ident: $section:ty, )*
        }
    )*) => {$(
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $help])+ pub $field: $kind, )*
            $( $(#[doc = $sub_about])+ pub $sub: $section, )*
        }

        impl Section for $name {
            #[allow(unused_variables, reason = "a section without keys of its own")]
            fn read_section(values: &mut Values, path: &str) -> Self {
                Self {
                    $( $field: values.take(path, stringify!($field), || $default), )*
                    $( $sub: <$section>::read_section(values, &source::join(path, stringify!($sub))), )*
                }
            }

            fn list_keys(path: &str, into: &mut Vec<Key>) {
                $( into.push(Key {
                    path: source::join(path, stringify!($field)),
                    help: concat!($($help, "\n"),+),
                    default: {
                        let default: $kind = $default;
                        show::Show::show(&default)
                    },
                }); )*
                $( <$section>::list_keys(&source::join(path, stringify!($sub)), into); )*
            }
        }
    )*};
}

mod admission;
mod dialling;
mod lync;
mod messages;
mod phone_book;
pub use admission::Admission;
pub use dialling::Dialling;
pub use lync::Lync;
pub use messages::Messages;
pub use phone_book::PhoneBook;

sections! {
    /// All settings of one node.
    Config {
        @ /// This machine.
        node: Node,
        @ /// Pages and REST.
        web: Web,
        @ /// Health and metrics.
        ops: Ops,
        @ /// SIP.
        sip: Sip,
        @ /// Microsoft Lync and Skype for Business.
        lync: Lync,
        @ /// Numbers: what they mean and cost.
        dialling: Dialling,
        @ /// Text messages and alarms.
        messages: Messages,
        @ /// Voice.
        media: Media,
        @ /// How many calls.
        capacity: Capacity,
        @ /// Links with little room.
        admission: Admission,
        @ /// Base stations over the base link.
        base_link: BaseLink,
        @ /// The DECT system.
        dect: Dect,
        @ /// The phone book and the company's directory.
        phone_book: PhoneBook,
        @ /// Log lines to a syslog server.
        syslog: Syslog,
        @ /// Records of ended calls.
        cdr: Cdr,
        @ /// Several nodes.
        cluster: Cluster,
        @ /// Licence.
        licence: Licence,
    }

    /// `[node]`
    Node {
        /// Full name of this machine, `dect1.example.com`. Stands in self-signed certificates and on pages, and
        /// is a host that handsets may dial.
        fqdn: Option<HostName> = None,
    }

    /// `[web]`
    Web {
        /// Address of pages and REST, HTTPS.
        listen: SocketAddr = value::any(8443),
        /// Certificate with its chain, PEM file. None: self-signed on first start, shown with its fingerprint.
        certificate: Option<PathBuf> = None,
        /// Its private key, PEM file.
        key: Option<PathBuf> = None,
    }

    /// `[ops]`
    Ops {
        /// Address of `/livez`, `/readyz` and `/metrics`, HTTP.
        listen: SocketAddr = value::loopback(9464),
    }

    /// `[sip]`
    Sip {
        /// SIP domain of the users, `example.com`.
        domain: Option<HostName> = None,
        /// Transport to the north: `tls`, `tcp` or `udp`.
        transport: Transport = Transport::Tls,
        /// How names of proxies are looked up: `a` addresses only, `srv` SRV records first.
        dns_method: DnsMethod = DnsMethod::A,
        /// Proxies or registrars in the north, in order of preference, `host` or `host:port`.
        proxies: Vec<HostPort> = Vec::new(),
        /// Ask for and use GRUUs (RFC 5627).
        gruu: bool = true,
        /// Use `sips:` URIs. Needs `transport = "tls"`.
        use_sips_uri: bool = false,
        /// Seconds that a registration in the north is asked for; 30 to 86400.
        registration_expires: Duration = Duration::from_secs(300),
        /// Registrations begun a second at most, all users together; 1 to 10000. What answers a challenge is not
        /// counted.
        registrations_per_second: u32 = 200,
        /// Subscribe to each user's message-summary at the registrar (RFC 3842). One that does not offer it is
        /// asked again each hour. Lync tells of messages by itself.
        message_waiting: bool = true,
        /// Words in User-Agent and Server. No version by default: it helps only strangers.
        user_agent: String = "Kirkwall".into(),
        /// Certificate of this node for SIP over TLS, as server and client, PEM file.
        certificate: Option<PathBuf> = None,
        /// Its private key, PEM file.
        key: Option<PathBuf> = None,
        /// Authorities whose certificates are accepted, PEM file. None: those of the system.
        ca: Option<PathBuf> = None,
        /// Check certificates of servers in the north. Turn off only to find an error.
        verify: bool = true,
        /// Proxies of old Windows (Server 2008 R2, 2012 R2), by their names in `sip.proxies`: they are spoken
        /// to by OpenSSL, TLS 1.2 with ECDHE-RSA and CBC too.
        legacy_tls: Vec<HostName> = Vec::new(),
        /// Take TLS 1.0 and 1.1 and key exchange by RSA from those proxies as well. Weak; update them instead.
        legacy_tls_1_0: bool = false,
        /// When calls between our own handsets stay inside: `fallback` while the north is down, `first`
        /// always, `never`.
        internal_routing: InternalRouting = InternalRouting::Fallback,
        @ /// Listeners for the north.
        north: North,
        @ /// Listeners for the south.
        south: South,
    }

    /// `[sip.north]`
    North {
        /// Listener for UDP, `off` for none.
        listen_udp: Listener = Listener::OFF,
        /// Listener for TCP, `off` for none.
        listen_tcp: Listener = Listener::OFF,
        /// Listener for TLS from front ends, `off` for none.
        listen_tls: Listener = Listener::on(5061),
        /// Whether clients must show a certificate: `optional` or `required` (MTLS). With `required`, and for a
        /// trusted server of Lync, it must be that of one of `sip.proxies` or `sip.north.allowed`.
        client_certificates: ClientCertificates = ClientCertificates::Optional,
        /// Names of further servers that may connect, such as the front ends of a pool.
        allowed: Vec<HostName> = Vec::new(),
    }

    /// `[sip.south]`
    South {
        /// Listener for UDP, `off` for none.
        udp: Listener = Listener::on(5060),
        /// Listener for TCP, `off` for none.
        tcp: Listener = Listener::on(5060),
        /// Listener for TLS, `off` for none. Must differ from `sip.north.listen_tls`.
        tls: Listener = Listener::OFF,
        /// Realm of digest authentication. None: the SIP domain.
        realm: Option<String> = None,
    }

    /// `[media]`
    Media {
        /// Address in SDP. None: the one that a packet to the peer leaves from.
        address: Option<IpAddr> = None,
        /// UDP ports for RTP and RTCP, first and last.
        ports: PortRange = PortRange { first: 30_000, last: 39_999 },
        /// SRTP towards the north: `off`, `optional` (offered over TLS only, taken where it is asked for) or
        /// `required`. Towards handsets it is optional, or `off` with this.
        srtp: SrtpPolicy = SrtpPolicy::Optional,
        /// SRTP towards handsets and base stations: `off`, `optional` or `required`. None: `optional`, and `off`
        /// with `srtp = "off"`. Native base stations carry six calls with it instead of eleven, so they have it
        /// only where it is `required`.
        srtp_south: Option<SrtpPolicy> = None,
        /// Include the lifetime in SDES offers. None: with Lync only.
        sdes_lifetime: Option<bool> = None,
        /// Include an MKI in SDES offers. None: with Lync only; many other telephones take no MKI.
        sdes_mki: Option<bool> = None,
        /// Take an SDP body of the north for new even when its version number did not go up. None: with Lync only,
        /// which keeps the number over real changes.
        ignore_sdp_version: Option<bool> = None,
        /// Offer and take comfort noise (RFC 3389), so that silence need not be sent. None: with Lync only.
        comfort_noise: Option<bool> = None,
        /// Codecs in order of preference: `PCMA`, `PCMU`, `G722`, `G726-32`.
        codecs: Vec<Codec> = vec![Codec::Pcma, Codec::Pcmu, Codec::G722],
        /// How the north is told that its call is held: `sendonly` (it hears the hold tone), `inactive` (it hears
        /// nothing from here) or `tone` (it is not told and hears the tone). None: `inactive` with Lync, else
        /// `sendonly`.
        hold_north: Option<HoldSignal> = None,
        /// The same for handsets.
        hold_south: HoldSignal = HoldSignal::SendOnly,
        /// What held ends hear: a WAV file of G.711 A-law or 16-bit samples, or bare A-law octets; 8000 samples a
        /// second, mono, at most ten minutes. None: a short tone each five seconds.
        music_on_hold: Option<PathBuf> = None,
        /// STUN of RFC 3489, for old session border controllers. Changes while the switch runs, too, by `/config/set`
        /// (`docs/rest.md`), which counts over this file.
        rfc3489: bool = false,
        /// ICE.
        ice: bool = true,
        /// Threads that move packets. None: one for each core, at most four.
        threads: Option<u16> = None,
        /// DSCP of voice packets; 46 is expedited forwarding (RFC 3246).
        dscp: u16 = 46,
    }

    /// `[capacity]`
    Capacity {
        /// `software`: as much as the machine bears; `kws6500`: 32 channels, 16 with SRTP, 11 and 6 per base.
        profile: CapacityProfile = CapacityProfile::Software,
        /// Media channels. None: by the profile.
        media_channels: Option<u32> = None,
        /// Media channels when all have SRTP. None: by the profile.
        media_channels_srtp: Option<u32> = None,
        /// Channels of a base station. None: by its model, else by the profile.
        base_channels: Option<u32> = None,
        /// Channels of a base station when all have SRTP. None: as above.
        base_channels_srtp: Option<u32> = None,
    }

    /// `[base_link]`
    BaseLink {
        /// Listener for base stations, TLS.
        listen: Listener = Listener::on(14_700),
    }

    /// `[dect]`
    Dect {
        /// Access rights identity of the system, class B, hexadecimal, as on the licence: `102AF12C`. None: the
        /// switch has no native base stations, and no base link.
        ari: Option<String> = None,
        /// Whether a subscribing handset must give an access code: `required` or `optional`.
        access_code_policy: AccessCodePolicy = AccessCodePolicy::Required,
        /// Whether calls of handsets on native base stations are ciphered on the air.
        cipher: bool = true,
        /// Seconds without a key after which a number that is dialled digit by digit counts as whole.
        digit_gap: Duration = Duration::from_secs(4),
        /// Whether calls of handsets on native base stations may be in G.722, where handset and base station can:
        /// such a call takes as many channels of its base station as a long slot takes slot pairs, two of eleven.
        wideband: bool = true,
        /// Channels of each native base station that new calls leave to handsets that come over in a call, and
        /// to calls for help.
        handover_reserve: u16 = 0,
    }

    /// `[syslog]`
    Syslog {
        /// Server, `host` or `host:port`. None: no syslog.
        server: Option<HostPort> = None,
        /// `udp`, `tcp` or `tls`.
        transport: Transport = Transport::Udp,
        /// Least level that is sent: `error`, `warning`, `info` or `debug`.
        level: SyslogLevel = SyslogLevel::Warning,
    }

    /// `[cdr]`
    Cdr {
        /// Keep records of ended calls; the newest 100,000 stay.
        enabled: bool = true,
        /// Entries of each user's call log, at most 1000; 0: no logs, and no redial by code.
        log_entries: u16 = 100,
        /// Days that they are kept, 1 to 3650.
        log_days: u16 = 90,
    }

    /// `[cluster]`
    Cluster {
        /// NATS servers. None: a node of its own.
        servers: Vec<HostPort> = Vec::new(),
        /// Name of this node in the cluster. None: `node.fqdn`.
        node: Option<String> = None,
    }

    /// `[licence]`
    Licence {
        /// Licence key. Better as `KIRKWALL__LICENCE__KEY_FILE`.
        key: Option<Pii<String>> = None,
    }
}

#[cfg(test)]
mod tests;
