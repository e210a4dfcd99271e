//! What is published: the contents of categories, and the numbers of their instances.

use md5::{Digest, Md5};

use crate::lync::endpoint::Instance;
use crate::lync::xml::escape;

/// The name spaces of Microsoft's presence documents begin so.
const SPACE: &str = "http://schemas.microsoft.com/2006/09/sip";
const XSI: &str = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
/// Longest note that is published, in characters.
const MAX_NOTE: usize = 500;

/// Availability by its number, each the typical one of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Availability {
    /// 3500.
    Available,
    /// 5000: available, but the device lies still.
    Inactive,
    /// 6500.
    Busy,
    /// 9500.
    DoNotDisturb,
    /// 12500.
    BeRightBack,
    /// 15500.
    Away,
    /// 18500.
    Offline,
}

impl Availability {
    /// The number to publish.
    pub const fn number(self) -> u32 {
        match self {
            Self::Available => 3500,
            Self::Inactive => 5000,
            Self::Busy => 6500,
            Self::DoNotDisturb => 9500,
            Self::BeRightBack => 12_500,
            Self::Away => 15_500,
            Self::Offline => 18_500,
        }
    }

    /// What a published number is shown as; none for the unknown ones below 3000.
    pub const fn of_number(number: u32) -> Option<Self> {
        match number {
            0..=2999 => None,
            3000..=4499 => Some(Self::Available),
            4500..=5999 => Some(Self::Inactive),
            6000..=8999 => Some(Self::Busy),
            9000..=11_999 => Some(Self::DoNotDisturb),
            12_000..=14_999 => Some(Self::BeRightBack),
            15_000..=17_999 => Some(Self::Away),
            18_000.. => Some(Self::Offline),
        }
    }
}

/// An `activity` with the range of availability for which it is shown. Tokens are case sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Such as `on-the-phone`.
    pub token: &'static str,
    /// Lowest availability.
    pub min: u32,
    /// Highest.
    pub max: u32,
}

impl Activity {
    /// Shown as "In a call".
    pub const ON_THE_PHONE: Self = Self { token: "on-the-phone", min: 6500, max: 8999 };
    /// Do not disturb, for those who may still interrupt.
    pub const URGENT_ONLY: Self = Self { token: "urgent-interruptions-only", min: 6900, max: 8999 };
}

/// Which state a `state` category is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// The device lies still or is in use.
    Machine,
    /// Calls.
    Phone,
    /// What the user set by hand.
    User,
}

/// A `state` element.
pub fn state(kind: StateKind, availability: u32, activity: Option<Activity>) -> String {
    let (kind, manual) = match kind {
        StateKind::Machine => ("machineState", false),
        StateKind::Phone => ("phoneState", false),
        StateKind::User => ("userState", true),
    };
    let activity = activity.map_or_else(String::new, |Activity { token, min, max }| {
        format!("<activity token=\"{token}\" minAvailability=\"{min}\" maxAvailability=\"{max}\"/>")
    });
    format!(
        "<state xmlns=\"{SPACE}/state\" manual=\"{manual}\" {XSI} xsi:type=\"{kind}\">\
         <availability>{availability}</availability>{activity}</state>"
    )
}

/// A personal `note`.
pub fn note(text: &str) -> String {
    let text: String = text.chars().take(MAX_NOTE).collect();
    format!("<note xmlns=\"{SPACE}/note\"><body type=\"personal\">{}</body></note>", escape(&text))
}

/// The `device` of a phone: voice only, and no invitation into conferences.
pub fn device(aor: &str, gruu: &str, instance: Instance, machine_name: &str) -> String {
    let (aor, gruu, name) = (escape(aor), escape(gruu), escape(machine_name));
    let none = ["text", "gifInk", "isfInk", "video"]
        .map(|media| format!("<{media} capture=\"false\" render=\"false\" publish=\"false\"/>"))
        .concat();
    format!(
        "<device xmlns=\"{SPACE}/device\" endpointId=\"{instance}\" gruu=\"{gruu}\">\
         <capabilities preferred=\"false\" uri=\"{aor}\">{none}\
         <voice capture=\"true\" render=\"true\" publish=\"false\"/></capabilities>\
         <machineName>{name}</machineName></device>"
    )
}

/// Numbers of instances. The text that Microsoft's own clients hash is not public; a stable number with
/// the right top digit works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instances {
    /// Of `device`.
    pub device: u32,
    /// Of the machine's state: 0x3….
    pub machine: u32,
    /// Of calls over VoIP: 0x8….
    pub phone: u32,
}

impl Instances {
    /// Of the state that a user sets by hand.
    pub const USER: u32 = 0x2000_0000;

    /// Of an endpoint.
    pub fn of(aor: &str, gruu: &str) -> Self {
        let (by_gruu, by_both) = (low_32(gruu), low_32(&format!("{aor},{gruu}")));
        let with_top = |top: u32, low: u32| top << 28 | low & 0x0fff_ffff;
        Self { device: by_gruu, machine: with_top(3, by_gruu), phone: with_top(8, by_both) }
    }
}

fn low_32(text: &str) -> u32 {
    let hash: [u8; 16] = Md5::digest(text.as_bytes()).into();
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lync::xml::Element;

    #[test]
    fn numbers_fall_into_their_ranges() {
        use Availability::*;
        for shown in [Available, Inactive, Busy, DoNotDisturb, BeRightBack, Away, Offline] {
            assert_eq!(Availability::of_number(shown.number()), Some(shown));
        }
        assert_eq!(Availability::of_number(2999), None);
        assert_eq!(Availability::of_number(7500), Some(Busy));
    }

    #[test]
    fn contents_are_well_formed_and_say_what_they_should() {
        let phone = state(StateKind::Phone, 6500, Some(Activity::ON_THE_PHONE));
        let phone = Element::parse(phone.as_bytes()).unwrap();
        assert_eq!(phone.attribute("type"), Some("phoneState"));
        assert_eq!(phone.child("activity").unwrap().attribute("token"), Some("on-the-phone"));
        let written = note("<b> & \"c\"");
        assert_eq!(Element::parse(written.as_bytes()).unwrap().text_of("body"), Some("<b> & \"c\""));
        let instance = "492a7ce35f".parse::<crate::lync::endpoint::Epid>().unwrap().instance();
        let written = device("sip:a@b", "sip:a@b;gruu", instance, "Kirkwall");
        let device = Element::parse(written.as_bytes()).unwrap();
        assert_eq!(device.find("voice").unwrap().attribute("capture"), Some("true"));
        assert!(device.find("confInvite").is_none());
    }

    #[test]
    fn instances_have_their_top_digit_and_differ_by_endpoint() {
        let (one, two) = (Instances::of("sip:a@b", "x"), Instances::of("sip:a@b", "y"));
        assert_eq!((one.machine >> 28, one.phone >> 28), (3, 8));
        assert!(one != two && one == Instances::of("sip:a@b", "x"));
    }
}
