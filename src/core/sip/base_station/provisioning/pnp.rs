//! SIP plug and play: `SUBSCRIBE sip:MAC%3a…@224.0.1.75`, `Event: ua-profile` (RFC 6080 in spirit), answered by 200
//! and a NOTIFY with the address of the files.

use super::{Make, read_mac};
use crate::sip::Peer;
use crate::sip::wire::{HeaderName, Message, Method};

/// What a new base station says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PnpAsk {
    /// Twelve lower-case hexadecimal digits.
    pub mac: String,
    /// Whose files it reads, if that is known.
    pub make: Option<Make>,
    /// Its maker and model, in its own words.
    pub product: String,
}

/// Answers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PnpAnswer {
    /// The 200.
    pub ok: Message,
    /// The NOTIFY, whole but for its Via, Call-ID as in the SUBSCRIBE.
    pub notify: Message,
}

/// Longest product name that is kept.
const LONGEST: usize = 80;

impl PnpAsk {
    /// Reads a SUBSCRIBE. `None`: it is something else.
    pub fn read(request: &Message) -> Option<Self> {
        let event = request.header(&HeaderName::Event)?.to_string();
        let mut words = event.split(';');
        if request.method() != Some(Method::Subscribe) || words.next()?.trim() != "ua-profile" {
            return None;
        }
        // `MAC%3a0004136xxxxx`, the colon written in either way.
        let user = request.request_uri()?.user_text();
        let (word, mac) = user.split_once(':')?;
        let mac = read_mac(mac).filter(|_| word.eq_ignore_ascii_case("mac"))?;
        let mut product = [String::new(), String::new()];
        for word in words {
            let Some((name, value)) = word.split_once('=') else { continue };
            let value: String = value.trim().trim_matches(['"', '“', '”']).chars().take(LONGEST).collect();
            match name.trim().to_ascii_lowercase().as_str() {
                "vendor" => product[0] = value,
                "model" => product[1] = value,
                _ => {}
            }
        }
        // Gigaset is known by its User-Agent first, its event says less.
        let agent = request.header(&HeaderName::UserAgent).map_or("", |agent| agent.as_str());
        let make = Make::of_agent(&product[0], &product[1]).or_else(|| Make::of_agent(agent, ""));
        let product = product.join(" ").trim().to_owned();
        let product = if product.is_empty() { agent.chars().take(LONGEST).collect() } else { product };
        Some(Self { mac, make, product })
    }
}

impl PnpAnswer {
    /// To that SUBSCRIBE: fetch from `url`. `contact` is ours.
    pub fn to(request: &Message, peer: &Peer, url: &str, contact: &str, tag: &str) -> Self {
        let mut ok = Message::response(request, 200, "OK", Some(tag));
        // RFC 6665 §4.2.1.1: a notifier says how long; asked for a fetch, nothing stands.
        ok.headers.push(HeaderName::Expires, "0");
        ok.headers.push(HeaderName::Contact, format!("<{contact}>"));
        let target = request.contacts().first().map(|contact| contact.uri.as_request_uri());
        let target = target.unwrap_or_else(|| format!("sip:{}", peer.remote));
        let mut notify = Message::request(Method::Notify, target);
        notify.headers.push(HeaderName::MaxForwards, "70");
        // The dialog turned round: RFC 6665 §4.1.3.
        for (ours, theirs) in [(HeaderName::From, HeaderName::To), (HeaderName::To, HeaderName::From)] {
            let value = ok.header(&theirs).map_or(String::new(), ToString::to_string);
            notify.headers.push(ours, value);
        }
        let call_id = request.call_id().map_or(String::new(), ToString::to_string);
        notify.headers.push(HeaderName::CallId, call_id);
        notify.headers.push(HeaderName::CSeq, "1 NOTIFY");
        notify.headers.push(HeaderName::Contact, format!("<{contact}>"));
        notify.headers.push(HeaderName::Event, "ua-profile");
        notify.headers.push(HeaderName::SubscriptionState, "terminated;reason=timeout");
        notify.set_body("application/url", url.to_owned());
        Self { ok, notify }
    }
}

