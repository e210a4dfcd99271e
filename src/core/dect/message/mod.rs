//! S-format messages: who says what in which transaction (EN 300 175-5, clauses 6.3 and 7).
//!
//! What comes in passes [`receive`], which applies clause 17: the message that leaves it holds nothing but
//! elements its table allows, in the places and number allowed, with contents their types can read.

use std::fmt;

use super::element::{Coding, Element, Tag, join};

mod fault;
mod kind;
mod receive;
mod table;

pub use fault::{Fault, Ignored};
pub use kind::{Kind, Protocol, Senders, Side};
pub use receive::{MAX_OCTETS, SetAside, Why, receive};
pub use table::{Presence, Row};

/// What tells one conversation of a protocol from another on one link (7.3).
///
/// "The same TV can be used for two simultaneous transactions that are originated from opposite sides", so
/// who began it is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transaction {
    /// Which protocol's.
    pub protocol: Protocol,
    /// The transaction value, 0 to [`Protocol::highest_value`].
    pub value: u8,
    /// Who sent the first message.
    pub starter: Side,
}

impl Transaction {
    /// One of this protocol, with the value most have.
    pub fn first(protocol: Protocol, starter: Side) -> Self {
        Self { protocol, value: 0, starter }
    }
}

/// One message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Who sends it.
    pub from: Side,
    /// In which conversation.
    pub transaction: Transaction,
    /// Which one.
    pub kind: Kind,
    elements: Vec<Element>,
    set_aside: Vec<SetAside>,
}

impl Message {
    /// An empty one.
    pub fn new(kind: Kind, from: Side, transaction: Transaction) -> Self {
        Self { from, transaction, kind, elements: Vec::new(), set_aside: Vec::new() }
    }

    /// An empty one from the fixed side in a conversation it begins.
    pub fn begin(kind: Kind) -> Self {
        Self::new(kind, Side::Fixed, Transaction::first(kind.protocol(), Side::Fixed))
    }

    /// An empty one back to who sent this, in the same conversation.
    pub fn answer(&self, kind: Kind) -> Self {
        Self::new(kind, self.from.other(), self.transaction)
    }

    /// The same with an element, put where its table has it.
    pub fn with<T: Coding>(self, value: &T) -> Self {
        self.with_element(Element::of(value))
    }

    /// The same with an element if there is one.
    pub fn with_some<T: Coding>(self, value: Option<&T>) -> Self {
        match value {
            Some(value) => self.with(value),
            None => self,
        }
    }

    /// The same with an element that has no contents.
    pub fn with_flag(self, tag: Tag) -> Self {
        self.with_element(Element::flag(tag))
    }

    /// The same with a list of elements after its repeat indicator; one alone needs none.
    pub fn with_list<T: Coding>(mut self, indicator: Tag, values: &[T]) -> Self {
        debug_assert!(values.len() < 2 || self.kind.allows_list(T::TAG, self.from), "{self:?}: no list");
        let place = self.place_for(T::TAG);
        let indicator = (values.len() > 1).then(|| Element::flag(indicator));
        self.elements.splice(place..place, indicator.into_iter().chain(values.iter().map(Element::of)));
        self
    }

    /// The same with an element as it is, put where its table has it. What the table does not allow is
    /// left out: we keep to the standard even where we err.
    pub fn with_element(mut self, element: Element) -> Self {
        debug_assert!(self.kind.allows(element.tag, self.from), "{self:?} has no {}", element.tag);
        if self.kind.allows(element.tag, self.from) {
            let place = self.place_for(element.tag);
            self.elements.insert(place, element);
        }
        self
    }

    fn place_for(&self, tag: Tag) -> usize {
        let order = |tag: Tag| self.kind.place(tag).unwrap_or(usize::MAX);
        let after = |element: &Element| !element.tag.is_repeat_indicator() && order(element.tag) > order(tag);
        let place = self.elements.iter().position(after).unwrap_or(self.elements.len());
        match place.checked_sub(1).map(|before| self.elements[before].tag.is_repeat_indicator()) {
            Some(true) => place - 1,
            _ => place,
        }
    }

    /// What an element means. `None` when it is absent, empty or of contents that cannot be read.
    pub fn get<T: Coding>(&self) -> Option<T> {
        self.all::<T>().next()
    }

    /// What all elements of a list mean.
    pub fn all<T: Coding>(&self) -> impl Iterator<Item = T> {
        self.elements.iter().filter(|e| !e.is_empty()).filter_map(|e| e.read::<T>()?.ok())
    }

    /// Whether an element is there, empty or not.
    pub fn has(&self, tag: Tag) -> bool {
        self.elements.iter().any(|element| element.tag == tag)
    }

    /// Its elements.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// What [`receive`] left out, for the log.
    pub fn set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// A mandatory element that is not there.
    pub fn missing(&self) -> Option<Tag> {
        let absent = |row: &&Row| {
            !self.elements.iter().any(|e| e.tag == row.tag && (row.may_be_empty || !e.is_empty()))
        };
        self.kind.mandatory(self.from).find(absent).map(|row| row.tag)
    }

    /// Its octets.
    pub fn encode(&self) -> Vec<u8> {
        // "F = 0 for message from transaction originator, F = 1 for message from transaction destination".
        let flag = u8::from(self.from != self.transaction.starter);
        let value = self.transaction.value & 7;
        let mut octets = vec![flag << 7 | value << 4 | self.transaction.protocol.code(), self.kind.code()];
        self.elements.iter().for_each(|element| join(element, &mut octets));
        octets
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transaction { value, starter, .. } = self.transaction;
        write!(f, "{} from {:?} in {value} of {starter:?} {:?}", self.kind, self.from, self.elements)
    }
}

#[cfg(test)]
mod tests;
