//! Words the queue's questions to people, with the terms of policy.

use std::sync::Arc;

use crate::core::decision::{Request, Terms};
use crate::core::jobs::{Job, JobQuestion};
use crate::core::policy::rules::{Rules, admit};
use crate::presentation::text;
use crate::store::AskAboutJob;

/// The words and terms by these rules.
pub(super) struct Words(pub(super) Arc<Rules>);

impl AskAboutJob for Words {
    fn question(&self, job: &Job, question: JobQuestion) -> (Request, Terms) {
        let request = text::job_question(job, question, &self.0.jobs);
        // Admitted always: titles and names are limited when a job is enqueued.
        let terms = admit(&self.0, &request).unwrap_or_default();
        (request, terms)
    }

    fn withdrawal(&self) -> String {
        text::JOB_WENT_ON.into()
    }
}
