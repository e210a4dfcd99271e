//! Baresip as handset and as phone in the north: told what to do over its control socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::audio::{Heard, Tone, listen, wav, wav_at};
use crate::authority::Credentials;
use crate::phone::Phone;
use crate::process::{PATIENCE, Process, free_port, free_ports, until, until_true};
use crate::scene::{DOMAIN, Scene};

/// Whether a phone encrypts its voice, with keys in the SDP (RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Srtp {
    Off,
    /// Offered with the profile RTP/AVP, so that the other side may choose.
    Offered,
    /// Offered as RTP/SAVP, and no call without it.
    Required,
}

/// How an account reaches its server and what it does with a call.
#[derive(Debug, Clone)]
pub struct Account {
    pub user: String,
    pub password: String,
    /// Registrar and outbound proxy.
    pub server: SocketAddr,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    pub srtp: Srtp,
    /// Whether calls are answered at once, or ring.
    pub answers: bool,
    pub tone: Tone,
    /// Codecs that it offers, preferred first, as it names them.
    pub codecs: &'static str,
    /// Whether it does ICE.
    pub ice: bool,
}

/// G.711 alone.
pub const G711: &str = "PCMA/8000/1,PCMU/8000/1";
/// G.722 first: it plays and records 16 kHz then.
pub const WIDEBAND: &str = "G722/16000/1,PCMA/8000/1";

/// A running baresip with one account.
pub struct Baresip {
    account: Account,
    room: PathBuf,
    control: TcpStream,
    heard: Vec<u8>,
    events: Vec<Value>,
    process: Process,
}

impl Baresip {
    /// Starts it and waits until it has registered.
    pub fn start(scene: &Scene, account: Account) -> Baresip {
        Self::start_with(scene, account, "")
    }

    /// The same with more lines of its configuration.
    pub fn start_with(scene: &Scene, account: Account, more: &str) -> Baresip {
        let mut baresip = Self::spawn(scene, account, more);
        // The event REGISTER_OK may have gone before the control socket was open; the log keeps it.
        baresip.process.wait_output(" binding]", 0);
        baresip
    }

    /// Starts it and waits for its control socket only.
    pub fn start_unregistered(scene: &Scene, account: Account) -> Baresip {
        Self::spawn(scene, account, "")
    }

    fn spawn(scene: &Scene, account: Account, more: &str) -> Baresip {
        let room = scene.room(&format!("baresip-{}", account.user));
        let credentials = scene.authority.issue(&format!("baresip-{}", account.user));
        account.tone.write(&room.join("tone.wav"), Duration::from_secs(120));
        let (control, config) = (free_port(), &room.join("config"));
        let settings = settings(&room, control, &credentials, &scene.authority.file());
        let settings = match account.codecs {
            WIDEBAND => settings
                .replace("srate 8000", "srate 16000")
                .replace("module g711.so", "module g711.so\nmodule g722.so"),
            _ => settings,
        };
        std::fs::write(config, settings + more).unwrap();
        std::fs::write(room.join("accounts"), account.line()).unwrap();
        std::fs::write(room.join("contacts"), "").unwrap();
        let mut command = Command::new("baresip");
        command.arg("-v").arg("-s").arg("-f").arg(&room);
        let mut process = Process::start("baresip", &room, command);
        let address = SocketAddr::from(([127, 0, 0, 1], control));
        let control = until("baresip opens its control socket", PATIENCE, || {
            let ended = process.poll();
            assert!(ended.is_none(), "baresip ended: {ended:?}\n{}", process.output());
            TcpStream::connect(address).ok()
        });
        control.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        Baresip { account, room, control, heard: Vec::new(), events: Vec::new(), process }
    }

    pub fn accept(&mut self) {
        self.order("accept", "");
    }

