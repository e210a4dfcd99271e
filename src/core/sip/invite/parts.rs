//! What an INVITE carries beside its session description (RFC 5621): parts that a header points at.

use std::fmt;

use bytes::Bytes;

use super::Body;

/// A body part beside the session description. `Debug` shows neither contents nor name: it says where
/// somebody is.
#[derive(Clone, PartialEq, Eq)]
pub struct BodyPart {
    /// Content-Type.
    pub content_type: String,
    /// Content-ID without its angle brackets (RFC 2392: what stands behind `cid:`).
    pub content_id: String,
    /// Content-Disposition, or "".
    pub disposition: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for BodyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyPart({}, {} bytes)", self.content_type, self.bytes.len())
    }
}

impl Body {
    /// The session description and the parts in one `multipart/mixed` (RFC 2046 §5.1.3). `boundary` must not
    /// occur in any of them, and be a token, since baresip keeps the quotes of another: a fresh word is both.
    pub fn with_parts(&self, parts: &[BodyPart], boundary: &str) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 1024);
        put_part(&mut bytes, boundary, &[("Content-Type", &self.content_type)], &self.bytes);
        for part in parts {
            let id = format!("<{}>", part.content_id);
            let all = [
                ("Content-Type", part.content_type.as_str()),
                ("Content-ID", &id),
                ("Content-Disposition", &part.disposition),
            ];
            put_part(&mut bytes, boundary, &all, &part.bytes);
        }
        bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Self { content_type: format!("multipart/mixed;boundary={boundary}"), bytes: Bytes::from(bytes) }
    }
}

impl Body {
    /// This description and one for older clients, as alternatives ([MS-SIPRE] §3.15.4.1). `boundary` and `ids`:
    /// fresh words.
    pub fn with_fallback(&self, older: &Self, boundary: &str, ids: &[String; 2]) -> Self {
        let mut bytes = Vec::with_capacity(2 * self.bytes.len() + 512);
        let dispositions =
            ["session; handling=optional; ms-proxy-2007fallback", "session; handling=optional"];
        for ((body, id), disposition) in [older, self].into_iter().zip(ids).zip(dispositions) {
            let id = format!("<{id}@kirkwall>");
            let all = [
                ("Content-Type", body.content_type.as_str()),
                ("Content-ID", &id),
                ("Content-Disposition", disposition),
            ];
            put_part(&mut bytes, boundary, &all, &body.bytes);
        }
        bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = format!("multipart/alternative;boundary=\"{boundary}\"");
        Self { content_type, bytes: Bytes::from(bytes) }
    }
}

fn put_part(into: &mut Vec<u8>, boundary: &str, head: &[(&str, &str)], body: &[u8]) {
    into.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
    for (name, value) in head.iter().filter(|(_, value)| !value.is_empty()) {
        into.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    into.extend_from_slice(b"\r\n");
    into.extend_from_slice(body);
    into.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::wire::{Message, Method};

    #[test]
    fn the_description_comes_first_and_is_found_again() {
        let sdp = Body::sdp("v=0\r\n");
        let part = BodyPart {
            content_type: "application/pidf+xml".into(),
            content_id: "a@b".into(),
            disposition: String::new(),
            bytes: b"<presence/>".to_vec(),
        };
        let whole = sdp.with_parts(&[part], "xYz");
        let text = String::from_utf8(whole.bytes.to_vec()).unwrap();
        assert_eq!(
            text,
            "--xYz\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--xYz\r\nContent-Type: application/pidf+xml\r\n\
             Content-ID: <a@b>\r\n\r\n<presence/>\r\n--xYz--\r\n"
        );
        let mut message = Message::request(Method::Invite, "sip:112@example.com");
        message.set_body(&whole.content_type, whole.bytes.clone());
        assert_eq!(Body::of(&message), Some(whole));
    }
}
