//! Reading a story: lines into steps, words and quotes. Pure.
//!
//! ```text
//! # What the story is for: its first lines.
//! handset 2001 on A over tls          # a step: words …
//! user 2001 "Nurse Anna"              # … and texts in quotes, "…" with \" and \\, or '…' as they stand
//! ```

/// Longest story, in lines.
const MAX_LINES: usize = 1_000;

/// A story that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What it is for: the comment that it begins with, a line each.
    pub purpose: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Counted from 1.
    pub line: usize,
    /// The line without its comment.
    pub text: String,
    /// Its words, at least one.
    pub words: Vec<Word>,
}

/// A word, or a text in quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Without its quotes.
    pub text: String,
    /// Whether it stood in quotes: then it is never a keyword.
    pub quoted: bool,
    /// Where it begins in the step's text, in octets.
    pub at: usize,
}

/// Why a story cannot be used: where, what is wrong, how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl Script {
    /// Reads a story.
    ///
    /// # Errors
    /// With the first line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        if text.lines().count() > MAX_LINES {
            let what = format!("the story has more than {MAX_LINES} lines");
            return Err(Flaw { line: MAX_LINES, what, mend: "make several stories of it".into() });
        }
        let comment = text.lines().map_while(|line| line.trim().strip_prefix('#'));
        let purpose: Vec<_> = comment.map(|line| line.trim().to_owned()).collect();
        if purpose.iter().all(String::is_empty) {
            let mend = "begin with a line such as: # A busy far end is told to the handset as busy.".into();
            return Err(Flaw { line: 1, what: "the story does not say what it is for".into(), mend });
        }
        let steps: Result<Vec<_>, _> =
            text.lines().enumerate().filter_map(|(n, line)| step(n + 1, line).transpose()).collect();
        let steps = steps?;
        if steps.is_empty() {
            return Err(Flaw {
                line: 1,
                what: "nothing happens in the story".into(),
                mend: "add steps, one a line; docs/stories.md lists them".into(),
            });
        }
        Ok(Self { purpose, steps })
    }
}

/// The step of a line; none when it is empty or only a comment.
fn step(line: usize, raw: &str) -> Result<Option<Step>, Flaw> {
    let raw = raw.trim();
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(start) = raw[at..].find(|c: char| !c.is_whitespace()).map(|skipped| at + skipped) {
        if raw[start..].starts_with('#') {
            break;
        }
        let (word, end) = word(line, raw, start)?;
        words.push(word);
        at = end;
    }
    let text = raw[..at].trim_end().to_owned();
    Ok((!words.is_empty()).then_some(Step { line, text, words }))
}

/// The word that begins at `start`, and where it ends.
fn word(line: usize, raw: &str, start: usize) -> Result<(Word, usize), Flaw> {
    let rest = &raw[start..];
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let text = rest[..length].to_owned();
        return Ok((Word { text, quoted: false, at: start }, start + length));
    };
    let (mut text, mut escaped) = (String::new(), false);
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => {
                text.push(c);
                escaped = false;
            }
            '\\' if quote == '"' => escaped = true,
            _ if c == quote => return Ok((Word { text, quoted: true, at: start }, start + offset + 1)),
            _ => text.push(c),
        }
    }
    let what = format!("the quote that begins with {rest} does not end");
    Err(Flaw { line, what, mend: format!("close it with {quote}; a text stays on its line") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_its_purpose_and_its_steps_with_their_lines() {
        let script =
            Script::parse("# Why.\n#  And how.\n\nstart switch  # now\n  user 2001 \"Nurse Anna\"\n")
                .unwrap();
        assert_eq!(script.purpose, ["Why.", "And how."]);
        let lines: Vec<_> = script.steps.iter().map(|step| (step.line, step.text.as_str())).collect();
        assert_eq!(lines, [(4, "start switch"), (5, "user 2001 \"Nurse Anna\"")]);
        let name = &script.steps[1].words[2];
        assert_eq!((name.text.as_str(), name.quoted, name.at), ("Nurse Anna", true, 10));
    }

    #[test]
    fn quotes_hold_what_words_cannot_and_a_number_sign_inside_a_word_is_no_comment() {
        let script = Script::parse("# x\na \"b \\\" # c\" '{\"d\": 1}' e#f # g").unwrap();
        let words: Vec<_> = script.steps[0].words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(words, ["a", "b \" # c", "{\"d\": 1}", "e#f"]);
    }

    #[test]
    fn a_story_without_purpose_or_steps_and_an_open_quote_are_named_by_line() {
        assert_eq!(Script::parse("start switch").unwrap_err().line, 1);
        assert!(Script::parse("# only words").unwrap_err().what.contains("nothing happens"));
        let flaw = Script::parse("# x\nuser 1 \"Anna\nstart switch").unwrap_err();
        assert_eq!(flaw.line, 2);
        assert!(flaw.mend.contains("close it"), "{flaw:?}");
    }
}
