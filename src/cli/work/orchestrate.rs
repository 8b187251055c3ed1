//! `gander work --orchestrate DIR`: the walking skeleton of a run. Finds out what DIR is made of,
//! seeds a run of jobs, has stubs work on them side by side, and shows the run in the terminal and
//! in files below `DIR/.gander`. Nothing else in DIR changes.

mod files;
mod frameworks;
mod listing;
mod seeds;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use self::files::{RunFiles, Seeded, Told, source_id};
use super::leased::LeasedJob;
use super::pool::{Next, Pool, PoolEnd, Work};
use super::stopping::{Stop, WorkError};
use super::stub::Stub;
use crate::cli::{Common, Exit, Failure, Opened, Outcome, open_with_timeout, output};
use crate::config::Config;
use crate::core::hex;
use crate::core::jobs::{Enqueuer, Job, JobId, JobRequest, JobResult, JobSource, JobState};
use crate::core::policy::rules::project_name;
use crate::disk;
use crate::engine::{Handle, JobFilter, LeaseRequest};
use crate::presentation::text::work as text;

/// Jobs at a time.
const AT_ONCE: usize = 4;
/// The agent for which these jobs are: no worker with a real agent takes them.
const AGENT: &str = "stub";
/// The source of the seeded tasks.
const SOURCE: &str = "orchestrate";
/// Held while a run is worked on.
const LOCK: &str = "orchestrate.lock";

/// Runs the orchestrator in a folder.
pub(super) async fn run(folder: &Path, stub: Stub, common: &Common) -> Outcome {
    let usage = |why: String| Failure::new(Exit::Usage, why);
    let root = folder
        .canonicalize()
        .map_err(|error| usage(format!("--orchestrate {}: {error}", folder.display())))?;
    let config = common.config()?;
    let opened = open_with_timeout(&common.store_path(&config)?, &config)?;
    let runs = files::runs(&root)
        .map_err(|error| usage(format!("{}: {error}", root.join(".gander").display())))?;
    let _lock = lock(&root)?;
    let unfinished = files::unfinished(&runs, opened.handle.tag()).map_err(internal)?;
    let goes_on = unfinished.is_some();
    let seeded = match unfinished {
        Some(seeded) => seeded,
        None => plan(&root, &config, &opened.handle)?,
    };
    let files = RunFiles::open(&runs, &seeded.run).map_err(internal)?;
    if goes_on {
        output::line(&text::run_continued(&seeded.run));
    } else {
        files.write_seed(&seeded).map_err(internal)?;
    }
    seed(&opened.handle, &seeded).await?;
    Orchestrator::start(root, stub, opened, files, seeded).await
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Internal, error)
}

/// Only one process works on the runs of a folder.
fn lock(root: &Path) -> Result<File, Failure> {
    let path = root.join(super::stub::GANDER).join(LOCK);
    let file = disk::open_private(&path)
        .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => {
            let words = format!("another gander work --orchestrate works in {}", root.display());
            Err(Failure::new(Exit::NotNow, words))
        }
    }
}

/// Looks at the folder, and plans a run.
fn plan(root: &Path, config: &Config, handle: &Handle) -> Result<Seeded, Failure> {
    let listing = listing::of(root).map_err(internal)?;
    let found = frameworks::frameworks(&listing);
    if found.is_empty() {
        let words = text::no_framework(&root.display().to_string());
        return Err(Failure::new(Exit::Usage, words));
    }
    for found in &found {
        output::line(&text::framework(found.framework.name(), &found.manifest));
    }
    let call = frameworks::model_call(&listing);
    if let Some(call) = &call {
        output::line(&text::model_call(call.library, &call.file, call.line));
    }
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned());
    let project = config.project_of(root).map(str::to_owned).or(name).unwrap_or_default();
    Ok(Seeded {
        store: handle.tag().to_owned(),
        run: run_name(handle)?,
        project: plain_project(&project),
        tasks: seeds::of(&found, call.as_ref()),
        finished: false,
    })
}

/// A name that begins with the time, so that names sort by it.
fn run_name(handle: &Handle) -> Result<String, Failure> {
    let mut random = [0; 3];
    getrandom::fill(&mut random).map_err(internal)?;
    let at = handle.now().format("%Y%m%d-%H%M%S");
    Ok(format!("{at}-{}", hex(&random)))
}

fn plain_project(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    project_name(&name.chars().take(60).map(plain).collect::<String>())
}

/// Enqueues what is not enqueued yet.
async fn seed(handle: &Handle, seeded: &Seeded) -> Result<(), Failure> {
    let mut known: Vec<(&str, JobId)> = Vec::new();
    for task in &seeded.tasks {
        let source = JobSource { name: SOURCE.into(), id: source_id(&seeded.run, &task.key) };
        let filter = JobFilter {
            source: Some(source.name.clone()),
            source_id: Some(source.id.clone()),
            ..JobFilter::default()
        };
        if let Some(job) = handle.jobs().list(filter).await?.first() {
            known.push((&task.key, job.id));
            continue;
        }
        let needs = known.iter().filter(|(key, _)| task.needs.iter().any(|needed| needed == key));
        let request = JobRequest {
            title: task.title.clone(),
            prompt: task.prompt.clone(),
            project: seeded.project.clone(),
            job_type: task.job_type.clone(),
            depends_on: needs.map(|(_, id)| *id).collect(),
            source: Some(source),
            run: Some(seeded.run.clone()),
            agent: Some(AGENT.into()),
            by: Enqueuer::Source,
            ..JobRequest::default()
        };
        known.push((&task.key, handle.jobs().enqueue(request).await?.into_job().id));
    }
    Ok(())
}

