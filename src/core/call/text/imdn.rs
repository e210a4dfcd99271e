//! Instant message disposition notifications (RFC 5438): what became of a message, as XML.

use crate::lync::xml::{Element, escape};

/// The media type (RFC 5438 §12.1).
pub const TYPE: &str = "message/imdn+xml";

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It is at the far end.
    Delivered,
    /// Its user saw it.
    Displayed,
    /// It did not get there.
    Failed,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imdn {
    /// The Message-ID of the message it is about.
    pub message_id: String,
    /// That message's DateTime.
    pub date_time: String,
    /// What became of it.
    pub disposition: Disposition,
}

impl Imdn {
    /// Reads one. `None`: it is none, or about something that is not kept here (processing, stored).
    pub fn read(octets: &[u8]) -> Option<Self> {
        let document = Element::parse(octets).ok()?;
        let text =
            |name: &str| document.find(name).map_or(String::new(), |found| found.text.trim().to_owned());
        let status = document.find("status")?;
        let in_display = document.find("display-notification").is_some();
        let said = |name: &str| status.child(name).is_some();
        let disposition = match () {
            () if said("displayed") && in_display => Disposition::Displayed,
            () if said("delivered") => Disposition::Delivered,
            () if said("failed") || said("error") || said("forbidden") => Disposition::Failed,
            () => return None,
        };
        let message_id = text("message-id");
        (!message_id.is_empty()).then(|| Self { message_id, date_time: text("datetime"), disposition })
    }

    /// Writes it. `recipient` is whom the message was for.
    pub fn document(&self, recipient: &str) -> String {
        let (kind, word) = match self.disposition {
            Disposition::Delivered => ("delivery-notification", "delivered"),
            Disposition::Displayed => ("display-notification", "displayed"),
            Disposition::Failed => ("delivery-notification", "failed"),
        };
        format!(
            concat!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">\r\n",
                "<message-id>{id}</message-id>\r\n<datetime>{at}</datetime>\r\n",
                "<recipient-uri>{to}</recipient-uri>\r\n<{kind}><status><{word}/></status></{kind}>\r\n</imdn>\r\n"
            ),
            id = escape(&self.message_id),
            at = escape(&self.date_time),
            to = escape(recipient),
            kind = kind,
            word = word,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for disposition in [Disposition::Delivered, Disposition::Displayed, Disposition::Failed] {
            let imdn = Imdn {
                message_id: "34jk<3>".into(),
                date_time: "2008-04-04T12:16:49-05:00".into(),
                disposition,
            };
            assert_eq!(Imdn::read(imdn.document("sip:bob@example.com").as_bytes()), Some(imdn));
        }
    }

    #[test]
    fn a_notification_about_something_else_is_none() {
        let processing = "<imdn><message-id>1</message-id><processing-notification><status><processed/></status>\
                          </processing-notification></imdn>";
        assert_eq!(Imdn::read(processing.as_bytes()), None);
        assert_eq!(Imdn::read(b"<imdn/>"), None);
        assert_eq!(Imdn::read(b"hello"), None);
    }
}
