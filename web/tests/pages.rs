//! Pages: they render, they keep the content security policy, their forms work without JavaScript.
#![allow(clippy::unwrap_used)]

mod common;
mod desk;

use std::pin::Pin;

use actix_web::body::MessageBody;
use actix_web::test::TestRequest;
use common::{Answer, Site, ask, send, site};
use desk::{ADMIN, LINK, TestDesk, VIEWER};
use kirkwall_core::call::mailbox::Mailbox;
use kirkwall_web::page_routes;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const COOKIE: (&str, &str) = ("cookie", "__Host-kirkwall=session0");

async fn logged_in(desk: TestDesk) -> Site {
    let site = site(desk).await;
    let opened = send(&site, "POST", "/login", &[FORM, OWN], format!("word={ADMIN}&next=%2Fusers")).await;
    assert_eq!((opened.status, opened.header("location")), (303, "/users"));
    site
}

async fn page(site: &Site, path: &str) -> Answer {
    send(site, "GET", path, &[COOKIE], "").await
}

async fn post(site: &Site, path: &str, form: &str) -> Answer {
    send(site, "POST", path, &[COOKIE, OWN, FORM], form.to_owned()).await
}

/// No inline style or script, no attribute that compiles a string, all under the strict policy.
fn keeps_the_policy(path: &str, answer: &Answer) {
    let csp = answer.header("content-security-policy");
    assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe"), "{csp}");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    let html = answer.body.to_lowercase();
    for tag in html.split('<').map(|tag| tag.split('>').next().unwrap()) {
        let bad = tag.split_whitespace().find(|word| {
            let handler = word.starts_with("on") && word.contains('=');
            let compiled = ["style=", "hx-on", "hx-vals=", "hx-live", "hx-trigger="];
            handler || compiled.iter().any(|name| word.starts_with(name)) || word.contains("javascript:")
        });
        assert_eq!(bad, None, "{path}: <{tag}>");
        assert!(!tag.starts_with("style"), "{path}: inline style sheet");
        assert!(!tag.starts_with("script") || tag.contains("src=\"/static/"), "{path}: inline script");
    }
}

