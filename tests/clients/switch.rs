//! Kirkwall under test: `kirkwall serve` with a data directory of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::audio::Tone;
use crate::authority::Credentials;
use crate::baresip::{Account, G711, Srtp};
use crate::kamailio::{Kamailio, north_password};
use crate::process::{PATIENCE, Process, free_ports, until, until_true};
use crate::scene::{DOMAIN, Scene};
use crate::web::{self, Answer};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kirkwall");

/// A switch, running or killed.
pub struct Switch<'a> {
    scene: &'a Scene,
    room: PathBuf,
    options: Options,
    credentials: Credentials,
    token: String,
    bound: Bound,
    media: u16,
    process: Process,
}

/// What a test wants of its switch.
#[derive(Debug, Clone)]
pub struct Options {
    /// Registrar in the north and the transport to it, `tls`, `tcp` or `udp`.
    pub north: Option<(SocketAddr, &'static str)>,
    /// Media channels and channels of a base station; as much as there is.
    pub channels: u32,
    /// `off`, `optional` or `required`.
    pub srtp: &'static str,
    /// How many UDP ports for media.
    pub media_ports: u16,
    /// Seconds that a registration in the north is asked for.
    pub expires: u32,
    /// Whether it does ICE towards the north.
    pub ice: bool,
    /// Whether its configuration names the authority of the registrar's certificate.
    pub knows_ca: bool,
    /// The authority of the registrar's certificate; none: the scene's.
    pub ca: Option<PathBuf>,
    /// More sections of its configuration.
    pub more: &'static str,
}

/// Addresses of the `ready` line.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    pub web: SocketAddr,
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    pub tls: SocketAddr,
    /// Where the registrar reaches it; by the transport to the north.
    pub north: Option<SocketAddr>,
    /// Where native base stations reach it, when it has an ARI.
    pub base_link: Option<SocketAddr>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            north: None,
            channels: 1_000,
            srtp: "optional",
            media_ports: 200,
            expires: 60,
            ice: false,
            knows_ca: true,
            ca: None,
            more: "",
        }
    }
}

/// The password that a handset registers with.
pub fn south_password(user: &str) -> String {
    format!("south-{user}")
}

