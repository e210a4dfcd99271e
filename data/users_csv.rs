//! The CSV of users: one set of rules for web and command line.
//!
//! ```text
//!  bytes ─► parse ─► rows ─► judge (against the users there are) ─► verdict per line, records to save
//! ```
//!
//! `username,display_name,standby_text,auth_username,auth_password,ipei,access_code,south_password,enabled`
//! in any order; only `username` must be there. UTF-8 with or without byte order mark; separated by
//! commas, semicolons or tabs. The whole file is judged before anything is saved, and a file with an
//! error in any line saves nothing.
//!
//! A missing column changes nothing. An empty cell clears a text or the IPEI; an empty secret or `enabled`
//! changes nothing, so that an export, which holds no secrets, can be imported again.
//!
//! A spreadsheet runs cells that start with `= + - @`, tab or CR as formulas, so exports put a `'` before
//! them (OWASP, "CSV Injection"); here it is taken off again.

use std::collections::HashMap;

use kirkwall_core::id::Username;
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::user::UserRecord;

/// Largest file, in octets.
pub const MAX_FILE: usize = 8 * 1024 * 1024;
/// Most lines.
pub const MAX_ROWS: usize = 50_000;

/// Reads the file. Errors in a line are in its [`Row`]; the file's own errors come as [`FileFault`].
pub fn parse(bytes: &[u8]) -> Result<Vec<Row>, FileFault> {
    if bytes.len() > MAX_FILE {
        return Err(FileFault::TooLarge(bytes.len()));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| FileFault::NotUtf8 {
        line: 1 + bytes[..error.valid_up_to()].iter().filter(|&&octet| octet == b'\n').count() as u64,
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .trim(csv::Trim::Headers)
        .from_reader(text.as_bytes());
    let columns = columns(reader.headers().map_err(|error| FileFault::Broken(error.to_string()))?)?;
    let mut rows = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for record in reader.records() {
        let record = record.map_err(|error| FileFault::Broken(error.to_string()))?;
        if rows.len() == MAX_ROWS {
            return Err(FileFault::TooManyRows);
        }
        // The reader's position lies before the empty lines that it skips.
        let from = record.position().map_or(0, |position| position.byte() as usize).min(text.len());
        let blank = text.as_bytes()[from..].iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        line += text.as_bytes()[counted..from + blank].iter().filter(|&&octet| octet == b'\n').count() as u64;
        counted = from + blank;
        if record.iter().any(|cell| !cell.trim().is_empty()) {
            rows.push(Row { line, content: read_row(&columns, &record) });
        }
    }
    Ok(rows)
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it starts; the header is line 1.
    pub line: u64,
    /// What it says, or what is wrong with it.
    pub content: Result<UserFields, FieldFault>,
}

/// Why a file cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// Too many octets.
    #[error("the file has {0} octets, at most {MAX_FILE} are taken; split it")]
    TooLarge(usize),
    /// Too many lines.
    #[error("the file has more than {MAX_ROWS} lines; split it")]
    TooManyRows,
    /// Not UTF-8.
    #[error("line {line}: not UTF-8; save the file as \"CSV UTF-8\"")]
    NotUtf8 {
        /// The first line that is not.
        line: u64,
    },
    /// A header that names no field.
    #[error("line 1: column {column:?} is not known; columns are {}", NAMES.join(", "))]
    UnknownColumn {
        /// As it stands there.
        column: String,
    },
    /// The same field twice.
    #[error("line 1: column {0:?} stands there twice; remove one")]
    DoubleColumn(String),
    /// No usernames.
    #[error("line 1: the column \"username\" is missing; the first line must hold the names of the columns")]
    NoUsername,
    /// Not CSV.
    #[error("not readable as CSV: {0}")]
    Broken(String),
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct FieldFault {
    /// Which field, by its name in the CSV and in REST.
    pub field: &'static str,
    /// What is wrong and how to mend it. Holds no secret.
    pub why: String,
}

/// Names of the fields, in the order of an export.
pub const NAMES: [&str; 9] = [
    "username",
    "display_name",
    "standby_text",
    "auth_username",
    "auth_password",
    "ipei",
    "access_code",
    "south_password",
    "enabled",
];

/// Fields of a user as a CSV line or a REST body gives them; `None`: leave as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserFields {
    /// Names the user.
    pub username: String,
    /// See [`UserRecord::display_name`].
    #[serde(default)]
    pub display_name: Option<String>,
    /// See [`UserRecord::standby_text`].
    #[serde(default)]
    pub standby_text: Option<String>,
    /// See [`UserRecord::auth_username`].
    #[serde(default)]
    pub auth_username: Option<String>,
    /// See [`UserRecord::auth_password`].
    #[serde(default)]
    pub auth_password: Option<Pii<String>>,
    /// See [`UserRecord::ipei`]; empty: none.
    #[serde(default)]
    pub ipei: Option<String>,
    /// See [`UserRecord::access_code`].
    #[serde(default)]
    pub access_code: Option<Pii<String>>,
    /// See [`UserRecord::south_password`].
    #[serde(default)]
    pub south_password: Option<Pii<String>>,
    /// See [`UserRecord::enabled`].
    #[serde(default)]
    pub enabled: Option<bool>,
}

impl UserFields {
    /// The record that these fields make of `old`, at the next revision; `None` when they change nothing.
    pub fn apply(&self, old: Option<&UserRecord>, now: Moment) -> Result<Option<UserRecord>, FieldFault> {
        let fault = |field| move |why: String| FieldFault { field, why };
        let username: Username = self.username.parse().map_err(|e| fault("username")(format!("{e}")))?;
        let mut new = old.cloned().unwrap_or_else(|| UserRecord::new(username, now));
        set_text(&mut new.display_name, &self.display_name).map_err(fault("display_name"))?;
        set_text(&mut new.standby_text, &self.standby_text).map_err(fault("standby_text"))?;
        set_text(&mut new.auth_username, &self.auth_username).map_err(fault("auth_username"))?;
        if let Some(ipei) = &self.ipei {
            new.ipei = if ipei.is_empty() { None } else { Some(plain_ipei(ipei).map_err(fault("ipei"))?) };
        }
        if let Some(password) = given(&self.auth_password).map_err(fault("auth_password"))? {
            new.auth_password = password;
        }
        if let Some(password) = given(&self.south_password).map_err(fault("south_password"))? {
            new.south_password = Some(password);
        }
        if let Some(code) = given(&self.access_code).map_err(fault("access_code"))? {
            check_access_code(code.reveal()).map_err(fault("access_code"))?;
            new.access_code = Some(code);
        }
        new.enabled = self.enabled.unwrap_or(new.enabled);
        match old {
            Some(old) if *old == new => return Ok(None),
            Some(old) => (new.changed, new.revision) = (now, old.revision + 1),
            None => {}
        }
        Ok(Some(new))
    }
}

/// What a line would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// A new user.
    Create,
    /// A change of a user.
    Update,
    /// Everything is so already.
    Unchanged,
    /// The line cannot be taken.
    Error {
        /// The column.
        #[serde(default)]
        field: String,
        /// Field, what is wrong, how to mend it.
        reason: String,
    },
}

