//! What must fit together, beyond each value being right by itself.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use kirkwall_core::sip::Transport;

use super::source::Values;
use super::words::SrtpPolicy;
use super::{Capacity, Config};

/// Adds a fault for everything that does not fit.
pub fn check(config: &Config, values: &mut Values) {
    sip(config, values);
    super::lync::check(config, values);
    media(config, values);
    capacity(&config.capacity, values);
    super::admission::check(&config.admission, values);
    if config.cdr.log_entries > 1_000 {
        values.fault("cdr.log_entries", "must be at most 1000".into());
    }
    if !(1..=3_650).contains(&config.cdr.log_days) {
        values.fault("cdr.log_days", "must be between 1 and 3650".into());
    }
    super::dialling::check(&config.dialling, values);
    super::phone_book::check(&config.phone_book, values);
    let channels = config.capacity.base().0;
    if u32::from(config.dect.handover_reserve) >= channels {
        let what = format!("leaves none of the {channels} channels of a base station to new calls; lower it");
        values.fault("dect.handover_reserve", what);
    }
    super::messages::check(&config.messages, values);
    certificates(config, values);
    listeners(config, values);
}

fn sip(config: &Config, values: &mut Values) {
    let sip = &config.sip;
    if !(30..=86_400).contains(&sip.registration_expires.as_secs()) {
        values.fault("sip.registration_expires", "must be between 30 and 86400 seconds".into());
    }
    if !(1..=10_000).contains(&sip.registrations_per_second) {
        values.fault("sip.registrations_per_second", "must be between 1 and 10000".into());
    }
    if sip.use_sips_uri && sip.transport != Transport::Tls {
        // RFC 3261 §19.1: a SIPS URI asks for TLS on the whole way.
        values.fault(
            "sip.use_sips_uri",
            "needs sip.transport = \"tls\"; set it, or use_sips_uri = false".into(),
        );
    }
    let known = |name: &str| sip.proxies.iter().any(|proxy| proxy.host.eq_ignore_ascii_case(name));
    if let Some(name) = sip.legacy_tls.iter().find(|name| !known(name.as_str())) {
        let what = format!("{:?} is none of sip.proxies; write it as it stands there", name.as_str());
        values.fault("sip.legacy_tls", what);
    }
    if sip.legacy_tls_1_0 && sip.legacy_tls.is_empty() {
        let what = "says how far back TLS goes with the proxies of sip.legacy_tls; name them there";
        values.fault("sip.legacy_tls_1_0", what.into());
    }
    if !sip.proxies.is_empty() && sip.domain.is_none() {
        values.fault("sip.proxies", "users register in a domain; set sip.domain too".into());
    }
}

fn media(config: &Config, values: &mut Values) {
    let media = &config.media;
    if media.codecs.is_empty() {
        values.fault("media.codecs", "without a codec there is no call; name one, [\"PCMA\"]".into());
    }
    let twice = media.codecs.iter().enumerate().find(|(at, codec)| media.codecs[..*at].contains(codec));
    if let Some((_, codec)) = twice {
        values.fault("media.codecs", format!("{} stands there twice; remove one", codec.name()));
    }
    if media.address.is_some_and(|address| address.is_unspecified() || address.is_multicast()) {
        values
            .fault("media.address", "peers send voice to it, so it must be one address of this node".into());
    }
    if media.dscp > 63 {
        values.fault("media.dscp", "has six bits (RFC 2474 §3): 0 to 63".into());
    }
    if media.threads.is_some_and(|threads| !(1..=64).contains(&threads)) {
        values.fault("media.threads", "must be between 1 and 64".into());
    }
    if let Some(path) = &media.music_on_hold
        && let Err(fault) = super::music(path)
    {
        values.fault("media.music_on_hold", fault);
    }
    if media.srtp == SrtpPolicy::Required
        && config.sip.transport != Transport::Tls
        && !config.sip.proxies.is_empty()
    {
        // RFC 4568 §7: the keys stand in SDP, so whoever reads the signalling reads the voice.
        let what = "keys of SRTP would go to the north in the clear; set sip.transport = \"tls\", or srtp = \"optional\"";
        values.fault("media.srtp", what.into());
    }
}

