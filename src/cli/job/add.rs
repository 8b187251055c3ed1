//! `gander job add`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::{Common, Exit, Failure, Outcome, open_with_timeout, output};
use crate::core::Time;
use crate::core::decision::Priority;
use crate::core::jobs::request::LONGEST_PROMPT;
use crate::core::jobs::{Enqueuer, JobId, JobRequest, JobSource, JobState};
use crate::core::values::time_words;
use crate::disk;
use crate::engine::Handle;
use crate::presentation::text;
use crate::store::EnqueuedJob;

#[derive(Debug, Args)]
pub(super) struct Add {
    /// What is to be done, in one line
    title: String,
    /// The project [default: that of the working directory, else default]
    #[arg(long)]
    project: Option<String>,
    /// What the agent is told [default: the title]
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_file")]
    prompt: Option<String>,
    /// A file with what the agent is told; - reads standard input
    #[arg(long, value_name = "FILE")]
    prompt_file: Option<PathBuf>,
    /// The type of work: bug, audit, docs … [default: task]
    #[arg(long = "type", value_name = "WORD")]
    job_type: Option<String>,
    /// low, normal, high, urgent
    #[arg(long, default_value_t = Priority::Normal)]
    priority: Priority,
    /// When it must be done: 3d, tomorrow, 2026-12-24 18:00
    #[arg(long, value_name = "WHEN")]
    deadline: Option<String>,
    /// A job that must be done before; repeatable
    #[arg(long = "after", value_name = "JOB")]
    depends_on: Vec<JobId>,
    /// Where the job comes from, such as github:acme/shop
    #[arg(long, requires = "source_id")]
    source: Option<String>,
    /// The source's own id: while a job with it is not over, no other is enqueued
    #[arg(long, requires = "source", value_name = "ID")]
    source_id: Option<String>,
    /// The run [default: the parent's, or a run of its own]
    #[arg(long)]
    run: Option<String>,
    /// The job whose agent enqueues this one
    #[arg(long, value_name = "JOB")]
    parent: Option<JobId>,
    /// The only agent that may do it
    #[arg(long)]
    agent: Option<String>,
    /// Failed attempts after which it needs a person [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    failures: Option<u32>,
    /// The name of the agent that enqueues it: beyond the run's guards, a person is asked
    #[arg(long, value_name = "AGENT")]
    by_agent: Option<String>,
}

impl Add {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        let user = common.config()?;
        let here = std::env::current_dir().ok();
        let mapped = here.as_deref().and_then(|here| user.project_of(here)).map(str::to_owned);
        let opened = open_with_timeout(&common.store_path(&user)?, &user)?;
        let handle = &opened.handle;
        let request = self.into_request(common, handle, mapped)?;
        let enqueued = handle.jobs().enqueue(request).await?;
        match &enqueued {
            EnqueuedJob::New(_) => {}
            EnqueuedJob::Same(job) => {
                output::progress(&format!("{} has this source and id, and is not over", job.id));
            }
            EnqueuedJob::Asked(job) => {
                if let JobState::Waiting { on, .. } = &job.state {
                    output::progress(&format!("beyond a guard of its run: {on} asks a person"));
                }
            }
        }
        let job = enqueued.into_job();
        if common.json {
            super::print(common, handle, &job);
        } else {
            output::line(&job.id.0.to_string());
        }
        Ok(Exit::Yes)
    }

    fn into_request(
        self,
        common: &Common,
        handle: &Handle,
        mapped: Option<String>,
    ) -> Result<JobRequest, Failure> {
        let usual = JobRequest::default();
        let by = match self.by_agent {
            Some(name) => Enqueuer::Agent { name },
            None => Enqueuer::Person { by: super::person(common)? },
        };
        let prompt = match (self.prompt, self.prompt_file) {
            (Some(prompt), _) => prompt,
            (None, Some(file)) => prompt_of(&file)?,
            (None, None) => String::new(),
        };
        let deadline = self.deadline.map(|text| deadline(handle, &text)).transpose()?;
        let source = self.source.zip(self.source_id).map(|(name, id)| JobSource { name, id });
        Ok(JobRequest {
            title: self.title,
            prompt,
            project: self.project.or(mapped).unwrap_or(usual.project),
            job_type: self.job_type.unwrap_or(usual.job_type),
            priority: self.priority,
            deadline,
            depends_on: self.depends_on,
            source,
            run: self.run,
            parent: self.parent,
            agent: self.agent,
            failure_limit: self.failures,
            by,
        })
    }
}

/// A deadline, as people write times; in the store's time.
fn deadline(handle: &Handle, text: &str) -> Result<Time, Failure> {
    let (now, zone) = (handle.now(), handle.rules().zone);
    let exact = text.trim().parse::<Time>().ok();
    let parsed = exact
        .map(|wall| handle.time_scale().store_time(wall))
        .or_else(|| time_words::parse(text, now, zone));
    parsed.ok_or_else(|| {
        let words = format!(
            "--deadline {text:?} is no time: write, for example, 3d, tomorrow or 2026-12-24 18:00"
        );
        Failure::new(Exit::Usage, words)
    })
}

fn prompt_of(file: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("--prompt-file {}: {error}", file.display()))
    };
    // One more byte than is allowed, so that a longer text is refused and not cut.
    let limit = LONGEST_PROMPT as u64 + 1;
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().take(limit).read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    let bytes = disk::read_argument(file, limit).map_err(|error| failed(error.into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A job in a line of a list.
pub(super) fn line(job: &crate::core::jobs::Job, clock: impl Fn(Time) -> String) -> String {
    let due = job.request.deadline.map_or_else(String::new, |at| format!("  due {}", clock(at)));
    format!(
        "{:>5}  {:<8} {}  {}  [{}]{due}",
        job.id.0,
        job.request.priority,
        job.request.project,
        job.request.title,
        text::job_state(&job.state)
    )
}
