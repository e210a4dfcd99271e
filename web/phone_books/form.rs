//! The XML of each maker.

use std::fmt::Write as _;

use kirkwall_core::directory::{Entry, Kind, Number};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Gigaset Phonebook Search Protocol 1.4.02 §3.1.3: `first` and `last` count from 1; nothing found is total 0.
pub fn gigaset(entries: &[Entry], offset: usize, total: usize) -> String {
    let mut text = HEAD.to_owned();
    if entries.is_empty() {
        text.push_str("<list response=\"get_list\" type=\"pb\" notfound=\"hm\" total=\"0\"/>\n");
        return text;
    }
    let (first, last) = (offset + 1, offset + entries.len());
    let _ = writeln!(
        text,
        "<list response=\"get_list\" type=\"pb\" total=\"{total}\" first=\"{first}\" last=\"{last}\">"
    );
    for entry in entries {
        let _ = write!(text, "<entry id=\"{}\"><ln>{}</ln>", escaped(&entry.id.0), escaped(&entry.name));
        let mobile = entry.numbers.iter().find(|number| number.kind == Kind::Mobile);
        let fixed = entry.numbers.iter().find(|number| number.kind != Kind::Mobile);
        for (tag, number) in [("hm", fixed), ("mb", mobile)] {
            if let Some(number) = number {
                let _ = write!(text, "<{tag}>{}</{tag}>", dial(number));
            }
        }
        text.push_str("</entry>\n");
    }
    text.push_str("</list>\n");
    text
}

/// Yealink's remote phone book.
pub fn yealink(entries: &[Entry]) -> String {
    let mut text = format!("{HEAD}<YealinkIPPhoneDirectory>\n");
    for entry in entries {
        let _ = write!(text, "<DirectoryEntry><Name>{}</Name>", escaped(&entry.name));
        // Their telephones show three numbers of an entry.
        for number in entry.numbers.iter().take(3) {
            let _ = write!(text, "<Telephone label=\"{}\">{}</Telephone>", label(number.kind), dial(number));
        }
        text.push_str("</DirectoryEntry>\n");
    }
    text.push_str("</YealinkIPPhoneDirectory>\n");
    text
}

/// Snom's list of M300, M700 and M900: names of at most 23 characters, every element there, empty or not.
pub fn snom(entries: &[Entry]) -> String {
    let mut text = format!("{HEAD}<IPPhoneDirectory>\n");
    for entry in entries {
        let of = |kinds: &[Kind]| {
            let number = entry.numbers.iter().find(|number| kinds.contains(&number.kind));
            number.map(dial).filter(|dial| dial.len() <= 21).unwrap_or_default()
        };
        let name: String = entry.name.chars().take(23).collect();
        let _ = writeln!(
            text,
            "<DirectoryEntry><Name>{}</Name><Telephone>{}</Telephone><Office>{}</Office><Mobile>{}</Mobile></DirectoryEntry>",
            escaped(&name),
            of(&[Kind::Internal, Kind::Home, Kind::Other]),
            of(&[Kind::Office]),
            of(&[Kind::Mobile]),
        );
    }
    text.push_str("</IPPhoneDirectory>\n");
    text
}

/// Digits and a plus only, by construction.
fn dial(number: &Number) -> String {
    number.dial.clone()
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Internal => "Internal",
        Kind::Office => "Office",
        Kind::Mobile => "Mobile",
        Kind::Home => "Home",
        Kind::Other => "Other",
    }
}

/// XML 1.0 §2.4. Control characters, which XML cannot hold, are not in an entry.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use kirkwall_core::directory::{Draft, EntryId, NumberRules, Source};

    use super::*;

    fn entry() -> Entry {
        let numbers = [(Kind::Internal, "4711"), (Kind::Office, "+49 30 12345"), (Kind::Mobile, "+49 171 1")];
        let draft = Draft {
            name: "Öztürk & <Söhne>, a long name".into(),
            numbers: numbers.map(|(kind, text)| (kind, text.to_owned())).into(),
            ..Draft::default()
        };
        draft.strict(EntryId("l-1".into()), Source::Local, &NumberRules::default()).unwrap()
    }

    #[test]
    fn gigaset_gets_its_page_and_nothing_found_is_said_so() {
        let text = gigaset(&[entry()], 40, 50);
        assert!(text.contains("total=\"50\" first=\"41\" last=\"41\""), "{text}");
        assert!(
            text.contains("<ln>Öztürk &amp; &lt;Söhne&gt;, a long name</ln><hm>4711</hm><mb>+491711</mb>"),
            "{text}"
        );
        assert!(gigaset(&[], 0, 0).contains("notfound=\"hm\" total=\"0\"/>"));
    }

    #[test]
    fn yealink_gets_all_numbers_with_their_kind() {
        let text = yealink(&[entry()]);
        assert!(
            text.contains(
                "<Telephone label=\"Internal\">4711</Telephone><Telephone label=\"Office\">+493012345"
            ),
            "{text}"
        );
    }

    #[test]
    fn snom_gets_short_names_and_no_element_is_missing() {
        let text = snom(&[entry()]);
        assert!(text.contains("<Name>Öztürk &amp; &lt;Söhne&gt;, a lon</Name><Telephone>4711</Telephone><Office>+493012345</Office>"), "{text}");
        let plain = Entry { numbers: entry().numbers[..1].to_vec(), ..entry() };
        assert!(snom(&[plain]).contains("<Office></Office><Mobile></Mobile>"));
    }
}
