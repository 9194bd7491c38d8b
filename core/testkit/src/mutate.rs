//! Inputs that are nearly right: what a fuzzer would try first, the same ones each time.

use crate::random::Random;

/// What parsers trip over.
const TOKENS: &[&[u8]] = &[
    b"\n",
    b"\0",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\\ud800",
    b"\xc3\x28",
    b"-1",
    b"1e999",
    b"9223372036854775808",
    b"null",
    b"true",
    b"\x1f\x8b\x08",
    b"\xff\xff\xff\xff",
    b"```json\n",
    b"id",
    b"\r\n",
    b"\xf0\x9f\xa7\xaa",
    b"=",
    b"[[",
];

/// `times` inputs, each made of one of the samples by some changes: bits, bytes that come and go, pieces twice or of
/// another sample, an early end. The samples themselves come first.
pub fn mutated(samples: &[Vec<u8>], times: u64, seed: u64) -> impl Iterator<Item = Vec<u8>> + use<'_> {
    let mut random = Random::from_env(seed);
    samples.iter().cloned().chain((0..times).map(move |_| {
        let mut bytes = pick(&mut random, samples).cloned().unwrap_or_default();
        for _ in 0..=random.below(6) {
            change(&mut random, &mut bytes, samples);
        }
        bytes
    }))
}

fn pick<'l, T>(random: &mut Random, list: &'l [T]) -> Option<&'l T> {
    list.get(place(random, list.len()))
}

fn place(random: &mut Random, below: usize) -> usize {
    usize::try_from(random.below(below as u64)).expect("fits")
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, samples: &[Vec<u8>]) {
    let at = place(random, bytes.len() + 1);
    let length = place(random, 40).min(bytes.len() - at);
    match random.below(7) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..at + length)),
        4 => {
            let piece = bytes[at..at + length].to_vec();
            bytes.splice(at..at, piece);
        }
        5 => {
            let other = pick(random, samples).map(Vec::as_slice).unwrap_or_default();
            let from = place(random, other.len() + 1);
            let until = (from + place(random, 200)).min(other.len());
            bytes.splice(at..at, other[from..until].to_vec());
        }
        _ => {
            let token = pick(random, TOKENS).copied().unwrap_or_default();
            bytes.splice(at..at, token.to_vec());
        }
    }
}
