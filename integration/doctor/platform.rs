//! TIME-001, PLT-001 and PLT-003: clock, disk and limits of this machine.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kirkwall_core::doctor::{Finding, check};

use super::tasks::Tasks;

const MIB: u64 = 1 << 20;
/// The log of a busy day and one export fit.
const PLENTY: u64 = 1024 * MIB;
/// Not enough to rebuild a store.
const SCARCE: u64 = 100 * MIB;
/// Writes whose fastest half is looked at: one slow write is another program's.
const WRITES: usize = 5;
/// A save is said to a caller only after it; slower is felt.
const SLOW: Duration = Duration::from_millis(50);
/// Slower than a retransmission (RFC 3261 §17.1.1.1: T1 is 500 ms).
const TOO_SLOW: Duration = Duration::from_millis(500);

pub(super) fn plan(tasks: &mut Tasks, data: Option<PathBuf>, files: u64) {
    tasks.add_blocking(&check::TIME_001, None, || vec![clock(kernel_clock())]);
    tasks.add_blocking(&check::PLT_003, None, move || vec![open_files(file_limit(), files)]);
    let target = data.as_ref().map(|data| data.display().to_string());
    tasks.add_blocking(&check::PLT_001, target.clone(), move || {
        let Some(data) = data else {
            return vec![Finding::skipped(&check::PLT_001, "no --data DIR was given")];
        };
        vec![directory(&data).of(data.display().to_string())]
    });
}

/// What the kernel says of its clock: kept by somebody, and the largest error it expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KernelClock {
    kept: bool,
    error: Duration,
}

fn kernel_clock() -> io::Result<KernelClock> {
    let mut told = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: all fields are integers, for which zero is a value; with modes 0 the call only reads.
    let (state, told) = unsafe { (libc::adjtimex(told.as_mut_ptr()), told.assume_init()) };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    let kept = state != libc::TIME_ERROR && told.status & libc::STA_UNSYNC == 0;
    Ok(KernelClock { kept, error: Duration::from_micros(u64::try_from(told.maxerror).unwrap_or_default()) })
}

fn clock(told: io::Result<KernelClock>) -> Finding {
    let check = &check::TIME_001;
    match told {
        Err(error) => Finding::skipped(check, format!("the kernel does not tell: {error}")),
        Ok(KernelClock { kept: true, error }) => {
            Finding::good(check, format!("the kernel's clock is kept, at most {} ms off", error.as_millis()))
        }
        Ok(KernelClock { kept: false, .. }) => Finding::warning(
            check,
            "no program keeps the kernel's clock by NTP",
            "Start chrony or systemd-timesyncd on this machine (for a container: on its host), with the time server of your domain.",
        )
        .with_command("timedatectl set-ntp true"),
    }
}

/// Soft and hard limit of open files.
fn file_limit() -> io::Result<(u64, u64)> {
    let mut limit = MaybeUninit::<libc::rlimit>::zeroed();
    // SAFETY: the structure has the size the call expects; zero is a value for both fields.
    let (state, limit) =
        unsafe { (libc::getrlimit(libc::RLIMIT_NOFILE, limit.as_mut_ptr()), limit.assume_init()) };
    if state == 0 { Ok((limit.rlim_cur, limit.rlim_max)) } else { Err(io::Error::last_os_error()) }
}

fn open_files(limit: io::Result<(u64, u64)>, needed: u64) -> Finding {
    let check = &check::PLT_003;
    let (soft, hard) = match limit {
        Ok(limit) => limit,
        Err(error) => return Finding::skipped(check, format!("the kernel does not tell: {error}")),
    };
    let count = |limit: u64| {
        if limit == libc::RLIM_INFINITY { "any number of".to_owned() } else { limit.to_string() }
    };
    let evidence = format!(
        "this process may open {} files (hard limit {}); full load needs {needed}",
        count(soft),
        count(hard)
    );
    let mend = "Set LimitNOFILE=65536 in the systemd unit, or start the container as below; or lower capacity.media_channels.";
    let finding = match soft {
        enough if enough >= needed => return Finding::good(check, evidence),
        // Not even half of the calls.
        few if few < needed / 2 => Finding::error(check, evidence, mend),
        _ => Finding::warning(check, evidence, mend),
    };
    finding.with_command(format!("docker run --ulimit nofile={} …", needed.next_power_of_two().max(65_536)))
}

