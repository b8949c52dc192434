//! What the fuzz tests of several crates share: how much they try, and how text is spoilt.
//!
//! `PROPTEST_CASES=100000` tries more, `PROPTEST_RNG_SEED=7` tries others. Without them every run tries the same.

#![allow(dead_code, clippy::allow_attributes, reason = "not every test uses all of it")]

use proptest::{prelude::*, sample::Index, test_runner::RngSeed};

/// Tries `cases`, unless the environment says how many.
pub(crate) fn tries(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let is_set = |name| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if is_set("PROPTEST_CASES") { asked.cases } else { cases },
        rng_seed: if is_set("PROPTEST_RNG_SEED") { asked.rng_seed } else { RngSeed::Fixed(20261127) },
        failure_persistence: None,
        max_shrink_iters: 500,
        ..asked
    }
}

/// One way to spoil bytes. Places are chosen by how far into them they are.
#[derive(Debug, Clone)]
pub(crate) enum Spoil {
    /// Another byte.
    Byte(Index, u8),
    /// Something in between.
    Insert(Index, String),
    /// A part in the place of another.
    Copy(Index, Index, usize),
    /// A part less.
    Cut(Index, usize),
    /// The end less.
    Truncate(Index),
    /// Two lines changed about.
    SwapLines(Index, Index),
    /// A line twice.
    RepeatLine(Index),
    /// Lines that end as on Windows.
    CarriageReturns,
}

/// Several of them. `words` are what is likely to mean something.
pub(crate) fn spoils(words: &'static [&'static str]) -> impl Strategy<Value = Vec<Spoil>> {
    let word = prop_oneof![
        8 => proptest::sample::select(words).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => (proptest::sample::select(words), 1..2000usize).prop_map(|(word, times)| word.repeat(times)),
    ];
    let one = prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Spoil::Byte(at, byte)),
        8 => (any::<Index>(), word).prop_map(|(at, text)| Spoil::Insert(at, text)),
        4 => (any::<Index>(), any::<Index>(), 1..80usize).prop_map(|(from, to, length)| Spoil::Copy(from, to, length)),
        4 => (any::<Index>(), 1..80usize).prop_map(|(at, length)| Spoil::Cut(at, length)),
        1 => any::<Index>().prop_map(Spoil::Truncate),
        4 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Spoil::SwapLines(one, other)),
        2 => any::<Index>().prop_map(Spoil::RepeatLine),
        1 => Just(Spoil::CarriageReturns),
    ];
    proptest::collection::vec(one, 1..6)
}

/// The bytes, spoilt one way after the other.
pub(crate) fn spoilt(bytes: &[u8], spoils: &[Spoil]) -> Vec<u8> {
    spoils.iter().fold(bytes.to_vec(), once)
}

fn once(mut bytes: Vec<u8>, spoil: &Spoil) -> Vec<u8> {
    let place = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
    match spoil {
        Spoil::Byte(at, byte) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Spoil::Byte(..) => {}
        Spoil::Insert(at, text) => {
            let at = place(at, &bytes);
            bytes.splice(at..at, text.bytes());
        }
        Spoil::Copy(from, to, length) => {
            let (from, to) = (place(from, &bytes), place(to, &bytes));
            let part = bytes[from..(from + length).min(bytes.len())].to_vec();
            let end = (to + length).min(bytes.len());
            bytes.splice(to..end, part);
        }
        Spoil::Cut(at, length) => {
            let at = place(at, &bytes);
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Spoil::Truncate(at) => bytes.truncate(place(at, &bytes)),
        Spoil::SwapLines(one, other) => {
            let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            if !lines.is_empty() {
                let (one, other) = (one.index(lines.len()), other.index(lines.len()));
                lines.swap(one, other);
            }
            return lines.concat();
        }
        Spoil::RepeatLine(at) => {
            let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            if !lines.is_empty() {
                let at = at.index(lines.len());
                lines.insert(at, lines[at]);
            }
            return lines.concat();
        }
        Spoil::CarriageReturns => {
            return String::from_utf8_lossy(&bytes).replace('\n', "\r\n").into_bytes();
        }
    }
    bytes
}
