//! Where blocks begin, and which there are.

use std::ops::RangeInclusive;

use crate::error::{RegistryError, Result};

/// Ports in a block.
pub const BLOCK: u16 = 100;

/// The lowest and the highest number that a block may begin at: the ports below are for others, and the last block must
/// end before the ports do.
const BASES: RangeInclusive<u16> = 4200..=65400;
/// Blocks that one machine hands out, those that are left out counted too: 4200 to 9900 from the usual base.
const BLOCKS: u16 = 58;
/// macOS listens on 5000, as do half of all development servers.
const LEFT_OUT: u16 = 5000;

/// Where the first block begins: a multiple of 100 from 4200 to 65400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstBase(u16);

impl FirstBase {
    /// 4200.
    pub const USUAL: Self = Self(4200);

    /// Reads one. The error says what is allowed.
    pub fn parse(text: &str) -> Result<Self> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let base = digits.then(|| text.parse().ok()).flatten();
        base.filter(|base| is_base(*base)).map(Self).ok_or_else(|| {
            RegistryError::Invalid(format!(
                "{text:?} is no base of ports: a multiple of {BLOCK} from {} to {} is",
                BASES.start(),
                BASES.end()
            ))
        })
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The bases that are handed out, in their order.
    pub fn bases(self) -> impl Iterator<Item = u16> {
        (0..BLOCKS)
            .map_while(move |number| self.0.checked_add(number * BLOCK))
            .take_while(|base| BASES.contains(base))
            .filter(|base| *base != LEFT_OUT)
    }
}

impl Default for FirstBase {
    fn default() -> Self {
        Self::USUAL
    }
}

/// A block that a project has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its first port.
    pub base: u16,
}

impl Block {
    /// All of its ports.
    pub const fn ports(self) -> RangeInclusive<u16> {
        self.base..=self.base.saturating_add(BLOCK - 1)
    }
}

/// Whether a block may begin here.
pub(crate) const fn is_base(base: u16) -> bool {
    *BASES.start() <= base && base <= *BASES.end() && base.is_multiple_of(BLOCK)
}

#[cfg(test)]
mod tests;
