//! From the configuration to the plain settings that actors take.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kirkwall_actors::provisioning::ProvisioningSettings;
use kirkwall_actors::settings::{
    AdmissionSettings, CapacitySettings, IceSettings, LogSettings, LyncSettings, MediaSettings,
    MessageSettings, NorthSettings, PresenceSettings, Proxy, RelayWays, Settings, Sounds,
};
use kirkwall_core::call::admission::Limit;
use kirkwall_core::call::{HoldSignal, HoldSignals};
use kirkwall_core::lync::presence::PresenceTimes;
use kirkwall_core::media::ice::agent;
use kirkwall_core::media::ice::stun::Dialect;
use kirkwall_core::media::negotiate::{Habits, IceMode, SrtpMode, SrtpPolicy};
use kirkwall_core::sip::wire::{Host, Text};
use kirkwall_core::sip::{Destination, Facing, Transport};
use kirkwall_integration::sip::{DnsMethod, Listen};

use crate::config::{self, CapacityProfile, Config, RelayTransport};

/// The domain of a switch that was told none: it still serves handsets among themselves.
const NO_DOMAIN: &str = "kirkwall.invalid";

pub fn settings(config: &Config) -> Settings {
    let fqdn = config.node.fqdn.as_ref().map(|name| name.as_str().to_owned());
    let domain = config.sip.domain.as_ref().map(|name| name.as_str().to_owned());
    let domain = domain.or_else(|| fqdn.clone()).unwrap_or_else(|| NO_DOMAIN.to_owned());
    Settings {
        node: fqdn.clone().unwrap_or_else(|| "kirkwall".to_owned()),
        realm: config.sip.south.realm.clone().unwrap_or_else(|| domain.clone()),
        own_hosts: own_hosts(config, fqdn),
        user_agent: config.sip.user_agent.clone(),
        north: north(config),
        internal_routing: config.sip.internal_routing,
        dialling: Arc::new(config.dialling.plan()),
        digit_gap: config.dect.digit_gap,
        wideband: config.dect.wideband,
        media: media(config),
        logs: LogSettings {
            entries: config.cdr.log_entries.into(),
            kept: Duration::from_secs(u64::from(config.cdr.log_days) * 86_400),
        },
        capacity: capacity(config),
        admission: admission(config),
        messages: messages(config),
        domain,
    }
}

/// Names and addresses that a handset may dial to mean this switch.
fn own_hosts(config: &Config, fqdn: Option<String>) -> Vec<Host> {
    let south = &config.sip.south;
    let listeners = [south.udp, south.tcp, south.tls].into_iter().filter_map(|listener| listener.0);
    let addresses = listeners.map(|address| address.ip()).chain(config.media.address);
    let mut hosts: Vec<Host> = addresses.filter(|ip| !ip.is_unspecified()).map(Host::Ip).collect();
    hosts.extend(super::own_addresses().into_iter().map(Host::Ip));
    hosts.extend(fqdn.into_iter().chain(["localhost".to_owned()]).map(|name| Host::Name(Text::from(name))));
    hosts
}

fn north(config: &Config) -> Option<NorthSettings> {
    let proxies = config.sip.proxies.iter().map(|proxy| Proxy { host: proxy.host.clone(), port: proxy.port });
    let proxies: Vec<Proxy> = proxies.collect();
    (!proxies.is_empty()).then(|| NorthSettings {
        proxies,
        allowed: config.sip.north.allowed.iter().map(|name| name.as_str().to_owned()).collect(),
        transport: config.sip.transport,
        dns: match config.sip.dns_method {
            config::DnsMethod::A => DnsMethod::A,
            config::DnsMethod::Srv => DnsMethod::Srv,
        },
        expires: u32::try_from(config.sip.registration_expires.as_secs()).unwrap_or(300),
        use_sips_uri: config.sip.use_sips_uri,
        registrations_per_second: config.sip.registrations_per_second,
        message_waiting: config.sip.message_waiting,
        lync: config.lync.enabled.then(|| lync(config)),
    })
}

fn lync(config: &Config) -> LyncSettings {
    let name = config.lync.pool_fqdn.as_ref().or(config.node.fqdn.as_ref());
    LyncSettings {
        trusted_server: config.lync.trusted_server,
        own_name: name.filter(|_| config.lync.trusted_server).map(|name| name.as_str().to_owned()),
        subnet: match config.lync.subnet {
            Some(IpAddr::V4(subnet)) => Some(subnet),
            _ => None,
        },
        ask_expires: config.lync.ask_expires,
        presence: PresenceSettings {
            publishes: config.lync.presence,
            times: PresenceTimes {
                inactive_after: config.lync.inactive_after,
                away_after: config.lync.away_after,
            },
            offline_out_of_range: config.lync.offline_out_of_range,
        },
        watch_every: config.lync.watch_every,
        return_after: config.lync.return_after,
        // It needs the store's certificates.
        tls_dsk: None,
    }
}

