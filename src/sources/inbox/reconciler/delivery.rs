//! Delivers the state of a question to its agent, through the verdict file.

use std::sync::Arc;

use super::super::files::{Spool, Take};
use super::super::scan::Draft;
use super::super::{InboxScan, schema};
use super::{FolderReconciler, GONE, UNCONFIGURED};
use crate::core::decision::{Decision, State};
use crate::engine::{Handle, HandleError};

impl FolderReconciler {
    /// Whether a closed decision belongs to this very file and its final state is
    /// undelivered.
    pub(super) fn is_undelivered(&self, decision: &Decision, name: &str) -> bool {
        let told_open =
            self.untold.as_ref().is_some_and(|untold| untold.get(name) == Some(&decision.id.0));
        match &decision.state {
            State::Resolved(resolved) => told_open || resolved.claimed_at.is_none(),
            // After a withdrawal by this source, a file that returns is a new question.
            State::Withdrawn { reason, .. } => {
                told_open && reason != GONE && reason != UNCONFIGURED
            }
            State::Pending(_) | State::Deferred { .. } => false,
        }
    }

    /// Writes the decision's state to the verdict file.
    pub(super) async fn tell(
        &mut self,
        handle: &Handle,
        name: &str,
        decision: &Decision,
        looked: &mut InboxScan,
    ) {
        let (said, id) = (schema::verdict_file(decision, handle.time_scale()), decision.id);
        let is_open = said.state.is_open();
        if self.on_disk(name, looked, move |spool, name| spool.tell(name, &said)).await.is_none() {
            return;
        }
        let untold = self.untold.get_or_insert_default();
        if is_open {
            untold.insert(name.to_owned(), id.0);
        } else {
            untold.remove(name);
            looked.told.push(id);
        }
    }

    /// Delivers the final state of a question, in the steps of [`crate::sources::inbox`].
    pub(super) async fn deliver(
        &mut self,
        handle: &Handle,
        name: &str,
        decision: Decision,
        draft: Option<Arc<Draft>>,
        looked: &mut InboxScan,
    ) -> Result<(), HandleError> {
        let (id, said) = (decision.id, schema::verdict_file(&decision, handle.time_scale()));
        let note = said.clone();
        if self
            .on_disk(name, looked, move |spool, name| spool.write_intent(name, &note))
            .await
            .is_none()
        {
            return Ok(());
        }
        self.untold.get_or_insert_default().insert(name.to_owned(), id.0);
        if let Some(draft) = draft {
            match self
                .on_disk(name, looked, move |spool, name| spool.take(name, &draft.bytes))
                .await
            {
                None => return Ok(()),
                Some(Take::Taken | Take::Gone) => {}
                Some(Take::Changed) => {
                    looked.unsettled = true;
                    self.on_disk(name, looked, Spool::forget_intent).await;
                    return Ok(());
                }
            }
        }
        if matches!(decision.state, State::Resolved(_)) {
            match handle.approvals().claim(id).await {
                Ok(claimed) => {
                    let claimed = schema::verdict_file(&claimed, handle.time_scale());
                    // The verdict was undone and replaced at this moment.
                    if claimed != said
                        && self
                            .on_disk(name, looked, move |spool, name| {
                                spool.write_intent(name, &claimed)
                            })
                            .await
                            .is_none()
                    {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.on_disk(name, looked, Spool::put_back).await;
                    // If the verdict was undone at this moment, the next scan handles the new
                    // state. After any other error the intent stays, and a later scan delivers the
                    // verdict.
                    let HandleError::Refused(..) = error else { return Err(error) };
                    self.on_disk(name, looked, Spool::forget_intent).await;
                    looked.unsettled = true;
                    return Ok(());
                }
            }
        }
        if self.on_disk(name, looked, Spool::publish_intent).await.is_some() {
            tracing::info!(decision = id.0, name, "verdict written to the drop folder");
            self.untold.get_or_insert_default().remove(name);
            looked.told.push(id);
        }
        Ok(())
    }
}
