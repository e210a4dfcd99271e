//! The XML that a Lync front end tells its clients.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::Lync;
use super::config::LyncConfig;
use super::presence::{Presence, Publication, Published};
use super::xml::{Element, escaped};

pub(super) const PROVISIONING: &str = "application/vnd-microsoft-roaming-provisioning-v2+xml";
pub(super) const SELF: &str = "application/vnd-microsoft-roaming-self+xml";
pub(super) const CONTACTS: &str = "application/vnd-microsoft-roaming-contacts+xml";
pub(super) const CATEGORIES: &str = "application/msrtc-event-categories+xml";
pub(super) const LOCATION_PROFILE: &str = "application/ms-location-profile-definition+xml";
pub(super) const RELAY: &str = "application/msrtc-media-relay-auth+xml";

/// In-band provisioning: the groups that were asked for, all without a wish.
pub(super) fn provisioning(config: &LyncConfig, domain: &str, user: &str, asked: &str) -> String {
    let root = Element::parse(asked);
    let wanted: Vec<String> = root
        .iter()
        .flat_map(|root| root.all("provisioningGroup"))
        .filter_map(|group| Some(group.attribute("name")?.to_ascii_lowercase()))
        .collect();
    let pool = &config.pool;
    let encryption = config.encryption.word();
    let server = format!(
        "<ucMaxVideoRateAllowed>VGA-600K</ucMaxVideoRateAllowed>\
         <poolUri>sip:{pool}@{domain};gruu;opaque=srvr:HomeServer:lab</poolUri>\
         <mrasUri>sip:mras.{domain}@{domain};gruu;opaque=srvr:MRAS:lab</mrasUri>\
         <focusFactoryUri>sip:{user}@{domain};gruu;opaque=app:conf:focusfactory</focusFactoryUri>\
         <voicemailUri>sip:{user}@{domain};opaque=app:voicemail</voicemailUri>\
         <qosUri>sip:{pool}@{domain};gruu;opaque=srvr:HomeServer:lab</qosUri>\
         <ucLocationProfile>{}</ucLocationProfile><ucEnableSipSecurityMode>High</ucEnableSipSecurityMode>\
         <ucPC2PCAVEncryption>{encryption}</ucPC2PCAVEncryption><ucExchangeMWIPoll>3</ucExchangeMWIPoll>\
         <ucDiffServVoice>40</ucDiffServVoice><ucVoice802_1p>0</ucVoice802_1p>\
         <ucPortRangeEnabled>false</ucPortRangeEnabled>\
         <enableBWPolicyCheck>{}</enableBWPolicyCheck>",
        config.location_profile.name, config.checks_bandwidth
    );
    let property = |name: &str, value: &str| format!("<property name=\"{name}\">{value}</property>");
    let list = |properties: String| format!("<propertyEntryList>{properties}</propertyEntryList>");
    let bypass = config.bypass_id.as_ref();
    let media = property("bypassEnabled", if bypass.is_some() { "true" } else { "false" })
        + &property("internalBypassMode", if bypass.is_some() { "ByBypassId" } else { "Off" })
        + &property("externalBypassMode", "Off")
        + &bypass.map(|id| property("bypassId", id)).unwrap_or_default();
    let groups = [
        ("ServerConfiguration", server),
        ("mediaConfiguration", list(media)),
        ("ucPolicy", list(property("allowCallForwarding", "true") + &property("enableCallTransfer", "true"))),
        ("meetingPolicy", list(String::new())),
        ("locationPolicy", list(property("EnhancedEmergencyServicesEnabled", "false"))),
    ];
    let mut body = "<provisionGroupList \
        xmlns=\"http://schemas.microsoft.com/2006/09/sip/provisiongrouplist-notification\">"
        .to_owned();
    for (name, content) in groups {
        if wanted.is_empty() || wanted.contains(&name.to_ascii_lowercase()) {
            // Writing to a String cannot fail.
            let _ = write!(body, "<provisionGroup name=\"{name}\">{content}</provisionGroup>");
        }
    }
    body + "</provisionGroupList>"
}

/// The contact list: one group, nobody in it but those of the configuration.
pub(super) fn contacts(config: &LyncConfig, domain: &str) -> String {
    let contact = |user: &String| {
        format!(
            "<contact uri=\"{user}@{domain}\" name=\"\" groups=\"1\" subscribed=\"true\" externalURI=\"\"/>"
        )
    };
    let all: String = config.contacts.iter().map(contact).collect();
    // Lync 2013 and later tell whether the list has moved to Exchange. Clients know these servers by the attribute;
    // any value but `migrated` leaves the list here.
    let moved = if config.server.as_str() >= "RTC/5" { " ucsmode=\"none\"" } else { "" };
    format!(
        "<contactList deltaNum=\"1\"{moved}><group id=\"1\" name=\"~\" externalURI=\"\"/>{all}</contactList>"
    )
}

