//! Messages as the desk of these tests keeps them.

use std::time::Duration;

use kirkwall_actors::desk::*;
use kirkwall_core::call::text::{Confirmation, Priority, Recipient, Sender, Standing, TextId, TextMessage};
use kirkwall_core::pii::Pii;
use kirkwall_core::timer::Moment;

/// An alarm that one has and one waits for.
pub fn kept(created: Moment) -> TextMessage {
    let recipient = |address: &str, standing| Recipient {
        address: address.into(),
        user: None,
        level: 0,
        standing,
        since: created,
        tries: 1,
        cause: "480 <b>away</b>".into(),
        answer: Pii(String::new()),
    };
    TextMessage {
        id: TextId(created.as_micros()),
        sender: Sender { address: "alarm".into(), display: String::new(), user: None },
        text: Pii("<script>alert(1)</script> Fire in room 217".into()),
        priority: Priority::Emergency,
        confirmation: Confirmation::Reply,
        escalation: None,
        level: 0,
        escalates: None,
        expires: created + Duration::from_secs(3_600),
        recipients: vec![recipient("4711", Standing::Delivered), recipient("4712", Standing::Waiting)],
        wish: None,
        withdrawn: false,
    }
}

/// What becomes of a draft.
pub fn sent(order: SendText, created: Moment) -> Result<TextMessage, DeskFault> {
    let faults: Vec<_> =
        order.draft.faults().into_iter().map(|fault| FieldFault::new(fault.field, fault.what)).collect();
    if !faults.is_empty() {
        return Err(DeskFault::Invalid(faults));
    }
    let mut message = kept(created);
    message.text = order.draft.text;
    message.recipients.truncate(1);
    order.draft.to[0].clone_into(&mut message.recipients[0].address);
    (message.priority, message.confirmation) = (order.draft.priority, order.draft.confirmation);
    Ok(message)
}

/// The one of that name.
pub fn named(id: TextId, created: Moment) -> Result<TextMessage, DeskFault> {
    let message = kept(created);
    (message.id == id).then_some(message).ok_or_else(|| DeskFault::NotFound(format!("message {id}")))
}
