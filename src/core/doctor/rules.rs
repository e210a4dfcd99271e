//! Verdicts that need no more than what a probe saw.

use std::time::Duration;

use super::{CivilDate, Finding, check};
use crate::sip::wire::{HeaderName, Message, Text};

const DAY: i64 = 86_400;
/// Time enough to have a certificate issued in a hospital.
const SOON: i64 = 30 * DAY;
/// No time for a mistake on the way.
const VERY_SOON: i64 = 7 * DAY;

/// CERT-005: a certificate valid from `from` until `until`, looked at at `now`; seconds since the epoch.
pub fn days_left(now: i64, from: i64, until: i64) -> Finding {
    let check = &check::CERT_005;
    let (begin, end, days) = (CivilDate(from), CivilDate(until), (until - now) / DAY);
    let renew = "Have the certificate renewed by its authority and put the new files in place.";
    if until < now {
        return Finding::error(check, format!("expired on {end}"), renew);
    }
    if from > now {
        let mend =
            "Compare the clock of this machine with the right time; else wait, or have it issued anew.";
        return Finding::error(check, format!("valid only from {begin}"), mend).with_command("date -u");
    }
    let evidence = format!("valid until {end}, {days} days");
    match until - now {
        left if left < VERY_SOON => Finding::error(check, evidence, renew),
        left if left < SOON => Finding::warning(check, evidence, renew),
        _ => Finding::good(check, evidence),
    }
}

/// How two clocks are seen to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// Our clock when the answer came, seconds since the epoch.
    pub ours: i64,
    /// The Date of the answer.
    pub theirs: i64,
    /// Between request and answer: the Date may be that old.
    pub round_trip: Duration,
}

/// TIME-002. Kerberos and NTLM tolerate five minutes (RFC 4120 §1.6: "a typical maximum is 5 minutes").
pub fn clock_skew(skew: Skew) -> Finding {
    let check = &check::TIME_002;
    let Skew { ours, theirs, round_trip } = skew;
    let apart = ours - theirs;
    // The Date has whole seconds and was written before it travelled.
    let slack = round_trip.as_secs() as i64 + 1;
    let evidence = match apart {
        _ if apart.abs() <= slack => "the clocks agree".to_owned(),
        1.. => format!("our clock is {apart} s ahead of the Date of the proxy ({})", CivilDate(theirs)),
        _ => format!("our clock is {} s behind the Date of the proxy ({})", -apart, CivilDate(theirs)),
    };
    let mend = "Let this machine and the proxy take the time from the same source.";
    match apart.abs().saturating_sub(slack) {
        300.. => Finding::error(check, evidence, mend).with_command("timedatectl timesync-status"),
        30.. => Finding::warning(check, evidence, mend).with_command("timedatectl timesync-status"),
        _ => Finding::good(check, evidence),
    }
}

/// Ports that one media channel binds: RTP and RTCP, north and south.
const PORTS_PER_CHANNEL: u32 = 4;

/// Whether ports `first` to `last` are enough for `channels`; what is wrong else, with the mend.
pub fn channels_fit(first: u16, last: u16, channels: u32) -> Result<String, (String, String)> {
    // RTP takes the even port of a pair (RFC 3550 §11); half a pair at either end is of no use.
    let (begin, end) = (u32::from(first).next_multiple_of(2), u32::from(last) + 1);
    let ports = end.saturating_sub(begin) / 2 * 2;
    let needed = channels.saturating_mul(PORTS_PER_CHANNEL);
    let evidence = format!("ports {first}-{last}: {needed} needed for {channels} channels, {ports} there");
    if needed <= ports {
        return Ok(evidence);
    }
    let mend = match u32::from(first).saturating_add(needed) {
        longer @ ..=65_535 => format!(
            "Set media.ports = \"{first}-{longer}\", or capacity.media_channels = {}.",
            ports / PORTS_PER_CHANNEL
        ),
        _ => format!(
            "Let media.ports begin lower, or set capacity.media_channels = {}.",
            ports / PORTS_PER_CHANNEL
        ),
    };
    Err((evidence, mend))
}

/// Use of SRTP as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SrtpUse {
    /// Offered at all.
    pub offered: bool,
    /// Insisted on.
    pub required: bool,
    /// Lync mode.
    pub lync: bool,
    /// There is a north, and it is reached by TLS.
    pub tls: bool,
    /// An MKI and a lifetime are offered.
    pub mki_and_lifetime: bool,
}