#[actix_web::test]
async fn every_page_renders_with_and_without_content() {
    for desk in [TestDesk::full(), TestDesk::nothing()] {
        let site = logged_in(desk).await;
        for path in [
            "/",
            "/calls",
            "/calls?state=ended",
            "/base-stations",
            "/handsets",
            "/capacity",
            "/native-base-stations",
            "/subscriptions",
            "/users",
            "/users?q=zz",
            "/users/add",
            "/users/import",
            "/phone-book",
            "/phone-book?q=zz",
            "/phone-book/add",
            "/phone-book/import",
            "/rooms",
            "/messages",
            "/set-up",
            "/tokens",
            "/help/problems",
            "/help/problems/stale",
            "/login",
            "/login/word",
            "/base-stations?q=zz",
            "/handsets?from=5000",
        ] {
            let answer = page(&site, path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            keeps_the_policy(path, &answer);
        }
    }
    let site = logged_in(TestDesk::full()).await;
    for path in [
        "/calls/0000000001001",
        "/calls/0000000000ffe",
        "/user/4711",
        "/user/4711/delete",
        "/subscriptions/00077%200004711%205/delete",
        "/native-base-station/0013d1800000",
        "/native-base-station/0013d1800002",
        "/phone-book/entry/l-anna",
        "/base-station/00:08:7b:18:00:01",
    ] {
        let answer = page(&site, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        keeps_the_policy(path, &answer);
    }
}

#[actix_web::test]
async fn empty_pages_say_what_to_do_next() {
    let site = logged_in(TestDesk::nothing()).await;
    for (path, hint) in [
        ("/", "No Lync front end or SIP registrar is configured"),
        ("/calls", "No call stands"),
        ("/calls?state=ended", "No call has ended yet"),
        ("/base-stations", "point its SIP server at this switch"),
        ("/handsets", "Add a user"),
        ("/native-base-stations", "Make a token below"),
        ("/subscriptions", "Open a window below"),
        ("/users", "Add the first one"),
        ("/phone-book", "Add the first entry"),
        ("/set-up", "No window is open"),
        ("/messages", "No message has been sent yet"),
        ("/tokens", "Make one below"),
    ] {
        assert!(page(&site, path).await.body.contains(hint), "{path}");
    }
}

#[actix_web::test]
async fn a_base_station_is_enrolled_by_a_token_that_is_shown_once() {
    let site = logged_in(TestDesk::full()).await;
    let html = page(&site, "/native-base-stations").await.body;
    for words in ["in service", "gives the time", "follows radio 0, -68 dBm", "firmware too old", "3 of 11"] {
        assert!(html.contains(words), "{words}");
    }
    let made = post(&site, "/native-base-stations", "label=Ward+3&only=").await;
    assert_eq!(made.status, 201);
    assert!(made.body.contains("7F4K-9QXM-2TRB-C8WD"));
    assert!(!page(&site, "/native-base-stations").await.body.contains("7F4K-9QXM-2TRB-C8WD"));
    let file = page(&site, "/native-base-stations/capture").await;
    assert_eq!((file.status, file.header("content-type")), (200, "application/vnd.tcpdump.pcap"));
}

#[actix_web::test]
async fn the_sync_tree_shows_who_listens_to_whom_and_who_has_no_alternative() {
    let site = logged_in(TestDesk::full()).await;
    let html = page(&site, "/native-base-stations").await.body;
    let tree = html.split("Who listens to whom").nth(1).unwrap();
    let at = |words: &str| tree.find(words).unwrap_or_else(|| panic!("{words}: {tree}"));
    assert!(at("master: gives the time") < at("aria-label=\"Listen to radio 0\""));
    assert!(at("aria-label=\"Listen to radio 0\"") < at("deputy: becomes master when that is lost"));
    assert!(at("when that is lost, listens to radio 1") < at("aria-label=\"Listen to radio 3\""));
    assert!(at("aria-label=\"Listen to radio 3\"") < at("no alternative"));
    assert!(at("no alternative") < at("hears no other well enough"));
    let none = logged_in(TestDesk::nothing()).await;
    let html = page(&none, "/native-base-stations").await.body;
    assert!(html.contains("as soon as a base station is in service") && !html.contains("class=\"tree\""));
}

#[actix_web::test]
async fn a_base_station_s_page_tells_what_its_loss_would_do() {
    let site = logged_in(TestDesk::full()).await;
    let master = page(&site, "/native-base-station/0013d1800000").await.body;
    assert!(master.contains("Another master:</span> radio 1 (0013d1800001)"), "{master}");
    assert!(master.contains("to nobody: it is the master"), "{master}");
    assert!(master.contains("radio 3 (0013d1800003) to radio 1 (0013d1800001)"), "{master}");
    let only = page(&site, "/native-base-station/0013d1800003").await.body;
    assert!(only.contains("Out of reach:</span> radio 4 (0013d1800004)"), "{only}");
    assert!(!only.contains("By its own clock for a while"), "named once, with the worse: {only}");
    let bridge = page(&site, "/native-base-station/0013d1800001").await.body;
    let torn = "A cluster of its own:</span> radio 4 (0013d1800004), radio 5 (0013d1800005).";
    assert!(bridge.contains(torn) && bridge.contains("<h2>What came of its calls</h2>"), "{bridge}");
    let leaf = page(&site, "/native-base-station/0013d1800004").await.body;
    assert!(
        leaf.contains("No other base station depends on it") && leaf.contains(">to nobody</span>"),
        "{leaf}"
    );
    assert_eq!(page(&site, "/native-base-station/0013d1800009").await.status, 404);
}

#[actix_web::test]
async fn a_duty_is_changed_and_asked_for_twice_only_where_somebody_would_feel_it() {
    let site = logged_in(TestDesk::full()).await;
    let (busy, quiet) = ("/native-base-station/0013d1800000", "/native-base-station/0013d1800004");
    let duty = async |place: &str| {
        let id = place.rsplit('/').next().unwrap();
        let path = format!("/api/v1/native-base-stations/{id}");
        ask(&site, "GET", &path, &[], "").await.json()["duty"].as_str().unwrap().to_owned()
    };
    let act = async |place: &str, form: &str| post(&site, &format!("{place}/duty"), form).await;

    let asked = act(busy, "duty=out_of_use").await;
    keeps_the_policy(busy, &asked);
    assert!(
        asked.body.contains("3 calls stand at") && asked.body.contains("will be cut off"),
        "{}",
        asked.body
    );
    assert!(asked.body.contains("Another master:"), "{}", asked.body);
    assert_eq!((asked.status, duty(busy).await.as_str()), (200, "in_use"), "nothing is changed yet");
    let asked = act(busy, "duty=draining").await;
    assert!(asked.body.contains("They go on or are handed over"), "{}", asked.body);
    let done = act(busy, "duty=draining&sure=yes").await;
    assert_eq!((done.status, done.header("location")), (303, busy));
    assert_eq!(duty(busy).await, "draining");
    let shown = page(&site, busy).await.body;
    assert!(
        shown.contains("role=\"status\">draining</strong>") && !shown.contains(">Drain</button>"),
        "{shown}"
    );
    assert!(page(&site, "/native-base-stations").await.body.contains("<span class=\"state warn\">draining"));
    assert_eq!(act(busy, "duty=in_use").await.status, 303);
    assert_eq!(duty(busy).await, "in_use");

    assert_eq!(act(quiet, "duty=out_of_use").await.status, 303, "no call, and nobody listens to it");
    assert_eq!(duty(quiet).await, "out_of_use");
    let asked = act("/native-base-station/0013d1800003", "duty=out_of_use").await;
    assert!(asked.body.contains("No call stands") && asked.body.contains("Out of reach:"), "{}", asked.body);
    assert_eq!(act(busy, "duty=asleep").await.status, 422);
    assert_eq!(act("/native-base-station/0013d1800009", "duty=in_use").await.status, 404);
}

#[actix_web::test]
async fn native_base_stations_and_subscriptions_are_live() {
    let site = logged_in(TestDesk::full()).await;
    let stream = async |page_of: &str| {
        let html = page(&site, page_of).await.body;
        let address = html.split("hx-sse:connect=\"").nth(1).unwrap().split('"').next().unwrap();
        let address = address.replace("&#38;", "&");
        let request = TestRequest::get().uri(&address).insert_header(COOKIE);
        let mut body = site.call(request).await.into_body();
        let first = next_chunk(&mut body).await;
        (body, first)
    };
    let place = "/native-base-station/0013d1800004";
    let (mut list, first) = stream("/native-base-stations").await;
    assert!(first.contains("#native-bases") && first.contains("#sync"), "{first}");
    let (mut one, first) = stream(place).await;
    assert!(first.contains("#native-base\"") && first.contains("#duty"), "{first}");
    assert_eq!(post(&site, &format!("{place}/duty"), "duty=draining").await.status, 303);
    let changed = next_chunk(&mut list).await;
    assert!(changed.contains("draining") && !changed.contains("#sync"), "only the row: {changed}");
    let changed = next_chunk(&mut one).await;
    assert!(changed.contains("#native-base-duty") && changed.contains("draining"), "{changed}");

    let (mut in_and_out, first) = stream("/subscriptions").await;
    assert!(["#window", "#unknown", "#subscribed"].iter().all(|part| first.contains(part)), "{first}");
    assert_eq!(post(&site, "/subscriptions/window", "code=2407&minutes=5&only=").await.status, 303);
    let opened = next_chunk(&mut in_and_out).await;
    assert!(opened.contains("Handsets may subscribe.") && !opened.contains("#subscribed"), "{opened}");
}

#[actix_web::test]
async fn a_stream_shows_no_more_than_its_page() {
    let site = site(TestDesk::full()).await;
    let viewer = format!("Bearer {VIEWER}");
    for (view, status) in
        [("native-base-stations", 200), ("subscriptions", 403), ("call&id=0000000001001", 403)]
    {
        let request = TestRequest::get().uri(&format!("/ui/stream?view={view}"));
        let answer = site.call(request.insert_header(("authorization", viewer.clone()))).await;
        assert_eq!(answer.status().as_u16(), status, "{view}");
    }
}

#[actix_web::test]
async fn a_window_is_opened_an_unknown_handset_claimed_and_a_subscription_deleted() {
    let site = logged_in(TestDesk::full()).await;
    let wrong = post(&site, "/subscriptions/window", "code=x&minutes=10&only=").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("1 to 8 digits") && wrong.body.contains("value=\"x\""));
    let wrong = post(&site, "/subscriptions/window", "code=2407&minutes=0&only=").await;
    assert!(wrong.body.contains("1 to 1440 minutes"));
    let opened = post(&site, "/subscriptions/window", "code=2407&minutes=5&only=").await;
    assert_eq!((opened.status, opened.header("location")), (303, "/subscriptions"));
    let html = page(&site, "/subscriptions").await.body;
    assert!(html.contains("Handsets may subscribe") && html.contains("by itself in 5 minutes"));
    assert!(!html.contains("2407"), "the code is not shown");

    let unknown = "00077+0004799+2";
    let nobody = post(&site, "/subscriptions/claim", &format!("ipei={unknown}&user=nobody")).await;
    assert!(nobody.status >= 400 && nobody.body.contains("mistake"), "{}", nobody.status);
    let claimed = post(&site, "/subscriptions/claim", &format!("ipei={unknown}&user=4799")).await;
    assert_eq!(claimed.status, 303, "{}", claimed.body);
    assert!(page(&site, "/subscriptions").await.body.contains("No unknown handset has asked"));

    let closed = post(&site, "/subscriptions/window/close", "").await;
    assert_eq!(closed.status, 303);
    assert!(page(&site, "/subscriptions").await.body.contains("No handset may subscribe now"));
    let deleted = post(&site, "/subscriptions/00077%200004711%205/delete", "lost=yes").await;
    assert_eq!((deleted.status, deleted.header("location")), (303, "/subscriptions"));
    assert_eq!(page(&site, "/subscriptions/00077%209999999%209/delete").await.status, 404);
}

#[actix_web::test]
async fn what_strangers_call_themselves_is_only_text() {
    let site = logged_in(TestDesk::full()).await;
    for path in ["/", "/calls", "/calls/0000000001001", "/calls?state=ended"] {
        let html = page(&site, path).await.body;
        assert!(html.contains("Blood bank") && !html.contains("<script>alert"), "{path}");
    }
}

#[actix_web::test]
async fn pages_are_for_those_who_are_logged_in() {
    let site = site(TestDesk::full()).await;
    for note in page_routes().into_iter().filter(|note| !note.public) {
        let path = note.path.replace(['{', '}'], "");
        let answer = send(&site, &note.method, &path, &[], "").await;
        let place = answer.header("location");
        assert!(answer.status == 303 && place.starts_with("/login"), "{note:?}: {} {place}", answer.status);
    }
    let wanted = send(&site, "GET", "/users?q=4711", &[], "").await;
    assert_eq!(wanted.header("location"), "/login?next=%2Fusers%3Fq%3D4711");
    assert_eq!(send(&site, "GET", "/ui/stream?view=calls", &[], "").await.status, 401);
    let viewer = format!("Bearer {VIEWER}");
    let refused = send(&site, "GET", "/tokens", &[("authorization", &viewer)], "").await;
    assert!(refused.status == 403 && refused.body.contains("this needs the scope admin"));
}

#[actix_web::test]
async fn a_log_in_link_is_not_used_up_by_looking_at_it() {
    let site = site(TestDesk::full()).await;
    let path = format!("/login/{LINK}");
    for _ in 0..3 {
        let looked = send(&site, "GET", &path, &[], "").await;
        assert!(looked.body.contains(">Open</button>") && looked.header("set-cookie").is_empty());
    }
    let opened = send(&site, "POST", &path, &[OWN], "").await;
    assert_eq!((opened.status, opened.header("location")), (303, "/"));
    assert!(opened.header("set-cookie").starts_with("__Host-kirkwall=session0"));
    let again = send(&site, "POST", &path, &[OWN], "").await;
    assert!(again.status == 401 && again.body.contains("used up"));
    let out = send(&site, "POST", "/logout", &[COOKIE, OWN], "").await;
    assert_eq!((out.status, out.header("location")), (303, "/login"));
    assert_eq!(page(&site, "/").await.header("location"), "/login");
}

#[actix_web::test]
async fn a_form_of_another_site_changes_nothing() {
    let site = logged_in(TestDesk::full()).await;
    for origin in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("x-none", "")] {
        let headers = [COOKIE, FORM, origin];
        let refused = send(&site, "POST", "/user/4711/delete", &headers, "revision=1").await;
        assert!(refused.status == 403 && refused.body.contains("cross_site"), "{origin:?}");
    }
    assert_eq!(ask(&site, "GET", "/api/v1/users/4711", &[], "").await.status, 200);
}

