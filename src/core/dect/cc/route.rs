//! To which call a message belongs, and what to do with one of none (EN 300 175-5, 17.3.2.1, 17.3.3).

use super::State;
use crate::dect::element::ReleaseReason;
use crate::dect::message::{Kind, Message, Side, Transaction};

/// Where a message of call control goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To the call of its transaction.
    Call,
    /// To a new call.
    NewCall,
    /// Nowhere; this is answered.
    Answer {
        /// The answer.
        message: Message,
        /// Both sides began a call at once. The link is kept ("partial release"), and our call, which the
        /// handset will reject, is to be presented again at once, within its CC.06 of 1.5 seconds (9.5.2.3).
        collision: bool,
    },
    /// Nowhere.
    Nowhere,
}

/// Where `message` of a handset goes that has these `calls`.
pub fn route(message: &Message, calls: &[(Transaction, State)]) -> Route {
    let mut alive = calls.iter().filter(|(_, state)| *state != State::Null);
    if alive.any(|(transaction, _)| *transaction == message.transaction) {
        return Route::Call;
    }
    let states = || calls.iter().map(|(_, state)| *state).filter(|state| *state != State::Null);
    match message.kind {
        Kind::CcSetup if states().next().is_none() => Route::NewCall,
        // "The call shall continue, and the request shall be rejected by sending a {CC-RELEASE-COM} message
        // which should contain the release reason "insufficient resources"" (17.3.3).
        Kind::CcSetup => Route::Answer {
            message: message.answer(Kind::CcReleaseCom).with(&ReleaseReason::INSUFFICIENT_RESOURCES),
            collision: states().any(|state| state == State::CallPresent),
        },
        // "… no action should be taken" (17.3.2.1).
        Kind::CcRelease | Kind::CcReleaseCom | Kind::CcServiceChange => Route::Nowhere,
        _ => unknown(message.transaction),
    }
}

/// Where a message goes whose type is not recognised: clause 17.3 comes before 17.4.
pub fn route_unrecognised(transaction: Transaction, calls: &[(Transaction, State)]) -> Route {
    let known = |(call, state): &(Transaction, State)| *call == transaction && *state != State::Null;
    match calls.iter().any(known) {
        true => Route::Nowhere,
        false => unknown(transaction),
    }
}

/// "Clearing should be initiated by sending a {CC-RELEASE-COM} message with release reason "unknown
/// transaction identifier", using the same (unknown) transaction identifier in the returned message."
fn unknown(transaction: Transaction) -> Route {
    let message = Message::new(Kind::CcReleaseCom, Side::Fixed, transaction);
    Route::Answer { message: message.with(&ReleaseReason::UNKNOWN_TRANSACTION), collision: false }
}
