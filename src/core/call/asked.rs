//! What the far end of a leg asks for within its dialog, put into the call's words and back: transfers
//! (REFER, RFC 3515) and key presses (INFO).

use std::time::Duration;

use super::cause::{Cause, reason_phrase};
use super::leg::{Heard, LegNews, Ticket, TransferWish};
use crate::id::OwnerId;
use crate::media::dtmf::{FLASH, code_of};
use crate::sip::invite::{self, Body};
use crate::sip::refer::{self, Refer, Referral};
use crate::sip::replaces::Replaces;
use crate::sip::wire::{HeaderName, Message, Method, Text};

/// How long a key counts as pressed when it is not said, and the longest that is believed, in milliseconds.
const PRESS: u32 = 160;
const LONGEST_PRESS: u32 = 5_000;

/// A request in the dialog. Transfers and key presses are the call's; the rest is refused politely. A text
/// that nobody shows is not confirmed (RFC 3428 §7), nor a notification that nobody asked for (RFC 6665
/// §4.1.3).
pub(super) fn asked(handle: u32, request: &Message) -> Heard {
    match request.method() {
        Some(Method::Refer) => transfer_asked(handle, request),
        Some(Method::Info) => match key_pressed(request) {
            Some(news) => Heard::Told(reply(handle, 200, Vec::new()), news),
            None => Heard::Asked(reply(handle, 200, Vec::new())),
        },
        Some(Method::Notify) => Heard::Asked(reply(handle, 489, Vec::new())),
        _ => Heard::Asked(reply(handle, 501, Vec::new())),
    }
}

fn transfer_asked(handle: u32, request: &Message) -> Heard {
    let Refer { to, replaces, referred_by, quiet } = match Refer::read(request) {
        Ok(refer) => refer,
        Err(fault) => {
            let warning = warning(&fault.to_string());
            return Heard::Asked(reply(handle, fault.status(), vec![warning]));
        }
    };
    let number = request.cseq().map_or(0, |cseq| cseq.number);
    // RFC 3892 §2.1: who refers may say so; where it does not, its From says the same.
    let referred_by = referred_by.or_else(|| request.from().map(|from| format!("<{}>", from.uri.raw)));
    Heard::News(LegNews::TransferAsked(Box::new(TransferWish {
        ticket: Ticket { handle, number, quiet },
        to,
        replaces_own: replaces.as_ref().and_then(owner),
        referral: Referral { referred_by, replaces },
    })))
}

/// Our tags name their owner. The end that the referrer talked to is asked, so to-tag should be ours;
/// some write it the other way round.
fn owner(replaces: &Replaces) -> Option<OwnerId> {
    OwnerId::in_word(&replaces.to_tag).or_else(|| OwnerId::in_word(&replaces.from_tag))
}

/// `application/dtmf-relay`: lines `Signal=5` and `Duration=160`; `application/dtmf`: the key alone. No
/// RFC has them, every telephone knows them.
fn key_pressed(info: &Message) -> Option<LegNews> {
    let (kind, body) = info.typed_body()?;
    let text = std::str::from_utf8(body).ok()?;
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (signal, millis) = match kind.as_str() {
        "application/dtmf-relay" => {
            let value = |name: &str| {
                let mut lines = text.lines().filter_map(|line| line.split_once('='));
                lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
            };
            (value("Signal")?, value("Duration").and_then(|millis| millis.parse().ok()).unwrap_or(PRESS))
        }
        "application/dtmf" => (text.trim(), PRESS),
        "application/hook-flash" => ("flash", PRESS),
        _ => return None,
    };
    let digit = match signal {
        "10" => '*',
        "11" => '#',
        "16" | "!" => FLASH,
        word if word.eq_ignore_ascii_case("flash") || word.eq_ignore_ascii_case("hf") => FLASH,
        one => one.chars().next().filter(|_| one.len() == 1)?.to_ascii_uppercase(),
    };
    if digit != FLASH {
        code_of(digit)?;
    }
    Some(LegNews::KeyPressed { digit, millis: millis.clamp(40, LONGEST_PRESS) })
}

/// The same form, the way that the other telephones say it. Whether it was understood changes nothing.
pub(super) fn tell_key(digit: char, millis: u32) -> invite::LegOrder {
    // What has no key of its own goes by the code of its event.
    let signal = if digit == FLASH { "16".to_owned() } else { digit.to_string() };
    let body = Body {
        content_type: "application/dtmf-relay".into(),
        bytes: format!("Signal={signal}\r\nDuration={millis}\r\n").into(),
    };
    invite::LegOrder::Request { number: 0, method: Method::Info, headers: Vec::new(), body: Some(body) }
}

