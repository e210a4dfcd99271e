//! Other requests within the dialog, both ways: INFO, REFER, NOTIFY, MESSAGE (RFC 6086, 3515, 6665, 3428).

use super::send::{put_body, put_headers};
use super::state::{ClientUse, Usage};
use super::usage::ends_dialog;
use super::{Body, EndCause, Leg, LegEvent};
use crate::sip::transaction::ServerKey;
use crate::sip::wire::{HeaderName, Message, Method, Text};
use crate::timer::Moment;

impl Leg {
    pub(super) fn order_request(
        &mut self,
        usage: &mut Usage,
        number: u32,
        method: Method,
        headers: Vec<(HeaderName, Text)>,
        body: Option<Body>,
        now: Moment,
    ) {
        let mut request = self.in_dialog(usage, method);
        put_headers(&mut request, headers);
        put_body(&mut request, body.as_ref());
        self.ask(request, ClientUse::Order(number), usage.hop(), now);
    }

    /// The same request once more, with a number that is higher than those that overtook it.
    pub(super) fn say_again(&mut self, usage: &mut Usage, number: u32, mut request: Message, now: Moment) {
        let method = request.method().unwrap_or(Method::Notify);
        let cseq = usage.dialog.request(method).header(&HeaderName::CSeq).cloned();
        if let Some(cseq) = cseq {
            request.headers.set(HeaderName::CSeq, cseq);
        }
        self.ask_again(request, ClientUse::Order(number), usage.hop(), 1, now);
    }

    pub(super) fn order_response(
        &mut self,
        number: u32,
        request: &Message,
        response: Message,
    ) -> Option<EndCause> {
        let status = response.status().filter(|status| *status >= 200)?;
        self.tell(LegEvent::Replied { number, outcome: Ok(response) });
        // RFC 5057 §5.1: a 481 to NOTIFY or REFER tells of a subscription; to the others, of the session.
        let session = matches!(request.method(), Some(Method::Info | Method::Message | Method::Options));
        (session && matches!(status, 408 | 481) && ends_dialog(status)).then_some(EndCause::Status(status))
    }

    /// Asks the call; it answers with `Reply`, or the leg with 500 after a while.
    pub(super) fn pass_on(&mut self, key: ServerKey, request: Message, now: Moment) {
        self.next_handle = self.next_handle.wrapping_add(1);
        let handle = self.next_handle;
        self.expect_answer(&key, Some(handle), now);
        self.tell(LegEvent::Requested { handle, request });
    }

    pub(super) fn reply(
        &mut self,
        handle: u32,
        (status, reason): (u16, &str),
        headers: Vec<(HeaderName, Text)>,
        body: Option<&Body>,
        now: Moment,
    ) {
        let open = self.servers.iter().find(|s| s.handle == Some(handle) && s.transaction.is_pending());
        let Some((key, request)) =
            open.map(|s| (s.transaction.key().clone(), s.transaction.request().clone()))
        else {
            return;
        };
        let mut response = self.response_to(&request, status, reason);
        // RFC 3515 §2.4.4, RFC 6665 §8.2.1: a 2xx to REFER carries a Contact.
        if (200..300).contains(&status) {
            self.put_contact(&mut response);
        }
        put_headers(&mut response, headers);
        put_body(&mut response, body);
        self.respond(&key, response, now);
    }
}

/// Whether the network let a later request of ours pass this one. RFC 3261 §12.2.2: "the request is out of
/// order and MUST be rejected with a 500". What a NOTIFY tells is not told again by anybody else.
pub(super) fn was_overtaken(usage: &Usage, request: &Message, response: &Message) -> bool {
    let later = request.cseq().is_some_and(|cseq| cseq.number < usage.dialog.local_cseq);
    response.status() == Some(500) && later && request.method() == Some(Method::Notify)
}
