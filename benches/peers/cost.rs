//! What a server costs: CPU and memory of all its processes, from /proc.

use std::fs;
use std::time::Duration;

/// Clock ticks a second in /proc; Linux has shown 100 to programs on every machine since 2.6.
const TICKS: u64 = 100;

/// CPU time of every process of a group, user and system.
pub fn cpu(group: u32) -> Duration {
    let ticks: u64 = members(group).iter().map(|(_, fields)| fields[11] + fields[12]).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// Proportional set size of every process of a group, in bytes.
pub fn memory(group: u32) -> u64 {
    let pss = |pid: &u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:").map(str::to_owned))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    members(group).iter().filter_map(|(pid, _)| pss(pid)).sum::<u64>() * 1024
}

/// Processes of a group with the numbers of their `stat` from the third field on (proc_pid_stat(5)).
fn members(group: u32) -> Vec<(u32, Vec<u64>)> {
    let entries = fs::read_dir("/proc").expect("Linux has /proc").flatten();
    let read = |name: String| {
        let pid: u32 = name.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, after) = stat.rsplit_once(") ")?;
        let fields: Vec<u64> = after.split(' ').map(|field| field.trim().parse().unwrap_or(0)).collect();
        (fields.get(2) == Some(&u64::from(group))).then_some((pid, fields))
    };
    entries.filter_map(|entry| read(entry.file_name().into_string().ok()?)).collect()
}
