//! Snom (RTX): `<settings><phone-settings>`, a server and one account for each handset.

use super::{Sheet, escape};
use crate::sip::Transport;

/// Server 1 and the accounts, each with the handset of its number.
pub fn file(sheet: &Sheet) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<settings>\n<phone-settings>\n");
    let mut put = |name: &str, number: usize, value: &str| {
        text.push_str(&format!("<{name} idx=\"{number}\">{}</{name}>\n", escape(value)));
    };
    // The way there as a parameter of the outbound proxy; the domain need not be in anybody's DNS.
    let way = match sheet.transport {
        Transport::Udp => "",
        Transport::Tcp => ";transport=tcp",
        Transport::Tls => ";transport=tls",
    };
    put("srv_sip_server_alias", 1, "Kirkwall");
    put("user_host", 1, &sheet.domain);
    put("user_outbound", 1, &format!("{}:{}{way}", sheet.server, sheet.port));
    put("srv_srtp_auth", 1, "off");
    put("user_srtp", 1, if sheet.srtp { "on" } else { "off" });
    for (at, user) in sheet.users.iter().enumerate() {
        let number = at + 1;
        let index = number.to_string();
        for (name, value) in [
            ("user_active", "on"),
            ("user_name", user.username.as_str()),
            ("user_pname", &user.username),
            ("user_pass", &user.password.0),
            ("user_realname", &user.display),
            ("subscr_sip_line_name", &user.display),
            ("subscr_sip_hs_idx", &index),
            ("subscr_dect_ac_code", &user.access_code.0),
            ("subscr_sip_ua_data_server_id", "1"),
        ] {
            put(name, number, value);
        }
    }
    text + "</phone-settings>\n</settings>\n"
}
