//! Base64, base32 and hexadecimal digits.

/// An alphabet: what each byte stands for, and how many bits that is.
#[derive(Debug)]
pub(super) struct Alphabet {
    values: [u8; 256],
    bits: u32,
}

const NONE: u8 = 0xff;

/// Both alphabets at once: `+/` and `-_`.
pub(super) static BASE64: Alphabet = Alphabet::new(
    6,
    &[(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 0), (b"-_", 62)],
);
/// Upper case only: decoders take no other.
pub(super) static BASE32: Alphabet = Alphabet::new(5, &[(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 0)]);
/// Either case.
pub(super) static HEX: Alphabet = Alphabet::new(4, &[(b"0123456789abcdef", 0), (b"ABCDEF", 10)]);

impl Alphabet {
    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    #[expect(clippy::cast_possible_truncation, reason = "no alphabet has more than 64 letters")]
    const fn new(bits: u32, letters: &[(&[u8], u8)]) -> Self {
        let mut values = [NONE; 256];
        let mut set = 0;
        while set < letters.len() {
            let (bytes, first) = letters[set];
            let mut at = 0;
            while at < bytes.len() {
                values[bytes[at] as usize] = first + at as u8;
                at += 1;
            }
            set += 1;
        }
        Self { values, bits }
    }

    fn value(&self, byte: u8) -> Option<u8> {
        self.values.get(usize::from(byte)).copied().filter(|value| *value != NONE)
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.values.get(usize::from(byte)).is_some_and(|value| *value != NONE)
    }

    /// Bytes that `letters` of them make.
    pub(super) fn made_of(&self, letters: usize) -> usize {
        letters.saturating_mul(self.bits as usize) / 8
    }

    /// What four letters of base64 stand for.
    pub(super) fn group(&self, letters: [u8; 4]) -> [u8; 3] {
        let held = letters.iter().fold(0, |held: u32, letter| {
            let value = self.values.get(usize::from(*letter)).copied().unwrap_or(NONE);
            held << 6 | u32::from(value & 0x3f)
        });
        let [_, bytes @ ..] = held.to_be_bytes();
        bytes
    }

    /// The first three bytes `bytes` stand for; nothing where something else stands between the letters of those.
    #[inline(always)]
    pub(super) fn three(&self, bytes: &[u8]) -> Option<[u8; 3]> {
        let letters = bytes.get(..24_u32.div_ceil(self.bits) as usize)?;
        let held = self.held(letters)?;
        let [_, three @ ..] = (held >> (self.bits * 24_u32.div_ceil(self.bits) - 24)).to_be_bytes();
        Some(three)
    }

    /// The bits of a few letters; nothing where one is none.
    #[inline(always)]
    fn held(&self, letters: &[u8]) -> Option<u32> {
        let (held, all) = letters.iter().fold((0, 0), |(held, all): (u32, u8), letter| {
            let value = self.values.get(usize::from(*letter)).copied().unwrap_or(NONE);
            (held << self.bits | u32::from(value), all | value)
        });
        // No letter's value has the highest bit.
        (all & 0x80 == 0).then_some(held)
    }

    /// What `bytes` stand for at first, and how many bytes that is.
    pub(super) fn first<const N: usize>(&self, bytes: &[u8]) -> ([u8; N], usize) {
        let mut out = [0; N];
        let mut slots = out.iter_mut();
        let mut len = 0;
        self.each(bytes, |byte| match slots.next() {
            Some(slot) => {
                *slot = byte;
                len += 1;
                true
            }
            None => false,
        });
        (out, len)
    }

    /// What `bytes` stand for, up to the first that is none of the alphabet's and no line end, into `out`; left-over bits
    /// are dropped. At most `most` bytes.
    pub(super) fn decode(&self, bytes: &[u8], most: usize, out: &mut Vec<u8>) {
        let mut bytes = bytes;
        // As long as there are whole groups of letters, and room for what they make.
        if self.bits == 6 {
            while let Some((group, rest)) = bytes.split_first_chunk::<4>()
                && out.len() + 3 < most
                && let Some(held) = self.held(group)
            {
                let [_, three @ ..] = held.to_be_bytes();
                out.extend_from_slice(&three);
                bytes = rest;
            }
        } else if self.bits == 4 {
            while let Some((pair, rest)) = bytes.split_first_chunk::<2>()
                && out.len() + 1 < most
                && let Some(held) = self.held(pair)
            {
                let [.., low] = held.to_be_bytes();
                out.push(low);
                bytes = rest;
            }
        }
        self.each(bytes, |byte| {
            out.push(byte);
            out.len() < most
        });
    }

    /// Until `take` has enough.
    #[inline(always)]
    fn each(&self, bytes: &[u8], mut take: impl FnMut(u8) -> bool) {
        let (mut held, mut bits) = (0_u32, 0);
        for byte in bytes {
            let Some(value) = self.value(*byte) else {
                match byte {
                    b'\n' | b'\r' | b' ' | b'\t' => continue,
                    _ => return,
                }
            };
            held = held << self.bits | u32::from(value);
            bits += self.bits;
            if bits >= 8 {
                bits -= 8;
                let [.., low] = (held >> bits).to_be_bytes();
                if !take(low) {
                    return;
                }
            }
        }
    }
}