fn capacity(capacity: &Capacity, values: &mut Values) {
    let limits = [
        (
            "capacity.media_channels",
            capacity.media_channels,
            "capacity.media_channels_srtp",
            capacity.media(),
        ),
        ("capacity.base_channels", capacity.base_channels, "capacity.base_channels_srtp", capacity.base()),
    ];
    for (plain_key, given, srtp_key, (plain, srtp)) in limits {
        if given == Some(0) {
            values.fault(plain_key, "with no channel there is no call; use 1 or more".into());
        }
        if srtp > plain {
            values.fault(srtp_key, format!("{srtp} with SRTP is more than {plain} without; lower it"));
        }
    }
}

fn certificates(config: &Config, values: &mut Values) {
    let (web, sip) = (&config.web, &config.sip);
    for (name, certificate, key) in [("web", &web.certificate, &web.key), ("sip", &sip.certificate, &sip.key)]
    {
        match (certificate, key) {
            (Some(_), None) => {
                values.fault(&format!("{name}.certificate"), format!("needs its key; set {name}.key"))
            }
            (None, Some(_)) => {
                values
                    .fault(&format!("{name}.key"), format!("needs its certificate; set {name}.certificate"));
            }
            _ => {}
        }
        pem_file(&format!("{name}.certificate"), certificate.as_deref(), "CERTIFICATE", values);
        pem_file(&format!("{name}.key"), key.as_deref(), "PRIVATE KEY", values);
    }
    pem_file("sip.ca", sip.ca.as_deref(), "CERTIFICATE", values);
}

fn pem_file(field: &str, path: Option<&Path>, label: &str, values: &mut Values) {
    const MAX: u64 = 16 * 1024 * 1024;
    let Some(path) = path else { return };
    let shown = path.display();
    match fs::metadata(path).and_then(|found| if found.len() > MAX { Ok(Vec::new()) } else { fs::read(path) })
    {
        Err(error) => values.fault(field, format!("{shown}: {error}")),
        Ok(octets) if !String::from_utf8_lossy(&octets).contains(&format!("{label}-----")) => {
            values.fault(field, format!("{shown}: holds no PEM block \"{label}\"; convert it to PEM"));
        }
        Ok(_) => {}
    }
}

fn listeners(config: &Config, values: &mut Values) {
    let (north, south) = (&config.sip.north, &config.sip.south);
    let udp = [("sip.north.listen_udp", north.listen_udp.0), ("sip.south.udp", south.udp.0)];
    let tcp = [
        ("web.listen", Some(config.web.listen)),
        ("ops.listen", Some(config.ops.listen)),
        ("sip.north.listen_tcp", north.listen_tcp.0),
        ("sip.north.listen_tls", north.listen_tls.0),
        ("sip.south.tcp", south.tcp.0),
        ("sip.south.tls", south.tls.0),
        ("base_link.listen", config.base_link.listen.0),
    ];
    clashes(&udp, values);
    clashes(&tcp, values);
    for (field, address) in udp {
        let port = address.map_or(0, |address| address.port());
        if config.media.ports.contains(port) {
            values.fault(field, format!("port {port} lies within media.ports; move one of them"));
        }
    }
}

fn clashes(listeners: &[(&str, Option<SocketAddr>)], values: &mut Values) {
    for (at, (field, address)) in listeners.iter().enumerate() {
        for (other_field, other) in &listeners[..at] {
            let (Some(address), Some(other)) = (address, other) else { continue };
            let overlap =
                address.ip() == other.ip() || address.ip().is_unspecified() || other.ip().is_unspecified();
            // Port 0 is a fresh one for each.
            if overlap && address.port() == other.port() && address.port() != 0 {
                values.fault(
                    field,
                    format!("{address} is taken by {other_field} ({other}); choose another port"),
                );
            }
        }
    }
}
