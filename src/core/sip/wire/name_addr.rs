//! `"Display name" <uri>;param=value` (RFC 3261 §20.10, §25.1 name-addr / addr-spec).

use super::{Text, Uri};

/// Parameters in order; values as written, quotes included in [`get_raw`](Params::get_raw) only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(Text, Option<Text>)>);

impl Params {
    /// Parses `a=1;b;c="x;y"`, with or without a leading `;`. `None` on an unclosed quote.
    pub fn parse(text: &Text) -> Option<Self> {
        let mut params = Vec::new();
        for part in split_params(text)? {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(text.share(value.trim()))),
                None => (part, None),
            };
            params.push((text.share(name), value));
        }
        Some(Self(params))
    }

    /// Whether a parameter of that name is there, with or without value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// The value, outer quotes taken off; `None` when absent or without value.
    pub fn get(&self, name: &str) -> Option<Text> {
        let raw = self.get_raw(name)?;
        let inner = raw.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        Some(inner.map_or_else(|| raw.clone(), |inner| raw.share(inner)))
    }

    /// The value as written.
    pub fn get_raw(&self, name: &str) -> Option<&Text> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).and_then(|(_, v)| v.as_ref())
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, Option<&Text>)> {
        self.0.iter().map(|(n, v)| (n, v.as_ref()))
    }
}

/// A name-addr or addr-spec with header parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// Display name, quotes and escapes undone.
    pub display: Option<String>,
    /// The address.
    pub uri: Uri,
    /// Header parameters (`tag`, `expires`, `+sip.instance`, …), not the URI's.
    pub params: Params,
}

impl NameAddr {
    /// Parses one element. Without angle brackets, parameters belong to the header (RFC 3261 §20.10).
    pub fn parse(text: &Text) -> Option<Self> {
        let trimmed = text.trim();
        let open = find_outside_quotes(trimmed, b'<')?;
        let Some(open) = open else {
            let (spec, params) = trimmed.split_once(';').unwrap_or((trimmed, ""));
            // RFC 3261 §20.10: a URI with a comma, question mark or semicolon must be in brackets.
            if spec.contains([',', '?']) {
                return None;
            }
            let uri = Uri::parse(&text.share(spec.trim()))?;
            return Some(Self { display: None, uri, params: Params::parse(&text.share(params))? });
        };
        let (before, after) = (trimmed[..open].trim(), &trimmed[open + 1..]);
        let (inside, tail) = after.split_once('>')?;
        let tail = tail.trim();
        if !(tail.is_empty() || tail.starts_with(';')) {
            return None;
        }
        Some(Self {
            display: display_name(before)?,
            uri: Uri::parse(&text.share(inside))?,
            params: Params::parse(&text.share(tail))?,
        })
    }

    /// The `tag` parameter.
    pub fn tag(&self) -> Option<Text> {
        self.params.get("tag")
    }
}

/// A display name as a quoted string (RFC 3261 §25.1), control characters left out.
pub fn quoted(display: &str) -> String {
    let mut out = String::with_capacity(display.len() + 2);
    out.push('"');
    for c in display.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// `None` means malformed, `Some(None)` means absent.
fn display_name(text: &str) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let Some(inner) = text.strip_prefix('"') else {
        // RFC 3261 §25.1 wants tokens. Old phones send more, and are understood as long as what they
        // send cannot be a list or a parameter.
        return (!text.contains(['"', ',', ';'])).then(|| Some(text.to_owned()));
    };
    let inner = inner.strip_suffix('"')?;
    let (mut name, mut escaped) = (String::with_capacity(inner.len()), false);
    for c in inner.chars() {
        match c {
            _ if escaped => {
                name.push(c);
                escaped = false
            }
            '\\' => escaped = true,
            '"' => return None,
            _ => name.push(c),
        }
    }
    (!escaped).then_some(Some(name))
}

/// Where `wanted`, an ASCII character, stands outside quotes; the outer `None` for an unclosed quote.
fn find_outside_quotes(text: &str, wanted: u8) -> Option<Option<usize>> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == wanted && !quoted => return Some(Some(at)),
            _ => {}
        }
    }
    (!quoted).then_some(None)
}

fn split_params(text: &Text) -> Option<Vec<&str>> {
    let (mut parts, mut rest) = (Vec::new(), text.as_str());
    while let Some(at) = find_outside_quotes(rest, b';')? {
        parts.push(rest[..at].trim());
        rest = &rest[at + 1..];
    }
    parts.push(rest.trim());
    parts.retain(|part| !part.is_empty());
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<NameAddr> {
        NameAddr::parse(&Text::from(text))
    }

    #[test]
    fn header_and_uri_parameters_are_told_apart() {
        let bare = parse("sip:a@b;tag=1").unwrap();
        assert_eq!((bare.tag().as_deref(), bare.uri.params.has("tag")), (Some("1"), false));
        let bracketed = parse("<sip:a@b;x=1>;tag=2").unwrap();
        assert_eq!((bracketed.tag().as_deref(), bracketed.uri.params.has("x")), (Some("2"), true));
    }

    #[test]
    fn names_with_quotes_and_brackets() {
        assert_eq!(
            parse(r#""A \"<q>\" B" <sip:a@b>;tag=1"#).unwrap().display.as_deref(),
            Some(r#"A "<q>" B"#)
        );
        assert_eq!(parse("Alice Smith <sip:a@b>").unwrap().display.as_deref(), Some("Alice Smith"));
        assert!(parse(r#""unclosed <sip:a@b>"#).is_none());
        assert!(parse("<sip:a@b").is_none());
    }

    #[test]
    fn quoted_parameters_lose_their_quotes() {
        let contact = parse(r#"<sip:a@b>;+sip.instance="<urn:uuid:1;2>";expires=60"#).unwrap();
        assert_eq!(contact.params.get("+sip.instance").as_deref(), Some("<urn:uuid:1;2>"));
        assert_eq!(contact.params.get("expires").as_deref(), Some("60"));
    }
}