/// What a user is told of himself: his own publications, his number, his containers.
pub(super) fn roaming_self(
    config: &LyncConfig,
    domain: &str,
    user: &str,
    presence: &Presence,
    lync: &Lync,
) -> String {
    let own = properties(config, user, lync);
    let containers = "<containers xmlns=\"http://schemas.microsoft.com/2006/09/sip/containers\">\
        <container id=\"32000\" version=\"0\"/><container id=\"400\" version=\"1\"/>\
        <container id=\"300\" version=\"1\"/><container id=\"200\" version=\"1\"/>\
        <container id=\"100\" version=\"1\"/></containers>";
    let published: String = presence.publications.iter().map(of_publication).collect();
    let categories = format!("{own}{published}{}", mailbox(config, user));
    let subscribers =
        "<subscribers xmlns=\"http://schemas.microsoft.com/2006/09/sip/presence-subscribers\"/>";
    let more = format!("{containers}{subscribers}{}", lync.delegates_document(user));
    roaming_data(domain, user, &categories, &more)
}

/// His numbers and delegates alone, when they have changed.
pub(super) fn lines(config: &LyncConfig, domain: &str, user: &str, lync: &Lync) -> String {
    roaming_data(domain, user, &properties(config, user, lync), &lync.delegates_document(user))
}

fn properties(config: &LyncConfig, user: &str, lync: &Lync) -> String {
    let line = |kind: &str, line: &String| format!("<line lineType=\"{kind}\">{line}</line>");
    let own = config.lines.get(user);
    let private = lync.private_line(user).map(|number| line("Private", &format!("tel:{number}")));
    let lines = own.map(|own| line("Uc", own)).unwrap_or_default() + &private.unwrap_or_default();
    let lines = if lines.is_empty() { lines } else { format!("<lines>{lines}</lines>") };
    let mode = if own.is_some() { "Uc" } else { "None" };
    let properties = format!(
        "<userProperties xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\">{lines}\
         <telephonyMode>{mode}</telephonyMode></userProperties>"
    );
    category("userProperties", 0, 1, 1, "static", &properties)
}

/// The voice mailbox's state, when the configuration has one.
fn mailbox(config: &LyncConfig, user: &str) -> String {
    let Some((new, old)) = config.voice_mail.get(user) else { return String::new() };
    let waiting = *new > 0;
    let content = format!(
        "<mwi xmlns=\"http://schemas.microsoft.com/2006/09/sip/mwi\" messageWaiting=\"{waiting}\" \
         unreadVoiceMailCount=\"{new}\" readVoiceMailCount=\"{old}\"/>"
    );
    category("mwi", 0, 1, 1, "static", &content)
}

/// The answer to a publication: what stands now in the categories that it touched. A deletion shows by what is
/// not there; a container where nothing is left, by its bare name.
pub(super) fn published(domain: &str, user: &str, done: &Published) -> String {
    let standing = done.standing.iter().map(of_publication);
    let emptied = done
        .emptied
        .iter()
        .map(|(category, container)| format!("<category name=\"{category}\" container=\"{container}\"/>"));
    roaming_data(domain, user, &standing.chain(emptied).collect::<String>(), "")
}

fn roaming_data(domain: &str, user: &str, categories: &str, more: &str) -> String {
    format!(
        "<roamingData xmlns=\"http://schemas.microsoft.com/2006/09/sip/roaming-self\"><categories \
         xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\" uri=\"sip:{user}@{domain}\">\
         {categories}</categories>{more}</roamingData>"
    )
}

/// What a watcher sees of a user.
pub(super) fn categories(domain: &str, user: &str, presence: &Presence) -> String {
    let activity = presence.activity.as_deref().map(|token| {
        format!("<activity token=\"{token}\" minAvailability=\"6500\" maxAvailability=\"8999\"/>")
    });
    let state = format!(
        "<state xmlns=\"http://schemas.microsoft.com/2006/09/sip/state\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"aggregateState\">\
         <availability>{}</availability>{}</state>",
        presence.availability,
        activity.unwrap_or_default()
    );
    let card = format!(
        "<contactCard xmlns=\"http://schemas.microsoft.com/2006/09/sip/contactcard\"><identity>\
         <name><displayName>{}</displayName></name></identity></contactCard>",
        escaped(user)
    );
    format!(
        "<categories xmlns=\"http://schemas.microsoft.com/2006/09/sip/categories\" uri=\"sip:{user}@{domain}\">\
         {}{}</categories>",
        category("state", 1, 400, 1, "user", &state),
        category("contactCard", 0, 400, 1, "static", &card)
    )
}

