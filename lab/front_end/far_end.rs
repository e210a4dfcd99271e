//! Far-end users: phones that live in the front end.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use super::FrontEndConfig;
use crate::media::Voice;
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
    users: Mutex<HashMap<String, Phone>>,
}

impl FarEnd {
    pub(super) fn new(config: &FrontEndConfig, endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            domain: config.domain.clone(),
            by_name: config.far_end_by_name,
            sound: config.sound,
            users: Mutex::default(),
        }
    }

    pub(super) fn add(&self, config: PhoneConfig, behaviour: Behaviour) -> Result<Phone, Failure> {
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
        let config = PhoneConfig {
            voice: voice_of(user),
            sound: self.sound,
            lines: LINES,
            ..PhoneConfig::new(user, &self.domain)
        };
        self.add(config, Behaviour::of_user_name(user, &self.domain)).ok()
    }
}

/// A name has always the same voice.
pub(super) fn voice_of(user: &str) -> Voice {
    Voice::new(user.bytes().fold(7_u8, |sum, octet| sum.wrapping_mul(31).wrapping_add(octet)))
}
