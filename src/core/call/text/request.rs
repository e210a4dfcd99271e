//! MESSAGE requests (RFC 3428): what one says that came, and one that goes.

use miniz_oxide::inflate::{decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};

use super::cpim::Cpim;
use super::imdn::{self, Imdn};
use super::{LONGEST_TEXT, Priority, Wish};
use crate::id::Username;
use crate::sip::Destination;
use crate::sip::digest::Credentials;
use crate::sip::wire::{HeaderName, Message, Method, quoted};

/// What we take, for Accept in a 415.
pub const ACCEPT: &str = "text/plain, message/cpim, message/imdn+xml, application/im-iscomposing+xml";
/// Longest Message-ID and DateTime of a sender that are kept.
const LONGEST_WORD: usize = 128;

/// What a MESSAGE says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text, and what its sender wants to hear of it.
    Text(crate::pii::Pii<String>, Option<Wish>),
    /// What became of a message of ours.
    Notice(Imdn),
    /// Nothing that goes any further: somebody is typing, or wrote nothing.
    Nothing,
}

/// Why a MESSAGE is not taken: status and reason phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// 415; the answer says what is taken.
    #[error("the content is neither a text nor a notification")]
    Type,
    /// 413.
    #[error("the text is too long")]
    Long,
    /// 400.
    #[error("the text is not UTF-8, or its envelope is broken")]
    Broken,
}

impl NotTaken {
    /// The answer's status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Type => 415,
            Self::Long => 413,
            Self::Broken => 400,
        }
    }
}

/// Reads a MESSAGE.
///
/// # Errors
///
/// Its content is none of ours.
pub fn read(request: &Message) -> Result<Heard, NotTaken> {
    let kind = request.header(&HeaderName::ContentType).map_or("text/plain", |kind| kind.as_str());
    let inflated = inflated(request)?;
    let body = inflated.as_deref().unwrap_or(&request.body);
    match media_type(kind).as_str() {
        "application/im-iscomposing+xml" => Ok(Heard::Nothing),
        "message/cpim" => {
            let cpim = Cpim::read(body).ok_or(NotTaken::Broken)?;
            let wish = wish_of(&cpim);
            content(&media_type(&cpim.content_type), &cpim.body, wish)
        }
        other => content(other, body, None),
    }
}

/// Longest body once it is inflated, in octets: a text and its envelope, with room.
const LONGEST_BODY: usize = 4_096;

/// The body, when it came deflated (RFC 9110 §8.4.1.2: in the zlib format; some leave that out).
fn inflated(request: &Message) -> Result<Option<Vec<u8>>, NotTaken> {
    let encoding = request.header(&HeaderName::ContentEncoding);
    if !encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("deflate")) {
        return Ok(None);
    }
    let zlib = decompress_to_vec_zlib_with_limit(&request.body, LONGEST_BODY);
    let body = zlib.or_else(|_| decompress_to_vec_with_limit(&request.body, LONGEST_BODY));
    body.map(Some).map_err(|_| NotTaken::Broken)
}

fn content(kind: &str, body: &[u8], wish: Option<Wish>) -> Result<Heard, NotTaken> {
    match kind {
        imdn::TYPE => Ok(Imdn::read(body).map_or(Heard::Nothing, Heard::Notice)),
        "text/plain" => {
            let text = std::str::from_utf8(body).map_err(|_| NotTaken::Broken)?.trim_end();
            let printable: String =
                text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
            match printable.len() {
                0 => Ok(Heard::Nothing),
                1..=LONGEST_TEXT => Ok(Heard::Text(crate::pii::Pii(printable), wish)),
                _ => Err(NotTaken::Long),
            }
        }
        _ => Err(NotTaken::Type),
    }
}

fn wish_of(cpim: &Cpim) -> Option<Wish> {
    let (delivery, display) = (cpim.wants("positive-delivery"), cpim.wants("display"));
    let short = |text: &String| !text.is_empty() && text.len() <= LONGEST_WORD;
    let asked = short(&cpim.message_id) && (delivery || display) && cpim.date_time.len() <= LONGEST_WORD;
    asked.then(|| Wish { id: cpim.message_id.clone(), date_time: cpim.date_time.clone(), delivery, display })
}

fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// A way to one far end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextWay {
    /// Request-URI.
    pub request_uri: String,
    /// From: the sender as this side may see it.
    pub from_uri: String,
    /// From's name.
    pub from_display: String,
    /// To.
    pub to_uri: String,
    /// Next hop.
    pub destination: Destination,
    /// Route values, in order.
    pub route: Vec<String>,
    /// `host:port` for Via.
    pub sent_by: String,
    /// User-Agent.
    pub product: String,
    /// The line by which it leaves, where lines sign.
    pub line: Option<Username>,
    /// What answers a challenge.
    pub credentials: Option<Credentials>,
}

/// What goes in a MESSAGE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Content-Type.
    pub kind: String,
    /// The bytes.
    pub body: Vec<u8>,
    /// How urgent.
    pub priority: Priority,
}

