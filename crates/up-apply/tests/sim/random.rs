//! Random numbers that can be reproduced: all of them come from one seed.

use std::{ops::Range, time::Duration};

/// SplitMix64, written here in eight lines instead of using a library.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A duration from zero to `most`.
    pub(crate) fn upto(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).expect("simulations are short");
        Duration::from_micros(self.below(most + 1))
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(items.len()).expect("lists are short");
        (count > 0).then(|| &items[usize::try_from(self.below(count)).expect("below the count")])
    }
}

/// The seeds to run: `SIM_SEEDS=20000` for that many, `SIM_SEEDS=17..18` for a range; `usual` many by default.
pub(crate) fn seeds(usual: u64) -> Range<u64> {
    let Ok(asked) = std::env::var("SIM_SEEDS") else { return 0..usual };
    let number = |text: &str| text.parse().expect("SIM_SEEDS is a number, or a range such as 17..18");
    match asked.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&asked),
    }
}
