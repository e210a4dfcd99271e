//! A dialog (RFC 3261 §12): what requests within a call need.

use ezk_sip_types::Method;

use super::{Hop, Message, address};

/// A dialog as one end names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The other end's.
    pub remote_tag: String,
}

/// One end's view of a call.
#[derive(Debug, Clone)]
pub struct Dialog {
    call_id: String,
    /// From of our requests, with our tag.
    local: String,
    /// To of our requests, with the other end's tag.
    remote: String,
    target: String,
    routes: Vec<String>,
    cseq: u32,
    /// How the dialog was set up; streams stay on it.
    hop: Hop,
}

impl Dialog {
    /// The caller's side, from its INVITE and the answer (RFC 3261 §12.1.2).
    pub fn of_caller(request: &Message, response: &Message, hop: Hop) -> Self {
        let target = response.header("Contact").map_or(request.uri(), address::uri).to_owned();
        Self {
            call_id: request.call_id().to_owned(),
            local: request.header("From").unwrap_or("").to_owned(),
            remote: response.header("To").unwrap_or("").to_owned(),
            target,
            routes: response.headers_named("Record-Route").rev().map(str::to_owned).collect(),
            cseq: request.cseq_number(),
            hop,
        }
    }

    /// The called side, from the INVITE and our tag (RFC 3261 §12.1.1).
    pub fn of_called(request: &Message, local_tag: &str, hop: Hop) -> Self {
        let from = request.header("From").unwrap_or("");
        Self {
            call_id: request.call_id().to_owned(),
            local: format!("{};tag={local_tag}", request.header("To").unwrap_or("")),
            remote: from.to_owned(),
            target: request.header("Contact").map_or(address::uri(from), address::uri).to_owned(),
            routes: request.headers_named("Record-Route").map(str::to_owned).collect(),
            cseq: rand::random::<u16>().into(),
            hop,
        }
    }

    /// Call-ID, our tag, the other end's tag.
    pub fn names(&self) -> Names {
        let tag = |end: &str| {
            let found = end.rsplit_once(";tag=").map_or("", |(_, tag)| tag);
            found.split([';', '>']).next().unwrap_or_default().to_owned()
        };
        let (local_tag, remote_tag) = (tag(&self.local), tag(&self.remote));
        Names { call_id: self.call_id.clone(), local_tag, remote_tag }
    }

    /// A request within the dialog (RFC 3261 §12.2.1.1; loose routing).
    pub fn request(&mut self, method: Method) -> Message {
        self.cseq += 1;
        self.with_cseq(method, self.cseq)
    }

    /// The ACK to the 2xx of the INVITE with this CSeq (RFC 3261 §13.2.2.4).
    pub fn ack(&self, cseq: u32) -> Message {
        self.with_cseq(Method::ACK, cseq)
    }

    /// Where requests go: the first route, else the other end's Contact.
    pub fn next_hop(&self) -> Hop {
        let uri = self.routes.first().map_or(self.target.as_str(), |route| address::uri(route));
        Hop::for_uri(uri, self.hop)
    }

    fn with_cseq(&self, method: Method, cseq: u32) -> Message {
        let name = method.to_string();
        let mut request = Message::request(method, &self.target);
        self.routes.iter().for_each(|route| request.push("Route", route));
        request.push("Max-Forwards", "70");
        request.push("From", &self.local);
        request.push("To", &self.remote);
        request.push("Call-ID", &self.call_id);
        request.push("CSeq", format!("{cseq} {name}"));
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Transport;

    #[test]
    fn a_callers_bye_takes_the_recorded_route_backwards_to_the_contact() {
        let mut invite = Message::request(Method::INVITE, "sip:b@lab.test");
        invite.push("From", "<sip:a@lab.test>;tag=1");
        invite.push("To", "<sip:b@lab.test>");
        invite.push("Call-ID", "c");
        invite.push("CSeq", "7 INVITE");
        let mut answer = Message::response_to(&invite, 200, "OK");
        answer.set("To", "<sip:b@lab.test>;tag=2");
        answer.push("Contact", "<sip:b@127.0.0.1:9>");
        answer.push("Record-Route", "<sip:127.0.0.1:2;lr>");
        answer.push("Record-Route", "<sip:127.0.0.1:1;lr>");
        let hop = Hop::new(Transport::Udp, "127.0.0.1:5060".parse().unwrap());
        let mut dialog = Dialog::of_caller(&invite, &answer, hop);
        let bye = dialog.request(Method::BYE);
        assert_eq!(bye.uri(), "sip:b@127.0.0.1:9");
        assert_eq!(bye.header("Route"), Some("<sip:127.0.0.1:1;lr>"));
        assert_eq!(bye.header("CSeq"), Some("8 BYE"));
        assert_eq!(dialog.next_hop().address.port(), 1);
        assert_eq!(dialog.ack(7).header("CSeq"), Some("7 ACK"));
    }
}
