//! ICE in offers and answers: whose lines stand there, and what follows when both sides have them.
//!
//! A description names all candidates until the agents have chosen; from then on it names the chosen
//! pairs only. The controlling side says so by one more offer, Lync's second INVITE ([MS-ICE2] §3.1.4.2).

use serde::{Deserialize, Serialize};

use super::LocalMedia;
use crate::id::Tokens;
use crate::media::ice::agent::Local;
use crate::media::ice::candidate::{Candidate, Component};
use crate::media::ice::description::{Credentials, Description};

/// Whether a leg does ICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IceMode {
    /// Its lines are neither written nor read.
    #[default]
    Off,
    /// A peer that offers it is answered.
    Answers,
    /// We offer it too.
    Offers,
}

/// Our side of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalIce {
    /// Ours; fresh ones when the peer begins anew.
    pub(super) credentials: Credentials,
    /// Whether our first offer has it.
    pub(super) offers: bool,
    /// What the agents chose: all that descriptions show from then on.
    pub(super) settled: Option<Description>,
    /// Our addresses at relays; they stand behind our own sockets.
    #[serde(default)]
    pub(super) relayed: Vec<Candidate>,
    /// The policy leaves the way over relays and no other.
    #[serde(default)]
    pub(super) relays_alone: bool,
}

impl LocalIce {
    /// None when it is off.
    pub fn of(mode: IceMode, tokens: &mut Tokens) -> Option<Self> {
        let (offers, settled, relayed) = (mode == IceMode::Offers, None, Vec::new());
        let fresh = |tokens| Self {
            credentials: Credentials::fresh(tokens),
            offers,
            settled,
            relayed,
            relays_alone: false,
        };
        (mode != IceMode::Off).then(|| fresh(tokens))
    }

    /// The same with addresses at relays, that packets can leave from as from own sockets.
    pub fn with_relayed(self, relayed: &[Candidate]) -> Self {
        Self { relayed: relayed.to_vec(), ..self }
    }

    /// Without our own sockets, where there is a relay ([MS-ICE2BWM]: "policy restricted paths are not used").
    pub fn by_relays_alone(self, relays_alone: bool) -> Self {
        Self { relays_alone, ..self }
    }

    pub(super) fn restart(&mut self, relayed: &[Candidate], tokens: &mut Tokens) {
        self.relayed = relayed.to_vec();
        self.begin_anew(tokens);
    }

    fn begin_anew(&mut self, tokens: &mut Tokens) {
        (self.credentials, self.settled) = (Credentials::fresh(tokens), None);
    }
}

/// Both sides do ICE: what an agent is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceAgreed {
    /// Ours.
    pub credentials: Credentials,
    /// Our own sockets, then our addresses at relays.
    pub candidates: Vec<Candidate>,
    /// The peer's side.
    pub remote: Description,
    /// Whether we decide: we made the offer that began it (RFC 5245 §5.2).
    pub controlling: bool,
}

impl LocalMedia {
    /// Our own sockets as candidates, and our addresses at relays.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let relayed = self.ice.iter().flat_map(|ice| ice.relayed.iter().cloned());
        let alone = self.ice.as_ref().is_some_and(|ice| ice.relays_alone && !ice.relayed.is_empty());
        let hosts = self.host_candidates().into_iter().filter(|_| !alone);
        hosts.chain(relayed).collect()
    }

    fn host_candidates(&self) -> Vec<Candidate> {
        let port = |component| match component {
            Component::Rtp => self.port,
            Component::Rtcp => self.port.saturating_add(1),
        };
        let host = |c| Local::host(c, (self.address, port(c)).into(), 1).candidate;
        Component::ALL.into_iter().map(host).collect()
    }

    /// What our next description says, if ICE has a place in it.
    pub(super) fn ice_description(&self) -> Option<Description> {
        let ice = self.ice.as_ref()?;
        Some(ice.settled.clone().unwrap_or_else(|| Description {
            credentials: Some(ice.credentials.clone()),
            candidates: self.candidates(),
            ..Description::default()
        }))
    }

    /// Takes a peer's offer in before it is answered: a restart, or the pairs that it has chosen. `known` is
    /// what the peer said before.
    pub(super) fn meet_ice_offer(
        &mut self,
        offer: &Description,
        known: Option<&Description>,
        tokens: &mut Tokens,
    ) {
        let known_ones = self.candidates();
        let Some(ice) = &mut self.ice else { return };
        // RFC 5245 §9.2.1.1: "if the offer contained a change in the a=ice-ufrag or a=ice-pwd attributes
        // compared to the previous SDP from the peer, it indicates that ICE is restarting".
        if known.is_some_and(|known| known.credentials != offer.credentials) {
            ice.begin_anew(tokens);
        }
        if !offer.remote_candidates.is_empty() {
            ice.settled = Some(chosen_by(offer, ice, &known_ones));
        }
    }
}

