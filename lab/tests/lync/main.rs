//! The front end as Lync: sign-in, signatures, trust, routes, against a client that is written for this test.
//! The judge of the front end is another: an unmodified pidgin-sipe, in tests/clients/pidgin.rs.
#![allow(clippy::unwrap_used)]

mod client;

mod calls;
mod conference;
mod pool;
mod presence;
mod sign_in;
mod trust;

use std::time::Duration;

use kirkwall_lab::front_end::lync::{Ntlm, Proof};
use kirkwall_lab::front_end::{Account, Accounts, FrontEnd, FrontEndConfig, LyncConfig};
use kirkwall_lab::sip::Credentials;

pub const DOMAIN: &str = "lab.test";
pub const PASSWORD: &str = "Pa$$w\u{f6}rd";
pub const SOON: Duration = Duration::from_secs(20);

/// A front end with these users, whose NTLM names are `LAB\\user`.
pub async fn front_end(users: &[&str], change: impl FnOnce(&mut LyncConfig)) -> FrontEnd {
    let mut config = plain(users);
    change(config.lync.as_mut().unwrap());
    FrontEnd::start(config).await.unwrap()
}

/// Its configuration, with NTLM.
pub fn plain(users: &[&str]) -> FrontEndConfig {
    let account = |user: &&str| Account {
        user: user.to_string(),
        credentials: Credentials { username: format!("LAB\\{user}"), password: PASSWORD.into() },
    };
    let accounts = Accounts::Given(users.iter().map(account).collect());
    let lync = LyncConfig { proof: Proof::Ntlm(Ntlm::default()), ..LyncConfig::new(DOMAIN) };
    FrontEndConfig { lync: Some(lync), ..FrontEndConfig::loopback(DOMAIN, accounts) }
}

/// The NTLM settings of a configuration.
pub fn ntlm(config: &mut LyncConfig) -> &mut Ntlm {
    match &mut config.proof {
        Proof::Ntlm(ntlm) => ntlm,
        other => panic!("{other:?} is not NTLM"),
    }
}