/// Verdict on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedRow {
    /// Where it starts; the header is line 1.
    pub line: u64,
    /// Whom it is about, as far as it can be told.
    pub username: String,
    /// What it would do.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Verdicts on a whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Line by line.
    pub rows: Vec<JudgedRow>,
    /// New users.
    pub created: usize,
    /// Changed users.
    pub updated: usize,
    /// Users that are so already.
    pub unchanged: usize,
    /// Lines that cannot be taken. Above zero nothing is saved.
    pub errors: usize,
}

/// Judges all rows. The records to save come with it, none when any line has an error.
pub fn judge<F>(rows: Vec<Row>, existing: F, now: Moment) -> (Summary, Vec<UserRecord>)
where
    F: Fn(&Username) -> Option<UserRecord>,
{
    let (mut summary, mut records) = (Summary::default(), Vec::new());
    let mut seen: HashMap<String, u64> = HashMap::new();
    for Row { line, content } in rows {
        let username = content.as_ref().map_or_else(|_| String::new(), |fields| fields.username.clone());
        let judged = content.and_then(|fields| match seen.insert(fields.username.clone(), line) {
            Some(first) => Err(FieldFault {
                field: "username",
                why: format!("{:?} stands in line {first} already; remove one", fields.username),
            }),
            None => {
                let old = fields.username.parse().ok().and_then(|username| existing(&username));
                Ok((fields.apply(old.as_ref(), now)?, old.is_some()))
            }
        });
        let verdict = summary.count(judged, &mut records);
        summary.rows.push(JudgedRow { line, username, verdict });
    }
    if summary.errors > 0 {
        records.clear();
    }
    (summary, records)
}

