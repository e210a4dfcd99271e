//! Name-addr values: what stands in From, To, Contact, Route, Via.

use std::net::{IpAddr, SocketAddr};

use ezk_sip_types::host::Host;
use ezk_sip_types::parse::Parse;
use ezk_sip_types::uri::{SipUri, SipUriUserPart};

use super::hop::Transport;

/// Splits a comma-separated header; commas in quotes and angle brackets do not count.
pub fn list(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    let parts = value.split(move |c| {
        let comma = c == ',' && !quoted && !bracketed;
        match c {
            '"' if !escaped => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        comma
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// The URI of a name-addr or addr-spec, without header parameters.
pub fn uri(value: &str) -> &str {
    match bracket(value) {
        Some(open) => value[open + 1..].split('>').next().unwrap_or(""),
        None => value.split(';').next().unwrap_or("").trim(),
    }
}

/// The display name before the URI, without quotes; empty: none.
pub fn display(value: &str) -> &str {
    bracket(value).map_or("", |open| value[..open].trim().trim_matches('"'))
}

/// A header parameter (`tag`, `branch`, `expires`): what stands after the URI, not within it.
pub fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let after = match bracket(value) {
        Some(open) => value[open..].split_once('>').map_or("", |(_, rest)| rest),
        None => value.find(';').map_or("", |at| &value[at..]),
    };
    let mut quoted = false;
    let parts = after.split(move |c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    parts.skip(1).find_map(|one| {
        let (key, content) = one.split_once('=').unwrap_or((one, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| content.trim().trim_matches('"'))
    })
}

/// The user part of a URI, escapes undone; none without one.
pub fn user(uri: &str) -> Option<String> {
    if let Some(number) = uri.strip_prefix("tel:") {
        return Some(number.split(';').next().unwrap_or("").to_owned());
    }
    match SipUri::parse_str(uri).ok()?.user_part {
        SipUriUserPart::Empty => None,
        SipUriUserPart::User(user) => Some(user.to_string()),
        SipUriUserPart::UserPw(both) => Some(both.user.to_string()),
    }
}

/// The host of a URI, lower case.
pub fn host(uri: &str) -> Option<String> {
    Some(match SipUri::parse_str(uri).ok()?.host_port.host {
        Host::IP4(ip) => ip.to_string(),
        Host::IP6(ip) => ip.to_string(),
        Host::Name(name) => name.to_ascii_lowercase(),
    })
}

/// Transport and address that a URI with a numeric host names (RFC 3263 §4.1, §4.2); none when the
/// host is a name: emulators ask no DNS.
pub fn target(uri: &str) -> Option<(Transport, SocketAddr)> {
    let parsed = SipUri::parse_str(uri).ok()?;
    let ip = match parsed.host_port.host {
        Host::IP4(ip) => IpAddr::V4(ip),
        Host::IP6(ip) => IpAddr::V6(ip),
        Host::Name(name) if name.eq_ignore_ascii_case("localhost") => IpAddr::from([127, 0, 0, 1]),
        Host::Name(_) => return None,
    };
    let named = parsed.uri_params.get_val("transport").and_then(|t| t.parse().ok());
    let transport = named.unwrap_or(if parsed.sips { Transport::Tls } else { Transport::Udp });
    Some((transport, SocketAddr::new(ip, parsed.host_port.port.unwrap_or(transport.default_port()))))
}

/// Transport and address that the Via of a request asks responses to be sent to (RFC 3261 §18.2.2,
/// RFC 3581 §4).
pub fn via_target(via: &str) -> Option<(Transport, SocketAddr)> {
    let (protocol, rest) = via.trim().split_once(char::is_whitespace)?;
    let transport: Transport = protocol.rsplit('/').next()?.parse().ok()?;
    let sent_by = rest.split(';').next()?.trim();
    let written = format!("sip:{sent_by}");
    let parsed = SipUri::parse_str(&written).ok()?.host_port;
    let ip = match param(via, "received") {
        Some(received) => received.trim_matches(['[', ']']).parse().ok()?,
        None => target(&written)?.1.ip(),
    };
    let rport = param(via, "rport").and_then(|port| port.parse().ok());
    let port = rport.or(parsed.port).unwrap_or(transport.default_port());
    Some((transport, SocketAddr::new(ip, port)))
}

/// Where the `<` of the URI stands, display names in quotes skipped.
fn bracket(value: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    value.char_indices().find_map(|(at, c)| {
        let found = c == '<' && !quoted;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        found.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_brackets_in_a_display_name_do_not_split_it() {
        let value = r#""Doe, <J> \"x\"" <sip:j@h;transport=tcp>;tag=5, <sip:k@h>"#;
        let parts: Vec<_> = list(value).collect();
        assert_eq!(parts.len(), 2);
        assert_eq!(uri(parts[0]), "sip:j@h;transport=tcp");
        assert_eq!(param(parts[0], "tag"), Some("5"));
        assert_eq!(param(parts[0], "transport"), None);
        assert_eq!(user(uri(parts[0])).as_deref(), Some("j"));
    }

    #[test]
    fn a_semicolon_in_quotes_is_part_of_a_parameter() {
        let value = "<sip:h>;+sip.instance=\"<urn:uuid:1>\";gruu=\"sip:a@h;opaque=b;gruu\";expires=5";
        assert_eq!(param(value, "gruu"), Some("sip:a@h;opaque=b;gruu"));
        assert_eq!(param(value, "expires"), Some("5"));
        assert_eq!(param(value, "opaque"), None);
    }

    #[test]
    fn a_uri_names_its_target_and_a_via_its_return_address() {
        let (transport, address) = target("sip:a@127.0.0.1:5070;transport=tls").unwrap();
        assert_eq!((transport, address.port()), (Transport::Tls, 5070));
        assert_eq!(target("sip:a@example.com"), None);
        let via = "SIP/2.0/UDP host.test:5062;branch=z9hG4bKx;received=10.0.0.1;rport=4000";
        assert_eq!(via_target(via), Some((Transport::Udp, "10.0.0.1:4000".parse().unwrap())));
        assert_eq!(param(via, "branch"), Some("z9hG4bKx"));
        assert_eq!(via_target("garbage"), None);
    }
}
