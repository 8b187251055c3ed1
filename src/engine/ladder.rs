//! What happens to a decision by itself while nobody answers, and where that stands.

use chrono::TimeDelta;

use super::{Handle, HandleError, enforced};
use crate::core::decision::{Decision, DecisionId, State};
use crate::core::ladder::{Contact, Standing};

impl Handle {
    /// Where a decision stands that waits: the rung, the next one, who is waited for, and what
    /// silence means in the end.
    #[must_use]
    pub fn standing(&self, decision: &Decision) -> Option<Standing> {
        Standing::of(decision, self.who_may(decision))
    }

    /// Does what is due by itself: brings back what was put off, climbs the ladder, applies the
    /// safe default. Called by the timers. `ahead` is how much earlier a reminder may be pulled.
    pub(crate) async fn come_due(
        &self,
        id: DecisionId,
        ahead: TimeDelta,
    ) -> Result<Decision, HandleError> {
        let (now, rules) = (self.now(), self.rules());
        // By the rules of whoever serves, even if somebody asks again in this moment: the asker's
        // own do not count.
        self.enforce(id).await?;
        self.change(id, move |decision| {
            let decision = &enforced(&rules, decision);
            Ok(Some(match decision.state {
                State::Deferred { .. } => decision.come_back(now)?,
                _ => decision.climb(now, ahead)?,
            }))
        })
        .await
    }

    /// What came of the tries to reach people at a rung. Nothing, if the rung was left behind
    /// since.
    ///
    /// # Errors
    /// [`HandleError::NoSuchDecision`], [`HandleError::Store`].
    pub async fn tell(
        &self,
        id: DecisionId,
        climb: u64,
        contacts: Vec<Contact>,
        complete: bool,
    ) -> Result<Decision, HandleError> {
        self.change(id, move |decision| Ok(decision.tell(climb, contacts, complete))).await
    }
}
