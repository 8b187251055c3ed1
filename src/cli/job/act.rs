//! What a person does with a job: cancel, hold, release, retry, steer, move.

use clap::Args;

use super::{changed, person};
use crate::cli::{Common, Outcome};
use crate::core::jobs::{JobId, Move};

#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The job's number
    id: JobId,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
}

impl Cancel {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (opened, by) = (common.open()?, person(common)?);
        changed(
            common,
            &opened.handle,
            opened.handle.jobs().cancel(self.id, by, &self.reason).await,
        )
    }
}

#[derive(Debug, Args)]
pub(super) struct Hold {
    /// The job's number
    id: JobId,
}

impl Hold {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (opened, by) = (common.open()?, person(common)?);
        changed(common, &opened.handle, opened.handle.jobs().hold(self.id, by).await)
    }
}

#[derive(Debug, Args)]
pub(super) struct Release {
    /// The job's number
    id: JobId,
}

impl Release {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (opened, by) = (common.open()?, person(common)?);
        changed(common, &opened.handle, opened.handle.jobs().release(self.id, by).await)
    }
}

#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The job's number
    id: JobId,
    /// A hint for the agent
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    hint: String,
}

impl Retry {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (opened, by) = (common.open()?, person(common)?);
        changed(common, &opened.handle, opened.handle.jobs().retry(self.id, by, &self.hint).await)
    }
}

#[derive(Debug, Args)]
pub(super) struct Steer {
    /// The job's number
    id: JobId,
    /// The words
    text: String,
}

impl Steer {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (opened, by) = (common.open()?, person(common)?);
        changed(common, &opened.handle, opened.handle.jobs().steer(self.id, by, &self.text).await)
    }
}

#[derive(Debug, Args)]
pub(super) struct MoveJob {
    /// The job's number
    id: JobId,
    /// up, down, first, last, or back to the place that it has by itself
    to: Move,
}

impl MoveJob {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let (opened, by) = (common.open()?, person(common)?);
        changed(common, &opened.handle, opened.handle.jobs().move_to(self.id, by, self.to).await)
    }
}
