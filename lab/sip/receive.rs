//! What arrives at an endpoint: to the transaction, dialog or owner it belongs to (RFC 3261 §17, §18).

use bytes::Bytes;
use ezk_sip_types::Method;
use tokio::sync::mpsc;

use super::client::Client;
use super::endpoint::{Endpoint, Incoming, MAX_TRANSACTIONS, locked};
use super::guard::Verdict;
use super::server::ServerTransaction;
use super::{Hop, Message, address};

impl Endpoint {
    pub(super) async fn receive(&self, octets: Bytes, hop: Hop) {
        if self.is_muted() {
            return;
        }
        match Message::parse(&octets) {
            Ok(message) if message.method().is_some() => self.receive_request(message, hop).await,
            Ok(message) => self.receive_response(message, hop).await,
            Err(error) => tracing::debug!(from = %hop.address, %error, "dropped"),
        }
    }

    async fn receive_response(&self, mut response: Message, from: Hop) {
        if !matches!(self.judge(&mut response, &from), Verdict::Pass) {
            return;
        }
        let key = response.header("Via").and_then(|via| address::param(via, "branch"));
        let key = format!("{} {}", key.unwrap_or(""), response.cseq_method());
        let again = match locked(&self.0.clients).get(&key) {
            Some(Client::Waiting(owner)) => return drop(owner.try_send(response)),
            Some(Client::Acknowledged { ack, hop }) => Some((ack.clone(), *hop)),
            None => None,
        };
        if let Some((ack, hop)) = again {
            if response.code() >= Some(200) {
                let _ = self.send_raw(ack, &hop).await;
            }
            // A proxy's client transaction that saw its final answer: pass the 2xx on all the same.
        } else if self.0.forwards {
            response.pop("Via");
            if let Some((transport, address)) = response.header("Via").and_then(address::via_target) {
                let hop = Hop::new(transport, address);
                let octets = self.seal(&mut response, &hop);
                let _ = self.send_raw(octets, &hop).await;
            }
        }
    }

    async fn receive_request(&self, mut request: Message, hop: Hop) {
        let Some(key) = server_key(&mut request, &hop) else { return };
        if request.method() == Some(&Method::ACK) {
            if matches!(self.judge(&mut request, &hop), Verdict::Pass) {
                self.receive_ack(request, &key, hop).await;
            }
            return;
        }
        if let Some(known) = self.known_server(&key) {
            if let Some(last) = known {
                let _ = self.send_raw(last, &hop).await;
            }
            return;
        }
        let verdict = self.judge(&mut request, &hop);
        if matches!(verdict, Verdict::Drop) {
            return;
        }
        let server = ServerTransaction::new(self.clone(), key.clone(), &request, hop);
        {
            let mut servers = locked(&self.0.servers);
            if servers.len() >= MAX_TRANSACTIONS {
                return;
            }
            servers.insert(key.clone(), server.record());
        }
        if let Verdict::Refuse(refusal) = verdict {
            return server.send(refusal.into_response(&server)).await;
        }
        if request.method() == Some(&Method::CANCEL) {
            return self.receive_cancel(&key, server).await;
        }
        let incoming = Incoming { request, hop, server: Some(server) };
        if let Some(server) = self.deliver(incoming).and_then(|refused| refused.server) {
            server.send(server.reply(503, "Service Unavailable")).await;
        }
    }

    /// RFC 3261 §17.2.1: the ACK to a non-2xx belongs to the INVITE's transaction; to a 2xx, to the
    /// dialog or the proxy, even where no branch tells the two apart.
    async fn receive_ack(&self, request: Message, key: &str, hop: Hop) {
        let refused = locked(&self.0.servers)
            .get(key)
            .filter(|server| !server.accepted)
            .map(|server| server.acked.clone());
        match refused {
            Some(acked) => acked.cancel(),
            None => drop(self.deliver(Incoming { request, hop, server: None })),
        }
    }

    /// RFC 3261 §9.2: 200 to the CANCEL itself; what becomes of the INVITE is its owner's matter.
    async fn receive_cancel(&self, key: &str, cancel: ServerTransaction) {
        let invite = key.replace(" CANCEL", " INVITE");
        let cancelled = locked(&self.0.servers).get(&invite).map(|server| server.cancelled.clone());
        let Some(cancelled) = cancelled else {
            return cancel.send(cancel.reply(481, "Call/Transaction Does Not Exist")).await;
        };
        cancel.send(cancel.reply(200, "OK")).await;
        cancelled.cancel();
    }

    fn known_server(&self, key: &str) -> Option<Option<Bytes>> {
        locked(&self.0.servers).get(key).map(|server| server.last.clone())
    }

    /// To the dialog's owner, else to the endpoint's; back when the mailbox is full.
    fn deliver(&self, incoming: Incoming) -> Option<Incoming> {
        let request = &incoming.request;
        let tag = request.tag("To").unwrap_or("").to_owned();
        let owner = locked(&self.0.dialogs).get(&(request.call_id().to_owned(), tag)).cloned();
        let mailbox = owner.as_ref().unwrap_or(&self.0.mailbox);
        mailbox.try_send(incoming).err().map(|error| match error {
            mpsc::error::TrySendError::Full(back) | mpsc::error::TrySendError::Closed(back) => back,
        })
    }
}

/// Completes the top Via (RFC 3261 §18.2.1, RFC 3581 §4) and makes the key of RFC 3261 §17.2.3: branch,
/// sent-by, method (INVITE for ACK). A Via without branch, as real Lync clients send it, is matched by Call-ID,
/// CSeq and tag instead, as RFC 2543 did (RFC 3261 §17.2.3).
fn server_key(request: &mut Message, hop: &Hop) -> Option<String> {
    let via = request.pop("Via")?;
    let branch = address::param(&via, "branch").map(str::to_owned).unwrap_or_else(|| {
        format!("{}/{}/{}", request.call_id(), request.cseq_number(), request.tag("From").unwrap_or(""))
    });
    let sent_by = via.split(';').next()?.split_whitespace().nth(1)?.to_owned();
    let kept = via.split(';').filter(|part| {
        let name = part.split('=').next().unwrap_or("").trim();
        !name.eq_ignore_ascii_case("rport") && !name.eq_ignore_ascii_case("received")
    });
    let kept = kept.collect::<Vec<_>>().join(";");
    request.push_front("Via", format!("{kept};received={};rport={}", hop.address.ip(), hop.address.port()));
    let method = request.method()?.to_string();
    let method = if method == "ACK" { "INVITE" } else { method.as_str() };
    Some(format!("{branch} {sent_by} {method}"))
}