impl Summary {
    fn count(
        &mut self,
        judged: Result<(Option<UserRecord>, bool), FieldFault>,
        records: &mut Vec<UserRecord>,
    ) -> Verdict {
        let (count, verdict) = match judged {
            Err(fault) => (
                &mut self.errors,
                Verdict::Error { field: fault.field.to_owned(), reason: fault.to_string() },
            ),
            Ok((None, _)) => (&mut self.unchanged, Verdict::Unchanged),
            Ok((Some(record), existed)) => {
                records.push(record);
                match existed {
                    true => (&mut self.updated, Verdict::Update),
                    false => (&mut self.created, Verdict::Create),
                }
            }
        };
        *count += 1;
        verdict
    }
}

/// Writes users as this module reads them, without secrets.
pub fn write<'a>(users: impl IntoIterator<Item = &'a UserRecord>) -> String {
    let mut text = NAMES.join(",") + "\r\n";
    for user in users {
        let ipei = user.ipei.as_deref().unwrap_or("");
        let enabled = if user.enabled { "yes" } else { "no" };
        let username = user.username.as_str();
        let cells = [
            username,
            &user.display_name,
            &user.standby_text,
            &user.auth_username,
            "",
            ipei,
            "",
            "",
            enabled,
        ];
        text += &cells.map(cell).join(",");
        text += "\r\n";
    }
    text
}

pub(crate) fn cell(text: &str) -> String {
    let guard = if starts_as_formula(text) || text.starts_with('\'') { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn starts_as_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The quote that guards against a formula, taken off.
pub(crate) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if starts_as_formula(rest) || rest.starts_with('\'') => rest,
        _ => cell,
    }
}

/// Whichever separator stands most often in the header.
pub(crate) fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |separator: &u8| header.bytes().filter(|octet| octet == separator).count();
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn columns(headers: &csv::StringRecord) -> Result<Vec<&'static str>, FileFault> {
    let mut columns = Vec::new();
    for header in headers {
        let name =
            field_named(header).ok_or_else(|| FileFault::UnknownColumn { column: header.to_owned() })?;
        if columns.contains(&name) {
            return Err(FileFault::DoubleColumn(header.to_owned()));
        }
        columns.push(name);
    }
    if columns.contains(&"username") { Ok(columns) } else { Err(FileFault::NoUsername) }
}

/// Our names in any case and with blanks or hyphens, and the labels of the product we replace.
fn field_named(header: &str) -> Option<&'static str> {
    let plain: String = header.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let alias = match plain.as_str() {
        "usernameextension" | "extension" => "username",
        "authenticationuser" | "authenticationusername" => "auth_username",
        "authenticationpassword" => "auth_password",
        "ac" => "access_code",
        _ => NAMES.into_iter().find(|name| name.replace('_', "") == plain)?,
    };
    Some(alias)
}

