//! How long, and when (7.7.13, 7.7.50).

use super::{BadContent, Coding, Tag, octet};

/// What ends an identity when the handset is out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Nothing.
    None,
    /// T601: 5 minutes out of reach.
    TemporaryUser,
    /// T603: 40 seconds out of reach.
    TemporaryUser2,
}

/// How long it holds at most. A MAC multiframe is 160 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// It ends now.
    Erase,
    /// So many times 2^8 multiframes (41 s).
    Short(u8),
    /// So many times 2^16 multiframes (2 h 54 min).
    Long(u8),
    /// The procedure's own.
    Standard,
    /// For ever.
    Infinite,
}

/// How long something holds (`<<DURATION>>`, 7.7.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    /// Out of reach.
    pub lock: Lock,
    /// At most.
    pub limit: TimeLimit,
}

impl Duration {
    /// "If the <<DURATION>> element is omitted, the default values of "infinite" time limit and "no limits"
    /// lock limit shall be assumed" (EN 300 175-5, 13.2.2).
    pub const DEFAULT: Self = Self { lock: Lock::None, limit: TimeLimit::Infinite };
}

impl Coding for Duration {
    const TAG: Tag = Tag::DURATION;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let lock = match first >> 4 & 7 {
            0b111 => Lock::None,
            0b110 => Lock::TemporaryUser,
            0b101 => Lock::TemporaryUser2,
            _ => return Err(BadContent::Reserved { octet: 3, value: first }),
        };
        // "If a defined time limit is indicated, octet 3a shall follow."
        let limit = match first & 0x0F {
            0x0 => TimeLimit::Erase,
            0x1 => TimeLimit::Short(octet(content, 4)?),
            0x2 => TimeLimit::Long(octet(content, 4)?),
            0x4 => TimeLimit::Standard,
            0xF => TimeLimit::Infinite,
            _ => return Err(BadContent::Reserved { octet: 3, value: first }),
        };
        Ok(Self { lock, limit })
    }

    fn encode(&self) -> Vec<u8> {
        let lock = match self.lock {
            Lock::None => 0b111,
            Lock::TemporaryUser => 0b110,
            Lock::TemporaryUser2 => 0b101,
        };
        match self.limit {
            TimeLimit::Erase => vec![0x80 | lock << 4],
            TimeLimit::Short(units) => vec![lock << 4 | 0x1, units],
            TimeLimit::Long(units) => vec![lock << 4 | 0x2, units],
            TimeLimit::Standard => vec![0x80 | lock << 4 | 0x4],
            TimeLimit::Infinite => vec![0x80 | lock << 4 | 0xF],
        }
    }
}

/// A date or time of day (`<<TIME-DATE>>`, 7.7.50).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeDate {
    /// What it is the time of, six bits: 0 now, 4 a request for it, 5 not known …
    pub meaning: u8,
    /// Year in its century, month, day.
    pub date: Option<(u8, u8, u8)>,
    /// Hour, minute, second, and quarter hours east of Greenwich.
    pub time: Option<(u8, u8, u8, i8)>,
}

impl Coding for TimeDate {
    const TAG: Tag = Tag::TIME_DATE;

    fn decode(content: &[u8]) -> Result<Self, BadContent> {
        let first = octet(content, 3)?;
        let (meaning, octets) = (first & 0x3F, &content[1..]);
        let (has_date, has_time) = match first >> 6 {
            // "If this interpretation is used, octets 4 to L+2 are omitted" (note 2).
            0b11 if matches!(meaning, 4 | 5) && octets.is_empty() => (false, false),
            0b01 => (false, true),
            0b10 => (true, false),
            0b11 => (true, true),
            _ => return Err(BadContent::Reserved { octet: 3, value: first }),
        };
        let (date, octets) = match (has_date, octets) {
            (false, octets) => (None, octets),
            (true, [year, month, day, rest @ ..]) => {
                (Some((bcd(*year, 4)?, bcd(*month, 5)?, bcd(*day, 6)?)), rest)
            }
            _ => return Err(BadContent::TooShort),
        };
        let time = match (has_time, octets) {
            (false, _) => None,
            (true, [hour, minute, second, zone, ..]) => {
                // "the first bit represents the algebraic sign of this difference (0: positive; 1: negative)"
                let quarters = bcd(zone & 0x7F, 7)? as i8;
                let quarters = if zone & 0x80 == 0 { quarters } else { -quarters };
                Some((bcd(*hour, 4)?, bcd(*minute, 5)?, bcd(*second, 6)?, quarters))
            }
            _ => return Err(BadContent::TooShort),
        };
        Ok(Self { meaning, date, time })
    }

