//! A new SIP-DECT base station: SIPp asks as a Snom does, curl fetches as it would, xmllint reads the file.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{free_port, until_true};
use crate::scene::Scene;
use crate::sipp::{Load, Sipp};
use crate::switch::{Options, Switch};

const SNOM: &str = "000413604012";

/// What curl gets from that address of ours: status and body.
fn fetch(switch: &Switch, from: &str, file: &str) -> (String, String) {
    let url = format!("https://127.0.0.1:{}/provisioning/{file}", switch.bound().web.port());
    let curl = Command::new("curl").args(["-sk", "--interface", from, "-w", "\n%{http_code}", &url]).output();
    let Output { stdout, .. } = curl.unwrap();
    let text = String::from_utf8(stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.to_owned(), body.to_owned())
}

fn window(switch: &Switch, mac: &str) -> Value {
    let all = switch.rest("GET", "/provisioning", None);
    all["windows"].as_array().unwrap().iter().find(|window| window["mac"] == mac).unwrap().clone()
}

#[test]
fn a_new_snom_needs_its_mac_and_nothing_else() {
    let scene = Scene::new("provisioning");
    let switch = Switch::start(&scene, Options::default());
    switch.create_user("201");
    switch.create_user("202");
    assert_eq!(fetch(&switch, "127.0.0.1", &format!("snomM700-{SNOM}.htm")).0, "404", "no window is open");
    let open = json!({ "mac": "00:04:13:60:40:12", "make": "snom", "minutes": 5 });
    let opened = switch.rest("POST", "/provisioning", Some(&open));
    assert_eq!((&opened["state"], &opened["users"]), (&json!("waiting"), &json!(["201", "202"])), "{opened}");
    // Whoever names the MAC is not yet the machine.
    assert_eq!(fetch(&switch, "127.0.0.1", &format!("snom-{SNOM}.htm")).0, "404");
    let refused = window(&switch, SNOM)["refused"].as_str().unwrap().to_owned();
    assert!(refused.starts_with("127.0.0.1 asked"), "{refused}");

    let load = Load { calls: 1, per_second: 1, at_once: 1, talk_ms: 0 };
    let mut base =
        Sipp::client(&scene, "base", "plug", switch.bound().udp, free_port(), &[SNOM.to_owned()], load);
    assert_eq!(base.wait(Duration::from_secs(30)).successful, 1);
    until_true("the base station is heard", Duration::from_secs(10), || {
        window(&switch, SNOM)["address"] == "127.0.0.1"
    });
    let seen = switch.rest("GET", "/provisioning", None)["seen"][0].clone();
    assert_eq!((&seen["mac"], &seen["make"]), (&json!(SNOM), &json!("snom")));
    // A neighbour in the same minutes gets nothing.
    assert_eq!(fetch(&switch, "127.0.0.2", &format!("snom-{SNOM}.htm")).0, "404");

    let (status, file) = fetch(&switch, "127.0.0.1", &format!("snom-{SNOM}.htm"));
    assert_eq!(status, "200");
    assert_well_formed(&scene, &file);
    for wanted in
        ["<user_name idx=\"1\">201<", "<user_pass idx=\"2\">south-202<", "hospital.test", "127.0.0.1:"]
    {
        assert!(file.contains(wanted), "{wanted}: {file}");
    }
    assert_eq!(fetch(&switch, "127.0.0.1", &format!("snom-{SNOM}.htm")).0, "404", "once");
    assert_eq!(window(&switch, SNOM)["state"], "fetched");
    assert!(!switch.output().contains("south-202"), "no password stands in the log");
}

#[test]
fn files_of_gigaset_are_well_formed_and_a_base_behind_a_router_is_named_by_its_address() {
    let scene = Scene::new("gigaset");
    let switch = Switch::start(&scene, Options::default());
    switch.create_user("201");
    switch.change_user("201", &json!({ "display_name": "Anna <Berg> & \"Co\"" }));
    for (mac, make, file) in [
        ("7c2f80abcdef", "gigaset", "7C2F80ABCDEF.xml"),
        ("7c2f80abcdee", "gigaset-n510", "7c2f80abcdee.xml"),
        ("805ec0d9c744", "yealink", "805ec0d9c744.cfg"),
    ] {
        let open = json!({ "mac": mac, "make": make, "users": ["201"], "address": "127.0.0.3" });
        switch.rest("POST", "/provisioning", Some(&open));
        assert_eq!(fetch(&switch, "127.0.0.1", file).0, "404", "{make}");
        let (status, text) = fetch(&switch, "127.0.0.3", file);
        assert_eq!(status, "200", "{make}");
        assert!(text.contains("south-201"), "{make}: {text}");
        match make {
            "yealink" => assert!(text.starts_with("#!version:1.0.0.1\n"), "{text}"),
            _ => assert_well_formed(&scene, &text),
        }
    }
}

fn assert_well_formed(scene: &Scene, text: &str) {
    let file = scene.path().join("settings.xml");
    std::fs::write(&file, text).unwrap();
    let judge = Command::new("xmllint").arg("--noout").arg(&file).output().unwrap();
    assert!(judge.status.success(), "{}\n{text}", String::from_utf8_lossy(&judge.stderr));
}
