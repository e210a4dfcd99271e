//! Who may sign in at a shared handset: whoever knows the user's access code, after few guesses.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cause::Cause;
use crate::timer::Moment;

/// Wrong codes for one user, or from one handset, before both have to wait.
const MOST_WRONG: u8 = 5;
/// How long.
const PAUSE: Duration = Duration::from_secs(600);
/// Names that are remembered; the oldest goes first.
const MOST_NAMES: usize = 1_024;

/// Counts wrong codes, by whatever names what was tried.
#[derive(Debug, Default)]
pub struct SignIns {
    wrong: BTreeMap<String, (u8, Moment)>,
}

impl SignIns {
    /// Judges an attempt. `names` are the handset's and the user's; `right` is the user's code, none: he has none.
    ///
    /// # Errors
    ///
    /// Why not, in words for the display. A user that does not exist is told like a wrong code.
    pub fn judge(
        &mut self,
        names: [&str; 2],
        (right, given): (Option<&str>, &str),
        now: Moment,
    ) -> Result<(), Cause> {
        self.wrong.retain(|_, (_, last)| now.since(*last) < PAUSE);
        let tired = |name: &&str| self.wrong.get(*name).is_some_and(|(wrong, _)| *wrong >= MOST_WRONG);
        if names.iter().any(tired) {
            return Err(Cause::of_status(403, "too many wrong codes; wait ten minutes"));
        }
        if right.is_some_and(|right| same(right, given)) {
            names.iter().for_each(|name| _ = self.wrong.remove(*name));
            return Ok(());
        }
        for name in names {
            if self.wrong.len() >= MOST_NAMES && !self.wrong.contains_key(name) {
                let oldest =
                    self.wrong.iter().min_by_key(|(_, (_, last))| *last).map(|(name, _)| name.clone());
                oldest.map(|oldest| self.wrong.remove(&oldest));
            }
            let entry = self.wrong.entry(name.to_owned()).or_insert((0, now));
            *entry = (entry.0.saturating_add(1), now);
        }
        Err(Cause::of_status(403, "wrong number or code"))
    }
}

/// Compares without telling by its time how much was right.
fn same(right: &str, given: &str) -> bool {
    let (right, given) = (right.as_bytes(), given.as_bytes());
    let differs = right.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b));
    !right.is_empty() && right.len() == given.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::default() + Duration::from_secs(seconds)
    }

    #[test]
    fn the_code_opens_and_a_missing_one_never_does() {
        let mut sign_ins = SignIns::default();
        assert_eq!(sign_ins.judge(["h", "u"], (Some("4711"), "4711"), at(0)), Ok(()));
        for (right, given) in [(Some("4711"), "4712"), (Some("4711"), "471"), (None, ""), (Some(""), "")] {
            assert!(
                SignIns::default().judge(["h", "u"], (right, given), at(0)).is_err(),
                "{right:?} {given}"
            );
        }
    }

    #[test]
    fn guessing_makes_handset_and_user_wait() {
        let mut sign_ins = SignIns::default();
        for _ in 0..5 {
            assert!(sign_ins.judge(["h", "u"], (Some("4711"), "0000"), at(0)).is_err());
        }
        let mut tries = |names, seconds| sign_ins.judge(names, (Some("4711"), "4711"), at(seconds)).is_ok();
        assert!(!tries(["h", "v"], 1) && !tries(["g", "u"], 1) && tries(["g", "v"], 1));
        assert!(tries(["h", "u"], 601));
    }

    #[test]
    fn memory_is_bounded() {
        let mut sign_ins = SignIns::default();
        for n in 0..3_000 {
            let (handset, user) = (format!("h{n}"), format!("u{n}"));
            _ = sign_ins.judge([&handset, &user], (None, "1"), at(n / 100));
        }
        assert!(sign_ins.wrong.len() <= MOST_NAMES);
    }
}