impl<'a> Switch<'a> {
    /// Starts a switch that has nobody yet, on ports that it chooses itself.
    pub fn start(scene: &'a Scene, options: Options) -> Switch<'a> {
        let room = scene.room("kirkwall");
        let credentials = scene.authority.issue("kirkwall");
        let token = create_token(&room);
        let media = free_ports(options.media_ports);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let north = Some(nowhere);
        let bound = Bound { web: nowhere, udp: nowhere, tcp: nowhere, tls: nowhere, north, base_link: None };
        let process = spawn(&room);
        let mut switch = Switch { scene, room, options, credentials, token, bound, media, process };
        switch.process.kill();
        switch.start_again();
        switch
    }

    /// Starts it as it was: the same data, the same ports. Answers how long that took.
    pub fn start_again(&mut self) -> Duration {
        std::fs::write(self.room.join("kirkwall.toml"), self.config()).unwrap();
        let before = self.process.output().len();
        let started = std::time::Instant::now();
        self.process = spawn(&self.room);
        let output = self.process.wait_output(" base_link=", before);
        let line = output.lines().find(|line| line.starts_with("ready ")).expect("the ready line");
        self.bound = Bound::read(line);
        started.elapsed()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM; it has to end by itself and with success.
    pub fn stop(&mut self) {
        let status = self.process.stop();
        assert!(status.success(), "the switch ended with {status}");
    }

    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// A token that may do everything.
    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether it still runs.
    pub fn assert_alive(&mut self) {
        let ended = self.process.poll();
        assert!(ended.is_none(), "the switch ended: {ended:?}\n{}", self.process.output());
        let output = self.process.output();
        let panic = output.lines().find(|line| line.contains("panicked at"));
        assert_eq!(panic, None, "the switch panicked somewhere");
    }

    /// First and last of its media ports.
    pub fn media_ports(&self) -> (u16, u16) {
        (self.media, self.media + self.options.media_ports - 1)
    }

    /// Waits until it has logged this.
    pub fn wait_output(&mut self, needle: &str) {
        self.process.wait_output(needle, 0);
    }

    /// Everything that it logged.
    pub fn output(&self) -> String {
        self.process.output()
    }

    fn config(&self) -> String {
        let Bound { web, udp, tcp, tls, north, .. } = self.bound;
        let (proxies, transport) = match self.options.north {
            Some((address, transport)) => (format!("\"{address}\""), transport),
            None => (String::new(), "tls"),
        };
        let listen = |wanted: &str| match north {
            Some(at) if wanted == transport => at.to_string(),
            _ => "off".into(),
        };
        format!(
            r#"[web]
listen = "{web}"
certificate = "{cert}"
key = "{key}"
[ops]
listen = "127.0.0.1:0"
[sip]
domain = "{DOMAIN}"
transport = "{transport}"
proxies = [{proxies}]
registration_expires = {expires}
certificate = "{cert}"
key = "{key}"
{ca}
[sip.north]
listen_udp = "{north_udp}"
listen_tcp = "{north_tcp}"
listen_tls = "{north_tls}"
[sip.south]
udp = "{udp}"
tcp = "{tcp}"
tls = "{tls}"
[media]
address = "127.0.0.1"
ports = "{first}-{last}"
srtp = "{srtp}"
ice = {ice}
codecs = ["PCMA", "PCMU", "G722", "G726-32"]
[capacity]
media_channels = {channels}
media_channels_srtp = {channels}
base_channels = {channels}
base_channels_srtp = {channels}
[base_link]
listen = "127.0.0.1:0"
{more}"#,
            cert = self.credentials.certificate.display(),
            key = self.credentials.key.display(),
            ca = match self.options.knows_ca {
                true => {
                    let ca = self.options.ca.clone().unwrap_or_else(|| self.scene.authority.file());
                    format!("ca = \"{}\"", ca.display())
                }
                false => String::new(),
            },
            north_udp = listen("udp"),
            north_tcp = listen("tcp"),
            north_tls = listen("tls"),
            first = self.media,
            last = self.media + self.options.media_ports - 1,
            srtp = self.options.srtp,
            ice = self.options.ice,
            channels = self.options.channels,
            expires = self.options.expires,
            more = self.options.more,
        )
    }

    /// One REST request that has to succeed.
    pub fn rest(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let Answer { status, body } = self.try_rest(method, path, body).unwrap();
        assert!((200..300).contains(&status), "{method} {path}: {status} {body}");
        body
    }

    fn try_rest(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        let path = format!("/api/v1{path}");
        web::ask(&self.scene.authority, self.bound.web, &self.token, method, &path, body)
    }

    /// Makes a user with both passwords.
    pub fn create_user(&self, user: &str) {
        let fields = json!({
            "username": user,
            "display_name": format!("Nurse {user}"),
            "auth_username": user,
            "auth_password": north_password(user),
            "south_password": south_password(user),
            "enabled": true,
        });
        self.rest("POST", "/users", Some(&fields));
    }

    /// Changes some fields of a user.
    pub fn change_user(&self, user: &str, fields: &Value) {
        self.rest("PATCH", &format!("/users/{user}"), Some(fields));
    }

    /// Makes many users at once by the command line, while the switch runs.
    pub fn import_users(&self, users: impl Iterator<Item = String>) {
        let mut csv = "username,display_name,auth_username,auth_password,south_password,enabled\n".to_owned();
        csv.extend(users.map(|user| {
            format!("{user},Nurse {user},{user},{},{},yes\n", north_password(&user), south_password(&user))
        }));
        let file = self.room.join("users.csv");
        std::fs::write(&file, csv).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["users", "import", "--data"]).arg(self.room.join("data")).arg(file);
        let output = command.output().unwrap();
        assert!(output.status.success(), "users import: {output:?}");
    }

    /// What REST says of a user.
    pub fn user(&self, user: &str) -> Value {
        self.rest("GET", &format!("/users/{user}"), None)
    }

    /// Waits until the switch is registered in the north for a user.
    pub fn wait_line(&self, user: &str) {
        let mut last = Value::Null;
        let started = std::time::Instant::now();
        while last != "registered" {
            assert!(started.elapsed() < PATIENCE, "line of {user} to the north is {last}");
            last = self.user(user)["status"]["registration"].take();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether a handset is registered for a user.
    pub fn has_handset(&self, user: &str) -> bool {
        self.user(user)["status"]["handset_registered"] == true
    }

    pub fn wait_handset(&self, user: &str) {
        until_true(&format!("handset of {user} is registered"), PATIENCE, || self.has_handset(user));
    }

    pub fn capacity(&self) -> Value {
        self.rest("GET", "/capacity", None)
    }

    /// Waits until no channel is in use, neither by the books nor in the engine, and no call stands.
    pub fn wait_idle(&self) {
        let mut last = Value::Null;
        let idle = |capacity: &Value| {
            let in_use = capacity["media_in_use"].as_object();
            in_use.is_some_and(|load| !load.is_empty() && load.values().all(|channels| channels == 0))
                && capacity["engine_channels"] == 0
                && capacity["calls"] == 0
        };
        let started = std::time::Instant::now();
        while !idle(&last) {
            assert!(started.elapsed() < PATIENCE, "channels stay in use: {last}");
            last = self.capacity();
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The newest ended call.
    pub fn last_call(&self) -> Value {
        until("an ended call is listed", PATIENCE, || {
            let calls = self.rest("GET", "/calls?state=ended&limit=1", None);
            calls["items"].as_array()?.first().cloned()
        })
    }

    /// The account of a handset at this switch.
    pub fn handset(&self, user: &str, transport: &'static str, tone: Tone) -> Account {
        let server = match transport {
            "tls" => self.bound.tls,
            "tcp" => self.bound.tcp,
            _ => self.bound.udp,
        };
        Account {
            user: user.into(),
            password: south_password(user),
            server,
            transport,
            srtp: Srtp::Off,
            answers: true,
            tone,
            codecs: G711,
            ice: false,
        }
    }
}

impl Options {
    /// A line to `kamailio` over `transport`.
    pub fn line(kamailio: &Kamailio, transport: &'static str) -> Options {
        let registrar = if transport == "tls" { kamailio.sip_tls } else { kamailio.sip };
        Options { north: Some((registrar, transport)), ..Options::default() }
    }
}

impl Bound {
    /// Reads `ready web=… sip_udp=… sip_tcp=… sip_tls=… north_tls=… …`.
    fn read(line: &str) -> Bound {
        let at = |name: &str| {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.and_then(|word| word.parse::<SocketAddr>().ok())
        };
        let must = |name: &str| at(name).unwrap_or_else(|| panic!("no {name} in: {line}"));
        Bound {
            web: must("web"),
            udp: must("sip_udp"),
            tcp: must("sip_tcp"),
            tls: must("sip_tls"),
            north: ["north_tls", "north_tcp", "north_udp"].iter().find_map(|name| at(name)),
            base_link: at("base_link"),
        }
    }
}

fn spawn(room: &std::path::Path) -> Process {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").arg("--config").arg(room.join("kirkwall.toml"));
    command.arg("--data").arg(room.join("data"));
    command.env("RUST_LOG", std::env::var("KIRKWALL_TEST_LOG").unwrap_or("info".into()));
    Process::start("kirkwall", room, command)
}

fn create_token(room: &std::path::Path) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(["token", "create", "--name", "tests", "--scope", "admin", "--data"]);
    let output = command.arg(room.join("data")).output().unwrap();
    assert!(output.status.success(), "token create: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
