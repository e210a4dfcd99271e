//! Any maker's SIP-DECT base station, as its SIP shows it: who made it, and how many calls it carries.
//!
//! "One SIP account = one handset, one REGISTER per account, all from the same IP of the base or DECT
//! manager." So every REGISTER names its base in `User-Agent`, and handsets of one base share a key:
//! its MAC where it shows one, else source address and model. Budgets below are what makers publish;
//! an administrator may override them, and a base that refuses earlier teaches a lower one.
//!
//! A MAC in SIP is a claim. It groups calls for counting; it proves nothing and authorises nothing.
//! Own matching code: five string shapes do not earn a regular-expression engine.

mod agent;
pub mod provisioning;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::BaseStationId;
use crate::sip::wire::NameAddr;

use agent::{Seen, mac_of};

/// Maker of a base station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Vendor {
    Ascom,
    Gigaset,
    Grandstream,
    Mitel,
    Panasonic,
    Poly,
    Snom,
    Spectralink,
    Yealink,
    /// None that we know: a softphone, a desk phone, a new base.
    Unknown,
}

/// What stands behind one SIP user agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BaseRole {
    /// One radio.
    Base,
    /// One radio that also manages itself; managing costs channels on some.
    BaseAndManager,
    /// A manager with an unknown number of radios behind it.
    Manager,
}

/// How far a figure can be trusted. The marks stand in comments beside what they are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// `[S]` published by the maker.
    Stated,
    /// `[M]` commonly told, no paper at hand.
    Told,
    /// `[I]` our own inference.
    Inferred,
}

/// How many calls a base carries at once, by what they use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChannelBudget {
    /// All calls G.711.
    pub narrowband: u16,
    /// Some calls G.729: transcoding in the base.
    pub compressed: u16,
    /// G.722 in use: a wideband call takes a long slot (EN 300 175-4 table 12.2.1.1).
    pub wideband: u16,
    /// SRTP in use.
    pub secure: u16,
    /// Where the figures come from.
    pub certainty: Certainty,
}

impl ChannelBudget {
    const fn flat(calls: u16, certainty: Certainty) -> Self {
        Self::by_codec(calls, calls, calls, certainty)
    }

    const fn by_codec(narrowband: u16, compressed: u16, wideband: u16, certainty: Certainty) -> Self {
        Self { narrowband, compressed, wideband, secure: narrowband, certainty }
    }

    const fn with_secure(self, secure: u16) -> Self {
        Self { secure, ..self }
    }

    /// Calls permitted when these features are in use on the base: the smallest that applies.
    pub fn calls(&self, compressed: bool, wideband: bool, secure: bool) -> u16 {
        let limits = [(compressed, self.compressed), (wideband, self.wideband), (secure, self.secure)];
        let used = limits.into_iter().filter(|(used, _)| *used).map(|(_, limit)| limit);
        used.fold(self.narrowband, u16::min)
    }
}

/// What the handsets of a base can show and redial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DisplayLimits {
    /// Longest display name, in characters.
    pub name: usize,
    /// Longest display name and number together, in characters, where the maker counts so.
    pub name_and_number: Option<usize>,
    /// Longest SIP URI that is saved and can be redialled, in characters with `sip:`.
    pub uri: usize,
}

impl DisplayLimits {
    /// The longest beginning of `name` that the handset takes beside `number`.
    pub fn fit<'a>(&self, name: &'a str, number: &str) -> &'a str {
        let room = self.room_beside(number);
        name.char_indices().nth(room).map_or(name, |(end, _)| name[..end].trim_end())
    }

    /// Room for a name beside `number`, in characters.
    pub fn room_beside(&self, number: &str) -> usize {
        let together = self.name_and_number.map(|all| all.saturating_sub(number.chars().count()));
        together.map_or(self.name, |room| room.min(self.name))
    }

    /// Whether a handset can save and redial this URI.
    pub fn takes_uri(&self, uri: &str) -> bool {
        uri.chars().count() <= self.uri
    }
}

/// A SIP user agent as a base station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipBaseProfile {
    /// One per MAC, else per source address and model.
    pub key: BaseStationId,
    /// Who made it.
    pub vendor: Vendor,
    /// Model as the base names itself, without the maker's name.
    pub model: Option<String>,
    /// Firmware version as written.
    pub firmware: Option<String>,
    /// MAC, twelve lower-case hexadecimal digits.
    pub mac: Option<String>,
    /// Most handsets it takes, when it says so (`Handset=` of Gigaset).
    pub handsets: Option<u16>,
    /// What stands behind it.
    pub role: BaseRole,
    /// How many calls it carries.
    pub budget: ChannelBudget,
    /// What its handsets can show.
    pub limits: DisplayLimits,
}

