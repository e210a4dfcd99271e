//! Yealink: lines of `key = value`, `#!version:1.0.0.1` first.

use super::Sheet;
use crate::sip::Transport;

/// One template of a server, one account for each handset.
pub fn file(sheet: &Sheet) -> String {
    let mut text = String::from("#!version:1.0.0.1\n");
    // A value ends with its line; what would begin another one is left out.
    let mut put = |key: String, value: &str| {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("{key} = {value}\n"));
    };
    // transport_type: 0 UDP, 1 TCP, 2 TLS.
    let transport = match sheet.transport {
        Transport::Udp => "0",
        Transport::Tcp => "1",
        Transport::Tls => "2",
    };
    let port = sheet.port.to_string();
    put("template.1.name".into(), "Kirkwall");
    for (name, value) in [
        ("address", sheet.domain.as_str()),
        ("port", &port),
        ("transport_type", transport),
        ("expires", "300"),
    ] {
        put(format!("template.1.sip_server.1.{name}"), value);
    }
    for (at, user) in sheet.users.iter().enumerate() {
        let number = at + 1;
        let srtp = if sheet.srtp { "1" } else { "0" };
        for (name, value) in [
            ("enable", "1"),
            ("label", user.display.as_str()),
            ("display_name", &user.display),
            ("auth_name", &user.username),
            ("user_name", &user.username),
            ("password", &user.password.0),
            ("sip_server.template", "1"),
            ("sip_server.1.address", &sheet.domain),
            ("sip_server.1.port", &port),
            ("sip_server.1.transport_type", transport),
            // The domain need not be in anybody's DNS.
            ("outbound_proxy_enable", "1"),
            ("outbound_proxy.1.address", &sheet.server),
            ("outbound_proxy.1.port", &port),
            // 1: optional.
            ("srtp_encryption", srtp),
            ("subscribe_mwi", "1"),
            // 1: RFC 4733.
            ("dtmf.type", "1"),
        ] {
            put(format!("account.{number}.{name}"), value);
        }
        put(format!("handset.{number}.name"), &user.display);
    }
    text
}
