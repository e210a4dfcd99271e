//! The logical export: every record as one line of JSON, in files that are whole or not there.
//!
//! ```text
//!  {"kirkwall_export":1}
//!  {"key":"user/4711","version":1,"group":12,"json":{…},"sum":"…"}          a record
//!  {"key":"call/…","version":1,"group":13,"sealed":"base64","sum":"…"}       a record sealed as a whole
//!  {"key":"user/4712","gone":14,"sum":"…"}                                   deleted while the export was written
//!  {"end":{"group":14,"lines":3,"sha256":"…"}}                     what a reader must find
//! ```
//!
//! The walk over the store takes no lock. Whatever is written meanwhile is collected and follows as
//! further lines, so the file as a whole is the state after one group. The one before is kept as
//! `export.previous.jsonl`. Secrets stay sealed: a restore needs the node key.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::folder;
use crate::secret::hex;
use crate::tree::{Layout, Stored, fingerprint};

const CURRENT: &str = "export.jsonl";
const PREVIOUS: &str = "export.previous.jsonl";
const WRITING: &str = "export.writing";

/// Longest line that is read. A body of [`crate::Write::MAX_BODY`] in base64 and its frame fit.
const MAX_LINE: u64 = 512 * 1024;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<u64>,
    /// Sum of key and value: a flipped bit can leave a line that is still JSON, and must not come back as
    /// a record that is slightly wrong.
    sum: String,
}

#[derive(Serialize, Deserialize)]
struct Last {
    end: End,
}

#[derive(Serialize, Deserialize)]
struct End {
    group: u64,
    lines: u64,
    sha256: String,
}

/// An export read back.
#[derive(Debug, Default)]
pub struct Export {
    /// The last group it holds.
    pub group: u64,
    /// Stored values by key.
    pub records: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Writes an export line by line, then swaps it in.
pub struct Writer {
    dir: PathBuf,
    file: BufWriter<File>,
    hash: digest::Context,
    lines: u64,
}

impl Writer {
    pub fn start(dir: &Path) -> io::Result<Self> {
        let file = BufWriter::new(folder::create_private(&dir.join(WRITING))?);
        let hash = digest::Context::new(&digest::SHA256);
        let mut writer = Self { dir: dir.to_owned(), file, hash, lines: 0 };
        writer.line(b"{\"kirkwall_export\":1}")?;
        Ok(writer)
    }

    /// One record as it lies in the store. Octets that are no record are left out: nothing could read them.
    pub fn record(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        let (Ok(key), Some(stored)) = (std::str::from_utf8(key), Stored::parse(value)) else { return Ok(()) };
        let mut line = Line {
            key: key.into(),
            version: Some(stored.version),
            group: Some(stored.group),
            json: None,
            sealed: None,
            gone: None,
            sum: String::new(),
        };
        match stored.layout {
            Layout::Sealed => line.sealed = Some(BASE64.encode(stored.body)),
            Layout::Json => match serde_json::from_slice(stored.body) {
                Ok(json) => line.json = Some(json),
                Err(_) => return Ok(()),
            },
        }
        // Over the body as a reader codes it again, whose keys may stand in another order.
        let body = line.json.as_ref().map(serde_json::to_vec).transpose()?;
        let value = Stored { body: body.as_deref().unwrap_or(stored.body), ..stored }.to_vec();
        line.sum = sum(key, &value);
        self.line(&serde_json::to_vec(&line)?)
    }

    /// A record that was deleted while the export was written.
    pub fn gone(&mut self, key: &[u8], group: u64) -> io::Result<()> {
        let Ok(key) = std::str::from_utf8(key) else { return Ok(()) };
        let line = Line {
            key: key.into(),
            version: None,
            group: None,
            json: None,
            sealed: None,
            gone: Some(group),
            sum: gone_sum(key, group),
        };
        self.line(&serde_json::to_vec(&line)?)
    }

    /// Ends the file, syncs it, and makes it the current one.
    pub fn finish(mut self, group: u64) -> io::Result<()> {
        let end = End { group, lines: self.lines, sha256: hex(self.hash.finish().as_ref()) };
        serde_json::to_writer(&mut self.file, &Last { end })?;
        self.file.write_all(b"\n")?;
        self.file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        let (current, previous) = (self.dir.join(CURRENT), self.dir.join(PREVIOUS));
        match fs::rename(&current, &previous) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::rename(self.dir.join(WRITING), &current)?,
        }
        folder::sync_parent(&current)
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        for part in [line, b"\n"] {
            self.hash.update(part);
            self.file.write_all(part)?;
        }
        self.lines += 1;
        Ok(())
    }
}

