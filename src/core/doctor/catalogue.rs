//! Every check: id, group, name, and why it matters. An id keeps its meaning for good.

use serde::Serialize;

/// Where a check belongs, in the order in which people look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The file of settings.
    Configuration,
    /// Names and addresses.
    NameAndDns,
    /// Certificates of this node.
    Certificates,
    /// Proxies and registrars in the north.
    Proxies,
    /// Clocks.
    Time,
    /// Accounts at other systems.
    Accounts,
    /// Voice.
    Media,
    /// Log lines.
    Logs,
    /// The machine and the store.
    Platform,
}

impl Group {
    /// As a heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::NameAndDns => "Name & DNS",
            Self::Certificates => "Certificates",
            Self::Proxies => "Proxies",
            Self::Time => "Time",
            Self::Accounts => "Accounts",
            Self::Media => "Media",
            Self::Logs => "Logs",
            Self::Platform => "Platform",
        }
    }
}

/// One kind of check.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `SIP-001`.
    pub id: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// Its name.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
}

macro_rules! checks {
    ($($name:ident = $id:literal, $group:ident, $title:literal, $why:literal;)+) => {
        /// Each check by its id.
        pub mod check {
            use super::{Check, Group};
            $(
                #[doc = $title]
                pub static $name: Check =
                    Check { id: $id, group: Group::$group, title: $title, why: $why };
            )+
        }

        /// All checks.
        pub static CATALOGUE: &[&Check] = &[$(&check::$name),+];
    };
}

checks! {
    CFG_001 = "CFG-001", Configuration, "configuration file",
        "The switch does not start with a setting that it cannot follow.";
    DNS_001 = "DNS-001", NameAndDns, "own name leads to this machine",
        "Front ends and handsets connect to this name; if it leads elsewhere, calls to us get lost.";
    DNS_003 = "DNS-003", NameAndDns, "each proxy has an address",
        "A proxy without an address cannot be reached, and a failover to it fails.";
    CERT_001 = "CERT-001", Certificates, "key matches the certificate",
        "Without the matching key no TLS connection can be made or accepted.";
    CERT_002 = "CERT-002", Certificates, "chain is complete to an authority we hold",
        "A peer refuses a certificate whose authority it cannot find.";
    CERT_003 = "CERT-003", Certificates, "certificate holds our names",
        "A front end compares the name it called with the certificate, and hangs up when they differ.";
    CERT_004 = "CERT-004", Certificates, "certificate is for server and client",
        "With MTLS the same certificate is shown in both directions; an authority can forbid either.";
    CERT_005 = "CERT-005", Certificates, "certificate is valid now and for a while",
        "On the day it expires every TLS connection, and with it every call to the north, stops.";
    CERT_007 = "CERT-007", Certificates, "key and signatures are strong enough",
        "Peers refuse short RSA keys and signatures with SHA-1.";
    SIP_001 = "SIP-001", Proxies, "proxy answers at its port",
        "Every registration and call to the north begins with this connection.";
    SIP_002 = "SIP-002", Proxies, "TLS with the proxy",
        "Without a common TLS version and cipher nothing can be said to the proxy.";
    SIP_003 = "SIP-003", Proxies, "certificate of the proxy",
        "Only a certificate from an authority we hold, with the proxy's name, proves that it is not somebody else.";
    SIP_004 = "SIP-004", Proxies, "proxy accepts our certificate",
        "A Lync front end trusts this node by its certificate alone.";
    SIP_005 = "SIP-005", Proxies, "proxy speaks SIP",
        "A port can be open and belong to something else; an answer to OPTIONS proves that it is SIP.";
    SIP_006 = "SIP-006", Proxies, "proxy answers a registration",
        "A user whose domain or name the registrar does not know can neither call nor be called.";
    TIME_001 = "TIME-001", Time, "clock of this machine is kept",
        "Certificates, NTLM and Kerberos, log lines and call records depend on the right time.";
    TIME_002 = "TIME-002", Time, "clock agrees with the proxy",
        "Five minutes apart, Windows refuses log-ins, and certificates look expired or not yet valid.";
    ACC_002 = "ACC-002", Accounts, "directory lets us in",
        "Without it the phone book grows old, and new colleagues are found by nobody.";
    ACC_003 = "ACC-003", Accounts, "directory has names and numbers",
        "A wrong base, filter or right to read gives an empty phone book without any error.";
    MED_001 = "MED-001", Media, "UDP ports for voice",
        "A call without a port for its voice is refused.";
    MED_002 = "MED-002", Media, "encryption of voice fits the north",
        "Where one side insists on SRTP and the other does not offer it, calls end with 488.";
    LOG_001 = "LOG-001", Logs, "syslog server",
        "After a fault, the log elsewhere is what is left to read.";
    PLT_001 = "PLT-001", Platform, "data directory",
        "What was saved is what survives a power cut; a full or slow disk stops registrations and calls.";
    PLT_003 = "PLT-003", Platform, "limit of open files",
        "Every connection and every port of a call is an open file; at the limit new calls fail.";
    PLT_005 = "PLT-005", Platform, "administrators and API tokens",
        "Without a token nobody can configure the switch over REST.";
    PLT_006 = "PLT-006", Platform, "store opens",
        "The store holds users, registrations and calls; the switch does not start without it.";
}
