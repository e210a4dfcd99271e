//! Common presence and instant messaging format (RFC 3862): an envelope around a text, and the headers of RFC
//! 5438 that ask for notifications.
//!
//! ```text
//! From: <sip:a@b>           message headers; name spaces by NS:
//! DateTime: …
//! NS: imdn <urn:ietf:params:imdn>
//! imdn.Message-ID: abc
//!
//! Content-type: text/plain   content headers
//!
//! Hello
//! ```

/// The name space of notifications (RFC 5438 §6.1).
const IMDN: &str = "urn:ietf:params:imdn";
/// Most headers that are read.
const MOST_HEADERS: usize = 64;

/// An envelope and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cpim {
    /// From, as written; possibly empty.
    pub from: String,
    /// To, as written; possibly empty.
    pub to: String,
    /// DateTime (RFC 3339), as written.
    pub date_time: String,
    /// `imdn.Message-ID`.
    pub message_id: String,
    /// `imdn.Disposition-Notification`: `positive-delivery`, `negative-delivery`, `processing`, `display`.
    pub wishes: Vec<String>,
    /// Content-type of what is in it.
    pub content_type: String,
    /// What is in it.
    pub body: Vec<u8>,
}

impl Cpim {
    /// Reads one. `None`: it is none.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let (head, rest) = split_head(octets)?;
        let (inner, body) = split_head(rest)?;
        let mut cpim = Self { body: body.to_vec(), ..Self::default() };
        // RFC 3862 §2.3: a prefix stands for its name space; headers without one are the base's own.
        let mut prefix = String::new();
        for line in head.lines().take(MOST_HEADERS) {
            let (name, value) = line.split_once(':')?;
            let (name, value) = (name.trim(), value.trim());
            if name == "NS"
                && let Some((word, uri)) = value.split_once('<')
                && uri.trim_end_matches('>') == IMDN
            {
                prefix = format!("{}.", word.trim());
            }
            // RFC 3862 §2.3: "Header names are case-sensitive".
            match name {
                "From" => value.clone_into(&mut cpim.from),
                "To" => value.clone_into(&mut cpim.to),
                "DateTime" => value.clone_into(&mut cpim.date_time),
                _ => {}
            }
            let ours = name.strip_prefix(prefix.as_str()).filter(|_| !prefix.is_empty());
            match ours.or_else(|| name.strip_prefix("imdn.")) {
                Some("Message-ID") => value.clone_into(&mut cpim.message_id),
                Some("Disposition-Notification") => {
                    cpim.wishes = value.split(',').map(|word| word.trim().to_owned()).collect();
                }
                _ => {}
            }
        }
        for line in inner.lines().take(MOST_HEADERS) {
            let (name, value) = line.split_once(':')?;
            if name.trim().eq_ignore_ascii_case("content-type") {
                value.trim().clone_into(&mut cpim.content_type);
            }
        }
        Some(cpim)
    }

    /// Writes it.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut head = String::new();
        let mut put = |name: &str, value: &str| {
            // A value adds no header of its own.
            let value = value.replace(['\r', '\n'], " ");
            if !value.is_empty() {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        };
        put("From", &self.from);
        put("To", &self.to);
        put("DateTime", &self.date_time);
        put("NS", &format!("imdn <{IMDN}>"));
        put("imdn.Message-ID", &self.message_id);
        put("imdn.Disposition-Notification", &self.wishes.join(", "));
        head.push_str("\r\n");
        // MIME has no case here (RFC 2045 §2.1), but linphone has: capitals, as the RFC's own example has not.
        head.push_str(&format!("Content-Type: {}\r\n", self.content_type));
        // RFC 5438 §7.2.1.1 wants the disposition of a notification told.
        if self.content_type.starts_with("message/imdn") {
            head.push_str("Content-Disposition: notification\r\n");
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }

    /// Whether the sender wants to be told of that: `positive-delivery` or `display`.
    pub fn wants(&self, what: &str) -> bool {
        self.wishes.iter().any(|wish| wish.eq_ignore_ascii_case(what))
    }
}

/// The headers before the first empty line, and what is behind it.
fn split_head(octets: &[u8]) -> Option<(&str, &[u8])> {
    let at = octets.windows(4).position(|four| four == b"\r\n\r\n").map(|at| (at, 4));
    let bare = octets.windows(2).position(|two| two == b"\n\n").map(|at| (at, 2));
    let (at, length) = match (at, bare) {
        (Some(crlf), Some(bare)) => crlf.min(bare),
        (one, other) => one.or(other)?,
    };
    Some((std::str::from_utf8(&octets[..at]).ok()?, &octets[at + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_of_the_standard_is_read_whatever_its_prefix() {
        // RFC 5438 §6.1, with another prefix.
        let text = "From: Alice <im:alice@example.com>\r\nTo: Bob <im:bob@example.com>\r\nNS: n <urn:ietf:params:imdn>\r\n\
                    n.Message-ID: 34jk324j\r\nDateTime: 2006-04-04T12:16:49-05:00\r\n\
                    n.Disposition-Notification: positive-delivery, negative-delivery\r\n\r\n\
                    Content-type: text/plain\r\nContent-length: 12\r\n\r\nHello World\n";
        let cpim = Cpim::read(text.as_bytes()).unwrap();
        assert_eq!((cpim.message_id.as_str(), cpim.content_type.as_str()), ("34jk324j", "text/plain"));
        assert!(cpim.wants("positive-delivery") && !cpim.wants("display"));
        assert_eq!(cpim.body, b"Hello World\n");
    }

    #[test]
    fn what_is_written_is_read_back_and_adds_no_header() {
        let cpim = Cpim {
            from: "<sip:a@b>\r\nimdn.Message-ID: evil".into(),
            to: "<sip:c@d>".into(),
            date_time: "2026-11-24T08:00:00Z".into(),
            message_id: "x".into(),
            wishes: vec!["positive-delivery".into(), "display".into()],
            content_type: "text/plain;charset=utf-8".into(),
            body: "Grüße\r\n\r\nzwei".into(),
        };
        let read = Cpim::read(&cpim.to_vec()).unwrap();
        assert_eq!(read, Cpim { from: "<sip:a@b>  imdn.Message-ID: evil".into(), ..cpim });
    }

    #[test]
    fn octets_that_are_no_envelope_are_none() {
        for octets in [
            &b""[..],
            b"Hello",
            b"a\r\n\r\n",
            b"\xff\xfe\r\n\r\nb: c\r\n\r\n",
            b"no colon\r\n\r\nx: y\r\n\r\n",
        ] {
            assert_eq!(Cpim::read(octets), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            Cpim::read(&octets);
        }
    }
}
