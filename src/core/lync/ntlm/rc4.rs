//! The stream cipher that NTLM encrypts its checksums and its session key with.

/// RC4, keyed, with its place in the key stream. Never shown: the state gives the key away.
pub(super) struct Rc4 {
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    /// Keyed anew. An empty key makes the identity permutation's stream; no caller has one.
    pub fn new(key: &[u8]) -> Self {
        let mut state: [u8; 256] = std::array::from_fn(|n| n as u8);
        let mut j = 0u8;
        for n in 0..256 {
            let key_byte = key.get(n % key.len().max(1)).copied().unwrap_or(0);
            j = j.wrapping_add(state[n]).wrapping_add(key_byte);
            state.swap(n, usize::from(j));
        }
        Self { state, i: 0, j: 0 }
    }

    /// Encrypts or decrypts the next bytes of the stream.
    pub fn apply(&mut self, data: &[u8]) -> Vec<u8> {
        data.iter().map(|byte| byte ^ self.next()).collect()
    }

    fn next(&mut self) -> u8 {
        self.i = self.i.wrapping_add(1);
        self.j = self.j.wrapping_add(self.state[usize::from(self.i)]);
        self.state.swap(usize::from(self.i), usize::from(self.j));
        let at = self.state[usize::from(self.i)].wrapping_add(self.state[usize::from(self.j)]);
        self.state[usize::from(at)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_streams_come_out() {
        assert_eq!(Rc4::new(b"Key").apply(b"Plaintext"), b"\xbb\xf3\x16\xe8\xd9\x40\xaf\x0a\xd3");
        assert_eq!(Rc4::new(b"Wiki").apply(b"pedia"), b"\x10\x21\xbf\x04\x20");
    }

    #[test]
    fn the_stream_goes_on_where_it_stopped() {
        let mut parts = Rc4::new(b"Key");
        let first = parts.apply(b"Plain");
        assert_eq!([first, parts.apply(b"text")].concat(), Rc4::new(b"Key").apply(b"Plaintext"));
    }
}
