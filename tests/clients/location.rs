//! Emergency calls say where they come from: SIPp hears it behind kamailio, xmllint reads it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::audio::Tone;
use crate::baresip::Baresip;
use crate::kamailio::Kamailio;
use crate::phone::Phone;
use crate::process::{PATIENCE, until, until_true};
use crate::scene::Scene;
use crate::sipp::Sipp;
use crate::switch::{Options, Switch};

const DIALLING: &str = "[dialling]\nemergency = [\"9112\", \"9113\"]\n";

#[test]
fn an_emergency_call_brings_the_place_of_its_base_station_and_an_ordinary_one_does_not() {
    let scene = Scene::new("location");
    let centre = Sipp::writing_server(&scene, "centre", "locate");
    let kamailio = Kamailio::start(&scene, Some(centre.address));
    let switch = Switch::start(&scene, Options { more: DIALLING, ..Options::line(&kamailio, "udp") });
    switch.create_user("201");
    let mut handset = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    switch.wait_line("201");
    switch.wait_handset("201");
    let base = until("the base station is seen", PATIENCE, || {
        let bases = switch.rest("GET", "/base-stations", None);
        Some(bases["items"].as_array()?.first()?["id"].as_str()?.to_owned())
    });
    let place = json!({ "name": "Ward 3", "location": {
        "country": "DE", "city": "München", "street": "Marienplatz", "house_number": "8", "postcode": "80331",
        "building": "B & C", "floor": "2", "room": "217",
    }});
    let kept = switch.rest("PATCH", &format!("/base-stations/{}", base.replace('/', "%2F")), Some(&place));
    assert_eq!((&kept["name"], &kept["location"]["room"]), (&json!("Ward 3"), &json!("217")), "{kept}");

    // An ordinary call says nothing.
    handset.dial("9300");
    handset.wait_established();
    handset.hang_up();
    handset.wait_closed();
    let ordinary = centre.messages();
    assert!(ordinary.contains("INVITE sip:9300@") && !ordinary.contains("eolocation"), "{ordinary}");

    handset.dial("9112");
    handset.wait_established();
    handset.hang_up();
    handset.wait_closed();
    let heard = until("SIPp has written the emergency call", PATIENCE, || {
        let messages = centre.messages();
        let at = messages.find("INVITE sip:9112@")?;
        messages[at..].contains("</presence>").then(|| messages[at..].to_owned())
    });
    let document = judged(scene.path(), &heard);
    for said in ["<ca:FLR>2<", "<ca:ROOM>217<", "<ca:BLD>B &amp; C<", "entity=\"pres:201@"] {
        assert!(document.contains(said), "{said}: {document}");
    }
    assert!(heard.contains("Priority: emergency") && heard.contains("Geolocation-Routing: yes"), "{heard}");

    // A centre that takes no such body is called without it, at once.
    handset.dial("9113");
    handset.wait_established();
    handset.hang_up();
    handset.wait_closed();
    let (mut with, mut without) = (0, 0);
    until_true("both forms of the call are written", PATIENCE, || {
        let messages = centre.messages();
        let calls = messages.split("INVITE sip:9113@").skip(1);
        (with, without) = calls.fold((0, 0), |(with, without), call| {
            let head = call.split("\n\n").next().unwrap_or(call);
            match head.contains("multipart/mixed") {
                true => (with + 1, without),
                false => (with, without + 1),
            }
        });
        with > 0 && without > 0
    });
    switch.wait_idle();
}

/// The document that the INVITE's Geolocation points at, after xmllint has held it against the schemas.
fn judged(room: &Path, invite: &str) -> String {
    let head_of = |name: &str| {
        let line = invite.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {invite}")).trim()
    };
    let id = head_of("Geolocation:").trim_start_matches("<cid:").trim_end_matches('>');
    let at = invite.find(&format!("Content-ID: <{id}>")).expect("the part that the header names");
    let from = invite[at..].find("<?xml").map(|found| at + found).expect("a document");
    let end = invite[from..].find("</presence>").map(|found| from + found).expect("its end");
    let document = invite[from..end].to_owned() + "</presence>\n";
    let file = room.join("place.xml");
    fs::write(&file, &document).unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/pidf/presence.xsd");
    let judge =
        Command::new("xmllint").arg("--noout").arg("--schema").arg(schema).arg(&file).output().unwrap();
    assert!(judge.status.success(), "{}\n{document}", String::from_utf8_lossy(&judge.stderr));
    document
}