/// A NOTIFY that bids a base station fetch its settings again, whole but for its Via. "reboot=false": without
/// starting anew where it can.
pub fn check_sync(contact: &str, aor: &str, words: (&str, &str)) -> Message {
    let mut notify = Message::request(Method::Notify, contact);
    for (name, value) in [
        (HeaderName::MaxForwards, "70".to_owned()),
        (HeaderName::From, format!("<{aor}>;tag={}", words.1)),
        (HeaderName::To, format!("<{aor}>")),
        (HeaderName::CallId, words.0.to_owned()),
        (HeaderName::CSeq, "1 NOTIFY".to_owned()),
        (HeaderName::Event, "check-sync;reboot=false".to_owned()),
        (HeaderName::SubscriptionState, "terminated;reason=noresource".to_owned()),
    ] {
        notify.headers.push(name, value);
    }
    notify
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::{Facing, Transport};

    fn subscribe(uri: &str, event: &str, agent: &str) -> Message {
        let mut request = Message::request(Method::Subscribe, uri);
        for (name, value) in [
            (HeaderName::Via, "SIP/2.0/UDP 10.0.0.90:5060;branch=z9hG4bKl1d"),
            (HeaderName::From, "<sip:512@10.0.0.90>;tag=dmr"),
            (HeaderName::To, "<sip:MAC%3a000413604012@224.0.1.75>"),
            (HeaderName::CallId, "6cm@10.0.0.90"),
            (HeaderName::CSeq, "20264 SUBSCRIBE"),
            (HeaderName::Contact, "<sip:512@10.0.0.90>"),
            (HeaderName::Event, event),
            (HeaderName::UserAgent, agent),
        ] {
            request.headers.push(name, value);
        }
        request
    }

    const SNOM: &str =
        "ua-profile;profile-type=\"device\";vendor=\"snom\";model=\"snomM700\";version=\"03.23.0005\"";

    #[test]
    fn a_snom_and_a_gigaset_say_who_they_are() {
        let ask = PnpAsk::read(&subscribe("sip:MAC%3a000413604012@224.0.1.75", SNOM, "")).unwrap();
        assert_eq!((ask.mac.as_str(), ask.make), ("000413604012", Some(Make::Snom)));
        let ask =
            PnpAsk::read(&subscribe("sip:MAC%3A7C2F8030D21E@local", "ua-profile", "Gigaset N870 IP PRO/83"));
        let ask = ask.unwrap();
        assert_eq!((ask.mac.as_str(), ask.make), ("7c2f8030d21e", Some(Make::Gigaset)));
    }

    #[test]
    fn what_asks_for_something_else_is_none() {
        for (uri, event) in [
            ("sip:4711@example.com", SNOM),
            ("sip:MAC%3a000413604012@224.0.1.75", "message-summary"),
            ("sip:MAC%3axyz@224.0.1.75", SNOM),
        ] {
            assert_eq!(PnpAsk::read(&subscribe(uri, event, "")), None, "{uri} {event}");
        }
    }

    #[test]
    fn the_answer_names_the_place_in_the_dialog_turned_round() {
        let request = subscribe("sip:MAC%3a000413604012@224.0.1.75", SNOM, "");
        let remote = ([10, 0, 0, 90], 5060).into();
        let peer = Peer {
            transport: Transport::Udp,
            remote,
            local: remote,
            facing: Facing::South,
            connection: None,
            tls_names: Vec::new(),
        };
        let url = "https://10.0.0.1:8443/provisioning/";
        let PnpAnswer { ok, notify } = PnpAnswer::to(&request, &peer, url, "sip:10.0.0.1:5060", "t1");
        assert_eq!(ok.header(&HeaderName::Expires).unwrap(), "0");
        assert_eq!(notify.header(&HeaderName::To).unwrap(), "<sip:512@10.0.0.90>;tag=dmr");
        assert!(notify.header(&HeaderName::From).unwrap().ends_with(";tag=t1"));
        assert_eq!(
            (notify.request_uri().unwrap().user_text().as_str(), &notify.body[..]),
            ("512", url.as_bytes())
        );
    }
}