    fn encode(&self) -> Vec<u8> {
        let coding = match (self.date, self.time) {
            (None, Some(_)) => 0b01,
            (Some(_), None) => 0b10,
            _ => 0b11,
        };
        let mut content = vec![coding << 6 | self.meaning & 0x3F];
        if let Some((year, month, day)) = self.date {
            content.extend([year, month, day].map(to_bcd));
        }
        if let Some((hour, minute, second, quarters)) = self.time {
            content.extend([hour, minute, second].map(to_bcd));
            content.push(u8::from(quarters < 0) << 7 | to_bcd(quarters.unsigned_abs().min(79)));
        }
        content
    }
}

fn bcd(value: u8, octet: u8) -> Result<u8, BadContent> {
    match (value >> 4, value & 0x0F) {
        (tens @ 0..=9, units @ 0..=9) => Ok(tens * 10 + units),
        _ => Err(BadContent::Reserved { octet, value }),
    }
}

fn to_bcd(value: u8) -> u8 {
    let value = value.min(99);
    (value / 10) << 4 | (value % 10)
}

#[cfg(test)]
mod tests {
    use super::super::tests::there_and_back;
    use super::*;

    #[test]
    fn durations_are_read_and_written_alike() {
        there_and_back(&[0xFF], Duration::DEFAULT);
        there_and_back(&[0xF0], Duration { lock: Lock::None, limit: TimeLimit::Erase });
        there_and_back(&[0x61, 7], Duration { lock: Lock::TemporaryUser, limit: TimeLimit::Short(7) });
        there_and_back(&[0x52, 1], Duration { lock: Lock::TemporaryUser2, limit: TimeLimit::Long(1) });
        assert_eq!(Duration::decode(&[0x71]), Err(BadContent::TooShort));
        assert_eq!(Duration::decode(&[0xF3]), Err(BadContent::Reserved { octet: 3, value: 0xF3 }));
        assert_eq!(Duration::decode(&[0x8F]), Err(BadContent::Reserved { octet: 3, value: 0x8F }));
    }

    #[test]
    fn the_examples_of_the_clause_are_coded_so() {
        let date = Some((9, 1, 14));
        there_and_back(&[0x80, 0x09, 0x01, 0x14], TimeDate { meaning: 0, date, time: None });
        let time = Some((18, 58, 54, -20));
        there_and_back(&[0x40, 0x18, 0x58, 0x54, 0xA0], TimeDate { meaning: 0, date: None, time });
        there_and_back(&[0xC0, 9, 1, 0x14, 0x18, 0x58, 0x54, 0xA0], TimeDate { meaning: 0, date, time });
        there_and_back(&[0xC4], TimeDate { meaning: 4, date: None, time: None });
        assert_eq!(TimeDate::decode(&[0xC0, 9, 1, 0x14]), Err(BadContent::TooShort));
        assert_eq!(
            TimeDate::decode(&[0x80, 0x0A, 1, 1]),
            Err(BadContent::Reserved { octet: 4, value: 0x0A })
        );
        assert_eq!(TimeDate::decode(&[0x00]), Err(BadContent::Reserved { octet: 3, value: 0 }));
    }
}
