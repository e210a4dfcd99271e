//! Where values come from, each with the place to name when it is wrong.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::value::{Raw, Setting};

/// Largest file, in octets.
const MAX_FILE: u64 = 1024 * 1024;
/// How the names of our variables begin.
const VARIABLE: &str = "KIRKWALL__";

/// One thing that is wrong: `kirkwall.toml:12: sip.transport: "tsl" is not a transport; use …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {}{what}", if field.is_empty() { String::new() } else { format!("{field}: ") })]
pub struct ConfigFault {
    /// Where: file and line, or a variable.
    pub origin: Origin,
    /// Which key; empty when it is none.
    pub field: String,
    /// What is wrong, and how to mend it.
    pub what: String,
}

/// Where a value stands. Sorts as a person reads: by line, then variables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A line of the file, from 1; 0: nowhere in particular.
    File {
        /// As it was given.
        name: String,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line: 0 } => f.write_str(name),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// A key that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Dotted, `sip.north.listen_tls`.
    pub path: String,
    /// What it means.
    pub help: &'static str,
    /// What it is when nothing is said, as it would stand in the file; empty: not set.
    pub default: String,
}

/// A section of the file that can read itself.
pub trait Section: Sized {
    /// Takes its values, defaults for those that are missing or wrong.
    fn read_section(values: &mut Values, path: &str) -> Self;
    /// Adds its keys.
    fn list_keys(path: &str, into: &mut Vec<Key>);
}

/// All values of all sources, and all faults so far.
pub struct Values {
    name: String,
    found: BTreeMap<String, (Raw, Origin)>,
    faults: Vec<ConfigFault>,
}

impl Values {
    /// From the text of a file, then from the environment, which wins.
    pub fn collect<V>(name: &str, text: &str, environment: V, keys: &[Key]) -> Self
    where
        V: IntoIterator<Item = (OsString, OsString)>,
    {
        let mut values = Self { name: name.to_owned(), found: BTreeMap::new(), faults: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(0, |span| line_of(text, span.start));
            values.fault_at(values.line(line), "", error.message().to_owned());
        }
        values.walk(text, table.get_ref(), "", keys);
        let mut variables: Vec<_> = environment
            .into_iter()
            .filter(|(name, _)| name.to_string_lossy().starts_with(VARIABLE))
            .collect();
        variables.sort();
        for (name, value) in variables {
            values.take_variable(&name.to_string_lossy(), value, keys);
        }
        values
    }

    /// The value of one key, or its default; a wrong value is a fault and counts as missing.
    pub fn take<T: Setting>(&mut self, section: &str, key: &str, default: impl FnOnce() -> T) -> T {
        let path = join(section, key);
        let Some((raw, _)) = self.found.get(&path) else { return default() };
        T::parse(raw).unwrap_or_else(|what| {
            self.fault(&path, what);
            default()
        })
    }

    /// Something is wrong with the value of `field`, wherever it came from.
    pub fn fault(&mut self, field: &str, what: String) {
        let origin = self.found.get(field).map_or_else(|| self.line(0), |(_, origin)| origin.clone());
        self.fault_at(origin, field, what);
    }

    /// Everything that is wrong, in the order of the file.
    pub fn into_faults(mut self) -> Vec<ConfigFault> {
        self.faults.sort_by(|a, b| a.origin.cmp(&b.origin));
        self.faults.dedup();
        self.faults
    }

    fn line(&self, line: usize) -> Origin {
        Origin::File { name: self.name.clone(), line }
    }

    fn fault_at(&mut self, origin: Origin, field: &str, what: String) {
        self.faults.push(ConfigFault { origin, field: field.to_owned(), what });
    }

