//! The files of a job's worktree at its beginning, and their heartbeat.

use std::path::PathBuf;

use tokio::sync::watch;

use super::job_run::Setup;
use super::leased::LeasedJob;
use super::task_file::{self, Journal, Links, Step, TaskFile};
use super::worktree::JobPlace;
use crate::core::untrusted::one_line;
use crate::disk::Folder;
use crate::engine::Handle;

/// Time between two heartbeats in the worktree.
const BEAT: chrono::TimeDelta = chrono::TimeDelta::seconds(30);

/// The task of a job, which goes on with what an earlier worker left.
pub(super) fn task_of(
    setup: &Setup,
    leased: &LeasedJob,
    place: &JobPlace,
    validation: Option<String>,
) -> TaskFile {
    let job = leased.job();
    let fresh = Journal {
        store: leased.handle.tag().to_owned(),
        job: job.id.0,
        step: Step::WorktreeClaimed,
        base: place.base.clone(),
        turns: 0,
        plans: 0,
        plan: None,
        said: String::new(),
        session: None,
        guided: 0,
        words: Vec::new(),
    };
    let mut journal = place.left.clone().map_or(fresh, |left| left.gander_job);
    if journal.step.is_over() {
        // Another attempt: the work begins again, on what is there.
        journal.step = Step::WorktreeClaimed;
        let why = job.last_failure.as_ref().map(|failure| failure.words.clone());
        journal.words = why.filter(|why| !why.is_empty()).into_iter().collect();
    }
    let step = journal.step;
    let left = place.left.as_ref();
    let mut task = TaskFile {
        task_id: job.id.0.to_string(),
        tool: setup.agent.name(),
        runtime: "local".into(),
        issue_number: None,
        task_description: one_line(&job.request.title),
        worktree_path: place.shown(),
        branch_name: place.branch.clone(),
        status: String::new(),
        phase: String::new(),
        human_action_required: false,
        recommended_action: None,
        last_heartbeat_at: String::new(),
        last_error_summary: left.and_then(|left| left.last_error_summary.clone()),
        last_commit_sha: left.and_then(|left| left.last_commit_sha.clone()),
        validation_command: validation,
        model_provider: None,
        model_name: None,
        token_usage: None,
        estimated_cost_usd: None,
        links: Links::default(),
        gander_job: journal,
    };
    task.enter(step, leased.handle.clock().wall());
    task
}

/// Writes the heartbeat now and then.
pub(super) async fn beat(handle: Handle, worktree: PathBuf, step: watch::Receiver<Step>) {
    let Ok(folder) = Folder::open(&worktree) else { return };
    let clock = handle.clock();
    let mut last = clock.now();
    loop {
        clock.sleep_until(last + BEAT).await;
        if clock.now() < last + BEAT {
            continue;
        }
        last = clock.now();
        let now = *step.borrow();
        if let Err(error) = task_file::beat(&folder, now, clock.wall()) {
            tracing::debug!(%error, "a heartbeat was not written");
        }
    }
}
