//! Asking that the other end be connected with somebody else: REFER (RFC 3515), with Replaces (RFC 3891) when
//! that one is in another call of this phone.

use ezk_sip_types::Method;

use super::talk::Talk;
use crate::sip::Dialog;

/// A dialog as Refer-To has it: whom to ask, and which dialog to replace.
pub(super) fn named(dialog: &Dialog) -> String {
    let (call_id, to_tag, from_tag) = dialog.named_for_the_other_end();
    let escaped = |text: &str| text.replace('@', "%40").replace(';', "%3B").replace('=', "%3D");
    let replaces =
        format!("{}%3Bto-tag%3D{}%3Bfrom-tag%3D{}", escaped(&call_id), escaped(&to_tag), escaped(&from_tag));
    format!("{}?Replaces={replaces}", dialog.remote_uri())
}

impl Talk<'_> {
    /// Sends REFER; what becomes of it is told by NOTIFY, and by the BYE of who was asked. True when that came
    /// already.
    pub(super) async fn refer(&mut self, uri: &str) -> bool {
        let mut refer = self.dialog.request(Method::REFER);
        refer.push("Refer-To", format!("<{uri}>"));
        refer.push("User-Agent", &self.phone.0.config.product);
        if let Ok(contact) = self.phone.contact(&self.dialog.next_hop()) {
            refer.push("Contact", contact);
        }
        let endpoint = self.phone.0.endpoint.clone();
        let Ok(transaction) = endpoint.request(refer, &self.dialog.next_hop()).await else { return false };
        let outcome = transaction.outcome();
        tokio::pin!(outcome);
        loop {
            tokio::select! {
                _ = &mut outcome => return false,
                incoming = self.mailbox.recv() => match incoming {
                    Some(incoming) => if self.take(incoming).await { return true },
                    None => return true,
                },
            }
        }
    }
}
