//! What a person reads when a file is wrong.

use super::*;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let environment = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::read("kirkwall.toml", text, environment)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn faults(text: &str) -> Vec<String> {
    read(text, &[]).expect_err("the text is wrong")
}

#[test]
fn an_empty_file_gives_the_defaults_of_the_contract() {
    let config = read("", &[]).unwrap();
    assert_eq!(config.web.listen.to_string(), "0.0.0.0:8443");
    assert_eq!(config.ops.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(config.sip.transport, Transport::Tls);
    assert_eq!(config.sip.registration_expires.as_secs(), 300);
    assert_eq!(config.sip.north.listen_tls, Listener::on(5061));
    assert_eq!(config.media.ports, PortRange { first: 30_000, last: 39_999 });
    assert_eq!(config.base_link.listen, Listener::on(14_700));
    assert_eq!(config.capacity.media(), (1_000, 1_000));
}

#[test]
fn every_line_of_the_contract_is_read() {
    let text = r#"
        [node]
        fqdn = "dect1.example.com"
        [web]
        listen = "127.0.0.1:0"
        [sip]
        domain = "example.com"
        transport = "tcp"
        dns_method = "srv"
        proxies = ["sba.example.com:5061", "pool.example.com", "[2001:db8::1]:5061", "192.0.2.1"]
        internal_routing = "first"
        [sip.north]
        listen_udp = "0.0.0.0:5070"
        listen_tls = "off"
        [sip.south]
        tls = "0.0.0.0:5062"
        realm = "example.com"
        [media]
        address = "192.0.2.7"
        ports = "40000-40099"
        srtp = "off"
        codecs = ["PCMU"]
        [capacity]
        profile = "kws6500"
    "#;
    let config = read(text, &[]).unwrap();
    assert_eq!(config.node.fqdn.unwrap().as_str(), "dect1.example.com");
    let proxies: Vec<_> = config.sip.proxies.iter().map(|p| (p.host.as_str(), p.port)).collect();
    assert_eq!(
        proxies,
        [
            ("sba.example.com", Some(5061)),
            ("pool.example.com", None),
            ("2001:db8::1", Some(5061)),
            ("192.0.2.1", None)
        ]
    );
    assert_eq!(config.sip.north.listen_tls, Listener::OFF);
    assert_eq!(config.media.codecs, [Codec::Pcmu]);
    assert_eq!((config.capacity.media(), config.capacity.base()), ((32, 16), (11, 6)));
}

#[test]
fn all_faults_are_told_at_once_with_line_field_and_mend() {
    let text = "[sip]\ntransport = \"tsl\"\ndomian = \"example.com\"\ngruu = \"yes\"\n\n[media]\nports = \"30001-30100\"\n\n[sipp]\na = 1\n";
    assert_eq!(
        faults(text),
        [
            r#"kirkwall.toml:2: sip.transport: "tsl" is not a transport; use "tls", "tcp" or "udp""#,
            "kirkwall.toml:3: sip.domian: there is no such key; did you mean sip.domain?",
            "kirkwall.toml:4: sip.gruu: must be true or false without quotes, not a text",
            r#"kirkwall.toml:7: media.ports: "30001-30100" begins with an odd port; RTP needs an even one, begin with 30000"#,
            "kirkwall.toml:9: sipp: there is no such key; did you mean sip?",
        ]
    );
}

#[test]
fn a_key_in_the_wrong_section_is_shown_its_place() {
    assert_eq!(
        faults("[sip]\nsrtp = \"off\"\n"),
        ["kirkwall.toml:2: sip.srtp: there is no such key; did you mean media.srtp?"]
    );
    assert_eq!(
        faults("sip = 1\n"),
        ["kirkwall.toml:1: sip: is a section, not a key; write [sip] on a line of its own"]
    );
}

#[test]
fn broken_toml_names_its_line_and_the_rest_is_still_checked() {
    let faults = faults("[sip]\ndomain = \n[media]\nsrtp = \"maybe\"\n");
    assert!(faults[0].starts_with("kirkwall.toml:2: "), "{faults:?}");
    assert!(
        faults.iter().any(|fault| fault.starts_with("kirkwall.toml:4: media.srtp: \"maybe\"")),
        "{faults:?}"
    );
}

#[test]
fn the_environment_wins_and_is_named_when_wrong() {
    let config = read(
        "[sip]\ndomain = \"a.test\"\n",
        &[
            ("KIRKWALL__SIP__DOMAIN", "b.test"),
            ("KIRKWALL__SIP__PROXIES", "c.test:5061, d.test"),
            ("KIRKWALL__SIP__NORTH__LISTEN_TLS", "off"),
            ("KIRKWALL__MEDIA__ICE", "false"),
            ("KIRKWALL_NODE_KEY_FILE", "/not/ours"),
        ],
    )
    .unwrap();
    assert_eq!(config.sip.domain.unwrap().as_str(), "b.test");
    assert_eq!(config.sip.proxies.len(), 2);
    assert!(!config.media.ice);
    let faults =
        read("", &[("KIRKWALL__SIP__TRANSPORT", "tsl"), ("KIRKWALL__SIP__DOMIAN", "x")]).unwrap_err();
    assert_eq!(
        faults,
        [
            "KIRKWALL__SIP__DOMIAN: sip.domian: there is no such key; did you mean sip.domain?",
            r#"KIRKWALL__SIP__TRANSPORT: sip.transport: "tsl" is not a transport; use "tls", "tcp" or "udp""#,
        ]
    );
}

#[test]
fn a_secret_comes_from_a_file_and_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "hunter2\n").unwrap();
    let path = path.to_str().unwrap();
    let config = read("", &[("KIRKWALL__PHONE_BOOK__PASSWORD_FILE", path)]).unwrap();
    assert_eq!(config.phone_book.password.0, "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
    let faults = read("", &[("KIRKWALL__PHONE_BOOK__PASSWORD_FILE", "/nowhere/x")]).unwrap_err();
    assert!(faults[0].starts_with("KIRKWALL__PHONE_BOOK__PASSWORD_FILE: phone_book.password: /nowhere/x: "));
}

