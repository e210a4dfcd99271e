//! The calls into libsrtp: the only place that touches its pointers.
//!
//! The `srtp` crate covers no MKI, so a session is made by libsrtp's own interface here, with the
//! crate's initialisation and error type. Version 2.3.0 computes lengths of received packets without
//! checking them against tag and MKI; callers pass only packets long enough (see [`Session::run`]).

use std::ffi::{c_int, c_uint, c_void};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use srtp::Error;
use srtp2_sys as sys;

/// Room that must be free behind a packet that is protected, in octets.
pub(super) const TRAILER: usize = sys::SRTP_MAX_TRAILER_LEN as usize + 4;

/// Octets of master key and salt, for both suites.
pub(super) const MASTER: usize = 30;

/// Longest MKI, in octets (RFC 4568 §6.1 allows 128).
pub(super) const MKI_MAX: usize = sys::SRTP_MAX_MKI_LEN as usize;

/// Which way a session works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Opens what a peer sends.
    In,
    /// Protects what we send.
    Out,
}

/// One libsrtp session with one master key for any SSRC.
pub(super) struct Session {
    raw: NonNull<sys::srtp_ctx_t>,
    short_tag: bool,
    key: Box<[u8; MASTER]>,
    mki: Box<[u8]>,
}

// SAFETY: a session has no tie to the thread that made it; libsrtp's only global state is set up once
// by `srtp::ensure_init`. It is not `Sync`, and every operation takes `&mut self`.
unsafe impl Send for Session {}

/// What libsrtp is to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Protect,
    ProtectControl,
    Unprotect,
    UnprotectControl,
}

impl Session {
    /// A session whose RTP has a tag of 32 bits when `short_tag`, else of 80; RTCP always 80.
    pub(super) fn new(way: Way, short_tag: bool, key: &[u8; MASTER], mki: &[u8]) -> Result<Session, Error> {
        srtp::ensure_init();
        let mut session =
            Session { raw: NonNull::dangling(), short_tag, key: Box::new(*key), mki: mki.into() };
        let kind = match way {
            Way::In => sys::srtp_ssrc_type_t_ssrc_any_inbound,
            Way::Out => sys::srtp_ssrc_type_t_ssrc_any_outbound,
        };
        let mut made: sys::srtp_t = ptr::null_mut();
        // SAFETY: the policy and the key behind it live through the call, and libsrtp copies both.
        let outcome = session.with_policy(kind, 0, |policy| unsafe { sys::srtp_create(&mut made, policy) });
        match (Error::check(outcome), NonNull::new(made)) {
            (Ok(()), Some(raw)) => {
                session.raw = raw;
                Ok(session)
            }
            (refusal, _) => {
                // There is nothing to free: `raw` never pointed anywhere.
                std::mem::forget(session);
                Err(refusal.err().unwrap_or(Error::ALLOC_FAIL))
            }
        }
    }

    /// Works on the first `len` octets of `packet` in place; gives the new length.
    ///
    /// For `Unprotect*` the caller has made sure that `len` covers header, MKI and tag. For `Protect*`
    /// this refuses a `packet` without [`TRAILER`] octets behind `len`.
    pub(super) fn run(&mut self, work: Work, packet: &mut [u8], len: usize) -> Result<usize, Error> {
        let room = match work {
            Work::Protect | Work::ProtectControl => TRAILER,
            Work::Unprotect | Work::UnprotectControl => 0,
        };
        if packet.len() < len + room || len > c_int::MAX as usize {
            return Err(Error::BAD_PARAM);
        }
        let mut length = len as c_int;
        let (raw, data) = (self.raw.as_ptr(), packet.as_mut_ptr().cast::<c_void>());
        let use_mki = !self.mki.is_empty() as c_uint;
        // SAFETY: `raw` came from srtp_create and lives until drop; `data` points to `length` octets,
        // and for protection to TRAILER more, all within `packet`.
        let outcome = unsafe {
            match work {
                Work::Protect => sys::srtp_protect_mki(raw, data, &mut length, use_mki, 0),
                Work::ProtectControl => sys::srtp_protect_rtcp_mki(raw, data, &mut length, use_mki, 0),
                Work::Unprotect => sys::srtp_unprotect_mki(raw, data, &mut length, use_mki),
                Work::UnprotectControl => sys::srtp_unprotect_rtcp_mki(raw, data, &mut length, use_mki),
            }
        };
        Error::check(outcome)?;
        usize::try_from(length).map_err(|_| Error::FAIL)
    }

    /// Roll-over counter of a source (RFC 3711 §3.3.1), once a packet of it has been seen.
    pub(super) fn roc(&self, ssrc: u32) -> Option<u32> {
        let mut roc = 0;
        // SAFETY: `raw` lives, `roc` is written or left alone.
        let outcome = unsafe { sys::srtp_get_stream_roc(self.raw.as_ptr(), ssrc, &mut roc) };
        Error::check(outcome).ok().map(|()| roc)
    }

    /// Begins a source whose roll-over counter already stands at `roc`.
    pub(super) fn set_roc(&mut self, ssrc: u32, roc: u32) -> Result<(), Error> {
        let raw = self.raw.as_ptr();
        if self.roc(ssrc).is_none() {
            let kind = sys::srtp_ssrc_type_t_ssrc_specific;
            // SAFETY: as in `new`.
            Error::check(
                self.with_policy(kind, ssrc, |policy| unsafe { sys::srtp_add_stream(raw, policy) }),
            )?;
        }
        // SAFETY: `raw` lives.
        Error::check(unsafe { sys::srtp_set_stream_roc(raw, ssrc, roc) })
    }

    /// Hands a policy of this session's key to `call`. Everything it points to lives until then.
    fn with_policy(
        &mut self,
        kind: sys::srtp_ssrc_type_t,
        ssrc: u32,
        call: impl FnOnce(*const sys::srtp_policy_t) -> sys::srtp_err_status_t,
    ) -> sys::srtp_err_status_t {
        let mut master = sys::srtp_master_key_t {
            key: self.key.as_mut_ptr(),
            mki_id: self.mki.as_mut_ptr(),
            mki_size: self.mki.len() as c_uint,
        };
        let mut masters: [*mut sys::srtp_master_key_t; 1] = [&mut master];
        // SAFETY: libsrtp's structs are plain data for which all zeros is a valid, empty value.
        let mut policy: sys::srtp_policy_t = unsafe { MaybeUninit::zeroed().assume_init() };
        // SAFETY: both calls only fill in the struct they are given.
        unsafe {
            match self.short_tag {
                true => sys::srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&mut policy.rtp),
                false => sys::srtp_crypto_policy_set_rtp_default(&mut policy.rtp),
            }
            sys::srtp_crypto_policy_set_rtcp_default(&mut policy.rtcp);
        }
        policy.ssrc = sys::srtp_ssrc_t { type_: kind, value: ssrc };
        policy.keys = masters.as_mut_ptr();
        policy.num_master_keys = 1;
        call(&policy)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.key.fill(0);
        // SAFETY: `raw` came from srtp_create and is not used again.
        unsafe { sys::srtp_dealloc(self.raw.as_ptr()) };
    }
}
