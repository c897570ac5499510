use std::io::Write;

use super::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hyper::header::HeaderValue;
use proptest::prelude::*;

const LIMIT: usize = 1 << 20;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn br(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    encoder.write_all(bytes).unwrap();
    encoder.into_inner()
}

type Code = fn(&[u8]) -> Vec<u8>;

/// Each way to code, and the coding it is called by.
const CODERS: [(Coding, Code); 4] =
    [(Coding::Gzip, gzip), (Coding::Deflate, zlib), (Coding::Deflate, raw), (Coding::Brotli, br)];

fn whole(coding: Coding, body: &[u8], limit: usize) -> Result<Bytes, Fault> {
    decode(coding, Bytes::copy_from_slice(body), limit)
}

fn headers(name: hyper::header::HeaderName, values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_coded_is_decoded_in_any_chunks(
        body in prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..5000),
        size in 1..700_usize,
    ) {
        for (coding, code) in CODERS {
            let coded = code(&body);
            prop_assert_eq!(&whole(coding, &coded, LIMIT).unwrap()[..], &body[..]);
            let mut decoder = Decoder::new(coding, LIMIT);
            let parts: Vec<_> = coded.chunks(size).map(|chunk| decoder.push(chunk).unwrap()).collect();
            prop_assert_eq!(parts.concat(), &body[..]);
            prop_assert_eq!(decoder.finish(), Ok(()));
        }
    }

    #[test]
    fn noise_does_no_harm(body in prop::collection::vec(any::<u8>(), 0..2000), at in 0..200_usize) {
        for (coding, code) in CODERS {
            prop_assert!(whole(coding, &body, LIMIT).is_ok_and(|out| out.len() <= LIMIT) || whole(coding, &body, LIMIT).is_err());
            let mut coded = code(&[7; 3000]);
            let at = at % coded.len();
            coded[at] ^= body.first().copied().unwrap_or(1);
            prop_assert!(whole(coding, &coded, LIMIT).map_or(true, |out| out.len() <= LIMIT));
        }
    }
}

#[test]
fn one_known_coding_or_none() {
    let of = |values: &[&str]| Coding::of(&headers(CONTENT_ENCODING, values));
    assert_eq!(of(&[]), Ok(Coding::Identity));
    for (name, coding) in [
        ("identity", Coding::Identity),
        ("gzip", Coding::Gzip),
        ("GZIP", Coding::Gzip),
        ("X-Gzip", Coding::Gzip),
        ("", Coding::Identity),
        (" ", Coding::Identity),
        (" deflate\t", Coding::Deflate),
        ("Br", Coding::Brotli),
    ] {
        assert_eq!(of(&[name]), Ok(coding), "{name}");
    }
    for name in ["zstd", "x-compress", "gzip, gzip", "gzip,identity", ",", "gzip;q=1", "compress", "gzip br"]
    {
        assert_eq!(of(&[name]), Err(Fault::Unsupported), "{name}");
    }
    assert_eq!(of(&["gzip", "gzip"]), Err(Fault::Unsupported));
    assert_eq!(of(&["identity", "gzip"]), Err(Fault::Unsupported));
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let zeros = vec![0; 32 << 20];
    for (coding, code) in CODERS {
        let bomb = code(&zeros);
        assert!(bomb.len() < 64 << 10, "{coding:?}: {}", bomb.len());
        assert_eq!(whole(coding, &bomb, LIMIT), Err(Fault::TooLong));
        let mut decoder = Decoder::new(coding, LIMIT);
        assert_eq!(decoder.push(&bomb), Err(Fault::TooLong));
        // No more was ever held than the limit.
        assert!(decoder.held() <= 2 * LIMIT);
        assert_eq!(whole(coding, &bomb, zeros.len()).map(|out| out.len()), Ok(zeros.len()));
        assert_eq!(whole(coding, &bomb, zeros.len() - 1), Err(Fault::TooLong));
    }
    assert_eq!(whole(Coding::Identity, &[0; 11], 10), Err(Fault::TooLong));
    assert_eq!(whole(Coding::Identity, &[0; 10], 10).map(|out| out.len()), Ok(10));
}