fn of_publication(one: &Publication) -> String {
    category(&one.category, one.instance, one.container, one.version, &one.expire_type, &one.content)
}

fn category(name: &str, instance: u32, container: u32, version: u32, expires: &str, content: &str) -> String {
    format!(
        "<category name=\"{name}\" instance=\"{instance}\" publishTime=\"2026-01-01T00:00:00\" \
         container=\"{container}\" version=\"{version}\" expireType=\"{expires}\">{content}</category>"
    )
}

/// [MS-PRES]: which operations were sent with an old version; nothing of the request was done.
pub(super) fn conflict(conflicts: &[(usize, u32, u32)]) -> String {
    let operation = |(index, version, current): &(usize, u32, u32)| {
        format!("<operation index=\"{index}\" version=\"{version}\" curVersion=\"{current}\"/>")
    };
    let all: String = conflicts.iter().map(operation).collect();
    format!("<Fault><Faultcode>Client.BadCall.WrongDelta</Faultcode><details>{all}</details></Fault>")
}

/// The dial plan ([MS-SIPRE], location profile).
pub(super) fn location_profile(config: &LyncConfig) -> String {
    let profile = &config.location_profile;
    let rule = |(pattern, translation): &(String, String)| {
        format!(
            "<Rule><Pattern>{}</Pattern><Translation>{}</Translation></Rule>",
            escaped(pattern),
            escaped(translation)
        )
    };
    let rules: String = profile.rules.iter().map(rule).collect();
    let prefix = profile.external_access_prefix.as_ref();
    let prefix = prefix.map(|p| format!("<ExternalAccessPrefix>{p}</ExternalAccessPrefix>"));
    format!(
        "<LocationProfileDescription xmlns=\"http://schemas.microsoft.com/2007/03/LocationProfileDescription\">\
         <Name>{}</Name>{rules}{}</LocationProfileDescription>",
        profile.name,
        prefix.unwrap_or_default()
    )
}

/// Credentials for the media relay ([MS-AVEDGEA]): the password is an HMAC of the user name under `key`,
/// so that a relay with the same key can check it. None when the request is not one.
pub(super) fn relay(config: &LyncConfig, request: &str) -> Option<String> {
    let root = Element::parse(request).filter(|root| root.name == "request")?;
    let asked = root.child("credentialsRequest")?;
    let of = |name: &str| root.attribute(name).map(escaped).unwrap_or_default();
    let id = asked.attribute("credentialsRequestID").map(escaped).unwrap_or_default();
    let identity = asked.child("identity").map_or("", |identity| identity.text.as_str());
    let minutes = asked.child("duration").and_then(|text| text.text.trim().parse().ok()).unwrap_or(480_u32);
    let minutes = minutes.clamp(1, 480);
    // No two are alike, so that a relay can refuse those of before.
    let identity = format!("{identity};{:08x}", rand::random::<u32>());
    let (username, password) = relay_credentials(&config.relay_key, &identity);
    let (host, udp, tcp) = (&config.relay_host, config.relay_udp, config.relay_tcp);
    let location = asked.child("location").map_or("intranet", |text| text.text.trim()).to_owned();
    Some(format!(
        "<?xml version=\"1.0\"?><response xmlns=\"http://schemas.microsoft.com/2006/09/sip/mrasp\" \
         requestID=\"{}\" version=\"1.0\" serverVersion=\"2.0\" to=\"{}\" from=\"{}\" reasonPhrase=\"OK\">\
         <credentialsResponse credentialsRequestID=\"{id}\"><credentials><username>{username}</username>\
         <password>{password}</password><duration>{minutes}</duration></credentials><mediaRelayList>\
         <mediaRelay><location>{}</location><hostName>{host}</hostName><udpPort>{udp}</udpPort>\
         <tcpPort>{tcp}</tcpPort></mediaRelay></mediaRelayList></credentialsResponse></response>",
        of("requestID"),
        of("to"),
        of("from"),
        escaped(&location)
    ))
}

/// User name and password of an identity, both base64; the password's octets are 20.
pub fn relay_credentials(key: &[u8], identity: &str) -> (String, String) {
    let username = [&[1, 0, 0, 0x20][..], identity.as_bytes()].concat();
    (STANDARD.encode(&username), STANDARD.encode(password_of(key, &username)))
}

/// The octets of a password that belongs to a user name's octets.
pub fn password_of(key: &[u8], username: &[u8]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(username);
    mac.finalize().into_bytes().into()
}
