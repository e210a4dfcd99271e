//! The Via header (RFC 3261 §20.42, RFC 3581).

use std::net::IpAddr;

use super::uri::port_number;
use super::{Host, Params, Text};

/// One Via element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// Transport as written: `UDP`, `TCP`, `TLS`, ….
    pub transport: Text,
    /// Host of sent-by.
    pub host: Host,
    /// Port of sent-by.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport`, ….
    pub params: Params,
}

impl Via {
    /// RFC 3261 §8.1.1.7: begins every branch made by this version of the protocol.
    pub const COOKIE: &'static str = "z9hG4bK";

    /// Parses one element; white space around the slashes is permitted (RFC 3261 §25.1 SLASH).
    pub fn parse(text: &Text) -> Option<Self> {
        let (protocol, params) = text.split_once(';').map_or((text.as_str(), ""), |(p, q)| (p, q));
        let mut parts = protocol.splitn(3, '/');
        let (name, version, rest) = (parts.next()?.trim(), parts.next()?.trim(), parts.next()?.trim());
        if !name.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return None;
        }
        let (transport, sent_by) = rest.split_once(char::is_whitespace)?;
        // RFC 3261 §25.1: "COLON = SWS ":" SWS", so white space may stand around it.
        let (host, port) = match sent_by.trim().rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host.trim_end(), Some(port_number(port)?)),
            _ => (sent_by.trim(), None),
        };
        Some(Self {
            transport: text.share(transport),
            host: Host::parse(&text.share(host))?,
            port,
            params: Params::parse(&text.share(params))?,
        })
    }

    /// The `branch` parameter.
    pub fn branch(&self) -> Option<Text> {
        self.params.get("branch")
    }

    /// The `received` parameter, if it is an address.
    pub fn received(&self) -> Option<IpAddr> {
        self.params.get("received")?.trim_matches(['[', ']']).parse().ok()
    }

    /// The port that `rport` was filled with.
    pub fn rport(&self) -> Option<u16> {
        self.params.get("rport")?.parse().ok()
    }

    /// `host:port` of the sender as it names itself, for matching transactions (RFC 3261 §17.2.3).
    pub fn sent_by(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host).to_ascii_lowercase(),
            None => self.host.to_string().to_ascii_lowercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_legal_forms() {
        let parse = |t: &str| Via::parse(&Text::from(t)).unwrap();
        assert_eq!(parse("SIP / 2.0 / UDP h;branch=1").transport, "UDP");
        assert_eq!(parse("SIP/2.0/TCP [2001:db8::1]:5060;branch=z").port, Some(5060));
        assert_eq!(parse("SIP/2.0/TCP [2001:db8::1];branch=z").port, None);
        assert_eq!(parse("SIP/2.0/UDP first.example.com : 4000;ttl=16").sent_by(), "first.example.com:4000");
        for bad in ["SIP/2.0/UDP h:0", "SIP/2.0/UDP h:+5", "SIP/2.0/UDP h:", "SIP/2.0/UDP a b", "SIP/2.0/UDP"]
        {
            assert_eq!(Via::parse(&Text::from(bad)), None, "{bad}");
        }
        let lync = parse(r#"SIP/2.0/tls h;branch=z9hG4bK1;ms-internal-info="ab,c;d""#);
        assert_eq!(lync.params.get("ms-internal-info").as_deref(), Some("ab,c;d"));
        assert_eq!(parse("SIP/2.0/UDP 1.2.3.4;received=5.6.7.8;rport=99").rport(), Some(99));
    }
}
