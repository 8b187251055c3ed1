//! A person's disagreement with an automatic approval.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::{Decision, Person, Refused, Via};
use crate::core::Time;

/// A person's disagreement with an automatic approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// The person.
    pub by: Person,
    /// When.
    pub at: Time,
}

impl Decision {
    /// Records a disagreement with an automatic approval. If the agent has not claimed the verdict,
    /// the verdict is undone and a person must answer; with `keep` the verdict stands.
    ///
    /// # Errors
    /// [`Refused::NotAutoApproved`], [`Refused::AlreadyDisagreed`]; withdrawn, or no verdict yet.
    pub fn disagree(&self, by: Person, keep: bool) -> Result<Event, Refused> {
        if let Some(before) = &self.disagreed {
            return Err(Refused::AlreadyDisagreed { by: before.by.clone() });
        }
        let resolved = self.verdict()?;
        if resolved.via != Via::Routing {
            return Err(Refused::NotAutoApproved);
        }
        Ok(Event::Disagreed { by, undone: !keep && resolved.claimed_at.is_none() })
    }

    pub(crate) fn disagreed_by(&mut self, by: Person, at: Time, undone: bool) {
        self.disagreed.get_or_insert_with(|| Disagreement { by: by.clone(), at });
        if undone {
            self.undone(by, at);
        }
    }
}