#[test]
fn what_does_not_fit_together_is_told() {
    let clash = faults("[sip.south]\ntls = \"127.0.0.1:5061\"\n");
    assert_eq!(
        clash,
        [
            "kirkwall.toml:2: sip.south.tls: 127.0.0.1:5061 is taken by sip.north.listen_tls (0.0.0.0:5061); choose another port"
        ]
    );
    let cases = [
        ("[lync]\nenabled = true\ntrusted_server = true\n", "kirkwall.toml:3: lync.trusted_server: "),
        ("[sip]\ntransport = \"udp\"\nuse_sips_uri = true\n", "kirkwall.toml:3: sip.use_sips_uri: "),
        ("[sip]\ncertificate = \"/nowhere/x.pem\"\n", "kirkwall.toml:2: sip.certificate: "),
        ("[media]\ncodecs = []\n", "kirkwall.toml:2: media.codecs: "),
        ("[media]\ncodecs = [\"PCMA\", \"PCMA\"]\n", "kirkwall.toml:2: media.codecs: PCMA "),
        ("[media]\nports = \"30000-30002\"\n", "kirkwall.toml:2: media.ports: "),
        ("[media]\nports = \"5000-5999\"\n", "kirkwall.toml: sip.south.udp: port 5060 "),
        ("[media]\ndscp = 64\n", "kirkwall.toml:2: media.dscp: "),
        (
            "[capacity]\nmedia_channels = 4\nmedia_channels_srtp = 5\n",
            "kirkwall.toml:3: capacity.media_channels_srtp: ",
        ),
        ("[sip]\nproxies = [\"256.1.1.1\"]\ndomain = \"a.test\"\n", "kirkwall.toml:2: sip.proxies: "),
        ("[sip]\nregistration_expires = 5\n", "kirkwall.toml:2: sip.registration_expires: "),
    ];
    for (text, start) in cases {
        let faults = faults(text);
        assert!(faults.iter().any(|fault| fault.starts_with(start)), "{text}: {faults:?}");
    }
}

#[test]
fn tls_without_proxies_and_srtp_with_codecs_are_fine() {
    assert!(read("[sip]\ntransport = \"tls\"\n[media]\nsrtp = \"required\"\n", &[]).is_ok());
}

#[test]
fn every_key_has_help() {
    let keys = Config::keys();
    assert!(keys.len() > 50);
    assert!(keys.iter().all(|key| !key.help.trim().is_empty()));
}
