//! Matching a pattern, with a bound on the work.

use super::compile;

/// Longest pattern, in characters.
pub(super) const MAX_PATTERN: usize = 512;
/// Most groups.
pub(super) const MAX_GROUPS: usize = 20;
/// Most steps of one match; beyond, the rule counts as not for these digits.
const MAX_STEPS: u32 = 50_000;
/// Most pieces that wait within one another for what comes next: it bounds the stack.
const MAX_WAITING: u32 = 600;

/// Why a pattern is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// Longer, deeper or with more groups than any real one.
    #[error("the pattern has too many {0}")]
    TooMuch(&'static str),
    /// Not a regular expression.
    #[error("the pattern is malformed at character {at}: {what}")]
    Malformed {
        /// Which character, from 0.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Something of .NET's that this matcher does not know.
    #[error("the pattern uses {0:?}, which this switch does not know; write the rule without it")]
    Unknown(String),
}

/// One piece of a pattern.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// One character out of ranges, or out of all others.
    Set { ranges: Vec<(char, char)>, negated: bool },
    /// `^`
    Start,
    /// `$`
    End,
    /// `(…)` with its number, or `(?:…)`; the alternatives.
    Group { number: Option<usize>, choices: Vec<Vec<Node>> },
    /// `(?=…)` or `(?!…)`.
    Ahead { wanted: bool, choices: Vec<Vec<Node>> },
    /// A piece several times.
    Repeat { node: Box<Node>, least: u32, most: u32, greedy: bool },
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    choices: Vec<Vec<Node>>,
    text: String,
}

/// Where a pattern matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Byte range of the whole.
    pub whole: (usize, usize),
    groups: Groups,
}

type Groups = [Option<(usize, usize)>; MAX_GROUPS];

impl Found {
    /// The text of a group; 0 is the whole; "" for one that took no part.
    pub fn group<'a>(&self, text: &'a str, number: usize) -> &'a str {
        let range = match number {
            0 => Some(self.whole),
            n => self.groups.get(n - 1).copied().flatten(),
        };
        range.map_or("", |(from, to)| &text[from..to])
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// See [`PatternFault`].
    pub fn compile(text: &str) -> Result<Self, PatternFault> {
        Ok(Self { choices: compile::compile(text)?, text: text.to_owned() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first place where it matches.
    pub fn find(&self, text: &str) -> Option<Found> {
        let mut run = Run { text, steps: 0, waiting: 0, groups: [None; MAX_GROUPS] };
        let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        for start in starts {
            run.groups = [None; MAX_GROUPS];
            let mut end = None;
            let matched = run.choices(&self.choices, start, &mut |run, at| {
                end = Some((at, run.groups));
                true
            });
            if let (true, Some((end, groups))) = (matched, end) {
                return Some(Found { whole: (start, end), groups });
            }
        }
        None
    }
}

/// One match under way: backtracking by what comes next.
struct Run<'a> {
    text: &'a str,
    steps: u32,
    waiting: u32,
    groups: Groups,
}

type Next<'n, 'a> = &'n mut dyn FnMut(&mut Run<'a>, usize) -> bool;

impl<'a> Run<'a> {
    fn choices(&mut self, choices: &[Vec<Node>], at: usize, next: Next<'_, 'a>) -> bool {
        choices.iter().any(|nodes| self.nodes(nodes, at, next))
    }

    fn nodes(&mut self, nodes: &[Node], at: usize, next: Next<'_, 'a>) -> bool {
        match nodes.split_first() {
            None => next(self, at),
            Some((first, rest)) => self.node(first, at, &mut |run, at| run.nodes(rest, at, next)),
        }
    }

    fn node(&mut self, node: &Node, at: usize, next: Next<'_, 'a>) -> bool {
        if self.steps == MAX_STEPS || self.waiting == MAX_WAITING {
            return false;
        }
        self.steps += 1;
        self.waiting += 1;
        let matched = self.one(node, at, next);
        self.waiting -= 1;
        matched
    }

