//! The phone book from a real directory: OpenLDAP's slapd, later than us to speak, larger than a page, away.

use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::audio::Tone;
use crate::baresip::Baresip;
use crate::kamailio::Kamailio;
use crate::phone::{Ender, talk};
use crate::process::{PATIENCE, until};
use crate::rig::north;
use crate::samba::{self, Samba};
use crate::scene::Scene;
use crate::slapd::{BASE, PASSWORD, Person, READER, Slapd};
use crate::switch::{Options, Switch, south_password};

fn person(name: &str, office: &str) -> Person {
    Person {
        name: name.into(),
        department: "Ward 3".into(),
        office: office.into(),
        mobile: "+49 171 5550101".into(),
    }
}

/// The section of the configuration, with what a test wants otherwise.
fn section(uri: &str, password: &str, more: &str) -> Options {
    let text = format!(
        "[dialling]\ncountry_code = \"49\"\n[phone_book]\nuri = \"{uri}\"\nbase = \"{BASE}\"\nbind = \"{READER}\"\n\
         password = \"{password}\"\ndepartment_attributes = [\"departmentNumber\"]\n{more}\n"
    );
    Options { more: text.leak(), ..Options::default() }
}

/// The state of the directory once it was read, well or not.
fn tried(switch: &Switch) -> Value {
    until("the directory was tried", PATIENCE * 2, || {
        let state = switch.rest("GET", "/phone-book", None)["directory"].clone();
        (state["reading"] == false && state["tried_at"].is_string()).then_some(state)
    })
}

fn sync(switch: &Switch) -> Value {
    switch.rest("POST", "/phone-book/sync", None)["directory"].clone()
}

