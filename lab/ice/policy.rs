//! A bandwidth policy server behind a media relay ([MS-TURNBWM] §3.3): one link, over which so many calls go.

use std::collections::HashSet;

use super::stun::{Parsed, read_address};

mod attribute {
    pub const SERVICE_QUALITY: u16 = 0x8055;
    pub const MESSAGE: u16 = 0x8056;
    pub const RESERVATION: u16 = 0x8057;
    pub const AMOUNT: u16 = 0x8058;
    pub const REMOTE_SITE: u16 = 0x8059;
    pub const REMOTE_RELAY: u16 = 0x805A;
    pub const LOCAL_SITE: u16 = 0x805B;
    pub const LOCAL_RELAY: u16 = 0x805C;
    pub const REMOTE_SITE_ANSWER: u16 = 0x805D;
    pub const REMOTE_RELAY_ANSWER: u16 = 0x805E;
    pub const LOCAL_SITE_ANSWER: u16 = 0x805F;
    pub const LOCAL_RELAY_ANSWER: u16 = 0x8060;
    pub const CALL_ID: u16 = 0x8062;
    pub const LOCATION: u16 = 0x8068;
}

/// Most faults that are kept.
const MOST_FAULTS: usize = 8;

/// What a story asks of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policed {
    /// Reservations that stand.
    pub held: usize,
    /// Checks so far.
    pub checks: u64,
    /// Reservations that were renewed, as often as they were.
    pub renewals: u64,
    /// What clients did wrong.
    pub faults: Vec<String>,
}

/// What becomes of calls that the link has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detour {
    /// They are refused.
    #[default]
    None,
    /// They may go over the PSTN.
    Pstn,
    /// They may go over the relays of both ends.
    Relays,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Policy {
    most: usize,
    detour: Detour,
    held: HashSet<[u8; 16]>,
    checks: u64,
    renewals: u64,
    faults: Vec<String>,
}

impl Policy {
    pub fn new(most: usize, detour: Detour) -> Self {
        Self { most, detour, held: HashSet::new(), checks: 0, renewals: 0, faults: Vec::new() }
    }

    pub fn policed(&self) -> Policed {
        let (held, checks, renewals) = (self.held.len(), self.checks, self.renewals);
        Policed { held, checks, renewals, faults: self.faults.clone() }
    }

    /// What the answer to an Allocate carries besides.
    pub fn take(&mut self, request: &Parsed<'_>) -> Vec<(u16, Vec<u8>)> {
        match request.number(attribute::MESSAGE) {
            None => Vec::new(),
            Some(0) => self.check(request),
            Some(1) => self.commit(request),
            Some(2) => self.update(request),
            Some(other) => {
                self.fault(format!("bandwidth admission control message {other}"));
                Vec::new()
            }
        }
    }

    fn check(&mut self, request: &Parsed<'_>) -> Vec<(u16, Vec<u8>)> {
        self.checks += 1;
        self.must_have(request, &[attribute::LOCAL_SITE, attribute::CALL_ID]);
        let valid = self.held.len() < self.most;
        let flags = u32::from(valid) << 31 | u32::from(!valid && self.detour == Detour::Pstn) << 30;
        let site = |flags: u32| [flags, 100, 100].map(u32::to_be_bytes).concat();
        let mut answer = vec![
            (attribute::REMOTE_SITE_ANSWER, site(flags)),
            (attribute::LOCAL_SITE_ANSWER, site(1 << 31)),
            (attribute::LOCAL_RELAY_ANSWER, site(1 << 31)),
        ];
        if request.get(attribute::REMOTE_RELAY).is_some() {
            // The peer's relay is behind the same link, unless relays have one of their own.
            let valid = valid || self.detour == Detour::Relays;
            answer.push((attribute::REMOTE_RELAY_ANSWER, site(u32::from(valid) << 31)));
        }
        answer
    }

    fn commit(&mut self, request: &Parsed<'_>) -> Vec<(u16, Vec<u8>)> {
        self.must_have(request, &[attribute::LOCAL_SITE]);
        let by_relays = [attribute::LOCAL_RELAY, attribute::REMOTE_RELAY];
        let detours =
            self.detour == Detour::Relays && by_relays.iter().all(|name| request.get(*name).is_some());
        if self.held.len() >= self.most && !detours {
            return Vec::new();
        }
        let id: [u8; 16] = rand::random();
        self.held.insert(id);
        let amount = request.get(attribute::AMOUNT).unwrap_or_default().to_vec();
        vec![(attribute::RESERVATION, id.to_vec()), (attribute::AMOUNT, amount)]
    }

    /// "If the client sends a Reservation Update with the bandwidth values set to zero, the server treats the message
    /// as a cancellation" (§2.2.3).
    fn update(&mut self, request: &Parsed<'_>) -> Vec<(u16, Vec<u8>)> {
        let id = request.get(attribute::RESERVATION).and_then(|id| id.try_into().ok());
        let known = id.is_some_and(|id: [u8; 16]| self.held.contains(&id));
        if !known {
            self.fault("an update of what was not reserved".to_owned());
        }
        let zero = |amount: &[u8]| amount.iter().all(|octet| *octet == 0);
        match request.get(attribute::AMOUNT).is_some_and(zero) {
            true => drop(id.map(|id| self.held.remove(&id))),
            false => self.renewals += u64::from(known),
        }
        Vec::new()
    }

    /// §3.3.5.1 and §3.3.5.2: what a request MUST include.
    fn must_have(&mut self, request: &Parsed<'_>, more: &[u16]) {
        let always =
            [attribute::AMOUNT, attribute::REMOTE_SITE, attribute::LOCATION, attribute::SERVICE_QUALITY];
        for name in always.iter().chain(more) {
            if request.get(*name).is_none() {
                self.fault(format!("a request lacks {name:#06x}"));
            }
        }
        let amount = request.get(attribute::AMOUNT).map(<[u8]>::len);
        if amount.is_some_and(|length| length != 16) {
            self.fault("an amount is not four numbers".to_owned());
        }
        let site = request.get(attribute::REMOTE_SITE).map(read_address);
        if site.is_some_and(|site| site.is_none()) {
            self.fault("a site is no address".to_owned());
        }
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(what);
        }
    }
}
