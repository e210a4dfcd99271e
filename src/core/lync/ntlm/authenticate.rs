//! AUTHENTICATE, the client's message ([MS-NLMP] §2.2.1.3, §3.1.5.2.1).

use super::mac::MacKeys;
use super::rc4::Rc4;
use super::response::{NtHash, Proof, Responses, hmac_md5};
use super::wire::{MessageFault, Reader, Writer, utf16};
use super::{Challenge, Flags};
use crate::id::Tokens;
use crate::lync::hex::equal_in_constant_time;
use crate::pii::Pii;
use crate::timer::Moment;

const TYPE: u32 = 3;
/// Head with the version field and without a MIC, as the clients of Lync send it.
const HEAD: usize = 72;
/// Where a MIC stands when there is one.
const MIC_AT: usize = 72;
const HEAD_WITH_MIC: usize = 88;
/// "5.2.3790, revision 15": what Communicator sends; servers only log it.
const VERSION: [u8; 8] = [0x05, 0x02, 0xce, 0x0e, 0, 0, 0, 0x0f];
/// Seconds from 1601, where FILETIME begins, to 1970.
const FILETIME_EPOCH: u64 = 11_644_473_600;

/// What we insist on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NtlmPolicy {
    /// Send a MIC over both messages when the server sent a timestamp. Front ends take the message
    /// without; [MS-NLMP] recommends it.
    pub mic: bool,
    /// Sign by the old CRC when the server has no extended session security (OCS 2007).
    pub plain_signatures: bool,
    /// The connection-oriented form, which begins with NEGOTIATE (HTTP).
    pub connected: bool,
}

/// What the client sends, read or to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticate {
    /// What is agreed.
    pub flags: Flags,
    /// Domain of the user, possibly empty: then the server takes its own.
    pub domain: String,
    /// Name of the user.
    pub user: String,
    /// Name of the machine, for the server's log.
    pub workstation: String,
    /// LMv2 response, 24 bytes.
    pub lm_response: Vec<u8>,
    /// NTLMv2 response: proof and what it is over.
    pub nt_response: Pii<Vec<u8>>,
    /// The exported session key, encrypted.
    pub session_key: Pii<Vec<u8>>,
    /// Version of the sender, for people.
    pub version: [u8; 8],
    /// Over CHALLENGE and this message.
    pub mic: Option<[u8; 16]>,
}

impl Authenticate {
    /// Answers a challenge; gives the message and the keys that both ends sign with afterwards.
    ///
    /// # Errors
    ///
    /// The server lacks what signing needs.
    pub fn answer(
        challenge_bytes: &[u8],
        who: (&str, &str, &NtHash),
        policy: NtlmPolicy,
        now: Moment,
        tokens: &mut Tokens,
    ) -> Result<(Vec<u8>, MacKeys), MessageFault> {
        let challenge = Challenge::parse(challenge_bytes)?;
        let secret = tokens.bytes();
        let chosen = Chosen {
            client_challenge: first(&secret),
            exported_key: first(&tokens.bytes()),
            time: challenge.timestamp().unwrap_or_else(|| filetime(now)),
            workstation: "KIRKWALL",
        };
        Self::answer_with(challenge_bytes, who, policy, chosen)
    }

    /// The same with everything chosen by the caller.
    pub(super) fn answer_with(
        challenge_bytes: &[u8],
        (domain, user, hash): (&str, &str, &NtHash),
        policy: NtlmPolicy,
        chosen: Chosen<'_>,
    ) -> Result<(Vec<u8>, MacKeys), MessageFault> {
        let challenge = Challenge::parse(challenge_bytes)?;
        let flags = agree(challenge.flags, policy)?;
        let stamped = challenge.timestamp().is_some();
        let with_mic = policy.mic && stamped;
        let target_info = match with_mic {
            true => challenge.target_info_with_mic(),
            false => challenge.target_info.clone(),
        };
        let Responses { nt, lm, session_base_key } = Proof {
            server_challenge: challenge.server_challenge,
            client_challenge: chosen.client_challenge,
            time: chosen.time,
            target_info: &target_info,
        }
        .respond(&hash.v2(user, domain));
        let message = Self {
            flags,
            domain: domain.to_owned(),
            user: user.to_owned(),
            workstation: chosen.workstation.to_owned(),
            // §3.1.5.1.2: with MsvAvTimestamp "the client SHOULD NOT send the LmChallengeResponse and
            // SHOULD set [it to] Z(24) instead".
            lm_response: if stamped { vec![0; 24] } else { lm.to_vec() },
            nt_response: Pii(nt),
            // KXKEY for NTLMv2 is the session base key (§3.4.5.1).
            session_key: Pii(Rc4::new(&session_base_key).apply(&chosen.exported_key)),
            version: VERSION,
            mic: with_mic.then_some([0; 16]),
        };
        let mut bytes = message.encode();
        if with_mic {
            // §3.1.5.1.2: "HMAC_MD5(ExportedSessionKey, ConcatenationOf(NEGOTIATE_MESSAGE,
            // CHALLENGE_MESSAGE, AUTHENTICATE_MESSAGE))"; there is no NEGOTIATE here.
            let mic = hmac_md5(&chosen.exported_key, &[challenge_bytes, &bytes]);
            bytes[MIC_AT..HEAD_WITH_MIC].copy_from_slice(&mic);
        }
        Ok((bytes, MacKeys::new(chosen.exported_key, flags)))
    }

