//! What a searcher typed.

use super::fold::fold;
use super::keypad::from_multi_tap;
use super::number::NumberRules;

/// Most characters of a query that count.
const MAX_QUERY: usize = 64;

/// What a searcher typed, and how it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Everything, by name.
    All,
    /// Beginnings of words of the name or department, folded.
    Words(Vec<String>),
    /// Keys pressed once for each letter; a name or a number may begin so.
    Keys {
        /// As pressed.
        digits: String,
        /// The digits of the number that they begin, in its one spelling.
        number: String,
    },
    /// Keys pressed once for each letter of a name; no number is meant.
    NameKeys(String),
}

impl Query {
    /// As typed into a search box: letters are a name, digits are keys or a number of this site, nothing is
    /// everything.
    pub fn typed(text: &str, rules: &NumberRules) -> Self {
        let text: String = text.chars().take(MAX_QUERY).collect();
        let is_number = |c: char| c.is_ascii_digit() || " +-/().".contains(c);
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        match digits.is_empty() || !text.chars().all(is_number) {
            true => Self::name(&text),
            false => {
                let number = rules.normal(&text).unwrap_or_default().trim_start_matches('+').to_owned();
                Self::Keys { digits, number }
            }
        }
    }

    /// Words of a name.
    pub fn name(text: &str) -> Self {
        let folded = fold(&text.chars().take(MAX_QUERY).collect::<String>());
        match folded.is_empty() {
            true => Self::All,
            false => Self::Words(folded.split(' ').map(str::to_owned).collect()),
        }
    }

    /// As pressed on a keypad, several times for a letter. What writes no letters is read as typed.
    pub fn multi_tap(presses: &str, rules: &NumberRules) -> Self {
        let presses: String = presses.chars().take(4 * MAX_QUERY).collect();
        from_multi_tap(&presses).map_or_else(|| Self::typed(&presses, rules), |text| Self::name(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_a_name_and_digits_are_keys() {
        let rules = NumberRules { country_code: "49".into(), ..NumberRules::default() };
        let typed = |text: &str| Query::typed(text, &rules);
        let keys = |digits: &str, number: &str| Query::Keys { digits: digits.into(), number: number.into() };
        assert_eq!(typed("Mül be"), Query::Words(vec!["mul".into(), "be".into()]));
        assert_eq!(typed("+49 (30) 1"), keys("49301", "49301"));
        assert_eq!(typed("030 1"), keys("0301", "49301"));
        assert_eq!(typed("266"), keys("266", "266"));
        assert_eq!(typed("ward 3"), Query::Words(vec!["ward".into(), "3".into()]));
        assert_eq!(typed("  "), Query::All);
        assert_eq!(typed("--"), Query::All);
        assert_eq!(Query::multi_tap("2 66", &rules), Query::Words(vec!["an".into()]));
    }
}
