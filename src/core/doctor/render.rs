//! The report as people read it in a terminal.
//!
//! ```text
//! Proxies
//!   error    SIP-001  proxy answers at its port: sba.example.com:5061
//!            192.0.2.7:5061: connection refused
//!            why:  Every registration and call to the north begins with this connection.
//!            mend: Is the front-end service running?
//!                  $ nc -vz sba.example.com 5061
//! ```
//!
//! What is good takes one line; only what needs a hand says why.

use std::fmt::{self, Write as _};

use super::{Finding, Report, Verdict};

/// Longest line, when its words allow it.
const WIDTH: usize = 100;
/// Where the words below a headline begin.
const INDENT: &str = "           ";

/// The whole report, each line ended.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_report(&mut text, report);
    text
}

fn write_report(text: &mut String, report: &Report) -> fmt::Result {
    let mut group = None;
    for finding in report.findings() {
        if group.replace(finding.group) != Some(finding.group) {
            let gap = if text.is_empty() { "" } else { "\n" };
            writeln!(text, "{gap}{}", finding.group.title())?;
        }
        write_finding(text, finding)?;
    }
    let [good, skipped, warnings, errors] =
        [Verdict::Good, Verdict::Skipped, Verdict::Warning, Verdict::Error]
            .map(|verdict| report.count(verdict));
    writeln!(text, "\nerrors: {errors}, warnings: {warnings}, skipped: {skipped}, good: {good}")
}

fn write_finding(text: &mut String, finding: &Finding) -> fmt::Result {
    write!(text, "  {:8} {:8} {}", finding.verdict, finding.id, finding.title)?;
    if let Some(target) = &finding.target {
        write!(text, ": {target}")?;
    }
    text.push('\n');
    write_words(text, "", &finding.evidence)?;
    if finding.verdict < Verdict::Warning {
        return Ok(());
    }
    write_words(text, "why:  ", finding.why)?;
    let Some(mend) = &finding.mend else { return Ok(()) };
    write_words(text, "mend: ", &mend.words)?;
    // A command is never broken: it is there to be copied.
    mend.command.iter().try_for_each(|command| writeln!(text, "{INDENT}      $ {command}"))
}

/// `words` under each other, the first line after `label`, the others below it.
fn write_words(text: &mut String, label: &str, words: &str) -> fmt::Result {
    let room = WIDTH - INDENT.len() - label.len();
    let mut line = String::new();
    let mut lines = Vec::new();
    for word in words.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    for (at, line) in lines.iter().enumerate() {
        match at {
            0 => writeln!(text, "{INDENT}{label}{line}")?,
            _ => writeln!(text, "{INDENT}{:width$}{line}", "", width = label.len())?,
        }
    }
    Ok(())
}
