//! `[lync]`: Microsoft Lync and Skype for Business.

use std::net::IpAddr;
use std::time::Duration;

use kirkwall_core::sip::Transport;

use super::show;
use super::source::{self, Key, Section, Values};
use super::{Config, HostName};

sections! {
    /// `[lync]`
    Lync {
        /// Sign in as Lync and Skype for Business want it.
        enabled: bool = false,
        /// This node is a trusted server of the topology: no passwords of users. Needs `node.fqdn`.
        trusted_server: bool = false,
        /// Id of the trusted application.
        application_id: String = "dect".into(),
        /// Name of the trusted application pool. None: `node.fqdn`.
        pool_fqdn: Option<HostName> = None,
        /// Network address of this node's subnet, IPv4, told to front ends for call admission control and
        /// location. None: not told.
        subnet: Option<IpAddr> = None,
        /// Ask front ends for `sip.registration_expires`. Else they choose, as for their own clients.
        ask_expires: bool = false,
        /// Let users sign in by TLS-DSK where a front end offers it: each fetches a certificate from the front
        /// end's web services with his name and password, and signs by that. Else NTLM is used.
        tls_dsk: bool = false,
        /// Use the media relay (Edge) that the pool names, for calls that reach nobody without it. Needs
        /// `media.ice`.
        relay: bool = true,
        /// Ask the bandwidth policy behind the media relay before a call of the north rings (call admission
        /// control). None: where the pool says so.
        bandwidth_policy: Option<bool> = None,
        /// Let media go straight to a gateway at our place, past the mediation server (media bypass).
        media_bypass: bool = true,
        /// Bypass id of our place, a GUID. None: the pool's.
        bypass_id: Option<String> = None,
        /// Publish the presence of handsets.
        presence: bool = true,
        /// Seconds after its last use that a handset is shown as inactive, and no longer as available.
        inactive_after: Duration = Duration::from_secs(300),
        /// Seconds after that until it is shown as away.
        away_after: Duration = Duration::from_secs(300),
        /// Show a handset that no base station carries as offline.
        offline_out_of_range: bool = false,
        /// Seconds between two OPTIONS that ask whether a front end still answers; 0: never.
        watch_every: Duration = Duration::from_secs(5),
        /// Seconds that the first of `sip.proxies` must have answered before users who sit at another go back.
        return_after: Duration = Duration::from_secs(60),
    }
}

/// What does not fit.
pub fn check(config: &Config, values: &mut Values) {
    let lync = &config.lync;
    if !lync.enabled {
        return;
    }
    for (key, time) in [("inactive_after", lync.inactive_after), ("away_after", lync.away_after)] {
        if !(10..=86_400).contains(&time.as_secs()) {
            values.fault(&format!("lync.{key}"), "must be between 10 and 86400 seconds".into());
        }
    }
    let readable = |id: &String| kirkwall_core::lync::provisioning::is_bypass_id(id);
    if lync.bypass_id.as_ref().is_some_and(|id| !readable(id)) {
        let what = "is no id; write the GUID without braces, as Get-CsNetworkBypassId shows it";
        values.fault("lync.bypass_id", what.into());
    }
    if lync.watch_every.as_secs() > 60 {
        let what = "a front end that hangs shall be found within 30 seconds; use 5, or 0 for never";
        values.fault("lync.watch_every", what.into());
    }
    if lync.trusted_server && config.node.fqdn.as_ref().is_none_or(|name| !name.as_str().contains('.')) {
        let what = "a trusted server is known by its full name; set node.fqdn = \"dect1.example.com\"";
        values.fault("lync.trusted_server", what.into());
    }
    if config.sip.transport != Transport::Tls {
        values.fault("lync.enabled", "Lync speaks TLS only; set sip.transport = \"tls\"".into());
    }
    if lync.trusted_server && config.sip.certificate.is_none() {
        let what = "a trusted server shows a certificate of its own; set sip.certificate and sip.key";
        values.fault("lync.trusted_server", what.into());
    }
}
