//! The switch on the stage: `kirkwall serve`, a process with a configuration and a data directory of its own.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use serde_json::Value;
use toml::Table;

use super::ports::Ports;
use super::rest::{Answer, Request, ask};
use super::{DOMAIN, Fault, until};
use crate::sip::Transport;
use crate::sip::tls::{Authority, Trust};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// UDP ports for media: room for fifty calls.
const MEDIA_PORTS: u16 = 200;
/// From SIGTERM to its end.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// A switch, running or not.
pub struct Switch {
    program: PathBuf,
    dir: PathBuf,
    settings: Table,
    web: Arc<ClientConfig>,
    token: Option<String>,
    bound: Option<Bound>,
    process: Option<Child>,
    /// Its media ports, given back behind its process.
    ports: Ports,
}

/// The addresses of the `ready` line.
#[derive(Debug, Clone)]
pub struct Bound(Vec<(String, SocketAddr)>);

impl Bound {
    /// The address of this name: `web`, `ops`, `sip_udp`, `sip_tcp`, `sip_tls`, `north_udp`, …
    pub fn at(&self, name: &str) -> Option<SocketAddr> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, address)| *address)
    }

    fn read(line: &str) -> Self {
        let named = line.split_whitespace().filter_map(|word| word.split_once('='));
        Self(named.filter_map(|(name, at)| Some((name.to_owned(), at.parse().ok()?))).collect())
    }
}

impl Switch {
    /// A switch that is not started: its certificate and its plain configuration.
    ///
    /// # Errors
    /// When certificates or files cannot be made.
    pub(super) fn new(program: &Path, dir: &Path, authority: &Authority) -> Result<Self, Fault> {
        let names = ["127.0.0.1", "localhost", DOMAIN].map(String::from);
        let (certificate, key) = authority.issue(&names, &[HERE])?;
        let mut switch = Self {
            program: program.to_owned(),
            dir: dir.to_owned(),
            settings: Table::new(),
            web: Trust::Pem(authority.pem()).client()?,
            token: None,
            bound: None,
            process: None,
            ports: Ports::free(HERE, MEDIA_PORTS)?,
        };
        let (certificate, key) = (switch.file("switch.pem", &certificate)?, switch.file("switch.key", &key)?);
        let first = switch.ports.first();
        switch.set(&plain(&certificate, &key, first))?;
        Ok(switch)
    }

