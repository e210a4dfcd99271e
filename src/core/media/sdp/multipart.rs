//! Which part of a SIP body holds the description of the audio (RFC 2046 §5.1, [MS-SIPRE] 3.15).

use super::SessionDescription;

/// Longest body that is looked through, in octets.
const MAX_MULTIPART: usize = 64 * 1024;
/// Most parts on one level.
const MAX_PARTS: usize = 16;
/// How deep multiparts may nest.
const MAX_DEPTH: usize = 3;

/// The SDP of the audio in a SIP body, or `None` when it has none (answer: 415).
///
/// A body of `application/sdp` (or of no named type) is itself the answer. Of a multipart the last
/// part that can be understood is taken, because alternatives stand in the order of increasing
/// faithfulness (RFC 2046 §5.1.4); Lync's part for OCS 2007 (`ms-proxy-2007fallback`) only when
/// there is no other.
pub fn audio_sdp<'a>(content_type: &str, body: &'a [u8]) -> Option<&'a [u8]> {
    audio_sdp_at(None, content_type, body).map(|(sdp, _)| sdp)
}

/// The same for who is at `place`: the description of a gateway there (`application/gw-sdp`, media bypass)
/// goes before its mediation server's; others of that type do not exist. Whether it is one.
///
/// Certainty: the type and its parameter are remembered from traces and stand in no public specification.
pub fn audio_sdp_at<'a>(place: Option<&str>, content_type: &str, body: &'a [u8]) -> Option<(&'a [u8], bool)> {
    let mut found = Vec::new();
    collect(content_type, "", body, MAX_DEPTH, &mut found);
    let here = |part: &Part<'_>| {
        let told = part.gateway.as_deref();
        told.zip(place).is_some_and(|(told, place)| told.eq_ignore_ascii_case(place))
    };
    if let Some(part) = found.iter().rev().find(|part| here(part) && part.has_live_audio()) {
        return Some((part.body, true));
    }
    found.retain(|part| part.gateway.is_none());
    // Best last: fallback parts first, within each kind as they stood.
    found.sort_by_key(|part| !part.fallback);
    let best = found.iter().rev().find(|part| part.has_live_audio());
    let best = best.or_else(|| found.iter().rev().find(|part| part.parses()));
    best.or(found.last()).map(|part| (part.body, false))
}

struct Part<'a> {
    body: &'a [u8],
    fallback: bool,
    /// The place of a gateway whose description it is; empty if it does not say it.
    gateway: Option<String>,
}

impl Part<'_> {
    fn parses(&self) -> bool {
        SessionDescription::parse(self.body).is_ok()
    }

    fn has_live_audio(&self) -> bool {
        let description = SessionDescription::parse(self.body);
        description.is_ok_and(|sdp| sdp.media.iter().any(|media| media.media == "audio" && media.port != 0))
    }
}

fn collect<'a>(kind: &str, disposition: &str, body: &'a [u8], depth: usize, found: &mut Vec<Part<'a>>) {
    let (name, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let name = name.trim().to_ascii_lowercase();
    match name.as_str() {
        "application/sdp" | "" => {
            let fallback = disposition.to_ascii_lowercase().contains("ms-proxy-2007fallback");
            found.push(Part { body, fallback, gateway: None });
        }
        "application/gw-sdp" => {
            let place = parameter(parameters, "x-bypassid").unwrap_or_default().to_owned();
            found.push(Part { body, fallback: false, gateway: Some(place) });
        }
        _ if name.starts_with("multipart/") && depth > 0 && body.len() <= MAX_MULTIPART => {
            let Some(boundary) = boundary(parameters) else { return };
            for part in parts(body, &boundary).into_iter().filter(|part| part.len() <= MAX_MULTIPART) {
                let Some((head, body)) = split_head(part) else { continue };
                // RFC 2046 §5.1: a part without Content-Type is text/plain.
                let kind = field(head, "content-type").unwrap_or("text/plain");
                let disposition = field(head, "content-disposition").unwrap_or("");
                if is_plain_coding(head) {
                    collect(kind, disposition, body, depth - 1, found);
                }
            }
        }
        _ => {}
    }
}

/// The `boundary` parameter, quoted or not; Lync's emergency calls have a space behind the `=`.
fn boundary(parameters: &str) -> Option<String> {
    let value = parameter(parameters, "boundary")?;
    // RFC 2046 §5.1.1: boundary := 0*69<bchars> bcharsnospace
    (1..=70).contains(&value.len()).then(|| value.to_owned())
}

fn parameter<'a>(parameters: &'a str, wanted: &str) -> Option<&'a str> {
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then_some(value.trim())
    })?;
    Some(value.trim_matches('"'))
}

/// The parts between the delimiter lines; what is before the first and behind the last is dropped.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at < body.len() && parts.len() < MAX_PARTS {
        let end = memchr::memchr(b'\n', &body[at..]).map_or(body.len(), |n| at + n + 1);
        if let Some(closing) = delimiter(&body[at..end], boundary) {
            parts.extend(start.map(|start| without_line_end(&body[start..at])));
            if closing {
                return parts;
            }
            start = Some(end);
        }
        at = end;
    }
    // A closing delimiter that is missing loses no part.
    if parts.len() < MAX_PARTS {
        parts.extend(start.map(|start| &body[start..]));
    }
    parts
}

