//! What the switch is told at its start. Read from the configuration by the wiring; plain values here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use kirkwall_core::call::admission::Limit;
use kirkwall_core::call::admission::links::Link;
use kirkwall_core::call::dialling::DialPlan;
use kirkwall_core::call::route::InternalRouting;
use kirkwall_core::call::text::{Confirmation, Draft, Escalation, LONGEST_TEXT, Priority, Sender};
use kirkwall_core::call::{HoldSignals, Sound};
use kirkwall_core::lync::presence::PresenceTimes;
use kirkwall_core::media::Codec;
use kirkwall_core::media::ice::agent;
use kirkwall_core::media::ice::stun::Dialect;
use kirkwall_core::media::negotiate::{Habits, IceMode, SrtpPolicy};
use kirkwall_core::media::tone;
use kirkwall_core::pii::Pii;
use kirkwall_core::sip::wire::Host;
use kirkwall_core::sip::{Destination, Transport};
use kirkwall_integration::lync::Provisioner;
use kirkwall_integration::sip::DnsMethod;

use crate::media_channel::RelayAccess;

/// Settings of one node.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the node, for people.
    pub node: String,
    /// Default SIP domain; the domain of every user's address of record.
    pub domain: String,
    /// Realm that the south side authenticates in.
    pub realm: String,
    /// Further names and addresses that mean this switch in a dialled URI.
    pub own_hosts: Vec<Host>,
    /// What we call ourselves in User-Agent and Server, once somebody is known.
    pub user_agent: String,
    /// The north side; none: no registrar.
    pub north: Option<NorthSettings>,
    /// Whether calls between two of our handsets stay inside.
    pub internal_routing: InternalRouting,
    /// How numbers are dialled.
    pub dialling: Arc<DialPlan>,
    /// The pause after which a number counts as whole that is dialled digit by digit.
    pub digit_gap: Duration,
    /// Calls of native handsets may be in G.722.
    pub wideband: bool,
    /// Media.
    pub media: MediaSettings,
    /// Call logs of users.
    pub logs: LogSettings,
    /// Channels.
    pub capacity: CapacitySettings,
    /// Bandwidth.
    pub admission: AdmissionSettings,
    /// Texts.
    pub messages: MessageSettings,
}

impl Settings {
    /// Whether the north is Lync.
    pub fn speaks_lync(&self) -> bool {
        self.north.as_ref().is_some_and(|north| north.lync.is_some())
    }
}

/// The registrar or front ends.
#[derive(Debug, Clone)]
pub struct NorthSettings {
    /// Proxies in order of preference.
    pub proxies: Vec<Proxy>,
    /// Names of further servers that may call us.
    pub allowed: Vec<String>,
    /// How to reach them.
    pub transport: Transport,
    /// Whether SRV records are asked first.
    pub dns: DnsMethod,
    /// Expiry asked for, in seconds.
    pub expires: u32,
    /// Whether our URIs are `sips:`.
    pub use_sips_uri: bool,
    /// REGISTERs a second at most, all users together.
    pub registrations_per_second: u32,
    /// Whether the registrar is asked for messages waiting.
    pub message_waiting: bool,
    /// Lync; none: plain SIP.
    pub lync: Option<LyncSettings>,
}

/// Lync and Skype for Business.
#[derive(Debug, Clone)]
pub struct LyncSettings {
    /// This switch is a trusted server of the topology.
    pub trusted_server: bool,
    /// Name of the trusted application pool, for Via and Contact; with a trusted server only.
    pub own_name: Option<String>,
    /// Network address for `ms-subnet`.
    pub subnet: Option<Ipv4Addr>,
    /// Whether REGISTER asks for a lifetime; else the front end chooses.
    pub ask_expires: bool,
    /// Presence.
    pub presence: PresenceSettings,
    /// How often front ends are asked whether they live; zero: never.
    pub watch_every: Duration,
    /// How long the first proxy must have served before users go back to it.
    pub return_after: Duration,
    /// Who fetches certificates of users, where they may sign in by TLS-DSK.
    pub tls_dsk: Option<Arc<Provisioner>>,
}

/// What front ends are told of handsets.
#[derive(Debug, Clone)]
pub struct PresenceSettings {
    /// Whether anything.
    pub publishes: bool,
    /// When a handset is shown as inactive and away.
    pub times: PresenceTimes,
    /// Whether a handset out of range is shown as offline.
    pub offline_out_of_range: bool,
}

/// A proxy as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Name or address.
    pub host: String,
    /// Port, if given.
    pub port: Option<u16>,
}

/// Media settings.
#[derive(Debug, Clone)]
pub struct MediaSettings {
    /// The address told to the far ends; none: the one they see us under.
    pub address: Option<IpAddr>,
    /// Codecs, preferred first.
    pub codecs: Vec<Codec>,
    /// SRTP towards the north and the south.
    pub srtp_north: SrtpPolicy,
    /// SRTP towards handsets and bases.
    pub srtp_south: SrtpPolicy,
    /// How descriptions are read and written towards the north.
    pub habits_north: Habits,
    /// The same towards handsets and bases.
    pub habits_south: Habits,
    /// How an end is told that the other one holds it.
    pub hold: HoldSignals,
    /// What it hears meanwhile.
    pub sounds: Sounds,
    /// ICE.
    pub ice: IceSettings,
}