fn read_row(columns: &[&'static str], record: &csv::StringRecord) -> Result<UserFields, FieldFault> {
    if record.len() != columns.len() {
        let why = format!(
            "the line has {} cells, the header {}; put cells that hold the separator in double quotes",
            record.len(),
            columns.len()
        );
        return Err(FieldFault { field: "line", why });
    }
    let mut fields = UserFields::default();
    for (&column, cell) in columns.iter().zip(record) {
        // A blank at the end of a password may be part of it.
        let cell = if column.ends_with("password") { cell } else { cell.trim() };
        let text = unguarded(cell).to_owned();
        match column {
            "username" => fields.username = text,
            "display_name" => fields.display_name = Some(text),
            "standby_text" => fields.standby_text = Some(text),
            "auth_username" => fields.auth_username = Some(text),
            "auth_password" => fields.auth_password = Some(Pii(text)),
            "ipei" => fields.ipei = Some(text),
            "access_code" => fields.access_code = Some(Pii(text)),
            "south_password" => fields.south_password = Some(Pii(text)),
            _ => fields.enabled = yes_or_no(&text)?,
        }
    }
    Ok(fields)
}

fn yes_or_no(text: &str) -> Result<Option<bool>, FieldFault> {
    match text.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "yes" | "true" | "1" | "on" | "ja" => Ok(Some(true)),
        "no" | "false" | "0" | "off" | "nein" => Ok(Some(false)),
        _ => Err(FieldFault { field: "enabled", why: format!("{text:?} is neither yes nor no") }),
    }
}

const MAX_TEXT: usize = 128;

fn set_text(field: &mut String, given: &Option<String>) -> Result<(), String> {
    if let Some(text) = given {
        check_text(text)?;
        field.clone_from(text);
    }
    Ok(())
}

/// A secret that was given and is not empty.
fn given(secret: &Option<Pii<String>>) -> Result<Option<Secret>, String> {
    match secret {
        Some(Pii(text)) if !text.is_empty() => {
            check_text(text)?;
            Ok(Some(Secret::new(text.clone())))
        }
        _ => Ok(None),
    }
}

fn check_text(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("holds a line break or another control character; remove it".into());
    }
    match text.chars().count() {
        length if length > MAX_TEXT => Err(format!("has {length} characters, at most {MAX_TEXT} are taken")),
        _ => Ok(()),
    }
}

fn check_access_code(code: &str) -> Result<(), String> {
    let fits = code.len() <= 8 && code.bytes().all(|c| c.is_ascii_digit());
    if fits { Ok(()) } else { Err("an access code has 1 to 8 digits".into()) }
}

