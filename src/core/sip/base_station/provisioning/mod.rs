//! Setting up a new SIP-DECT base station: it says its MAC, gets an address, fetches one file, and knows its users.
//!
//! ```text
//!  base ── SUBSCRIBE ua-profile, multicast 224.0.1.75 ──► pnp ── NOTIFY https://…/provisioning/ ──► base
//!  base ── GET 7c2f80abcdef.xml ──► Window: is it open? is it that machine? ──► Sheet ──► gigaset, yealink, snom
//! ```
//!
//! The file holds the passwords of its users, so it goes out once, to one machine, within minutes:
//! [`Window`]. No secret stands in an address.
//!
//! The names of settings are the makers': Gigaset's provisioning guides for N510 and Nx70, Yealink's
//! administrator guides for W70B and W80/W90, Snom's provisioning guide for M300/M700/M900 (one platform with
//! RTX and Poly). What a maker's base does when a setting is missing is left to it.
//!
//! Out of scope: firmware, which is the makers' to give; and the makers' redirection services, which would send
//! the bases of a hospital past the internet.

mod gigaset;
mod pnp;
mod snom;
mod window;
mod yealink;

use serde::{Deserialize, Serialize};

pub use pnp::{PnpAnswer, PnpAsk, check_sync};
pub use window::{FetchRefusal, Window, WindowState};

use crate::pii::Pii;
use crate::sip::Transport;

/// The makers whose files are written here, by the form of their files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Make {
    /// Gigaset N510 IP PRO.
    GigasetN510,
    /// Gigaset N610, N670, N870 and their like.
    Gigaset,
    /// Yealink W70B, W75, W80, W90.
    Yealink,
    /// Snom M300, M400, M700, M900.
    Snom,
}

impl Make {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::GigasetN510, Self::Gigaset, Self::Yealink, Self::Snom];

    /// As in REST.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GigasetN510 => "gigaset-n510",
            Self::Gigaset => "gigaset",
            Self::Yealink => "yealink",
            Self::Snom => "snom",
        }
    }

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::GigasetN510 => "Gigaset N510 IP PRO",
            Self::Gigaset => "Gigaset N610, N670, N870",
            Self::Yealink => "Yealink W70B, W75, W80, W90",
            Self::Snom => "Snom M300, M400, M700, M900",
        }
    }

    /// Most users of one base station or manager: N510 6 (told), N870 250, W90 250, Snom 1,000 in a system.
    pub const fn most(self) -> usize {
        match self {
            Self::GigasetN510 => 6,
            Self::Gigaset | Self::Yealink => 250,
            Self::Snom => 1_000,
        }
    }

    /// By the name that a base station gives itself (vendor and model of its `ua-profile`, or User-Agent).
    pub fn of_agent(vendor: &str, model: &str) -> Option<Self> {
        let text = format!("{vendor} {model}").to_ascii_lowercase();
        let says = |word: &str| text.contains(word);
        match () {
            () if says("n510") => Some(Self::GigasetN510),
            () if says("gigaset") || says("n870") || says("n670") || says("n610") => Some(Self::Gigaset),
            () if says("yealink") => Some(Self::Yealink),
            () if says("snom") => Some(Self::Snom),
            () => None,
        }
    }

    /// Whether a base station of this make with this MAC asks for a file by that name, whatever its case.
    pub fn names(self, mac: &str, file: &str) -> bool {
        let file = file.to_ascii_lowercase();
        match self {
            Self::GigasetN510 | Self::Gigaset => file == format!("{mac}.xml"),
            Self::Yealink => file == format!("{mac}.cfg"),
            // `snomM700-000413604012.htm`, of RTX `MAC.cfg`; some releases leave the model out.
            Self::Snom => {
                file.starts_with("snom")
                    && (file.ends_with(&format!("{mac}.htm")) || file.ends_with(&format!("{mac}.xml")))
                    || file == format!("{mac}.cfg")
            }
        }
    }
}

/// A user as a base station needs it. `Debug` shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetUser {
    /// User part, and name for authentication.
    pub username: String,
    /// Shown on the handset.
    pub display: String,
    /// The SIP-DECT password.
    pub password: Pii<String>,
    /// The code with which its handset subscribes at the base station.
    pub access_code: Pii<String>,
}

