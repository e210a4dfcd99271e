//! Text messages and alarms.

use kirkwall_actors::desk::{Bearer, ConfirmText, GetText, ListTexts, SendText, TextPage, WithdrawText};
use kirkwall_core::call::text::{TextId, TextMessage};

use super::{ask, audit};
use crate::problem::Problem;
use crate::site::Site;

/// Messages, newest first. What people write is theirs: who reads it stands in the log.
pub async fn list(site: &Site, who: &Bearer, wanted: ListTexts) -> Result<TextPage, Problem> {
    audit(who, "messages read", &wanted.limit);
    Ok(ask(&site.desk.list_texts, wanted).await??)
}

/// One message.
pub async fn get(site: &Site, who: &Bearer, id: TextId) -> Result<TextMessage, Problem> {
    audit(who, "message read", &id);
    Ok(ask(&site.desk.get_text, GetText(id)).await??)
}

/// Sends one.
pub async fn send(site: &Site, who: &Bearer, order: SendText) -> Result<TextMessage, Problem> {
    let message = ask(&site.desk.send_text, order).await??;
    audit(who, "message sent", &message.id);
    Ok(message)
}

/// Takes one back.
pub async fn withdraw(site: &Site, who: &Bearer, id: TextId) -> Result<(), Problem> {
    ask(&site.desk.withdraw_text, WithdrawText(id)).await??;
    audit(who, "message withdrawn", &id);
    Ok(())
}

/// Answers for one in a recipient's place.
pub async fn confirm(site: &Site, who: &Bearer, order: ConfirmText) -> Result<TextMessage, Problem> {
    let id = order.id;
    let message = ask(&site.desk.confirm_text, order).await??;
    audit(who, "message confirmed", &id);
    Ok(message)
}