/// The 13 characters without blanks: `EEEEEPPPPPPPC` of EN 300 175-6 annex C, its check character tested.
fn plain_ipei(text: &str) -> Result<String, String> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let digits = plain.get(..12).filter(|head| head.bytes().all(|c| c.is_ascii_digit()));
    let (Some(digits), 13) = (digits, plain.len()) else {
        return Err(format!(
            "{text:?} is no IPEI: 12 digits and a check character, as printed in the handset"
        ));
    };
    // EN 300 175-6 annex C: the sum of digits times positions, modulo 11; ten is written as "*".
    let sum: u32 = digits.bytes().zip(1..).map(|(digit, position)| u32::from(digit - b'0') * position).sum();
    let check = char::from_digit(sum % 11, 10).unwrap_or('*');
    if plain.ends_with(check) {
        return Ok(plain);
    }
    Err(format!("{text:?}: the check character should be {check:?}; compare with the handset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(bytes: &[u8], old: &[UserRecord]) -> (Summary, Vec<UserRecord>) {
        let find = |name: &Username| old.iter().find(|user| user.username == *name).cloned();
        judge(parse(bytes).unwrap(), find, Moment::from_micros(7))
    }

    #[test]
    fn the_same_users_come_from_commas_and_from_semicolons_with_a_byte_order_mark_in_any_order() {
        let a = b"username,display_name,enabled\r\n4711,\"Anna, ward 3\",yes\r\n4712,Bob,no\r\n";
        let b = "\u{feff}Enabled;Display Name;Username\r\nja;Anna, ward 3;4711\r\n0;Bob;4712\r\n";
        let ((summary, users), other) = (judged(a, &[]), judged(b.as_bytes(), &[]));
        assert_eq!(users, other.1);
        assert_eq!((summary.created, summary.errors), (2, 0));
        assert_eq!(users[0].display_name, "Anna, ward 3");
        assert!(users[0].enabled && !users[1].enabled);
    }

    #[test]
    fn one_bad_line_saves_nothing_and_every_line_has_its_verdict() {
        let file = b"username,ipei,access_code\n1,,\na b,,\n1,,\n2,123,\n3,,12a\n4,,12,9\n\n5,,1234\n";
        let (summary, users) = judged(file, &[]);
        assert!(users.is_empty());
        assert_eq!((summary.created, summary.errors), (2, 5));
        let lines: Vec<u64> = summary.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 9]);
        let reason = |at: usize| match &summary.rows[at].verdict {
            Verdict::Error { reason, .. } => reason.clone(),
            other => panic!("{other:?}"),
        };
        assert!(reason(1).starts_with("username: ' ' cannot be"));
        assert!(reason(2).contains("line 2 already"));
        assert!(reason(3).starts_with("ipei:"));
        assert!(reason(4).starts_with("access_code:") && !reason(4).contains("12a"));
        assert!(reason(5).contains("4 cells"));
    }

    #[test]
    fn an_export_imported_again_changes_nothing_and_keeps_the_secrets() {
        let mut user = UserRecord::new("4711".parse().unwrap(), Moment::default());
        user.display_name = "=HYPERLINK(\"x\")".into();
        user.standby_text = "'quoted".into();
        user.auth_username = "+45 1234".into();
        user.auth_password = Secret::new("hunter2");
        user.ipei = Some("0001200001379".into());
        let file = write([&user]);
        assert!(file.contains("\"'=HYPERLINK(\"\"x\"\")\""));
        assert!(!file.contains("hunter2"));
        let (summary, users) = judged(file.as_bytes(), &[user]);
        assert_eq!((summary.unchanged, users.len()), (1, 0), "{summary:?}");
    }

    #[test]
    fn an_update_raises_the_revision_and_leaves_missing_columns_alone() {
        let mut user = UserRecord::new("4711".parse().unwrap(), Moment::default());
        user.display_name = "Anna".into();
        user.south_password = Some(Secret::new("old"));
        let (summary, users) = judged(b"username;south_password\n4711;new\n", &[user.clone()]);
        assert_eq!(summary.updated, 1);
        assert_eq!(users[0].south_password, Some(Secret::new("new")));
        assert_eq!((users[0].revision, users[0].display_name.as_str()), (2, "Anna"));
        assert_eq!((users[0].created, users[0].changed), (Moment::default(), Moment::from_micros(7)));
    }

    #[test]
    fn a_bad_file_is_told_why() {
        assert_eq!(parse(b"display_name\nx\n"), Err(FileFault::NoUsername));
        assert_eq!(parse(b""), Err(FileFault::NoUsername));
        assert_eq!(parse(b"username,pin\n"), Err(FileFault::UnknownColumn { column: "pin".into() }));
        assert_eq!(parse(b"username,Username\n"), Err(FileFault::DoubleColumn("Username".into())));
        assert_eq!(parse(b"username\nM\xFCller\n"), Err(FileFault::NotUtf8 { line: 2 }));
        assert_eq!(parse(&vec![b'a'; MAX_FILE + 1]), Err(FileFault::TooLarge(MAX_FILE + 1)));
    }

    #[test]
    fn an_ipei_is_stored_without_blanks_and_its_check_character_is_tested() {
        assert_eq!(plain_ipei("00012 0000137 9").unwrap(), "0001200001379");
        for printed in ["02984 0686122 2", "00001 0000005 *", "65535 1048575 2"] {
            assert!(plain_ipei(printed).is_ok(), "{printed}");
        }
        assert!(plain_ipei("00012 0000137 8").unwrap_err().contains("'9'"));
        assert!(plain_ipei("ä0077 0000001").is_err());
        assert!(plain_ipei("").is_err());
    }
}