#[actix_web::test]
async fn a_user_is_added_changed_and_deleted_by_forms() {
    let site = logged_in(TestDesk::full()).await;
    let wrong = post(&site, "/users/add", "username=a+b&display_name=Eva&enabled=on").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("cannot be in a username") && wrong.body.contains("value=\"Eva\""));
    keeps_the_policy("/users/add", &wrong);
    let added = post(&site, "/users/add", "username=a%2Fb&display_name=Eva&auth_password=x&enabled=on").await;
    assert_eq!((added.status, added.header("location")), (303, "/users?q=a%2Fb"));
    let form = page(&site, "/user/a%2Fb").await;
    assert!(form.body.contains("Is set; leave empty to keep it.") && !form.body.contains("value=\"x\""));

    let changed = post(&site, "/user/a%2Fb", "username=a%2Fb&display_name=Eva+L&revision=1").await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    let user = ask(&site, "GET", "/api/v1/users/a%2Fb", &[], "").await.json();
    assert_eq!((&user["display_name"], &user["enabled"]), (&"Eva L".into(), &false.into()));
    assert_eq!(user["auth_password"]["set"], true);

    let stale = post(&site, "/user/a%2Fb", "username=a%2Fb&display_name=Mine&revision=1").await;
    assert!(stale.status == 412 && stale.body.contains("value=\"Mine\""));
    assert!(stale.body.contains("press Save again") && stale.body.contains("name=\"revision\" value=\"2\""));
    assert_eq!(post(&site, "/user/a%2Fb/delete", "revision=2").await.header("location"), "/users");
    assert_eq!(ask(&site, "GET", "/api/v1/users/a%2Fb", &[], "").await.status, 404);
}

