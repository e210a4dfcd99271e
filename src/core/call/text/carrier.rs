//! The client transactions of texts that are out: sent, repeated, challenged, answered.

use std::collections::HashMap;

use super::request::{Content, TextWay, message};
use crate::id::{OwnerId, Tokens, Username};
use crate::sip::Destination;
use crate::sip::digest::DigestClient;
use crate::sip::transaction::{ClientInput, ClientOrder, ClientTransaction};
use crate::sip::wire::{HeaderName, Message, Method, Via};
use crate::timer::Moment;

/// Most that are out at once. More wait in the post: a text to a whole hospital is no flood.
pub const MOST_OUT: usize = 200;

/// What a carrier orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarrierOrder<T> {
    /// Send it.
    Send {
        /// The request.
        message: Message,
        /// Where to.
        to: Destination,
        /// By whose line.
        line: Option<Username>,
    },
    /// An errand is done.
    Done {
        /// Which.
        errand: T,
        /// The final response's status, and its reason phrase; none: there was no response.
        status: Option<(u16, String)>,
    },
}

struct Out<T> {
    errand: T,
    transaction: ClientTransaction,
    way: TextWay,
    digest: Option<DigestClient>,
    /// CSeq of the request.
    number: u32,
}

/// See the module. `T` names what somebody else wants to know of.
pub struct Carrier<T> {
    owner: OwnerId,
    tokens: Tokens,
    /// By branch.
    out: HashMap<String, Out<T>>,
}

impl<T: Clone> Carrier<T> {
    /// With nothing out. `owner` stands in our branches.
    pub fn new(owner: OwnerId, tokens: Tokens) -> Self {
        Self { owner, tokens, out: HashMap::new() }
    }

    /// How many more may go.
    pub fn room(&self) -> usize {
        MOST_OUT.saturating_sub(self.out.len())
    }

    /// A fresh word.
    pub fn word(&mut self) -> String {
        self.tokens.word()
    }

    /// Sends a text on its way. Its Call-ID begins with `name`.
    pub fn carry(
        &mut self,
        errand: T,
        name: &str,
        way: TextWay,
        content: &Content,
        now: Moment,
    ) -> Vec<CarrierOrder<T>> {
        let (call, tag) = (format!("{name}-{}", self.tokens.word()), self.tokens.word());
        let request = message(&way, content, (&call, &tag), 1);
        let digest = way.credentials.clone().map(DigestClient::new);
        self.start(request, Parcel { errand, way, digest, number: 1 }, now)
    }

    /// Sends another request that stands by itself, whole but for its Via, with CSeq 1.
    pub fn send(&mut self, errand: T, request: Message, way: TextWay, now: Moment) -> Vec<CarrierOrder<T>> {
        let digest = way.credentials.clone().map(DigestClient::new);
        self.start(request, Parcel { errand, way, digest, number: 1 }, now)
    }

    fn start(&mut self, mut request: Message, parcel: Parcel<T>, now: Moment) -> Vec<CarrierOrder<T>> {
        let Parcel { errand, way, digest, number } = parcel;
        let transport = way.destination.transport;
        let branch = format!("{}{}.{}", Via::COOKIE, self.owner, self.tokens.word());
        let alias = if transport.is_reliable() { ";alias" } else { "" };
        let via = format!("SIP/2.0/{} {};branch={branch};rport{alias}", transport.via_name(), way.sent_by);
        request.headers.remove(&HeaderName::Via);
        request.headers.push_front(HeaderName::Via, via);
        let (transaction, orders) = ClientTransaction::new(request, transport, now);
        self.out.insert(branch.clone(), Out { errand, transaction, way, digest, number });
        self.obey(&branch, orders, now)
    }

    /// An answer to something of ours.
    pub fn received(&mut self, response: Message, now: Moment) -> Vec<CarrierOrder<T>> {
        self.input(&response.clone(), ClientInput::Response(response), now)
    }

    /// Something of ours could not leave.
    pub fn failed(&mut self, request: &Message, now: Moment) -> Vec<CarrierOrder<T>> {
        self.input(request, ClientInput::TransportFailed, now)
    }

    fn input(&mut self, about: &Message, input: ClientInput, now: Moment) -> Vec<CarrierOrder<T>> {
        let Some(branch) = about.top_via().and_then(|via| via.branch()) else { return Vec::new() };
        let branch = branch.to_string();
        let Some(out) = self.out.get_mut(&branch) else { return Vec::new() };
        let orders = out.transaction.handle(input, now);
        self.obey(&branch, orders, now)
    }

    /// The moment of [`deadline`](Self::deadline) has come.
    pub fn deadline_came(&mut self, now: Moment) -> Vec<CarrierOrder<T>> {
        let due = |out: &Out<T>| out.transaction.deadline().is_some_and(|at| at <= now);
        let mut late: Vec<_> = self.out.iter().filter(|(_, out)| due(out)).map(|(b, _)| b.clone()).collect();
        late.sort_unstable();
        let mut then = Vec::new();
        for branch in late {
            let Some(out) = self.out.get_mut(&branch) else { continue };
            let orders = out.transaction.handle(ClientInput::Deadline, now);
            then.extend(self.obey(&branch, orders, now));
        }
        then
    }

    /// When it wants to be called.
    pub fn deadline(&self) -> Option<Moment> {
        self.out.values().filter_map(|out| out.transaction.deadline()).min()
    }

