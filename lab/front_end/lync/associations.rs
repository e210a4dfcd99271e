//! The table of security associations, and which one a message belongs to.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use super::dsk;
use super::window::Window;
use crate::ntlm::{self, Direction};
use crate::sip::{Hop, Message, address};

/// Most handshakes that are under way; further ones push the oldest out.
const MAX_HANDSHAKES: usize = 8_192;
/// Most security associations.
const MAX_ASSOCIATIONS: usize = 32_768;

/// Whom an association is with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Endpoint {
    pub(super) connection: Option<u64>,
    /// User part of the address of record, lower case.
    pub(super) user: String,
    pub(super) epid: String,
}

/// A CHALLENGE that waits for its answer.
pub(super) struct Handshake {
    pub(super) endpoint: Endpoint,
    pub(super) server_challenge: [u8; 8],
}

/// What signs, by either scheme.
pub(super) enum Keys {
    Ntlm(ntlm::Keys),
    Dsk(dsk::Keys),
}

impl Keys {
    pub(super) const fn scheme(&self) -> &'static str {
        match self {
            Self::Ntlm(_) => "NTLM",
            Self::Dsk(_) => "TLS-DSK",
        }
    }

    pub(super) fn sign(&self, direction: Direction, text: &str) -> String {
        match self {
            Self::Ntlm(keys) => keys.sign(direction, text),
            Self::Dsk(keys) => keys.sign(direction, text),
        }
    }

    pub(super) fn verifies(&self, direction: Direction, text: &str, mac: &str) -> bool {
        match self {
            Self::Ntlm(keys) => keys.verifies(direction, text, mac),
            Self::Dsk(keys) => keys.sign(direction, text).eq_ignore_ascii_case(mac),
        }
    }
}

/// What a finished handshake leaves.
pub(super) struct Association {
    pub(super) opaque: String,
    pub(super) endpoint: Endpoint,
    pub(super) version: u8,
    pub(super) keys: Keys,
    pub(super) heard: Window,
    /// The last snum.
    pub(super) said: u32,
    pub(super) until: Instant,
}

/// See the module.
#[derive(Default)]
pub(super) struct Table {
    /// By opaque.
    handshakes: HashMap<String, Handshake>,
    /// Their opaques, oldest first.
    order: VecDeque<String>,
    /// By opaque.
    associations: HashMap<String, Association>,
    /// Opaque by endpoint.
    endpoints: HashMap<Endpoint, String>,
}

impl Table {
    pub(super) fn keep(&mut self, opaque: String, handshake: Handshake) {
        if self.order.len() >= MAX_HANDSHAKES
            && let Some(oldest) = self.order.pop_front()
        {
            self.handshakes.remove(&oldest);
        }
        self.order.push_back(opaque.clone());
        self.handshakes.insert(opaque, handshake);
    }

    pub(super) fn take_handshake(&mut self, opaque: &str) -> Option<Handshake> {
        self.handshakes.remove(opaque)
    }

    /// Sets an association up in place of an older one with the same endpoint; false when there are too
    /// many.
    pub(super) fn associate(&mut self, association: Association) -> bool {
        if let Some(old) = self.endpoints.get(&association.endpoint) {
            self.associations.remove(old);
        }
        if self.associations.len() >= MAX_ASSOCIATIONS {
            return false;
        }
        self.endpoints.insert(association.endpoint.clone(), association.opaque.clone());
        self.associations.insert(association.opaque.clone(), association);
        true
    }

    pub(super) fn of_opaque(&mut self, opaque: &str) -> Option<&mut Association> {
        self.associations.get_mut(opaque)
    }

    /// The association with an endpoint. A message within a dialog may name the endpoint by another user
    /// or by no epid: then what its connection knows decides.
    pub(super) fn of_endpoint(&mut self, endpoint: &Endpoint) -> Option<&mut Association> {
        let opaque = self.endpoints.get(endpoint).or_else(|| {
            let near = |one: &&Endpoint| {
                one.connection == endpoint.connection
                    && if endpoint.epid.is_empty() {
                        one.user == endpoint.user
                    } else {
                        one.epid == endpoint.epid
                    }
            };
            self.endpoints.keys().find(near).and_then(|near| self.endpoints.get(near))
        })?;
        self.associations.get_mut(opaque)
    }

    /// A connection is gone, and what stood on it.
    pub(super) fn forget(&mut self, connection: u64) {
        let stays = |endpoint: &Endpoint| endpoint.connection != Some(connection);
        self.handshakes.retain(|_, handshake| stays(&handshake.endpoint));
        self.associations.retain(|_, association| stays(&association.endpoint));
        self.endpoints.retain(|endpoint, _| stays(endpoint));
    }

    pub(super) fn len(&self) -> usize {
        self.associations.len()
    }
}

/// The client that a message came from: From of its requests, To of its answers.
pub(super) fn sender(message: &Message, hop: &Hop) -> Endpoint {
    endpoint(message, if message.code().is_some() { "To" } else { "From" }, hop)
}

/// The client that a message goes to.
pub(super) fn receiver(message: &Message, hop: &Hop) -> Endpoint {
    endpoint(message, if message.code().is_some() { "From" } else { "To" }, hop)
}

fn endpoint(message: &Message, header: &str, hop: &Hop) -> Endpoint {
    let value = message.header(header).unwrap_or("");
    Endpoint {
        connection: hop.connection,
        user: message.user_of(header).unwrap_or_default().to_lowercase(),
        epid: address::param(value, "epid").unwrap_or("").to_owned(),
    }
}
