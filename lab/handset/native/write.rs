//! Texts that a user writes.

use super::{Act, NativeHandset};
use crate::sip::Failure;

impl NativeHandset {
    /// Writes a text.
    ///
    /// # Errors
    /// When the handset lives no more.
    pub async fn write(&self, to: &str, text: &str) -> Result<(), Failure> {
        self.act(Act::Write { to: to.to_owned(), text: text.to_owned() }).await
    }
}