impl SipBaseProfile {
    /// Recognises a base from `User-Agent`, its Contact and the address it sends from. What is not
    /// recognised gets a generic profile keyed by that address.
    pub fn recognise(user_agent: Option<&str>, contact: Option<&NameAddr>, source: IpAddr) -> Self {
        let seen = user_agent.map(Seen::read).unwrap_or_default();
        let mac = seen.mac.clone().or_else(|| contact.and_then(mac_of_instance));
        let row = TABLE.iter().find(|row| row.fits(&seen)).unwrap_or(&GENERIC);
        let source = source.to_canonical();
        let key = match (&mac, &seen.model) {
            (Some(mac), _) => mac.clone(),
            (None, Some(model)) => format!("{source}/{model}"),
            (None, None) => source.to_string(),
        };
        // A Gigaset manager that takes up to 50 handsets is "small": base and manager in one box.
        let small = row.role == BaseRole::Manager && seen.handsets.is_some_and(|count| count <= 50);
        let (role, budget) =
            if small { (BaseRole::BaseAndManager, GIGASET_SMALL) } else { (row.role, row.budget) };
        Self {
            key: BaseStationId(key),
            vendor: seen.vendor,
            model: seen.model,
            firmware: seen.firmware,
            mac,
            handsets: seen.handsets,
            role,
            budget,
            limits: row.limits,
        }
    }
}

/// One line of the table of makers.
struct Row {
    vendor: Vendor,
    /// Beginnings of model names, upper case; empty: every model.
    models: &'static [&'static str],
    role: BaseRole,
    budget: ChannelBudget,
    limits: DisplayLimits,
}

impl Row {
    fn fits(&self, seen: &Seen) -> bool {
        let model = seen.model.as_deref().unwrap_or("").to_ascii_uppercase();
        self.vendor == seen.vendor
            && (self.models.is_empty() || self.models.iter().any(|start| model.starts_with(start)))
    }
}

/// Spectralink's documents, the tightest known (`[S]`): 24 characters of name, 64 of URI.
const NARROW: DisplayLimits = DisplayLimits { name: 24, name_and_number: None, uri: 64 };
/// Gigaset (`[S]`, field report): beyond 41 characters of number and name handsets stop ringing.
const GIGASET: DisplayLimits = DisplayLimits { name: 41, name_and_number: Some(41), uri: 64 };
const GIGASET_SMALL: ChannelBudget = ChannelBudget::by_codec(8, 5, 5, Certainty::Stated);
/// Managers with an unknown number of radios. No radio's figure: the manager itself refuses when a
/// cell is full; this only keeps one manager from taking the whole switch.
const MANY_RADIOS: ChannelBudget = ChannelBudget::flat(60, Certainty::Inferred);
const GENERIC: Row =
    row(Vendor::Unknown, &[], BaseRole::Base, ChannelBudget::flat(8, Certainty::Inferred), NARROW);

const fn row(
    vendor: Vendor,
    models: &'static [&'static str],
    role: BaseRole,
    budget: ChannelBudget,
    limits: DisplayLimits,
) -> Row {
    Row { vendor, models, role, budget, limits }
}

/// First fit counts. Marks as in [`Certainty`].
///
/// | maker, model | G.711 / G.729 / G.722 / SRTP | mark, source |
/// |---|---|---|
/// | Gigaset N510 | 4 / 4 / 4 / 4 | M |
/// | Gigaset N530, N610, N670 (single cell) and small N870 (base and manager) | 8 / 5 / 5 / 8 | S, Gigaset wiki |
/// | Gigaset N720, N770, N870, N870E manager | 60 parallel channels | S, Gigaset site planning guide (N720: I) |
/// | Gigaset, other | 10 / 8 / 5 / 10 | S, figures of a base alone |
/// | Yealink W75DM, W80DM, W90DM | 60 | I |
/// | Yealink, other | 8 | M |
/// | Snom M-series, Poly Rove (one RTX platform) | 8 / 8 / 5 / 8 | S for 8 (RTX 1.5), M for wideband |
/// | Grandstream | 4 | M ("4..5") |
/// | Panasonic | 8 / 8 / 4 / 8 | M |
/// | Spectralink | 11 / 11 / 11 / 6 | S |
/// | Ascom | 8 | M |
/// | Mitel OMM (one user agent for all radios; 8 a radio, 4 on RFP 44) | 60 | I |
/// | anything else | 8 | I |
const TABLE: [Row; 14] = {
    use BaseRole::{Base, BaseAndManager, Manager};
    use Certainty::{Stated, Told};
    use ChannelBudget as Of;
    [
        row(Vendor::Gigaset, &["N510"], Base, Of::flat(4, Told), GIGASET),
        row(Vendor::Gigaset, &["N530", "N610", "N670"], BaseAndManager, GIGASET_SMALL, GIGASET),
        row(Vendor::Gigaset, &["N770", "N870"], Manager, Of::flat(60, Stated), GIGASET),
        row(Vendor::Gigaset, &["N720"], Manager, MANY_RADIOS, GIGASET),
        row(Vendor::Gigaset, &[], Base, Of::by_codec(10, 8, 5, Stated), GIGASET),
        row(Vendor::Yealink, &["W75", "W80", "W90"], Manager, MANY_RADIOS, NARROW),
        row(Vendor::Yealink, &[], Base, Of::flat(8, Told), NARROW),
        row(Vendor::Snom, &[], Base, Of::by_codec(8, 8, 5, Stated), NARROW),
        row(Vendor::Poly, &[], Base, Of::by_codec(8, 8, 5, Stated), NARROW),
        row(Vendor::Grandstream, &[], Base, Of::flat(4, Told), NARROW),
        row(Vendor::Panasonic, &[], Base, Of::by_codec(8, 8, 4, Told), NARROW),
        row(Vendor::Spectralink, &[], Base, Of::flat(11, Stated).with_secure(6), NARROW),
        row(Vendor::Ascom, &[], Base, Of::flat(8, Told), NARROW),
        row(Vendor::Mitel, &[], Manager, MANY_RADIOS, NARROW),
    ]
};