/// What an end hears in place of the other one, as G.711 A-law at 8000 samples a second.
#[derive(Clone)]
pub struct Sounds {
    /// While it is held.
    pub hold: Arc<[u8]>,
    /// While somebody is called for it.
    pub ringing: Arc<[u8]>,
    /// When a room wants its PIN.
    pub ask_pin: Arc<[u8]>,
    /// When the PIN was wrong.
    pub wrong_pin: Arc<[u8]>,
    /// When somebody has come into a conference.
    pub joined: Arc<[u8]>,
    /// When somebody has gone.
    pub gone: Arc<[u8]>,
    /// When what was asked of the switch is done.
    pub confirmation: Arc<[u8]>,
}

impl Default for Sounds {
    fn default() -> Self {
        Self {
            hold: tone::hold().into(),
            ringing: tone::ringing().into(),
            ask_pin: tone::ask_pin().into(),
            wrong_pin: tone::wrong_pin().into(),
            joined: tone::joined().into(),
            gone: tone::gone().into(),
            confirmation: tone::confirmation().into(),
        }
    }
}

impl Sounds {
    /// The samples of one.
    pub fn of(&self, sound: Sound) -> Arc<[u8]> {
        match sound {
            Sound::Hold => self.hold.clone(),
            Sound::Ringing => self.ringing.clone(),
            Sound::AskPin => self.ask_pin.clone(),
            Sound::WrongPin => self.wrong_pin.clone(),
            Sound::Confirmation => self.confirmation.clone(),
        }
    }
}

impl fmt::Debug for Sounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sounds({} and {} octets)", self.hold.len(), self.ringing.len())
    }
}

/// ICE settings.
#[derive(Debug, Clone)]
pub struct IceSettings {
    /// Towards the north.
    pub north: IceMode,
    /// How the agents work.
    pub agents: agent::Settings,
    /// How their checks are written when nobody wants them in the form of RFC 3489.
    pub usual_dialect: Dialect,
    /// Whether the pool's media relay is used.
    pub uses_relay: bool,
    /// How it may be reached.
    pub relay_ways: RelayWays,
    /// The relay, once the pool has told of it and while it serves.
    pub relay: Option<Arc<RelayAccess>>,
}

/// How a media relay may be reached; over both, UDP is tried first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayWays {
    /// Over UDP.
    pub udp: bool,
    /// Over TCP.
    pub tcp: bool,
}

/// How much of a user's calls is kept.
#[derive(Debug, Clone, Copy)]
pub struct LogSettings {
    /// Most entries of one user; 0: none.
    pub entries: usize,
    /// How long.
    pub kept: Duration,
}

/// Channel settings.
#[derive(Debug, Clone)]
pub struct CapacitySettings {
    /// `software` or `kws6500`, for people.
    pub profile: String,
    /// Channels of the media resource.
    pub media: Limit,
    /// Channels of every base station; none: by what the base is.
    pub base: Option<Limit>,
}

/// Bandwidth, and what is done where it is short.
#[derive(Debug, Clone, Default)]
pub struct AdmissionSettings {
    /// Links with limits.
    pub links: Vec<Link>,
    /// Whether calls without bandwidth may go another way.
    pub reroute: bool,
    /// A gateway that takes numbers.
    pub gateway: Option<Destination>,
    /// Whether the pool's policy is asked; none: as the pool says.
    pub wants_policy: Option<bool>,
    /// Whether it is asked now.
    pub checks_policy: bool,
    /// Whether media may bypass the mediation server.
    pub wants_bypass: bool,
    /// The configured place.
    pub own_bypass: Option<String>,
    /// The place that is told now; none: no bypass.
    pub bypass: Option<String>,
}

/// Settings of texts.
#[derive(Debug, Clone)]
pub struct MessageSettings {
    /// How long they are kept.
    pub kept: Duration,
    /// How long one may take to be delivered.
    pub lifetime: Duration,
    /// The user part that texts of the switch itself come from.
    pub sender: String,
    /// Who is told of emergency calls.
    pub desk: Vec<String>,
    /// Who is told when the desk does not confirm, and after how long.
    pub behind_desk: Vec<String>,
    /// How long the desk has.
    pub desk_time: Duration,
}

impl MessageSettings {
    /// The switch as a sender.
    pub fn own_sender(&self) -> Sender {
        Sender { address: self.sender.clone(), display: String::new(), user: None }
    }

    /// An ordinary text.
    pub fn draft(&self, sender: Sender, text: String, to: Vec<String>) -> Draft {
        Draft {
            sender,
            text: Pii(text),
            to,
            priority: Priority::Normal,
            confirmation: Confirmation::None,
            escalation: None,
            lifetime: self.lifetime,
            wish: None,
        }
    }

    /// What the desk is told of an emergency call; none: there is no desk.
    pub fn alert(&self, mut text: String) -> Option<Draft> {
        let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST_TEXT - 4).last();
        text.truncate(end.filter(|_| text.len() > LONGEST_TEXT).unwrap_or(text.len()));
        let levels = vec![self.behind_desk.clone()];
        let escalation = Escalation { after: self.desk_time, levels };
        (!self.desk.is_empty()).then(|| Draft {
            priority: Priority::Emergency,
            confirmation: Confirmation::Read,
            escalation: (!self.behind_desk.is_empty()).then_some(escalation),
            ..self.draft(self.own_sender(), text, self.desk.clone())
        })
    }
}
