//! Files the reports of agents on their verdicts.

use gander_client::types::OutcomeReport;

use super::super::InboxScan;
use super::super::files::{Name, OUTCOMES, Spool};
use super::super::scan::ScannedFile;
use super::FolderReconciler;
use crate::core::decision::DecisionId;
use crate::engine::{Handle, HandleError};

impl FolderReconciler {
    /// Handles an agent's report on a verdict.
    pub(super) async fn report(
        &self,
        handle: &Handle,
        name: &str,
        report: ScannedFile<OutcomeReport>,
        looked: &mut InboxScan,
    ) -> Result<(), HandleError> {
        let wrong = match report {
            ScannedFile::Unclear => {
                looked.unsettled = true;
                return Ok(());
            }
            ScannedFile::Wrong(why) => why,
            ScannedFile::Whole(report) => match self.reported(handle, name, report).await? {
                Ok(id) => {
                    // Reports are idempotent, so a file that cannot be removed does no harm.
                    if self.on_disk(name, looked, Spool::remove_report).await.is_some() {
                        looked.reported.push(id);
                    }
                    return Ok(());
                }
                Err(why) => why,
            },
        };
        let refused = self.on_disk(name, looked, move |spool, name| {
            spool.refuse(OUTCOMES, &Name::Plain(name.to_owned()), &wrong)
        });
        if refused.await.is_some() {
            looked.refused.push(name.to_owned());
        }
        Ok(())
    }

    /// Files an agent's report. The inner error is the problem with the report, as text.
    async fn reported(
        &self,
        handle: &Handle,
        name: &str,
        report: OutcomeReport,
    ) -> Result<Result<DecisionId, String>, HandleError> {
        let named = match report.id.map(DecisionId) {
            Some(id) => handle.approvals().get(id).await.map(Some),
            None => self.latest(handle, name).await,
        };
        let ours = match named {
            Ok(named) => named
                .filter(|decision| decision.request.dedup_key.as_deref() == Some(&self.key(name))),
            Err(HandleError::NoSuchDecision(_)) => None,
            Err(error) => return Err(error),
        };
        let Some(decision) = ours else {
            let number = report.id.map_or_else(String::new, |id| format!(" as #{id}"));
            return Ok(Err(format!(
                "no question has this name{number}: give the file the question's name"
            )));
        };
        match handle.approvals().report(decision.id, report.outcome, &report.text).await {
            Ok(reported) => Ok(Ok(reported.id)),
            Err(HandleError::Refused(_, refused)) => Ok(Err(format!("{}: {refused}", decision.id))),
            Err(error) => Err(error),
        }
    }
}