fn upload(csv: &str) -> String {
    format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"users.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n{csv}\r\n--x--\r\n"
    )
}

#[actix_web::test]
async fn a_file_is_uploaded_looked_at_and_applied() {
    let site = logged_in(TestDesk::full()).await;
    let multipart = ("content-type", "multipart/form-data; boundary=x");
    let sent =
        send(&site, "POST", "/users/import", &[COOKIE, OWN, multipart], upload("username\n5000\n")).await;
    let place = sent.header("location").to_owned();
    assert!(sent.status == 303 && place.starts_with("/users/import/"), "{}", sent.body);
    let preview = page(&site, &place).await;
    keeps_the_policy(&place, &preview);
    assert!(preview.body.contains("Apply import"));
    assert_eq!(post(&site, &format!("{place}/apply"), "").await.header("location"), place);
    assert!(page(&site, &place).await.body.contains("See the users"));
    assert_eq!(ask(&site, "GET", "/api/v1/users/5000", &[], "").await.status, 200);

    let sent =
        send(&site, "POST", "/users/import", &[COOKIE, OWN, multipart], upload("username\na b\n")).await;
    let preview = page(&site, sent.header("location")).await;
    assert!(preview.body.contains("mend these rows") && !preview.body.contains("Apply import"));
    let none = send(&site, "POST", "/users/import", &[COOKIE, OWN, multipart], upload("")).await;
    assert!(none.status == 422 && none.body.contains("choose a CSV file"));
}

