//! Discord's identifiers and secrets. Knows how they look, not what they identify.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// First second of 2015 in milliseconds: where Discord's ids start to count time.
const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;

/// Bits below the timestamp of an id (worker, process, increment).
const TIME_SHIFT: u32 = 22;

/// A 64-bit id that sorts by creation, written as a string of digits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Snowflake(u64);

impl Snowflake {
    /// The first id of a moment.
    pub(crate) fn at(moment: DateTime<Utc>) -> Self {
        let milliseconds = moment.timestamp_millis().saturating_sub(DISCORD_EPOCH_MS);
        Self(u64::try_from(milliseconds).unwrap_or(0) << TIME_SHIFT)
    }

    pub(crate) fn from_number(number: u64) -> Self {
        Self(number)
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// When what it identifies was created.
    pub(crate) fn created(self) -> DateTime<Utc> {
        let milliseconds = i64::try_from(self.0 >> TIME_SHIFT).unwrap_or_default();
        DateTime::from_timestamp_millis(milliseconds + DISCORD_EPOCH_MS).unwrap_or_default()
    }

    /// The id of something a little older.
    pub(crate) fn before(self) -> Self {
        Self(self.0.saturating_sub(1 << TIME_SHIFT))
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Snowflake {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for Snowflake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A bot token in Discord's shape: the bot's id in base64, two more parts, joined by dots.
pub(crate) fn bot_token(bot: Snowflake) -> String {
    let id = base64url(bot.to_string().as_bytes());
    let middle: String = secret().chars().take(6).collect();
    format!("{id}.{middle}.{}{}", secret(), secret())
}

/// Sixteen random hexadecimal digits: the randomness the standard library seeds its maps with.
pub(crate) fn secret() -> String {
    format!("{:016x}", RandomState::new().hash_one(DISCORD_EPOCH_MS))
}

/// Base64 with the URL alphabet and without padding, as the first part of a token has it.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        for place in 0..=chunk.len() {
            let index = word >> (18 - 6 * place) & 0x3f;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_starts_with_the_id_in_base64() {
        assert_eq!(base64url(b"100"), "MTAw");
        assert_eq!(base64url(b"1001"), "MTAwMQ");
        assert_eq!(bot_token(Snowflake(100)).split('.').count(), 3);
    }
}
