//! In-band provisioning: what a pool tells its clients (`vnd-microsoft-provisioning-v2`).
//!
//! Names are compared without case: front ends and their documentation differ in it. A value that is
//! missing or odd is none, so that nothing a server leaves out keeps a user from signing in.

use std::time::Duration;

use super::xml::{Element, XmlFault, escape};

/// Event package.
pub const EVENT: &str = "vnd-microsoft-provisioning-v2";
/// Content-Type of the SUBSCRIBE.
pub const CONTENT_TYPE: &str = "application/vnd-microsoft-roaming-provisioning-v2+xml";
/// Groups to ask for.
pub const GROUPS: [&str; 5] =
    ["ServerConfiguration", "meetingPolicy", "ucPolicy", "mediaConfiguration", "locationPolicy"];

/// What concerns a telephone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provisioning {
    /// Where SERVICE requests to the pool go.
    pub pool_uri: Option<String>,
    /// Gives credentials for the media relay.
    pub mras_uri: Option<String>,
    /// Makes conferences.
    pub focus_factory_uri: Option<String>,
    /// Voice mail.
    pub voice_mail_uri: Option<String>,
    /// Takes reports of quality.
    pub quality_uri: Option<String>,
    /// Name of the location profile.
    pub location_profile: Option<String>,
    /// How media between users is encrypted.
    pub encryption: Option<Encryption>,
    /// Media ports, when the pool wants a range.
    pub media_ports: Option<(u16, u16)>,
    /// DSCP of voice.
    pub voice_dscp: Option<u8>,
    /// How often the lamp is asked for.
    pub lamp_poll: Option<Duration>,
    /// Media may go past the mediation server.
    pub bypass: Option<Bypass>,
    /// The id of the place where this client is; gateways with the same one are well connected to it.
    pub bypass_id: Option<String>,
    /// [MS-SIPREGE] §2.2.2.5.1, `enableBWPolicyCheck`: bandwidth is asked for before a call is taken.
    pub checks_bandwidth: Option<bool>,
}

/// `ucPC2PCAVEncryption`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Offered, not required.
    Supported,
    /// Required.
    Required,
    /// Not done.
    Off,
}

/// `internalBypassMode`, while `bypassEnabled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bypass {
    /// Never.
    Off,
    /// To any gateway.
    Any,
    /// Where the ids of both ends agree.
    ById,
}

impl Provisioning {
    /// Reads a notification, or the body of the 200.
    ///
    /// # Errors
    ///
    /// It is no XML.
    pub fn parse(body: &[u8]) -> Result<Self, XmlFault> {
        let values = Values(Element::parse(body)?);
        let ports = values.number("ucMinMediaPort").zip(values.number("ucMaxMediaPort"));
        Ok(Self {
            pool_uri: values.text("poolUri"),
            mras_uri: values.text("mrasUri"),
            focus_factory_uri: values.text("focusFactoryUri"),
            voice_mail_uri: values.text("voicemailUri"),
            quality_uri: values.text("qosUri"),
            location_profile: values.text("ucLocationProfile"),
            encryption: values.text("ucPC2PCAVEncryption").and_then(|text| Encryption::read(&text)),
            media_ports: ports
                .filter(|(min, max)| values.flag("ucPortRangeEnabled") == Some(true) && min < max),
            voice_dscp: values.number("ucDiffServVoice").filter(|dscp| *dscp < 64),
            lamp_poll: values
                .number("ucExchangeMWIPoll")
                .map(|minutes: u32| Duration::from_secs(u64::from(minutes) * 60)),
            bypass: bypass(&values),
            bypass_id: values.text("bypassId").filter(|id| is_bypass_id(id)),
            checks_bandwidth: values.flag("enableBWPolicyCheck"),
        })
    }
}

impl Encryption {
    fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "supportencryption" => Some(Self::Supported),
            "requireencryption" => Some(Self::Required),
            "donotsupportencryption" => Some(Self::Off),
            _ => None,
        }
    }
}

