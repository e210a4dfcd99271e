//! The pages in an administrator's browser: what is typed and clicked there happens to real telephones, and what
//! happens to telephones shows there by itself.

use std::path::Path;

use serde_json::json;

use crate::audio::Tone;
use crate::baresip::{Account, Baresip};
use crate::chromium::Chromium;
use crate::kamailio::{Kamailio, north_password};
use crate::native::{NATIVE, on_the_air};
use crate::phone::Phone;
use crate::rig::north;
use crate::scene::Scene;
use crate::switch::{Options, Switch, south_password};

#[test]
fn an_administrator_adds_a_user_watches_the_call_and_hangs_it_up() {
    let scene = Scene::new("pages");
    let kamailio = Kamailio::start(&scene, None);
    let switch = Switch::start(&scene, Options::line(&kamailio, "udp"));
    let browser = Chromium::start(&scene, switch.bound().web);
    log_in(&browser, &switch);

    browser.open("/users/add");
    browser.type_in("username", "201");
    browser.type_in("display_name", "Anna Moss");
    browser.type_in("south_password", &south_password("201"));
    browser.type_in("auth_password", &north_password("201"));
    browser.press("Add user");
    browser.wait_shown("main", "Anna Moss");
    switch.wait_line("201");

    browser.open("/handsets");
    let mut anna = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    browser.wait_shown("#handsets", "Anna Moss");
    browser.wait_shown("#handsets", "baresip");
    browser.open("/calls");
    let mut bob = Baresip::start(&scene, north(&kamailio, "301", "udp", Tone::number(1)));
    anna.dial("301");
    anna.wait_established();
    bob.wait_established();
    browser.wait_shown("#calls", "301");
    browser.click("#calls a");
    browser.wait_shown("#ladder", "INVITE");
    browser.press("Hang up");
    anna.wait_closed();
    bob.wait_closed();
    browser.open("/calls?state=ended");
    browser.wait_shown("main", "301");
    assert_eq!(browser.console(), Vec::<String>::new(), "the console is quiet");
    switch.wait_idle();
}

/// Everything that an administrator sees, of a switch that has something to show and of one that is new.
#[test]
fn every_page_fits_a_telephone_and_a_desk_in_light_and_dark() {
    let scene = Scene::new("pages-fit");
    let kamailio = Kamailio::start(&scene, None);
    let more = "[dect]\nari = \"102AF12C\"\n";
    let switch = Switch::start(&scene, Options { more, ..Options::line(&kamailio, "udp") });
    let browser = Chromium::start(&scene, switch.bound().web);
    log_in(&browser, &switch);
    let empty = linked(&browser);
    look_at_all(&browser, &empty, "empty");

    switch.create_user("201");
    switch.rest("POST", "/rooms", Some(&json!({ "name": "8001" })));
    let entry = json!({ "name": "A name as long as the book allows, Cardiology", "mobile": ["+4512345678"] });
    switch.rest("POST", "/phone-book/entries", Some(&entry));
    let mut anna = Baresip::start(&scene, switch.handset("201", "udp", Tone::number(0)));
    let account = Account { answers: true, ..north(&kamailio, "301", "udp", Tone::number(1)) };
    let mut bob = Baresip::start(&scene, account);
    switch.wait_line("201");
    anna.dial("301");
    anna.wait_established();
    bob.wait_established();
    switch.create_user(NATIVE);
    let air = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (base, _handset) = air.block_on(on_the_air(&switch, false));
    let full = linked(&browser);
    for kind in
        ["/calls/", "/user/", "/rooms/", "/base-station/", "/native-base-station/", "/phone-book/entry/"]
    {
        assert!(full.iter().any(|page| page.starts_with(kind)), "one of {kind} is linked: {full:?}");
    }
    look_at_all(&browser, &full, "full");

    let id = switch.rest("GET", "/native-base-stations", None)["items"][0]["id"].as_str().unwrap().to_owned();
    browser.open("/native-base-stations");
    switch.rest("PATCH", &format!("/native-base-stations/{id}"), Some(&json!({ "duty": "draining" })));
    browser.wait_shown("#native-bases", "draining");
    air.block_on(base.stop());
}

fn log_in(browser: &Chromium, switch: &Switch) {
    browser.open("/users/add");
    assert_eq!(browser.path(), "/login", "who is not logged in sees no page");
    browser.type_in("word", switch.token());
    browser.press("Log in");
    browser.wait_shown("nav", "Users");
    assert_eq!(browser.path(), "/users/add", "the page that was asked for");
}

/// Every page that can be come to by links from the first.
fn linked(browser: &Chromium) -> Vec<String> {
    const LINKS: &str = "return [...document.querySelectorAll('a[href]:not([download])')] \
        .map(a => new URL(a.getAttribute('href'), location)).filter(to => to.origin == location.origin) \
        .map(to => to.pathname + to.search)";
    let mut pages = vec!["/".to_owned()];
    let mut at = 0;
    while at < pages.len() {
        browser.open(&pages[at]);
        let links = browser.ask(LINKS);
        for link in links.as_array().into_iter().flatten().filter_map(|link| link.as_str()) {
            // One page of advice is like another, and each problem has one.
            let alike = link.starts_with("/help/problems/")
                && pages.iter().any(|page| page.starts_with("/help/problems/"));
            let file = ["/api/", "/static/", "/logout"].iter().any(|start| link.starts_with(start))
                || link.ends_with("/export")
                || link.ends_with("/capture");
            if !file && !alike && !pages.iter().any(|page| page == link) {
                pages.push(link.to_owned());
            }
        }
        assert!(pages.len() < 200, "pages without end: {pages:?}");
        at += 1;
    }
    pages
}

fn look_at_all(browser: &Chromium, pages: &[String], kind: &str) {
    for page in pages {
        browser.open(page);
        for (width, dark) in [(360, false), (360, true), (1_400, false), (1_400, true)] {
            browser.shape(width, dark);
            keep(browser, page, width, dark, kind);
            let seen = browser.ask(
                "return [document.documentElement.scrollWidth, innerWidth, \
                 matchMedia('(prefers-color-scheme: dark)').matches, \
                 getComputedStyle(document.body).backgroundColor, document.querySelector('h1')?.innerText || '', \
                 [...document.querySelectorAll('body *:not(th)')].filter(e => e.getBoundingClientRect().right > innerWidth) \
                 .slice(-1).map(e => e.outerHTML.slice(0, 300))]",
            );
            let (wide, window) = (seen[0].as_u64().unwrap(), seen[1].as_u64().unwrap());
            assert!(wide <= window, "{page} at {width}, {kind}: {wide} of {window} pixels: {}", seen[5]);
            let ground = if dark { "rgb(20, 23, 27)" } else { "rgb(246, 247, 249)" };
            assert_eq!((&seen[2], &seen[3]), (&json!(dark), &json!(ground)), "{page}");
            assert_ne!(seen[4], "", "{page} has a heading");
        }
        assert_eq!(browser.console(), Vec::<String>::new(), "the console of {page}, {kind}");
    }
    println!("{} pages, {kind}", pages.len());
}

/// `KIRKWALL_SCREENSHOTS=FOLDER` keeps the pictures.
fn keep(browser: &Chromium, page: &str, width: u32, dark: bool, kind: &str) {
    if let Some(folder) = std::env::var_os("KIRKWALL_SCREENSHOTS") {
        let name: String = page.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let name = format!("{kind}{name}-{width}-{}.png", if dark { "dark" } else { "light" });
        std::fs::write(Path::new(&folder).join(name), browser.picture()).unwrap();
        browser.shape(width, dark);
    }
}
