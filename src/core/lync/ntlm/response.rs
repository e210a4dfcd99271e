//! What a password becomes, and the proof of it ([MS-NLMP] §3.3.2).

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;

use super::wire::utf16;
use crate::pii::Pii;

/// NTOWFv1: the MD4 of the password. As good as the password itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NtHash(Pii<[u8; 16]>);

impl NtHash {
    /// Of a password in clear.
    pub fn of_password(password: &str) -> Self {
        Self(Pii(Md4::digest(utf16(password)).into()))
    }

    /// NTOWFv2: "HMAC_MD5(MD4(UNICODE(Passwd)), UNICODE(ConcatenationOf(Uppercase(User), UserDom)))".
    /// The domain stays as it is typed.
    pub(super) fn v2(&self, user: &str, domain: &str) -> [u8; 16] {
        hmac_md5(&self.0.0, &[&utf16(&format!("{}{domain}", upper(user)))])
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> [u8; 16] {
        self.0.0
    }
}

/// As Windows does it, character by character: what grows, such as ß, stays.
fn upper(text: &str) -> String {
    let one = |c: char| {
        let mut upper = c.to_uppercase();
        upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
    };
    text.chars().map(one).collect()
}

/// The two responses and the key that comes with them.
pub(super) struct Responses {
    pub nt: Vec<u8>,
    pub lm: [u8; 24],
    pub session_base_key: [u8; 16],
}

/// What the proof is made of besides the password.
pub(super) struct Proof<'a> {
    pub server_challenge: [u8; 8],
    pub client_challenge: [u8; 8],
    /// FILETIME.
    pub time: [u8; 8],
    pub target_info: &'a [u8],
}

impl Proof<'_> {
    /// ComputeResponse of NTLMv2. `key` is NTOWFv2.
    pub fn respond(&self, key: &[u8; 16]) -> Responses {
        // temp = Responserversion, HiResponserversion, Z(6), Time, ClientChallenge, Z(4), ServerName, Z(4)
        let head = [1, 1, 0, 0, 0, 0, 0, 0];
        let temp =
            [&head, &self.time[..], &self.client_challenge, &[0; 4], self.target_info, &[0; 4]].concat();
        let proof = hmac_md5(key, &[&self.server_challenge, &temp]);
        let lm_proof = hmac_md5(key, &[&self.server_challenge, &self.client_challenge]);
        let mut lm = [0; 24];
        lm[..16].copy_from_slice(&lm_proof);
        lm[16..].copy_from_slice(&self.client_challenge);
        let session_base_key = hmac_md5(key, &[&proof]);
        Responses { nt: [&proof[..], &temp].concat(), lm, session_base_key }
    }
}

pub(super) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

pub(super) fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    parts.iter().for_each(|part| Digest::update(&mut hash, part));
    hash.finalize().into()
}
