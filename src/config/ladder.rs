//! `[[ladders.NAME]]`: escalation ladders of the user's own configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Span;
use crate::core::ladder::{Crooked, Ladder, Rung, Way, When};

/// The default ladder's name.
pub(super) const USUAL: &str = "usual";

/// An escalation step as written in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    after: Option<Span>,
    before_breach: Option<Span>,
    after_breach: Option<Span>,
    by: Vec<WayWord>,
    repeat: Option<Span>,
    default: bool,
}

#[derive(Debug, Clone, Copy)]
struct WayWord(Way);

impl<'de> Deserialize<'de> for WayWord {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// An error in a ladder's description.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mistake {
    /// A step without a time, or with several times.
    #[error(
        "a rung of the ladder {0:?} needs exactly one of after, before_breach and after_breach, such as after = \"30m\""
    )]
    When(String),
    /// The steps form no valid ladder.
    #[error("the ladder {0:?}: {1}")]
    Crooked(String, Crooked),
    /// An unknown ladder, and the known names.
    #[error("there is no ladder {0:?}: describe it with [[ladders.{0}]], or name one of {1}")]
    Unknown(String, String),
}

impl Mistake {
    /// A text to find the wrong line by.
    pub(super) fn needle(&self) -> String {
        match self {
            Self::When(name) | Self::Crooked(name, _) => format!("[[ladders.{name}]]"),
            Self::Unknown(name, _) => format!("\"{name}\""),
        }
    }
}

/// The configured ladders by name, with the default ladder.
#[derive(Debug, Default)]
pub(super) struct Ladders(BTreeMap<String, Ladder>);

impl Ladders {
    pub(super) fn new(written: BTreeMap<String, Vec<Written>>) -> Result<Self, Mistake> {
        let mut ladders: BTreeMap<String, Ladder> = [(USUAL.to_owned(), Ladder::default())].into();
        for (name, rungs) in written {
            let rungs: Option<Vec<Rung>> = rungs.into_iter().map(Written::into_rung).collect();
            let rungs = rungs.ok_or_else(|| Mistake::When(name.clone()))?;
            let ladder =
                Ladder::new(rungs).map_err(|crooked| Mistake::Crooked(name.clone(), crooked))?;
            ladders.insert(name, ladder);
        }
        Ok(Self(ladders))
    }

    pub(super) fn named(&self, name: &str) -> Result<Ladder, Mistake> {
        let all = || self.0.keys().cloned().collect::<Vec<_>>().join(", ");
        self.0.get(name).cloned().ok_or_else(|| Mistake::Unknown(name.to_owned(), all()))
    }
}

impl Written {
    fn into_rung(self) -> Option<Rung> {
        let when = match (self.after, self.before_breach, self.after_breach) {
            (Some(span), None, None) => When::After(span.0),
            (None, Some(span), None) => When::BeforeBreach(span.0),
            (None, None, Some(span)) => When::AfterBreach(span.0),
            _ => return None,
        };
        let mut by: Vec<Way> = Vec::new();
        for WayWord(way) in self.by {
            if !by.contains(&way) {
                by.push(way);
            }
        }
        Some(Rung { when, by, repeat: self.repeat.map(|repeat| repeat.0), default: self.default })
    }
}
