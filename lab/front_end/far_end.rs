//! Far-end users: phones that live in the front end.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use super::FrontEndConfig;
use super::lync::identity::Instance;
use crate::media::{Traits, Voice};
use crate::phone::{Behaviour, Phone, PhoneConfig};
use crate::sip::endpoint::locked;
use crate::sip::{Endpoint, Failure};

/// Most far-end users.
const MAX_USERS: usize = 10_000;
/// Calls at once of one that was made from its name.
const LINES: usize = 1_000;

pub(super) struct FarEnd {
    endpoint: Endpoint,
    domain: String,
    by_name: bool,
    sound: Option<IpAddr>,
    lync: bool,
    users: Mutex<HashMap<String, Phone>>,
}

impl FarEnd {
    pub(super) fn new(config: &FrontEndConfig, endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            domain: config.domain.clone(),
            by_name: config.far_end_by_name,
            sound: config.sound,
            lync: config.lync.is_some(),
            users: Mutex::default(),
        }
    }

    pub(super) fn add(&self, mut config: PhoneConfig, behaviour: Behaviour) -> Result<Phone, Failure> {
        if self.lync {
            // A Lync user shows a GRUU, not where he listens; his epid is made from his name here.
            let epid = epid_of(&config.user);
            let gruu = Instance::of_epid(&epid).gruu(&config.user, &config.domain);
            let name = if config.display_name.is_empty() { &config.user } else { &config.display_name };
            config.identity.get_or_insert(format!("\"{name}\" <{}>;epid={epid}", config.aor()));
            config.contact.get_or_insert(gruu);
            config.conversations = true;
        }
        let mut users = locked(&self.users);
        if users.len() >= MAX_USERS {
            return Err(Failure::Full("the table of far-end users"));
        }
        let user = config.user.clone();
        let phone = Phone::new(self.endpoint.clone(), config, behaviour);
        users.insert(user, phone.clone());
        Ok(phone)
    }

    pub(super) fn find(&self, user: &str) -> Option<Phone> {
        let found = locked(&self.users).get(user).cloned();
        if found.is_some() || !self.by_name {
            return found;
        }
        let (traits, protection) = Traits::of_user_name(user);
        let config = PhoneConfig {
            voice: voice_of(user),
            sound: self.sound,
            lines: LINES,
            traits,
            protection,
            ..PhoneConfig::new(user, &self.domain)
        };
        self.add(config, Behaviour::of_user_name(user, &self.domain)).ok()
    }
}

/// Ten hexadecimal digits, always the same for a name.
fn epid_of(user: &str) -> String {
    let sum = user.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |sum, octet| {
        (sum ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)
    });
    format!("{:010x}", sum >> 24)
}

/// A name has always the same voice.
pub(super) fn voice_of(user: &str) -> Voice {
    Voice::new(user.bytes().fold(7_u8, |sum, octet| sum.wrapping_mul(31).wrapping_add(octet)))
}