fn media(config: &Config) -> MediaSettings {
    let mode_of = |policy| match policy {
        config::SrtpPolicy::Off => SrtpMode::Off,
        config::SrtpPolicy::Optional => SrtpMode::Optional,
        config::SrtpPolicy::Required => SrtpMode::Required,
    };
    let mode = mode_of(config.media.srtp);
    let policy = SrtpPolicy {
        mode,
        lifetime: config.media.sdes_lifetime.unwrap_or(config.lync.enabled),
        mki: config.media.sdes_mki.unwrap_or(config.lync.enabled),
        answer_savp: config.lync.enabled,
        ..SrtpPolicy::default()
    };
    // Towards handsets SRTP is used where they want it; `required` is about the north side, whose voice
    // leaves the building. MKI and lifetime are Lync's wishes; bases stumble over them.
    let unasked = if mode == SrtpMode::Off { SrtpMode::Off } else { SrtpMode::Optional };
    let south = SrtpPolicy {
        mode: config.media.srtp_south.map_or(unasked, mode_of),
        lifetime: false,
        mki: false,
        ..SrtpPolicy::default()
    };
    let habits = Habits {
        ignore_sdp_version: config.media.ignore_sdp_version.unwrap_or(config.lync.enabled),
        comfort_noise: config.media.comfort_noise.unwrap_or(config.lync.enabled),
    };
    MediaSettings {
        address: config.media.address,
        codecs: config.media.codecs.clone(),
        srtp_north: policy,
        srtp_south: south,
        habits_north: habits,
        // Bases that hold with an old version number were never wrong here, and stay so.
        habits_south: Habits { ignore_sdp_version: true, ..habits },
        hold: HoldSignals {
            north: config.media.hold_north.unwrap_or(match config.lync.enabled {
                true => HoldSignal::Inactive,
                false => HoldSignal::SendOnly,
            }),
            south: config.media.hold_south,
        },
        sounds: sounds(config),
        ice: ice(config),
    }
}

/// The configuration was checked, and the file with it; one that is gone since then is not worth a switch
/// that does not start.
fn sounds(config: &Config) -> Sounds {
    let music = config.media.music_on_hold.as_ref().map(|path| config::music(path));
    match music {
        Some(Ok(music)) => Sounds { hold: music.into(), ..Sounds::default() },
        Some(Err(fault)) => {
            tracing::error!(%fault, "no music on hold; the tone is played");
            Sounds::default()
        }
        None => Sounds::default(),
    }
}

/// Lync expects ICE. Other registrars' telephones get it when they ask; many stumble over long offers.
fn ice(config: &Config) -> IceSettings {
    let north = match (config.media.ice, config.lync.enabled) {
        (false, _) => IceMode::Off,
        (true, true) => IceMode::Offers,
        (true, false) => IceMode::Answers,
    };
    let usual_dialect = if config.lync.enabled { Dialect::MsIce2 } else { Dialect::Rfc5389 };
    let dialect = if config.media.rfc3489 { Dialect::Rfc3489 } else { usual_dialect };
    let agents = agent::Settings { dialect, ..agent::Settings::default() };
    let uses_relay = config.media.ice && config.lync.enabled && config.lync.relay;
    let ways = config.lync.relay_transport;
    let relay_ways = RelayWays { udp: ways != RelayTransport::Tcp, tcp: ways != RelayTransport::Udp };
    IceSettings { north, agents, usual_dialect, uses_relay, relay_ways, relay: None }
}

/// Base stations are sent to the listener that asks least of them.
pub fn provisioning(settings: &Settings, bound: &[Listen]) -> ProvisioningSettings {
    let south = |transport| {
        let found = bound.iter().find(|l| l.facing == Facing::South && l.transport == transport);
        found.map(|listener| (transport, listener.bind.port()))
    };
    let ways = [Transport::Udp, Transport::Tcp, Transport::Tls];
    let way = ways.into_iter().find_map(south).unwrap_or((Transport::Udp, 5060));
    ProvisioningSettings {
        domain: settings.domain.clone(),
        way,
        // Keys belong under TLS only.
        srtp: way.0 == Transport::Tls && settings.media.srtp_south.mode != SrtpMode::Off,
        product: settings.user_agent.clone(),
    }
}

fn messages(config: &Config) -> MessageSettings {
    let of = &config.messages;
    MessageSettings {
        kept: Duration::from_secs(u64::from(of.days) * 86_400),
        lifetime: of.lifetime,
        sender: of.sender.clone(),
        desk: of.emergency_desk.clone(),
        behind_desk: of.behind_emergency_desk.clone(),
        desk_time: of.emergency_desk_time,
    }
}

fn admission(config: &Config) -> AdmissionSettings {
    let gateway = config.admission.gateway.map(|gateway| Destination {
        transport: gateway.transport,
        address: gateway.address,
        facing: Facing::North,
        connection: None,
        server_name: None,
    });
    let own_bypass = config.lync.bypass_id.clone();
    AdmissionSettings {
        links: config.admission.links.clone(),
        reroute: config.admission.reroute,
        gateway,
        wants_policy: config.lync.bandwidth_policy,
        checks_policy: config.lync.bandwidth_policy == Some(true),
        wants_bypass: config.lync.media_bypass,
        bypass: own_bypass.clone().filter(|_| config.lync.enabled && config.lync.media_bypass),
        own_bypass,
    }
}

fn capacity(config: &Config) -> CapacitySettings {
    let (plain, srtp) = config.capacity.media();
    let (base_plain, base_srtp) = config.capacity.base();
    let told = config.capacity.base_channels.is_some() || config.capacity.base_channels_srtp.is_some();
    let hardware = config.capacity.profile == CapacityProfile::Kws6500;
    CapacitySettings {
        profile: if hardware { "kws6500" } else { "software" }.to_owned(),
        media: Limit { plain, srtp },
        base: (told || hardware).then_some(Limit { plain: base_plain, srtp: base_srtp }),
    }
}
