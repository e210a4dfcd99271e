//! Which of the offered schemes is taken, and what a challenge tells besides.

use std::time::Duration;

use crate::lync::signing::Side;
use crate::sip::digest::AuthParams;
use crate::sip::wire::{HeaderName, Message};
use crate::timer::Moment;

use super::{Methods, SaFault};

/// Largest difference of clocks that NTLM bears ([MS-SIP] 3.1.4).
const NTLM_SKEW: Duration = Duration::from_secs(15 * 60);
/// Most challenge lines read.
const MAX_OFFERS: usize = 8;

/// A scheme that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// NTLMv2.
    Ntlm,
    /// TLS-DSK.
    TlsDsk,
}

impl Scheme {
    /// As in headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ntlm => "NTLM",
            Self::TlsDsk => "TLS-DSK",
        }
    }
}

/// One challenge that a 401 or 407 makes.
pub(super) struct Offer {
    pub side: Side,
    pub params: AuthParams,
}

impl Offer {
    /// Those that can be read; one line may hold several.
    pub fn all_of(answer: &Message) -> Vec<Self> {
        let of_side = |side: Side| {
            let name = side.challenge();
            let lines: Vec<_> =
                answer.headers.get_all(&name).filter_map(|v| AuthParams::parse_all(v)).collect();
            lines.into_iter().flatten().map(move |params| Self { side, params })
        };
        Side::BOTH.into_iter().flat_map(of_side).take(MAX_OFFERS).collect()
    }

    pub fn get(&self, name: &str) -> &str {
        self.params.get(name).unwrap_or_default()
    }
}

/// The best offer that the user may take.
pub(super) fn choose<'a>(offers: &'a [Offer], methods: &Methods) -> Result<(Scheme, &'a Offer), SaFault> {
    let allowed = [(Scheme::TlsDsk, methods.tls_dsk.is_some()), (Scheme::Ntlm, methods.ntlm.is_some())];
    let ours = allowed.into_iter().filter(|(_, allowed)| *allowed).map(|(scheme, _)| scheme);
    let found = ours.clone().find_map(|scheme| {
        offers.iter().find(|offer| offer.params.is_scheme(scheme.as_str())).map(|offer| (scheme, offer))
    });
    found.ok_or_else(|| {
        let offered: Vec<_> = offers.iter().map(|offer| offer.params.scheme()).collect();
        let ours: Vec<_> = ours.map(Scheme::as_str).collect();
        let words = |list: &[&str]| if list.is_empty() { "nothing".into() } else { list.join(", ") };
        SaFault::NoScheme { offered: words(&offered), ours: words(&ours), mend: mend(offers, methods) }
    })
}

fn mend(offers: &[Offer], methods: &Methods) -> &'static str {
    let offered = |scheme: &str| offers.iter().any(|offer| offer.params.is_scheme(scheme));
    match () {
        () if offered("NTLM") && methods.ntlm.is_none() => "Give the user a name and password for NTLM.",
        () if offered("TLS-DSK") && methods.tls_dsk.is_none() => {
            "Let this switch use TLS-DSK (lync.tls_dsk = true), enable NTLM on the front end, or make this switch \
             a trusted server."
        }
        () if offered("Kerberos") => {
            "Kerberos needs a ticket of the user, which a switch cannot have: enable NTLM on the front \
             end (Set-CsProxyConfiguration -UseNtlmForClientToProxyAuth $true), or make this switch a \
             trusted server."
        }
        () => "Enable NTLM for client authentication on the front end, or make this switch a trusted server.",
    }
}

/// By how much the `Date` of an answer differs from our clock, when that is more than NTLM bears.
pub fn clock_skew(answer: &Message, now: Moment) -> Option<Duration> {
    let theirs = parse_date(answer.header(&HeaderName::Date)?)?;
    let skew = Duration::from_secs(theirs.abs_diff(now.as_secs()));
    (skew > NTLM_SKEW).then_some(skew)
}

/// SIP-date (RFC 3261 §25.1), `Thu, 08 Dec 2016 09:39:41 GMT`, as seconds since 1970.
fn parse_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(',')?.1.split_ascii_whitespace();
    let day: u64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))? as u64 + 1;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..3000).contains(year))?;
    let mut clock = words.next()?.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    let in_day =
        (hours < 24 && minutes < 60 && seconds < 61).then(|| hours * 3600 + minutes * 60 + seconds)?;
    Some(days_before(year, month, day) * 86_400 + in_day)
}

/// Days from 1970-01-01, by years that begin in March.
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds() {
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_date("Thu, 08 Dec 2016 09:39:41 GMT"), Some(1_481_189_981));
        assert_eq!(parse_date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for bad in ["", "Thu", "Thu, 32 Dec 2016 1:1:1", "Thu, 1 Foo 2016 1:1:1", "Thu, 1 Dec 2016 1:1"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }
}
