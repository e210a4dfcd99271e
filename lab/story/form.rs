//! Forms of steps, and how a line is held against them. Pure.
//!
//! ```text
//! handset {user} on {base} [as {name}]      literals, a word in braces, a part that may be left out
//! far end {number} answers after {after:time}
//! ```
//!
//! `{name}` takes one word or quoted text, `{name:time}` a number and a unit (`5 s`), `{name:count}` a whole
//! number, `{name:rest}` everything to the end of the line. Parts in brackets that stand side by side come in
//! any order.

use std::collections::HashMap;
use std::time::Duration;

use super::parse::Step;

/// What a step gave for the braces of its form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given(HashMap<&'static str, Argument>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Argument {
    Text(String),
    Time(Duration),
    Count(u64),
}

impl Given {
    /// The word or text in `{name}` or `{name:rest}`, when its part of the step was there.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Argument::Text(text) => Some(text),
            Argument::Time(_) | Argument::Count(_) => None,
        }
    }

    /// The word or text in a `{name}` that is never left out.
    pub fn word(&self, name: &str) -> &str {
        self.text(name).expect("the form has this word outside of brackets")
    }

    /// The time in `{name:time}`.
    pub fn time(&self, name: &str) -> Option<Duration> {
        match self.0.get(name)? {
            Argument::Time(time) => Some(*time),
            Argument::Text(_) | Argument::Count(_) => None,
        }
    }

    /// The number in `{name:count}`.
    pub fn count(&self, name: &str) -> Option<u64> {
        match self.0.get(name)? {
            Argument::Count(count) => Some(*count),
            Argument::Text(_) | Argument::Time(_) => None,
        }
    }
}

/// One element of a form.
enum Part {
    Literal(&'static str),
    Slot { name: &'static str, kind: Kind },
    Optional(Vec<Part>),
}

#[derive(Clone, Copy)]
enum Kind {
    Word,
    Time,
    Count,
    Rest,
}

/// How far a step fits a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Wholly, with so many literal words.
    Whole(Given, usize),
    /// So many words only.
    Partly(usize),
}

/// Holds a step against a form.
pub(super) fn fit(form: &'static str, step: &Step) -> Fit {
    let parts = parts(&mut form.split_whitespace());
    let mut reading = Reading { step, at: 0, literals: 0, given: Given::default() };
    let complete = reading.sequence(&parts);
    match complete && reading.at == step.words.len() {
        true => Fit::Whole(reading.given, reading.literals),
        false => Fit::Partly(reading.literals),
    }
}

/// `[` and `]` stand at the edges of a form's words.
fn parts(words: &mut dyn Iterator<Item = &'static str>) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix('[') {
            None => parts.push(part(word)),
            Some(first) => {
                let mut inside = Vec::new();
                let mut next = Some(first);
                while let Some(word) = next {
                    inside.push(part(word.trim_end_matches(']')));
                    next = if word.ends_with(']') { None } else { words.next() };
                }
                parts.push(Part::Optional(inside));
            }
        }
    }
    parts
}

fn part(word: &'static str) -> Part {
    let Some(slot) = word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) else {
        return Part::Literal(word);
    };
    match slot.split_once(':') {
        None => Part::Slot { name: slot, kind: Kind::Word },
        Some((name, "time")) => Part::Slot { name, kind: Kind::Time },
        Some((name, "count")) => Part::Slot { name, kind: Kind::Count },
        Some((name, "rest")) => Part::Slot { name, kind: Kind::Rest },
        Some((_, kind)) => panic!("no kind of word is called {kind}"),
    }
}

struct Reading<'a> {
    step: &'a Step,
    at: usize,
    literals: usize,
    given: Given,
}

