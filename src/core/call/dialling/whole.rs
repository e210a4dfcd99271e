//! When a number that is dialled digit by digit is whole, so that nobody need wait for a pause.
//!
//! Only what cannot grow any more counts: a number of which another one is the beginning waits for the pause.
//! Without a prefix for outside lines any number may be the beginning of an outside one, so there inside numbers
//! wait too.

use super::{CodeOrder, DialPlan};

impl DialPlan {
    /// Whether `digits` are all of a number. `numbers` are those of our users.
    pub fn is_whole<'a>(&self, digits: &str, numbers: impl Iterator<Item = &'a str>) -> bool {
        let begins = |longer: &str| longer.len() > digits.len() && longer.starts_with(digits);
        if digits.starts_with(['*', '#']) {
            return self.is_whole_code(digits);
        }
        let emergency = self.emergency_number(digits).is_some();
        let growing = self.emergency.iter().any(|number| begins(number));
        if !emergency && (growing || self.outside_line.is_empty() || digits.starts_with(&self.outside_line)) {
            return false;
        }
        let (mut known, mut grows) = (emergency, false);
        for number in numbers {
            known |= number == digits;
            grows |= begins(number);
        }
        let full = emergency || self.internal_digits == Some(digits.len());
        (known || full) && !grows
    }

    /// A code to which nothing can be added.
    fn is_whole_code(&self, digits: &str) -> bool {
        match self.codes.read(digits) {
            Some(Ok(CodeOrder::Forward(..) | CodeOrder::SignIn(..)) | Err(_)) | None => false,
            Some(Ok(_)) => !self.codes.begins(digits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(plan: &DialPlan, digits: &str) -> bool {
        plan.is_whole(digits, ["2001", "2002", "11", "3", "31"].into_iter())
    }

    #[test]
    fn a_number_is_whole_when_it_cannot_grow() {
        let plan = DialPlan { outside_line: "0".into(), ..DialPlan::default() };
        let growing = ["200", "3", "0112345", "11", "1", "99"];
        for (digits, expected) in [("2001", true), ("112", true), ("0112", true), ("31", true)]
            .into_iter()
            .chain(growing.map(|digits| (digits, false)))
        {
            assert_eq!(whole(&plan, digits), expected, "{digits}");
        }
        let fixed = DialPlan { internal_digits: Some(4), ..plan };
        assert!(whole(&fixed, "4444") && !whole(&fixed, "444") && !whole(&fixed, "0444"));
    }

    #[test]
    fn without_a_prefix_for_the_outside_only_emergency_numbers_are() {
        let plan = DialPlan::default();
        assert!(whole(&plan, "112") && !whole(&plan, "2001"));
    }

    #[test]
    fn a_code_is_whole_when_nothing_can_follow() {
        let plan = DialPlan::default();
        for (digits, expected) in [
            ("*66", true),
            ("#21", true),
            ("##002", true),
            ("*21", false),
            ("*21*4711", false),
            ("*6", false),
        ] {
            assert_eq!(whole(&plan, digits), expected, "{digits}");
        }
    }
}
