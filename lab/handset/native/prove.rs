//! Who proves what to whom: a user who doubts the system, and a thief with an old answer.

use super::{Act, NativeHandset};
use crate::sip::Failure;

impl NativeHandset {
    /// Wants the system to prove itself; see [`Event::SystemProved`](crate::dect::pt::Event).
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn challenge(&self) -> Result<(), Failure> {
        self.act(Act::Challenge).await
    }

    /// Answers every authentication from now on as it answered the last one; false: honestly again.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn replay(&self, replays: bool) -> Result<(), Failure> {
        self.act(Act::Replay(replays)).await
    }
}