#[actix_web::test]
async fn a_call_is_hung_up_and_a_token_made_by_forms() {
    let site = logged_in(TestDesk::full()).await;
    let call = "/calls/0000000001001";
    assert!(page(&site, call).await.body.contains("Hang up"));
    assert_eq!(post(&site, &format!("{call}/hang-up"), "").await.header("location"), call);
    assert!(!page(&site, call).await.body.contains("Hang up"));

    let made =
        post(&site, "/tokens", "name=Zabbix&scopes=calls%3Aread&scopes=users%3Aread&expires=2036-01-31")
            .await;
    assert!(made.status == 201 && made.body.contains("kw_secret_t2"));
    assert!(!page(&site, "/tokens").await.body.contains("kw_secret_t2"));
    assert!(post(&site, "/tokens", "name=x").await.body.contains("choose at least one"));
    assert_eq!(post(&site, "/tokens/t2/revoke", "").await.status, 303);
}

#[actix_web::test]
async fn every_problem_has_its_page() {
    let site = site(TestDesk::full()).await;
    let kinds = send(&site, "GET", "/api/v1/problems", &[], "").await.json();
    for kind in kinds["items"].as_array().unwrap() {
        let path = format!("/help/problems/{}", kind["code"].as_str().unwrap());
        let answer = send(&site, "GET", &path, &[], "").await;
        assert!(answer.status == 200 && answer.body.contains(kind["title"].as_str().unwrap()), "{path}");
    }
    let none = send(&site, "GET", "/nope", &[], "").await;
    assert_eq!(none.status, 404);
    keeps_the_policy("/nope", &none);
}