pub(super) fn accept_transfer(ticket: Ticket) -> invite::LegOrder {
    reply(ticket.handle, 202, refer::accepted_headers(ticket.quiet))
}

pub(super) fn refuse_transfer(ticket: Ticket, cause: &Cause) -> invite::LegOrder {
    reply(ticket.handle, cause.status, vec![warning(&cause.words)])
}

pub(super) fn tell_transfer(ticket: Ticket, status: u16, left: Option<Duration>) -> invite::LegOrder {
    let (headers, body) = refer::notify(ticket.number, (status, reason_phrase(status)), left);
    invite::LegOrder::Request { number: ticket.number, method: Method::Notify, headers, body: Some(body) }
}

fn reply(handle: u32, status: u16, headers: Vec<(HeaderName, Text)>) -> invite::LegOrder {
    let reason = reason_phrase(status).into();
    invite::LegOrder::Reply { handle, status, reason, headers, body: None }
}

/// RFC 3261 §20.43: 399, "the warning text can include arbitrary information to be presented to a human".
fn warning(words: &str) -> (HeaderName, Text) {
    let words = Cause::of_status(400, words).plain_words();
    (HeaderName::Warning, Text::from(format!("399 kirkwall \"{words}\"")))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn heard(method: &str, lines: &str, body: &str) -> Heard {
        let text = format!(
            "{method} sip:a@b SIP/2.0\r\nFrom: <sip:f@x>;tag=1\r\nCSeq: 7 {method}\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        asked(3, &Message::parse_datagram(Bytes::from(text)).unwrap())
    }

    fn pressed(kind: &str, body: &str) -> Option<(char, u32)> {
        match heard("INFO", &format!("Content-Type: {kind}\r\n"), body) {
            Heard::Told(_, LegNews::KeyPressed { digit, millis }) => Some((digit, millis)),
            Heard::Asked(invite::LegOrder::Reply { status: 200, .. }) => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_told_by_info_are_read_in_their_usual_forms() {
        assert_eq!(pressed("application/dtmf-relay", "Signal=5\r\nDuration=250\r\n"), Some(('5', 250)));
        assert_eq!(pressed("application/dtmf-relay", "Signal= 11\r\n"), Some(('#', 160)));
        assert_eq!(pressed("application/dtmf-relay", "signal=a\nDuration=1"), Some(('A', 40)));
        assert_eq!(pressed("application/dtmf", "*\r\n"), Some(('*', 160)));
        assert_eq!(pressed("application/dtmf-relay", "Signal=16"), Some(('!', 160)));
        assert_eq!(pressed("application/hook-flash", "flashhook"), Some(('!', 160)));
        assert_eq!(pressed("application/dtmf-relay", "Signal=x"), None);
        assert_eq!(pressed("text/plain", "5"), None);
    }

    #[test]
    fn a_key_is_told_as_it_is_read() {
        for (digit, millis) in [('5', 250), ('#', 160), ('!', 100)] {
            let invite::LegOrder::Request { method: Method::Info, body: Some(body), .. } =
                tell_key(digit, millis)
            else {
                panic!()
            };
            let text = String::from_utf8(body.bytes.to_vec()).unwrap();
            assert_eq!(pressed(&body.content_type, &text), Some((digit, millis)));
        }
    }

    #[test]
    fn a_refer_becomes_a_wish_and_a_bad_one_is_refused() {
        let tag = format!("{}.abc", OwnerId(0x701));
        let refer = format!("Refer-To: <sip:c@x?Replaces=i%3Bto-tag%3D{tag}%3Bfrom-tag%3Df>\r\n");
        let Heard::News(LegNews::TransferAsked(wish)) = heard("REFER", &refer, "") else { panic!() };
        assert_eq!((wish.to.as_str(), wish.replaces_own), ("sip:c@x", Some(OwnerId(0x701))));
        assert_eq!(wish.referral.referred_by.as_deref(), Some("<sip:f@x>"));
        assert_eq!(wish.ticket, Ticket { handle: 3, number: 7, quiet: false });
        let Heard::Asked(invite::LegOrder::Reply { status, .. }) = heard("REFER", "", "") else { panic!() };
        assert_eq!(status, 400);
    }

    #[test]
    fn other_requests_are_refused_politely() {
        for (method, expected) in [("NOTIFY", 489), ("MESSAGE", 501)] {
            let Heard::Asked(invite::LegOrder::Reply { status, .. }) = heard(method, "", "") else {
                panic!()
            };
            assert_eq!(status, expected);
        }
    }
}