impl Content {
    /// A text without an envelope.
    pub fn plain(text: &str, priority: Priority) -> Self {
        Self { kind: "text/plain;charset=utf-8".into(), body: text.as_bytes().to_vec(), priority }
    }

    /// Something in an envelope.
    pub fn enveloped(cpim: &Cpim, priority: Priority) -> Self {
        Self { kind: "message/cpim".into(), body: cpim.to_vec(), priority }
    }
}

/// The request, whole but for its Via. `words`: Call-ID and From tag.
pub fn message(way: &TextWay, content: &Content, words: (&str, &str), number: u32) -> Message {
    let mut request = Message::request(Method::Message, way.request_uri.as_str());
    for route in &way.route {
        request.headers.push(HeaderName::Route, route.as_str());
    }
    let name = match way.from_display.is_empty() {
        true => String::new(),
        false => format!("{} ", quoted(&way.from_display)),
    };
    for (header, value) in [
        (HeaderName::MaxForwards, "70".to_owned()),
        (HeaderName::From, format!("{name}<{}>;tag={}", way.from_uri, words.1)),
        (HeaderName::To, format!("<{}>", way.to_uri)),
        (HeaderName::CallId, words.0.to_owned()),
        (HeaderName::CSeq, format!("{number} MESSAGE")),
        (HeaderName::UserAgent, way.product.clone()),
    ] {
        request.headers.push(header, value);
    }
    // RFC 3261 §20.26. RFC 3428 §4 has no Contact: "MESSAGE requests do not establish dialogs".
    if content.priority != Priority::Normal {
        request.headers.push(HeaderName::Priority, content.priority.as_str());
    }
    request.set_body(&content.kind, content.body.clone());
    request
}

#[cfg(test)]
mod tests {
    use super::super::imdn::Disposition;
    use super::*;

    fn asked(kind: &str, body: &[u8]) -> Result<Heard, NotTaken> {
        let mut request = Message::request(Method::Message, "sip:b@example.com");
        request.set_body(kind, body.to_vec());
        read(&request)
    }

    fn text(text: &str) -> Result<Heard, NotTaken> {
        Ok(Heard::Text(crate::pii::Pii(text.into()), None))
    }

    #[test]
    fn a_text_is_read_with_its_character_set_and_without_its_controls() {
        assert_eq!(asked("text/plain", b"Hello"), text("Hello"));
        assert_eq!(asked("Text/Plain; charset=UTF-8; msgr=WAAt", "Grüße\u{7}\r\n".as_bytes()), text("Grüße"));
        assert_eq!(asked("text/plain", b"  \r\n"), Ok(Heard::Nothing));
        assert_eq!(asked("application/im-iscomposing+xml", b"<x/>"), Ok(Heard::Nothing));
    }

    #[test]
    fn what_is_no_text_is_refused_by_its_fault() {
        assert_eq!(asked("text/html", b"<b>"), Err(NotTaken::Type));
        assert_eq!(asked("image/png", b"x"), Err(NotTaken::Type));
        assert_eq!(asked("text/plain", b"\xff"), Err(NotTaken::Broken));
        assert_eq!(asked("message/cpim", b"x"), Err(NotTaken::Broken));
        assert_eq!(asked("text/plain", &[b'x'; LONGEST_TEXT + 1]), Err(NotTaken::Long));
    }

    #[test]
    fn a_deflated_body_is_read_and_a_bomb_is_not() {
        let mut request = Message::request(Method::Message, "sip:b@example.com");
        request.set_body("text/plain", miniz_oxide::deflate::compress_to_vec_zlib(b"Hello", 6));
        request.headers.push(HeaderName::ContentEncoding, "deflate");
        assert_eq!(read(&request), text("Hello"));
        request.body = miniz_oxide::deflate::compress_to_vec_zlib(&vec![b'x'; 1 << 20], 9).into();
        assert_eq!(read(&request), Err(NotTaken::Broken));
        request.body = bytes::Bytes::from_static(b"no such thing");
        assert_eq!(read(&request), Err(NotTaken::Broken));
    }

    #[test]
    fn a_sender_says_what_it_wants_to_hear() {
        let cpim = Cpim {
            message_id: "m1".into(),
            date_time: "2026-11-24T08:00:00Z".into(),
            wishes: vec!["positive-delivery".into()],
            content_type: "text/plain".into(),
            body: b"Hello".to_vec(),
            ..Cpim::default()
        };
        let Ok(Heard::Text(_, Some(wish))) = asked("message/cpim", &cpim.to_vec()) else { panic!() };
        assert!(wish.delivery && !wish.display && wish.id == "m1");
        let notice =
            Imdn { message_id: "m1".into(), date_time: String::new(), disposition: Disposition::Displayed };
        let cpim = Cpim {
            content_type: imdn::TYPE.into(),
            body: notice.document("sip:b@c").into_bytes(),
            ..Cpim::default()
        };
        assert_eq!(asked("message/cpim", &cpim.to_vec()), Ok(Heard::Notice(notice)));
    }
}
