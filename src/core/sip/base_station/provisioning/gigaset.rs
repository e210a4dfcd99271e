//! Gigaset: `<provisioning>` of N610, N670 and N870 (product "e2"), and the older `<ProviderFrame>` of N510.

use super::{Sheet, escape};
use crate::sip::Transport;

/// A manager of the Nx70 family: one provider, one account for each handset, all of them ready to subscribe.
pub fn manager(sheet: &Sheet) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<provisioning version=\"1.1\" productID=\"e2\">\n<nvm>\n",
    );
    let mut put = |name: &str, value: &str| {
        text.push_str(&format!("<param name=\"{name}\" value=\"{}\"/>\n", escape(value)));
    };
    // TransportProtocol: 1 UDP, 2 TCP, 3 TLS.
    let transport = match sheet.transport {
        Transport::Udp => "1",
        Transport::Tcp => "2",
        Transport::Tls => "3",
    };
    let port = sheet.port.to_string();
    let srtp = if sheet.srtp { "1" } else { "0" };
    for (name, value) in [
        ("Name", "Kirkwall"),
        ("Domain", sheet.domain.as_str()),
        ("ProxyServerAddress", &sheet.server),
        ("ProxyServerPort", &port),
        ("RegServerAddress", &sheet.server),
        ("RegServerPort", &port),
        ("RegServerRefreshTimer", "180"),
        ("OutboundProxyMode", "0"),
        ("OutboundProxyAddress", &sheet.server),
        ("OutboundProxyPort", &port),
        ("TransportProtocol", transport),
        ("UseSIPS", "0"),
        ("SRTP_Enabled", srtp),
        ("AcceptNonSRTPCalls", "1"),
        ("DnsQuery", "0"),
        ("MWISubscription", "1"),
        // A handset that is off or away is told, as far as the system knows it.
        ("WithDeregOnHsNotReachable", "1"),
    ] {
        put(&format!("SipProvider.0.{name}"), value);
    }
    // Transfer by the R key and on hook.
    put("Telephony.0.CT_ViaRKey", "1");
    put("Telephony.0.CT_ByOnHook", "1");
    for (at, user) in sheet.users.iter().enumerate() {
        // Handsets are counted from 1, in five digits.
        let number = format!("{:05}", at + 1);
        text.push_str(&format!(
            "<oper name=\"add_hs\" value=\"{number}\">\n<param name=\"hs.RegStatus\" value=\"ToReg\"/>\n</oper>\n"
        ));
        for (name, value) in [
            (format!("hs.{number}.DECT_AC"), user.access_code.0.as_str()),
            (format!("SipAccount.{number}.AuthName"), &user.username),
            (format!("SipAccount.{number}.AuthPassword"), &user.password.0),
            (format!("SipAccount.{number}.UserName"), &user.username),
            (format!("SipAccount.{number}.DisplayName"), &user.display),
            (format!("SipAccount.{number}.ProviderId"), "0"),
        ] {
            text.push_str(&format!("<param name=\"{name}\" value=\"{}\"/>\n", escape(value)));
        }
    }
    text + "</nvm>\n</provisioning>\n"
}

/// N510: six accounts, the first without a number in its settings; texts stand in quotes of their own.
pub fn n510(sheet: &Sheet) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ProviderFrame>\n<Provider>\n");
    text.push_str(&format!("<MAC_ADDRESS value=\"{}\"/>\n", sheet.mac.to_ascii_uppercase()));
    text.push_str("<PROFILE_NAME class=\"string\" value=\"Kirkwall\"/>\n");
    let mut put = |id: &str, value: &str| {
        text.push_str(&format!("<SYMB_ITEM ID=\"{id}\" class=\"symb_item\" value=\"{value}\"/>\n"));
    };
    let quoted = |value: &str| format!("&quot;{}&quot;", escape(value));
    let port = format!("0x{:x}", sheet.port);
    for (at, user) in sheet.users.iter().enumerate() {
        let (number, suffix) = (at + 1, if at == 0 { String::new() } else { format!("_{}", at + 1) });
        let mask = format!("0x{:x}", 1 << at);
        put(&format!("BS_Accounts.astAccounts[{at}].aucAccountName[0]"), &quoted(&user.display));
        // Each account rings its own handset, and no other.
        put(&format!("BS_Accounts.astAccounts[{at}].uiSendMask"), &mask);
        put(&format!("BS_Accounts.astAccounts[{at}].uiReceiveMask"), &mask);
        put(&format!("BS_IP_Data1.aucS_SIP_ACCOUNT_NAME_{number}"), &quoted(&user.display));
        for (name, value) in [
            ("BS_IP_Data1.aucS_SIP_DISPLAYNAME", &user.display),
            ("BS_IP_Data3.aucS_SIP_LOGIN_ID", &user.username),
            ("BS_IP_Data1.aucS_SIP_PASSWORD", &user.password.0),
            ("BS_IP_Data1.aucS_SIP_USER_ID", &user.username),
            ("BS_IP_Data1.aucS_SIP_DOMAIN", &sheet.domain),
            ("BS_IP_Data1.aucS_SIP_SERVER", &sheet.server),
            ("BS_IP_Data1.aucS_SIP_REGISTRAR", &sheet.server),
        ] {
            put(&format!("{name}{suffix}"), &quoted(value));
        }
        put(&format!("BS_IP_Data1.uiI_SIP_SERVER_PORT{suffix}"), &port);
        put(&format!("BS_IP_Data1.uiI_SIP_REGISTRAR_PORT{suffix}"), &port);
        put(&format!("BS_IP_Data1.ucB_SIP_ACCOUNT_IS_ACTIVE_{number}"), "0x1");
        put(&format!("BS_AE_Subscriber.stMtDat[{at}].aucTlnName"), &quoted(&user.username));
    }
    // Keys as RFC 4733; transfer by R and on hook.
    put("BS_IP_Data1.ucB_DTMF_TX_MODE_AUTO", "0");
    put("BS_IP_Data1.ucI_DTMF_TX_MODE_BITS", "2");
    put("BS_IP_Data1.ucB_CT_AFTER_ON_HOOK", "0x1");
    put("BS_IP_Data1.ucB_USE_R_KEY_FOR_CALL_TRANSFER", "0x1");
    text + "</Provider>\n</ProviderFrame>\n"
}
