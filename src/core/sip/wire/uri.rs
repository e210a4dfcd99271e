//! SIP, SIPS and TEL URIs; every other scheme is kept as it is (RFC 3261 §19.1, RFC 3966).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::{Params, Text};

/// The scheme of a URI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`; the number stands in [`Uri::user`].
    Tel,
    /// Any other; the rest stands in [`Uri::user`] unparsed.
    Other(Text),
}

/// The host of a URI or Via.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A literal address.
    Ip(IpAddr),
    /// A name, as written.
    Name(Text),
}

impl Host {
    /// Parses a host without port: a name, an IPv4 address or an IPv6 reference in brackets.
    pub fn parse(text: &Text) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            return inner.parse::<Ipv6Addr>().ok().map(|ip| Self::Ip(ip.into()));
        }
        if let Ok(ip) = text.parse::<std::net::Ipv4Addr>() {
            return Some(Self::Ip(ip.into()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        (!text.is_empty() && text.chars().all(allowed)).then(|| Self::Name(text.clone()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A parsed URI. [`raw`](Uri::raw) is what came, byte for byte; the rest are views of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// The whole as received.
    pub raw: Text,
    /// Its scheme.
    pub scheme: Scheme,
    /// User part without password, still escaped; the number of a `tel:`.
    pub user: Option<Text>,
    /// Password, if somebody still sends one.
    pub password: Option<Text>,
    /// Host; none for `tel:` and unknown schemes.
    pub host: Option<Host>,
    /// Port, if given.
    pub port: Option<u16>,
    /// Parameters in order.
    pub params: Params,
    /// Everything after `?`.
    pub headers: Option<Text>,
}

impl Uri {
    /// Parses a URI. `None` when it breaks the grammar so far that no one could route it.
    pub fn parse(text: &Text) -> Option<Self> {
        let (scheme_text, rest) = text.split_once(':')?;
        let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        if !scheme_text.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme_text.bytes().all(valid) {
            return None;
        }
        // Quotes are no part of the grammar either, but old front ends write `;transport="tcp"`.
        let strange = |c: char| c.is_control() || c.is_whitespace();
        if text.bytes().any(|b| b <= b' ' || matches!(b, b'<' | b'>' | 0x7f))
            || !text.is_ascii() && text.chars().any(strange)
        {
            return None;
        }
        if scheme_text.eq_ignore_ascii_case("sip") {
            Self::sip(text, Scheme::Sip, rest)
        } else if scheme_text.eq_ignore_ascii_case("sips") {
            Self::sip(text, Scheme::Sips, rest)
        } else if scheme_text.eq_ignore_ascii_case("tel") {
            let (number, params) = rest.split_once(';').map_or((rest, ""), |(n, p)| (n, p));
            let mut uri = Self::bare(text, Scheme::Tel);
            uri.user = Some(text.share(number)).filter(|n| !n.is_empty());
            uri.params = Params::parse(&text.share(params))?;
            uri.user.is_some().then_some(uri)
        } else {
            let mut uri = Self::bare(text, Scheme::Other(text.share(scheme_text)));
            uri.user = Some(text.share(rest));
            Some(uri)
        }
    }

    /// The user part with escapes undone, or the number of a `tel:` without visual separators.
    pub fn user_text(&self) -> String {
        let user = self.user.as_deref().unwrap_or("");
        match self.scheme {
            Scheme::Tel => user.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect(),
            _ => unescape(user),
        }
    }

    /// `user@host`, lower-case host, no parameters: what a registrar files a user under
    /// (RFC 3261 §10.3 step 5, simplified to the default port).
    pub fn aor(&self) -> String {
        match &self.host {
            Some(host) => format!("{}@{}", self.user_text(), host.to_string().to_ascii_lowercase()),
            None => self.user_text(),
        }
    }

    /// The value of a header in the URI (`?Replaces=…`), escapes undone (RFC 3261 §19.1.1).
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = self.headers.as_deref()?.split('&');
        let mut named = headers.filter_map(|header| header.split_once('='));
        named.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| unescape(value))
    }

    /// As it may stand in a Request-URI: without headers and without the `method` parameter
    /// (RFC 3261 §19.1.1, table 1).
    pub fn as_request_uri(&self) -> String {
        let bare = match &self.headers {
            Some(headers) => &self.raw[..self.raw.len() - headers.len() - 1],
            None => self.raw.as_str(),
        };
        if !self.params.has("method") {
            return bare.to_owned();
        }
        // Behind the user, which may hold semicolons of its own.
        let host = bare.rfind('@').map_or(0, |at| at + 1);
        let keep = |part: &&str| !part.to_ascii_lowercase().starts_with("method=");
        format!("{}{}", &bare[..host], bare[host..].split(';').filter(keep).collect::<Vec<_>>().join(";"))
    }

    fn bare(raw: &Text, scheme: Scheme) -> Self {
        let raw = raw.clone();
        Self {
            raw,
            scheme,
            user: None,
            password: None,
            host: None,
            port: None,
            params: Params::default(),
            headers: None,
        }
    }

    fn sip(text: &Text, scheme: Scheme, rest: &str) -> Option<Self> {
        let mut uri = Self::bare(text, scheme);
        // userinfo may hold ';' and '?' (RFC 3261 §25.1 user-unreserved), so '@' is found first.
        let host_part = match rest.rsplit_once('@') {
            None => rest,
            Some((userinfo, host_part)) => {
                let (user, password) = match userinfo.split_once(':') {
                    Some((user, password)) => (user, Some(text.share(password))),
                    None => (userinfo, None),
                };
                if user.is_empty() {
                    return None;
                }
                uri.user = Some(text.share(user));
                uri.password = password;
                host_part
            }
        };
        let (before_headers, headers) = match host_part.split_once('?') {
            Some((before, headers)) => (before, Some(text.share(headers))),
            None => (host_part, None),
        };
        uri.headers = headers;
        let (hostport, params) = before_headers.split_once(';').unwrap_or((before_headers, ""));
        let (host, port) = split_port(hostport)?;
        uri.host = Some(Host::parse(&text.share(host))?);
        uri.port = port;
        uri.params = Params::parse(&text.share(params))?;
        Some(uri)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

/// Splits `host[:port]`, where host may be an IPv6 reference. `None` for a bad port.
fn split_port(hostport: &str) -> Option<(&str, Option<u16>)> {
    match hostport.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => Some((host, Some(port_number(port)?))),
        _ => Some((hostport, None)),
    }
}

/// 1 to 65535, in digits only; white space around it is Via's.
pub(super) fn port_number(text: &str) -> Option<u16> {
    let digits = text.trim_ascii();
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok().filter(|port| *port != 0)).flatten()
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Option<Uri> {
        Uri::parse(&Text::from(text))
    }

    #[test]
    fn lync_gruus_keep_their_colons() {
        let gruu = uri("sip:bob@b.c;opaque=user:epid:abc;gruu").unwrap();
        assert_eq!(gruu.params.get("opaque").map(|t| t.to_string()), Some("user:epid:abc".into()));
        assert!(gruu.params.has("gruu"));
        assert_eq!(gruu.host, Some(Host::Name("b.c".into())));
    }

    #[test]
    fn hosts_and_ports() {
        assert_eq!(uri("sip:[2001:db8::1]:5061;transport=tls").unwrap().port, Some(5061));
        assert_eq!(uri("sip:1.2.3.4").unwrap().host, Some(Host::Ip("1.2.3.4".parse().unwrap())));
        assert!(uri("sip:a@b:99999").is_none());
        assert!(uri("sip:a@b:").is_none());
    }

    #[test]
    fn a_tel_uri_gives_its_number() {
        assert_eq!(uri("tel:+1-555;phone-context=x").unwrap().user_text(), "+1555");
    }

    #[test]
    fn a_user_with_odd_characters_is_kept() {
        let odd = uri("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com").unwrap();
        assert_eq!(odd.user.as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        assert_eq!(odd.host, Some(Host::Name("example.com".into())));
    }

    #[test]
    fn headers_of_a_uri_are_read_and_do_not_go_into_a_request() {
        let refer =
            uri("sip:c@x.test;method=INVITE;user=phone?Replaces=a%40b%3Bto-tag%3D1&Subject=x").unwrap();
        assert_eq!(refer.header("replaces").as_deref(), Some("a@b;to-tag=1"));
        assert_eq!(refer.header("Call-ID"), None);
        assert_eq!(refer.as_request_uri(), "sip:c@x.test;user=phone");
    }

    #[test]
    fn escapes_are_undone_in_the_user_only() {
        assert_eq!(
            uri("sip:sip%3Auser%40example.com@company.com;other-param=summit").unwrap().user_text(),
            "sip:user@example.com"
        );
    }
}