/// Body of the SUBSCRIBE.
pub fn subscribe() -> String {
    let groups: String =
        GROUPS.iter().map(|name| format!("<provisioningGroup name=\"{}\"/>", escape(name))).collect();
    format!(
        "<provisioningGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/provisioninggrouplist\">{groups}\
         </provisioningGroupList>"
    )
}

fn bypass(values: &Values) -> Option<Bypass> {
    let mode = match values.text("internalBypassMode")?.to_ascii_lowercase().as_str() {
        "any" => Bypass::Any,
        "off" => Bypass::Off,
        "bybypassid" => Bypass::ById,
        _ => return None,
    };
    Some(if values.flag("bypassEnabled")? { mode } else { Bypass::Off })
}

/// A GUID without braces, as it stands in descriptions.
pub fn is_bypass_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// Values, whether they are elements of their name or properties.
struct Values(Element);

impl Values {
    fn text(&self, name: &str) -> Option<String> {
        let is_it = |element: &&Element| {
            let property = element.name.eq_ignore_ascii_case("property");
            let named = if property { element.attribute("name").unwrap_or_default() } else { &element.name };
            named.eq_ignore_ascii_case(name)
        };
        let text = self.0.all().find(is_it)?.text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_properties_are_read_without_case() {
        let body = "<provisionGroupList><provisionGroup name=\"ServerConfiguration\">\
            <POOLURI>sip:pool@contoso.com;gruu</POOLURI><ucLocationProfile>W13RC1</ucLocationProfile>\
            <ucPC2PCAVEncryption>SupportEncryption</ucPC2PCAVEncryption><ucExchangeMWIPoll>3</ucExchangeMWIPoll>\
            <ucDiffServVoice>40</ucDiffServVoice><ucPortRangeEnabled>true</ucPortRangeEnabled>\
            <ucMinMediaPort>50000</ucMinMediaPort><ucMaxMediaPort>50038</ucMaxMediaPort></provisionGroup>\
            <provisionGroup name=\"mediaConfiguration\"><propertyEntryList><property name=\"bypassenabled\">true\
            </property><property name=\"internalBypassMode\">ByBypassId</property><property name=\"bypassId\">\
            c61755ed-402f-4b3b-86e2-2bd96252a23c</property><property name=\"EnableBWPolicyCheck\">True</property>\
            </propertyEntryList>\
            </provisionGroup></provisionGroupList>";
        let told = Provisioning::parse(body.as_bytes()).unwrap();
        assert_eq!(told.pool_uri.as_deref(), Some("sip:pool@contoso.com;gruu"));
        assert_eq!((told.encryption, told.bypass), (Some(Encryption::Supported), Some(Bypass::ById)));
        assert_eq!((told.media_ports, told.voice_dscp), (Some((50_000, 50_038)), Some(40)));
        assert_eq!(told.bypass_id.as_deref(), Some("c61755ed-402f-4b3b-86e2-2bd96252a23c"));
        assert_eq!(told.checks_bandwidth, Some(true));
        assert_eq!(told.lamp_poll, Some(Duration::from_secs(180)));
        assert_eq!(Provisioning::parse(b"<x/>").unwrap(), Provisioning::default());
        assert!(Element::parse(subscribe().as_bytes()).is_ok());
    }

    #[test]
    fn odd_values_are_none() {
        let body = "<l><ucDiffServVoice>400</ucDiffServVoice><ucPortRangeEnabled>false</ucPortRangeEnabled>\
            <ucMinMediaPort>1</ucMinMediaPort><ucMaxMediaPort>2</ucMaxMediaPort><poolUri> </poolUri>\
            <internalBypassMode>Any</internalBypassMode><bypassEnabled>false</bypassEnabled></l>";
        let told = Provisioning::parse(body.as_bytes()).unwrap();
        assert_eq!(told, Provisioning { bypass: Some(Bypass::Off), ..Provisioning::default() });
    }
}