fn directory(data: &Path) -> Finding {
    let check = &check::PLT_001;
    let place = match fs::metadata(data) {
        Ok(found) if !found.is_dir() => {
            return Finding::error(check, "is not a directory", "Name a directory with --data.");
        }
        Ok(found) => {
            // SAFETY: takes nothing and cannot fail.
            let us = unsafe { libc::geteuid() };
            if found.uid() != us {
                return stranger(found.uid(), us);
            }
            data
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => match existing_above(data) {
            Some(above) => above,
            None => return Finding::error(check, error.to_string(), "Make the directory above it."),
        },
        Err(error) => {
            return Finding::error(check, error.to_string(), "Give this user the right to enter it.");
        }
    };
    let measured = measure(place);
    let free = match space(place) {
        Ok(space) => space,
        Err(error) => {
            return Finding::error(check, error.to_string(), "Look at the mount of this directory.");
        }
    };
    match measured {
        Err(error) => Finding::error(
            check,
            format!("cannot be written: {error}"),
            "Give it to the user of the switch, and mount it for writing.",
        )
        .with_command(format!("install -d -m 0700 -o kirkwall {}", data.display())),
        Ok(fsync) => judge(&Disk { exists: place == data, fsync, ..free }),
    }
}

/// Another user's test would say nothing, and its files would be in the switch's way.
fn stranger(owner: u32, us: u32) -> Finding {
    let evidence = format!("belongs to user {owner}, the doctor runs as {us}; not touched");
    Finding::skipped(&check::PLT_001, evidence)
        .mended_by("Run the doctor as the user of the switch.")
        .with_command(format!("sudo -u '#{owner}' kirkwall doctor …"))
}

fn existing_above(path: &Path) -> Option<&Path> {
    path.ancestors()
        .skip(1)
        .map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above })
        .find(|above| above.is_dir())
}

/// What was seen of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Disk {
    exists: bool,
    /// Median.
    fsync: Duration,
    free: u64,
    kind: i64,
}

fn judge(disk: &Disk) -> Finding {
    let check = &check::PLT_001;
    let Disk { exists, fsync, free, kind } = *disk;
    let there = if exists { "is writable" } else { "is not there yet; its place is writable" };
    let evidence = format!("{there}, {} MiB free, fsync in {:.1} ms", free / MIB, fsync.as_secs_f64() * 1e3);
    let slow = "Put it on a local SSD; network disks and memory cards are too slow for what must be on disk before it is said.";
    // linux/magic.h.
    const TMPFS: i64 = 0x0102_1994;
    const NFS: i64 = 0x6969;
    match kind {
        _ if free < SCARCE => {
            Finding::error(check, evidence, "Make room on this disk.").with_command("df -h")
        }
        _ if fsync > TOO_SLOW => Finding::error(check, evidence, slow),
        TMPFS => Finding::warning(
            check,
            format!("{evidence}; it lies in memory (tmpfs)"),
            "Everything is lost at the next start of the machine; mount a disk or a volume there.",
        ),
        NFS => Finding::warning(
            check,
            format!("{evidence}; it lies on NFS"),
            "Locks of NFS do not keep two switches apart reliably; put it on a local disk.",
        ),
        _ if free < PLENTY => {
            Finding::warning(check, evidence, "Make room on this disk.").with_command("df -h")
        }
        _ if fsync > SLOW => Finding::warning(check, evidence, slow),
        _ => Finding::good(check, evidence),
    }
}