#[actix_web::test]
async fn static_files_are_kept_by_browsers() {
    let site = site(TestDesk::full()).await;
    let html = send(&site, "GET", "/login", &[], "").await.body;
    for file in ["app.css", "app.js", "htmx.min.js", "hx-sse.min.js", "icon.svg"] {
        let start = html.find(&format!("/static/{file}?v=")).unwrap_or_else(|| panic!("{file} is not used"));
        let path = html[start..].split('"').next().unwrap();
        let answer = send(&site, "GET", path, &[], "").await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
    }
    assert_eq!(send(&site, "GET", "/static/passwd", &[], "").await.status, 404);
}

async fn next_chunk(body: &mut actix_web::body::BoxBody) -> String {
    let chunk = futures::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await;
    String::from_utf8(chunk.unwrap().unwrap().to_vec()).unwrap()
}

#[actix_web::test]
async fn the_stream_brings_all_once_and_then_what_changed() {
    let site = logged_in(TestDesk::full()).await;
    let request = TestRequest::get().uri("/ui/stream?view=calls").insert_header(COOKIE);
    let response = site.call(request).await;
    assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
    assert_eq!(response.headers().get("x-accel-buffering").unwrap(), "no");
    let mut body = response.into_body();
    let first = next_chunk(&mut body).await;
    assert!(first.starts_with("data: <hx-partial hx-target=\"#calls\" hx-swap=\"innerMorph\">"));
    assert!(first.contains("id=\"call-0000000001001\"") && first.ends_with("\n\n"));

    assert_eq!(ask(&site, "DELETE", "/api/v1/calls/0000000001001", &[], "").await.status, 204);
    let second = next_chunk(&mut body).await;
    assert!(second.contains("call-0000000001002") && !second.contains("call-0000000001001"), "{second}");
}

