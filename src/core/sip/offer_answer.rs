//! The order of offers and answers (RFC 3264 §4, RFC 6337 §2): who owes an answer.
//!
//! Only the order is kept here; what an offer or answer says is negotiated elsewhere. A body in an
//! unreliable 1xx is a preview of the answer and moves nothing (RFC 6337 §3.1.1).

/// Where the exchange stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exchange {
    /// Nobody owes an answer; both may offer.
    #[default]
    Stable,
    /// We offered; the other end owes the answer.
    Offered,
    /// The other end offered; we owe the answer.
    Owing,
}

/// What a session description is in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Wants an answer.
    Offer,
    /// Answers the open offer.
    Answer,
}

/// The state of the exchange in one dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OfferAnswer {
    exchange: Exchange,
    settled: bool,
}

impl OfferAnswer {
    /// A dialog whose session was agreed on before this node knew it.
    pub fn agreed() -> Self {
        Self { exchange: Exchange::Stable, settled: true }
    }

    /// Where it stands.
    pub fn exchange(&self) -> Exchange {
        self.exchange
    }

    /// Whether at least one offer was answered.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// Whether either end may offer now (RFC 3264 §4: "At any time, either agent MAY generate a new
    /// offer … However, it MUST NOT generate a new offer if it has received an offer which it has not
    /// yet answered or rejected", nor while its own is open).
    pub fn is_stable(&self) -> bool {
        self.exchange == Exchange::Stable
    }

    /// We send a description: what it is. `None` changes nothing and must not happen: see callers.
    pub fn send(&mut self) -> Meaning {
        match self.exchange {
            Exchange::Owing => {
                *self = Self::agreed();
                Meaning::Answer
            }
            Exchange::Stable | Exchange::Offered => {
                self.exchange = Exchange::Offered;
                Meaning::Offer
            }
        }
    }

    /// We received a description: what it is, or `None` when a second offer came before the first was
    /// answered and the description has no place.
    pub fn receive(&mut self) -> Option<Meaning> {
        match self.exchange {
            Exchange::Offered => {
                *self = Self::agreed();
                Some(Meaning::Answer)
            }
            Exchange::Stable => {
                self.exchange = Exchange::Owing;
                Some(Meaning::Offer)
            }
            Exchange::Owing => None,
        }
    }

    /// The open offer was refused or withdrawn: all is as before it (RFC 3261 §14.1).
    pub fn roll_back(&mut self) {
        self.exchange = Exchange::Stable;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offer_gets_one_answer() {
        let mut ours = OfferAnswer::default();
        assert_eq!((ours.send(), ours.receive()), (Meaning::Offer, Some(Meaning::Answer)));
        assert!(ours.is_stable() && ours.is_settled());
        assert_eq!((ours.receive(), ours.receive()), (Some(Meaning::Offer), None));
        assert_eq!(ours.send(), Meaning::Answer);
    }

    #[test]
    fn a_refused_offer_leaves_the_old_agreement() {
        let mut ours = OfferAnswer::agreed();
        ours.send();
        ours.roll_back();
        assert!(ours.is_stable() && ours.is_settled());
        let mut first = OfferAnswer::default();
        first.send();
        first.roll_back();
        assert!(!first.is_settled());
    }
}
