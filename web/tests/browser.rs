//! Pages in Chromium: they are drawn at the width of a telephone and of a desk, light and dark, and nothing runs
//! out of the window. `make browser` runs it; `KIRKWALL_SCREENSHOTS=FOLDER` keeps the pictures.
//!
//! ```text
//! Chromium ── HTTP ──► go-between, logs in and measures ── HTTP ──► pages over the scripted switch
//! ```
#![allow(clippy::unwrap_used)]

mod desk;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use desk::{ADMIN, TestDesk};
use kirkwall_web::{WebOptions, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const COOKIE: &str = "Cookie: __Host-kirkwall=session0\r\n";
/// What the go-between adds to a page: what the browser made of it, in its title.
const MEASURE: &str = "<script>document.title = JSON.stringify({wide: document.documentElement.scrollWidth, \
    window: innerWidth, dark: matchMedia('(prefers-color-scheme: dark)').matches, \
    ground: getComputedStyle(document.body).backgroundColor})</script>";
/// Drains a base station behind the page's back, and tells when the page shows it.
const WATCH: &str = "<script>addEventListener('load', () => { \
    const list = document.getElementById('native-bases'); \
    const look = () => list.textContent.includes('draining') && fetch('/seen'); \
    new MutationObserver(look).observe(list, {subtree: true, childList: true, characterData: true}); \
    fetch('/native-base-station/0013d1800004/duty?duty=draining'); })</script>";
/// Chromium starts slowly on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);
const PAGES: [&str; 10] = [
    "/native-base-stations",
    "/native-base-station/0013d1800000",
    "/native-base-station/0013d1800003",
    "/native-base-station/0013d1800000/duty?duty=out_of_use",
    "/subscriptions",
    "/subscriptions/00077%200004711%205/delete",
    "/feature-codes",
    "/users",
    "/user/4711",
    "/",
];

#[actix_web::test]
#[ignore = "needs Chromium: make browser"]
async fn pages_fit_telephones_and_desks_in_light_and_dark() {
    for (kind, desk) in [("full", TestDesk::full()), ("empty", TestDesk::nothing())] {
        let (server, at) = serve(ANY, None, desk.desk(), WebOptions::default()).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        log_in(at).await;
        let between = go_between(at, MEASURE, Arc::default()).await;
        let of_one = |page: &&&str| {
            page.ends_with("delete")
                || page.starts_with("/native-base-station/")
                || page.starts_with("/user/")
        };
        let pages = PAGES.iter().filter(|page| kind == "full" || !of_one(page));
        for page in pages {
            for (width, dark) in [(360, false), (360, true), (1_400, false), (1_400, true)] {
                let seen = look(between, page, width, dark, kind).await;
                let (wide, window) = (seen["wide"].as_u64().unwrap(), seen["window"].as_u64().unwrap());
                assert!(wide <= window, "{page} at {width}, {kind}: {wide} of {window} pixels");
                assert_eq!(seen["dark"], dark, "{page}: {seen}");
                let ground = if dark { "rgb(20, 23, 27)" } else { "rgb(246, 247, 249)" };
                assert_eq!(seen["ground"], ground, "{page}");
            }
        }
        handle.stop(false).await;
    }
}

#[actix_web::test]
#[ignore = "needs Chromium: make browser"]
async fn an_open_page_shows_what_changes() {
    let (server, at) = serve(ANY, None, TestDesk::full().desk(), WebOptions::default()).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    log_in(at).await;
    let seen = Arc::new(Notify::new());
    let between = go_between(at, WATCH, seen.clone()).await;
    let profile = std::env::temp_dir().join(format!("kirkwall-browser-{}", between.port()));
    let mut chromium = std::process::Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("http://{between}/native-base-stations"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("chromium is installed: scripts/deps browser");
    let shown = tokio::time::timeout(PATIENCE, seen.notified()).await;
    chromium.kill().unwrap();
    chromium.wait().unwrap();
    drop(std::fs::remove_dir_all(profile));
    handle.stop(false).await;
    assert!(shown.is_ok(), "the open page never showed that the base station drains");
}

/// Has Chromium draw a page; what it measured.
async fn look(at: SocketAddr, page: &str, width: u32, dark: bool, kind: &str) -> serde_json::Value {
    let profile = std::env::temp_dir().join(format!("kirkwall-browser-{}", at.port()));
    let scheme = if dark { 0 } else { 1 };
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--no-sandbox".into(),
        "--disable-gpu".into(),
        "--hide-scrollbars".into(),
        format!("--user-data-dir={}", profile.display()),
        format!("--blink-settings=preferredColorScheme={scheme}"),
        format!("--window-size={width},{}", if width < 500 { 4_400 } else { 1_500 }),
    ];
    if let Some(folder) = std::env::var_os("KIRKWALL_SCREENSHOTS") {
        let name: String = page.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let name = format!("{kind}{name}-{width}-{}.png", if dark { "dark" } else { "light" });
        arguments.push(format!("--screenshot={}", Path::new(&folder).join(name).display()));
    }
    arguments.extend(["--dump-dom".to_owned(), format!("http://{at}{page}")]);
    let chromium = std::process::Command::new("chromium")
        .args(arguments)
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("chromium is installed: scripts/deps browser");
    let drawn =
        actix_web::rt::task::spawn_blocking(move || chromium.wait_with_output()).await.unwrap().unwrap();
    let html = String::from_utf8_lossy(&drawn.stdout).into_owned();
    let title =
        html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    serde_json::from_str(title).unwrap_or_else(|_| panic!("{page} was not drawn: {title:?} {}", html.len()))
}

async fn log_in(at: SocketAddr) {
    let form = format!("word={ADMIN}&next=%2F");
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: {at}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
}

/// A page that only answers a form: asked for by the browser as `GET PAGE/duty?FIELDS`, it is sent that form.
fn as_form(line: &str) -> Option<(String, &str)> {
    let (path, fields) = line.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?.split_once("/duty?")?;
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let length = fields.len();
    let own = "Sec-Fetch-Site: same-origin";
    Some((format!("POST {path}/duty HTTP/1.1\r\n{own}\r\n{kind}\r\nContent-Length: {length}"), fields))
}

/// Passes requests on with the session's cookie, and pages back with `script` in them; streams as they come.
async fn go_between(to: SocketAddr, script: &'static str, seen: Arc<Notify>) -> SocketAddr {
    let listener = TcpListener::bind(ANY).await.unwrap();
    let at = listener.local_addr().unwrap();
    actix_web::rt::spawn(async move {
        while let Ok((browser, _)) = listener.accept().await {
            let seen = seen.clone();
            actix_web::rt::spawn(async move { drop(pass(browser, to, script, &seen).await) });
        }
    });
    at
}

async fn pass(mut browser: TcpStream, to: SocketAddr, script: &str, seen: &Notify) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(browser.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    if head.starts_with("GET /seen ") {
        seen.notify_one();
        return browser.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    }
    let (line, rest) = head.split_once("\r\n").unwrap_or((&head, "\r\n"));
    let plain = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !matches!(name.as_str(), "connection" | "accept-encoding" | "cookie" | "sec-fetch-site")
    };
    let rest: Vec<_> = rest.lines().filter(|line| !line.is_empty()).filter(plain).collect();
    let (line, fields) = as_form(line).unwrap_or((line.to_owned(), ""));
    let rest = rest.join("\r\n");
    let request = format!("{line}\r\n{COOKIE}Connection: close\r\n{rest}\r\n\r\n{fields}");
    let mut switch = TcpStream::connect(to).await?;
    switch.write_all(request.as_bytes()).await?;
    if line.starts_with("GET /ui/stream") {
        return tokio::io::copy(&mut switch, &mut browser).await.map(drop);
    }
    let mut answer = Vec::new();
    switch.read_to_end(&mut answer).await?;
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(()) };
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut body = answer[end + 4..].to_vec();
    let page = head.to_ascii_lowercase().contains("text/html");
    if page {
        body = String::from_utf8_lossy(&body).replace("</body>", &format!("{script}</body>")).into_bytes();
    }
    // The measuring script is not the page's, and the policy of the page stands in the way of it alone.
    let kept = head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        !(page && name == "content-security-policy") && name != "content-length"
    });
    let head: Vec<_> = kept.collect();
    let answer = format!("{}\r\nContent-Length: {}\r\n\r\n", head.join("\r\n"), body.len());
    browser.write_all(answer.as_bytes()).await?;
    browser.write_all(&body).await
}
