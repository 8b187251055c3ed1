//! Numbers that look random, and can be had again.

use std::hash::{BuildHasher as _, RandomState};

/// Replays the choices of an earlier run, as far as two runs of a machine are alike.
const SEED: &str = "GANDER_KILL_SEED";

/// A small generator (splitmix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        let given = std::env::var(SEED).ok().map(|seed| seed.parse().unwrap());
        Self(given.unwrap_or_else(|| RandomState::new().hash_one(0)))
    }

    /// The numbers of a seed.
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// How to have the same numbers again, before the first is drawn.
    pub(crate) fn replay(&self) -> String {
        format!("to replay: {SEED}={}", self.0)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub(crate) fn one_in(&mut self, limit: u64) -> bool {
        self.below(limit) == 0
    }
}
