//! Chromium as an administrator's browser, driven by WebDriver: what is typed and clicked goes through the
//! pages as they are, with their certificate, cookies and content policy.

use std::future::Future;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use url::{ParseError, Url};

use crate::process::{Process, free_port, until};
use crate::scene::Scene;

/// Chromium starts slowly on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one window.
pub struct Chromium {
    window: Client,
    runtime: Runtime,
    /// Where the pages are.
    pages: Url,
    _driver: Process,
}

/// One command of the DevTools protocol, which chromedriver passes on.
#[derive(Debug)]
struct DevTools(&'static str, Value);

/// What the console said: faults of scripts, blocked resources, answers that were none.
#[derive(Debug)]
struct Console;

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

impl WebDriverCompatibleCommand for Console {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

impl Chromium {
    /// Opens a window that has seen nothing yet. The switch's certificate is the tests' own.
    pub fn start(scene: &Scene, pages: SocketAddr) -> Chromium {
        let room = scene.room("chromium");
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("TMPDIR", &room);
        let driver = Process::start("chromedriver", &room, command);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let profile = format!("--user-data-dir={}", room.join("profile").display());
        let wanted = json!({
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", profile],
            },
        });
        let wanted: Map<String, Value> = serde_json::from_value(wanted).unwrap();
        let at = format!("http://127.0.0.1:{port}");
        let window = until("chromedriver opens a window", PATIENCE, || {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            runtime.block_on(builder.capabilities(wanted.clone()).connect(&at)).ok()
        });
        let pages = Url::parse(&format!("https://{pages}")).unwrap();
        Chromium { window, runtime, pages, _driver: driver }
    }

    /// Opens a page by its path.
    pub fn open(&self, path: &str) {
        let page = self.pages.join(path).unwrap();
        self.done(path, self.window.goto(page.as_str()));
    }

    /// The path that is shown.
    pub fn path(&self) -> String {
        self.done("the address", self.window.current_url()).path().to_owned()
    }

    /// Types into the field of that name.
    pub fn type_in(&self, field: &str, text: &str) {
        let field = self.find(&format!("[name={field}]"));
        self.done("typing", field.send_keys(text));
    }

    /// Clicks what a selector names.
    pub fn click(&self, selector: &str) {
        self.done(selector, self.find(selector).click());
    }

    /// Presses the button with that label.
    pub fn press(&self, label: &str) {
        let path = format!("//button[normalize-space()='{label}']");
        let button =
            self.done(label, self.window.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)));
        self.done(label, button.click());
    }

    /// Waits until the element that a selector names shows these words, without the page being asked for anew.
    pub fn wait_shown(&self, selector: &str, words: &str) {
        until(&format!("{selector} shows {words:?}"), PATIENCE, || {
            let script = "const it = document.querySelector(arguments[0]); return it ? it.innerText : ''";
            let shown = self.window.execute(script, vec![selector.into()]);
            let shown = self.done(selector, shown);
            shown.as_str().filter(|shown| shown.contains(words)).map(drop)
        });
    }

    /// Makes the window so wide, in CSS pixels, and prefer light or dark.
    pub fn shape(&self, width: u32, dark: bool) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.done("a size", self.window.issue_cmd(DevTools("Emulation.setDeviceMetricsOverride", size)));
        self.done("a scheme", self.window.issue_cmd(DevTools("Emulation.setEmulatedMedia", media)));
    }

    /// The answer of a script in the page.
    pub fn ask(&self, script: &str) -> Value {
        self.done("a script", self.window.execute(script, Vec::new()))
    }

    /// Warnings and faults that the console showed since it was last asked.
    pub fn console(&self) -> Vec<String> {
        let said = self.done("the console", self.window.issue_cmd(Console));
        let lines = said.as_array().cloned().unwrap_or_default();
        // Below them Chromium gives advice on forms, which it calls recommendations.
        let faults = lines.iter().filter(|line| line["level"] == "WARNING" || line["level"] == "SEVERE");
        faults.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A picture of the whole page, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        let height = self.ask("return document.documentElement.scrollHeight").as_u64().unwrap_or(900);
        let width = self.ask("return innerWidth").as_u64().unwrap_or(360);
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.done("a size", self.window.issue_cmd(DevTools("Emulation.setDeviceMetricsOverride", size)));
        self.done("a picture", self.window.screenshot())
    }

    fn find(&self, selector: &str) -> Element {
        self.done(selector, self.window.wait().at_most(PATIENCE).for_element(Locator::Css(selector)))
    }

    fn done<T, E: std::fmt::Display>(&self, what: &str, order: impl Future<Output = Result<T, E>>) -> T {
        self.runtime.block_on(order).unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        drop(self.runtime.block_on(self.window.clone().close()));
    }
}