fn found(switch: &Switch, query: &str) -> Vec<String> {
    let page = switch.rest("GET", &format!("/phone-book/entries?q={query}"), None);
    let names = page["items"].as_array().unwrap().iter();
    names.map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn ten_thousand_entries_come_in_pages_over_ldaps_and_are_found_by_name_key_and_number() {
    let scene = Scene::new("directory");
    let mut people: Vec<_> = (0..9_998)
        .map(|n| person(&format!("Person {n:04}"), &format!("+49 30 {:07}", 2_000_000 + n)))
        .collect();
    people.push(person("Zoë Öztürk", "+49 30 1234567"));
    people.push(person("Łukasz Dvořák", "+49 30 7654321"));
    // More than one page, and more than the limit of an answer without pages.
    let slapd = Slapd::start(&scene, &people, 20_000);
    let mut switch = Switch::start(&scene, section(&slapd.ldaps(), PASSWORD, ""));
    let state = tried(&switch);
    assert_eq!(
        (state["entries"].as_u64(), &state["fault"], &state["warning"]),
        (Some(10_000), &Value::Null, &Value::Null),
        "{state}"
    );
    assert_eq!(found(&switch, "ozt"), ["Zoë Öztürk"]);
    assert_eq!(found(&switch, "dvorak"), ["Łukasz Dvořák"]);
    assert_eq!(found(&switch, "96306988"), ["Zoë Öztürk"], "zoe ozt on a keypad");
    assert_eq!(found(&switch, "0301234567"), ["Zoë Öztürk"]);
    assert_eq!(found(&switch, "person").len(), 100);
    let mut times: Vec<_> = (0..200)
        .map(|n| {
            let start = Instant::now();
            assert_eq!(found(&switch, &format!("{:04}", n * 37)).len(), 1);
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("search by REST among 10,000: p99 {:?}, median {:?}", times[197], times[100]);
    // Read again, nothing has changed.
    let again = sync(&switch);
    assert_eq!(again["entries"], 10_000);
    switch.assert_alive();
}

#[test]
fn a_directory_that_goes_is_served_from_the_last_copy_also_after_kill_9_and_read_when_it_is_back() {
    let scene = Scene::new("directory-away");
    let mut slapd = Slapd::start(&scene, &[person("Zoë Öztürk", "+49 30 1234567")], 500);
    // StartTLS this time.
    let mut switch = Switch::start(&scene, section(&slapd.ldap(), PASSWORD, ""));
    assert_eq!(tried(&switch)["fault"], Value::Null);
    slapd.stop();
    let state = sync(&switch);
    assert!(state["fault"].as_str().unwrap().contains("not reached"), "{state}");
    assert_eq!(found(&switch, "zoe"), ["Zoë Öztürk"]);
    switch.kill();
    switch.start_again();
    assert_eq!(found(&switch, "zoe"), ["Zoë Öztürk"]);
    assert!(tried(&switch)["fault"].is_string());
    slapd.start_again();
    let state = sync(&switch);
    assert_eq!((&state["fault"], state["entries"].as_u64()), (&Value::Null, Some(1)), "{state}");
    switch.assert_alive();
}

#[test]
fn what_is_wrong_with_a_directory_is_said_in_words() {
    let scene = Scene::new("directory-faults");
    let people: Vec<_> =
        (0..40).map(|n| person(&format!("Person {n}"), &format!("+49 30 12345{n:02}"))).collect();
    let mut slapd = Slapd::start(&scene, &people, 500);
    let fault = |options: Options, words: &str| {
        let mut switch = Switch::start(&scene, options);
        let state = tried(&switch);
        let said = state["fault"].as_str().unwrap_or_default().to_owned();
        assert!(said.contains(words), "{words:?} is not in {state}");
        assert!(!switch.output().contains(PASSWORD), "the password is in the log");
        switch.assert_alive();
        switch.kill();
    };
    let uri = slapd.ldaps();
    fault(section(&uri, "wrong", ""), "name or password is wrong; correct phone_book.bind");
    let base = format!("ou=Nobody,{BASE}");
    let elsewhere = |text: &str| Options {
        more: section(&uri, PASSWORD, "").more.replace(&format!("base = \"{BASE}\""), text).leak(),
        ..Options::default()
    };
    fault(elsewhere(&format!("base = \"{base}\"")), "does not exist there");
    fault(elsewhere("base = \"nonsense\""), "is no distinguished name");
    let stranger = crate::authority::Authority::new(&scene.room("stranger")).file();
    let ca = format!("ca = \"{}\"", stranger.display());
    fault(section(&uri, PASSWORD, &ca), "no encryption: the peer's certificate");
    fault(section(&uri, PASSWORD, "filter = \"(cn=nobody)\""), "gives no entry");
    slapd.limit(&scene, 10);
    let switch = Switch::start(&scene, section(&uri, PASSWORD, ""));
    let state = tried(&switch);
    assert_eq!(state["entries"], 10, "{state}");
    assert!(state["warning"].as_str().unwrap().contains("size limit"), "{state}");
}

#[test]
fn local_entries_stand_beside_those_of_the_directory() {
    let scene = Scene::new("directory-local");
    let slapd = Slapd::start(&scene, &[person("Anna Beck", "+49 30 1234567")], 500);
    let switch = Switch::start(&scene, section(&slapd.ldaps(), PASSWORD, ""));
    tried(&switch);
    let made = switch.rest(
        "POST",
        "/phone-book/entries",
        Some(&json!({"name": "Änna, Porter", "internal": ["4711"]})),
    );
    assert_eq!((&made["source"], &made["numbers"][0]["dial"]), (&json!("local"), &json!("4711")), "{made}");
    assert_eq!(found(&switch, "anna"), ["Anna Beck", "Änna, Porter"]);
    assert_eq!(found(&switch, "4711"), ["Änna, Porter"]);
}

#[test]
fn active_directory_is_read_and_says_why_a_bind_is_refused() {
    let scene = Scene::new("directory-samba");
    let people = [
        ("Zoë Öztürk", "department: Stores\ntelephoneNumber: +49 30 1234567\nipPhone: 4711\n"),
        ("Anna Beck", "department: Radiology\nmobile: +49 171 5550101\n"),
        ("No Number", "department: Stores\n"),
    ];
    let _samba = Samba::start(&scene, &people);
    let options = |password: &str| {
        let text = format!(
            "[phone_book]\nuri = \"{}\"\nbase = \"{}\"\nbind = \"{}\"\npassword = \"{password}\"\n\
             filter = \"(&(objectCategory=person)(|(telephoneNumber=*)(mobile=*)(ipPhone=*)))\"\n",
            samba::LDAPS,
            samba::BASE,
            samba::READER
        );
        Options { more: text.leak(), ..Options::default() }
    };
    let mut switch = Switch::start(&scene, options(samba::PASSWORD));
    let state = tried(&switch);
    assert_eq!((&state["fault"], state["entries"].as_u64()), (&Value::Null, Some(2)), "{state}");
    assert_eq!(found(&switch, "ozt"), ["Zoë Öztürk"]);
    let entry = &switch.rest("GET", "/phone-book/entries?q=4711", None)["items"][0];
    assert_eq!(
        (&entry["department"], &entry["numbers"][0]["kind"]),
        (&json!("Stores"), &json!("internal")),
        "{entry}"
    );
    switch.kill();
    drop(switch);
    let switch = Switch::start(&scene, options("wrong"));
    let state = tried(&switch);
    assert!(state["fault"].as_str().unwrap().contains("name or password is wrong"), "{state}");
}

#[test]
fn a_caller_without_a_name_is_shown_with_that_of_the_phone_book() {
    let scene = Scene::new("directory-caller");
    let kamailio = Kamailio::start(&scene, None);
    let switch = Switch::start(&scene, Options::line(&kamailio, "tls"));
    switch.create_user("201");
    switch.rest("POST", "/phone-book/entries", Some(&json!({"name": "Öberin Änne", "office": ["301"]})));
    let mut anna = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let mut bob = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(1)));
    switch.wait_line("201");
    talk(&mut bob, &mut anna, Ender::Caller);
    switch.wait_idle();
    let call = switch.last_call();
    assert_eq!(call["caller"]["display"], "Öberin Änne", "{call}");
    let said =
        switch.rest("GET", &format!("/calls/{}/ladder?format=json", call["id"].as_str().unwrap()), None);
    assert!(said.to_string().contains("\\\"Öberin Änne\\\" <sip:301@"), "From towards the handset: {said}");
}

#[test]
fn a_base_station_fetches_the_phone_book_by_digest() {
    let scene = Scene::new("directory-base");
    let switch = Switch::start(&scene, Options::default());
    switch.create_user("201");
    switch.rest("POST", "/phone-book/entries", Some(&json!({"name": "Öberin Änne", "internal": ["4711"]})));
    let fetch = |password: &str, path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--digest", "-w", "%{http_code}", "--cacert"]).arg(scene.authority.file());
        curl.args([
            "-u",
            &format!("201:{password}"),
            &format!("https://{}/phone-books/{path}", switch.bound().web),
        ]);
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    };
    let password = south_password("201");
    for (path, words) in [
        ("gigaset?command=get_list&type=pb&hm=4711", "<ln>Öberin Änne</ln><hm>4711</hm>"),
        ("yealink.xml?q=ober", "<Name>Öberin Änne</Name><Telephone label=\"Internal\">4711</Telephone>"),
        ("snom.xml", "<Name>Öberin Änne</Name><Telephone>4711</Telephone>"),
    ] {
        let answer = fetch(&password, path);
        assert!(answer.contains(words) && answer.ends_with("200"), "{path}: {answer}");
    }
    let refused = fetch("wrong", "snom.xml");
    assert!(refused.ends_with("401") && !refused.contains("4711"), "{refused}");
}
