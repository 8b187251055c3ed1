//! Parses single values of a configuration: time spans, words, ids.

use serde::{Deserialize, Deserializer};

use crate::core::decision::Risk;
use crate::core::policy::rules::LONGEST_SLA_SECONDS;

/// A time span in seconds, written as `30m`, `4h 30m` or `7d`. At most a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(pub u64);

impl std::str::FromStr for TimeSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text.trim())
            .map_err(|error| {
                format!(
                    "{text:?} is not a time span ({error}): write, for example, 30m, 4h 30m or 7d"
                )
            })
            .and_then(|span| match span.as_secs() {
                seconds if seconds <= LONGEST_SLA_SECONDS => Ok(Self(seconds)),
                _ => Err(format!(
                    "{text:?} is longer than a year: write, for example, 30m, 4h 30m or 7d"
                )),
            })
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Parses a word such as a risk. The error names the valid words.
pub(super) fn word<'de, D: Deserializer<'de>, T: std::str::FromStr<Err = String>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A Discord id, as a number or in quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct DiscordId(pub(super) u64);

impl<'de> Deserialize<'de> for DiscordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer) {
            Ok(Either::Number(number)) => Ok(Self(number)),
            Ok(Either::Text(text)) => text.trim().parse().map(Self).map_err(|_| {
                serde::de::Error::custom(format!(
                    "{text:?} is not a Discord id: in Discord, switch on developer mode, \
                     right-click and choose Copy ID"
                ))
            }),
            Err(_) => Err(serde::de::Error::custom("a Discord id has 17 to 20 digits")),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RiskWord(#[serde(deserialize_with = "word")] pub(super) Option<Risk>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByRisk<T> {
    low: Option<T>,
    medium: Option<T>,
    high: Option<T>,
    critical: Option<T>,
}

impl<T> Default for ByRisk<T> {
    fn default() -> Self {
        Self { low: None, medium: None, high: None, critical: None }
    }
}

impl<T> ByRisk<T> {
    pub(super) fn said(self) -> impl Iterator<Item = (Risk, T)> {
        let all = [
            (Risk::Low, self.low),
            (Risk::Medium, self.medium),
            (Risk::High, self.high),
            (Risk::Critical, self.critical),
        ];
        all.into_iter().filter_map(|(risk, said)| Some((risk, said?)))
    }
}
