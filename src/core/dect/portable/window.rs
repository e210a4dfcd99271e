//! When handsets may subscribe, which, and with what code; and who tried in vain.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::dect::element::RejectReason;
use crate::dect::identity::Ipei;
use crate::dect::key::AccessCode;
use crate::timer::Moment;

/// Wrong codes of one handset in one window before it is refused unheard: a code of four digits is soon
/// guessed by a machine.
const MAX_WRONG_EACH: u8 = 5;
/// Wrong codes of all handsets together before the window is closed.
const MAX_WRONG: u32 = 20;
/// Unknown handsets remembered; the oldest goes first.
const MAX_CLAIMS: usize = 64;

/// An open window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What people type in, unless their user has a code of its own.
    pub code: AccessCode,
    /// Which handsets; `None` is any.
    pub only: Option<BTreeSet<Ipei>>,
    /// When it closes by itself.
    pub until: Moment,
}

/// An unknown handset that wanted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub ipei: Ipei,
    /// When it last tried.
    pub at: Moment,
}

/// Whether a handset may subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// With this code.
    Allow(AccessCode),
    /// No.
    Refuse(RejectReason, ClosedWhy),
}

/// Why a handset may not subscribe, for the log and the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClosedWhy {
    /// No window.
    #[error("no subscription window is open")]
    NotOpen,
    /// Not on the list.
    #[error("the handset is not on the list of this subscription window; claim it and let it try again")]
    NotListed,
    /// It does not know DSAA2.
    #[error("the handset does not know DSAA2, the one authentication algorithm of this switch")]
    Algorithm,
    /// It guesses.
    #[error("the handset has given too many wrong codes in this subscription window")]
    Guessing,
}

/// The book of the window and of those who tried.
#[derive(Debug, Default)]
pub struct Windows {
    open: Option<Window>,
    wrong: BTreeMap<Ipei, u8>,
    claims: VecDeque<Claim>,
}

impl Windows {
    /// Opens a window; one that is open gives way to it.
    pub fn open(&mut self, window: Window) {
        self.wrong.clear();
        self.open = Some(window);
    }

    /// Closes it.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// The window, while it is open.
    pub fn current(&self, now: Moment) -> Option<&Window> {
        self.open.as_ref().filter(|window| window.until > now)
    }

    /// Lists one more handset, if a window with a list is open: it was claimed just now.
    pub fn list(&mut self, ipei: Ipei) {
        if let Some(only) = self.open.as_mut().and_then(|window| window.only.as_mut()) {
            only.insert(ipei);
        }
        self.claims.retain(|claim| claim.ipei != ipei);
    }

    /// May it? `own` is the code of the user that the handset is tied to, `tied` whether there is one.
    pub fn judge(
        &mut self,
        ipei: Ipei,
        (tied, own): (bool, Option<AccessCode>),
        dsaa2: bool,
        now: Moment,
    ) -> Verdict {
        let Some(window) = self.open.as_ref().filter(|window| window.until > now) else {
            self.remember(ipei, tied, now);
            return Verdict::Refuse(RejectReason::IPEI_NOT_ACCEPTED, ClosedWhy::NotOpen);
        };
        let code = own.unwrap_or(window.code);
        let listed = window.only.as_ref().is_none_or(|only| only.contains(&ipei));
        if !listed {
            self.remember(ipei, tied, now);
            return Verdict::Refuse(RejectReason::IPEI_NOT_ACCEPTED, ClosedWhy::NotListed);
        }
        if self.wrong.get(&ipei).is_some_and(|wrong| *wrong >= MAX_WRONG_EACH) {
            return Verdict::Refuse(RejectReason::AUTHENTICATION_FAILED, ClosedWhy::Guessing);
        }
        if !dsaa2 {
            let reason = RejectReason::AUTHENTICATION_ALGORITHM_NOT_SUPPORTED;
            return Verdict::Refuse(reason, ClosedWhy::Algorithm);
        }
        Verdict::Allow(code)
    }

