//! Moments as people and programs write them (RFC 3339, always UTC).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kirkwall_core::timer::Moment;

/// Now, by the wall clock. Only for ages on pages; the switch has its own clock.
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// RFC 3339 with milliseconds: `2026-11-24T07:15:37.123Z`.
pub fn rfc3339(at: Moment) -> String {
    let millis = at.as_micros() / 1_000 % 1_000;
    let ((year, month, day), (hour, minute, second)) = (date(at), time_of_day(at));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// For tables, without JavaScript: `2026-11-24 07:15:37 UTC`.
pub fn plain(at: Moment) -> String {
    let ((year, month, day), (hour, minute, second)) = (date(at), time_of_day(at));
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// A length of time as on a telephone: `3:07`, `1:02:03`.
pub fn length(duration: Duration) -> String {
    let secs = duration.as_secs();
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Reads RFC 3339 §5.6; `None` when it is something else or before 1970.
pub fn parse_rfc3339(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let fixed = bytes.len() >= 20
        && [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')].iter().all(|&(at, sign)| bytes[at] == sign)
        && matches!(bytes[10], b'T' | b't' | b' ');
    if !fixed || !text.is_ascii() {
        return None;
    }
    let part = |from: usize, to: usize| digits(&text[from..to]);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    // RFC 3339 §5.7: a leap second is 60; it counts as the last of its minute.
    let known = (1..=12).contains(&month) && day >= 1 && day <= month_length(year, month);
    if !known || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (micros, zone) = fraction(&text[19..])?;
    let days = days_since_epoch(year, month, day);
    let local = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second.min(59));
    let utc = u64::try_from(local - zone_offset(zone)?).ok()?;
    Some(Moment::from_micros(utc.checked_mul(1_000_000)? + micros))
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Microseconds of `.5Z` and what follows them.
fn fraction(text: &str) -> Option<(u64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    if end == 0 {
        return None;
    }
    let micros = rest[..end].bytes().chain(std::iter::repeat(b'0')).take(6);
    Some((micros.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')), &rest[end..]))
}

/// Seconds east of UTC.
fn zone_offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

fn time_of_day(at: Moment) -> (u64, u64, u64) {
    let secs = at.as_secs() % 86_400;
    (secs / 3600, secs / 60 % 60, secs % 60)
}

/// Proleptic Gregorian date of a day number, counted in 400-year eras that begin in March, so that the
/// leap day is the last of its year.
fn date(at: Moment) -> (u64, u64, u64) {
    let days = at.as_secs() / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The way back of [`date`].
fn days_since_epoch(year: u32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn month_length(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_and_read_back() {
        for text in ["1970-01-01T00:00:00.000Z", "2000-02-29T23:59:59.999Z", "2026-11-24T07:15:37.123Z"] {
            assert_eq!(rfc3339(parse_rfc3339(text).unwrap()), text);
        }
    }

    #[test]
    fn zones_and_fractions_are_understood() {
        assert_eq!(parse_rfc3339("2026-11-24T08:15:37+01:00"), parse_rfc3339("2026-11-24T07:15:37Z"));
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00.5Z"), Some(Moment::from_micros(500_000)));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+1",
            "1969-12-31T23:59:59Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:0éZ",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn lengths_read_as_on_a_telephone() {
        assert_eq!(length(Duration::from_secs(187)), "3:07");
        assert_eq!(length(Duration::from_secs(3723)), "1:02:03");
    }
}