/// What stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The MAC, twelve lower-case hexadecimal digits.
    pub mac: String,
    /// SIP domain.
    pub domain: String,
    /// Where this switch listens for base stations.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// Its transport.
    pub transport: Transport,
    /// Whether SRTP is to be used.
    pub srtp: bool,
    /// In the order of their handsets.
    pub users: Vec<SheetUser>,
}

/// A file as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetFile {
    /// Content-Type.
    pub content_type: &'static str,
    /// The text; it holds passwords.
    pub text: Pii<String>,
}

impl Sheet {
    /// In the form of a maker.
    pub fn file(&self, make: Make) -> SheetFile {
        let (content_type, text) = match make {
            Make::GigasetN510 => ("text/xml; charset=utf-8", gigaset::n510(self)),
            Make::Gigaset => ("text/xml; charset=utf-8", gigaset::manager(self)),
            Make::Yealink => ("text/plain; charset=utf-8", yealink::file(self)),
            Make::Snom => ("text/xml; charset=utf-8", snom::file(self)),
        };
        SheetFile { content_type, text: Pii(text) }
    }
}

/// Text made safe for XML content and attribute values; what XML 1.0 cannot hold is left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
    out
}

/// The MAC in a text, however it is written: twelve lower-case hexadecimal digits.
pub fn read_mac(text: &str) -> Option<String> {
    let digits: String = text.trim().chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    let whole = digits.len() == 12 && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
    whole.then(|| digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let user = |username: &str, display: &str| SheetUser {
            username: username.into(),
            display: display.into(),
            password: Pii("s<3>\"&\ncret".into()),
            access_code: Pii("1234".into()),
        };
        Sheet {
            mac: "7c2f80abcdef".into(),
            domain: "hospital.test".into(),
            server: "10.0.0.1".into(),
            port: 5060,
            transport: Transport::Tcp,
            srtp: false,
            users: vec![user("4711", "Anna <Berg>"), user("4712", "Zoë")],
        }
    }

    #[test]
    fn every_make_gets_a_file_with_all_users_and_no_line_that_a_value_made() {
        for make in Make::ALL {
            let text = sheet().file(make).text.0;
            for wanted in ["4711", "4712", "hospital.test", "10.0.0.1", "Zoë"] {
                assert!(text.contains(wanted), "{}: {wanted}\n{text}", make.as_str());
            }
            assert!(!text.contains("&\ncret") && !text.contains("\ncret"), "{}", make.as_str());
            assert!(make == Make::Yealink || !text.contains("<3>"), "{}", make.as_str());
        }
    }

    #[test]
    fn each_make_asks_for_its_file_by_its_own_name() {
        let mac = "000413604012";
        for (make, file) in [
            (Make::Gigaset, "000413604012.xml"),
            (Make::GigasetN510, "000413604012.XML"),
            (Make::Yealink, "000413604012.cfg"),
            (Make::Snom, "snomM700-000413604012.htm"),
            (Make::Snom, "snomM900-000413604012.xml"),
        ] {
            assert!(make.names(mac, file), "{file}");
        }
        for file in ["000413604013.xml", "y000000000058.cfg", "snomM700.htm", "", "../000413604012.xml"] {
            assert!(!Make::ALL.into_iter().any(|make| make.names(mac, file)), "{file}");
        }
    }

    #[test]
    fn makers_are_known_by_what_their_bases_say() {
        assert_eq!(Make::of_agent("snom", "snomM700"), Some(Make::Snom));
        assert_eq!(Make::of_agent("Gigaset", "N870 IP PRO"), Some(Make::Gigaset));
        assert_eq!(Make::of_agent("Gigaset", "N510 IP PRO"), Some(Make::GigasetN510));
        assert_eq!(Make::of_agent("Yealink", "W80DM"), Some(Make::Yealink));
        assert_eq!(Make::of_agent("Grandstream", "DP750"), None);
    }

    #[test]
    fn a_mac_is_read_however_it_is_written() {
        for text in ["7C:2F:80:AB:CD:EF", "7c-2f-80-ab-cd-ef", "7c2f.80ab.cdef", " 7C2F80ABCDEF "] {
            assert_eq!(read_mac(text).as_deref(), Some("7c2f80abcdef"));
        }
        assert_eq!(read_mac("7C:2F:80:AB:CD"), None);
        assert_eq!(read_mac("7C2F80ABCDEG"), None);
    }
}
