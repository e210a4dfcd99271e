//! A handset's display: characters and control codes of EN 300 175-5, annex D.

use std::fmt;

/// Characters that are kept.
const MOST: usize = 256;

/// What stands on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Display {
    text: Vec<char>,
    /// The cursor went home: what is written next stands there instead.
    home: bool,
}

impl Display {
    /// Writes text with control codes; what is not UTF-8 counts as Latin-1.
    pub fn write(&mut self, octets: &[u8]) {
        let text = std::str::from_utf8(octets).map(str::to_owned);
        let text = text.unwrap_or_else(|_| octets.iter().map(|octet| char::from(*octet)).collect());
        for c in text.chars() {
            match c {
                '\u{0C}' => self.text.clear(),
                '\u{02}' => self.home = true,
                '\u{08}' => drop(self.text.pop()),
                '\u{0A}' | '\u{0D}' => self.text.push('\n'),
                c if c >= ' ' => {
                    if std::mem::take(&mut self.home) {
                        self.text.clear();
                    }
                    self.text.push(c);
                }
                _ => {}
            }
        }
        let surplus = self.text.len().saturating_sub(MOST);
        self.text.drain(..surplus);
    }
}

impl fmt::Display for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.iter().collect::<String>().trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clearing_begins_anew_and_lines_stay_lines() {
        let mut display = Display::default();
        display.write(b"old");
        display.write(b"\x0CAnna\x0D5001");
        assert_eq!(display.to_string(), "Anna\n5001");
        display.write(b"\x0CLogin failed\x02");
        assert_eq!(display.to_string(), "Login failed");
    }
}
