//! Bit strings: the most significant bit first, unused bits of the last octet zero.

/// The first `length` bits of `octets` as a number; `None` when there are fewer, or more than 128 asked.
pub(crate) fn read(octets: &[u8], length: u8) -> Option<u128> {
    let whole = usize::from(length).div_ceil(8);
    if length > 128 || octets.len() < whole {
        return None;
    }
    let number = octets[..whole].iter().fold(0u128, |number, octet| (number << 8) | u128::from(*octet));
    Some(number >> (whole * 8 - usize::from(length)))
}

/// `number` as a string of `length` bits (at most 128), in whole octets.
pub(crate) fn write(number: u128, length: u8) -> Vec<u8> {
    let length = usize::from(length.min(128));
    let whole = length.div_ceil(8);
    match length {
        0 => Vec::new(),
        _ => (number << (128 - length)).to_be_bytes()[..whole].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_string_keeps_its_length_and_is_filled_with_zeros_on_the_right() {
        assert_eq!(read(&[0x12, 0x61, 0x20], 20), Some(0x1_2612));
        assert_eq!(write(0x1_2612, 20), [0x12, 0x61, 0x20]);
        assert_eq!(read(&[0xFF; 16], 128), Some(u128::MAX));
        assert_eq!(write(u128::MAX, 128), [0xFF; 16]);
        assert!(write(0, 0).is_empty());
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        assert_eq!(read(&[0x12], 9), None);
        assert_eq!(read(&[0; 20], 129), None);
    }
}
