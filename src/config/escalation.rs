//! `[[ladders.NAME]]`: escalation ladders of the user's own configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::TimeSpan;
use super::place::{Place, WrongValue};
use crate::core::escalation::{Channel, Ladder, Step, StepTime};

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

/// The configured ladders by name, with the default ladder.
#[derive(Debug, Default)]
pub(super) struct Ladders(BTreeMap<String, Ladder>);

impl Ladders {
    /// # Errors
    /// [`WrongValue`]: a step without a time or with several, or steps that form no valid ladder.
    pub(super) fn new(written: BTreeMap<String, Vec<Written>>) -> Result<Self, WrongValue> {
        let mut ladders: BTreeMap<String, Ladder> = [(USUAL.to_owned(), Ladder::default())].into();
        for (name, written) in written {
            let place = Place::of(&["ladders", &name]);
            let mut steps = Vec::new();
            for (index, step) in written.into_iter().enumerate() {
                steps.push(step.into_step().ok_or_else(|| {
                    place.clone().index(index).wrong(format!(
                        "a step of the ladder {name:?} needs exactly one of after, before_breach \
                         and after_breach, such as after = \"30m\""
                    ))
                })?);
            }
            let ladder = Ladder::new(steps)
                .map_err(|crooked| place.wrong(format!("the ladder {name:?}: {crooked}")))?;
            ladders.insert(name, ladder);
        }
        Ok(Self(ladders))
    }

    /// The ladder named at this place.
    ///
    /// # Errors
    /// [`WrongValue`]: no ladder has this name.
    pub(super) fn named(&self, name: &str, at: &[&str]) -> Result<Ladder, WrongValue> {
        self.0.get(name).cloned().ok_or_else(|| {
            let all = self.0.keys().cloned().collect::<Vec<_>>().join(", ");
            Place::of(at).wrong(format!(
                "there is no ladder {name:?}: define it with [[ladders.{name}]], or use one of \
                 {all}"
            ))
        })
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
