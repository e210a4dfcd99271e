//! As much XML as the bodies of Lync need: elements, attributes, text, prefixes taken off.

/// Deepest nesting that is read.
const DEPTH: usize = 24;
/// Most elements of one document.
const ELEMENTS: usize = 4_096;

/// An element with its source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Local name.
    pub(super) name: &'a str,
    /// Local names and values, entities undone.
    attributes: Vec<(&'a str, String)>,
    pub(super) children: Vec<Element<'a>>,
    /// The text directly in it, entities undone.
    pub(super) text: String,
    /// As it was written, from `<` to `>`.
    pub(super) source: &'a str,
}

impl<'a> Element<'a> {
    /// Reads a document; none when it is not well formed or beyond a bound.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, at: 0, elements: 0 };
        reader.skip_prolog()?;
        reader.element(0)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// An attribute as a number; 0 without one, none when it is no number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.attribute(name).map_or(Some(0), |value| value.trim().parse().ok())
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every element of this name below, in order.
    pub(super) fn all(&self, name: &str) -> Vec<&Element<'a>> {
        let below = self.children.iter().flat_map(|child| {
            let own = Some(child).filter(|child| child.name == name);
            own.into_iter().chain(child.all(name))
        });
        below.collect()
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    elements: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips declaration, comments and space.
    fn skip_prolog(&mut self) -> Option<()> {
        loop {
            self.at +=
                self.rest().len() - self.rest().trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len();
            let end = match self.rest() {
                rest if rest.starts_with("<?") => rest.find("?>")? + 2,
                rest if rest.starts_with("<!--") => rest.find("-->")? + 3,
                _ => return Some(()),
            };
            self.at += end;
        }
    }

    fn element(&mut self, depth: usize) -> Option<Element<'a>> {
        self.elements += 1;
        if depth > DEPTH || self.elements > ELEMENTS {
            return None;
        }
        let start = self.at;
        let end = tag_end(self.rest().strip_prefix('<')?)?;
        let tag = &self.rest()[1..=end];
        self.at += end + 2;
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split_ascii_whitespace().next()?;
        let attributes = attributes(&tag[name.len()..])?;
        let mut element =
            Element { name: local(name), attributes, children: Vec::new(), text: String::new(), source: "" };
        if !empty {
            self.content(name, &mut element, depth)?;
        }
        element.source = &self.text[start..self.at];
        Some(element)
    }

    fn content(&mut self, name: &str, element: &mut Element<'a>, depth: usize) -> Option<()> {
        loop {
            let open = self.rest().find('<')?;
            element.text.push_str(&decoded(&self.rest()[..open]));
            self.at += open;
            let rest = self.rest();
            if let Some(close) = rest.strip_prefix("</") {
                let end = close.find('>')?;
                self.at += end + 3;
                return (close[..end].trim_end() == name).then_some(());
            } else if rest.starts_with("<!--") {
                self.at += rest.find("-->")? + 3;
            } else if let Some(data) = rest.strip_prefix("<![CDATA[") {
                let end = data.find("]]>")?;
                element.text.push_str(&data[..end]);
                self.at += end + 12;
            } else {
                element.children.push(self.element(depth + 1)?);
            }
        }
    }
}

/// The index of the `>` that ends a tag; those in quotes do not.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        None
    })
}

fn attributes(mut text: &str) -> Option<Vec<(&str, String)>> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return Some(found);
        }
        let (name, rest) = text.split_once('=')?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| ['"', '\''].contains(c))?;
        let (value, rest) = rest[1..].split_once(quote)?;
        found.push((local(name.trim()), decoded(value)));
        text = rest;
    }
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').unwrap_or(("", part));
        let number = |digits: &str| match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        };
        let c = match entity {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            other => other.strip_prefix('#').and_then(number).and_then(char::from_u32),
        };
        out.extend(c);
        out.push_str(rest);
    }
    out
}

/// Text that may stand in an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_is_read_with_prefixes_entities_and_its_own_source() {
        let text = "<?xml version=\"1.0\"?><!-- x --><p:publish xmlns:p='u'>\
            <publication categoryName=\"state\" version=\"3\"><state xsi:type='phoneState' note=\"a>b\">\
            <availability>6500</availability></state></publication><e/>a &lt;&#65;&amp;</p:publish>";
        let root = Element::parse(text).unwrap();
        assert_eq!((root.name, &root.text[..]), ("publish", "a <A&"));
        let publication = root.child("publication").unwrap();
        assert_eq!((publication.number("version"), publication.number("expires")), (Some(3), Some(0)));
        let state = publication.child("state").unwrap();
        assert_eq!((state.attribute("type"), state.attribute("note")), (Some("phoneState"), Some("a>b")));
        assert!(state.source.starts_with("<state xsi") && state.source.ends_with("</state>"));
        assert_eq!(root.all("availability")[0].text, "6500");
        assert_eq!(Element::parse(&escaped("<a>")), None);
    }

    #[test]
    fn what_is_not_well_formed_or_too_deep_is_refused() {
        for text in
            ["", "<", "<a", "<a>", "<a></b>", "<a b></a>", "<a b='c></a>", "text", "<a><![CDATA[x</a>"]
        {
            assert_eq!(Element::parse(text), None, "{text}");
        }
        assert_eq!(Element::parse(&"<a>".repeat(100_000)), None);
        let wide = format!("<a>{}</a>", "<b/>".repeat(5_000));
        assert_eq!(Element::parse(&wide), None);
    }
}
