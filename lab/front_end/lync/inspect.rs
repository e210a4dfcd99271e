//! What tests may see of a Lync front end, and make it do.

use std::time::Duration;

use super::presence::Presence;
use super::{Gives, Signatures, Subscribed};
use crate::front_end::FrontEnd;

impl FrontEnd {
    /// Signatures made and verified since the start; all zero when it is no Lync front end.
    pub fn signatures(&self) -> Signatures {
        self.0.lync.as_ref().map(|lync| lync.signatures()).unwrap_or_default()
    }

    /// NTLM security associations that stand now.
    pub fn associations(&self) -> usize {
        self.0.lync.as_ref().map_or(0, |lync| lync.associations())
    }

    /// The last wrong messages, in words: which, from whom, what is wrong with it. At most 64.
    pub fn complaints(&self) -> Vec<String> {
        self.0.lync.as_ref().map(|lync| lync.complaints()).unwrap_or_default()
    }

    /// What a user of a Lync front end has published, and what it shows.
    pub fn presence(&self, user: &str) -> Presence {
        self.0.lync.as_ref().map(|lync| lync.presence(user)).unwrap_or_default()
    }

    /// Subscriptions at a Lync front end that stand now.
    pub fn subscribed(&self) -> Vec<Subscribed> {
        self.0.lync.as_ref().map(|lync| lync.subscribed()).unwrap_or_default()
    }

    /// The last quality reports (application/vq-rtcpxr+xml), at most 256.
    pub fn quality_reports(&self) -> Vec<String> {
        self.0.lync.as_ref().map(|lync| lync.reports()).unwrap_or_default()
    }

    /// What certificates its web services give from now on; how long they last.
    pub fn gives_certificates(&self, gives: Option<Gives>, life: Option<Duration>) {
        if let Some(web) = self.0.lync.as_ref().and_then(|lync| lync.web()) {
            web.give(gives, life);
        }
    }

    /// How many certificates they gave to a user.
    pub fn certificates_given(&self, user: &str) -> u64 {
        self.0.lync.as_ref().and_then(|lync| lync.web()).map_or(0, |web| web.given(user))
    }

    /// Signs a user of a Lync front end out, at all endpoints; how many they were. `event` is rejected,
    /// unregistered or deactivated; `diagnostics` the value of ms-diagnostics-public, as
    /// `4141;reason="User disabled"`.
    pub fn sign_out(&self, user: &str, event: &str, diagnostics: &str) -> usize {
        let lync = self.0.lync.as_ref();
        lync.map_or(0, |lync| lync.sign_out(&self.0.endpoint, user, event, diagnostics))
    }

    /// Sends the same, as a forger without the keys would, over the users' connections; to how many endpoints.
    pub fn forge_sign_out(&self, user: &str) -> usize {
        self.0.lync.as_ref().map_or(0, |lync| lync.forge_sign_out(&self.0.endpoint, user))
    }

    /// The next 200 to a REGISTER comes with a signature that does not fit.
    pub fn forge_next_answer(&self) {
        if let Some(lync) = &self.0.lync {
            lync.forges_next.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// The connections that a user is signed in over.
    pub fn connections_of(&self, user: &str) -> Vec<u64> {
        let bindings = self.0.lync.as_ref().map(|lync| lync.location.of(user)).unwrap_or_default();
        bindings.iter().filter_map(|binding| binding.registered_on).collect()
    }
}
