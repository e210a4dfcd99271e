//! The calls into epoll and eventfd: the only place that touches them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Waits for sockets. Level-triggered: a socket that still holds packets is reported again, so one
/// receive per report is enough and no socket can hold up the others.
pub(super) struct Poll {
    epoll: OwnedFd,
    events: Box<[libc::epoll_event]>,
}

impl Poll {
    /// With room for `batch` sockets per wait.
    pub(super) fn new(batch: usize) -> io::Result<Poll> {
        // SAFETY: takes no pointer; the descriptor it gives is ours alone.
        let epoll = unsafe { owned(libc::epoll_create1(libc::EPOLL_CLOEXEC))? };
        let empty = libc::epoll_event { events: 0, u64: 0 };
        Ok(Poll { epoll, events: vec![empty; batch].into() })
    }

    /// Reports `source` under `key` when it can be read, until it is closed.
    pub(super) fn add(&self, source: &impl AsRawFd, key: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: key };
        // SAFETY: both descriptors are open while borrowed, and the kernel copies `event`.
        let outcome = unsafe {
            libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, source.as_raw_fd(), &mut event)
        };
        if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Reports `source` no more. One that is not watched is as good.
    pub(super) fn remove(&self, source: &impl AsRawFd) {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: both descriptors are open while borrowed; `event` is not read.
        unsafe {
            libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_DEL, source.as_raw_fd(), &mut event)
        };
    }

    /// Waits at most `timeout` (for ever when `None`); gives how many keys [`key`](Self::key) has. A
    /// signal counts as nothing ready.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        // Rounded up, so that a deadline has passed when the wait ends.
        let millis = timeout.map_or(-1, |t| t.as_micros().div_ceil(1000).min(i32::MAX as u128) as i32);
        let (events, room) = (self.events.as_mut_ptr(), self.events.len() as i32);
        // SAFETY: `events` has `room` entries, which the kernel fills from the front.
        match unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), events, room, millis) } {
            ready if ready >= 0 => Ok(ready as usize),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(0),
                error => Err(error),
            },
        }
    }

    /// Key of the `index`th socket that the last wait reported.
    pub(super) fn key(&self, index: usize) -> u64 {
        self.events[index].u64
    }
}

/// Wakes a thread out of [`Poll::wait`].
pub(super) struct Bell(File);

impl Bell {
    pub(super) fn new() -> io::Result<Bell> {
        // SAFETY: takes no pointer; the descriptor it gives is ours alone.
        let fd = unsafe { owned(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK))? };
        Ok(Bell(File::from(fd)))
    }

    /// Rings. A bell that still rings from before (the only way this can fail) is rung enough.
    pub(super) fn ring(&self) {
        let _ = (&self.0).write(&1u64.to_ne_bytes());
    }

    /// Silences it. Fails only when it did not ring, which is as good.
    pub(super) fn hush(&self) {
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

impl AsRawFd for Bell {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}

/// CPU time that the calling thread has used so far.
pub(super) fn thread_cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is written; on failure, which this clock does not have, it stays zero.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// # Safety
/// `fd` is what a system call just gave: negative, or a descriptor that nobody else owns.
unsafe fn owned(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: by the contract of this function.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
