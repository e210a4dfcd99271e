//! The doctor's words: what was looked at, what was found, why it matters and how it is mended.
//!
//! ```text
//! probes (integration, executable) ──► Finding … ──► Report ──► text for people
//!                                                          ├──► JSON for programs (serde)
//!                                                          └──► exit code
//! ```
//!
//! A check has an id that never changes its meaning; [`catalogue`] lists them all with the reason why each
//! matters. Nothing here looks at a system.

mod catalogue;
mod date;
mod render;
mod rules;

use std::fmt;

use serde::Serialize;

pub use catalogue::{CATALOGUE, Check, Group, check};
pub use date::{CivilDate, parse_http_date};
pub use render::text;
pub use rules::{
    Skew, SrtpUse, Topology, answer_to_options, answer_to_register, channels_fit, clock_skew, days_left,
    srtp_fits,
};

/// Longest evidence, in characters: a stranger's words may stand in it.
const MAX_WORDS: usize = 600;

/// How a check went. In the order of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing to do.
    Good,
    /// Not looked at; the evidence says why.
    Skipped,
    /// Works now, but will not always, or not for everyone.
    Warning,
    /// Does not work.
    Error,
}

impl Verdict {
    /// One word, lower case, as in the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What mends a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mend {
    /// What to do.
    pub words: String,
    /// A command that does it, or shows more, when there is one.
    pub command: Option<String>,
}

/// The outcome of one check of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id of the check, `SIP-001`.
    pub id: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// What the check is called.
    pub title: &'static str,
    /// What was looked at, when a check looks at several: a proxy, a file, a setting.
    pub target: Option<String>,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen.
    pub evidence: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do; none when nothing is to be done.
    pub mend: Option<Mend>,
}

impl Finding {
    /// A finding of `check`. Control characters in `evidence` are shown as `?`, for a peer's words may
    /// stand in it and terminals obey them.
    pub fn new(check: &'static Check, verdict: Verdict, evidence: impl AsRef<str>) -> Self {
        let Check { id, group, title, why } = *check;
        let evidence = plain(evidence.as_ref());
        Self { id, group, title, target: None, verdict, evidence, why, mend: None }
    }

    /// Nothing to do.
    pub fn good(check: &'static Check, evidence: impl AsRef<str>) -> Self {
        Self::new(check, Verdict::Good, evidence)
    }

    /// Not looked at, because of `evidence`.
    pub fn skipped(check: &'static Check, evidence: impl AsRef<str>) -> Self {
        Self::new(check, Verdict::Skipped, evidence)
    }

    /// Will not always work; `mend` says what to do.
    pub fn warning(check: &'static Check, evidence: impl AsRef<str>, mend: impl AsRef<str>) -> Self {
        Self::new(check, Verdict::Warning, evidence).mended_by(mend)
    }

    /// Does not work; `mend` says what to do.
    pub fn error(check: &'static Check, evidence: impl AsRef<str>, mend: impl AsRef<str>) -> Self {
        Self::new(check, Verdict::Error, evidence).mended_by(mend)
    }

    /// Names what was looked at.
    pub fn of(mut self, target: impl AsRef<str>) -> Self {
        self.target = Some(plain(target.as_ref()));
        self
    }

    /// Says what to do.
    pub fn mended_by(mut self, words: impl AsRef<str>) -> Self {
        self.mend = Some(Mend { words: plain(words.as_ref()), command: None });
        self
    }

    /// Adds a command to the mend. Without a mend there is nothing to add to.
    pub fn with_command(mut self, command: impl AsRef<str>) -> Self {
        if let Some(mend) = &mut self.mend {
            mend.command = Some(plain(command.as_ref()));
        }
        self
    }
}

/// All findings, in the order of groups, ids and targets; findings alike in these stay in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Puts the findings into order.
    pub fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| (a.group, a.id, &a.target).cmp(&(b.group, b.id, &b.target)));
        Self { findings }
    }

    /// The findings, in order.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many there are of each.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// The gravest verdict. A skipped check is no trouble by itself.
    pub fn verdict(&self) -> Verdict {
        let gravest = self.findings.iter().map(|finding| finding.verdict).max();
        gravest.filter(|verdict| *verdict != Verdict::Skipped).unwrap_or(Verdict::Good)
    }

    /// What the command ends with: 2 bad configuration, 5 errors, 4 warnings, 0 good.
    pub fn exit_code(&self) -> u8 {
        let unusable =
            |finding: &Finding| finding.id == check::CFG_001.id && finding.verdict == Verdict::Error;
        match self.verdict() {
            _ if self.findings.iter().any(unusable) => 2,
            Verdict::Error => 5,
            Verdict::Warning => 4,
            Verdict::Good | Verdict::Skipped => 0,
        }
    }
}

/// `{"format":1,"verdict":…,"counts":{…},"findings":[…]}`. Fields are added, never renamed or removed,
/// within a format.
impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut report = serializer.serialize_struct("Report", 4)?;
        report.serialize_field("format", &1)?;
        report.serialize_field("verdict", &self.verdict())?;
        report.serialize_field("counts", &Counts::of(self))?;
        report.serialize_field("findings", &self.findings)?;
        report.end()
    }
}

#[derive(Serialize)]
struct Counts {
    good: usize,
    skipped: usize,
    warning: usize,
    error: usize,
}

impl Counts {
    fn of(report: &Report) -> Self {
        Self {
            good: report.count(Verdict::Good),
            skipped: report.count(Verdict::Skipped),
            warning: report.count(Verdict::Warning),
            error: report.count(Verdict::Error),
        }
    }
}

/// One line that a terminal may show.
fn plain(text: &str) -> String {
    // U+202A to U+2069 turn the direction of what follows.
    let odd = |c: char| {
        c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    let mut line: String =
        text.trim().chars().take(MAX_WORDS).map(|c| if odd(c) { '?' } else { c }).collect();
    if text.trim().chars().nth(MAX_WORDS).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests;
