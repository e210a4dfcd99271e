//! Every REST operation, and the ways it fails.
#![allow(clippy::unwrap_used)]

mod common;
mod desk;

use common::{ask, send, site};
use desk::{TestDesk, VIEWER};
use kirkwall_web::rest_routes;
use serde_json::json;

const USERS: &str = "/api/v1/users";

#[actix_web::test]
async fn a_user_is_made_read_changed_and_deleted() {
    let site = site(TestDesk::full()).await;
    let body = r#"{"username":"5000","display_name":"Eva","auth_password":"s3cret","enabled":false}"#;
    let made = ask(&site, "POST", USERS, &[], body).await;
    assert_eq!((made.status, made.header("location")), (201, "/api/v1/users/5000"));
    assert_eq!(made.json()["auth_password"], json!({"set": true}));
    assert!(!made.body.contains("s3cret"));

    let seen = ask(&site, "GET", "/api/v1/users/5000", &[], "").await;
    assert_eq!((seen.status, seen.header("etag")), (200, made.header("etag")));
    let if_match = [("if-match", seen.header("etag"))];
    let changed = ask(&site, "PATCH", "/api/v1/users/5000", &if_match, r#"{"auth_password":null}"#).await;
    assert_eq!((changed.status, &changed.json()["auth_password"]), (200, &json!({"set": false})));
    assert_eq!(changed.json()["display_name"], "Eva");
    assert_ne!(changed.header("etag"), seen.header("etag"));

    let gone = ask(&site, "DELETE", "/api/v1/users/5000", &[("if-match", changed.header("etag"))], "").await;
    assert_eq!(gone.status, 204);
    assert_eq!(ask(&site, "GET", "/api/v1/users/5000", &[], "").await.code(), "not_found");
}

#[actix_web::test]
async fn a_user_sent_back_as_it_was_shown_stays_as_it_is() {
    let site = site(TestDesk::full()).await;
    let seen = ask(&site, "GET", "/api/v1/users/4711", &[], "").await;
    let put = ask(&site, "PUT", "/api/v1/users/4711", &[("if-match", "*")], &seen.body).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let (mut before, mut after) = (seen.json(), put.json());
    before["revision"].take();
    after["revision"].take();
    assert_eq!(before, after);
}

#[actix_web::test]
async fn put_resets_what_is_absent_but_keeps_secrets() {
    let site = site(TestDesk::full()).await;
    let any = [("if-match", "*")];
    ask(&site, "PATCH", "/api/v1/users/4711", &any, r#"{"access_code":"1234"}"#).await;
    let put = ask(&site, "PUT", "/api/v1/users/4711", &any, r#"{"standby_text":"Ward 3"}"#).await;
    let user = put.json();
    assert_eq!((&user["display_name"], &user["standby_text"]), (&json!(""), &json!("Ward 3")));
    assert_eq!((&user["access_code"], &user["ipei"]), (&json!({"set": true}), &json!(null)));
}

#[actix_web::test]
async fn a_change_needs_the_present_etag() {
    let site = site(TestDesk::full()).await;
    for (method, body) in [("PUT", "{}"), ("PATCH", "{}"), ("DELETE", "")] {
        let bare = ask(&site, method, "/api/v1/users/4711", &[], body).await;
        assert_eq!((bare.status, bare.code().as_str()), (428, "precondition_required"), "{method}");
        let stale = ask(&site, method, "/api/v1/users/4711", &[("if-match", "\"7\"")], body).await;
        assert_eq!((stale.status, stale.code().as_str()), (412, "stale"), "{method}");
        assert_eq!(stale.json()["current"]["revision"], 1);
        let foreign = ask(&site, method, "/api/v1/users/4711", &[("if-match", "W/\"1\"")], body).await;
        assert_eq!(foreign.status, 412, "{method}");
    }
}

#[actix_web::test]
async fn a_dry_run_keeps_nothing() {
    let site = site(TestDesk::full()).await;
    let tried = ask(&site, "POST", "/api/v1/users?dry_run=true", &[], r#"{"username":"5000"}"#).await;
    assert_eq!(tried.status, 200);
    assert_eq!(ask(&site, "GET", "/api/v1/users/5000", &[], "").await.status, 404);
    let any = [("if-match", "*")];
    ask(&site, "PATCH", "/api/v1/users/4711?dry_run=true", &any, r#"{"display_name":"no"}"#).await;
    assert_eq!(ask(&site, "DELETE", "/api/v1/users/4711?dry_run=true", &any, "").await.status, 204);
    assert_eq!(ask(&site, "DELETE", "/api/v1/calls/0000000001001?dry_run=true", &[], "").await.status, 204);
    assert_eq!(ask(&site, "GET", "/api/v1/users/4711", &[], "").await.json()["display_name"], "Anna Berg");
    assert_eq!(ask(&site, "GET", "/api/v1/calls", &[], "").await.json()["total"], 2);
    let token = r#"{"name":"x","scopes":["admin"]}"#;
    assert_eq!(ask(&site, "POST", "/api/v1/tokens?dry_run=true", &[], token).await.status, 204);
    assert_eq!(ask(&site, "GET", "/api/v1/tokens", &[], "").await.json()["total"], 1);
}

#[actix_web::test]
async fn faults_of_fields_are_pointed_at() {
    let site = site(TestDesk::full()).await;
    let body = r#"{"display_name":7,"enabled":"yes","colour":"red"}"#;
    let wrong = ask(&site, "POST", USERS, &[], body).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (422, "invalid_fields"));
    let problem = wrong.json();
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/username", "/display_name", "/enabled", "/colour"]);
    let wrong = ask(&site, "POST", USERS, &[], r#"{"username":"5000","ipei":"12"}"#).await;
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/ipei");
    let other = ask(&site, "PATCH", "/api/v1/users/4711", &[("if-match", "*")], r#"{"username":"1"}"#).await;
    assert_eq!(other.json()["errors"][0]["pointer"], "/username");
}

#[actix_web::test]
async fn a_body_that_cannot_be_read_says_why() {
    let site = site(TestDesk::full()).await;
    let broken = ask(&site, "POST", USERS, &[], "{\"username\":").await;
    assert_eq!((broken.status, broken.code().as_str()), (400, "bad_json"));
    assert!(broken.json()["detail"].as_str().unwrap().contains("line 1"));
    assert_eq!(ask(&site, "POST", USERS, &[], "[1]").await.code(), "invalid_fields");
    let text = ask(&site, "POST", USERS, &[("content-type", "text/plain")], "{}").await;
    assert_eq!((text.status, text.code().as_str()), (415, "unsupported_media_type"));
    let large = format!("{{\"username\":\"{}\"}}", "1".repeat(64 * 1024));
    let large = ask(&site, "POST", USERS, &[], &large).await;
    assert_eq!((large.status, large.code().as_str()), (413, "too_large"));
    let deep = "[".repeat(20_000);
    assert_eq!(ask(&site, "POST", USERS, &[], &deep).await.code(), "bad_json");
}

#[actix_web::test]
async fn faults_of_the_switch_are_sorted() {
    let site = site(TestDesk::full()).await;
    for (name, status, code) in
        [("4711", 409, "conflict"), ("busy", 503, "busy"), ("broken", 500, "internal")]
    {
        let failed = ask(&site, "POST", USERS, &[], &json!({"username": name}).to_string()).await;
        assert_eq!((failed.status, failed.code().as_str()), (status, code));
        assert!(!failed.body.contains("disk is full"), "the inside reason stays inside");
    }
    let busy = ask(&site, "POST", USERS, &[], r#"{"username":"busy"}"#).await;
    assert_eq!(busy.header("retry-after"), "2");
}

#[actix_web::test]
async fn users_come_in_pages_that_lead_on() {
    let site = site(TestDesk::full()).await;
    let first = ask(&site, "GET", "/api/v1/users?limit=3&q=47", &[], "").await;
    assert_eq!((&first.json()["total"], first.json()["items"].as_array().unwrap().len()), (&json!(4), 3));
    let link = first.header("link");
    let next = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let second = ask(&site, "GET", next, &[], "").await;
    assert_eq!(second.json()["items"][0]["username"], "4799");
    assert_eq!((second.header("link"), &second.json()["next_cursor"]), ("", &json!(null)));
    for wrong in ["limit=0", "limit=1001", "limit=x", "cursor=%21", "colour=red"] {
        let answer = ask(&site, "GET", &format!("{USERS}?{wrong}"), &[], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{wrong}");
    }
}

#[actix_web::test]
async fn the_same_key_and_body_make_one_user() {
    let site = site(TestDesk::full()).await;
    let key = [("idempotency-key", "6f1c")];
    let first = ask(&site, "POST", USERS, &key, r#"{"username":"5000"}"#).await;
    let again = ask(&site, "POST", USERS, &key, r#"{"username":"5000"}"#).await;
    assert_eq!((first.status, again.status, &first.body), (201, 201, &again.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let other = ask(&site, "POST", USERS, &key, r#"{"username":"5001"}"#).await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));
    let failed = ask(&site, "POST", USERS, &[("idempotency-key", "7")], r#"{"username":"4711"}"#).await;
    assert_eq!(failed.status, 409);
    let mended = ask(&site, "POST", USERS, &[("idempotency-key", "7")], r#"{"username":"5002"}"#).await;
    assert_eq!(mended.status, 201, "a key whose request failed is free again");
}

#[actix_web::test]
async fn users_are_imported_after_a_look() {
    let site = site(TestDesk::full()).await;
    let csv = [("content-type", "text/csv")];
    let preview = ask(&site, "POST", "/api/v1/imports?kind=users", &csv, "username\n4711\n5000\n").await;
    assert_eq!(preview.status, 201);
    let place = preview.header("location").to_owned();
    let seen = ask(&site, "GET", &place, &[], "").await.json();
    assert_eq!(
        (&seen["state"], &seen["created"], &seen["unchanged"]),
        (&json!("preview"), &json!(1), &json!(1))
    );
    assert_eq!(ask(&site, "GET", "/api/v1/users/5000", &[], "").await.status, 404);

    let done = ask(&site, "POST", &format!("{place}/apply"), &[], "").await;
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("applied")));
    assert_eq!(ask(&site, "GET", "/api/v1/users/5000", &[], "").await.status, 200);
    assert_eq!(ask(&site, "POST", &format!("{place}/apply"), &[], "").await.code(), "conflict");
    assert_eq!(ask(&site, "DELETE", &place, &[], "").await.status, 204);
    assert_eq!(ask(&site, "GET", &place, &[], "").await.code(), "not_found");
}

#[actix_web::test]
async fn a_file_with_a_wrong_row_is_not_applied() {
    let site = site(TestDesk::full()).await;
    let csv = [("content-type", "text/csv; charset=utf-8")];
    let preview = ask(&site, "POST", "/api/v1/imports?kind=users", &csv, "username\n5000\na b\n").await;
    assert_eq!(preview.json()["errors"][0]["line"], 3);
    let place = preview.header("location").to_owned();
    let refused = ask(&site, "POST", &format!("{place}/apply"), &[], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_rows"));
    let headless = ask(&site, "POST", "/api/v1/imports?kind=users", &csv, "4711\n").await;
    assert_eq!(headless.status, 422);
    let kind = ask(&site, "POST", "/api/v1/imports?kind=cats", &csv, "username\n").await;
    assert_eq!(kind.code(), "bad_request");
    let json = ask(&site, "POST", "/api/v1/imports?kind=users", &[], "{}").await;
    assert_eq!(json.code(), "unsupported_media_type");
    let large = "x".repeat(4 * 1024 * 1024 + 1);
    assert_eq!(ask(&site, "POST", "/api/v1/imports?kind=users", &csv, &large).await.code(), "too_large");
}

#[actix_web::test]
async fn calls_are_listed_looked_at_and_hung_up() {
    let site = site(TestDesk::full()).await;
    let calls = ask(&site, "GET", "/api/v1/calls", &[], "").await.json();
    assert_eq!((&calls["total"], &calls["items"][0]["state"]), (&json!(2), &json!("talking")));
    let ended = ask(&site, "GET", "/api/v1/calls?state=ended&limit=1", &[], "").await;
    assert_eq!(ended.json()["items"][0]["duration"], 187.0);
    let cause = json!({"status": 200, "q850": 16, "words": "hung up"});
    assert_eq!(ended.json()["items"][0]["cause"], cause);
    assert!(ended.header("link").contains("state=ended&limit=1&cursor="));

    let one = ask(&site, "GET", "/api/v1/calls/0000000001001", &[], "").await.json();
    let caller = json!({"number": "4711", "display": "Anna Berg", "uri": null, "user": "4711", "base_station": "00:08:7b:18:00:01"});
    assert_eq!((&one["caller"], &one["codecs"]["caller"]), (&caller, &json!("PCMA")));
    assert_eq!((&one["started"], &one["srtp"]["callee"]), (&json!("2026-11-24T07:00:05.000Z"), &json!(true)));
    assert_eq!(one["media"][1]["packets_lost"], 3);

    assert_eq!(ask(&site, "DELETE", "/api/v1/calls/0000000001001", &[], "").await.status, 204);
    assert_eq!(ask(&site, "GET", "/api/v1/calls/0000000001001", &[], "").await.json()["state"], "ended");
    for path in ["/api/v1/calls/zzz", "/api/v1/calls/77", "/api/v1/calls/77/ladder"] {
        assert_eq!(ask(&site, "GET", path, &[], "").await.code(), "not_found", "{path}");
    }
    assert_eq!(ask(&site, "DELETE", "/api/v1/calls/0000000000fff", &[], "").await.code(), "not_found");
}

#[actix_web::test]
async fn a_ladder_comes_as_json_text_and_drawing() {
    let site = site(TestDesk::full()).await;
    let ladder = "/api/v1/calls/0000000001001/ladder";
    let json = ask(&site, "GET", ladder, &[], "").await.json();
    assert_eq!((&json["messages"][0]["label"], &json["messages"][0]["leg"]), (&json!("INVITE"), &json!(0)));
    let text = ask(&site, "GET", &format!("{ladder}?format=txt"), &[], "").await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    let svg = ask(&site, "GET", &format!("{ladder}?format=svg"), &[], "").await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert!(svg.body.starts_with("<svg ") && svg.body.ends_with("</svg>"));
    assert_eq!(ask(&site, "GET", &format!("{ladder}?format=pdf"), &[], "").await.code(), "bad_request");
}

#[actix_web::test]
async fn the_plant_can_be_read() {
    let site = site(TestDesk::full()).await;
    let bases = ask(&site, "GET", "/api/v1/base-stations", &[], "").await.json();
    assert_eq!((&bases["total"], &bases["items"][2]["state"]), (&json!(3), &json!("down")));
    let base = ask(&site, "GET", "/api/v1/base-stations/00:08:7b:18:00:02", &[], "").await.json();
    assert_eq!(
        (&base["channels"], &base["limit"]),
        (&json!({"plain":6,"srtp":2}), &json!({"plain":11,"srtp":6}))
    );
    assert_eq!(ask(&site, "GET", "/api/v1/base-stations/none", &[], "").await.code(), "not_found");
    let place = r#"{"name":"Ward 3","location":{"country":"de","floor":"2"}}"#;
    let at = "/api/v1/base-stations/00:08:7b:18:00:02";
    assert_eq!(ask(&site, "PATCH", at, &[], place).await.code(), "precondition_required");
    let put = ask(&site, "PATCH", at, &[("if-match", "\"1\"")], place).await;
    assert_eq!((put.header("etag"), put.json()["location"]["country"].as_str()), ("\"2\"", Some("DE")));
    let wrong = ask(&site, "PATCH", at, &[("if-match", "*")], r#"{"location":{"country":"DEU"}}"#).await;
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/location/country");
    let handsets = ask(&site, "GET", "/api/v1/handsets", &[], "").await.json();
    assert_eq!(handsets["items"][0]["bindings"][0]["base_station"], "00:08:7b:18:00:01");
    let lines = ask(&site, "GET", "/api/v1/registrations", &[], "").await.json();
    assert_eq!(lines["items"][3]["cause"], "403 Forbidden");
    let capacity = ask(&site, "GET", "/api/v1/capacity", &[], "").await.json();
    assert_eq!((&capacity["media_in_use"]["srtp"], &capacity["refused"]["base"]), (&json!(9), &json!(2)));
    let overview = ask(&site, "GET", "/api/v1/overview", &[], "").await.json();
    assert_eq!((&overview["calls"], &overview["proxies"][1]["up"]), (&json!(2), &json!(false)));
    let version = ask(&site, "GET", "/api/v1/version", &[], "").await.json();
    assert_eq!(version, json!({"product": "kirkwall", "version": "1.2.3", "node": "dect1.example.com"}));
    let problems = ask(&site, "GET", "/api/v1/problems", &[], "").await.json();
    assert!(problems["items"].as_array().unwrap().iter().any(|kind| kind["code"] == "stale"));
}

#[actix_web::test]
async fn tokens_are_made_shown_once_and_revoked() {
    let site = site(TestDesk::full()).await;
    let body = r#"{"name":"Zabbix","scopes":["calls:read"],"expires":"2036-01-31T12:00:00+01:00"}"#;
    let made = ask(&site, "POST", "/api/v1/tokens", &[], body).await;
    assert_eq!((made.status, &made.json()["token"]), (201, &json!("kw_secret_t2")));
    let list = ask(&site, "GET", "/api/v1/tokens", &[], "").await;
    assert_eq!(list.json()["items"][1]["expires"], "2036-01-31T11:00:00.000Z");
    assert!(!list.body.contains("kw_secret"));
    assert_eq!(ask(&site, "DELETE", "/api/v1/tokens/t2", &[], "").await.status, 204);
    assert_eq!(ask(&site, "DELETE", "/api/v1/tokens/t2", &[], "").await.code(), "not_found");
    for (wrong, pointer) in [
        (r#"{"name":"","scopes":["admin"]}"#, "/name"),
        (r#"{"name":"x","scopes":[]}"#, "/scopes"),
        (r#"{"name":"x","scopes":["root"]}"#, "/scopes"),
        (r#"{"name":"x","scopes":["admin"],"expires":"2001-01-01T00:00:00Z"}"#, "/expires"),
        (r#"{"name":"x","scopes":["admin"],"expires":"soon"}"#, "/expires"),
    ] {
        let answer = ask(&site, "POST", "/api/v1/tokens", &[], wrong).await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{wrong}"
        );
    }
}

#[actix_web::test]
async fn a_session_opens_works_from_our_own_pages_and_ends() {
    let site = site(TestDesk::full()).await;
    let typed = [("content-type", "application/json")];
    let wrong = send(&site, "POST", "/api/v1/session", &typed, r#"{"word":"guess"}"#).await;
    assert_eq!((wrong.status, wrong.header("www-authenticate")), (401, "Bearer realm=\"kirkwall\""));
    let foreign = [typed[0], ("sec-fetch-site", "cross-site")];
    let body = r#"{"word":"admin-token"}"#;
    assert_eq!(send(&site, "POST", "/api/v1/session", &foreign, body).await.code(), "cross_site");
    let opened = send(&site, "POST", "/api/v1/session", &typed, body).await;
    let cookie = opened.header("set-cookie").to_owned();
    assert_eq!(cookie, "__Host-kirkwall=session0; HttpOnly; SameSite=Strict; Secure; Path=/");

    let cookie = ("cookie", "__Host-kirkwall=session0");
    let me = send(&site, "GET", "/api/v1/me", &[cookie], "").await;
    assert_eq!(me.json(), json!({"name": "administrator", "scopes": ["admin"]}));
    let hang_up = "/api/v1/calls/0000000001001";
    assert_eq!(send(&site, "DELETE", hang_up, &[cookie], "").await.code(), "cross_site");
    let evil = [cookie, ("origin", "https://evil.example"), ("host", "dect1")];
    assert_eq!(send(&site, "DELETE", hang_up, &evil, "").await.code(), "cross_site");
    let own = [cookie, ("origin", "https://dect1"), ("host", "dect1")];
    assert_eq!(send(&site, "DELETE", hang_up, &own, "").await.status, 204);
    let own = [cookie, ("sec-fetch-site", "same-origin")];
    let closed = send(&site, "DELETE", "/api/v1/session", &own, "").await;
    assert!(closed.header("set-cookie").starts_with("__Host-kirkwall=; ") && closed.status == 204);
    assert_eq!(send(&site, "GET", "/api/v1/me", &[cookie], "").await.code(), "not_authenticated");
}

#[actix_web::test]
async fn no_operation_works_without_the_right_token() {
    let site = site(TestDesk::full()).await;
    for route in rest_routes().into_iter().filter(|route| !route.public) {
        let path = format!("/api/v1{}", route.path.replace(['{', '}'], ""));
        let viewer = format!("Bearer {VIEWER}");
        for header in [None, Some("Basic YTpi"), Some("Bearer wrong"), Some("Bearer ")] {
            let headers: Vec<_> = header.map(|value| ("authorization", value)).into_iter().collect();
            let answer = send(&site, &route.method, &path, &headers, "").await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "not_authenticated"), "{route:?}");
        }
        let answer = send(&site, &route.method, &path, &[("authorization", &viewer)], "").await;
        let allowed = matches!(route.scope, None | Some("calls:read"));
        assert_eq!(answer.status != 403, allowed, "{route:?}: {}", answer.body);
    }
}

#[actix_web::test]
async fn what_is_not_there_is_told_apart_from_what_is_not_allowed() {
    let site = site(TestDesk::full()).await;
    let wrong = ask(&site, "PATCH", "/api/v1/users", &[], "{}").await;
    assert_eq!((wrong.code().as_str(), wrong.header("allow")), ("method_not_allowed", "GET, POST"));
    assert_eq!(ask(&site, "GET", "/api/v1/cats", &[], "").await.code(), "not_found");
    let head = ask(&site, "HEAD", "/api/v1/users", &[], "").await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("x-content-type-options"), "nosniff");
}

#[actix_web::test]
async fn certificates_are_imported_as_json_or_form_listed_and_deleted() {
    let site = site(TestDesk::full()).await;
    let place = "/api/v1/certificates";
    let json = ask(&site, "POST", place, &[], r#"{"usage":"ca","pem":"-----BEGIN CERTIFICATE-----"}"#).await;
    assert_eq!((json.status, json.header("location")), (201, "/api/v1/certificates/00ff"), "{}", json.body);

    let part = |name: &str, text: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n{text}\r\n")
    };
    let form =
        [part("usage", "host"), part("pem", "chain"), part("key", "k3y"), "--edge--\r\n".into()].concat();
    let sort = [("content-type", "multipart/form-data; boundary=edge")];
    let host = ask(&site, "POST", place, &sort, &form).await;
    assert_eq!((host.status, &host.json()["usage"]), (201, &json!("host")), "{}", host.body);
    assert!(!host.body.contains("k3y"));

    assert_eq!(ask(&site, "POST", place, &[], r#"{"usage":"ca"}"#).await.code(), "invalid_fields");
    assert_eq!(ask(&site, "GET", place, &[], "").await.json()["total"], 1);
    assert_eq!(ask(&site, "DELETE", "/api/v1/certificates/00ff", &[], "").await.status, 204);
    assert_eq!(ask(&site, "DELETE", "/api/v1/certificates/beef", &[], "").await.code(), "not_found");
}

#[actix_web::test]
async fn lines_are_read_set_and_refused_with_the_field() {
    let site = site(TestDesk::full()).await;
    let path = "/api/v1/users/4711/lines";
    let plain = ask(&site, "GET", path, &[], "").await.json();
    assert_eq!(
        (&plain["private_number"], &plain["managers"]),
        (&serde_json::Value::Null, &serde_json::json!([]))
    );
    let set =
        ask(&site, "PUT", path, &[], r#"{"private_number":"4799","managers":["4712"],"lync_delegates":[]}"#)
            .await;
    assert_eq!(set.status, 200, "{}", set.body);
    assert_eq!(ask(&site, "GET", path, &[], "").await.json()["managers"], serde_json::json!(["4712"]));
    let taken = ask(&site, "PUT", path, &[], r#"{"private_number":"4712"}"#).await;
    assert_eq!((taken.status, &taken.json()["errors"][0]["pointer"]), (422, &"/private_number".into()));
    let lines = ask(&site, "GET", "/api/v1/registrations", &[], "").await.json();
    let newcomer = lines["items"].as_array().unwrap().iter().find(|line| line["user"] == "4712").unwrap();
    assert_eq!(newcomer["needs_first_log_in"], true);
}

#[actix_web::test]
async fn forwards_are_read_set_and_refused_with_the_field() {
    let site = site(TestDesk::full()).await;
    let path = "/api/v1/users/4711/forwarding";
    let plain = ask(&site, "GET", path, &[], "").await.json();
    assert_eq!((&plain["always"], &plain["no_answer_seconds"]), (&serde_json::Value::Null, &20.into()));
    let body = r#"{"busy":" 4712 ","no_answer":null,"no_answer_seconds":30,"do_not_disturb":true}"#;
    let set = ask(&site, "PUT", path, &[], body).await;
    assert_eq!(set.status, 200, "{}", set.body);
    let kept = ask(&site, "GET", path, &[], "").await.json();
    assert_eq!(kept["busy"], "4712");
    assert_eq!((&kept["no_answer_seconds"], &kept["do_not_disturb"]), (&30.into(), &true.into()));
    let barred = ask(&site, "PUT", path, &[], r#"{"always":"0900"}"#).await;
    assert_eq!((barred.status, &barred.json()["errors"][0]["pointer"]), (422, &"/always".into()));
    let wrong = ask(&site, "PUT", path, &[], r#"{"no_answer_seconds":"soon","colour":1}"#).await;
    assert_eq!(wrong.json()["errors"].as_array().unwrap().len(), 2);
    assert_eq!(ask(&site, "GET", "/api/v1/users/none/forwarding", &[], "").await.status, 404);
}

#[actix_web::test]
async fn message_waiting_is_read_set_and_cleared() {
    let site = site(TestDesk::full()).await;
    let path = "/api/v1/users/4711/message-waiting";
    assert_eq!(ask(&site, "GET", path, &[], "").await.json()["waiting"], serde_json::Value::Null);
    let set = ask(&site, "PUT", path, &[], r#"{"new":3,"old":1,"urgent":9,"account":"sip:vm@x"}"#).await;
    assert_eq!(set.status, 200, "{}", set.body);
    let kept = ask(&site, "GET", path, &[], "").await.json();
    assert_eq!((&kept["waiting"], &kept["new"], &kept["urgent"]), (&true.into(), &3.into(), &3.into()));
    assert_eq!(ask(&site, "DELETE", path, &[], "").await.status, 204);
    let cleared = ask(&site, "GET", path, &[], "").await.json();
    assert_eq!(
        (&cleared["waiting"], &cleared["new"], &cleared["old"]),
        (&false.into(), &0.into(), &1.into())
    );
    let wrong = ask(&site, "PUT", path, &[], r#"{"account":"a b"}"#).await;
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["pointer"]), (422, &"/account".into()));
    assert_eq!(ask(&site, "GET", "/api/v1/users/none/message-waiting", &[], "").await.status, 404);
}

#[actix_web::test]
async fn a_log_is_read_by_kind_and_page_and_cleared() {
    let site = site(TestDesk::full()).await;
    let path = "/api/v1/users/4711/calls";
    let all = ask(&site, "GET", &format!("{path}?limit=1"), &[], "").await.json();
    assert_eq!((&all["total"], &all["items"][0]["kind"]), (&2.into(), &"placed".into()));
    assert_eq!(all["items"][0]["long_uri"], true, "kept whole, and marked");
    let next = format!("{path}?limit=1&cursor={}", all["next_cursor"].as_str().unwrap());
    assert_eq!(ask(&site, "GET", &next, &[], "").await.json()["items"][0]["kind"], "missed");
    let missed = ask(&site, "GET", &format!("{path}?kind=missed"), &[], "").await.json();
    assert_eq!((&missed["total"], &missed["items"][0]["long_uri"]), (&1.into(), &false.into()));
    assert_eq!(ask(&site, "GET", &format!("{path}?kind=lost"), &[], "").await.status, 422);
    assert_eq!(ask(&site, "DELETE", &format!("{path}?kind=missed"), &[], "").await.status, 204);
    assert_eq!(ask(&site, "GET", path, &[], "").await.json()["total"], 1);
    assert_eq!(ask(&site, "DELETE", path, &[], "").await.status, 204);
    assert_eq!(ask(&site, "GET", path, &[], "").await.json()["total"], 0);
}

#[actix_web::test]
async fn feature_codes_are_listed() {
    let site = site(TestDesk::nothing()).await;
    let codes = ask(&site, "GET", "/api/v1/feature-codes", &[], "").await.json();
    assert_eq!((&codes[0]["set"], &codes[0]["cancel"]), (&"*21*NUMBER#".into(), &"#21#".into()));
}

#[actix_web::test]
async fn rooms_are_made_changed_and_removed_and_a_pin_is_never_shown() {
    let site = site(TestDesk::nothing()).await;
    let rooms = "/api/v1/rooms";
    let made = ask(&site, "POST", rooms, &[], r#"{"name": "8001", "pin": "4711"}"#).await;
    assert_eq!((made.status, made.header("location")), (201, "/api/v1/rooms/8001"));
    assert_eq!(made.json()["pin"], serde_json::json!({ "set": true }));
    assert_eq!(ask(&site, "POST", rooms, &[], r#"{"title": "x"}"#).await.status, 422);
    assert_eq!(ask(&site, "POST", rooms, &[], r#"{"name": "1", "colour": "red"}"#).await.status, 422);
    let one = "/api/v1/rooms/8001";
    let changed = ask(&site, "PATCH", one, &[], r#"{"title": "Round", "pin": {"set": true}}"#).await.json();
    assert_eq!((&changed["title"], &changed["kind"]), (&"Round".into(), &"meet_me".into()));
    let member = changed["members"][0]["id"].as_str().unwrap().to_owned();
    let member = format!("{one}/members/{member}");
    let muted = ask(&site, "PATCH", &member, &[], r#"{"muted": true}"#).await.json();
    assert_eq!(muted["members"][0]["muted"], true);
    assert_eq!(ask(&site, "DELETE", &member, &[], "").await.status, 204);
    assert_eq!(ask(&site, "DELETE", &format!("{one}/members/none"), &[], "").await.status, 404);
    assert_eq!(ask(&site, "GET", rooms, &[], "").await.json()["total"], 1);
    assert_eq!(ask(&site, "DELETE", one, &[], "").await.status, 204);
    assert_eq!(ask(&site, "GET", one, &[], "").await.status, 404);
}

#[actix_web::test]
async fn a_message_is_sent_read_confirmed_and_withdrawn() {
    let site = site(TestDesk::full()).await;
    let body = r#"{"text":"Fire","to":["4711"],"priority":"emergency","confirmation":"reply",
        "escalation":{"after_seconds":30,"levels":[["4712"]]}}"#;
    let sent = ask(&site, "POST", "/api/v1/messages", &[], body).await;
    assert_eq!((sent.status, sent.json()["priority"].as_str()), (201, Some("emergency")));
    let listed = ask(&site, "GET", "/api/v1/messages", &[], "").await.json();
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed["items"][0]["recipients"][1]["standing"], "waiting");
    let at = format!("/api/v1/messages/{id}");
    assert_eq!(ask(&site, "GET", &at, &[], "").await.json()["text"], listed["items"][0]["text"]);
    let confirmed = ask(&site, "POST", &format!("{at}/confirm"), &[], r#"{"recipient":"4711"}"#).await;
    assert_eq!(confirmed.status, 200);
    assert_eq!(ask(&site, "DELETE", &at, &[], "").await.status, 204);
    assert_eq!(ask(&site, "GET", "/api/v1/messages/zz", &[], "").await.code(), "bad_request");
    let wrong = r#"{"text":"","to":[],"priority":"high","escalation":{"after":1}}"#;
    let told = ask(&site, "POST", "/api/v1/messages", &[], wrong).await.json();
    let fields: Vec<_> = told["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(fields, ["/priority", "/escalation"]);
}

#[actix_web::test]
async fn a_window_is_opened_for_a_base_station_and_its_file_fetched_without_log_in() {
    let site = site(TestDesk::full()).await;
    let body = r#"{"mac":"7C:2F:80:AB:CD:EF","make":"gigaset","users":["4711"],"minutes":5}"#;
    let opened = ask(&site, "POST", "/api/v1/provisioning", &[], body).await;
    assert_eq!((opened.status, opened.json()["mac"].as_str()), (201, Some("7c2f80abcdef")));
    let listed = ask(&site, "GET", "/api/v1/provisioning", &[], "").await.json();
    assert_eq!(listed["seen"][0]["make"], "snom");
    let wrong = r#"{"mac":"x","make":"acme","users":["a b"],"address":"here"}"#;
    let told = ask(&site, "POST", "/api/v1/provisioning", &[], wrong).await.json();
    let fields: Vec<_> = told["errors"].as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(fields, ["/make", "/users", "/address"]);
    assert_eq!(ask(&site, "DELETE", "/api/v1/provisioning/7c2f80abcdef", &[], "").await.status, 204);
    let resync = "/api/v1/base-stations/00:08:7b:18:00:01/resync";
    assert_eq!(ask(&site, "POST", resync, &[], "").await.status, 204);
    let file = send(&site, "GET", "/provisioning/7C2F80ABCDEF.xml", &[], "").await;
    assert_eq!((file.status, file.body.as_str()), (200, "<provisioning/>"));
    assert_eq!(send(&site, "GET", "/provisioning/7c2f80abcdee.xml", &[], "").await.status, 404);
}

#[actix_web::test]
async fn a_call_by_click_is_placed_once_for_each_key_and_only_checked_in_a_rehearsal() {
    let site = site(TestDesk::full()).await;
    let body = r#"{"user":"4711","to":"4712"}"#;
    let rehearsed = ask(&site, "POST", "/api/v1/calls?dry_run=true", &[], body).await;
    assert_eq!((rehearsed.status, rehearsed.header("location")), (200, ""), "{}", rehearsed.body);
    assert_eq!(ask(&site, "GET", "/api/v1/calls/4711", &[], "").await.status, 404, "nobody was rung");
    let key = [("idempotency-key", "one")];
    for replayed in ["", "true"] {
        let placed = ask(&site, "POST", "/api/v1/calls", &key, body).await;
        let place = placed.header("location").to_owned();
        assert_eq!(
            (placed.status, placed.header("idempotency-replayed")),
            (201, replayed),
            "{}",
            placed.body
        );
        let call = ask(&site, "GET", &place, &[], "").await;
        let (caller, callee) =
            (call.json()["caller"]["number"].clone(), call.json()["callee"]["number"].clone());
        assert_eq!((caller, callee), ("4711".into(), "4712".into()));
    }
    let barred = ask(&site, "POST", "/api/v1/calls", &[], r#"{"user":"4711","to":"0900"}"#).await;
    assert_eq!((barred.status, barred.json()["errors"][0]["pointer"].clone()), (422, "/to".into()));
    let nobody = ask(&site, "POST", "/api/v1/calls", &[], r#"{"user":"9","to":"4712"}"#).await;
    assert_eq!(nobody.status, 404);
    let wrong = ask(&site, "POST", "/api/v1/calls", &[], r#"{"user":"4711","number":"4712"}"#).await;
    assert_eq!(wrong.status, 422, "{}", wrong.body);
}
