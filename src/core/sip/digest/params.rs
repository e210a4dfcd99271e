//! Challenges and credentials as they stand in a header (RFC 3261 §25.1, RFC 7235 §2.1).

/// Most parameters of one challenge; more make the header unreadable.
const MAX_PARAMS: usize = 32;
/// Most challenges read from one line.
const MAX_CHALLENGES: usize = 8;

/// One challenge or one set of credentials: a scheme and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthParams {
    scheme: String,
    /// Name in lower case; value as `unq()`: without quotes, escapes kept.
    params: Vec<(String, String)>,
}

impl AuthParams {
    /// Reads a header value that holds one set of credentials. `None` when it is broken, empty,
    /// or names a parameter twice, since then the two ends might not read the same.
    pub fn parse(value: &str) -> Option<Self> {
        let mut all = Self::parse_all(value)?;
        (all.len() == 1).then(|| all.remove(0))
    }

    /// Reads a header value that may hold several challenges after one another. RFC 3261 §7.3.1
    /// forbids joining them, HTTP's grammar allows it, and some registrars do it.
    pub fn parse_all(value: &str) -> Option<Vec<Self>> {
        let (mut all, mut rest) = (Vec::<Self>::new(), value);
        loop {
            rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
            if rest.is_empty() {
                return Some(all);
            }
            let (word, after) = token(rest)?;
            match after.trim_start().strip_prefix('=') {
                None if all.len() == MAX_CHALLENGES => return None,
                None => {
                    all.push(Self { scheme: word.to_owned(), params: Vec::new() });
                    rest = after;
                }
                Some(value) => {
                    let (value, after) = param_value(value.trim_start())?;
                    all.last_mut()?.add(word, value)?;
                    rest = after;
                }
            }
        }
    }

    /// Whether the scheme is that one, without case.
    pub fn is_scheme(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The scheme as written.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// A parameter by its name in lower case, without its quotes.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    fn add(&mut self, name: &str, value: &str) -> Option<()> {
        let name = name.to_ascii_lowercase();
        let room = self.params.len() < MAX_PARAMS && self.get(&name).is_none();
        room.then(|| self.params.push((name, value.to_owned())))
    }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let end = text.find([' ', '\t', '\r', '\n', ',', '=', '"']).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The value without quotes, and what follows it.
fn param_value(text: &str) -> Option<(&str, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', '\r', '\n', ',']).unwrap_or(text.len());
        return Some(text.split_at(end));
    };
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_spacing_and_case_are_read() {
        let auth = AuthParams::parse("digest  REALM = \"a, \\\"b\\\"\" ,nonce=\"x==\",qop=auth, nc=00000001")
            .unwrap();
        assert!(auth.is_scheme("Digest"));
        assert_eq!(auth.get("realm"), Some("a, \\\"b\\\""));
        assert_eq!((auth.get("nonce"), auth.get("qop")), (Some("x=="), Some("auth")));
    }

    #[test]
    fn joined_challenges_come_apart() {
        let all = AuthParams::parse_all(
            "NTLM realm=\"SIP\", version=4, Digest realm=\"r\", nonce=\"n\", Digest nonce=\"m\"",
        )
        .unwrap();
        let schemes: Vec<_> = all.iter().map(AuthParams::scheme).collect();
        assert_eq!(schemes, ["NTLM", "Digest", "Digest"]);
        assert_eq!(all[2].get("nonce"), Some("m"));
    }

    #[test]
    fn broken_headers_are_refused_whole() {
        for bad in ["Digest realm=\"open", "realm=\"x\"", "Digest a=1, a=2", "Digest =x", "\"Digest\" a=1"] {
            assert_eq!(AuthParams::parse(bad), None, "{bad}");
        }
        let many: String = (0..40).map(|n| format!("p{n}=1,")).collect();
        assert_eq!(AuthParams::parse(&format!("Digest {many}")), None);
        assert_eq!(AuthParams::parse_all(&"a ".repeat(9)), None);
        assert_eq!(AuthParams::parse(""), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_it_reads_stands_in_the_text(text in "[ -~\t\r\né]{0,200}") {
            for auth in AuthParams::parse_all(&text).unwrap_or_default() {
                proptest::prop_assert!(text.contains(auth.scheme()));
                proptest::prop_assert!(auth.params.iter().all(|(_, value)| text.contains(value.as_str())));
            }
        }

        #[test]
        fn quoted_text_comes_back_as_it_stands(value in "[ -~]{0,60}") {
            let value = super::super::quoted(&value);
            let auth = AuthParams::parse(&format!("Digest a=\"{value}\", b=1")).unwrap();
            proptest::prop_assert_eq!(auth.get("a"), Some(value.as_str()));
            proptest::prop_assert_eq!(auth.get("b"), Some("1"));
        }
    }
}
