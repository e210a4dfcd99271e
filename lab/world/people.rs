//! Who lives in the world: names, numbers, passwords, voices, base stations.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

use super::{South, WorldConfig};
use crate::front_end::FrontEnd;
use crate::handset::{BaseConfig, HandsetAccount, Model};
use crate::media::voice::VOICES;
use crate::media::{Codec, Protection, Voice};
use crate::phone::{Behaviour, Phone, PhoneConfig};
use crate::sip::{Credentials, Failure};

/// A user to be created in the switch; field names as in its CSV of users.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// User part of the address of record on both sides.
    pub username: String,
    /// For displays.
    pub display_name: String,
    /// What the switch proves itself with at the front end.
    pub auth_username: String,
    /// Its secret.
    pub auth_password: String,
    /// What the handset proves itself with at the switch (its user name is `username`).
    pub south_password: String,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("username", &self.username).finish_non_exhaustive()
    }
}

const GIVEN: [&str; 16] = [
    "Ailsa", "Bram", "Chidi", "Dorte", "Elif", "Finlay", "Greta", "Hamish", "Ines", "Jonas", "Kirsty",
    "Luca", "Morag", "Nadia", "Oskar", "Priya",
];
const FAMILY: [&str; 16] = [
    "Adler",
    "Baikie",
    "Costa",
    "Drever",
    "Eunson",
    "Flett",
    "Groat",
    "Heddle",
    "Isbister",
    "Jensen",
    "Kirkness",
    "Linklater",
    "Marwick",
    "Norquoy",
    "Okafor",
    "Petrie",
];

/// `1001`, `1002` … with names and passwords of the seed.
pub(super) fn users(config: &WorldConfig) -> Vec<User> {
    let mut random = StdRng::seed_from_u64(config.seed ^ 0x5EED);
    let users = (0..config.handsets).map(|n| {
        let username = (1_001 + n).to_string();
        let display_name = name(&mut random);
        let mut secret = || format!("{:016x}", random.random::<u64>());
        let (auth_password, south_password) = (secret(), secret());
        User { auth_username: username.clone(), username, display_name, auth_password, south_password }
    });
    users.collect()
}

/// `7001`, `7002` …
pub(super) fn far_ends(config: &WorldConfig, front_end: &FrontEnd) -> Result<Vec<Phone>, Failure> {
    let mut random = StdRng::seed_from_u64(config.seed ^ 0xFA2);
    let phones = (0..config.far_ends).map(|n| {
        let phone = PhoneConfig {
            display_name: name(&mut random),
            voice: Voice::new(VOICES - 1 - (n % usize::from(VOICES / 2)) as u8),
            sound: Some(config.ip),
            ..PhoneConfig::new((7_001 + n).to_string(), &config.domain)
        };
        front_end.add_far_end(phone, Behaviour::Answer { after: Duration::from_secs(2), talk: None })
    });
    phones.collect()
}

/// The bases with their handsets in turn. Handsets have the lower half of the voices, far ends the upper.
pub(super) fn bases(config: &WorldConfig, users: &[User], south: &South) -> Result<Vec<BaseConfig>, Failure> {
    let ways = config.transports.iter().filter_map(|how| Some((*how, south.of(*how)?)));
    let ways: Vec<_> = ways.collect();
    if ways.is_empty() {
        return Err(Failure::Unusable { field: "south", text: "no address for any transport".into() });
    }
    let count = config.bases.min(users.len());
    let bases = (0..count).map(|n| {
        let (model, (transport, registrar)) = (Model::ALL[n % Model::ALL.len()], ways[n % ways.len()]);
        let own = users.iter().enumerate().skip(n).step_by(count);
        BaseConfig {
            model,
            mac: format!("{}{:06x}", model.oui(), 0x10_0000 + n),
            ip: config.ip,
            transport,
            registrar,
            domain: config.domain.clone(),
            trust: south.trust.clone(),
            expires: Duration::from_secs(300),
            codecs: if n % 2 == 0 { vec![Codec::Pcma, Codec::Pcmu] } else { vec![Codec::Pcmu, Codec::Pcma] },
            protection: Protection::Off,
            comfort_noise: false,
            sound: true,
            handsets: own.map(|(number, user)| account(number, user)).collect(),
        }
    });
    Ok(bases.collect())
}

fn account(number: usize, user: &User) -> HandsetAccount {
    HandsetAccount {
        user: user.username.clone(),
        display_name: user.display_name.clone(),
        credentials: Credentials { username: user.username.clone(), password: user.south_password.clone() },
        voice: Voice::new((number % usize::from(VOICES / 2)) as u8),
    }
}

fn name(random: &mut StdRng) -> String {
    let (given, family) = (random.random_range(0..GIVEN.len()), random.random_range(0..FAMILY.len()));
    format!("{} {}", GIVEN[given], FAMILY[family])
}
