//! MED-001: the UDP ports for voice.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};

use kirkwall_core::doctor::{Finding, channels_fit, check};

use super::MediaPlan;
use super::tasks::Tasks;

/// Ports tried, spread over the range.
const SAMPLE: u32 = 64;

pub(super) fn plan(tasks: &mut Tasks, media: MediaPlan) {
    tasks.add_blocking(&check::MED_001, None, move || vec![look(media)]);
}

fn look(media: MediaPlan) -> Finding {
    let check = &check::MED_001;
    let MediaPlan { first, last, channels, running } = media;
    let fit = match channels_fit(first, last, channels) {
        Ok(fit) => fit,
        Err((evidence, mend)) => return Finding::error(check, evidence, mend),
    };
    let (mut taken, mut tried) = (Vec::new(), 0_u32);
    for port in sample(first, last) {
        tried += 1;
        match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => taken.push(port),
            Err(error) => {
                let mend = "Choose ports above 1023 in media.ports, or allow this user to bind them.";
                return Finding::error(check, format!("UDP port {port} cannot be bound: {error}"), mend);
            }
        }
    }
    let busy = taken.len();
    match (busy, running) {
        (0, _) => Finding::good(check, format!("{fit}; {tried} tried, all free")),
        (_, true) => {
            Finding::good(check, format!("{fit}; {tried} tried, {busy} in use while the switch runs"))
        }
        (_, false) => Finding::warning(
            check,
            format!("{fit}; {tried} tried, {busy} held by other programs, port {} first", taken[0]),
            "Move media.ports away from that program's ports, or stop it.",
        )
        .with_command(format!("ss -ulnp 'sport >= :{first} and sport <= :{last}'")),
    }
}

fn sample(first: u16, last: u16) -> impl Iterator<Item = u16> {
    let count = u32::from(last.saturating_sub(first)) + 1;
    let tries = count.min(SAMPLE);
    (0..tries).map(move |at| first + (at * (count - 1) / (tries - 1).max(1)) as u16)
}

#[cfg(test)]
mod tests {
    use kirkwall_core::doctor::Verdict;

    use super::*;

    #[test]
    fn a_sample_has_both_ends_and_nothing_twice() {
        for (first, last) in
            [(1, 65_535), (30_000, 39_999), (7, 7), (7, 8), (100, 162), (100, 163), (100, 164)]
        {
            let ports: Vec<_> = sample(first, last).collect();
            assert_eq!((ports[0], *ports.last().unwrap()), (first, last));
            assert!(ports.is_sorted_by(|a, b| a < b), "{first}-{last}: {ports:?}");
        }
    }

    #[test]
    fn a_port_of_another_program_is_told_unless_the_switch_itself_runs() {
        let other = UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = other.local_addr().unwrap().port();
        // Small enough that every port is tried, and inside the port numbers.
        let (first, last) = (port.saturating_sub(4).max(2), port.saturating_add(4));
        let media = MediaPlan { first, last, channels: 1, running: false };
        assert_eq!(look(media).verdict, Verdict::Warning);
        assert_eq!(look(MediaPlan { running: true, ..media }).verdict, Verdict::Good);
        assert_eq!(look(MediaPlan { channels: 500, ..media }).verdict, Verdict::Error);
    }
}
