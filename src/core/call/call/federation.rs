//! Calls to users of other domains: their end may be a client of OCS 2007 R2, which reads ICE of draft 06 and
//! nothing newer, and stumbles over candidates of another form.
//!
//! [MS-SIPRE] §3.15.4.1: an offer to whoever may be such a client has two parts, the one for them first, and of
//! the second "ICEv19 … MUST be placed in the last part". Ours has no candidates: to who takes it, media goes by
//! addresses. A front end that hears 415 asks again with one part by itself; another one is asked by us.

use super::*;

/// Lines that say something of ICE.
const OF_ICE: [&str; 5] =
    ["a=candidate:", "a=x-candidate-ipv6:", "a=ice-ufrag:", "a=ice-pwd:", "a=remote-candidates:"];

/// The same offer in two parts.
pub(super) fn in_two_parts(offer: &Body, tokens: &mut Tokens) -> Body {
    let text = String::from_utf8_lossy(&offer.bytes);
    let older: String = text
        .split_inclusive('\n')
        .filter(|line| !OF_ICE.iter().any(|start| line.starts_with(start)))
        .map(|line| if line.starts_with("o=") { version_before(line) } else { line.to_owned() })
        .collect();
    let (boundary, ids) = (tokens.word(), [tokens.word(), tokens.word()]);
    offer.with_fallback(&Body::sdp(older), &boundary, &ids)
}

/// Both parts are one session; the newer form has the higher version, as real offers have it.
fn version_before(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    if let Some(version) = words.get_mut(2)
        && let Ok(number) = version.parse::<u64>()
    {
        *version = number.saturating_sub(1).to_string();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_for_old_clients_comes_first_and_has_no_candidates() {
        let sdp = "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\na=ice-ufrag:abcd\r\n\
            a=candidate:1 1 UDP 2 192.0.2.1 4000 typ host \r\na=crypto:1 X inline:Y\r\n";
        let whole = in_two_parts(&Body::sdp(sdp), &mut Tokens::new([1; 32]));
        let text = String::from_utf8(whole.bytes.to_vec()).unwrap();
        let (_, rest) = text.split_once("ms-proxy-2007fallback").unwrap();
        let (older, newer) = rest.split_once("Content-Type").unwrap();
        assert!(!older.contains("candidate") && !older.contains("ice-") && older.contains("o=- 7 0 IN"));
        assert!(older.contains("a=crypto:1 X inline:Y") && newer.contains(sdp), "{text}");
        let chosen = crate::media::sdp::audio_sdp(&whole.content_type, &whole.bytes).unwrap();
        assert!(String::from_utf8_lossy(chosen).contains("a=candidate:1"));
    }
}