/// MED-002.
pub fn srtp_fits(used: SrtpUse) -> Finding {
    let check = &check::MED_002;
    let ask = "Get-CsMediaConfiguration | ft Identity,EncryptionLevel";
    match used {
        SrtpUse { lync: true, offered: false, .. } => Finding::warning(
            check,
            "media.srtp = \"off\", but Lync requires encryption unless its administrator changed that",
            "Set media.srtp = \"optional\". To see what Lync requires, in the Lync Management Shell:",
        )
        .with_command(ask),
        SrtpUse { lync: true, mki_and_lifetime: false, .. } => Finding::warning(
            check,
            "media.sdes_lifetime or media.sdes_mki is off; Lync clients expect the lifetime in an offer",
            "Set media.sdes_lifetime = true and media.sdes_mki = true.",
        ),
        // RFC 4568 §7: the keys stand in SDP, so whoever reads the signalling reads the voice.
        SrtpUse { offered: true, tls: false, .. } => Finding::warning(
            check,
            "SRTP is offered, but the keys travel in SIP without TLS, so it protects from nobody on the way",
            "Set sip.transport = \"tls\" if the proxy can; else media.srtp = \"off\" is more honest.",
        ),
        SrtpUse { offered: false, .. } => Finding::good(check, "SRTP is off; voice is not encrypted"),
        SrtpUse { required: true, .. } => Finding::good(check, "SRTP is required, with keys under TLS"),
        SrtpUse { .. } => Finding::good(check, "SRTP is offered and not insisted on, with keys under TLS"),
    }
}

/// How this node is entered in the Lync topology, when it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// FQDN of the trusted application pool.
    pub pool: String,
    /// Id of the application.
    pub application: String,
    /// Port of our TLS listener.
    pub port: u16,
}

/// SIP-005: any answer proves SIP; some tell of trouble to come.
pub fn answer_to_options(answer: &Message, trusted: Option<&Topology>) -> Finding {
    let check = &check::SIP_005;
    let status = answer.status().unwrap_or_default();
    let evidence = described(answer);
    match (status, trusted) {
        (401 | 403, Some(topology)) => Finding::error(
            check,
            format!("{evidence}; a trusted application is not treated so"),
            "This node is not in the topology, or not under the name of its certificate. In the Lync Management Shell:",
        )
        .with_command(commands(topology)),
        (500.., _) => Finding::warning(
            check,
            evidence,
            "The proxy speaks SIP but cannot serve now; look into its own log, and at the registrar behind it.",
        ),
        _ => Finding::good(check, evidence),
    }
}

fn commands(topology: &Topology) -> String {
    let Topology { pool, application, port } = topology;
    format!(
        "New-CsTrustedApplication -ApplicationId {application} -TrustedApplicationPoolFqdn {pool} -Port {port}; Enable-CsTopology"
    )
}

/// SIP-006: the answer to a REGISTER without credentials and without contacts, of `aor`.
pub fn answer_to_register(answer: &Message, aor: &str) -> Finding {
    let check = &check::SIP_006;
    let status = answer.status().unwrap_or_default();
    let evidence = format!("{aor}: {}", described(answer));
    match status {
        // "401 (Unauthorized)": the registrar knows the domain and asks who we are.
        200..=299 | 401 | 407 => Finding::good(check, evidence),
        300..=399 => Finding::good(check, format!("{evidence}; registrations follow the redirection")),
        403 => Finding::error(
            check,
            evidence,
            "The registrar refuses this user or this node: is the user enabled there, and this node allowed to register for it?",
        ),
        // RFC 3261 §10.3: "If the address-of-record is not valid for the domain in the Request-URI, the
        // registrar MUST send a 404".
        404 => Finding::error(
            check,
            evidence,
            "The registrar does not know this user; compare username and sip.domain with the account there.",
        ),
        405 | 501 => Finding::error(
            check,
            evidence,
            "This server takes no registrations; set sip.proxies to the registrar.",
        ),
        500.. => Finding::warning(
            check,
            evidence,
            "The proxy speaks SIP but cannot serve now; look into its own log, and at the registrar behind it.",
        ),
        _ => Finding::warning(
            check,
            evidence,
            "Compare sip.domain and sip.transport with what the registrar serves.",
        ),
    }
}

/// `200 OK from Server "RTC/5.0"`, with what the server says about the reason.
fn described(answer: &Message) -> String {
    let mut words = format!("{} {}", answer.status().unwrap_or_default(), answer.reason());
    let named = |name: &'static str| answer.header(&HeaderName::from_text(Text::from_static(name)));
    if let Some(server) = named("Server").or_else(|| named("User-Agent")) {
        words.push_str(&format!(", Server: {server}"));
    }
    for name in ["ms-diagnostics", "ms-diagnostics-public", "Warning", "Reason"] {
        if let Some(value) = named(name) {
            words.push_str(&format!(", {name}: {value}"));
        }
    }
    if let Some(meaning) =
        named("ms-diagnostics").or_else(|| named("ms-diagnostics-public")).and_then(|value| diagnosis(value))
    {
        words.push_str(&format!(" ({meaning})"));
    }
    words
}

/// What an error id of Lync means ([MS-OCER]).
fn diagnosis(value: &str) -> Option<&'static str> {
    let id: u32 = value.split(';').next()?.trim().parse().ok()?;
    Some(match id {
        1000 => "the final handshake failed: wrong password, or the clocks differ",
        1003 => "the user does not exist",
        1008 | 1009 => "DNS of the front end does not find the next hop",
        1010 => "the front end does not trust the certificate of the next hop",
        1013 => "the clocks differ",
        1014 => "no A record for the next hop",
        4003 => "the user is not enabled for remote access",
        4004 => "the credentials may not act for this user; or this node is not trusted",
        4005 => "the user is not enabled for SIP",
        4141 => "the user is disabled",
        17_000..=17_004 => "the client version filter refuses our User-Agent; set sip.user_agent",
        _ => return None,
    })
}
