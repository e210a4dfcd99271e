//! Why a step did not work out, and waiting for what it expects.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::sip::Failure;

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Why a step did not work out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The switch, or somebody else on the stage, did otherwise: the story has failed.
    Failed {
        /// What the step wanted.
        expected: String,
        /// What was there instead.
        found: String,
    },
    /// The step cannot be done: the story, or this machine, is to be mended.
    Unusable {
        /// What is wrong.
        what: String,
        /// How to mend it.
        mend: String,
    },
}

impl Fault {
    /// See [`Fault::Failed`].
    pub fn failed(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Failed { expected: expected.into(), found: found.into() }
    }

    /// See [`Fault::Unusable`].
    pub fn unusable(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Unusable { what: what.into(), mend: mend.into() }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::unusable(failure.to_string(), "an emulator could not work; the words say why")
    }
}

/// Looks until it is so, at most for `patience`. `look` answers what it wanted, or in words what is there
/// instead.
///
/// # Errors
/// [`Fault::Failed`] with what was there at the last look.
pub async fn until<T>(
    patience: Duration,
    expected: impl Into<String>,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, Fault> {
    let end = Instant::now() + patience;
    loop {
        let found = match look().await {
            Ok(seen) => return Ok(seen),
            Err(found) => found,
        };
        if Instant::now() >= end {
            let expected = format!("{} within {} s", expected.into(), patience.as_secs_f32());
            return Err(Fault::failed(expected, found));
        }
        sleep(GLANCE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_is_awaited_and_its_last_look_is_told() {
        let mut looks = 0;
        let seen = until(Duration::MAX / 4, "three looks", async || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err(format!("{looks}")) }
        });
        assert_eq!(seen.await, Ok(3));
        let never = until::<()>(Duration::ZERO, "a miracle", async || Err("nothing".into())).await;
        assert_eq!(never, Err(Fault::failed("a miracle within 0 s", "nothing")));
    }
}
