//! From bytes to a [`SessionDescription`].

use super::{Line, MediaDescription, SdpFault, SessionDescription};

/// Longest description, in octets. Lync's with video and two dialects of ICE is about 4 KiB.
pub const MAX_BODY: usize = 16 * 1024;
/// Most lines.
pub const MAX_LINES: usize = 512;
/// Most media sections.
pub const MAX_MEDIA: usize = 32;

impl SessionDescription {
    /// Parses a description. Line ends may be CRLF or LF, empty lines are skipped, and lines may be
    /// missing or in any order: a relay judges only what it uses. Text that is not UTF-8 is read as
    /// Latin-1.
    ///
    /// # Errors
    ///
    /// A fault names the line that is no `x=value`, an `m=` line that cannot be read, a version that
    /// is not 0, or the first line beyond the limits [`MAX_BODY`], [`MAX_LINES`], [`MAX_MEDIA`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SdpFault> {
        if bytes.len() > MAX_BODY {
            return Err(SdpFault { line: 1, what: "the description is longer than 16 KiB" });
        }
        let mut description = SessionDescription { lines: Vec::new(), media: Vec::new() };
        for (at, raw) in bytes.split(|&b| b == b'\n').enumerate() {
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            if raw.is_empty() {
                continue;
            }
            let number = at + 1;
            description.take(line(raw, number).map_err(|what| SdpFault { line: number, what })?)?;
        }
        match description.lines.is_empty() && description.media.is_empty() {
            true => Err(SdpFault { line: 1, what: "the description is empty" }),
            false => Ok(description),
        }
    }

    fn take(&mut self, line: Line) -> Result<(), SdpFault> {
        let number = line.number;
        let fault = |what| Err(SdpFault { line: number, what });
        match line.kind {
            _ if number > MAX_LINES => fault("more than 512 lines"),
            'v' if line.value.trim() != "0" => fault("the protocol version is not 0"),
            'm' if self.media.len() == MAX_MEDIA => fault("more than 32 media descriptions"),
            'm' => match media(line) {
                Ok(media) => {
                    self.media.push(media);
                    Ok(())
                }
                Err(what) => fault(what),
            },
            _ => {
                let section = self.media.last_mut().map(|media| &mut media.lines);
                section.unwrap_or(&mut self.lines).push(line);
                Ok(())
            }
        }
    }
}

fn line(raw: &[u8], number: usize) -> Result<Line, &'static str> {
    // RFC 4566 §9: byte-string = 1*(%x01-09/%x0B-0C/%x0E-FF), any byte except NUL, CR, or LF.
    if raw.iter().any(|b| matches!(b, 0 | b'\r')) {
        return Err("a NUL or a CR inside the line");
    }
    match raw {
        [kind, b'=', value @ ..] if kind.is_ascii_alphabetic() => {
            let value = std::str::from_utf8(value)
                .map_or_else(|_| value.iter().map(|&b| b as char).collect(), str::to_owned);
            Ok(Line { number, kind: *kind as char, value })
        }
        _ => Err("not of the form x=value"),
    }
}

/// RFC 4566 §5.14: m=<media> <port>/<number of ports> <proto> <fmt> ...
fn media(line: Line) -> Result<MediaDescription, &'static str> {
    if !line.value.bytes().all(|b| matches!(b, b' ' | b'\t' | 0x21..=0x7e)) {
        return Err("the m= line holds something else than printable ASCII");
    }
    let mut words = line.value.split_ascii_whitespace().map(str::to_owned);
    let media = words.next().ok_or("the m= line is empty")?;
    let port = words.next().ok_or("the m= line has no port")?;
    let port = port.split_once('/').map_or(port.as_str(), |(port, _)| port);
    let port = port.parse().map_err(|_| "the port of the m= line is no number up to 65535")?;
    let protocol = words.next().ok_or("the m= line has no transport protocol")?;
    let formats = words.collect();
    Ok(MediaDescription { media, port, protocol, formats, lines: vec![line] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIPP: &str = "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n\
        t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

    #[test]
    fn what_was_read_is_written_the_same() {
        assert_eq!(SessionDescription::parse(SIPP.as_bytes()).unwrap().to_string(), SIPP);
        let odd = "v=0\r\nz=1 2\r\na=x-y: spaced \r\nm=video 0/2 RTP/AVP  31\r\nq=unknown\r\na=\r\n";
        assert_eq!(SessionDescription::parse(odd.as_bytes()).unwrap().to_string(), odd);
    }

    #[test]
    fn bare_line_feeds_and_empty_lines_are_taken() {
        let text = format!("\n{}\n\n", SIPP.replace("\r\n", "\n"));
        assert_eq!(SessionDescription::parse(text.as_bytes()).unwrap().to_string(), SIPP);
    }

    #[test]
    fn the_dummy_part_of_pidgin_sipe_without_version_and_time_is_taken() {
        let text = b"o=- 0 0 IN IP4 192.0.2.1\r\ns=session\r\nc=IN IP4 192.0.2.1\r\nm=audio 0 RTP/AVP\r\n";
        let media = &SessionDescription::parse(text).unwrap().media[0];
        assert_eq!((media.port, media.formats.len()), (0, 0));
    }

    #[test]
    fn text_that_is_not_utf8_is_read_as_latin_1() {
        assert_eq!(SessionDescription::parse(b"s=Z\xfcrich\n").unwrap().value('s'), Some("Z\u{fc}rich"));
    }

    #[test]
    fn a_fault_names_its_line() {
        let fault = |text: &str| SessionDescription::parse(text.as_bytes()).unwrap_err();
        for (text, line, part) in [
            ("", 1, "empty"),
            ("\r\n", 1, "empty"),
            ("v=0\r\ns=-\r\nrubbish\r\n", 3, "x=value"),
            ("v=1\r\n", 1, "version"),
            ("v=0\nm=audio\n", 2, "no port"),
            ("v=0\nm=audio 70000 RTP/AVP 0\n", 2, "65535"),
            ("v=0\nm=audio -1 RTP/AVP 0\n", 2, "65535"),
            ("v=0\nm=audio 5\n", 2, "transport"),
            ("v=0\nm=audio 5 RTP/AVP \u{e9}\n", 2, "ASCII"),
            ("v=0\ns=a\rb\n", 2, "CR inside"),
        ] {
            let got = fault(text);
            assert_eq!(got.line, line, "{text:?}: {got}");
            assert!(got.what.contains(part), "{text:?}: {got}");
        }
    }

    #[test]
    fn size_is_bounded() {
        let fault = |text: String| SessionDescription::parse(text.as_bytes()).unwrap_err();
        assert_eq!(fault("a=x\n".repeat(513)), SdpFault { line: 513, what: "more than 512 lines" });
        assert!(SessionDescription::parse("a=x\n".repeat(512).as_bytes()).is_ok());
        assert_eq!(fault("m=audio 0 RTP/AVP 0\n".repeat(33)).line, 33);
        assert!(fault("a".repeat(MAX_BODY + 1)).what.contains("16 KiB"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_taken_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(once) = SessionDescription::parse(&bytes) {
                let text = once.to_string();
                prop_assert_eq!(SessionDescription::parse(text.as_bytes()).unwrap().to_string(), text);
            }
        }
    }
}
