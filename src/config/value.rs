//! Types of settings, and what is said when a text is none of them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kirkwall_core::pii::Pii;

/// A value as it stands in its source.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// A TOML string.
    Text(String),
    /// From the environment, where everything is text.
    Environment(String),
    /// A TOML integer.
    Integer(i64),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array.
    List(Vec<Raw>),
    /// Anything else, by its name.
    Other(&'static str),
}

impl Raw {
    /// Its text, if it is one.
    pub(super) fn text(&self) -> Result<&str, String> {
        match self {
            Raw::Text(text) | Raw::Environment(text) => Ok(text),
            other => Err(format!("must be a text in quotes, not {}", other.kind())),
        }
    }

    fn integer(&self) -> Result<i64, String> {
        match self {
            Raw::Integer(number) => Ok(*number),
            Raw::Environment(text) => {
                text.trim().parse().map_err(|_| format!("{text:?} is not a whole number"))
            }
            other => Err(format!("must be a whole number without quotes, not {}", other.kind())),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Raw::Text(_) | Raw::Environment(_) => "a text",
            Raw::Integer(_) => "a number",
            Raw::Boolean(_) => "true or false",
            Raw::List(_) => "a list",
            Raw::Other(kind) => kind,
        }
    }
}

/// Something that can be set.
pub trait Setting: Sized {
    /// From its raw form; else what is wrong and how to mend it.
    fn parse(raw: &Raw) -> Result<Self, String>;
}

impl<T: Setting> Setting for Option<T> {
    fn parse(raw: &Raw) -> Result<Self, String> {
        T::parse(raw).map(Some)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::List(items) => items.iter().map(T::parse).collect(),
            Raw::Environment(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                items.map(|item| T::parse(&Raw::Environment(item.to_owned()))).collect()
            }
            other => Err(format!("must be a list in brackets, not {}", other.kind())),
        }
    }
}

impl Setting for bool {
    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Boolean(yes) => Ok(*yes),
            Raw::Environment(text) => {
                text.trim().parse().map_err(|_| format!("{text:?} is neither true nor false"))
            }
            other => Err(format!("must be true or false without quotes, not {}", other.kind())),
        }
    }
}

impl Setting for u16 {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let number = raw.integer()?;
        number.try_into().map_err(|_| format!("{number} is not between 0 and 65535"))
    }
}

impl Setting for u32 {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let number = raw.integer()?;
        number.try_into().map_err(|_| format!("{number} is not between 0 and {}", u32::MAX))
    }
}

/// Whole seconds.
impl Setting for Duration {
    fn parse(raw: &Raw) -> Result<Self, String> {
        u32::parse(raw).map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl Setting for String {
    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw.text()? {
            text if text.chars().any(char::is_control) => {
                Err("holds a line break or another control character; remove it".into())
            }
            text => Ok(text.to_owned()),
        }
    }
}

impl Setting for Pii<String> {
    fn parse(raw: &Raw) -> Result<Self, String> {
        raw.text().map(|text| Pii(text.to_owned()))
    }
}

impl Setting for PathBuf {
    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw.text()? {
            "" => Err("is empty; name a file, or remove the line".into()),
            text => Ok(text.into()),
        }
    }
}

impl Setting for IpAddr {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        text.parse()
            .map_err(|_| format!("{text:?} is not an IP address; write \"192.0.2.1\" or \"2001:db8::1\""))
    }
}

impl Setting for SocketAddr {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        let mend = "write an IP address and a port, \"0.0.0.0:5060\" or \"[::]:5060\"";
        text.parse().map_err(|_| format!("{text:?} is not an address to listen on; {mend}"))
    }
}

/// All addresses of the machine.
pub fn any(port: u16) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, port).into()
}

/// This machine only.
pub fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// An address to listen on, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener(pub Option<SocketAddr>);

impl Listener {
    /// Nothing listens.
    pub const OFF: Self = Self(None);

    /// On all addresses.
    pub const fn on(port: u16) -> Self {
        Self(Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)))
    }
}

impl Setting for Listener {
    fn parse(raw: &Raw) -> Result<Self, String> {
        match raw.text()? {
            "off" => Ok(Self::OFF),
            _ => SocketAddr::parse(raw).map(Some).map(Self).map_err(|why| format!("{why}, or \"off\"")),
        }
    }
}

/// A DNS name: letters, digits and hyphens in labels of 1 to 63, 253 in all (RFC 1123 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// The text, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new(text: &str) -> Option<Self> {
        let good = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        (text.len() <= 253 && text.split('.').all(good)).then(|| Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Setting for HostName {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        HostName::new(text).ok_or_else(|| format!("{text:?} is not a host name; write \"dect1.example.com\""))
    }
}

/// A host with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// DNS name or IP address, IPv6 without brackets.
    pub host: String,
    /// None: by the transport, or by SRV.
    pub port: Option<u16>,
}

impl Setting for HostPort {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        let mend = "write \"sba.example.com:5061\" or \"sba.example.com\"";
        Self::new(text).ok_or_else(|| format!("{text:?} is not a host with an optional port; {mend}"))
    }
}

impl HostPort {
    fn new(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return (address.port() != 0)
                .then(|| Self { host: address.ip().to_string(), port: Some(address.port()) });
        }
        if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return Some(Self { host: address.to_string(), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok().filter(|&port: &u16| port != 0)?)),
            None => (text, None),
        };
        // Four numbers that are no address (256.1.1.1) are no name either.
        let name = HostName::new(host).filter(|_| !host.bytes().all(|c| c.is_ascii_digit() || c == b'.'))?;
        Some(Self { host: name.0, port })
    }
}

/// UDP ports, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// Even.
    pub first: u16,
    /// At least three above.
    pub last: u16,
}

impl PortRange {
    /// Whether `port` is one of them.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl Setting for PortRange {
    fn parse(raw: &Raw) -> Result<Self, String> {
        let text = raw.text()?;
        let numbers =
            text.split_once('-').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        let (first, last): (u16, u16) =
            numbers.ok_or_else(|| format!("{text:?} is not a range of ports; write \"30000-39999\""))?;
        if first < 1024 {
            return Err(format!(
                "{text:?} begins below 1024, where ports belong to the system; begin higher"
            ));
        }
        // RFC 3550 §11: "For UDP and similar protocols, RTP SHOULD use an even destination port number"
        if first % 2 != 0 {
            return Err(format!(
                "{text:?} begins with an odd port; RTP needs an even one, begin with {}",
                first - 1
            ));
        }
        if last < first || last - first < 3 {
            return Err(format!(
                "{text:?} has fewer than the four ports that one call needs; make it longer"
            ));
        }
        Ok(Self { first, last })
    }
}
