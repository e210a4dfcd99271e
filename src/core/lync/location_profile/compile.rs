//! Reading a pattern.

use super::pattern::{MAX_GROUPS, MAX_PATTERN, Node, PatternFault};

/// Most groups within one another.
const MAX_DEPTH: usize = 10;
/// Most times that a piece is repeated by number.
const MAX_REPEAT: u32 = 256;

/// The alternatives of a whole pattern.
pub(super) fn compile(text: &str) -> Result<Vec<Vec<Node>>, PatternFault> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MAX_PATTERN {
        return Err(PatternFault::TooMuch("characters"));
    }
    let mut reader = Reader { chars, at: 0, groups: 0, depth: 0 };
    let choices = reader.choices()?;
    match reader.peek() {
        None => Ok(choices),
        Some(_) => Err(reader.fault("a parenthesis that was not opened")),
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    groups: usize,
    depth: usize,
}

impl Reader {
    fn choices(&mut self) -> Result<Vec<Vec<Node>>, PatternFault> {
        let mut choices = vec![Vec::new()];
        while let Some(c) = self.peek().filter(|c| *c != ')') {
            if c == '|' {
                self.at += 1;
                choices.push(Vec::new());
                continue;
            }
            let node = self.piece()?;
            let node = self.repeated(node)?;
            choices.last_mut().expect("there is always one alternative").push(node);
        }
        Ok(choices)
    }

    fn piece(&mut self) -> Result<Node, PatternFault> {
        let c = self.next("a piece")?;
        match c {
            '^' => Ok(Node::Start),
            '$' => Ok(Node::End),
            '.' => Ok(Node::Set { ranges: vec![('\n', '\n')], negated: true }),
            '(' => self.group(),
            '[' => self.class(),
            '\\' => self.escape().map(|(ranges, negated)| Node::Set { ranges, negated }),
            '*' | '+' | '?' => Err(self.fault("a quantifier without a piece before it")),
            c => Ok(single(c)),
        }
    }

    fn group(&mut self) -> Result<Node, PatternFault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(PatternFault::TooMuch("groups within one another"));
        }
        let kind = self.group_kind()?;
        let choices = self.choices()?;
        if self.next("the end of a group")? != ')' {
            return Err(self.fault("a group that is not closed"));
        }
        self.depth -= 1;
        Ok(match kind {
            Kind::Numbered(number) => Node::Group { number: Some(number), choices },
            Kind::Plain => Node::Group { number: None, choices },
            Kind::Ahead(wanted) => Node::Ahead { wanted, choices },
        })
    }

    fn group_kind(&mut self) -> Result<Kind, PatternFault> {
        if self.peek() != Some('?') {
            if self.groups == MAX_GROUPS {
                return Err(PatternFault::TooMuch("groups"));
            }
            self.groups += 1;
            return Ok(Kind::Numbered(self.groups - 1));
        }
        self.at += 1;
        match self.next("the kind of a group")? {
            ':' => Ok(Kind::Plain),
            '=' => Ok(Kind::Ahead(true)),
            '!' => Ok(Kind::Ahead(false)),
            other => Err(PatternFault::Unknown(format!("(?{other}"))),
        }
    }

    fn class(&mut self) -> Result<Node, PatternFault> {
        let negated = self.take('^');
        let mut ranges = Vec::new();
        loop {
            let c = self.next("the end of a class")?;
            let from = match c {
                // The first character of a class stands for itself.
                ']' if !ranges.is_empty() => return Ok(Node::Set { ranges, negated }),
                '\\' => match self.escape()? {
                    (set, false) if set.len() == 1 && set[0].0 == set[0].1 => set[0].0,
                    (set, false) => {
                        ranges.extend(set);
                        continue;
                    }
                    (_, true) => return Err(PatternFault::Unknown("\\D within a class".into())),
                },
                c => c,
            };
            let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            let to = match is_range {
                true => {
                    self.at += 1;
                    let to = self.next("the end of a range")?;
                    if to == '\\' { self.next("an escape")? } else { to }
                }
                false => from,
            };
            if to < from {
                return Err(self.fault("a range that runs backwards"));
            }
            ranges.push((from, to));
        }
    }

    /// Behind a backslash: ranges, and whether all others are meant.
    fn escape(&mut self) -> Result<(Vec<(char, char)>, bool), PatternFault> {
        let c = self.next("an escape")?;
        let word = || vec![('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')];
        let space = || vec![(' ', ' '), ('\t', '\r')];
        Ok(match c {
            'd' => (vec![('0', '9')], false),
            'D' => (vec![('0', '9')], true),
            'w' => (word(), false),
            'W' => (word(), true),
            's' => (space(), false),
            'S' => (space(), true),
            c if c.is_alphanumeric() => return Err(PatternFault::Unknown(format!("\\{c}"))),
            c => (vec![(c, c)], false),
        })
    }

    fn repeated(&mut self, node: Node) -> Result<Node, PatternFault> {
        let (least, most) = match self.peek() {
            Some('*') => (0, u32::MAX),
            Some('+') => (1, u32::MAX),
            Some('?') => (0, 1),
            Some('{') => match self.braces()? {
                Some(counts) => counts,
                // .NET takes a brace that counts nothing as itself.
                None => return Ok(node),
            },
            _ => return Ok(node),
        };
        self.at += 1;
        let greedy = !self.take('?');
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return Err(self.fault("a quantifier behind a quantifier"));
        }
        Ok(Node::Repeat { node: Box::new(node), least, most, greedy })
    }

    /// `{n}`, `{n,}` or `{n,m}`; stops at the closing brace.
    fn braces(&mut self) -> Result<Option<(u32, u32)>, PatternFault> {
        let rest = &self.chars[self.at + 1..];
        let Some(end) = rest.iter().position(|c| *c == '}') else { return Ok(None) };
        let inside: String = rest[..end].iter().collect();
        let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
        let number =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok())?;
        let Some(least) = number(least) else { return Ok(None) };
        let most = if most.is_empty() { Some(u32::MAX) } else { number(most) };
        let Some(most) = most else { return Ok(None) };
        if least > most {
            return Err(self.fault("a count that runs backwards"));
        }
        if least > MAX_REPEAT || (most > MAX_REPEAT && most != u32::MAX) {
            return Err(PatternFault::TooMuch("repetitions"));
        }
        self.at += 1 + end;
        Ok(Some((least, most)))
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self, what: &'static str) -> Result<char, PatternFault> {
        let c = self.peek().ok_or_else(|| self.fault(what))?;
        self.at += 1;
        Ok(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn fault(&self, what: &'static str) -> PatternFault {
        PatternFault::Malformed { at: self.at, what }
    }
}

enum Kind {
    Numbered(usize),
    Plain,
    Ahead(bool),
}

fn single(c: char) -> Node {
    Node::Set { ranges: vec![(c, c)], negated: false }
}
