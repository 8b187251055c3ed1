//! The list of waiting decisions, in memory. Reading ten thousand rows takes several milliseconds,
//! so each use reads only the decisions changed since the last use, as the event log tells.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::core::decision::pending_summary::PendingSummary;
use crate::core::decision::{DecisionId, Risk};
use crate::store::{PendingChanges, Store, StoreError};

/// The list, shared by all uses.
#[derive(Debug, Default)]
pub(in crate::engine) struct PendingList(Mutex<Known>);

/// The list as of a log position.
#[derive(Debug, Default)]
pub(super) struct Known {
    position: Option<u64>,
    waiting: HashMap<DecisionId, PendingSummary>,
}

impl PendingList {
    /// The list as it is now.
    ///
    /// # Errors
    /// [`StoreError`]; the next use reads what is missing.
    pub(super) fn current(&self, store: &Store) -> Result<MutexGuard<'_, Known>, StoreError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let PendingChanges { position, replaced, waiting } =
            store.decisions().pending_since(known.position)?;
        match replaced {
            Some(ids) => ids.iter().for_each(|id| drop(known.waiting.remove(id))),
            None => known.waiting.clear(),
        }
        known.waiting.extend(waiting.into_iter().map(|summary| (summary.id, summary)));
        known.position = Some(position);
        Ok(known)
    }
}

impl Known {
    /// The waiting decisions that `is_wanted` selects. Asks once for decisions that do not differ
    /// in what determines the approvers: project, kind, risk, and whether `asker` asked.
    pub(super) fn select(
        &self,
        asker: Option<&str>,
        is_wanted: impl Fn(&PendingSummary) -> bool,
    ) -> Vec<&PendingSummary> {
        let mut answers: HashMap<(&str, &str, Risk, bool), bool> = HashMap::new();
        let waiting = self.waiting.values();
        waiting
            .filter(|summary| {
                let is_asker = asker.is_some() && summary.asked_by.as_deref() == asker;
                let (project, kind) = (summary.project.as_str(), summary.kind.as_str());
                *answers
                    .entry((project, kind, summary.risk, is_asker))
                    .or_insert_with(|| is_wanted(summary))
            })
            .collect()
    }
}
