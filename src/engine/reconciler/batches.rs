//! Decides, before any card is posted, which waiting decisions need no card of their own.

use super::{Check, Queue, Reconciler, Work};
use crate::core::decision::DecisionId;
use crate::core::messaging::batch::plan;
use crate::core::policy::rules::enforced_risk;
use crate::engine::HandleError;

impl Reconciler {
    /// Approves automatically where the rules allow, and puts waiting decisions into batches.
    pub(super) async fn before_cards(&self, queue: &mut Queue) -> Result<(), HandleError> {
        // If automatic approval fails, people are asked. A later automatic approval then edits the
        // card.
        let checked =
            self.handle.auto_approval().approve_allowed().await.unwrap_or(DecisionId(i64::MAX));
        self.plan_batches(queue, checked).await
    }

    /// Puts waiting decisions without a card into batches, where a project has enough of them.
    /// Decisions numbered above `checked` may still be approved automatically and are left out.
    async fn plan_batches(
        &self,
        queue: &mut Queue,
        checked: DecisionId,
    ) -> Result<(), HandleError> {
        let (rules, at) = (self.handle.rules(), self.handle.clock().wall());
        let since = at.checked_sub_signed(rules.batching.window).unwrap_or(at);
        let outdated = self.handle.with_store(move |store| {
            let planned = store.messages().plan_batches(
                since,
                at,
                Box::new(move |crowd| {
                    plan(
                        &rules.batching,
                        |item| enforced_risk(&rules, &item.project, &item.kind, item.risk),
                        &crowd.up_to(checked),
                    )
                }),
            )?;
            if planned { store.messages().outdated(None) } else { Ok(Vec::new()) }
        });
        outdated.await?.into_iter().for_each(|id| queue.add(Work::Message(id), Check::Record));
        Ok(())
    }
}