impl Reading<'_> {
    fn sequence(&mut self, parts: &[Part]) -> bool {
        let optional = |part: &&Part| matches!(part, Part::Optional(_));
        let mut rest = parts;
        while let Some(first) = rest.first() {
            let together = rest.iter().take_while(optional).count();
            let fits = match first {
                Part::Literal(word) => self.literal(word),
                Part::Slot { name, kind } => self.slot(name, *kind),
                Part::Optional(_) => self.in_any_order(&rest[..together]),
            };
            if !fits {
                return false;
            }
            rest = &rest[together.max(1)..];
        }
        true
    }

    /// Parts that may be left out and stand side by side come in any order, each once.
    fn in_any_order(&mut self, parts: &[Part]) -> bool {
        let mut left: Vec<&Part> = parts.iter().collect();
        while let Some(taken) = left.iter().position(|part| self.optional(part)) {
            left.remove(taken);
        }
        true
    }

    fn optional(&mut self, part: &Part) -> bool {
        let Part::Optional(inside) = part else { return false };
        let (at, literals, given) = (self.at, self.literals, self.given.clone());
        let fits = self.sequence(inside) && self.at > at;
        if !fits {
            (self.at, self.literals, self.given) = (at, literals, given);
        }
        fits
    }

    fn literal(&mut self, wanted: &str) -> bool {
        let fits = self.step.words.get(self.at).is_some_and(|word| !word.quoted && word.text == wanted);
        self.at += usize::from(fits);
        self.literals += usize::from(fits);
        fits
    }

    fn slot(&mut self, name: &'static str, kind: Kind) -> bool {
        let Some(word) = self.step.words.get(self.at) else { return false };
        let (argument, words) = match kind {
            Kind::Word => (Some(Argument::Text(word.text.clone())), 1),
            Kind::Count => (word.text.parse().ok().map(Argument::Count), 1),
            Kind::Time => {
                let unit = self.step.words.get(self.at + 1).map_or("", |unit| unit.text.as_str());
                (time(&word.text, unit).map(Argument::Time), 2)
            }
            Kind::Rest => {
                let rest = self.step.text[word.at..].to_owned();
                (Some(Argument::Text(rest)), self.step.words.len() - self.at)
            }
        };
        let Some(argument) = argument else { return false };
        self.given.0.insert(name, argument);
        self.at += words;
        true
    }
}

/// `1.5` and `s`, `200` and `ms`, `2` and `min`.
fn time(number: &str, unit: &str) -> Option<Duration> {
    let number: f64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => number / 1_000.0,
        "s" => number,
        "min" => number * 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::super::parse::Script;
    use super::*;

    fn whole(form: &'static str, line: &str) -> Option<Given> {
        let script = Script::parse(&format!("# x\n{line}")).unwrap();
        match fit(form, &script.steps[0]) {
            Fit::Whole(given, _) => Some(given),
            Fit::Partly(_) => None,
        }
    }

    #[test]
    fn words_times_counts_and_the_rest_of_the_line_are_taken() {
        let given =
            whole("far end {number} answers after {after:time}", "far end +45 answers after 1.5 s").unwrap();
        assert_eq!(given.word("number"), "+45");
        assert_eq!(given.time("after"), Some(Duration::from_millis(1_500)));
        let given = whole("expect {n:count} of {what:rest}", "expect 3 of \"a\" b").unwrap();
        assert_eq!((given.count("n"), given.text("what")), (Some(3), Some("\"a\" b")));
    }

    #[test]
    fn a_part_in_brackets_may_be_left_out() {
        const FORM: &str = "base {name} [model {model}] [over {transport}]";
        let given = whole(FORM, "base A over tls").unwrap();
        assert_eq!((given.text("model"), given.text("transport")), (None, Some("tls")));
        assert_eq!(whole(FORM, "base A model snom-m700").unwrap().text("model"), Some("snom-m700"));
        assert_eq!(whole(FORM, "base A"), Some(Given(HashMap::from([("name", Argument::Text("A".into()))]))));
        let given = whole(FORM, "base A over tls model snom-m700").unwrap();
        assert_eq!((given.text("model"), given.text("transport")), (Some("snom-m700"), Some("tls")));
        assert_eq!(whole(FORM, "base A over tls over udp"), None);
        assert_eq!(whole(FORM, "base A over"), None);
        assert_eq!(whole(FORM, "base A upon tls"), None);
    }

    #[test]
    fn a_quoted_text_is_never_a_keyword_and_a_time_needs_its_unit() {
        assert_eq!(whole("{phone} answers", "2001 \"answers\""), None);
        assert_eq!(whole("patience {time:time}", "patience 5"), None);
        assert_eq!(whole("patience {time:time}", "patience -5 s"), None);
    }
}
