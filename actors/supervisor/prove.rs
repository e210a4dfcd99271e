//! Handsets that come by HTTPS, for a phone book: the same digest, the same passwords, the same guessers.

use actix::prelude::*;
use kirkwall_core::id::Username;
use kirkwall_core::sip::digest::{Ha1, Presented, Verdict};
use metrics::counter;

use super::Supervisor;
use crate::desk::{ProveHandset, Unproven};

impl Handler<ProveHandset> for Supervisor {
    type Result = Result<Username, Unproven>;

    fn handle(&mut self, ask: ProveHandset, _: &mut Self::Context) -> Self::Result {
        let (now, source) = (self.ports.clock.now(), ask.source);
        let Some(authorization) = &ask.authorization else {
            return Err(Unproven::Challenge(self.digest.challenges(source, false, now)));
        };
        // Which user it will be is not known before the answer is read, so only the source's own failures count.
        if self.guesses.admit(source, "", false, now).is_err() {
            return Err(Unproven::Locked);
        }
        let presented =
            Presented { authorization: &authorization.0, method: &ask.method, request_uri: &ask.uri, source };
        let (accounts, realm) = (&self.accounts, self.settings.realm.as_str());
        let ha1 = |name: &str, algorithm| {
            let record = accounts.get(&name.parse::<Username>().ok()?).filter(|record| record.enabled)?;
            Some(Ha1::of(algorithm, name, realm, record.south_password.as_ref()?.reveal()))
        };
        let stale = match self.digest.verify(presented, ha1, now) {
            Verdict::Authentic { username } => {
                self.guesses.succeeded(source, &username);
                let nobody = || Unproven::Challenge(Vec::new());
                return username.parse().map_err(|_| nobody());
            }
            Verdict::Challenge { stale } => stale,
            Verdict::Wrong { username } => {
                counter!("ipdect_sip_wrong_password_total").increment(1);
                self.guesses.failed(source, &username.0, now);
                false
            }
        };
        Err(Unproven::Challenge(self.digest.challenges(source, stale, now)))
    }
}
