//! Users of other domains: how they are shown, and how they are called.

use kirkwall_core::call::{Party, Target};

use super::Supervisor;

impl Supervisor {
    /// From of a call to a handset: who is of another domain stands there whole, so that he can be called back.
    pub(super) fn uri_of_caller(&self, caller: &Party) -> String {
        self.partner(caller).unwrap_or_else(|| self.aor(&caller.number))
    }

    /// What the display of a native handset shows, and its list of calls keeps.
    pub(super) fn number_of_caller(&self, caller: &Party) -> String {
        let whole = self.partner(caller);
        whole.map_or_else(|| caller.number.clone(), |uri| uri.trim_start_matches("sip:").to_owned())
    }

    /// The URI of a Lync user of another domain. A number is dialled as a number, whoever brought it.
    fn partner(&self, caller: &Party) -> Option<String> {
        let is_number = caller.number.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#'));
        let uri = caller.uri.as_ref().filter(|_| self.settings.speaks_lync() && !is_number)?;
        uri.split(';').next().map(str::to_owned)
    }

    /// Somebody of another domain is called: lists show the whole URI.
    pub(super) fn name_partners(&self, attempts: &mut [Vec<Target>]) {
        for target in attempts.iter_mut().flatten() {
            target.party.uri.get_or_insert_with(|| target.request_uri.clone());
        }
    }
}
