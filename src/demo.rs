//! `kirkwall demo`: the real switch, with an emulated front end in the north and emulated handsets in the
//! south, and calls between them. Everything stays on loopback and is deleted at the end unless kept.
//!
//! What is real: SIP over TLS and UDP on sockets, digest, routing, channels, RTP, the store, REST, pages.
//! What is emulated: the radio, the people, and the far side's registrar. The banner says so.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kirkwall_core::pii::Pii;
use kirkwall_core::sip::{Facing, Transport};
use kirkwall_core::timer::Moment;
use kirkwall_data::Journal;
use kirkwall_data::request::Request;
use kirkwall_lab::world::{Prepared, South, User, World, WorldConfig};

use crate::cli::Demo;
use crate::config::Config;
use crate::serve::{run, wait_for_stop};
use crate::telemetry;
use crate::wiring::{Start, Switch};

const BANNER: &str = "Demonstration: the switch is real, the radio, the people and the front end are emulated. \
                      Nothing leaves this machine.";
/// Handsets and base stations of the emulated plant.
const HANDSETS: usize = 24;
const BASES: usize = 6;

pub fn demo(args: Demo) -> ExitCode {
    telemetry::log_to_stderr();
    let folder = match Folder::make(args.keep.as_deref()) {
        Ok(folder) => folder,
        Err(why) => return fail(&why),
    };
    let data = folder.path.clone();
    let outcome = run(|sockets, metrics| async move {
        let lab = sockets.clone();
        let config = WorldConfig {
            seed: args.seed.unwrap_or(42),
            handsets: HANDSETS,
            bases: BASES,
            ..WorldConfig::default()
        };
        let prepared = in_lab(&lab, World::prepare(config)).await?;
        let config = configuration(&data, &prepared, args.port)?;
        keep_users(&data, prepared.users())?;
        let start = Start { data: &data, sockets, metrics, banner: Some(BANNER.to_owned()) };
        let switch = Switch::start(&config, start).await?;
        let south = south(&switch, &data);
        let world = in_lab(&lab, async move { prepared.run(&south).await }).await?;
        println!("{switch}");
        println!();
        println!("  The demonstration runs. Open it with this link, once:");
        println!("    {}", switch.log_in_link().await?);
        println!(
            "  The browser warns, since the certificate is this machine's own: SHA-256 {}",
            switch.web_fingerprint
        );
        println!("  Ctrl-C ends it.");
        wait_for_stop().await?;
        let counted = in_lab(&lab, async move { Ok::<_, String>(world.stop().await) }).await?;
        println!(
            "  {} calls tried, {} answered, {} heard right",
            counted.tried, counted.answered, counted.audio_verified
        );
        switch.drain(Duration::from_secs(3)).await;
        Ok(())
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(&why),
    }
}

/// The lab runs on the sockets' threads, apart from the switch's actors.
async fn in_lab<T, E>(
    lab: &tokio::runtime::Handle,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, String>
where
    T: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    let done = lab.spawn(work).await.map_err(|error| error.to_string())?;
    done.map_err(|fault| format!("the emulated plant: {fault}"))
}

/// The demonstration's own `kirkwall.toml`; it is written into the folder, so that it can be looked at.
fn configuration(data: &Path, prepared: &Prepared, port: u16) -> Result<Config, String> {
    let ca = data.join("front-end-ca.pem");
    fs::write(&ca, prepared.ca_pem()).map_err(|error| format!("{}: {error}", ca.display()))?;
    let front_end = prepared.front_end_addresses().tls.ok_or("the emulated front end has no TLS listener")?;
    let text = format!(
        r#"[node]
fqdn = "demo.kirkwall.test"
[web]
listen = "127.0.0.1:{port}"
[ops]
listen = "127.0.0.1:0"
[sip]
domain = "{domain}"
transport = "tls"
proxies = ["{front_end}"]
ca = "{ca}"
[sip.north]
listen_tls = "127.0.0.1:0"
[sip.south]
udp = "127.0.0.1:0"
tcp = "127.0.0.1:0"
tls = "127.0.0.1:0"
[media]
address = "127.0.0.1"
"#,
        domain = prepared.domain(),
        ca = ca.display(),
    );
    let file = data.join("kirkwall.toml");
    fs::write(&file, &text).map_err(|error| format!("{}: {error}", file.display()))?;
    Config::read(&file.display().to_string(), &text, [])
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// Users are made as an administrator would: by the rules of the CSV import.
fn keep_users(data: &Path, users: &[User]) -> Result<(), String> {
    let mut csv = String::from("username,display_name,auth_username,auth_password,south_password,enabled\n");
    for user in users {
        csv += &format!(
            "{},{},{},{},{},yes\n",
            user.username, user.display_name, user.auth_username, user.auth_password, user.south_password
        );
    }
    let journal = Journal::open(data).map_err(|fault| fault.to_string())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Moment::from_micros(u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
    let (writes, _) = Request::ImportUsers { csv: Pii(csv) }.plan(&journal, now);
    journal.save_blocking(writes).map_err(|fault| fault.to_string())
}

fn south(switch: &Switch, data: &Path) -> South {
    let at = |transport| -> Option<SocketAddr> { switch.bound(Facing::South, transport) };
    let certificate = fs::read_to_string(data.join("tls/sip.pem")).unwrap_or_default();
    South {
        udp: at(Transport::Udp),
        tcp: at(Transport::Tcp),
        tls: at(Transport::Tls),
        trust: kirkwall_lab::world::Trust::Pem(certificate),
    }
}

/// The folder of the demonstration's store; deleted with this value unless it is to be kept.
struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    fn make(keep: Option<&Path>) -> Result<Self, String> {
        let path = keep.map_or_else(
            || std::env::temp_dir().join(format!("kirkwall-demo-{}", std::process::id())),
            Path::to_path_buf,
        );
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, keep: keep.is_some() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            eprintln!("kirkwall: {} could not be deleted: {error}", self.path.display());
        }
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("kirkwall: {why}");
    ExitCode::FAILURE
}
