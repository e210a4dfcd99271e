//! Messages of the network layer (EN 300 175-5, clauses 6 and 7): a short table and two functions.
//!
//! What the switch sends is read strictly: an element out of order, a mandatory one missing or a length that
//! does not fit is a [`Malformed`], which a test can count.

use super::number::{ie, msg, pd};

/// A message of the S-FORMAT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Protocol discriminator, one of [`pd`].
    pub protocol: u8,
    /// Whether its sender started the transaction (F = 0).
    pub from_starter: bool,
    /// Transaction value, 0 to 6; above for the extended ones of CC.
    pub transaction: u8,
    /// Message type, one of [`msg`].
    pub kind: u8,
    /// Elements in the order of the wire.
    pub elements: Vec<Element>,
}

/// An information element of codeset 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Identifier; of a single-octet element the whole octet.
    pub id: u8,
    /// What follows it: none, one octet, or as many as its length says.
    pub content: Vec<u8>,
}

/// What is wrong with octets that should be a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It ends within the header or an element.
    #[error("the message ends too early")]
    Short,
    /// Variable elements stand "in ascending order" (6.3.1).
    #[error("element {0:02x} stands after {1:02x}")]
    Order(u8, u8),
    /// The table demands an element that is not there.
    #[error("message {kind:02x} of protocol {protocol} lacks element {id:02x}")]
    Missing {
        /// Protocol discriminator.
        protocol: u8,
        /// Message type.
        kind: u8,
        /// The element.
        id: u8,
    },
    /// No such protocol or message is sent to a portable part.
    #[error("message {kind:02x} of protocol {protocol} is not sent to a portable part")]
    Unknown {
        /// Protocol discriminator.
        protocol: u8,
        /// Message type.
        kind: u8,
    },
}

impl Message {
    /// A message of the transaction that its sender started.
    pub const fn new(protocol: u8, kind: u8) -> Self {
        Self { protocol, from_starter: true, transaction: 0, kind, elements: Vec::new() }
    }

    /// A message of the other side in the same transaction.
    pub const fn answer(&self, kind: u8) -> Self {
        let (protocol, transaction) = (self.protocol, self.transaction);
        Self { protocol, from_starter: !self.from_starter, transaction, kind, elements: Vec::new() }
    }

    /// Adds an element.
    pub fn with(mut self, id: u8, content: &[u8]) -> Self {
        self.elements.push(Element { id, content: content.to_vec() });
        self
    }

    /// The content of the first element with this identifier; an empty one counts as absent (7.5.2).
    pub fn get(&self, id: u8) -> Option<&[u8]> {
        let found = self.elements.iter().find(|element| element.id == id)?;
        let is_single = id & 0x80 != 0 && id & 0xF0 != 0xE0;
        (is_single || !found.content.is_empty()).then_some(&found.content)
    }

    /// The octets on the wire.
    pub fn octets(&self) -> Vec<u8> {
        let f = if self.from_starter { 0 } else { 0x80 };
        let mut octets = match self.transaction {
            tv @ 0..=6 => vec![f | tv << 4 | self.protocol],
            extended => vec![f | 0x70 | self.protocol, extended],
        };
        octets.push(self.kind);
        for Element { id, content } in &self.elements {
            octets.push(*id);
            if id & 0x80 == 0 {
                octets.push(content.len() as u8);
            }
            octets.extend_from_slice(content);
        }
        octets
    }

    /// Reads any message, whoever sent it.
    ///
    /// # Errors
    /// When it is too short or its variable elements are out of order.
    pub fn read(octets: &[u8]) -> Result<Self, Malformed> {
        let [first, rest @ ..] = octets else { return Err(Malformed::Short) };
        let (transaction, rest) = match (first >> 4 & 7, rest) {
            (7, [extended, rest @ ..]) => (*extended, rest),
            (tv, rest) => (tv, rest),
        };
        let [kind, rest @ ..] = rest else { return Err(Malformed::Short) };
        let (protocol, from_starter) = (first & 0x0F, first & 0x80 == 0);
        let elements = elements(rest)?;
        Ok(Self { protocol, from_starter, transaction, kind: kind & 0x7F, elements })
    }

    /// Reads what a fixed part sent, by the table.
    ///
    /// # Errors
    /// As [`Message::read`], and when the table knows no such message or misses an element.
    pub fn from_fixed(octets: &[u8]) -> Result<Self, Malformed> {
        let message = Self::read(octets)?;
        let (protocol, kind) = (message.protocol, message.kind);
        let row = TO_PORTABLE.iter().find(|row| row.0 == protocol && row.1 == kind);
        let (_, _, mandatory) = row.ok_or(Malformed::Unknown { protocol, kind })?;
        let missing = mandatory.iter().find(|id| !message.elements.iter().any(|element| element.id == **id));
        missing.map_or(Ok(message.clone()), |id| Err(Malformed::Missing { protocol, kind, id: *id }))
    }
}