    /// Sets keys of `kirkwall.toml`, written as there: `media.srtp = "required"`. They count at the next
    /// start.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn set(&mut self, toml: &str) -> Result<(), Fault> {
        let table: Table = toml.parse().map_err(|error: toml::de::Error| {
            let mend = "write a key and a value as in kirkwall.toml: set media.srtp = \"required\"";
            Fault::unusable(format!("`{toml}` is no TOML: {}", error.message()), mend)
        })?;
        merge(&mut self.settings, table);
        Ok(())
    }

    /// Writes a file into the story's directory; answers its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, text: &str) -> Result<PathBuf, Fault> {
        let path = self.dir.join(name);
        std::fs::write(&path, text).map_err(|error| {
            Fault::unusable(format!("{} cannot be written: {error}", path.display()), "make room in /tmp")
        })?;
        Ok(path)
    }

    /// Starts it, the first time or again with the same data and the same ports, and waits until it serves.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(&mut self, patience: Duration) -> Result<(), Fault> {
        if self.is_running() {
            return Err(Fault::unusable("the switch runs already", "leave this step out, or kill it first"));
        }
        if self.token.is_none() {
            self.token = Some(self.create_token()?);
        }
        self.keep_ports();
        let config = self.file("kirkwall.toml", &self.settings.to_string())?;
        let said_before = self.log().len();
        self.process = Some(self.spawn(&config)?);
        let ready = until(patience, "the switch serves", async || {
            let log = self.log();
            let fresh = log.get(said_before..).unwrap_or_default();
            match fresh.lines().find(|line| line.starts_with("ready ")) {
                Some(line) => Ok(Ok(Bound::read(line))),
                None if !self.is_running() => Ok(Err(self.not_up(fresh))),
                None => Err("no line `ready …` of it".to_owned()),
            }
        });
        self.bound = Some(ready.await??);
        Ok(())
    }

    /// It ended before it served. A bad configuration (exit code 2) is the story's fault.
    fn not_up(&mut self, said: &str) -> Fault {
        let status = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
        match status.and_then(|status| status.code()) {
            Some(2) => {
                Fault::unusable(said.trim(), "mend the `set` steps; docs/configuration.md has the keys")
            }
            _ => Fault::failed("the switch serves", format!("it ended: {said}")),
        }
    }

    /// kill -9.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<(), Fault> {
        let mut process = self.take_process()?;
        // What cannot be killed has ended by itself, and take_process has just seen it run.
        let _ = process.kill();
        let _ = process.wait();
        Ok(())
    }

    /// SIGTERM; it has to end by itself and with success.
    ///
    /// # Errors
    /// When it does not.
    pub async fn stop(&mut self) -> Result<(), Fault> {
        let mut process = self.take_process()?;
        let _ = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        let ended = until(LAST_WORDS, "the switch ends after SIGTERM", async || {
            process.try_wait().ok().flatten().ok_or_else(|| "it runs on".to_owned())
        });
        let ended = ended.await;
        let _ = process.kill();
        let _ = process.wait();
        match ended? {
            status if status.success() => Ok(()),
            status => Err(Fault::failed("the switch ends with success", status.to_string())),
        }
    }

    /// Whether it runs now.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Nobody may ask more of a switch: that it did not end by itself, and that nothing in it panicked.
    pub(super) fn verdict(&mut self) -> Result<(), Fault> {
        let ended: Option<ExitStatus> =
            self.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
        if let Some(status) = ended {
            return Err(Fault::failed(
                "the switch runs to the end of the story",
                format!("it ended: {status}"),
            ));
        }
        match self.log().lines().find(|line| line.contains("panicked at")) {
            Some(line) => Err(Fault::failed("nothing in the switch panics", line)),
            None => Ok(()),
        }
    }

    /// Everything that it said so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.dir.join("switch.log")).unwrap_or_default()).into_owned()
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When it was not started.
    pub fn bound(&self) -> Result<&Bound, Fault> {
        self.bound.as_ref().ok_or_else(|| {
            Fault::unusable("the switch has not been started", "put the step `start switch` before this one")
        })
    }

    /// Where base stations reach it.
    ///
    /// # Errors
    /// When it was not started, or does not listen there.
    pub fn south(&self, transport: Transport) -> Result<SocketAddr, Fault> {
        let name = format!("sip_{transport}");
        self.bound()?.at(&name).ok_or_else(|| {
            let mend = format!("set sip.south.{transport} = \"127.0.0.1:0\"");
            Fault::unusable(format!("the switch does not listen on {transport} in the south"), mend)
        })
    }

    /// One REST request; `path` begins behind `/api/v1`. Errors are words.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn rest(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, String> {
        let to = self.address("web")?;
        let path = format!("/api/v1{path}");
        let authorization = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let request = Request { method, path: &path, authorization, body };
        ask(to, Some(self.web.clone()), &request).await
    }

    /// GET by a script that shows the administrator's user and password (Basic, RFC 7617). Errors are words.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn script(&self, path: &str) -> Result<Answer, String> {
        let password = self.token.as_deref().unwrap_or_default();
        let authorization = Some(format!("Basic {}", STANDARD.encode(format!("admin:{password}"))));
        let request = Request { method: "GET", path, authorization, body: None };
        ask(self.address("web")?, Some(self.web.clone()), &request).await
    }

    /// The JSON of `GET path` with a status of 2xx. Errors are words.
    ///
    /// # Errors
    /// When there is no answer, or another one.
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        let answer = self.rest("GET", path, None).await?;
        match answer.status {
            200..300 => Ok(answer.json()),
            status => Err(format!("GET {path}: {status} {}", answer.text)),
        }
    }

    /// `/metrics`, `/livez` or `/readyz` of the ops port. Errors are words.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ops(&self, path: &str) -> Result<Answer, String> {
        ask(self.address("ops")?, None, &Request { method: "GET", path, authorization: None, body: None })
            .await
    }

    fn address(&self, name: &str) -> Result<SocketAddr, String> {
        let at = self.bound.as_ref().and_then(|bound| bound.at(name));
        at.ok_or_else(|| format!("the switch has no {name} address; is it started?"))
    }

    fn take_process(&mut self) -> Result<Child, Fault> {
        if !self.is_running() {
            return Err(Fault::unusable(
                "the switch does not run",
                "put the step `start switch` before this one",
            ));
        }
        self.process.take().ok_or_else(|| Fault::unusable("the switch does not run", "start it first"))
    }

    /// A restart finds the ports of the first start again.
    fn keep_ports(&mut self) {
        let Some(bound) = &self.bound else { return };
        let keys = [
            ("web", "web", "listen"),
            ("ops", "ops", "listen"),
            ("sip_udp", "sip.south", "udp"),
            ("sip_tcp", "sip.south", "tcp"),
            ("sip_tls", "sip.south", "tls"),
            ("north_udp", "sip.north", "listen_udp"),
            ("north_tcp", "sip.north", "listen_tcp"),
            ("north_tls", "sip.north", "listen_tls"),
            ("base_link", "base_link", "listen"),
        ];
        let kept = keys.iter().filter_map(|(name, section, key)| {
            bound.at(name).map(|at| format!("{section}.{key} = \"{at}\"\n"))
        });
        let kept: Table = kept.collect::<String>().parse().expect("keys and addresses make TOML");
        merge(&mut self.settings, kept);
    }

    fn spawn(&self, config: &Path) -> Result<Child, Fault> {
        let log = File::options().create(true).append(true).open(self.dir.join("switch.log"));
        let pipes = log.and_then(|log| Ok((log.try_clone()?, log)));
        let child = pipes.and_then(|(out, err)| {
            let mut command = Command::new(&self.program);
            command.arg("serve").arg("--config").arg(config).arg("--data").arg(self.dir.join("data"));
            command.env("RUST_LOG", std::env::var("KIRKWALL_TEST_LOG").unwrap_or("info".into()));
            command.stdin(Stdio::null()).stdout(out).stderr(err).spawn()
        });
        child.map_err(|error| self.not_started(&error))
    }

    fn create_token(&self) -> Result<String, Fault> {
        let mut command = Command::new(&self.program);
        command.args(["token", "create", "--name", "story", "--scope", "admin", "--data"]);
        let output = command.arg(self.dir.join("data")).output().map_err(|error| self.not_started(&error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Fault::failed("kirkwall token create makes a token", said));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// `kirkwall users import` of this text, while the switch runs.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn import(&self, csv: &str) -> Result<(), Fault> {
        let file = self.file("users.csv", csv)?;
        let mut command = Command::new(&self.program);
        command.args(["users", "import", "--data"]).arg(self.dir.join("data")).arg(file);
        let output = command.output().map_err(|error| self.not_started(&error))?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(Fault::failed("kirkwall users import takes the users", said))
            }
        }
    }

    fn not_started(&self, error: &std::io::Error) -> Fault {
        let what = format!("{} does not start: {error}", self.program.display());
        Fault::unusable(what, "build it (cargo build --workspace), or name it in KIRKWALL_PROGRAM")
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The configuration that a story begins with: loopback, ports that the system chooses, no north.
fn plain(certificate: &Path, key: &Path, media: u16) -> String {
    let (certificate, key) = (certificate.display(), key.display());
    format!(
        r#"[web]
listen = "127.0.0.1:0"
certificate = "{certificate}"
key = "{key}"
[ops]
listen = "127.0.0.1:0"
[sip]
domain = "{DOMAIN}"
registration_expires = 60
certificate = "{certificate}"
key = "{key}"
[sip.north]
listen_tls = "off"
[sip.south]
udp = "127.0.0.1:0"
tcp = "127.0.0.1:0"
tls = "127.0.0.1:0"
[media]
address = "127.0.0.1"
ports = "{media}-{}"
ice = false
[base_link]
listen = "127.0.0.1:0"
"#,
        media + MEDIA_PORTS - 1
    )
}

/// What is new replaces what was, key by key.
fn merge(settings: &mut Table, new: Table) {
    for (key, value) in new {
        match (settings.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => drop(settings.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_laid_over_each_other_key_by_key() {
        let mut settings: Table = plain(Path::new("c"), Path::new("k"), 20_000).parse().unwrap();
        merge(&mut settings, "media.srtp = \"required\"".parse().unwrap());
        merge(&mut settings, "capacity.media_channels = 1".parse().unwrap());
        let media = settings["media"].as_table().unwrap();
        assert_eq!(media["srtp"].as_str(), Some("required"));
        assert_eq!(media["ports"].as_str(), Some("20000-20199"));
        assert_eq!(settings["capacity"]["media_channels"].as_integer(), Some(1));
    }

    #[test]
    fn the_ready_line_names_addresses() {
        let bound = Bound::read("ready web=127.0.0.1:1 ops=127.0.0.1:2 sip_udp=127.0.0.1:3 x=y");
        assert_eq!(bound.at("sip_udp"), Some("127.0.0.1:3".parse().unwrap()));
        assert_eq!(bound.at("x"), None);
    }
}
