//! Messages waiting, missed calls and the like (`<<EVENTS-NOTIFICATION>>`, 7.7.55).

use super::code::codes;
use super::{BadContent, Coding, Tag, group, group_number, push_group_number};

codes! {
    /// What sort of event.
    StandardEvent {
        MESSAGE_WAITING = 0x00 "message waiting",
        MISSED_CALL = 0x01 "missed call",
        WEB_CONTENT = 0x02 "web content",
        LIST_CHANGE = 0x03 "list change indication",
        SOFTWARE_UPGRADE = 0x04 "software upgrade indication",
        LINE_USE = 0x05 "line use status indication",
        HANDSET_USE = 0x06 "handset use status indication",
        DIAGNOSTIC = 0x07 "diagnostic indication",
        SMS = 0x08 "SMS message",
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// One the standard has a name for.
    Standard {
        /// What sort.
        kind: StandardEvent,
        /// What exactly: for a waiting message 1 is voice; for a missed call 1 is a new one, 2 a changed count.
        subtype: Option<u32>,
        /// How many there are, at most 16383.
        count: u16,
    },
    /// A manufacturer's own.
    Proprietary {
        /// Its sort, six bits.
        kind: u8,
        /// Whose it is.
        emc: u16,
        /// What it holds.
        value: Vec<u8>,
    },
}

impl Event {
    /// So many voice messages wait; none clears the indication.
    pub fn voice_messages(count: u16) -> Self {
        Self::Standard { kind: StandardEvent::MESSAGE_WAITING, subtype: Some(1), count }
    }

    /// So many calls were missed; `new` when one was just now.
    pub fn missed_calls(count: u16, new: bool) -> Self {
        let subtype = Some(if new { 1 } else { 2 });
        Self::Standard { kind: StandardEvent::MISSED_CALL, subtype, count }
    }
}

/// Some events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events(pub Vec<Event>);

impl Coding for Events {
    const TAG: Tag = Tag::EVENTS_NOTIFICATION;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let (mut events, mut rest) = (Vec::new(), content);
        while let Some((&first, after)) = rest.split_first() {
            let (event, after) = match first & 0x40 {
                0 => standard(first, after)?,
                _ => proprietary(first, after)?,
            };
            events.push(event);
            rest = after;
        }
        match events.is_empty() {
            true => Err(BadContent::TooShort),
            false => Ok(Self(events)),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for event in &self.0 {
            match event {
                Event::Standard { kind, subtype, count } => {
                    content.push(u8::from(subtype.is_none()) << 7 | kind.0 & 0x3F);
                    if let Some(subtype) = subtype {
                        push_group_number(*subtype, &mut content);
                    }
                    push_group_number((*count).min(0x3FFF).into(), &mut content);
                }
                Event::Proprietary { kind, emc, value } => {
                    content.push(0x40 | kind & 0x3F);
                    content.extend(emc.to_be_bytes());
                    content.push(value.len().min(255) as u8);
                    content.extend_from_slice(&value[..value.len().min(255)]);
                }
            }
        }
        content
    }
}

fn standard(first: u8, rest: &[u8]) -> Result<(Event, &[u8]), BadContent> {
    let number = |content| -> Result<(u32, &[u8]), BadContent> {
        let (octets, after) = group(content).ok_or(BadContent::TooShort)?;
        Ok((group_number(&octets).ok_or(BadContent::Reserved { octet: 4, value: octets[0] })?, after))
    };
    // "bit 8 of the "Event type" octet set to 0 indicates the presence of a following "Event sub type"".
    let (subtype, rest) = match first & 0x80 {
        0 => number(rest).map(|(subtype, rest)| (Some(subtype), rest))?,
        _ => (None, rest),
    };
    let (count, rest) = number(rest)?;
    let count = u16::try_from(count).unwrap_or(u16::MAX).min(0x3FFF);
    Ok((Event::Standard { kind: StandardEvent(first & 0x3F), subtype, count }, rest))
}

fn proprietary(first: u8, rest: &[u8]) -> Result<(Event, &[u8]), BadContent> {
    let [high, low, length, rest @ ..] = rest else { return Err(BadContent::TooShort) };
    let (value, rest) = rest.split_at_checked(usize::from(*length)).ok_or(BadContent::TooShort)?;
    let emc = u16::from_be_bytes([*high, *low]);
    Ok((Event::Proprietary { kind: first & 0x3F, emc, value: value.to_vec() }, rest))
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn three_voice_messages_light_the_lamp() {
        there_and_back(&[0x00, 0x81, 0x83], Events(vec![Event::voice_messages(3)]));
        there_and_back(&[0x00, 0x81, 0x80], Events(vec![Event::voice_messages(0)]));
        there_and_back(&[0x00, 0x81, 0x01, 0x80], Events(vec![Event::voice_messages(128)]));
    }

    #[test]
    fn events_of_all_shapes_stand_in_one_list() {
        let own = Event::Proprietary { kind: 5, emc: 0x31, value: vec![1, 2] };
        let line = Event::Standard { kind: StandardEvent::LINE_USE, subtype: None, count: 2 };
        let events = Events(vec![own, line, Event::missed_calls(1, true)]);
        there_and_back(&[0x45, 0x00, 0x31, 0x02, 1, 2, 0x85, 0x82, 0x01, 0x81, 0x81], events);
    }

    #[test]
    fn half_an_event_is_refused() {
        for content in [&[][..], &[0x00], &[0x00, 0x81], &[0x00, 0x81, 0x03], &[0x45, 0, 0x31, 2, 1]] {
            assert_eq!(Events::decode(content), Err(BadContent::TooShort));
        }
    }
}
