//! A challenge answered in one step, for a transaction that is sent again by somebody else.

use super::{DigestClient, Unanswerable};
use crate::id::Tokens;
use crate::sip::wire::{HeaderName, Message, Text};

impl DigestClient {
    /// The credentials to send `request` again with, after `response` challenged it.
    ///
    /// # Errors
    ///
    /// The challenge cannot be answered: see [`DigestClient::learn`].
    pub fn answer(
        &mut self,
        request: &Message,
        response: &Message,
        tokens: &mut Tokens,
    ) -> Result<Vec<(HeaderName, Text)>, Unanswerable> {
        self.learn(response, tokens)?;
        let mut again = request.clone();
        self.authorize(&mut again);
        let is_credential =
            |name: &HeaderName| matches!(name, HeaderName::Authorization | HeaderName::ProxyAuthorization);
        let credentials = again.headers.iter().filter(|header| is_credential(&header.name));
        Ok(credentials.map(|header| (header.name.clone(), header.value.clone())).collect())
    }
}