#[test]
fn a_body_that_ends_early_is_not_a_body() {
    for (coding, code) in CODERS {
        let coded = code(b"{\"jsonrpc\":\"2.0\"}");
        for length in 0..coded.len() {
            assert_eq!(whole(coding, &coded[..length], LIMIT), Err(Fault::Truncated), "{coding:?} {length}");
        }
    }
}

#[test]
fn nothing_follows_the_end_but_another_member_of_gzip() {
    for (coding, code) in CODERS {
        for garbage in [&b"x"[..], b"\0", b"{}"] {
            let coded = [&code(b"{}")[..], garbage].concat();
            let fault = whole(coding, &coded, LIMIT).unwrap_err();
            assert!(matches!(fault, Fault::Trailing | Fault::Corrupt), "{coding:?} {garbage:?}: {fault:?}");
        }
    }
    let two = [gzip(b"{\"a\""), gzip(b":1}")].concat();
    assert_eq!(whole(Coding::Gzip, &two, LIMIT).unwrap(), &b"{\"a\":1}"[..]);
    assert_eq!(whole(Coding::Gzip, &two, 4), Err(Fault::TooLong));
    assert_eq!(whole(Coding::Gzip, &two[..two.len() - 1], LIMIT), Err(Fault::Truncated));
    let half = [&gzip(b"{}")[..], &gzip(b"")[..5]].concat();
    assert_eq!(whole(Coding::Gzip, &half, LIMIT), Err(Fault::Truncated));
}

#[test]
fn members_of_gzip_are_counted() {
    let members = |count: usize| gzip(b"").repeat(count);
    assert_eq!(whole(Coding::Gzip, &members(1000), LIMIT), Ok(Bytes::new()));
    assert_eq!(whole(Coding::Gzip, &members(1001), LIMIT), Err(Fault::Corrupt));
}

#[test]
fn check_sums_are_checked() {
    for (coding, code) in [CODERS[0], CODERS[1]] {
        let mut coded = code(b"{}");
        for back in 1..=4 {
            let at = coded.len() - back;
            coded[at] ^= 1;
            assert_eq!(whole(coding, &coded, LIMIT), Err(Fault::Corrupt), "{coding:?} {back}");
            coded[at] ^= 1;
        }
        assert!(whole(coding, &coded, LIMIT).is_ok());
    }
}

#[test]
fn a_gzip_head_may_have_all_its_fields_and_no_reserved_ones() {
    let mut encoder = flate2::GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra(vec![1, 2, 3])
        .write(Vec::new(), Compression::default());
    encoder.write_all(b"{}").unwrap();
    let mut coded = encoder.finish().unwrap();
    assert_eq!(whole(Coding::Gzip, &coded, LIMIT).unwrap(), &b"{}"[..]);
    coded[3] |= 0x80;
    assert_eq!(whole(Coding::Gzip, &coded, LIMIT), Err(Fault::Corrupt));
    let endless = [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0][..], &vec![b'x'; 5_000]].concat();
    assert_eq!(whole(Coding::Gzip, &endless, LIMIT), Err(Fault::Corrupt));
    assert_eq!(whole(Coding::Gzip, b"{}", LIMIT), Err(Fault::Corrupt));
}

#[test]
fn a_brotli_window_beyond_the_rfc_is_refused() {
    // RFC 7932 9.1 leaves the bits 0010001 unused; the large-window extension begins with them.
    assert_eq!(whole(Coding::Brotli, &[0x11, 0x1e, 0, 0, 0, 0], LIMIT), Err(Fault::Corrupt));
}

#[test]
fn a_flushed_event_does_not_wait_for_the_next() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let mut br = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    let mut decoders =
        [Coding::Deflate, Coding::Gzip, Coding::Brotli].map(|coding| (Decoder::new(coding, LIMIT), 0));
    for number in 0..3 {
        let event = format!("data: {number}\n\n");
        for writer in [&mut zlib as &mut dyn Write, &mut gzip, &mut br] {
            writer.write_all(event.as_bytes()).unwrap();
            writer.flush().unwrap();
        }
        let coded = [zlib.get_ref(), gzip.get_ref(), br.get_ref()];
        for ((decoder, at), coded) in decoders.iter_mut().zip(coded) {
            assert_eq!(decoder.push(&coded[*at..]).unwrap(), event.as_bytes());
            *at = coded.len();
        }
    }
}