/// Whether there is an export at all.
pub fn any(dir: &Path) -> bool {
    dir.join(CURRENT).exists() || dir.join(PREVIOUS).exists()
}

/// The last group in the newest export, by its last line alone.
pub fn group_of(dir: &Path) -> Option<u64> {
    let last = |name: &str| {
        let mut file = File::open(dir.join(name)).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(400))).ok()?;
        let mut tail = Vec::new();
        file.take(400).read_to_end(&mut tail).ok()?;
        let line = tail.trim_ascii_end().rsplit(|&octet| octet == b'\n').next()?;
        serde_json::from_slice::<Last>(line).ok().map(|last| last.end.group)
    };
    last(CURRENT).or_else(|| last(PREVIOUS))
}

/// The newest export that is whole; if none is, what can be read of the newest that has anything. Also
/// tells what is wrong with those that are not whole.
pub fn read_best(dir: &Path) -> (Option<Export>, Vec<(PathBuf, String)>) {
    let mut faults = Vec::new();
    let mut fallback: Option<Export> = None;
    for path in [dir.join(CURRENT), dir.join(PREVIOUS)] {
        match read(&path) {
            Ok((export, None)) => return (Some(export), faults),
            Ok((export, Some(why))) => {
                faults.push((path, why));
                if fallback.as_ref().is_none_or(|held| held.records.len() < export.records.len()) {
                    fallback = Some(export);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => faults.push((path, error.to_string())),
        }
    }
    (fallback, faults)
}

/// Reads what can be read, and says what is wrong, if anything is.
fn read(path: &Path) -> io::Result<(Export, Option<String>)> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut export, mut end, mut wrong) = (Export::default(), None, None);
    let (mut hash, mut lines, mut line) = (digest::Context::new(&digest::SHA256), 0, Vec::new());
    loop {
        line.clear();
        if (&mut file).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if let Ok(last) = serde_json::from_slice::<Last>(&line) {
            end = Some(last.end);
            break;
        }
        hash.update(&line);
        lines += 1;
        if lines > 1 && take(&line, &mut export.records).is_none() {
            wrong.get_or_insert_with(|| format!("line {lines} is damaged"));
        }
    }
    let sha256 = hex(hash.finish().as_ref());
    match end {
        None => _ = wrong.get_or_insert_with(|| "its end is missing".into()),
        Some(end) if end.lines != lines || end.sha256 != sha256 => {
            _ = wrong.get_or_insert_with(|| "its sum is wrong".into());
            export.group = highest_group(&export.records);
        }
        Some(end) => export.group = end.group,
    }
    Ok((export, wrong))
}

fn take(line: &[u8], records: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> Option<()> {
    let Line { key, version, group, json, sealed, gone, sum: said } = serde_json::from_slice(line).ok()?;
    if let Some(group) = gone {
        if said != gone_sum(&key, group) {
            return None;
        }
        records.remove(key.as_bytes());
        return Some(());
    }
    let opened = sealed.map(|text| BASE64.decode(text)).transpose().ok()?;
    let (layout, body) = match (opened, json) {
        (Some(body), None) => (Layout::Sealed, body),
        (None, Some(json)) => (Layout::Json, serde_json::to_vec(&json).ok()?),
        _ => return None,
    };
    let stored = Stored { layout, version: version?, group: group?, body: &body };
    let value = stored.to_vec();
    if said != sum(&key, &value) {
        return None;
    }
    records.insert(key.as_bytes().to_vec(), value);
    Some(())
}

fn sum(key: &str, value: &[u8]) -> String {
    format!("{:016x}", fingerprint(key.as_bytes(), value))
}

fn gone_sum(key: &str, group: u64) -> String {
    sum(key, &group.to_be_bytes())
}

fn highest_group(records: &BTreeMap<Vec<u8>, Vec<u8>>) -> u64 {
    records.values().filter_map(|value| Stored::parse(value)).map(|stored| stored.group).max().unwrap_or(0)
}

/// Changes collected while the walk ran, as lines.
pub fn write_changes(
    writer: &mut Writer,
    changes: &HashMap<Vec<u8>, Option<Vec<u8>>>,
    group: u64,
) -> io::Result<()> {
    for (key, value) in changes {
        match value {
            Some(value) => writer.record(key, value)?,
            None => writer.gone(key, group)?,
        }
    }
    Ok(())
}
