//! What others make of what was said over the air.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Verb, verb};
use crate::story::{Fault, Given, Stage};

/// Wireshark compiled for node, as `scripts/deps` installs it, unless KIRKWALL_WIRESHARK names another place.
const WIRESHARK: &str = "/usr/local/lib/kirkwall-deps/node_modules/@goodtools/wiregasm/dist";
const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/wireshark-air.cjs");

pub(super) const VERBS: &[Verb] = &[verb!(
    "expect Wireshark to read {count:count} messages of the air",
    "Its decoder `dect_nwk` names every message that the switch exports (`/captures/dect`), so many at least, and \
     finds none malformed or with parts that it does not know. Where it is not installed the output says so, and where \
     CI is true that is a failure.",
    reads
)];

async fn reads(stage: &mut Stage, given: &Given) -> Result<(), Fault> {
    let expected = "the switch exports the air";
    let answer = stage.switch.rest("GET", "/captures/dect", None).await;
    let answer = answer.map_err(|found| Fault::failed(expected, found))?;
    let file = stage.dir().join("air.pcap");
    std::fs::write(&file, &answer.octets).map_err(|error| Fault::failed(expected, error.to_string()))?;
    let wireshark = std::env::var_os("KIRKWALL_WIRESHARK").map_or_else(|| WIRESHARK.into(), PathBuf::from);
    if !wireshark.join("wiregasm.js").exists() {
        return unjudged(&wireshark);
    }
    let messages = judge(&wireshark, &file)?;
    let strange = messages.iter().filter(|message| message.contains('!') || message.contains("Unknown"));
    let strange: Vec<_> = strange.take(8).collect();
    if !strange.is_empty() {
        return Err(Fault::failed("Wireshark understands every message", format!("{strange:#?}")));
    }
    match messages.len() as u64 >= given.count("count").unwrap_or(1) {
        true => Ok(()),
        false => Err(Fault::failed("it finds so many messages", format!("{messages:#?}"))),
    }
}

/// A build machine has everything, or is not ready; anybody else is told.
fn unjudged(wireshark: &Path) -> Result<(), Fault> {
    let what = format!("Wireshark is not at {}; the export was not judged", wireshark.display());
    if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
        return Err(Fault::unusable(what, "run scripts/deps clients"));
    }
    println!("{what}");
    Ok(())
}

/// A line for each message: its name, and behind a `!` what is wrong with it.
fn judge(wireshark: &Path, file: &Path) -> Result<Vec<String>, Fault> {
    let output = Command::new("node").arg(JUDGE).arg(wireshark).arg(file).output();
    let output = output.map_err(|error| Fault::unusable(format!("node: {error}"), "install nodejs"))?;
    let said = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    if !output.status.success() {
        return Err(Fault::failed("Wireshark reads the file", said(&output.stderr)));
    }
    Ok(said(&output.stdout).lines().map(str::to_owned).collect())
}
