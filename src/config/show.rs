//! How a setting stands in the file: the other direction of [`Setting`](super::value::Setting).

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kirkwall_core::pii::Pii;

use super::value::{HostName, HostPort, Listener, PortRange};

/// Something that can be written as a value of the file.
pub trait Show {
    /// As TOML; empty when nothing would be written.
    fn show(&self) -> String;
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map_or_else(String::new, T::show)
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self) -> String {
        let items: Vec<String> = self.iter().map(T::show).collect();
        format!("[{}]", items.join(", "))
    }
}

/// Whole seconds.
impl Show for Duration {
    fn show(&self) -> String {
        self.as_secs().to_string()
    }
}

/// An empty text says nothing.
impl Show for String {
    fn show(&self) -> String {
        if self.is_empty() { String::new() } else { quoted(self) }
    }
}

/// Never shown.
impl Show for Pii<String> {
    fn show(&self) -> String {
        String::new()
    }
}

impl Show for PathBuf {
    fn show(&self) -> String {
        quoted(&self.display().to_string())
    }
}

impl Show for Listener {
    fn show(&self) -> String {
        self.0.map_or_else(|| quoted("off"), |address| address.show())
    }
}

impl Show for HostPort {
    fn show(&self) -> String {
        match (self.port, self.host.contains(':')) {
            (Some(port), true) => quoted(&format!("[{}]:{port}", self.host)),
            (Some(port), false) => quoted(&format!("{}:{port}", self.host)),
            (None, _) => quoted(&self.host),
        }
    }
}

impl Show for PortRange {
    fn show(&self) -> String {
        quoted(&format!("{}-{}", self.first, self.last))
    }
}

macro_rules! plain {
    ($($kind:ty),+) => {$(
        impl Show for $kind {
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

macro_rules! in_quotes {
    ($($kind:ty),+) => {$(
        impl Show for $kind {
            fn show(&self) -> String {
                quoted(&self.to_string())
            }
        }
    )+};
}

plain!(bool, u16, u32);
in_quotes!(HostName, IpAddr, SocketAddr);

/// In double quotes, with the escapes of a TOML basic string that such values can need.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
