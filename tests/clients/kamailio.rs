//! Kamailio as the north: registrar and proxy with digest authentication, over UDP, TCP and TLS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{PATIENCE, Process, free_port, until_true};
use crate::scene::{DOMAIN, Scene};

/// A registrar whose users are all who know their password, [`north_password`].
pub struct Kamailio {
    pub sip: SocketAddr,
    pub sip_tls: SocketAddr,
    control: PathBuf,
    config: PathBuf,
    room: PathBuf,
    process: Process,
}

/// The password that Kamailio wants of a user.
pub fn north_password(user: &str) -> String {
    format!("north-{user}")
}

impl Kamailio {
    /// Starts it. Calls to numbers that begin with 9 go to `trunk`.
    pub fn start(scene: &Scene, trunk: Option<SocketAddr>) -> Kamailio {
        Self::start_with(scene, trunk, 60_000)
    }

    /// The same with its own patience for phones that ring, in milliseconds.
    pub fn start_with(scene: &Scene, trunk: Option<SocketAddr>, ringing: u32) -> Kamailio {
        let room = scene.room("kamailio");
        let credentials = scene.authority.issue("kamailio");
        let (port, tls_port) = (free_port(), free_port());
        let control = room.join("control");
        let tls = format!(
            "[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n\
             certificate = {cert}\nprivate_key = {key}\n\
             [client:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\n\
             certificate = {cert}\nprivate_key = {key}\nca_list = {ca}\n",
            cert = credentials.certificate.display(),
            key = credentials.key.display(),
            ca = scene.authority.file().display(),
        );
        std::fs::write(room.join("tls.cfg"), tls).unwrap();
        let config = include_str!("kamailio.cfg")
            .replace("@PORT@", &port.to_string())
            .replace("@TLS_PORT@", &tls_port.to_string())
            .replace("@DOMAIN@", DOMAIN)
            .replace("@TRUNK@", &trunk.map_or_else(|| "127.0.0.1:9".into(), |to| to.to_string()))
            .replace("@RINGING@", &ringing.to_string())
            .replace("@ROOM@", room.to_str().unwrap());
        let file = room.join("kamailio.cfg");
        std::fs::write(&file, config).unwrap();
        let process = Self::spawn(&room, &file);
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let mut kamailio =
            Kamailio { sip: address(port), sip_tls: address(tls_port), control, config: file, room, process };
        kamailio.wait_ready();
        kamailio
    }

    fn spawn(room: &std::path::Path, config: &std::path::Path) -> Process {
        let mut command = Command::new("kamailio");
        // -DD: in the foreground; -E: log to standard error; no user change, no shared directories.
        command.args(["-DD", "-E", "-m", "256", "-M", "16", "-x", "tlsf", "-X", "tlsf"]);
        command.arg("-Y").arg(room).arg("-f").arg(config);
        Process::start("kamailio", room, command)
    }

    fn wait_ready(&mut self) {
        until_true("kamailio answers on its control socket", PATIENCE, || {
            let ended = self.process.poll();
            assert!(ended.is_none(), "kamailio ended: {ended:?}\n{}", self.process.output());
            self.order(&["core.uptime"]).is_some()
        });
    }

    /// Stops it; all that it knew is gone with it.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Starts it again on the same ports.
    pub fn start_again(&mut self) {
        self.process = Self::spawn(&self.room.clone(), &self.config.clone());
        self.wait_ready();
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The URI of a user in the north.
    pub fn uri(user: &str) -> String {
        format!("sip:{user}@{DOMAIN}")
    }

    /// Everything that it knows of a user.
    pub fn lookup(&self, user: &str) -> Option<String> {
        // Without "s:" a number would be taken for a number.
        self.order(&["ul.lookup", "location", &format!("s:{user}")])
    }

    /// The contacts that are registered for a user.
    pub fn contacts(&self, user: &str) -> Vec<String> {
        let known = self.lookup(user).unwrap_or_default();
        let addresses = known.lines().filter_map(|line| line.trim().strip_prefix("Address: "));
        addresses.map(str::to_owned).collect()
    }

    /// Value of a line such as `Expires: 290` of a user's only contact.
    pub fn contact_field(&self, user: &str, field: &str) -> Option<String> {
        let answer = self.lookup(user)?;
        let mut lines = answer.lines().map(str::trim);
        lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(": ").map(str::to_owned))
    }

    pub fn wait_contact(&self, user: &str) {
        until_true(&format!("{user} is registered at kamailio"), PATIENCE, || {
            !self.contacts(user).is_empty()
        });
    }

    fn order(&self, words: &[&str]) -> Option<String> {
        let socket = format!("unixs:{}", self.control.display());
        let output = Command::new("kamcmd").args(["-s", &socket]).args(words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success() && !text.starts_with("error")).then_some(text)
    }
}