#[actix_web::test]
async fn a_stream_of_one_call_sends_only_the_facts_that_changed() {
    let site = logged_in(TestDesk::full()).await;
    let request = TestRequest::get().uri("/ui/stream?view=call&id=0000000001001").insert_header(COOKIE);
    let mut body = site.call(request).await.into_body();
    let first = next_chunk(&mut body).await;
    assert!(first.contains("#messages") && first.contains("#ladder"));
    ask(&site, "DELETE", "/api/v1/calls/0000000001001", &[], "").await;
    let second = next_chunk(&mut body).await;
    assert!(
        second.starts_with("data: <hx-partial hx-target=\"#call-facts\" hx-swap=\"outerMorph\">"),
        "{second}"
    );
    assert!(!second.contains("#messages"));
}

#[actix_web::test]
async fn a_stream_of_nothing_is_refused() {
    let site = logged_in(TestDesk::full()).await;
    for (view, status) in
        [("kitchen", 404), ("call&id=77", 404), ("call", 404), ("native-base-station&id=x", 404)]
    {
        let answer = page(&site, &format!("/ui/stream?view={view}")).await;
        assert_eq!(answer.status, status, "{view}");
    }
}

#[actix_web::test]
async fn a_user_s_page_shows_what_waits_and_puts_the_lamp_out() {
    let mut desk = TestDesk::full();
    let mailbox = Mailbox { waiting: true, new: 3, urgent: 1, ..Mailbox::default() };
    desk.mailboxes.insert("4711".parse().unwrap(), mailbox);
    let site = logged_in(desk).await;
    assert!(page(&site, "/user/4711").await.body.contains("3 new (1 urgent)"));
    assert_eq!(post(&site, "/user/4711/message-waiting/clear", "").await.status, 303);
    let shown = page(&site, "/user/4711").await;
    keeps_the_policy("/user/4711", &shown);
    assert!(shown.body.contains("Nothing new") && !shown.body.contains("Put the lamp out"));
}

#[actix_web::test]
async fn a_user_s_page_shows_calls_and_keeps_forwards() {
    let site = logged_in(TestDesk::full()).await;
    let form = "always=&busy=4712&no_answer=&no_answer_seconds=25&out_of_range=&do_not_disturb=on";
    let kept = post(&site, "/user/4711/forwarding", form).await;
    assert_eq!((kept.status, kept.header("location")), (303, "/user/4711"));
    let shown = page(&site, "/user/4711").await;
    keeps_the_policy("/user/4711", &shown);
    assert!(shown.body.contains("name=\"busy\" value=\"4712\""));
    assert!(shown.body.contains("missed") && shown.body.contains("Pharmacy &#60;b&#62;"), "{}", shown.body);
    let barred = post(&site, "/user/4711/forwarding", "always=0900&no_answer_seconds=25").await;
    assert_eq!(barred.status, 422);
    keeps_the_policy("/user/4711/forwarding", &barred);
    assert!(barred.body.contains("calls to premium numbers are barred"));
    assert!(barred.body.contains("name=\"always\" value=\"0900\""), "what was typed stays");
    assert_eq!(post(&site, "/user/4711/calls/clear", "").await.status, 303);
    assert!(page(&site, "/user/4711").await.body.contains("No calls yet."));
    let codes = page(&site, "/feature-codes").await;
    keeps_the_policy("/feature-codes", &codes);
    assert!(codes.body.contains("*21*NUMBER#"));
}