    fn walk(&mut self, text: &str, table: &DeTable<'_>, section: &str, keys: &[Key]) {
        for (key, value) in table.iter() {
            let path = join(section, key.get_ref());
            let (at_key, at_value) = (line_of(text, key.span().start), line_of(text, value.span().start));
            let is_section = keys.iter().any(|known| is_below(&known.path, &path));
            let is_key = keys.iter().any(|known| known.path == path);
            match value.get_ref() {
                DeValue::Table(inner) if is_section => self.walk(text, inner, &path, keys),
                _ if is_section => {
                    let what = format!("is a section, not a key; write [{path}] on a line of its own");
                    self.fault_at(self.line(at_key), &path, what);
                }
                raw if is_key => {
                    self.found.insert(path, (raw_of(raw), self.line(at_value)));
                }
                _ => self.fault_at(self.line(at_key), &path, unknown(&path, keys)),
            }
        }
    }

    fn take_variable(&mut self, name: &str, value: OsString, keys: &[Key]) {
        let origin = Origin::Variable(name.to_owned());
        let path = name[VARIABLE.len()..].to_lowercase().replace("__", ".");
        let is_key = |path: &str| keys.iter().any(|known| known.path == path);
        let Ok(value) = value.into_string() else {
            return self.fault_at(origin, &path, "its value is not UTF-8".into());
        };
        if is_key(&path) {
            self.found.insert(path, (Raw::Environment(value), origin));
            return;
        }
        match path.strip_suffix("_file").filter(|path| is_key(path)) {
            None => self.fault_at(origin, &path, unknown(&path, keys)),
            Some(path) => match read_text(Path::new(&value)) {
                Err(what) => self.fault_at(origin, path, what),
                Ok(text) => {
                    // Editors end a file with a line break; no value does.
                    let text = text.trim_end_matches(['\r', '\n']).to_owned();
                    self.found.insert(path.to_owned(), (Raw::Environment(text), origin));
                }
            },
        }
    }
}

/// The text of the configuration file.
pub fn read_file(path: &Path) -> Result<String, ConfigFault> {
    read_text(path).map_err(|what| ConfigFault {
        origin: Origin::File { name: path.display().to_string(), line: 0 },
        field: String::new(),
        what,
    })
}

/// `section.key`, or the key alone at the top.
pub fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

fn read_text(path: &Path) -> Result<String, String> {
    let octets = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.len();
    if octets > MAX_FILE {
        return Err(format!("{}: has {octets} octets, at most {MAX_FILE} are read", path.display()));
    }
    let octets = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    String::from_utf8(octets).map_err(|_| format!("{}: is not UTF-8", path.display()))
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at.min(text.len())].iter().filter(|&&octet| octet == b'\n').count()
}

/// Whether `path` lies in `section`.
fn is_below(path: &str, section: &str) -> bool {
    path.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

fn raw_of(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(&number.as_str().replace('_', ""), number.radix());
            parsed.map_or(Raw::Other("a number that is too large"), Raw::Integer)
        }
        DeValue::Boolean(yes) => Raw::Boolean(*yes),
        DeValue::Array(items) => Raw::List(items.iter().map(Spanned::get_ref).map(raw_of).collect()),
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Table(_) => Raw::Other("a section"),
    }
}

/// What to say of a key that there is not: the nearest that there is.
fn unknown(path: &str, keys: &[Key]) -> String {
    let known = keys.iter().map(|key| key.path.as_str());
    let sections = keys.iter().filter_map(|key| key.path.rsplit_once('.')).map(|(section, _)| section);
    let nearest = known.chain(sections).min_by_key(|candidate| distance(path, candidate));
    let last = path.rsplit('.').next().unwrap_or(path);
    let moved =
        keys.iter().find(|key| key.path.rsplit('.').next() == Some(last)).map(|key| key.path.as_str());
    let close = nearest.filter(|nearest| distance(path, nearest) <= 2);
    match close.or(moved) {
        Some(meant) => format!("there is no such key; did you mean {meant}?"),
        None => "there is no such key; remove it".into(),
    }
}

/// How many letters must be inserted, removed or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in b.chars().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[row.len() - 1]
}
