//! Taking a call that rings at somebody else's handset, by a feature code.
//!
//! ```text
//!  *8*21#  ──► what rings at 21 ─────────┐
//!  *8#     ──► what rings in the own group ┴─► the oldest ──► an INVITE for the place of what rings there
//! ```
//!
//! Whoever may dial the code may take the call of any extension: who is called can see it in the log
//! (*elsewhere*). What rings whatever its user has set (an emergency desk that calls back, a private line, an
//! alarm) is for its user alone.
//!
//! Out of scope: calls that ring for a transfer, which their referrer still has in hand.

use super::cause::Cause;
use crate::id::{CallRef, Username};
use crate::timer::Moment;

/// A call that rings at a user's handset.
#[derive(Debug, Clone, Copy)]
pub struct Ringing<'a> {
    /// Which call.
    pub call: CallRef,
    /// At whose handset.
    pub at: &'a Username,
    /// Since when.
    pub since: Moment,
    /// For its user alone.
    pub private: bool,
}

/// The call that `by` takes: the oldest that rings at somebody whom `meant` means.
///
/// # Errors
///
/// 480 when none rings there.
pub fn picked<'a>(
    by: &Username,
    meant: impl Fn(&Username) -> bool,
    ringing: impl Iterator<Item = Ringing<'a>>,
) -> Result<(CallRef, Username), Cause> {
    let may = |call: &Ringing| call.at != by && !call.private && meant(call.at);
    let oldest = ringing.filter(may).min_by_key(|call| (call.since, call.call));
    let oldest = oldest.ok_or_else(|| Cause::of_status(480, "no call rings there"))?;
    Ok((oldest.call, oldest.at.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Username {
        name.parse().unwrap()
    }

    #[test]
    fn the_oldest_call_that_rings_at_who_is_meant_is_taken() {
        let (anna, bob, carl) = (user("anna"), user("bob"), user("carl"));
        let rings = |call, at, since, private| {
            let since = Moment::from_micros(since);
            Ringing { call: CallRef(call), at, since, private }
        };
        let ringing = [
            rings(1, &anna, 9, false),
            rings(2, &bob, 5, false),
            rings(3, &carl, 1, true),
            rings(4, &carl, 7, false),
        ];
        let taken = |by: &Username, meant: &[&str]| {
            let meant = |at: &Username| meant.contains(&at.as_str());
            picked(by, meant, ringing.iter().copied()).map(|(call, at)| (call.0, at.to_string()))
        };
        assert_eq!(taken(&user("dora"), &["anna"]), Ok((1, "anna".into())));
        assert_eq!(taken(&user("dora"), &["anna", "bob", "carl"]), Ok((2, "bob".into())));
        assert_eq!(
            taken(&user("dora"), &["carl"]),
            Ok((4, "carl".into())),
            "the private one is carl's alone"
        );
        assert_eq!(
            taken(&anna, &["anna", "carl"]),
            Ok((4, "carl".into())),
            "one's own is answered, not taken"
        );
        assert_eq!(taken(&anna, &["anna", "dora"]).unwrap_err().status, 480);
    }
}