/// Works on a run.
struct Orchestrator {
    root: PathBuf,
    stub: Stub,
    handle: Handle,
    files: RunFiles,
    seeded: Mutex<Seeded>,
    /// What was said last about what the run waits for.
    said: Mutex<String>,
}

impl Orchestrator {
    async fn start(
        root: PathBuf,
        stub: Stub,
        opened: Opened,
        files: RunFiles,
        seeded: Seeded,
    ) -> Outcome {
        let worker = format!("orchestrate-{}", seeded.run);
        let run = seeded.run.clone();
        let request = LeaseRequest {
            worker: worker.clone(),
            projects: vec![seeded.project.clone()],
            agent: Some(AGENT.into()),
            run: Some(run.clone()),
        };
        let handle = opened.handle.clone();
        let orchestrator = Arc::new(Self {
            root,
            stub,
            handle,
            files,
            seeded: Mutex::new(seeded),
            said: Mutex::default(),
        });
        // What this worker had before it was killed. Nobody else has its name.
        let mut left = orchestrator.jobs().await?;
        left.retain(|job| job.lease().is_some_and(|lease| lease.worker == worker));
        let pool = Pool { opened, request, most: AT_ONCE };
        let end = pool.run(Arc::clone(&orchestrator), left).await?;
        let told = orchestrator.show().await?;
        Ok(match end {
            PoolEnd::Over => orchestrator.finish(&told)?,
            PoolEnd::Stopped => {
                output::line(&text::run_stopped(&run));
                Exit::NotNow
            }
        })
    }

    async fn jobs(&self) -> Result<Vec<Job>, Failure> {
        let run = self.seeded().run;
        let filter = JobFilter { run: Some(run), ..JobFilter::default() };
        let mut jobs = self.handle.jobs().list(filter).await?;
        jobs.sort_by_key(|job| job.id);
        Ok(jobs)
    }

    fn seeded(&self) -> Seeded {
        self.seeded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes the files anew, and prints what is new.
    async fn show(&self) -> Result<Vec<Told>, Failure> {
        // The jobs are read one after the other: what happens meanwhile is shown the next time, or
        // an event of a job that was read before would be left out.
        let end = self.handle.event_log().head().await?.seq;
        let mut told = Vec::new();
        for job in self.jobs().await? {
            let history = self.handle.jobs().history(job.id).await?;
            told.push(Told { job, history });
        }
        self.files.write_queue(&self.seeded(), &told).map_err(internal)?;
        for entry in self.files.append_audit(&told, end).map_err(internal)? {
            let word = |name: &str| entry[name].as_str().unwrap_or_default();
            let line = text::progress(word("event"), word("task"), word("label"), word("words"));
            output::line(&line);
        }
        Ok(told)
    }

    fn finish(&self, told: &[Told]) -> Result<Exit, Failure> {
        let seeded = Seeded { finished: true, ..self.seeded() };
        self.files.write_seed(&seeded).map_err(internal)?;
        let done = told.iter().filter(|told| told.job.state.satisfies()).count();
        output::line(&text::drained(&seeded.run, done, told.len()));
        Ok(if done == told.len() { Exit::Yes } else { Exit::No })
    }

    /// Says what a run waits for, while nothing is worked on.
    fn say_waits(&self, told: &[Told]) {
        let waits = |told: &Told| match &told.job.state {
            JobState::Waiting { on, .. } => Some(text::waits_for(told.job.id.0, on.0)),
            JobState::NeedsPerson { decision, .. } => {
                Some(text::needs_person(told.job.id.0, decision.map(|decision| decision.0)))
            }
            JobState::Halted { .. } | JobState::Held { .. } => {
                Some(text::is_stopped(told.job.id.0, told.job.state.word()))
            }
            _ => None,
        };
        let lines: Vec<String> = told.iter().filter_map(waits).collect();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if *said != lines.join("\n") {
            *said = lines.join("\n");
            lines.iter().for_each(|line| output::line(line));
        }
    }

    async fn work_on(&self, leased: &LeasedJob) -> Result<(), WorkError> {
        let handoff = tokio::select! {
            stop = leased.stopped() => return Err(WorkError::Stopped(stop)),
            done = self.stub.work(leased, &self.root) => done?,
        };
        let files_changed = Some(0);
        leased.finish(&JobResult { handoff, files_changed, ..JobResult::default() }).await
    }
}

impl Work for Orchestrator {
    async fn work(self: Arc<Self>, leased: LeasedJob) {
        let ended = match self.work_on(&leased).await {
            Err(WorkError::Failed(words)) => leased.fail(&words).await,
            Err(WorkError::Stopped(Stop::Signal)) => leased.hand_back().await,
            Err(WorkError::Stopped(_)) | Ok(()) => Ok(()),
        };
        if let Err(error) = ended {
            tracing::warn!(job = leased.lease.job.0, ?error, "a job did not end");
        }
    }

    async fn look(&self, at_work: usize) -> Result<Next, Failure> {
        let told = self.show().await?;
        if told.iter().all(|told| told.job.state.is_over()) {
            return Ok(Next::Over);
        }
        if at_work == 0 {
            self.say_waits(&told);
        }
        Ok(Next::GoOn)
    }
}
