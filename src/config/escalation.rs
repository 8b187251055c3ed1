//! `[[ladders.NAME]]`: escalation ladders of the user's own configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::TimeSpan;
use crate::core::escalation::{Channel, InvalidLadder, Ladder, Step, StepTime};

/// The default ladder's name.
pub(super) const USUAL: &str = "usual";

/// An escalation step as written in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    after: Option<TimeSpan>,
    before_breach: Option<TimeSpan>,
    after_breach: Option<TimeSpan>,
    by: Vec<Channel>,
    repeat: Option<TimeSpan>,
    default: bool,
}

/// An error in a ladder's description.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mistake {
    /// A step without a time, or with several times.
    #[error(
        "a step of the ladder {0:?} needs exactly one of after, before_breach and after_breach, \
         such as after = \"30m\""
    )]
    When(String),
    /// The steps form no valid ladder.
    #[error("the ladder {0:?}: {1}")]
    Crooked(String, InvalidLadder),
    /// An unknown ladder, and the known names.
    #[error("there is no ladder {0:?}: define it with [[ladders.{0}]], or use one of {1}")]
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
        for (name, steps) in written {
            let steps: Option<Vec<Step>> = steps.into_iter().map(Written::into_step).collect();
            let steps = steps.ok_or_else(|| Mistake::When(name.clone()))?;
            let ladder =
                Ladder::new(steps).map_err(|crooked| Mistake::Crooked(name.clone(), crooked))?;
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
    fn into_step(self) -> Option<Step> {
        let when = match (self.after, self.before_breach, self.after_breach) {
            (Some(span), None, None) => StepTime::After(span.0),
            (None, Some(span), None) => StepTime::BeforeBreach(span.0),
            (None, None, Some(span)) => StepTime::AfterBreach(span.0),
            _ => return None,
        };
        let mut by: Vec<Channel> = Vec::new();
        for channel in self.by {
            if !by.contains(&channel) {
                by.push(channel);
            }
        }
        Some(Step { when, by, repeat: self.repeat.map(|repeat| repeat.0), default: self.default })
    }
}
