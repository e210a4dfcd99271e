//! Dates: read from a Date header, shown to people.

use std::fmt;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since the Unix epoch of a SIP date, `Sat, 13 Nov 2010 23:29:00 GMT` (RFC 3261 §20.17: "the most
/// recent HTTP/1.1 [RFC 1123] date format"). `None` when it is none.
pub fn parse_http_date(text: &str) -> Option<i64> {
    let (_, rest) = text.trim().split_once(',')?;
    let mut words = rest.split_ascii_whitespace();
    let day: i64 = number(words.next()?, 1, 31)?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))? as i64 + 1;
    let year = number(words.next()?, 1970, 9999)?;
    let mut clock = words.next()?.split(':');
    let hour = number(clock.next()?, 0, 23)?;
    let minute = number(clock.next()?, 0, 59)?;
    // 60 is a leap second.
    let second = number(clock.next()?, 0, 60)?;
    // "SIP restricts the time zone in SIP-date to "GMT"".
    let gmt = words.next()?.eq_ignore_ascii_case("GMT") && words.next().is_none() && clock.next().is_none();
    gmt.then(|| days_of(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(text: &str, least: i64, most: i64) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (least..=most).contains(number))
}

/// Days since 1 January 1970. Years begin on 1 March, so that the leap day is the last one.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + day_of_year;
    year / 400 * 146_097 + day_of_era - 719_468
}

/// A day and minute for people, `2026-11-24 07:31 UTC`, of seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CivilDate(pub i64);

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(86_400) + 719_468, self.0.rem_euclid(86_400));
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = (from_march + 2) % 12 + 1;
        let year = era * 400 + year + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3_600, second / 60 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::registrar::http_date;
    use crate::timer::Moment;

    #[test]
    fn a_date_that_is_written_is_read_back() {
        for second in [0, 951_782_399, 951_782_400, 1_289_690_940, 1_709_251_199, 4_107_542_400] {
            let written = http_date(Moment::from_micros(second * 1_000_000));
            assert_eq!(parse_http_date(&written), Some(second as i64), "{written}");
        }
    }

    #[test]
    fn what_is_no_date_of_sip_is_refused() {
        for text in [
            "",
            "Sat, 13 Nov 2010 23:29:00 CET",
            "Sat, 13 Foo 2010 23:29:00 GMT",
            "Sat, 13 Nov 2010 24:29:00 GMT",
            "Sat, 13 Nov 2010 23:29 GMT",
            "13 Nov 2010 23:29:00 GMT",
            "Sat, +3 Nov 2010 23:29:00 GMT",
            "Sat, 13 Nov 99999999999999999999 23:29:00 GMT",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_for_people() {
        // Checked with date(1).
        assert_eq!(CivilDate(1_709_251_199).to_string(), "2024-02-29 23:59 UTC");
        assert_eq!(CivilDate(0).to_string(), "1970-01-01 00:00 UTC");
        assert_eq!(CivilDate(-1).to_string(), "1969-12-31 23:59 UTC");
    }
}
