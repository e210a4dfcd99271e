//! What the User-Agent of a base says, in the forms that their makers' bases were seen to send.

use super::Vendor;

/// What a User-Agent says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub vendor: Vendor,
    pub model: Option<String>,
    pub firmware: Option<String>,
    pub mac: Option<String>,
    pub handsets: Option<u16>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { vendor: Vendor::Unknown, model: None, firmware: None, mac: None, handsets: None }
    }
}

impl Seen {
    /// Reads at most 256 characters; a longer one is nobody's.
    pub fn read(user_agent: &str) -> Self {
        let text: String = user_agent.trim().chars().take(256).collect();
        let readers = [gigaset, yealink, rtx, panasonic, named];
        readers.iter().find_map(|read| read(&text)).unwrap_or_default()
    }
}

/// `Gigaset N870 IP PRO/83.V2.43.0+build.5f0a106;7C2F80XXXXXX;Handset=250`; the maker's name and
/// everything behind the version may be absent.
fn gigaset(text: &str) -> Option<Seen> {
    let (named, rest) = match after_word(text, "Gigaset") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (model, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let is_model = model.len() > 3
        && model.starts_with('N')
        && model.as_bytes()[1..4].iter().all(u8::is_ascii_digit)
        && (named || !rest.is_empty());
    if !is_model {
        return named.then(|| Seen { vendor: Vendor::Gigaset, ..Seen::default() });
    }
    let mut parts = rest.split(';').map(str::trim);
    let firmware = some(parts.next().unwrap_or(""));
    let (mut mac, mut handsets) = (None, None);
    for part in parts {
        match part.strip_prefix("Handset=") {
            Some(count) => handsets = count.parse().ok(),
            None => mac = mac.or_else(|| mac_of(part)),
        }
    }
    Some(Seen { vendor: Vendor::Gigaset, model: some(model), firmware, mac, handsets })
}

/// `Yealink W60B 77.85.0.25`, `Yealink W90DM 130.87.0.10 80:5e:c0:d9:c7:44`, `Yealink SIP-W52P …`.
fn yealink(text: &str) -> Option<Seen> {
    let rest = after_word(text, "Yealink")?;
    let mut words = rest.strip_prefix("SIP-").unwrap_or(rest).split_whitespace();
    let (model, firmware) = (words.next().and_then(some), words.next().and_then(some));
    let mac = words.find_map(mac_of);
    Some(Seen { vendor: Vendor::Yealink, model, firmware, mac, handsets: None })
}

/// `snomM700/03.23.0005 (MAC=000413604012; SER= 00000; HW=255)`,
/// `Mozilla/4.0 (compatible; Snom M900 05.20.0001 000413b60680)`, and Poly's Rove on the same
/// platform (its own string is not documented: `[M]`).
fn rtx(text: &str) -> Option<Seen> {
    let (vendor, rest) = match find_word(text, "snom") {
        Some(rest) => (Vendor::Snom, rest),
        None => (Vendor::Poly, find_word(text, "Rove")?),
    };
    let rest = rest.trim_start_matches([' ', '-']);
    let end = rest.find([' ', '/', ';', '(']).unwrap_or(rest.len());
    let (model, rest) = rest.split_at(end);
    let mut words = rest.split([' ', '/', ';', '(', ')', '=']).filter(|word| !word.is_empty());
    let firmware =
        words.clone().next().filter(|w| w.starts_with(|c: char| c.is_ascii_digit())).and_then(some);
    let mac = words.find_map(mac_of);
    Some(Seen { vendor, model: some(model), firmware, mac, handsets: None })
}

/// `Panasonic_KX-TGP600/07.101 (080023123456)`.
fn panasonic(text: &str) -> Option<Seen> {
    let rest = find_word(text, "Panasonic").filter(|_| text.len() > 9)?;
    let rest = rest.trim_start_matches(['_', '-', ' ']);
    let (model, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let mut words = rest.split([' ', '(', ')']).filter(|word| !word.is_empty());
    let firmware = words.next().and_then(some);
    let mac = words.find_map(mac_of);
    Some(Seen { vendor: Vendor::Panasonic, model: some(model), firmware, mac, handsets: None })
}

/// Makers whose strings are known by the name only: `Grandstream DP750 1.0.3.37`, `Mitel SIP-DECT …`,
/// `Spectralink …`/`KIRK …`, `Ascom …`.
fn named(text: &str) -> Option<Seen> {
    const NAMES: [(&str, Vendor); 6] = [
        ("Grandstream", Vendor::Grandstream),
        ("Mitel", Vendor::Mitel),
        ("SIP-DECT", Vendor::Mitel),
        ("Spectralink", Vendor::Spectralink),
        ("KIRK", Vendor::Spectralink),
        ("Ascom", Vendor::Ascom),
    ];
    let (vendor, rest) = NAMES.iter().find_map(|(name, vendor)| Some((*vendor, after_word(text, name)?)))?;
    let mut words = rest.split([' ', '/', '(', ')', ';']).filter(|word| !word.is_empty());
    let model = words.next().and_then(some);
    let firmware = words.clone().find(|w| w.starts_with(|c: char| c.is_ascii_digit())).and_then(some);
    Some(Seen { vendor, model, firmware, mac: words.find_map(mac_of), handsets: None })
}

/// The rest behind a leading word, compared without case.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    let ends = rest.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
    (start.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start_matches([' ', '/', '_']))
}

/// The rest behind the first place of a word, compared without case.
fn find_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let places = text.char_indices().filter_map(|(at, _)| text[at..].split_at_checked(word.len()));
    places.into_iter().find(|(start, _)| start.eq_ignore_ascii_case(word)).map(|(_, rest)| rest)
}

/// Twelve hexadecimal digits, with or without colons; lower case.
pub(super) fn mac_of(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|&c| c != ':').collect();
    let shape = match text.len() {
        12 => !text.contains(':'),
        17 => text.split(':').all(|pair| pair.len() == 2),
        _ => false,
    };
    let hexadecimal = digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    (shape && hexadecimal).then(|| digits.to_ascii_lowercase())
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
