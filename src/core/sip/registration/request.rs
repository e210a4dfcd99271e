//! The REGISTER we send, and what we read in its answers (RFC 3261 §10.2).

use std::time::Duration;

use crate::id::Tokens;
use crate::sip::registrar::same_contact;
use crate::sip::wire::{HeaderName, Message, Method, Uri, Via};

use super::record::{Account, RegistrationRecord};

/// Longest time a Retry-After can keep us away.
const LONGEST_RETRY: u32 = 3600;
/// Most targets taken from a redirection.
const TARGETS: usize = 8;

/// A whole REGISTER, Via with a fresh branch included. `expires` zero de-registers.
pub(super) fn register(
    account: &Account,
    record: &RegistrationRecord,
    expires: Duration,
    tokens: &mut Tokens,
) -> Message {
    let mut request = Message::request(Method::Register, account.registrar.as_str());
    let (transport, sent_by) = (account.proxy.transport.via_name(), &account.sent_by);
    let branch = format!("{}{}.{}", Via::COOKIE, account.owner, tokens.word());
    // RFC 5923 §5: the registrar may call us over this connection.
    let alias = if account.proxy.transport.is_reliable() { ";alias" } else { "" };
    let via = format!("SIP/2.0/{transport} {sent_by};branch={branch};rport{alias}");
    let (aor, tag) = (&account.aor, &record.from_tag);
    let mut push = |name: HeaderName, value: String| request.headers.push(name, value);
    push(HeaderName::Via, via);
    push(HeaderName::MaxForwards, "70".into());
    push(HeaderName::From, format!("<{aor}>;tag={tag}"));
    push(HeaderName::To, format!("<{aor}>"));
    push(HeaderName::CallId, record.call_id.clone());
    push(HeaderName::CSeq, format!("{} REGISTER", record.cseq));
    push(HeaderName::Contact, format!("<{}>{}", account.contact, account.contact_params));
    push(HeaderName::Expires, expires.as_secs().to_string());
    push(HeaderName::UserAgent, account.user_agent.clone());
    push(HeaderName::Supported, "path".into());
    request
}

/// The lifetime that a 200 gives our contact. "The UA … MUST find its own contact among those listed,
/// by the URI comparison" (RFC 3261 §10.2.4); a registrar that rewrites it lists one only. Then the
/// Expires header, then what was asked for.
pub(super) fn granted(answer: &Message, contact: &str, asked: Duration) -> Duration {
    let listed = answer.contacts();
    let own = listed.iter().find(|c| same_contact(&c.uri.raw, contact));
    let own = own.or_else(|| listed.first().filter(|_| listed.len() == 1));
    let param = own.and_then(|contact| seconds(&contact.params.get("expires")?));
    let header = || seconds(answer.header(&HeaderName::Expires)?);
    param.or_else(header).map_or(asked, |seconds| Duration::from_secs(u64::from(seconds)))
}

/// `Min-Expires` of a 423.
pub(in crate::sip) fn min_expires(answer: &Message) -> Option<Duration> {
    seconds(answer.header(&HeaderName::MinExpires)?).map(|secs| Duration::from_secs(u64::from(secs)))
}

/// `Retry-After` in seconds; comment and parameters behind the number are ignored (RFC 3261 §20.33).
pub(in crate::sip) fn retry_after(answer: &Message) -> Option<Duration> {
    let value = answer.header(&HeaderName::RetryAfter)?;
    let number = value.split([' ', ';', '(', '\t']).next()?;
    seconds(number).map(|secs| Duration::from_secs(u64::from(secs.min(LONGEST_RETRY))))
}

/// Service-Route values in order (RFC 3608 §5).
pub(super) fn service_route(answer: &Message) -> Vec<String> {
    answer.headers.list(&HeaderName::ServiceRoute).iter().take(8).map(|route| route.to_string()).collect()
}

/// Where a redirection points, in its order.
pub(super) fn targets(answer: &Message) -> Vec<Uri> {
    answer.contacts().into_iter().map(|contact| contact.uri).take(TARGETS).collect()
}

/// delta-seconds (RFC 3261 §25.1).
fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

/// When to refresh: at the later of half the lifetime and a minute before its end, less up to a tenth,
/// so that users registered together drift apart. Never sooner than in five seconds, whatever a
/// registrar grants.
pub(in crate::sip) fn refresh_after(granted: Duration, tokens: &mut Tokens) -> Duration {
    let due = (granted / 2).max(granted.saturating_sub(Duration::from_secs(60)));
    let tenth = (due / 10).as_millis() as u64;
    let early = Duration::from_millis(tokens.number() % (tenth + 1));
    (due - early).max(Duration::from_secs(5))
}

/// The wait before attempt `failures + 1`. "W = min( max-time, (base-time * (2 ^ consecutive-failures)))
/// … a uniform random time between 50 and 100% of" it (RFC 5626 §4.5), with base 5 s and 300 s at most,
/// since a hospital waits.
pub(in crate::sip) fn backoff(failures: u32, tokens: &mut Tokens) -> Duration {
    let whole = Duration::from_secs(5).saturating_mul(1 << failures.saturating_sub(1).min(6));
    jittered(whole.min(Duration::from_secs(300)), tokens)
}

/// Between 50 and 100 % of `whole`.
pub(in crate::sip) fn jittered(whole: Duration, tokens: &mut Tokens) -> Duration {
    let half = (whole / 2).as_millis() as u64;
    whole - Duration::from_millis(tokens.number() % (half + 1))
}
