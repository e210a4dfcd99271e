//! Letters on the keys of a telephone.
//!
//! Latin by ITU-T E.161 (the keypad of ISO/IEC 9995-8), Greek and Cyrillic by ETSI ES 202 130.

/// The key of a folded letter; digits stand for themselves, a blank is 0.
pub(super) fn key(letter: char) -> Option<char> {
    if letter.is_ascii_digit() {
        return Some(letter);
    }
    if letter == ' ' {
        return Some('0');
    }
    KEYS.iter().find(|(_, letters)| letters.contains(letter)).map(|(key, _)| *key)
}

/// The keys of a folded text, pressed once for each letter (`anna` is `2662`). None where a letter is on no key.
pub fn digits_of(folded: &str) -> Option<String> {
    folded.chars().map(key).collect()
}

/// What several presses of each key write: `2 66 66 2` or `2#66#662` is `anna`. A blank, `#` or another key ends a
/// letter. None: something else stands there, or a key has no such letter.
pub fn from_multi_tap(presses: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = presses.trim().chars().peekable();
    while let Some(pressed) = rest.next() {
        if matches!(pressed, ' ' | '#') {
            continue;
        }
        let mut times = 1;
        while rest.next_if_eq(&pressed).is_some() {
            times += 1;
        }
        if pressed == '0' {
            text.push(' ');
            continue;
        }
        let letters = KEYS.iter().find(|(key, _)| *key == pressed).map(|(_, letters)| *letters)?;
        let latin = letters.chars().filter(char::is_ascii_lowercase);
        text.push(latin.clone().nth((times - 1) % latin.count().max(1))?);
    }
    (!text.is_empty()).then_some(text)
}

const KEYS: [(char, &str); 8] = [
    ('2', "abcαβγабвг"),
    ('3', "defδεζдежз"),
    ('4', "ghiηθιийкл"),
    ('5', "jklκλμмноп"),
    ('6', "mnoνξοрсту"),
    ('7', "pqrsπρσфхцч"),
    ('8', "tuvτυφшщъы"),
    ('9', "wxyzχψωьэюя"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_press_for_each_letter() {
        assert_eq!(digits_of("anna beck").as_deref(), Some("266202325"));
        assert_eq!(digits_of("елкина").as_deref(), Some("344452"));
        assert_eq!(digits_of("田中"), None);
    }

    #[test]
    fn several_presses_write_a_letter() {
        assert_eq!(from_multi_tap("2 66 66 2").as_deref(), Some("anna"));
        assert_eq!(from_multi_tap("44#33").as_deref(), Some("he"));
        assert_eq!(from_multi_tap("4433").as_deref(), Some("he"), "another key ends a letter");
        assert_eq!(from_multi_tap("2222").as_deref(), Some("a"), "a key begins again after its last letter");
        assert_eq!(from_multi_tap("1"), None);
        assert_eq!(from_multi_tap(""), None);
    }
}