fn space(place: &Path) -> io::Result<Disk> {
    let path = CString::new(place.as_os_str().as_bytes())?;
    let mut told = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `path` ends with a zero and lives through the call; zero is a value for all fields.
    let (state, told) = unsafe { (libc::statfs(path.as_ptr(), told.as_mut_ptr()), told.assume_init()) };
    if state != 0 {
        return Err(io::Error::last_os_error());
    }
    let free = told.f_bavail.saturating_mul(u64::try_from(told.f_bsize).unwrap_or_default());
    Ok(Disk { exists: false, fsync: Duration::ZERO, free, kind: told.f_type })
}

/// Median time of a small durable write. The file is gone afterwards, whatever happens.
fn measure(place: &Path) -> io::Result<Duration> {
    struct Gone(PathBuf);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }
    let path = place.join(format!(".doctor-{}", std::process::id()));
    let _ = fs::remove_file(&path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let _gone = Gone(path);
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&[0x6b; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times[WRITES / 2])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use kirkwall_core::doctor::Verdict;

    use super::*;

    #[test]
    fn a_disk_is_judged_by_room_speed_and_kind() {
        let good = Disk { exists: true, fsync: Duration::from_millis(2), free: 10 * PLENTY, kind: 0xEF53 };
        let verdict = |disk: Disk| judge(&disk).verdict;
        assert_eq!(verdict(good), Verdict::Good);
        assert_eq!(verdict(Disk { free: 500 * MIB, ..good }), Verdict::Warning);
        assert_eq!(verdict(Disk { free: 50 * MIB, ..good }), Verdict::Error);
        assert_eq!(verdict(Disk { fsync: Duration::from_millis(80), ..good }), Verdict::Warning);
        assert_eq!(verdict(Disk { fsync: Duration::from_secs(1), ..good }), Verdict::Error);
        assert_eq!(verdict(Disk { kind: 0x0102_1994, ..good }), Verdict::Warning);
        assert_eq!(verdict(Disk { kind: 0x6969, ..good }), Verdict::Warning);
    }

    #[test]
    fn a_look_at_the_disk_leaves_nothing_behind() {
        let folder = tempfile::TempDir::new().unwrap();
        let finding = directory(folder.path());
        assert!(finding.evidence.contains("is writable"), "{finding:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let later = directory(&folder.path().join("a/b"));
        assert!(later.evidence.contains("not there yet"), "{later:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_or_a_locked_folder_is_no_data_directory() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(directory(&file).verdict, Verdict::Error);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
        // The superuser may write everywhere.
        if unsafe { libc::geteuid() } != 0 {
            assert_eq!(directory(folder.path()).verdict, Verdict::Error);
        }
    }

    #[test]
    fn a_folder_of_another_user_is_left_alone() {
        let finding = stranger(65_532, 0);
        assert_eq!(finding.verdict, Verdict::Skipped);
        assert!(finding.mend.unwrap().command.unwrap().contains("'#65532'"));
    }

    #[test]
    fn the_limits_of_this_process_are_read_and_judged() {
        let (soft, hard) = file_limit().unwrap();
        assert!(soft > 0 && soft <= hard);
        let verdict = |soft, needed| open_files(Ok((soft, soft)), needed).verdict;
        assert_eq!(verdict(4_000, 4_000), Verdict::Good);
        assert_eq!(verdict(2_000, 4_000), Verdict::Warning);
        assert_eq!(verdict(1_999, 4_000), Verdict::Error);
        assert_eq!(verdict(libc::RLIM_INFINITY, 4_000), Verdict::Good);
    }

    #[test]
    fn a_clock_nobody_keeps_is_warned_of() {
        let error = Duration::from_millis(3);
        assert_eq!(clock(Ok(KernelClock { kept: true, error })).verdict, Verdict::Good);
        assert_eq!(clock(Ok(KernelClock { kept: false, error })).verdict, Verdict::Warning);
        assert_eq!(clock(Err(io::Error::from_raw_os_error(libc::EPERM))).verdict, Verdict::Skipped);
    }
}
