//! Whose address an address is, in the networks that this machine is in itself: the kernel's ARP table.

use std::net::IpAddr;

/// The MAC behind an IPv4 address, twelve lower-case hexadecimal digits. `None`: not known, or behind a router.
pub fn mac_of(address: IpAddr) -> Option<String> {
    find(&std::fs::read_to_string("/proc/net/arp").ok()?, address)
}

/// `IP address, HW type, Flags, HW address, Mask, Device`; flag 0x2: complete.
fn find(table: &str, address: IpAddr) -> Option<String> {
    let wanted = address.to_canonical().to_string();
    table.lines().skip(1).take(65_536).find_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [ip, _, flags, mac, ..] = words[..] else { return None };
        let complete =
            u32::from_str_radix(flags.trim_start_matches("0x"), 16).is_ok_and(|flags| flags & 2 != 0);
        let digits: String = mac.chars().filter(|c| *c != ':').collect();
        (ip == wanted && complete && digits.len() == 12).then(|| digits.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
10.0.0.7         0x1         0x2         7C:2F:80:AB:CD:EF     *        eth0
10.0.0.8         0x1         0x0         00:00:00:00:00:00     *        eth0
";

    #[test]
    fn only_a_complete_entry_says_who_somebody_is() {
        assert_eq!(find(TABLE, [10, 0, 0, 7].into()).as_deref(), Some("7c2f80abcdef"));
        assert_eq!(find(TABLE, "::ffff:10.0.0.7".parse().unwrap()).as_deref(), Some("7c2f80abcdef"));
        assert_eq!(find(TABLE, [10, 0, 0, 8].into()), None);
        assert_eq!(find(TABLE, [10, 0, 0, 9].into()), None);
        assert_eq!(find("", [10, 0, 0, 9].into()), None);
    }
}