    fn one(&mut self, node: &Node, at: usize, next: Next<'_, 'a>) -> bool {
        match node {
            Node::Start => at == 0 && next(self, at),
            Node::End => at == self.text.len() && next(self, at),
            Node::Set { ranges, negated } => match self.text[at..].chars().next() {
                Some(c) if ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated => {
                    next(self, at + c.len_utf8())
                }
                _ => false,
            },
            Node::Group { number, choices } => self.group(*number, choices, at, next),
            Node::Ahead { wanted, choices } => {
                let before = self.groups;
                let found = self.choices(choices, at, &mut |_, _| true);
                if !*wanted {
                    self.groups = before;
                }
                found == *wanted && self.steps < MAX_STEPS && next(self, at)
            }
            Node::Repeat { node, least, most, greedy } => {
                self.repeat((node, *least, *most, *greedy), 0, at, next)
            }
        }
    }

    fn group(&mut self, number: Option<usize>, choices: &[Vec<Node>], at: usize, next: Next<'_, 'a>) -> bool {
        let Some(number) = number else { return self.choices(choices, at, next) };
        let before = self.groups[number];
        let matched = self.choices(choices, at, &mut |run, end| {
            let inner = run.groups[number].replace((at, end));
            next(run, end) || {
                run.groups[number] = inner;
                false
            }
        });
        if !matched {
            self.groups[number] = before;
        }
        matched
    }

    fn repeat(&mut self, what: (&Node, u32, u32, bool), done: u32, at: usize, next: Next<'_, 'a>) -> bool {
        let (node, least, most, greedy) = what;
        if done < least {
            return self.node(node, at, &mut |run, after| run.repeat(what, done + 1, after, next));
        }
        if !greedy && next(self, at) {
            return true;
        }
        // An empty turn would go on for ever.
        let more = done < most
            && self.node(node, at, &mut |run, after| after > at && run.repeat(what, done + 1, after, next));
        more || (greedy && next(self, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &str, text: &str) -> Option<String> {
        let found = Pattern::compile(pattern).unwrap().find(text)?;
        let groups: Vec<_> = (0..3).map(|n| found.group(text, n)).collect();
        Some(groups.join("|"))
    }

    #[test]
    fn what_dial_plans_use_is_known() {
        for (pattern, text, found) in [
            (r"^(\d{3})(\d*)$", "12345", Some("12345|123|45")),
            (r"^0(?!0)(\d+)$", "0123", Some("0123|123|")),
            (r"^0(?!0)(\d+)$", "00123", None),
            (r"^(?=1)\d{2}(\d?)$", "12", Some("12||")),
            (r"^(?:9|8)?(1\d+?)(\d)$", "91234", Some("91234|123|4")),
            (r"[^2-9]+", "3311", Some("11||")),
            (r"^\+?[\d\-\.\(\) ]{3,5}$", "(1) 2", Some("(1) 2||")),
            (r"^(a|ab)(c|bcd)$", "abcd", Some("abcd|a|bcd")),
            (r"^(\d)*$", "123", Some("123|3|")),
            (r"^\*(\d{2})#?$", "*21#", Some("*21#|21|")),
            (r"^(a*)*$", "b", None),
            (r"x{2,}", "axxxb", Some("xxx||")),
            ("", "1", Some("||")),
        ] {
            assert_eq!(find(pattern, text).as_deref(), found, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_is_not_known_or_broken_is_refused() {
        for bad in [
            r"(?<=1)2", r"(?<n>1)", r"\1", r"\p{L}", "(1", "1)", "[1", "*1", "1{3,2}", "1{99999}", r"1\",
            "[9-1]",
        ] {
            assert!(Pattern::compile(bad).is_err(), "{bad}");
        }
        assert!(Pattern::compile(&"1".repeat(513)).is_err());
        assert!(Pattern::compile(&"(1)".repeat(21)).is_err());
        assert!(Pattern::compile(&format!("{}1{}", "(".repeat(30), ")".repeat(30))).is_err());
    }

    #[test]
    fn a_malicious_pattern_ends_soon() {
        let evil = Pattern::compile(r"^((\d+)*)*x$").unwrap();
        assert_eq!(evil.find(&"1".repeat(64)), None);
        // Nothing is consumed, so only the bound on the stack ends it.
        assert_eq!(Pattern::compile("((^{256}){256}){256}").unwrap().find("1"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in r"[\[\]()|*+?{}\\d^$0-9,é.!=:-]{0,24}", text in "[0-9é+]{0,12}") {
            if let Ok(pattern) = Pattern::compile(&pattern) {
                let _ = pattern.find(&text).map(|found| found.group(&text, 1).to_owned());
            }
        }
    }
}