/// The answer to a peer's final offer: its `a=remote-candidates` name our side of the pairs, its candidates
/// the other.
fn chosen_by(offer: &Description, ice: &LocalIce, hosts: &[Candidate]) -> Description {
    let ours = offer.remote_candidates.iter().filter_map(|(component, address)| {
        let of_component = || hosts.iter().filter(|host| host.component == *component);
        let known = of_component().find(|host| host.address == *address).or_else(|| of_component().next());
        // What the peer saw of us may be an address that we do not know.
        known.map(|host| Candidate { address: *address, ..host.clone() })
    });
    let theirs = |component| offer.candidates.iter().find(move |c| c.component == component);
    let theirs = Component::ALL.into_iter().filter_map(|c| Some((c, theirs(c)?.address)));
    Description {
        credentials: Some(ice.credentials.clone()),
        candidates: ours.collect(),
        remote_candidates: theirs.collect(),
        ..Description::default()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::media::Codec;
    use crate::media::negotiate::{Agreed, OfferAnswer};

    const SDP: &str = "application/sdp";

    fn side(number: u8, mode: IceMode) -> (OfferAnswer, Tokens) {
        let mut tokens = Tokens::new([number; 32]);
        let address = [192, 0, 2, number].into();
        let ice = LocalIce::of(mode, &mut tokens);
        let local = LocalMedia { ice, ..LocalMedia::new(address, 4000, vec![Codec::Pcma]) };
        (OfferAnswer::new(local, &mut tokens), tokens)
    }

    /// One exchange; what each side has of it, and what was said.
    fn exchange(
        (a, a_tokens): &mut (OfferAnswer, Tokens),
        (b, b_tokens): &mut (OfferAnswer, Tokens),
    ) -> (Agreed, Agreed, String, String) {
        let offer = a.offer(a_tokens);
        let (answer, at_b) = b.answer(SDP, offer.as_bytes(), None, b_tokens).unwrap();
        let at_a = a.accept_answer(SDP, answer.as_bytes()).unwrap();
        (at_a, at_b, offer, answer)
    }

    fn pair(a: [u8; 4], b: [u8; 4]) -> Vec<(Component, SocketAddr)> {
        vec![(Component::Rtp, (b, 4000).into()), (Component::Rtcp, (b, 4001).into())]
            .into_iter()
            .filter(|_| a != b)
            .collect()
    }

    #[test]
    fn both_sides_name_their_sockets_and_the_offerer_decides() {
        let (mut a, mut b) = (side(1, IceMode::Offers), side(2, IceMode::Answers));
        let (at_a, at_b, offer, answer) = exchange(&mut a, &mut b);
        assert!(offer.contains("a=candidate:1 2 UDP 2130705918 192.0.2.1 4001 typ host \r\n"), "{offer}");
        assert!(answer.contains("a=rtcp:4001\r\na=ice-ufrag:"), "{answer}");
        let (at_a, at_b) = (at_a.ice.unwrap(), at_b.ice.unwrap());
        assert_eq!((at_a.controlling, at_b.controlling), (true, false));
        assert_eq!(at_a.remote.credentials.as_ref(), Some(&at_b.credentials));
        assert_eq!(at_b.remote.candidates, at_a.candidates);
    }

    #[test]
    fn where_the_policy_leaves_relays_alone_no_own_socket_is_named() {
        let mut tokens = Tokens::new([3; 32]);
        let relayed = Local::relayed(
            Component::Rtp,
            crate::media::ice::candidate::Transport::Udp,
            "203.0.113.1:50000".parse().unwrap(),
            "192.0.2.3:4000".parse().unwrap(),
            3,
        );
        let ice = LocalIce::of(IceMode::Answers, &mut tokens);
        let ice = ice.map(|ice| ice.with_relayed(&[relayed.candidate]).by_relays_alone(true));
        let local = LocalMedia { ice, ..LocalMedia::new([192, 0, 2, 3].into(), 4000, vec![Codec::Pcma]) };
        let mut b = (OfferAnswer::new(local, &mut tokens), tokens);
        let (_, at_b, _, answer) = exchange(&mut side(1, IceMode::Offers), &mut b);
        assert!(answer.contains("typ relay") && !answer.contains("typ host"), "{answer}");
        assert_eq!(at_b.ice.unwrap().candidates.len(), 1);
    }

    #[test]
    fn the_second_offer_names_the_chosen_pairs_and_its_answer_mirrors_them() {
        let (mut a, mut b) = (side(1, IceMode::Offers), side(2, IceMode::Answers));
        exchange(&mut a, &mut b);
        let hosts = a.0.local().host_candidates();
        let chosen = Description {
            credentials: a.0.local().ice.as_ref().map(|ice| ice.credentials.clone()),
            candidates: hosts,
            remote_candidates: pair([192, 0, 2, 1], [192, 0, 2, 2]),
            ..Description::default()
        };
        a.0.settle_ice(chosen);
        let (at_a, at_b, offer, answer) = exchange(&mut a, &mut b);
        assert!(offer.contains("a=remote-candidates:1 192.0.2.2 4000 2 192.0.2.2 4001 \r\n"), "{offer}");
        assert!(answer.contains("a=remote-candidates:1 192.0.2.1 4000 2 192.0.2.1 4001 \r\n"), "{answer}");
        assert_eq!((at_a.ice.unwrap().controlling, at_b.ice.unwrap().controlling), (true, false));
        // A change of the other side later on does not turn the roles round.
        let (at_b, at_a, ..) = exchange(&mut b, &mut a);
        assert_eq!((at_a.ice.unwrap().controlling, at_b.ice.unwrap().controlling), (true, false));
    }

    #[test]
    fn a_peer_without_ice_is_not_bothered_again() {
        let (mut a, mut b) = (side(1, IceMode::Offers), side(2, IceMode::Off));
        let (at_a, at_b, _, answer) = exchange(&mut a, &mut b);
        assert_eq!((at_a.ice, at_b.ice, answer.contains("ice-")), (None, None, false));
        a.0.set_direction(crate::media::Direction::SendOnly);
        assert!(!a.0.offer(&mut a.1).contains("ice-"));
        assert!(!side(3, IceMode::Answers).0.offer(&mut a.1).contains("ice-"), "only an answerer");
    }

    #[test]
    fn a_restart_is_answered_with_fresh_credentials() {
        let (mut a, mut b) = (side(1, IceMode::Offers), side(2, IceMode::Answers));
        let (_, before, ..) = exchange(&mut a, &mut b);
        let mut other = side(3, IceMode::Offers);
        let (_, after, ..) = exchange(&mut other, &mut b);
        let (before, after) = (before.ice.unwrap(), after.ice.unwrap());
        assert_ne!(before.credentials, after.credentials);
        assert!(!after.controlling);
    }
}
