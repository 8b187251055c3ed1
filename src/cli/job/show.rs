//! `gander job list` and `gander job show`.

use clap::Args;

use super::add::line;
use crate::cli::read::clock;
use crate::cli::{Common, Exit, Outcome, output};
use crate::core::jobs::{Job, JobId, JobState};
use crate::engine::Handle;
use crate::presentation::{json, text};
use crate::store::JobFilter;

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only jobs of this project
    #[arg(long)]
    project: Option<String>,
    /// Only jobs in this state
    #[arg(long, value_parser = JobState::WORDS)]
    state: Option<String>,
    /// Only jobs of this run
    #[arg(long)]
    run: Option<String>,
    /// Also jobs that are over
    #[arg(long)]
    all: bool,
    /// At most this many, the newest
    #[arg(long, default_value_t = 200)]
    limit: usize,
}

impl List {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let handle = &opened.handle;
        let filter = JobFilter {
            open_only: !self.all && self.state.is_none(),
            state: self.state,
            project: self.project,
            run: self.run,
            limit: self.limit,
            ..JobFilter::default()
        };
        let jobs = handle.jobs().overview(filter).await?;
        if common.json {
            let scale = handle.time_scale();
            output::json(&jobs.iter().map(|job| json::job(job, scale)).collect::<Vec<_>>());
            return Ok(Exit::Yes);
        }
        for halt in handle.jobs().halts().await? {
            let what = halt.project.unwrap_or_else(|| "everything".into());
            output::line(&format!("halted: {what}, by {}", halt.by.name));
        }
        if jobs.is_empty() {
            output::line("no jobs");
        }
        let zone = handle.rules().zone;
        for job in &jobs {
            output::line(&line(job, |at| clock(at, zone)));
        }
        Ok(Exit::Yes)
    }
}

#[derive(Debug, Args)]
pub(super) struct ShowJob {
    /// The job's number
    id: JobId,
}

impl ShowJob {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let opened = common.open_to_read()?;
        let handle = &opened.handle;
        let job = handle.jobs().get(self.id).await?;
        let history = handle.jobs().history(self.id).await?;
        let blocked = handle.jobs().blocked_by(self.id).await?;
        let (scale, zone) = (handle.time_scale(), handle.rules().zone);
        if common.json {
            let history: Vec<_> =
                history.iter().map(|logged| json::job_event(logged, scale)).collect();
            output::json(&serde_json::json!({
                "job": json::job(&job, scale), "blocked_by": blocked, "history": history,
            }));
            return Ok(Exit::Yes);
        }
        facts(&job, &blocked, handle);
        output::line("\nHistory");
        for logged in &history {
            let what = text::job_event(&logged.event, |at| clock(at, zone));
            output::line(&format!("  {}  {what}", clock(logged.at, zone)));
        }
        Ok(Exit::Yes)
    }
}

/// Prints what is known of a job. Each line of the agent has a prefix, so that it cannot pass for a
/// line of this program.
fn facts(job: &Job, blocked: &[JobId], handle: &Handle) {
    let zone = handle.rules().zone;
    let quoted = |text: &str| {
        for line in text.trim_end().lines() {
            output::line(format!("│ {line}").trim_end());
        }
    };
    quoted(&job.request.title);
    quoted(&job.request.prompt);
    let fact = |name: &str, value: &str| output::line(&format!("{name:<10} {value}"));
    fact("State", &text::job_state(&job.state));
    fact("Project", &job.request.project);
    fact("Type", &job.request.job_type);
    fact("Priority", &job.request.priority.to_string());
    if let Some(deadline) = job.request.deadline {
        fact("Deadline", &clock(deadline, zone));
    }
    if !blocked.is_empty() {
        let blocked: Vec<String> = blocked.iter().map(ToString::to_string).collect();
        fact("Waits for", &blocked.join(", "));
    }
    fact("Run", &job.run);
    let limit = job.failure_limit();
    fact("Attempts", &format!("{}, {} of {limit} failed", job.attempts, job.failures));
    for (name, value) in [("Worktree", &job.worktree), ("Branch", &job.branch)] {
        if let Some(value) = value {
            fact(name, value);
        }
    }
    fact("Used", &text::usage_words(&job.usage));
    let Some(result) = &job.result else { return };
    for (name, value) in [("Commit", &result.commit), ("Request", &result.pull_request)] {
        if let Some(value) = value {
            fact(name, value);
        }
    }
    let handoff = &result.handoff;
    for (name, value) in [
        ("Did", &handoff.did),
        ("For next", &handoff.for_next),
        ("Evidence", &handoff.evidence),
        ("Assumed", &handoff.assumptions),
    ] {
        if !value.is_empty() {
            output::line(&format!("\n{name}"));
            quoted(value);
        }
    }
}