fn elements(mut rest: &[u8]) -> Result<Vec<Element>, Malformed> {
    let (mut elements, mut last) = (Vec::new(), 0);
    // Elements of other codesets are skipped: one after a non-locking shift, all after a locking one.
    let (mut codeset, mut only_next) = (0, None);
    while let [id, after @ ..] = rest {
        let id = *id;
        if id & 0xF0 == 0x90 {
            if id & 0x08 == 0 {
                codeset = id & 7
            } else {
                only_next = Some(id & 7)
            }
            rest = after;
            continue;
        }
        let length = match id {
            0xE0..=0xEF => 1,
            0x80.. => 0,
            _ => usize::from(*after.first().ok_or(Malformed::Short)?),
        };
        let start = usize::from(id & 0x80 == 0);
        let content = after.get(start..start + length).ok_or(Malformed::Short)?;
        rest = &after[start + length..];
        if only_next.take().unwrap_or(codeset) != 0 {
            continue;
        }
        if id & 0x80 == 0 {
            // A segmented element follows its SEGMENTED-INFO, whatever its number (7.5.2).
            if id < last && last != ie::SEGMENTED_INFO {
                return Err(Malformed::Order(id, last));
            }
            last = id;
        }
        elements.push(Element { id, content: content.to_vec() });
    }
    Ok(elements)
}

