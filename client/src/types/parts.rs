//! The parts of a question, and the notation of times and time spans.

use std::sync::LazyLock;

use chrono::{DateTime, SecondsFormat, Utc};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The explanation of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Insight {
    /// What you observed.
    pub observation: String,
    /// Why this matters.
    pub why_it_matters: String,
    /// What you recommend.
    pub what_to_do: String,
}

/// A named fact on the card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// The name, such as tests.
    pub name: String,
    /// The value, such as 47/47.
    pub value: String,
}

/// An option to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The name, which the verdict repeats.
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
    /// Arguments for and against the option.
    #[serde(default)]
    pub description: String,
}

/// A link to further reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The link's text.
    pub name: String,
    /// The URL.
    #[schemars(regex(pattern = r"^https?://\S+$"))]
    pub url: String,
}

/// The agent that asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Agent {
    /// The agent's name for people. Left out: agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Distinguishes two runs of one agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// The notation of a time span.
const PATTERN: &str = concat!(
    r"^\s*([0-9]{1,6}\s*",
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\s*){1,6}$",
);

static SPAN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(PATTERN).ok());

/// A time span in seconds, written like `4h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub u64);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            serde::de::Error::custom(format!(
                "{text:?} is not a time span: write, for example, 30m, 4h 30m or 7d"
            ))
        };
        // Accept exactly what the schema's pattern accepts.
        let matches = SPAN.as_ref().is_some_and(|span| span.is_match(&text));
        humantime::parse_duration(text.trim())
            .ok()
            .filter(|_| matches)
            .map(|span| Self(span.as_secs()))
            .ok_or_else(wrong)
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut left = self.0;
        let mut words = Vec::new();
        for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
            if left >= seconds {
                words.push(format!("{}{unit}", left / seconds));
                left %= seconds;
            }
        }
        serializer.serialize_str(&if words.is_empty() { "0s".to_owned() } else { words.join(" ") })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = "A time span: numbers with the units s, m, h or d, added up.";
        json_schema!({ "description": words, "type": "string", "pattern": PATTERN })
    }
}

/// The end of the year 9999.
const LATEST: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(latest) => latest,
    None => DateTime::<Utc>::MAX_UTC,
};

/// A wall-clock time, written to the second: 2026-11-21T12:30:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub DateTime<Utc>);

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // RFC 3339 has no years of five digits.
        f.write_str(&self.0.min(LATEST).to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |_| {
            serde::de::Error::custom(format!(
                "{text:?} is not a time: write, for example, 2026-11-21T12:30:00Z"
            ))
        };
        DateTime::parse_from_rfc3339(text.trim()).map(|moment| Self(moment.to_utc())).map_err(wrong)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = "A moment, by the wall clock.";
        json_schema!({ "description": words, "type": "string", "format": "date-time" })
    }
}