    /// The server's side: the keys of the session, when the proof fits the password.
    pub fn verify(&self, challenge: &Challenge, hash: &NtHash) -> Option<MacKeys> {
        let key = hash.v2(&self.user, &self.domain);
        let (sent, temp) = self.nt_response.0.split_at_checked(16)?;
        let proof = hmac_md5(&key, &[&challenge.server_challenge, temp]);
        let base = hmac_md5(&key, &[&proof]);
        let exported: [u8; 16] = Rc4::new(&base).apply(&self.session_key.0).try_into().ok()?;
        equal_in_constant_time(sent, &proof).then(|| MacKeys::new(exported, self.flags))
    }

    /// Reads the message. A MIC is seen by the room that the head leaves for it.
    ///
    /// # Errors
    ///
    /// It is another message, or a field lies outside of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageFault> {
        const PLACES: [(usize, &str); 6] = [
            (12, "LmChallengeResponse"),
            (20, "NtChallengeResponse"),
            (28, "DomainName"),
            (36, "UserName"),
            (44, "Workstation"),
            (52, "EncryptedRandomSessionKey"),
        ];
        let reader = Reader::of_type(bytes, TYPE)?;
        let mut first_payload = bytes.len();
        for (at, field) in PLACES {
            let (len, offset) = reader.place(at, field)?;
            first_payload = if len > 0 { first_payload.min(offset) } else { first_payload };
        }
        let payload = |n: usize| reader.payload(PLACES[n].0, PLACES[n].1);
        let text = |n: usize| reader.text(PLACES[n].0, PLACES[n].1);
        let flags = reader.flags(60)?;
        let version = match flags.has(Flags::VERSION) {
            true => reader.array(64, "Version")?,
            false => [0; 8],
        };
        let mic = (first_payload >= HEAD_WITH_MIC).then(|| reader.array(MIC_AT, "MIC")).transpose()?;
        Ok(Self {
            flags,
            domain: text(2)?,
            user: text(3)?,
            workstation: text(4)?,
            lm_response: payload(0)?.to_vec(),
            nt_response: Pii(payload(1)?.to_vec()),
            session_key: Pii(payload(5)?.to_vec()),
            version,
            mic,
        })
    }

    /// The message as bytes: domain, user, workstation, LM, NT, key, in the order of Communicator.
    pub fn encode(&self) -> Vec<u8> {
        let head = if self.mic.is_some() { HEAD_WITH_MIC } else { HEAD };
        let mut writer = Writer::of_type(TYPE, head);
        let domain = writer.payload(&utf16(&self.domain));
        let user = writer.payload(&utf16(&self.user));
        let workstation = writer.payload(&utf16(&self.workstation));
        let lm = writer.payload(&self.lm_response);
        let nt = writer.payload(&self.nt_response.0);
        let key = writer.payload(&self.session_key.0);
        [lm, nt, domain, user, workstation, key].into_iter().for_each(|place| writer.refer(place));
        writer.put(&self.flags.0.to_le_bytes());
        writer.put(&self.version);
        writer.put(&self.mic.unwrap_or_default());
        writer.finish()
    }
}

/// What the client chooses freely, and the time.
pub(super) struct Chosen<'a> {
    pub client_challenge: [u8; 8],
    pub exported_key: [u8; 16],
    pub time: [u8; 8],
    pub workstation: &'a str,
}

/// The flags we answer with, if the server can do what we need.
fn agree(offered: Flags, policy: NtlmPolicy) -> Result<Flags, MessageFault> {
    let needed = [
        (Flags::UNICODE, "NTLMSSP_NEGOTIATE_UNICODE"),
        (Flags::NTLM, "NTLMSSP_NEGOTIATE_NTLM"),
        (Flags::SIGN, "NTLMSSP_NEGOTIATE_SIGN"),
        (Flags::DATAGRAM, "NTLMSSP_NEGOTIATE_DATAGRAM"),
        (Flags::TARGET_INFO, "NTLMSSP_NEGOTIATE_TARGET_INFO"),
        (Flags::KEY_128, "NTLMSSP_NEGOTIATE_128"),
        (Flags::KEY_EXCHANGE, "NTLMSSP_NEGOTIATE_KEY_EXCH"),
    ];
    let flags = offered.0;
    let is_needed = |flag: Flags| !(policy.connected && flag == Flags::DATAGRAM);
    if let Some((_, lacking)) = needed.into_iter().find(|(flag, _)| is_needed(*flag) && !offered.has(*flag)) {
        return Err(MessageFault::Lacks { flags, lacking });
    }
    let ours = if policy.connected { Flags::OURS.without(Flags::DATAGRAM) } else { Flags::OURS };
    match (offered.has(Flags::EXTENDED_SESSION_SECURITY), policy.plain_signatures) {
        (true, _) => Ok(ours),
        (false, true) => Ok(ours.without(Flags::EXTENDED_SESSION_SECURITY)),
        (false, false) => {
            Err(MessageFault::Lacks { flags, lacking: "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY" })
        }
    }
}

fn first<const N: usize>(bytes: &[u8; 32]) -> [u8; N] {
    std::array::from_fn(|n| bytes[n])
}

/// Hundreds of nanoseconds since 1601.
pub(super) fn filetime(now: Moment) -> [u8; 8] {
    let ticks = now.as_micros().saturating_add(FILETIME_EPOCH * 1_000_000).saturating_mul(10);
    ticks.to_le_bytes()
}
