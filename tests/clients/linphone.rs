//! Linphone (linphonec) as a client: WAV files instead of a sound card, told what to do on stdin.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::audio::{Heard, Tone, listen};
use crate::baresip::{Account, Srtp};
use crate::phone::Phone;
use crate::process::{PATIENCE, Process, free_port, free_ports, until};
use crate::scene::{DOMAIN, Scene};

/// A running linphonec with one account. It records each call into a file of its own.
pub struct Linphone {
    account: Account,
    room: PathBuf,
    recordings: usize,
    /// Calls that it made; it counts them from 1.
    calls: usize,
    /// Length of the output that was dealt with.
    read: usize,
    process: Process,
}

impl Linphone {
    /// Starts it and waits until it has registered.
    pub fn start(scene: &Scene, account: Account) -> Linphone {
        let room = scene.room(&format!("linphone-{}", account.user));
        // Its databases go below HOME, and it wants the directories to be there.
        std::fs::create_dir_all(room.join(".local/share/linphone")).unwrap();
        std::fs::create_dir_all(room.join(".config/linphone")).unwrap();
        account.tone.write(&room.join("tone.wav"), Duration::from_secs(120));
        std::fs::write(room.join("linphonerc"), settings(&account, scene)).unwrap();
        let mut command = Command::new("linphonec");
        command.arg("-c").arg(room.join("linphonerc")).env("HOME", &room);
        command.args(["-d", "6", "-l"]).arg(room.join("trace.log"));
        if account.answers {
            command.arg("-a");
        }
        Process::with_stdin(&mut command);
        let process = Process::start("linphonec", &room, command);
        let mut linphone = Linphone { account, room, recordings: 0, calls: 0, read: 0, process };
        linphone.order("soundcard use files");
        linphone.wait("Using wav files");
        // Both stay for the calls to come. Told in a call, the tone would start a second time.
        linphone.order(&format!("play {}", linphone.room.join("tone.wav").display()));
        linphone.next_recording();
        until("linphone has registered", PATIENCE, || {
            // It says so in its trace only.
            linphone.trace().contains("to [LinphoneRegistrationOk]").then_some(())
        });
        linphone
    }

    fn trace(&self) -> String {
        let trace = std::fs::read(self.room.join("trace.log")).unwrap_or_default();
        String::from_utf8_lossy(&trace).into_owned()
    }

    /// Waits until a message that it saw has these words.
    pub fn wait_trace(&self, words: &str) {
        until(&format!("{} sees {words}", self.account.user), PATIENCE, || {
            self.trace().contains(words).then_some(())
        });
    }

    /// Waits until the other end has pressed a key.
    pub fn wait_key(&mut self, key: char) {
        self.wait(&format!("Receiving tone {key}"));
    }

    /// Writes somebody a text.
    pub fn text(&mut self, to: &str, text: &str) {
        self.order(&format!("chat sip:{to}@{DOMAIN} {text}"));
    }

    /// Waits until it has shown a text.
    pub fn wait_text(&mut self, text: &str) {
        self.wait(text);
    }

    /// Takes the call that rings.
    pub fn answer(&mut self) {
        self.order("answer");
    }

    /// Connects the far ends of two of its calls with each other.
    pub fn join(&mut self, one: usize, other: usize) {
        self.order(&format!("transfer {one} --to-call {other}"));
    }

    /// The next call is recorded into a fresh file.
    fn next_recording(&mut self) {
        self.recordings += 1;
        self.order(&format!("record {}", self.recording().display()));
    }

    fn recording(&self) -> PathBuf {
        self.room.join(format!("heard-{}.wav", self.recordings))
    }

    fn order(&mut self, line: &str) {
        writeln!(self.process.stdin(), "{line}").unwrap();
    }

    /// Waits for words behind those that were waited for last.
    fn wait(&mut self, needle: &str) {
        let fresh = self.process.wait_output(needle, self.read);
        self.read += fresh.find(needle).expect("it was waited for") + needle.len();
    }
}

impl Phone for Linphone {
    fn user(&self) -> &str {
        &self.account.user
    }

    fn records_packets(&self) -> bool {
        false
    }

    fn tone(&self) -> Tone {
        self.account.tone
    }

    fn dial(&mut self, number: &str) {
        self.calls += 1;
        self.order(&format!("call sip:{number}@{DOMAIN}"));
    }

    fn hang_up(&mut self) {
        self.order("terminate");
    }

    fn wait_established(&mut self) {
        self.wait("Media streams established");
    }

    fn wait_closed(&mut self) -> String {
        self.wait("ended");
        self.next_recording();
        String::new()
    }

    fn heard(&self, tone: Tone) -> Option<Heard> {
        listen(&self.recording(), tone)
    }

    fn hold(&mut self) {
        self.order("pause");
    }

    fn resume(&mut self) {
        let call = self.calls.max(1);
        self.order(&format!("resume {call}"));
    }

    fn transfer(&mut self, number: &str) {
        self.order(&format!("transfer sip:{number}@{DOMAIN}"));
    }

    fn wait_heard(&self, tone: Tone, duration: Duration) -> Heard {
        let what = format!("{} hears {duration:?} of {} Hz", self.account.user, tone.hertz);
        until(&what, PATIENCE, || {
            let heard = self.heard(tone)?;
            (heard.duration >= duration).then_some(heard)
        })
    }
}

fn settings(account: &Account, scene: &Scene) -> String {
    let Account { user, password, server, transport, srtp, .. } = account;
    let (sip, rtp) = (free_port(), free_ports(2));
    let port = |name: &str| if name == *transport { sip } else { 0 };
    format!(
        "[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
use_ipv6=0
ipv6_migration_done=1
bind_address=127.0.0.1
guess_hostname=0
contact=sip:{user}@127.0.0.1:{sip}
media_encryption={encryption}
root_ca={authority}
verify_server_certs=1
verify_server_cn=0
default_proxy=0
[misc]
add_missing_audio_codecs=0
[audio_codec_0]
mime=PCMA
rate=8000
channels=1
enabled=1
[audio_codec_1]
mime=PCMU
rate=8000
channels=1
enabled=1
[rtp]
audio_rtp_port={rtp}
[net]
dns_srv_enabled=0
[auth_info_0]
username={user}
userid={user}
passwd={password}
realm={DOMAIN}
[proxy_0]
reg_proxy=<sip:{server};transport={transport}>
reg_route=<sip:{server};transport={transport};lr>
reg_identity=sip:{user}@{DOMAIN}
reg_expires=60
reg_sendregister=1
publish=0
",
        udp = port("udp"),
        tcp = port("tcp"),
        tls = port("tls"),
        encryption = if *srtp == Srtp::Off { "none" } else { "srtp" },
        authority = scene.authority.file().display(),
    )
}
