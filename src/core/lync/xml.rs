//! A small XML reader for the documents of a front end.
//!
//! Own code: a document here is a few kilobytes, elements and attributes only, and a tree with limits is
//! all that is asked; a crate would bring more than it saves. Names are compared without their prefix,
//! since front ends change prefixes at will, and without case where the documents need it. DTDs are
//! refused, so no entity can grow; depth, elements and size are bounded.

/// Longest document read.
pub const MAX_DOCUMENT: usize = 256 * 1024;
/// Most elements.
const MAX_ELEMENTS: usize = 8192;
/// Most elements within one another.
const MAX_DEPTH: usize = 32;
/// Most attributes of one element.
const MAX_ATTRIBUTES: usize = 64;

/// Why a text is not taken as XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlFault {
    /// Beyond one of the limits.
    #[error("the XML document has too many or too long {0}")]
    TooMuch(&'static str),
    /// Not well-formed, or not UTF-8.
    #[error("the XML document is malformed at byte {at}: {what}")]
    Malformed {
        /// Where.
        at: usize,
        /// What was expected.
        what: &'static str,
    },
}

/// An element with all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Name without prefix.
    pub name: String,
    /// Name space it is in, or "".
    pub name_space: String,
    /// Attributes in order, names without prefix.
    pub attributes: Vec<(String, String)>,
    /// Elements directly within.
    pub children: Vec<Element>,
    /// Text directly within, all pieces joined.
    pub text: String,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// It is not well-formed, or beyond the limits.
    pub fn parse(document: &[u8]) -> Result<Self, XmlFault> {
        if document.len() > MAX_DOCUMENT {
            return Err(XmlFault::TooMuch("bytes"));
        }
        let text = std::str::from_utf8(document)
            .map_err(|fault| XmlFault::Malformed { at: fault.valid_up_to(), what: "UTF-8" })?;
        Reader { text: text.strip_prefix('\u{feff}').unwrap_or(text), at: 0, open: Vec::new(), elements: 0 }
            .read()
    }

    /// The first child of that name, without case.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(name))
    }

    /// All children of that name, without case.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.is(name))
    }

    /// This element and all within, in the order of the document.
    pub fn all(&self) -> impl Iterator<Item = &Element> {
        let mut rest = vec![self];
        std::iter::from_fn(move || {
            let next = rest.pop()?;
            rest.extend(next.children.iter().rev());
            Some(next)
        })
    }

    /// The first within, or itself, of that name, without case.
    pub fn find<'a>(&'a self, name: &str) -> Option<&'a Element> {
        self.all().find(|element| element.is(name))
    }

    /// An attribute, its name without case.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// An attribute as number.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.attribute(name)?.trim().parse().ok()
    }

    /// The text of a child, trimmed.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Text made safe for content and attribute values. Characters that XML 1.0 cannot hold are left out.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// An element that is not closed yet.
