//! The sums of authentication (EN 300 175-7, 6.3.3.3, 6.3.3.4, 6.5.6.3).

use super::{Mm, Out, Output};
use crate::dect::dsaa2::{authenticate_fixed, authenticate_portable, session_key};
use crate::dect::element::{AllocationType, AuthAlgorithm, AuthType, KeyKind, Rand, RejectReason, Res, Rs};
use crate::dect::key::{AccessCode, CipherKey, Key, Uak, same};
use crate::dect::message::{Kind, Message};
use crate::id::Tokens;

/// Number of the keys we make: related to the IPUI/PARK pair (bit 4), as handsets expect.
pub(super) const KEY_NUMBER: u8 = 8;

/// What the fixed side has thrown into an authentication of the portable side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    key: Key,
    rs128: [u8; 16],
    rand_f: [u8; 8],
}

impl Challenge {
    /// A fresh one: "a random number RS128 not used before", "a random value, RAND_F, used only once".
    pub(super) fn new(key: Key, tokens: &mut Tokens) -> Self {
        let (rs128, rand_f) = random(tokens);
        Self { key, rs128, rand_f }
    }

    pub(super) fn rand(&self) -> Rand {
        Rand(self.rand_f)
    }

    pub(super) fn rs(&self) -> Rs {
        Rs::Rs128(self.rs128)
    }

    /// The cipher key, when the answer is right. DSAA2 needs the other side's RAND_P.
    pub(super) fn check(&self, answer: Option<Res>, rand_p: Option<Rand>) -> Option<CipherKey> {
        let (answer, Rand(rand_p)) = (answer?, rand_p?);
        let ks = session_key(&self.key, &self.rs128);
        let (expected, dck) = authenticate_portable(&ks, self.rand_f, rand_p);
        same(expected, answer).then_some(dck)
    }
}

fn random(tokens: &mut Tokens) -> ([u8; 16], [u8; 8]) {
    let (first, second) = (tokens.bytes(), tokens.bytes());
    let (mut rs128, mut rand_f) = ([0; 16], [0; 8]);
    rs128.copy_from_slice(&first[..16]);
    rand_f.copy_from_slice(&second[..8]);
    (rs128, rand_f)
}

/// The fixed side's proof, and the key it makes: {AUTHENTICATION-REPLY} with RES2, RAND_F and a fresh
/// RS128, which "shall be always freshly generated" in key allocation (6.5.6.3).
fn prove(key: &Key, reply: Message, rand_p: Rand, tokens: &mut Tokens) -> (Message, Uak) {
    let (rs128, rand_f) = random(tokens);
    let ks = session_key(key, &rs128);
    let res2 = authenticate_fixed(&ks, rand_p.0, rand_f);
    let reply = reply.with(&Rand(rand_f)).with(&res2).with(&Rs::Rs128(rs128));
    (reply, Uak::allocated(&ks))
}

impl Mm {
    /// {AUTHENTICATION-REQUEST} of the portable side: priority 1, answered at once (13.3.3).
    pub(super) fn authenticate_us(&mut self, request: &Message, ready: &mut Out) {
        let (Some(auth_type), Some(rand_p)) = (request.get::<AuthType>(), request.get::<Rand>()) else {
            return;
        };
        let answer = match self.key_for(&auth_type) {
            Ok(key) => prove(&key, request.answer(Kind::AuthenticationReply), rand_p, &mut self.tokens).0,
            Err(reason) => {
                let other = AuthType::new(AuthAlgorithm::DSAA2, KeyKind::UAK, KEY_NUMBER);
                request.answer(Kind::AuthenticationReject).with(&other).with(&reason)
            }
        };
        ready.then.push(Output::Send(answer));
    }

    fn key_for(&self, auth_type: &AuthType) -> Result<Key, RejectReason> {
        match (auth_type.algorithm, auth_type.key, &self.keys) {
            (AuthAlgorithm::DSAA2, KeyKind::UAK, keys) => match &keys.uak {
                Some((number, uak)) if *number == auth_type.key_number => Ok(Key::of_uak(uak)),
                _ => Err(RejectReason::AUTHENTICATION_KEY_NOT_SUPPORTED),
            },
            (AuthAlgorithm::DSAA2, ..) => Err(RejectReason::AUTHENTICATION_KEY_NOT_SUPPORTED),
            _ => Err(RejectReason::AUTHENTICATION_ALGORITHM_NOT_SUPPORTED),
        }
    }

    /// {KEY-ALLOCATE} for this code.
    pub(super) fn allocation(&mut self, code: &AccessCode) -> (Message, Challenge) {
        let challenge = Challenge::new(Key::of_code(code), &mut self.tokens);
        let (algorithm, uak_number) = (AuthAlgorithm::DSAA2, KEY_NUMBER);
        let message = Message::begin(Kind::KeyAllocate)
            .with(&AllocationType { algorithm, uak_number, ac_number: KEY_NUMBER })
            .with(&challenge.rand())
            .with(&challenge.rs());
        (message, challenge)
    }

    /// The second half of key allocation (13.6): checks RES1 and answers with RES2 and the new key, or says
    /// which way of failing it is.
    pub(super) fn allocate(
        &mut self,
        challenge: &Challenge,
        code: &AccessCode,
        request: &Message,
    ) -> Result<(Message, Uak), RejectReason> {
        let algorithm = request.get::<AuthType>().map(|auth_type| auth_type.algorithm);
        if algorithm != Some(AuthAlgorithm::DSAA2) {
            return Err(RejectReason::AUTHENTICATION_ALGORITHM_NOT_SUPPORTED);
        }
        let rand_p = request.get::<Rand>().ok_or(RejectReason::ELEMENT_ERROR)?;
        match challenge.check(request.get(), Some(rand_p)) {
            Some(_) => {
                let reply = request.answer(Kind::AuthenticationReply);
                Ok(prove(&Key::of_code(code), reply, rand_p, &mut self.tokens))
            }
            None => Err(RejectReason::AUTHENTICATION_FAILED),
        }
    }
}