    fn obey(&mut self, branch: &str, orders: Vec<ClientOrder>, now: Moment) -> Vec<CarrierOrder<T>> {
        let mut then = Vec::new();
        for order in orders {
            let Some(out) = self.out.get(branch) else { break };
            match order {
                ClientOrder::Send(message) => then.push(CarrierOrder::Send {
                    message,
                    to: out.way.destination.clone(),
                    line: out.way.line.clone(),
                }),
                ClientOrder::Deliver(response) => then.extend(self.answered(branch, &response, now)),
                ClientOrder::TimedOut | ClientOrder::Unreachable => {
                    then.push(CarrierOrder::Done { errand: out.errand.clone(), status: None });
                }
                ClientOrder::Terminated => drop(self.out.remove(branch)),
            }
        }
        then
    }

    fn answered(&mut self, branch: &str, response: &Message, now: Moment) -> Vec<CarrierOrder<T>> {
        let Some(out) = self.out.get_mut(branch) else { return Vec::new() };
        let status = response.status().unwrap_or(100);
        if status < 200 {
            return Vec::new();
        }
        if matches!(status, 401 | 407)
            && let Some(mut digest) = out.digest.clone()
            && digest.learn(response, &mut self.tokens).is_ok()
        {
            // RFC 3261 §22.2: the same request with credentials and the next CSeq.
            let (errand, way, number) = (out.errand.clone(), out.way.clone(), out.number + 1);
            let mut again = out.transaction.request().clone();
            let method = again.method().unwrap_or(Method::Message);
            again.headers.set(HeaderName::CSeq, format!("{number} {method}"));
            digest.authorize(&mut again);
            return self.start(again, Parcel { errand, way, digest: Some(digest), number }, now);
        }
        let why = (status, response.reason().to_owned());
        vec![CarrierOrder::Done { errand: out.errand.clone(), status: Some(why) }]
    }
}

/// What a transaction is started for.
struct Parcel<T> {
    errand: T,
    way: TextWay,
    digest: Option<DigestClient>,
    number: u32,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Priority;
    use super::*;
    use crate::pii::Pii;
    use crate::sip::digest::Credentials;
    use crate::sip::{Facing, Transport};

    pub fn way() -> TextWay {
        TextWay {
            request_uri: "sip:4711@10.0.0.7".into(),
            from_uri: "sip:4712@example.com".into(),
            from_display: "Anna \"A\"".into(),
            to_uri: "sip:4711@example.com".into(),
            destination: Destination {
                transport: Transport::Udp,
                address: ([10, 0, 0, 7], 5060).into(),
                facing: Facing::South,
                connection: None,
                server_name: None,
            },
            route: Vec::new(),
            sent_by: "10.0.0.1:5060".into(),
            product: "Kirkwall".into(),
            line: None,
            credentials: Some(Credentials { username: "4712".into(), password: Pii("x".into()) }),
        }
    }

    const NOW: Moment = Moment::from_micros(1_000_000);

    fn begun() -> (Carrier<u8>, Message) {
        let mut carrier = Carrier::new(OwnerId(7), Tokens::new([1; 32]));
        let then = carrier.carry(3, "n", way(), &Content::plain("Hello", Priority::Urgent), NOW);
        let [CarrierOrder::Send { message, .. }] = &then[..] else { panic!("{then:?}") };
        let message = message.clone();
        (carrier, message)
    }

    #[test]
    fn a_text_goes_with_its_priority_and_is_done_with_its_answer() {
        let (mut carrier, sent) = begun();
        assert_eq!(sent.header(&HeaderName::Priority).unwrap(), "urgent");
        assert!(sent.header(&HeaderName::From).unwrap().starts_with("\"Anna \\\"A\\\"\" <sip:4712@"));
        let done = carrier.received(Message::response(&sent, 200, "OK", Some("t")), NOW);
        assert_eq!(done, [CarrierOrder::Done { errand: 3, status: Some((200, "OK".into())) }]);
        assert_eq!(carrier.received(Message::response(&sent, 200, "OK", Some("t")), NOW), []);
    }

    #[test]
    fn a_challenge_is_answered_once() {
        let (mut carrier, sent) = begun();
        let mut demand = Message::response(&sent, 407, "Proxy Authentication Required", Some("t"));
        demand.headers.push(HeaderName::ProxyAuthenticate, "Digest realm=\"r\", nonce=\"n\"");
        let then = carrier.received(demand, NOW);
        let [CarrierOrder::Send { message: again, .. }] = &then[..] else { panic!("{then:?}") };
        assert_eq!(again.header(&HeaderName::CSeq).unwrap(), "2 MESSAGE");
        assert!(again.header(&HeaderName::ProxyAuthorization).is_some());
        let mut demand = Message::response(again, 407, "Proxy Authentication Required", Some("t"));
        demand.headers.push(HeaderName::ProxyAuthenticate, "Digest realm=\"r\", nonce=\"n\"");
        let done = carrier.received(demand, NOW);
        assert!(matches!(&done[..], [CarrierOrder::Done { status: Some((407, _)), .. }]), "{done:?}");
    }

    #[test]
    fn a_text_that_nobody_answers_is_repeated_and_then_done() {
        let (mut carrier, _) = begun();
        let (mut now, mut sent, mut done) = (NOW, 0, Vec::new());
        while let Some(at) = carrier.deadline() {
            now = at;
            for order in carrier.deadline_came(now) {
                match order {
                    CarrierOrder::Send { .. } => sent += 1,
                    CarrierOrder::Done { errand, status } => done.push((errand, status)),
                }
            }
        }
        assert_eq!((now.since(NOW), done), (Duration::from_secs(32), vec![(3, None)]));
        assert!(sent >= 9, "timer E: {sent}");
        assert_eq!(carrier.room(), MOST_OUT);
    }
}
