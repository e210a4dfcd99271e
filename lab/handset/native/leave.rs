//! A handset that is switched off.

use super::{Act, NativeHandset};
use crate::sip::Failure;

impl NativeHandset {
    /// Says that it goes; what was seen of it stays to be seen.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn say_goodbye(&self) -> Result<(), Failure> {
        self.act(Act::SwitchOff).await
    }

    /// Says that it goes, and goes.
    pub async fn switch_off(mut self) {
        if self.act(Act::SwitchOff).await.is_ok() {
            let _ = (&mut self.task).await;
        }
    }
}
