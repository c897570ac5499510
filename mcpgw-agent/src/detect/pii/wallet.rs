//! Addresses of crypto currencies.

use sha2::{Digest, Sha256};

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Whether the word is an address of Bitcoin, Litecoin, Dogecoin, Tron or Ripple in base58 with its check.
pub(super) fn is_base58(word: &[u8]) -> bool {
    if !(26..=35).contains(&word.len()) || !word.first().is_some_and(|first| b"13LMDTr".contains(first)) {
        return false;
    }
    let mut bytes = [0_u8; 25];
    for letter in word {
        let value = (0_u16..).zip(BASE58).find(|(_, known)| *known == letter);
        let Some((mut carry, _)) = value else { return false };
        for byte in bytes.iter_mut().rev() {
            let [high, low] = (carry + u16::from(*byte) * 58).to_be_bytes();
            *byte = low;
            carry = u16::from(high);
        }
        if carry != 0 {
            return false;
        }
    }
    let (payload, check) = bytes.split_at(21);
    Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

/// Whether the word is a segwit address with its check (BIP 173 and 350).
pub(super) fn is_bech32(word: &[u8]) -> bool {
    let mixed = word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
    let Some(split) = word.iter().position(|byte| *byte == b'1') else { return false };
    let (prefix, data) = word.split_at(split);
    if mixed || !(14..=90).contains(&word.len()) {
        return false;
    }
    if ![&b"bc"[..], b"tb", b"ltc"].iter().any(|known| known.eq_ignore_ascii_case(prefix)) {
        return false;
    }
    let mut sum = 1_u32;
    let mut step = |value: u32| {
        let top = sum >> 25;
        sum = (sum & 0x01ff_ffff) << 5 ^ value;
        for (bit, generator) in
            [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3].into_iter().enumerate()
        {
            if top >> bit & 1 == 1 {
                sum ^= generator;
            }
        }
    };
    prefix.iter().for_each(|byte| step(u32::from(byte.to_ascii_lowercase()) >> 5));
    step(0);
    prefix.iter().for_each(|byte| step(u32::from(byte.to_ascii_lowercase()) & 31));
    for letter in data.iter().skip(1) {
        let value = (0..).zip(BECH32).find(|(_, known)| **known == letter.to_ascii_lowercase());
        let Some((value, _)) = value else { return false };
        step(value);
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}

/// Whether the word is `0x` and forty hexadecimal digits.
pub(super) fn is_ethereum(word: &[u8]) -> bool {
    word.len() == 42
        && word.strip_prefix(b"0x").is_some_and(|rest| {
            rest.iter().all(u8::is_ascii_hexdigit) && {
                let distinct = rest.iter().fold(0_u32, |seen, byte| seen | 1 << (byte % 32));
                distinct.count_ones() > 6
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_addresses_hold_and_changed_ones_do_not() {
        for right in ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"] {
            assert!(is_base58(right.as_bytes()), "{right}");
            assert!(!is_base58(right.replace('P', "Q").replace("98", "99").as_bytes()), "{right}");
        }
        for right in [
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ] {
            assert!(is_bech32(right.as_bytes()), "{right}");
            let changed = right.to_lowercase().replace("qq", "qp").replace("w5", "w4").replace("xl", "xm");
            assert!(!is_bech32(changed.as_bytes()), "{changed}");
        }
        assert!(is_ethereum(b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
        assert!(
            !is_ethereum(b"0x0000000000000000000000000000000000000000")
                && !is_ethereum(b"0x5aAeb6053F3E94C9")
        );
        assert!(!is_bech32(b"bc1") && !is_bech32(b"") && !is_base58(b""));
    }
}
