//! The CSV of the phone book.
//!
//! `name,department,internal,office,mobile,home,other` in any order; `name` and one column of numbers must be
//! there. Several numbers of one kind stand in one cell with `|` between them. UTF-8; commas, semicolons or
//! tabs. A `'` guards cells that a spreadsheet would run as a formula, as every number with a plus would be
//! ([`crate::users_csv`]). The whole file is judged before anything is saved.
//!
//! A line with the name and department of a local entry changes that entry; another line makes a new one.

use kirkwall_core::directory::{Draft, Entry, Kind};

use crate::users_csv::{MAX_FILE, MAX_ROWS, cell, delimiter, unguarded};

/// Between two numbers of one cell.
const BETWEEN: char = '|';

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it starts; the header is line 1.
    pub line: u64,
    /// What it says.
    pub draft: Draft,
}

/// Reads the file.
///
/// # Errors
/// In words, with the line.
pub fn parse(bytes: &[u8]) -> Result<Vec<Line>, String> {
    if bytes.len() > MAX_FILE {
        return Err(format!("the file has {} octets, at most {MAX_FILE} are taken; split it", bytes.len()));
    }
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes))
        .map_err(|_| "the file is not UTF-8; save it as \"CSV UTF-8\"".to_owned())?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .trim(csv::Trim::Headers)
        .from_reader(text.as_bytes());
    let broken = |error: csv::Error| format!("not readable as CSV: {error}");
    let columns = columns(reader.headers().map_err(broken)?)?;
    let mut lines = Vec::new();
    let mut lines_till = LinesTill { text, line: 1, octets: 0 };
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = lines_till.reach(&record);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if lines.len() == MAX_ROWS {
            return Err(format!("the file has more than {MAX_ROWS} lines; split it"));
        }
        if record.len() > columns.len() {
            let what = "put cells that hold the separator in double quotes";
            return Err(format!(
                "line {line}: {} cells, the header has {}; {what}",
                record.len(),
                columns.len()
            ));
        }
        lines.push(Line { line, draft: draft(&columns, &record) });
    }
    Ok(lines)
}

/// The file of these entries, which [`parse`] reads again.
pub fn write<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> String {
    // The mark lets spreadsheets see that it is UTF-8.
    let kinds = Kind::ALL.map(Kind::word).join(",");
    let mut text = format!("\u{FEFF}name,department,{kinds}\r\n");
    for entry in entries {
        let numbers = Kind::ALL.map(|kind| {
            let of_kind = entry.numbers.iter().filter(|number| number.kind == kind);
            cell(&of_kind.map(|number| number.text.as_str()).collect::<Vec<_>>().join("|"))
        });
        let row = [cell(&entry.name), cell(&entry.department)].into_iter().chain(numbers);
        text.push_str(&row.collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text
}

/// Counts lines; the reader's own position lies before the empty lines that it skips.
struct LinesTill<'a> {
    text: &'a str,
    line: u64,
    octets: usize,
}

impl LinesTill<'_> {
    fn reach(&mut self, record: &csv::StringRecord) -> u64 {
        let octets = self.text.as_bytes();
        let from =
            record.position().map_or(0, |position| position.byte() as usize).clamp(self.octets, octets.len());
        let blank = octets[from..].iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        let passed = octets[self.octets..from + blank].iter().filter(|&&octet| octet == b'\n').count();
        (self.line, self.octets) = (self.line + passed as u64, from + blank);
        self.line
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Department,
    Number(Kind),
}

fn columns(headers: &csv::StringRecord) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    for header in headers {
        let column = match header.to_ascii_lowercase().as_str() {
            "name" => Column::Name,
            "department" => Column::Department,
            other => Kind::of(other).map(Column::Number).ok_or_else(|| {
                format!(
                    "line 1: column {header:?} is not known; columns are name, department, {}",
                    Kind::ALL.map(Kind::word).join(", ")
                )
            })?,
        };
        if columns.contains(&column) {
            return Err(format!("line 1: column {header:?} stands there twice; remove one"));
        }
        columns.push(column);
    }
    let has_numbers = columns.iter().any(|column| matches!(column, Column::Number(_)));
    match columns.contains(&Column::Name) && has_numbers {
        true => Ok(columns),
        false => {
            Err("line 1: there must be a column \"name\" and one of numbers, such as \"office\"".to_owned())
        }
    }
}

fn draft(columns: &[Column], record: &csv::StringRecord) -> Draft {
    let mut draft = Draft::default();
    for (column, cell) in columns.iter().zip(record) {
        let text = unguarded(cell.trim()).to_owned();
        match column {
            Column::Name => draft.name = text,
            Column::Department => draft.department = text,
            Column::Number(kind) => {
                let numbers = text.split(BETWEEN).map(str::trim).filter(|number| !number.is_empty());
                draft.numbers.extend(numbers.map(|number| (*kind, unguarded(number).to_owned())));
            }
        }
    }
    draft
}

#[cfg(test)]
mod tests {
    use kirkwall_core::directory::{EntryId, NumberRules, Source};

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let draft = Draft {
            name: "=Öztürk; \"Zoë\"".into(),
            department: "Ward 3, east".into(),
            numbers: vec![
                (Kind::Internal, "4711".into()),
                (Kind::Office, "+49 30 1".into()),
                (Kind::Office, "+49 30 2".into()),
            ],
        };
        let entry = draft.strict(EntryId("1".into()), Source::Local, &NumberRules::default()).unwrap();
        let text = write([&entry]);
        assert!(text.contains("\"'+49 30 1|+49 30 2\""), "{text}");
        assert_eq!(parse(text.as_bytes()).unwrap(), [Line { line: 2, draft }]);
    }

    #[test]
    fn files_of_spreadsheets_are_read() {
        let lines = parse(b"Office;Name\r\n+49 30 1;Anna\r\n\r\n4711;Bert\r\n").unwrap();
        assert_eq!(
            lines.iter().map(|line| (line.line, line.draft.name.as_str())).collect::<Vec<_>>(),
            [(2, "Anna"), (4, "Bert")]
        );
    }

    #[test]
    fn a_wrong_file_is_told_why() {
        assert!(parse(b"name,fax\n").unwrap_err().contains("\"fax\" is not known"));
        assert!(parse(b"name\nA\n").unwrap_err().contains("one of numbers"));
        assert!(parse(b"name,name,office\n").unwrap_err().contains("twice"));
        assert!(parse(b"name,office\nA,1,2\n").unwrap_err().contains("line 2: 3 cells"));
        assert!(parse(b"name,office\n\xFF\n").unwrap_err().contains("UTF-8"));
    }
}