    /// It gave a wrong code. Too many of them close the window.
    pub fn wrong_code(&mut self, ipei: Ipei) {
        let tries = self.wrong.entry(ipei).or_default();
        *tries = tries.saturating_add(1);
        if self.wrong.values().map(|tries| u32::from(*tries)).sum::<u32>() >= MAX_WRONG {
            self.close();
        }
    }

    /// Unknown handsets that wanted in, the newest first.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().rev()
    }

    fn remember(&mut self, ipei: Ipei, tied: bool, at: Moment) {
        if tied {
            return;
        }
        self.claims.retain(|claim| claim.ipei != ipei);
        if self.claims.len() == MAX_CLAIMS {
            self.claims.pop_front();
        }
        self.claims.push_back(Claim { ipei, at });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(1_000_000) + Duration::from_secs(seconds)
    }

    fn ipei(psn: u32) -> Ipei {
        Ipei::new(0x0E02, psn).unwrap()
    }

    fn code(text: &str) -> AccessCode {
        text.parse().unwrap()
    }

    fn open(only: Option<&[u32]>) -> Windows {
        let mut windows = Windows::default();
        let only = only.map(|list| list.iter().map(|psn| ipei(*psn)).collect());
        windows.open(Window { code: code("1234"), only, until: at(60) });
        windows
    }

    const NOBODY: (bool, Option<AccessCode>) = (false, None);

    #[test]
    fn anybody_may_while_it_is_open_and_a_user_may_have_a_code_of_its_own() {
        let mut windows = open(None);
        assert_eq!(windows.judge(ipei(1), NOBODY, true, at(0)), Verdict::Allow(code("1234")));
        let own = (true, Some(code("9999")));
        assert_eq!(windows.judge(ipei(1), own, true, at(0)), Verdict::Allow(code("9999")));
        let closed = Verdict::Refuse(RejectReason::IPEI_NOT_ACCEPTED, ClosedWhy::NotOpen);
        assert_eq!(windows.judge(ipei(1), NOBODY, true, at(60)), closed);
        assert!(windows.current(at(59)).is_some() && windows.current(at(60)).is_none());
        let old = Verdict::Refuse(RejectReason::AUTHENTICATION_ALGORITHM_NOT_SUPPORTED, ClosedWhy::Algorithm);
        assert_eq!(windows.judge(ipei(1), NOBODY, false, at(0)), old);
    }

    #[test]
    fn an_unknown_handset_is_remembered_until_it_is_claimed() {
        let mut windows = open(Some(&[1]));
        assert!(matches!(windows.judge(ipei(1), NOBODY, true, at(0)), Verdict::Allow(_)));
        let refused = Verdict::Refuse(RejectReason::IPEI_NOT_ACCEPTED, ClosedWhy::NotListed);
        assert_eq!(windows.judge(ipei(2), NOBODY, true, at(1)), refused);
        assert_eq!(windows.judge(ipei(3), NOBODY, true, at(2)), refused);
        windows.judge(ipei(2), NOBODY, true, at(3));
        let claims: Vec<_> = windows.claims().map(|claim| (claim.ipei.psn(), claim.at)).collect();
        assert_eq!(claims, [(2, at(3)), (3, at(2))]);
        windows.list(ipei(2));
        assert!(matches!(windows.judge(ipei(2), NOBODY, true, at(4)), Verdict::Allow(_)));
        assert_eq!(windows.claims().count(), 1);
        (0..200).for_each(|psn| _ = windows.judge(ipei(1000 + psn), NOBODY, true, at(5)));
        assert_eq!(windows.claims().count(), MAX_CLAIMS);
    }

    #[test]
    fn guessing_shuts_the_handset_out_and_at_last_the_window() {
        let mut windows = open(None);
        (0..5).for_each(|_| windows.wrong_code(ipei(1)));
        let shut = Verdict::Refuse(RejectReason::AUTHENTICATION_FAILED, ClosedWhy::Guessing);
        assert_eq!(windows.judge(ipei(1), NOBODY, true, at(0)), shut);
        assert!(matches!(windows.judge(ipei(2), NOBODY, true, at(0)), Verdict::Allow(_)));
        (0..15).for_each(|psn| windows.wrong_code(ipei(10 + psn)));
        assert!(windows.current(at(0)).is_none());
    }
}
