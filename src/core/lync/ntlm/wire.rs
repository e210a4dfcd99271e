//! Fields of NTLM messages: fixed ones at their offsets, the rest by length and offset.

use super::Flags;

/// "NTLMSSP" and its terminating NUL ([MS-NLMP] §2.2.1).
const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// Longest message read; real ones have a few hundred bytes.
pub(super) const MAX_MESSAGE: usize = 8 * 1024;

/// Why bytes are not the NTLM message that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    /// Longer than any real one.
    #[error("an NTLM message of {0} bytes; at most 8192 are read")]
    TooLong(usize),
    /// The bytes end too early, or a field points outside of them.
    #[error("the NTLM field {field} does not lie within the message")]
    OutOfBounds {
        /// Which field.
        field: &'static str,
    },
    /// It does not begin with `NTLMSSP`.
    #[error("not an NTLM message: the signature NTLMSSP is missing")]
    NoSignature,
    /// A message of another type.
    #[error("an NTLM message of type {got}, where type {expected} belongs")]
    WrongType {
        /// What belongs here.
        expected: u32,
        /// What came.
        got: u32,
    },
    /// Text that is not UTF-16.
    #[error("the NTLM field {field} is no UTF-16 text")]
    NotText {
        /// Which field.
        field: &'static str,
    },
    /// More AV pairs than any server has.
    #[error("the NTLM target information has more than 32 AV pairs, or no end")]
    TooManyAvPairs,
    /// The server will not do what SIP signing needs.
    #[error(
        "the front end's NTLM flags {flags:08x} lack {lacking}; allow NTLMv2 session security and 128-bit keys on it"
    )]
    Lacks {
        /// The flags it offered.
        flags: u32,
        /// Which of them are needed.
        lacking: &'static str,
    },
}

/// Reads one message, never outside its bounds.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A message of that type.
    pub fn of_type(bytes: &'a [u8], expected: u32) -> Result<Self, MessageFault> {
        if bytes.len() > MAX_MESSAGE {
            return Err(MessageFault::TooLong(bytes.len()));
        }
        if bytes.get(..8) != Some(SIGNATURE) {
            return Err(MessageFault::NoSignature);
        }
        let reader = Self(bytes);
        match reader.u32(8, "MessageType")? {
            got if got == expected => Ok(reader),
            got => Err(MessageFault::WrongType { expected, got }),
        }
    }

    pub fn array<const N: usize>(self, at: usize, field: &'static str) -> Result<[u8; N], MessageFault> {
        let bytes = self.0.get(at..at + N).and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or(MessageFault::OutOfBounds { field })
    }

    pub fn u32(self, at: usize, field: &'static str) -> Result<u32, MessageFault> {
        self.array(at, field).map(u32::from_le_bytes)
    }

    pub fn flags(self, at: usize) -> Result<Flags, MessageFault> {
        self.u32(at, "NegotiateFlags").map(Flags)
    }

    /// What a length and an offset point at; empty when the length is zero, whatever the offset.
    pub fn payload(self, at: usize, field: &'static str) -> Result<&'a [u8], MessageFault> {
        let (len, offset) = self.place(at, field)?;
        let range = offset.checked_add(len).map(|end| offset..end);
        let bytes = range.and_then(|range| self.0.get(range)).filter(|_| len > 0);
        bytes.or((len == 0).then_some(&[])).ok_or(MessageFault::OutOfBounds { field })
    }

    /// Length and offset of a payload field.
    pub fn place(self, at: usize, field: &'static str) -> Result<(usize, usize), MessageFault> {
        let len = u16::from_le_bytes(self.array(at, field)?);
        let offset = self.u32(at + 4, field)?;
        let offset = usize::try_from(offset).map_err(|_| MessageFault::OutOfBounds { field })?;
        Ok((usize::from(len), offset))
    }

    pub fn text(self, at: usize, field: &'static str) -> Result<String, MessageFault> {
        from_utf16(self.payload(at, field)?).ok_or(MessageFault::NotText { field })
    }
}

/// Builds one message: a fixed head, and payload behind it.
pub(super) struct Writer {
    head: Vec<u8>,
    payload: Vec<u8>,
    head_len: usize,
}

impl Writer {
    /// Of that type, with a head of so many bytes.
    pub fn of_type(kind: u32, head_len: usize) -> Self {
        let mut head = Vec::with_capacity(head_len);
        head.extend_from_slice(SIGNATURE);
        head.extend_from_slice(&kind.to_le_bytes());
        Self { head, payload: Vec::new(), head_len }
    }

    pub fn put(&mut self, bytes: &[u8]) {
        self.head.extend_from_slice(bytes);
    }

    /// Bytes added to the payload, to be referred to by [`refer`](Self::refer).
    pub fn payload(&mut self, bytes: &[u8]) -> (usize, usize) {
        let offset = self.head_len + self.payload.len();
        self.payload.extend_from_slice(bytes);
        (bytes.len(), offset)
    }

    /// Length, room and offset of a payload field.
    pub fn refer(&mut self, (len, offset): (usize, usize)) {
        let len = u16::try_from(len).unwrap_or(u16::MAX).to_le_bytes();
        self.put(&len);
        self.put(&len);
        self.put(&u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.head.resize(self.head_len, 0);
        self.head.extend_from_slice(&self.payload);
        self.head
    }
}

/// UTF-16, low byte first.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(super) fn from_utf16(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    bytes.len().is_multiple_of(2).then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok())?
}
