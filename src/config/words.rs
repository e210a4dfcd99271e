//! Settings that are one of a few words.

use kirkwall_core::call::HoldSignal;
use kirkwall_core::call::route::InternalRouting;
use kirkwall_core::media::Codec;
use kirkwall_core::sip::Transport;

use super::show::Show;
use super::value::{Raw, Setting};

/// One of a few words.
fn one_of<T: Copy>(raw: &Raw, what: &str, words: &[(&str, T)]) -> Result<T, String> {
    let text = raw.text()?;
    if let Some((_, value)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
        return Ok(*value);
    }
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    let (last, others) = quoted.split_last().expect("every choice has words");
    Err(format!("{text:?} is not {what}; use {} or {last}", others.join(", ")))
}

macro_rules! choices {
    ($( $kind:ty, $what:literal: $($word:literal => $value:expr),+; )*) => {$(
        impl Setting for $kind {
            fn parse(raw: &Raw) -> Result<Self, String> {
                one_of(raw, $what, &[$(($word, $value)),+])
            }
        }

        impl Show for $kind {
            fn show(&self) -> String {
                let words = [$(($word, $value)),+];
                let word = words.iter().find(|(_, value)| value == self).map(|(word, _)| *word);
                format!("{:?}", word.expect("every value has its word"))
            }
        }
    )*};
}

macro_rules! words {
    ($( $(#[$doc:meta])* $name:ident, $what:literal { $( $(#[$each:meta])* $case:ident = $word:literal, )+ } )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $( $(#[$each])* $case, )+ }

        choices! { $name, $what: $($word => $name::$case),+; }
    )*};
}

choices! {
    Transport, "a transport": "tls" => Transport::Tls, "tcp" => Transport::Tcp, "udp" => Transport::Udp;
    Codec, "a codec": "PCMA" => Codec::Pcma, "PCMU" => Codec::Pcmu, "G722" => Codec::G722,
        "G726-32" => Codec::G726;
    HoldSignal, "a way to say hold":
        "sendonly" => HoldSignal::SendOnly, "inactive" => HoldSignal::Inactive, "tone" => HoldSignal::Tone;
    InternalRouting, "a way of internal routing":
        "fallback" => InternalRouting::Fallback, "first" => InternalRouting::First, "never" => InternalRouting::Never;
}

words! {
    /// How names of proxies are looked up.
    DnsMethod, "a DNS method" {
        /// Addresses only.
        A = "a",
        /// SRV records, then addresses (RFC 3263).
        Srv = "srv",
    }
    /// How the media relay is reached.
    RelayTransport, "a way to the media relay" {
        /// Over UDP; over TCP when that gives no answer.
        Auto = "auto",
        /// Over UDP alone.
        Udp = "udp",
        /// Over TCP alone.
        Tcp = "tcp",
    }
    /// Whether voice is encrypted.
    SrtpPolicy, "a way to use SRTP" {
        /// Never.
        Off = "off",
        /// When the peer wants it.
        Optional = "optional",
        /// Always, or there is no call.
        Required = "required",
    }
    /// Whether clients in the north must show a certificate.
    ClientCertificates, "a rule for client certificates" {
        /// It is checked when shown.
        Optional = "optional",
        /// No certificate, no connection.
        Required = "required",
    }
    /// Which capacity is imitated.
    CapacityProfile, "a capacity profile" {
        /// As much as the machine bears.
        Software = "software",
        /// 32 media channels, 16 with SRTP; 11 per base station, 6 with SRTP.
        Kws6500 = "kws6500",
    }
    /// Whether a subscribing handset must give an access code.
    AccessCodePolicy, "a rule for access codes" {
        /// It must.
        Required = "required",
        /// Only users that have one.
        Optional = "optional",
    }
    /// Least level that is sent.
    SyslogLevel, "a level" {
        /// Errors.
        Error = "error",
        /// And warnings.
        Warning = "warning",
        /// And the ordinary course of things.
        Info = "info",
        /// And what developers ask for.
        Debug = "debug",
    }
}