struct Open<'a> {
    raw_name: &'a str,
    element: Element,
    /// Prefixes that it declares, "" for the default.
    spaces: Vec<(String, String)>,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open<'a>>,
    elements: usize,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Result<Element, XmlFault> {
        loop {
            let rest = self.rest();
            let Some(tag) = rest.find('<') else { return Err(self.fault("an element")) };
            self.characters(&rest[..tag])?;
            self.at += tag;
            let rest = self.rest();
            if rest.starts_with("<!--") {
                self.skip_past("-->")?;
            } else if rest.starts_with("<![CDATA[") {
                self.cdata()?;
            } else if rest.starts_with("<?") {
                self.skip_past("?>")?;
            } else if rest.starts_with("<!") {
                return Err(self.fault("no DTD"));
            } else if rest.starts_with("</") {
                if let Some(root) = self.close()? {
                    return self.end(root);
                }
            } else if let Some(root) = self.open()? {
                return self.end(root);
            }
        }
    }

    /// Behind the root only comments and white space are left.
    fn end(mut self, root: Element) -> Result<Element, XmlFault> {
        loop {
            let rest = self.rest();
            match rest.trim_start() {
                "" => return Ok(root),
                comment if comment.starts_with("<!--") => {
                    self.at += rest.len() - comment.len();
                    self.skip_past("-->")?;
                }
                _ => return Err(self.fault("the end")),
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fault(&self, what: &'static str) -> XmlFault {
        XmlFault::Malformed { at: self.at, what }
    }

    fn skip_past(&mut self, mark: &str) -> Result<&'a str, XmlFault> {
        let rest = self.rest();
        let end = rest.find(mark).ok_or_else(|| self.fault("the end of a comment or instruction"))?;
        self.at += end + mark.len();
        Ok(&rest[..end])
    }

    fn characters(&mut self, raw: &str) -> Result<(), XmlFault> {
        let text = unescape(raw).ok_or_else(|| self.fault("a known entity"))?;
        match self.open.last_mut() {
            Some(open) => open.element.text.push_str(&text),
            None if text.trim().is_empty() => {}
            None => return Err(self.fault("an element before text")),
        }
        Ok(())
    }

    fn cdata(&mut self) -> Result<(), XmlFault> {
        let inside = self.skip_past("]]>")?;
        let text = &inside["<![CDATA[".len()..];
        let fault = self.fault("an element around CDATA");
        self.open.last_mut().ok_or(fault)?.element.text.push_str(text);
        Ok(())
    }

    /// A start tag; gives the root when it is empty and nothing is open.
    fn open(&mut self) -> Result<Option<Element>, XmlFault> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(XmlFault::TooMuch("elements"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(XmlFault::TooMuch("elements within one another"));
        }
        self.at += 1;
        let raw_name = self.name()?;
        let mut open = Open { raw_name, element: Element::default(), spaces: Vec::new() };
        let empty = self.attributes(&mut open)?;
        let (prefix, name) = raw_name.split_once(':').unwrap_or(("", raw_name));
        open.element.name = name.to_owned();
        open.element.name_space = self.space(prefix, &open);
        match empty {
            true => Ok(self.put(open.element)),
            false => {
                self.open.push(open);
                Ok(None)
            }
        }
    }

    /// Up to `>`; whether the element is empty.
    fn attributes(&mut self, open: &mut Open<'a>) -> Result<bool, XmlFault> {
        loop {
            self.skip_space();
            let rest = self.rest();
            if rest.starts_with("/>") {
                self.at += 2;
                return Ok(true);
            }
            if rest.starts_with('>') {
                self.at += 1;
                return Ok(false);
            }
            let name = self.name()?;
            let value = self.value()?;
            match name.split_once(':') {
                Some(("xmlns", prefix)) => open.spaces.push((prefix.to_owned(), value)),
                None if name == "xmlns" => open.spaces.push((String::new(), value)),
                prefixed => {
                    let name = prefixed.map_or(name, |(_, local)| local);
                    open.element.attributes.push((name.to_owned(), value));
                }
            }
            if open.element.attributes.len() + open.spaces.len() > MAX_ATTRIBUTES {
                return Err(XmlFault::TooMuch("attributes"));
            }
        }
    }

    fn value(&mut self) -> Result<String, XmlFault> {
        self.skip_space();
        self.expect('=')?;
        self.skip_space();
        let quote = self.rest().chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.ok_or_else(|| self.fault("a quote"))?;
        self.at += 1;
        let rest = self.rest();
        let end = rest.find(quote).ok_or_else(|| self.fault("a closing quote"))?;
        let value = &rest[..end];
        if value.contains('<') {
            return Err(self.fault("no < within a value"));
        }
        let value = unescape(value).ok_or_else(|| self.fault("a known entity"))?;
        self.at += end + 1;
        Ok(value)
    }

    /// An end tag; gives the root when it closes that.
    fn close(&mut self) -> Result<Option<Element>, XmlFault> {
        self.at += 2;
        let name = self.name()?;
        self.skip_space();
        self.expect('>')?;
        match self.open.pop() {
            Some(open) if open.raw_name == name => Ok(self.put(open.element)),
            _ => Err(self.fault("the end of the open element")),
        }
    }

    fn put(&mut self, element: Element) -> Option<Element> {
        match self.open.last_mut() {
            Some(parent) => {
                parent.element.children.push(element);
                None
            }
            None => Some(element),
        }
    }

    fn space(&self, prefix: &str, own: &Open<'_>) -> String {
        let scopes = std::iter::once(&own.spaces).chain(self.open.iter().rev().map(|open| &open.spaces));
        let mut declared = scopes.flat_map(|spaces| spaces.iter().rev());
        declared.find(|(declared, _)| declared == prefix).map(|(_, uri)| uri.clone()).unwrap_or_default()
    }

    fn name(&mut self) -> Result<&'a str, XmlFault> {
        let rest = self.rest();
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.fault("a name"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn expect(&mut self, c: char) -> Result<(), XmlFault> {
        if !self.rest().starts_with(c) {
            return Err(self.fault("= or >"));
        }
        self.at += c.len_utf8();
        Ok(())
    }
}

/// The five entities of XML and character references.
fn unescape(raw: &str) -> Option<String> {
    let mut parts = raw.split('&');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (entity, after) = part.split_once(';')?;
        out.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let digits = number.strip_prefix('#')?;
                let code = match digits.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => digits.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        out.push_str(after);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_text_and_name_spaces_are_read() {
        let document = "\u{feff}<?xml version=\"1.0\"?><!-- x --><a:r xmlns:a='urn:a' xmlns=\"urn:d\">\n\
            <B a:Id='1' t=\"&lt;&#65;&#x42;\">x<c/>y &amp; z<![CDATA[<&]]></B><e xmlns=''/></a:r>\n<!-- end -->\n";
        let root = Element::parse(document.as_bytes()).unwrap();
        assert_eq!((root.name.as_str(), root.name_space.as_str()), ("r", "urn:a"));
        let b = root.child("b").unwrap();
        assert_eq!(b.name_space, "urn:d");
        assert_eq!((b.number::<u8>("ID"), b.attribute("t")), (Some(1), Some("<AB")));
        assert_eq!(b.text, "xy & z<&");
        assert_eq!(root.child("e").unwrap().name_space, "");
        let names: Vec<_> = root.all().map(|element| element.name.as_str()).collect();
        assert_eq!(names, ["r", "B", "c", "e"]);
    }

    #[test]
    fn broken_and_greedy_documents_are_refused() {
        for bad in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "<a",
            "<a b>",
            "<a b=1/>",
            "<a b=\"<\"/>",
            "<a>&x;</a>",
            "<a/><b/>",
            "<a/>x",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a><![CDATA[</a>",
            "<a b='\"/>",
        ] {
            assert!(matches!(Element::parse(bad.as_bytes()), Err(XmlFault::Malformed { .. })), "{bad}");
        }
        let too_much = |text: String| matches!(Element::parse(text.as_bytes()), Err(XmlFault::TooMuch(_)));
        assert!(too_much("<a>".repeat(33)));
        assert!(too_much(format!("<a>{}</a>", "<b/>".repeat(9000))));
        assert!(too_much(" ".repeat(MAX_DOCUMENT + 1)));
        let attributes: String = (0..70).map(|n| format!("a{n}='' ")).collect();
        assert!(too_much(format!("<a {attributes}/>")));
    }

    proptest::proptest! {
        #[test]
        fn escaped_text_comes_back(text in "[ -~é\n]{0,80}") {
            let document = format!("<a b=\"{0}\">{0}</a>", escape(&text));
            let root = Element::parse(document.as_bytes()).unwrap();
            proptest::prop_assert_eq!(root.attribute("b"), Some(text.as_str()));
            proptest::prop_assert_eq!(root.text, text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[<>/a\"'=&;!?#x\\[\\] -é]{0,120}") {
            let _ = Element::parse(text.as_bytes());
        }
    }
}