    /// Presses keys in the call that it talks in (RFC 4733).
    pub fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            self.order("sndcode", &key.to_string());
        }
    }

    /// Makes that one of its calls the present one; it counts them from 1.
    pub fn select(&mut self, call: usize) {
        self.order("line", &call.to_string());
    }

    fn order(&mut self, command: &str, params: &str) {
        let order = json!({ "command": command, "params": params, "token": command }).to_string();
        self.control.write_all(format!("{}:{order},", order.len()).as_bytes()).unwrap();
    }

    /// Waits for an event that was not waited for yet and answers it; earlier ones are forgotten.
    pub fn wait_event(&mut self, kind: &str) -> Value {
        let what = format!("baresip {} sees {kind}", self.account.user);
        until(&what, PATIENCE, || {
            self.read_events();
            let at = self.events.iter().position(|event| event["type"] == kind);
            if at.is_none() {
                let ended = self.process.poll();
                assert!(ended.is_none(), "baresip ended: {ended:?}");
            }
            self.events.drain(..=at?).next_back()
        })
    }

    /// Whether such an event has come and was not waited for.
    pub fn has_event(&mut self, kind: &str) -> bool {
        self.read_events();
        self.events.iter().any(|event| event["type"] == kind)
    }

    /// Takes netstrings with JSON from the control socket.
    fn read_events(&mut self) {
        let mut bytes = [0; 4096];
        if let Ok(count) = self.control.read(&mut bytes) {
            self.heard.extend(&bytes[..count]);
        }
        while let Some(colon) = self.heard.iter().position(|byte| *byte == b':') {
            let length: usize = std::str::from_utf8(&self.heard[..colon]).unwrap().parse().unwrap();
            let end = colon + 1 + length;
            if self.heard.len() <= end {
                break;
            }
            let event: Value = serde_json::from_slice(&self.heard[colon + 1..end]).unwrap();
            self.events.extend(event["event"].as_bool().map(|_| event));
            self.heard.drain(..=end);
        }
    }

    /// Sends this from the next call on, in a loop, instead of its tone.
    pub fn says(&self, samples: &[i16]) {
        std::fs::write(self.room.join("tone.wav"), wav(samples)).unwrap();
    }

    /// The same of 16 kHz speech.
    pub fn says_wide(&self, samples: &[i16]) {
        std::fs::write(self.room.join("tone.wav"), wav_at(16_000, samples)).unwrap();
    }

    /// The newest recording of what came over the line.
    pub fn recording(&self) -> Option<PathBuf> {
        let files = std::fs::read_dir(&self.room).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|file| file.to_string_lossy().ends_with("-dec.wav")).max()
    }

    /// Waits until what it sends and what it receives is as wanted, by its own counts.
    pub fn wait_rates(&mut self, wanted: impl Fn(bool, bool) -> bool) {
        until_true(&format!("{} sends and receives as wanted", self.account.user), PATIENCE, || {
            let output = self.output();
            let newest =
                output.rsplit("audio=").next().and_then(|line| line.split_once(' ')?.0.split_once('/'));
            let some = |rate: &str| rate.parse::<u32>().is_ok_and(|rate| rate > 30_000);
            let none = |rate: &str| rate.parse::<u32>().is_ok_and(|rate| rate < 1_000);
            let known = |rate: &str| some(rate) || none(rate);
            newest.is_some_and(|(tx, rx)| known(tx) && known(rx) && wanted(some(tx), some(rx)))
        });
    }

    /// Waits until its log says so.
    pub fn wait_output(&mut self, needle: &str) {
        self.process.wait_output(needle, 0);
    }

    /// The SIP messages that it saw, as its log has them.
    pub fn output(&self) -> String {
        self.process.output()
    }
}

impl Phone for Baresip {
    fn user(&self) -> &str {
        &self.account.user
    }

    fn records_packets(&self) -> bool {
        true
    }

    fn tone(&self) -> Tone {
        self.account.tone
    }

    fn dial(&mut self, number: &str) {
        self.order("dial", &format!("sip:{number}@{DOMAIN}"));
    }

    /// Ends the call, or refuses one that rings with 486.
    fn hang_up(&mut self) {
        self.order("hangup", "");
    }

    fn wait_established(&mut self) {
        self.wait_event("CALL_ESTABLISHED");
    }

    fn wait_closed(&mut self) -> String {
        self.wait_event("CALL_CLOSED")["param"].as_str().unwrap_or_default().to_owned()
    }

    fn heard(&self, tone: Tone) -> Option<Heard> {
        listen(&self.recording()?, tone)
    }

    fn hold(&mut self) {
        self.order("hold", "");
    }

    fn resume(&mut self) {
        self.order("resume", "");
    }

    fn transfer(&mut self, number: &str) {
        self.order("transfer", &format!("sip:{number}@{DOMAIN}"));
    }

    fn wait_heard(&self, tone: Tone, duration: Duration) -> Heard {
        let what = format!("{} hears {duration:?} of {} Hz", self.account.user, tone.hertz);
        until(&what, PATIENCE, || {
            let heard = self.heard(tone)?;
            (heard.duration >= duration).then_some(heard)
        })
    }
}

impl Account {
    fn line(&self) -> String {
        let Account { user, password, server, transport, srtp, answers, codecs, ice, .. } = self;
        let mode = if *answers { "auto" } else { "manual" };
        let srtp = match srtp {
            Srtp::Off => "",
            Srtp::Offered => ";mediaenc=srtp",
            Srtp::Required => ";mediaenc=srtp-mand",
        };
        format!(
            "<sip:{user}@{DOMAIN};transport={transport}>;auth_user={user};auth_pass={password};\
             outbound=\"sip:{server};transport={transport}\";regint=60;answermode={mode};\
             audio_codecs={codecs}{srtp}{ice}\n",
            ice = if *ice { ";medianat=ice" } else { "" },
        )
    }
}

fn settings(room: &Path, control: u16, credentials: &Credentials, authority: &Path) -> String {
    let (sip, rtp) = (free_ports(2), free_ports(40));
    let room = room.display();
    format!(
        "poll_method epoll
sip_listen 127.0.0.1:{sip}
sip_certificate {certificate}
sip_cafile {authority}
net_interface 127.0.0.1
call_local_timeout 120
call_max_calls 4
audio_player aubridge,nobody
audio_source aufile,{room}/tone.wav
audio_alert aubridge,nobody
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_level no
rtp_ports {rtp}-{rtp_last}
rtcp_mux no
jitter_buffer_type off
jitter_buffer_delay 1-5
rtp_timeout 0
module_path /usr/lib/baresip/modules
module g711.so
module g726.so
module ice.so
module srtp.so
module aubridge.so
module aufile.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {room}
",
        certificate = credentials.both.display(),
        authority = authority.display(),
        rtp_last = rtp + 39,
    )
}
