//! The numbers that were heard ([MS-SIP] 3.1.4: a sliding window of 256).

/// How far back a number may lie.
const WIDTH: u32 = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Window {
    highest: u32,
    /// Bit n of the whole: whether `highest - n` was heard.
    heard: [u128; 2],
}

impl Window {
    /// Whether this number is new; it is heard from now on.
    pub(super) fn takes(&mut self, number: u32) -> bool {
        if number > self.highest {
            self.advance(number - self.highest);
            self.highest = number;
        }
        let back = self.highest - number;
        if number == 0 || back >= WIDTH {
            return false;
        }
        let (word, bit) = ((back / 128) as usize, 1_u128 << (back % 128));
        let new = self.heard[word] & bit == 0;
        self.heard[word] |= bit;
        new
    }

    fn advance(&mut self, by: u32) {
        let [low, high] = self.heard;
        self.heard = match by {
            0 => [low, high],
            1..128 => [low << by, high << by | low >> (128 - by)],
            128 => [0, low],
            129..256 => [0, low << (by - 128)],
            _ => [0, 0],
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_taken_once_and_old_ones_never() {
        let mut window = Window::default();
        assert!(!window.takes(0));
        assert!(window.takes(1) && window.takes(3) && window.takes(2));
        assert!(!window.takes(2) && !window.takes(3));
        assert!(window.takes(257));
        assert!(!window.takes(1), "256 back is too old");
        assert!(!window.takes(2), "255 back was heard");
        assert!(window.takes(4));
        assert!(window.takes(10_000) && !window.takes(9_744) && window.takes(9_745));
    }
}