/// `+sip.instance="<urn:uuid:00000000-0000-1000-8000-000413B60680>"`: the MAC as node of an otherwise
/// empty UUID (`[M]`). Only this shape; a random UUID must not pass for a MAC. A base that gives each
/// handset an instance of its own uses other shapes.
fn mac_of_instance(contact: &NameAddr) -> Option<String> {
    let instance = contact.params.get("+sip.instance")?.to_ascii_lowercase();
    mac_of(instance.strip_prefix("<urn:uuid:00000000-0000-1000-8000-")?.strip_suffix('>')?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::Text;

    fn seen(user_agent: &str) -> SipBaseProfile {
        SipBaseProfile::recognise(Some(user_agent), None, "10.0.0.7".parse().unwrap())
    }

    #[test]
    fn the_strings_of_the_market_are_recognised() {
        type Expected<'a> = (&'a str, Vendor, &'a str, &'a str, Option<&'a str>, u16);
        #[rustfmt::skip]
        let cases: &[Expected] = &[
            ("N510 IP PRO/42.250.00.000.000;7C2F806257D7", Vendor::Gigaset, "N510 IP PRO", "42.250.00.000.000", Some("7c2f806257d7"), 4),
            ("N510 IP PRO/42.250.00.000.000", Vendor::Gigaset, "N510 IP PRO", "42.250.00.000.000", None, 4),
            ("Gigaset N870 IP PRO/83.V2.43.0+build.5f0a106;7C2F80ABCDEF", Vendor::Gigaset, "N870 IP PRO", "83.V2.43.0+build.5f0a106", Some("7c2f80abcdef"), 60),
            ("Gigaset N670 IP PRO/83.V2.43.0;7C2F80ABCDEF;Handset=20", Vendor::Gigaset, "N670 IP PRO", "83.V2.43.0", Some("7c2f80abcdef"), 8),
            ("Yealink W60B 77.85.0.25", Vendor::Yealink, "W60B", "77.85.0.25", None, 8),
            ("Yealink SIP-W52P 25.30.0.2", Vendor::Yealink, "W52P", "25.30.0.2", None, 8),
            ("Yealink W90DM 130.87.0.10 80:5e:c0:d9:c7:44", Vendor::Yealink, "W90DM", "130.87.0.10", Some("805ec0d9c744"), 60),
            ("snomM700/03.23.0005 (MAC=000413604012; SER= 00000; HW=255)", Vendor::Snom, "M700", "03.23.0005", Some("000413604012"), 8),
            ("Mozilla/4.0 (compatible; Snom M900 05.20.0001 000413b60680)", Vendor::Snom, "M900", "05.20.0001", Some("000413b60680"), 8),
            ("Panasonic_KX-TGP600/07.101 (080023123456)", Vendor::Panasonic, "KX-TGP600", "07.101", Some("080023123456"), 8),
            ("Grandstream DP750 1.0.3.37", Vendor::Grandstream, "DP750", "1.0.3.37", None, 4),
        ];
        for &(text, vendor, model, firmware, mac, calls) in cases {
            let profile = seen(text);
            assert_eq!((profile.vendor, profile.model.as_deref()), (vendor, Some(model)), "{text}");
            assert_eq!(profile.firmware.as_deref(), Some(firmware), "{text}");
            assert_eq!(profile.mac.as_deref(), mac, "{text}");
            assert_eq!(profile.budget.narrowband, calls, "{text}");
            let key = mac.map_or_else(|| format!("10.0.0.7/{model}"), str::to_owned);
            assert_eq!(profile.key, BaseStationId(key), "{text}");
        }
    }

    #[test]
    fn makers_known_by_name_get_their_budget() {
        let spectralink = seen("Spectralink IP-DECT Server 6500 PCS20A").budget;
        assert_eq!((spectralink.narrowband, spectralink.secure), (11, 6));
        assert_eq!(seen("KIRK Wireless Server 6000").vendor, Vendor::Spectralink);
        assert_eq!(seen("Mitel SIP-DECT 8.3").role, BaseRole::Manager);
        assert_eq!(seen("Poly Rove B4 8.0.5").vendor, Vendor::Poly);
        assert_eq!(seen("Ascom IPBS2 11.4").budget.narrowband, 8);
    }

    #[test]
    fn what_is_unknown_is_keyed_by_its_address_with_eight_calls() {
        for text in [
            "baresip v3.1.0 (x86_64/linux)",
            "Linphone/5.0",
            "",
            "N",
            "Nokia",
            "N510",
            "Ascomix",
            "ünïcode é",
        ] {
            let profile = seen(text);
            assert_eq!((profile.vendor, profile.key.0.as_str()), (Vendor::Unknown, "10.0.0.7"), "{text}");
            assert_eq!(profile.budget.calls(true, true, true), 8);
        }
        let silent = SipBaseProfile::recognise(None, None, "::ffff:10.0.0.7".parse().unwrap());
        assert_eq!(silent.key.0, "10.0.0.7");
    }

    #[test]
    fn a_small_gigaset_manager_is_also_a_radio() {
        let small = seen("Gigaset N870 IP PRO/83.V2;7C2F80ABCDEF;Handset=50");
        assert_eq!((small.role, small.budget.narrowband), (BaseRole::BaseAndManager, 8));
        assert_eq!(small.handsets, Some(50));
        let medium = seen("Gigaset N870 IP PRO/83.V2;7C2F80ABCDEF;Handset=250");
        assert_eq!((medium.role, medium.budget.narrowband), (BaseRole::Manager, 60));
    }

    #[test]
    fn the_smallest_budget_that_applies_counts() {
        let base = seen("Gigaset N999 IP PRO/1.0").budget;
        assert_eq!(base.calls(false, false, false), 10);
        assert_eq!(base.calls(true, false, false), 8);
        assert_eq!(base.calls(true, true, true), 5);
    }

    #[test]
    fn a_mac_in_the_instance_counts_and_a_random_uuid_does_not() {
        let with = |uuid: &str| {
            let text = format!("<sip:a@10.0.0.7>;+sip.instance=\"<urn:uuid:{uuid}>\"");
            let contact = NameAddr::parse(&Text::from(text)).unwrap();
            SipBaseProfile::recognise(None, Some(&contact), "10.0.0.7".parse().unwrap()).mac
        };
        assert_eq!(with("00000000-0000-1000-8000-000413B60680").as_deref(), Some("000413b60680"));
        assert_eq!(with("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), None);
    }

    #[test]
    fn names_are_cut_at_characters_and_beside_the_number() {
        assert_eq!(NARROW.fit("Oberärztin Dr. Müller-Lüdenscheidt", "4711"), "Oberärztin Dr. Müller-Lü");
        assert_eq!(NARROW.fit("Anna", "4711"), "Anna");
        let long = "x".repeat(60);
        assert_eq!(GIGASET.fit(&long, "4711").len(), 37);
        assert_eq!(GIGASET.fit(&long, &long), "");
        assert!(NARROW.takes_uri(&"u".repeat(64)) && !NARROW.takes_uri(&"u".repeat(65)));
    }

    #[test]
    fn no_string_makes_it_panic() {
        for text in
            ["Gigaset", "Gigaset é/;;;", "Yealink", "snom", "Snom M", "Rove", "Panasonic_", "N51é/x", "é"]
        {
            seen(text);
            seen(&text.repeat(200));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_agent_of_a_known_maker_makes_it_panic(
            name in "(Gigaset |N[0-9]{3}|Yealink |snom|Rove|Panasonic|Mitel |KIRK|)", tail in "\\PC{0,60}",
        ) {
            let profile = seen(&format!("{name}{tail}"));
            proptest::prop_assert!(profile.mac.is_none_or(|mac| mac.len() == 12));
            proptest::prop_assert!(profile.budget.narrowband > 0);
        }
    }
}
