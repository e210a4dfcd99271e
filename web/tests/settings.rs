//! Settings that change while the switch runs, as scripts for older servers and programs change them.
#![allow(clippy::unwrap_used)]

mod common;
mod desk;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Answer, Site, ask, send, site};
use desk::{ADMIN, LINK, TestDesk, VIEWER};
use serde_json::{Value, json};

const ON: &str = "/config/set?sip.media.rfc3489=true";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

async fn as_script(site: &Site, method: &str, path: &str) -> Answer {
    send(site, method, path, &[("authorization", &basic("admin", ADMIN))], "").await
}

/// What counts now, and whence.
async fn in_force(site: &Site) -> Value {
    let shown = ask(site, "GET", "/api/v1/settings", &[], "").await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    let shown = &shown.json()["items"][0];
    json!([shown["value"], shown["source"], shown["changed_by"]])
}

#[actix_web::test]
async fn a_script_of_the_old_server_switches_rfc3489_on_and_off() {
    let site = site(TestDesk::full()).await;
    assert_eq!(in_force(&site).await, json!([false, "configuration", null]));
    let set = as_script(&site, "GET", ON).await;
    assert_eq!((set.status, set.header("cache-control")), (200, "no-store"), "{}", set.body);
    let set = set.json();
    assert_eq!((&set["name"], &set["value"]), (&json!("media.rfc3489"), &json!(true)));
    assert_eq!(in_force(&site).await, json!([true, "run_time", "tests"]));
    assert_eq!(as_script(&site, "POST", "/config/set?media.rfc3489=false").await.status, 200);
    assert_eq!(in_force(&site).await, json!([false, "run_time", "tests"]));
    assert_eq!(as_script(&site, "GET", "/config/set?media.rfc3489=").await.status, 200);
    assert_eq!(in_force(&site).await, json!([false, "configuration", null]));
}

#[actix_web::test]
async fn an_api_token_does_as_well_if_it_may() {
    let site = site(TestDesk::full()).await;
    assert_eq!(ask(&site, "GET", ON, &[], "").await.status, 200);
    let viewer = format!("Bearer {VIEWER}");
    let refused =
        send(&site, "GET", "/config/set?media.rfc3489=false", &[("authorization", &viewer)], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "not_permitted"));
    assert_eq!(in_force(&site).await, json!([true, "run_time", "tests"]));
}

#[actix_web::test]
async fn who_is_no_administrator_is_refused_and_asked_for_a_password() {
    let site = site(TestDesk::full()).await;
    let colonless = format!("Basic {}", STANDARD.encode(ADMIN));
    let wrong = [
        String::new(),
        "Basic".into(),
        "Basic ???".into(),
        colonless,
        "Digest username=\"admin\"".into(),
        format!("Bearer {LINK}"),
        basic("admin", "ip6000"),
        // A token that is no administrator's, and the word of a log-in link, which opens a session only.
        basic("admin", VIEWER),
        basic("admin", LINK),
        basic(ADMIN, ""),
    ];
    for authorization in &wrong {
        let headers = [("authorization", authorization.as_str())];
        let headers = if authorization.is_empty() { &[][..] } else { &headers[..] };
        for method in ["GET", "POST"] {
            let refused = send(&site, method, ON, headers, "").await;
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (401, "not_authenticated"),
                "{authorization}"
            );
            let challenges = refused.headers.get_all("www-authenticate").map(|value| value.to_str().unwrap());
            assert!(challenges.into_iter().any(|one| one.starts_with("Basic realm=")), "{authorization}");
            assert!(!refused.body.contains("ip6000"), "{}", refused.body);
        }
    }
    assert_eq!(in_force(&site).await, json!([false, "configuration", null]));
}

#[actix_web::test]
async fn a_cookie_alone_changes_nothing_by_get_nor_a_password_for_another_site() {
    let site = site(TestDesk::full()).await;
    let word = json!({ "word": LINK }).to_string();
    let logged_in =
        send(&site, "POST", "/api/v1/session", &[("content-type", "application/json")], word).await;
    let cookie = logged_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let (cookie, here) = (("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin"));
    let elsewhere = ("sec-fetch-site", "cross-site");
    let proved = basic("admin", ADMIN);
    let proved = ("authorization", proved.as_str());

    for headers in [&[cookie][..], &[cookie, here]] {
        assert_eq!(send(&site, "GET", ON, headers, "").await.code(), "not_authenticated");
    }
    for headers in
        [&[cookie, elsewhere][..], &[proved, elsewhere], &[proved, ("origin", "https://evil.example")]]
    {
        for method in ["GET", "POST"] {
            assert_eq!(send(&site, method, ON, headers, "").await.code(), "cross_site");
        }
    }
    assert_eq!(send(&site, "POST", ON, &[cookie], "").await.code(), "cross_site");
    assert_eq!(in_force(&site).await, json!([false, "configuration", null]));
    // A browser is not asked for a password: it would keep it and send it with other sites' requests.
    let asked = send(&site, "GET", ON, &[cookie, here], "").await;
    assert!(asked.headers.get_all("www-authenticate").all(|one| !one.to_str().unwrap().starts_with("Basic")));
    assert_eq!(send(&site, "POST", ON, &[cookie, here], "").await.status, 200);
    assert_eq!(in_force(&site).await, json!([true, "run_time", "administrator"]));
}

#[actix_web::test]
async fn what_cannot_be_set_is_named() {
    let site = site(TestDesk::full()).await;
    for (query, pointer) in [("sip.domain=x", "/sip.domain"), ("media.rfc3489=yes", "/media.rfc3489")] {
        let refused = as_script(&site, "GET", &format!("/config/set?{query}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_fields"), "{query}");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    for query in ["", "?", "?media.rfc3489=true&media.rfc3489=false"] {
        let refused = as_script(&site, "GET", &format!("/config/set{query}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_request"), "{query}");
    }
    // Asking for the head of it changes nothing (RFC 9110 §9.2.1).
    for method in ["HEAD", "PUT", "DELETE"] {
        let refused = as_script(&site, method, ON).await;
        assert_eq!((refused.status, refused.header("allow")), (405, "GET, POST"), "{method}");
    }
    assert_eq!(in_force(&site).await, json!([false, "configuration", null]));
}
