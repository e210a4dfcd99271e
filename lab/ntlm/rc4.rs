//! RC4, which [MS-NLMP] needs and no library that is here has.

/// Seals or unseals: both are the same.
pub(super) fn apply(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|at| at as u8);
    let mut j = 0_u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % key.len()]);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    let next = |octet: &u8| {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(usize::from(i), usize::from(j));
        octet ^ state[usize::from(state[usize::from(i)].wrapping_add(state[usize::from(j)]))]
    };
    text.iter().map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widely_printed_vectors_come_out() {
        assert_eq!(apply(b"Key", b"Plaintext"), super::super::unhex("BBF316E8D940AF0AD3"));
        assert_eq!(apply(b"Wiki", b"pedia"), super::super::unhex("1021BF0420"));
    }
}
