//! Bytes as hexadecimal digits.

/// Lower-case digits.
pub(super) fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |b: &u8| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char];
    bytes.iter().flat_map(digits).collect()
}

/// The bytes, read without case. `None` for an odd count or anything that is no digit.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Compares without telling by its duration where two of one length differ.
pub(super) fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    let differs = a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y));
    a.len() == b.len() && std::hint::black_box(differs) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_and_go() {
        assert_eq!(encode(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(decode("00aBFf"), Some(vec![0, 0xab, 0xff]));
        assert_eq!((decode("0"), decode("0x"), decode("é0")), (None, None, None));
        assert!(equal_in_constant_time(b"ab", b"ab") && !equal_in_constant_time(b"ab", b"a"));
    }
}
