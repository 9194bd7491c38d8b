//! Chance that can be repeated: everything random in a test follows from one number.

/// A seeded source of numbers: splitmix64, good enough to pick moments and cases.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The sequence of the seed in the environment variable `CONCLAVE_SEED`, else of `default`. A test that
    /// fails prints the seed it used; this is how to run it again.
    pub fn from_env(default: u64) -> Self {
        let seed = std::env::var("CONCLAVE_SEED").ok().map_or(default, |seed| {
            seed.parse().unwrap_or_else(|_| panic!("CONCLAVE_SEED {seed:?} is no number"))
        });
        Self::new(seed)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.number() % end }
    }
}