/// Whether a line delimits, and if so whether it closes. Blanks may follow (RFC 2046 §5.1.1).
fn delimiter(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?.trim_ascii_end();
    match rest {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// RFC 2046 §5.1.1: the CRLF before the delimiter line belongs to the delimiter.
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

/// Header and body of a part; the header may be empty.
fn split_head(part: &[u8]) -> Option<(&str, &[u8])> {
    let mut at = 0;
    while at < part.len() {
        let end = memchr::memchr(b'\n', &part[at..]).map_or(part.len(), |n| at + n + 1);
        if part[at..end].trim_ascii().is_empty() {
            return Some((std::str::from_utf8(&part[..at]).ok()?, &part[end..]));
        }
        at = end;
    }
    None
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (n, value) = line.split_once(':')?;
        n.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Whether the part's octets are the text itself (RFC 2045 §6.2).
fn is_plain_coding(head: &str) -> bool {
    let coding = field(head, "content-transfer-encoding").unwrap_or("7bit");
    ["7bit", "8bit", "binary"].iter().any(|plain| coding.eq_ignore_ascii_case(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALTERNATIVE: &str = "multipart/alternative;boundary=\"----=_NextPart_000_001C.D2\"";

    fn part(disposition: &str, port: u16) -> String {
        format!(
            "------=_NextPart_000_001C.D2\r\nContent-Type: application/sdp\r\n\
             Content-Transfer-Encoding: 7bit\r\nContent-ID: <6@lync.loc>\r\n\
             Content-Disposition: {disposition}\r\n\r\nv=0\r\nm=audio {port} RTP/SAVP 8\r\n\r\n"
        )
    }

    fn chosen(content_type: &str, body: &str) -> Option<String> {
        audio_sdp(content_type, body.as_bytes()).map(|sdp| String::from_utf8(sdp.to_vec()).unwrap())
    }

    #[test]
    fn lyncs_fallback_part_is_passed_over_wherever_it_stands() {
        let fallback = part("session; handling=optional; ms-proxy-2007fallback", 11650);
        let wanted = part("session; handling=optional", 15676);
        let end = "------=_NextPart_000_001C.D2--\r\n";
        for body in [format!("{fallback}{wanted}{end}"), format!("preamble\r\n{wanted}{fallback}{end}")] {
            assert_eq!(chosen(ALTERNATIVE, &body).unwrap(), "v=0\r\nm=audio 15676 RTP/SAVP 8\r\n");
        }
        assert!(chosen(ALTERNATIVE, &format!("{fallback}{end}")).unwrap().contains("11650"));
    }

    #[test]
    fn a_part_without_live_audio_is_taken_only_when_there_is_no_other() {
        let (live, dummy) = (part("session", 4000), part("session", 0));
        assert!(chosen(ALTERNATIVE, &format!("{live}{dummy}")).unwrap().contains("4000"));
        assert!(chosen(ALTERNATIVE, &dummy).unwrap().contains("audio 0"));
    }

    #[test]
    fn an_emergency_call_with_blanks_around_its_boundary_is_read() {
        let body = "------=_NextPart_000_4A6D_01CAB3D6.7519F890 \r\n\
            Content-Type: application/sdp ; charset=utf-8\r\n\r\nv=0\r\nm=audio 30684 RTP/AVP 0\r\n\r\n\
            ------=_NextPart_000_4A6D_01CAB3D6.7519F890 \r\nContent-Type: application/pidf+xml\r\n\r\n<x/>\r\n\
            ------=_NextPart_000_4A6D_01CAB3D6.7519F890--";
        let kind = "multipart/mixed; boundary= ----=_NextPart_000_4A6D_01CAB3D6.7519F890";
        assert_eq!(chosen(kind, body).unwrap(), "v=0\r\nm=audio 30684 RTP/AVP 0\r\n");
    }

    #[test]
    fn nested_parts_are_found_down_to_the_limit() {
        let mut kind = "application/sdp".to_owned();
        let mut body = "v=0\r\nm=audio 7 RTP/AVP 0\r\n".to_owned();
        for level in 0..MAX_DEPTH + 1 {
            body = format!("--b{level}\r\nContent-Type: {kind}\r\n\r\n{body}\r\n--b{level}--\r\n");
            kind = format!("multipart/mixed;boundary=b{level}");
            assert_eq!(chosen(&kind, &body).is_some(), level < MAX_DEPTH, "level {level}");
        }
    }

    #[test]
    fn a_gateways_description_is_taken_by_who_is_at_its_place_and_by_nobody_else() {
        let own = part("session; handling=optional", 4000);
        let gateway = "------=_NextPart_000_001C.D2\r\nContent-Type: application/gw-sdp; x-bypassid=C61755ED-1\r\n\r\n\
            v=0\r\nm=audio 9000 RTP/AVP 8\r\n\r\n";
        let body = format!("{gateway}{own}------=_NextPart_000_001C.D2--\r\n");
        let port = |place| {
            let (sdp, of_gateway) = audio_sdp_at(place, ALTERNATIVE, body.as_bytes()).unwrap();
            (SessionDescription::parse(sdp).unwrap().media[0].port, of_gateway)
        };
        assert_eq!(port(Some("c61755ed-1")), (9000, true));
        assert_eq!((port(Some("other")), port(None)), ((4000, false), (4000, false)));
        assert_eq!(audio_sdp(ALTERNATIVE, gateway.as_bytes()), None);
    }

    #[test]
    fn other_types_hold_no_description() {
        assert_eq!(chosen("text/plain", "v=0\r\n"), None);
        assert_eq!(chosen("multipart/mixed", "--x\r\n\r\nv=0\r\n--x--"), None);
        assert_eq!(chosen("Application/SDP ; charset=utf-8", "v=0\r\n").unwrap(), "v=0\r\n");
        assert_eq!(chosen("", "v=0\r\n").unwrap(), "v=0\r\n");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in "(--b|\r\n|\n|--|content-type: application/sdp|v=0|:|[a-z ]){0,60}") {
            audio_sdp("multipart/mixed;boundary=b", body.as_bytes());
        }
    }
}