/// Protocol, message and its mandatory elements in the direction to the portable part
/// (EN 300 175-5, tables of clause 6.3.2).
const TO_PORTABLE: &[(u8, u8, &[u8])] = &[
    (pd::LCE, msg::LCE_PAGE_REJECT, &[ie::PORTABLE_IDENTITY, ie::REJECT_REASON]),
    (pd::CC, msg::CC_SETUP, &[ie::PORTABLE_IDENTITY, ie::FIXED_IDENTITY, ie::BASIC_SERVICE]),
    (pd::CC, msg::CC_INFO, &[]),
    (pd::CC, msg::CC_SETUP_ACK, &[]),
    (pd::CC, msg::CC_CALL_PROC, &[]),
    (pd::CC, msg::CC_ALERTING, &[]),
    (pd::CC, msg::CC_CONNECT, &[]),
    (pd::CC, msg::CC_CONNECT_ACK, &[]),
    (pd::CC, msg::CC_RELEASE, &[]),
    (pd::CC, msg::CC_RELEASE_COM, &[]),
    (pd::CC, msg::CC_NOTIFY, &[]),
    (pd::CC, msg::CC_SERVICE_CHANGE, &[ie::PORTABLE_IDENTITY, ie::SERVICE_CHANGE_INFO]),
    (pd::CC, msg::IWU_INFO, &[]),
    (pd::CC, msg::FACILITY, &[]),
    (pd::CISS, msg::FACILITY, &[]),
    (pd::CISS, msg::CISS_REGISTER, &[]),
    (pd::CISS, msg::CISS_RELEASE_COM, &[]),
    (pd::CLMS, msg::CLMS_VARIABLE, &[]),
    (pd::COMS, msg::COMS_SETUP, &[ie::PORTABLE_IDENTITY, ie::FIXED_IDENTITY, ie::IWU_ATTRIBUTES]),
    (pd::COMS, msg::COMS_CONNECT, &[]),
    (pd::COMS, msg::COMS_INFO, &[]),
    (pd::COMS, msg::COMS_ACK, &[]),
    (pd::COMS, msg::COMS_RELEASE, &[]),
    (pd::COMS, msg::COMS_RELEASE_COM, &[]),
    (pd::MM, msg::AUTHENTICATION_REQUEST, &[ie::AUTH_TYPE, ie::RAND]),
    (pd::MM, msg::AUTHENTICATION_REPLY, &[ie::RES]),
    (pd::MM, msg::AUTHENTICATION_REJECT, &[]),
    (pd::MM, msg::KEY_ALLOCATE, &[ie::ALLOCATION_TYPE, ie::RAND, ie::RS]),
    (pd::MM, msg::ACCESS_RIGHTS_ACCEPT, &[ie::PORTABLE_IDENTITY, ie::FIXED_IDENTITY]),
    (pd::MM, msg::ACCESS_RIGHTS_REJECT, &[]),
    (pd::MM, msg::ACCESS_RIGHTS_TERMINATE_REQUEST, &[ie::PORTABLE_IDENTITY]),
    (pd::MM, msg::ACCESS_RIGHTS_TERMINATE_ACCEPT, &[]),
    (pd::MM, msg::ACCESS_RIGHTS_TERMINATE_REJECT, &[]),
    (pd::MM, msg::CIPHER_REQUEST, &[ie::CIPHER_INFO]),
    (pd::MM, msg::CIPHER_REJECT, &[]),
    (pd::MM, msg::MM_INFO_ACCEPT, &[]),
    (pd::MM, msg::MM_INFO_SUGGEST, &[ie::INFO_TYPE]),
    (pd::MM, msg::MM_INFO_REJECT, &[]),
    (pd::MM, msg::LOCATE_ACCEPT, &[ie::PORTABLE_IDENTITY, ie::LOCATION_AREA]),
    (pd::MM, msg::LOCATE_REJECT, &[]),
    (pd::MM, msg::IDENTITY_REQUEST, &[ie::IDENTITY_TYPE]),
    (pd::MM, msg::MM_IWU, &[]),
    (pd::MM, msg::MM_NOTIFY, &[]),
    (pd::MM, msg::TEMPORARY_IDENTITY_ASSIGN, &[]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dect::hex;

    /// The worked sequence of an outgoing call, and captured messages of a vendor's system
    /// (data/dect_vectors.json, `nwk_pdus`).
    const MESSAGES: [(&str, u8, u8, bool); 22] = [
        ("03050507 80A800BA8A782A 0606A0A0102AF12C E080", pd::CC, msg::CC_SETUP, true),
        ("830D 1E028088 E400", pd::CC, msg::CC_SETUP_ACK, false),
        ("037B 2C0135", pd::CC, msg::CC_INFO, true),
        ("8302", pd::CC, msg::CC_CALL_PROC, false),
        ("8301 1E028088", pd::CC, msg::CC_ALERTING, false),
        ("8307", pd::CC, msg::CC_CONNECT, false),
        ("034DE200", pd::CC, msg::CC_RELEASE, true),
        ("835A", pd::CC, msg::CC_RELEASE_COM, false),
        (
            "0305050880b01002869965170606a0a0102af12ce080e4406c1380393935363932393820444543542054656d70",
            pd::CC,
            msg::CC_SETUP,
            true,
        ),
        ("05400a030118180c08cf0b74164913db200e08ad256f18dff1af8d", pd::MM, msg::AUTHENTICATION_REQUEST, true),
        ("85410d04948d45b0", pd::MM, msg::AUTHENTICATION_REPLY, false),
        (
            "0544050780a800e02ae5c30a03014800630e35151a0120061081330114b004877803003141",
            pd::MM,
            msg::ACCESS_RIGHTS_REQUEST,
            true,
        ),
        ("05420b0201880c089e6f24f242c0b13b0e089e6f24f242c0253b", pd::MM, msg::KEY_ALLOCATE, true),
        ("0071050880b01002869965170606a0a0102af12c", pd::LCE, msg::LCE_PAGE_RESPONSE, true),
        (
            "0554050880b0100286996517060781a8902af12c2507015f7b09810031520102530101",
            pd::MM,
            msg::LOCATE_REQUEST,
            true,
        ),
        ("054c19028198", pd::MM, msg::CIPHER_REQUEST, true),
        ("830d", pd::CC, msg::CC_SETUP_ACK, false),
        ("0552010180", pd::MM, msg::MM_INFO_SUGGEST, true),
        ("8557600106", pd::MM, msg::LOCATE_REJECT, false),
        ("837b280e0c4c6f67696e206661696c656402", pd::CC, msg::CC_INFO, false),
        ("8545050580941261200606a0a01000903407015f0a0301180f", pd::MM, msg::ACCESS_RIGHTS_ACCEPT, false),
        ("6462 7D03008183", pd::CISS, msg::FACILITY, true),
    ];

    #[test]
    fn the_worked_and_the_captured_messages_are_read_and_written_again() {
        for (text, protocol, kind, from_starter) in MESSAGES {
            let octets = hex(text);
            let message = Message::read(&octets).unwrap();
            assert_eq!(
                (message.protocol, message.kind, message.from_starter),
                (protocol, kind, from_starter),
                "{text}"
            );
            assert_eq!(message.octets(), octets, "{text}");
        }
    }

    #[test]
    fn the_table_tells_what_a_fixed_part_forgot() {
        let lacks = |text| Message::from_fixed(&hex(text)).unwrap_err();
        assert_eq!(lacks("8355"), Malformed::Unknown { protocol: 3, kind: 0x55 });
        assert_eq!(lacks("054C"), Malformed::Missing { protocol: 5, kind: 0x4C, id: ie::CIPHER_INFO });
        assert_eq!(lacks("837B 6C0180 280141"), Malformed::Order(0x28, 0x6C));
        assert_eq!(lacks("837B 2802 41"), Malformed::Short);
        assert!(
            Message::from_fixed(&hex("837B 9D 2802 0000 280141")).is_ok(),
            "another codeset's is skipped"
        );
    }
}