#[actix_web::test]
async fn an_entry_of_the_phone_book_is_added_changed_and_removed_by_forms() {
    let site = logged_in(TestDesk::full()).await;
    let wrong = post(&site, "/phone-book/add", "name=&office=none").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("name-wrong") && wrong.body.contains("numbers-wrong"), "{}", wrong.body);
    let added =
        post(&site, "/phone-book/add", "name=Porter&office=%2B49+30+1+%7C+%2B49+30+2&internal=4711").await;
    assert_eq!((added.status, added.header("location")), (303, "/phone-book?q=Porter"));
    let html = page(&site, "/phone-book?q=port").await.body;
    assert!(html.contains("internal 4711, office +49 30 1, office +49 30 2"), "{html}");
    let stale = post(&site, "/phone-book/entry/l-new", "name=Porter&office=12&revision=9").await;
    assert!(stale.status == 412 && stale.body.contains("value=\"12\""), "{}", stale.body);
    let changed = post(&site, "/phone-book/entry/l-new", "name=Porter&office=12&revision=1").await;
    assert_eq!(changed.status, 303);
    let gone = post(&site, "/phone-book/entry/l-new/delete", "revision=2").await;
    assert_eq!((gone.status, gone.header("location")), (303, "/phone-book"));
    assert!(page(&site, "/phone-book?q=port").await.body.contains("No name, department or number"));
}

#[actix_web::test]
async fn the_phone_book_tells_what_is_wrong_with_the_directory_and_shows_strangers_as_text() {
    let site = logged_in(TestDesk::full()).await;
    let html = page(&site, "/phone-book").await.body;
    assert!(html.contains("the account is locked. The last good copy is served meanwhile."), "{html}");
    assert!(!html.contains("<b>Stores"), "{html}");
    // Found by keys, and no link to change what is changed elsewhere.
    let html = page(&site, "/phone-book?q=685375").await.body;
    assert!(!html.contains("/phone-book/entry/d-1"), "{html}");
}

#[actix_web::test]
async fn a_room_is_added_shown_with_who_is_in_it_and_removed() {
    let site = logged_in(TestDesk::full()).await;
    let wrong = post(&site, "/rooms", "name=8001&title=Round&pin=12").await;
    assert_eq!(wrong.status, 422);
    keeps_the_policy("/rooms", &wrong);
    assert!(wrong.body.contains("pin-wrong") && wrong.body.contains("value=\"Round\""), "{}", wrong.body);
    assert!(!wrong.body.contains("value=\"12\""), "a PIN is not shown again");
    let added = post(&site, "/rooms", "name=8001&title=Round&pin=4711").await;
    assert_eq!((added.status, added.header("location")), (303, "/rooms/8001"));
    let list = page(&site, "/rooms").await;
    assert!(list.body.contains("href=\"/rooms/8001\"") && list.body.contains("1 of 32"), "{}", list.body);
    assert!(!list.body.contains("4711"), "nor here");
    let shown = page(&site, "/rooms/8001").await;
    keeps_the_policy("/rooms/8001", &shown);
    let member = "/rooms/8001/members/0000000000701";
    assert!(shown.body.contains("Anna") && shown.body.contains(member), "{}", shown.body);
    assert_eq!(post(&site, &format!("{member}/mute"), "muted=yes").await.status, 303);
    assert!(page(&site, "/rooms/8001").await.body.contains("Let speak"));
    assert_eq!(post(&site, &format!("{member}/remove"), "").await.status, 303);
    assert!(page(&site, "/rooms/8001").await.body.contains("Nobody is here."));
    assert_eq!(post(&site, "/rooms/8001/delete", "").await.status, 303);
    assert_eq!(page(&site, "/rooms/8001").await.status, 404);
}
