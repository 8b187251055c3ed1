//! The way of one job through its worktree: plan, work, validation, review. Each step is written to
//! the worktree's files before it begins, so that a worker that takes the job over goes on with it.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::agents::AgentChoice;
use super::asking::{Decided, Question, digest};
use super::git::GitError;
use super::leased::LeasedJob;
use super::process::{self, Ended};
use super::record::{beat, task_of};
use super::stopping::{Stop, WorkError};
use super::task_file::{Lock, Step, TaskFile, WrittenHandoff, written};
use super::turn::{Agent, TurnEnd};
use super::validation;
use super::worktree::JobPlace;
use crate::config::WorkTerms;
use crate::core::decision::Insight;
use crate::core::jobs::{Handoff, JobResult, Validation};
use crate::presentation::text::work as text;

/// Most turns of an agent within an attempt.
const MOST_TURNS: u32 = 20;
/// How long a validation may take.
const LONGEST_VALIDATION: Duration = Duration::from_secs(60 * 60);
/// Most bytes of the end of an output, for cards and prompts.
const LONGEST_OUTPUT: usize = 8 << 10;

impl From<GitError> for WorkError {
    fn from(error: GitError) -> Self {
        Self::failed(error)
    }
}

/// Who works, and with what.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) agent: AgentChoice,
    pub(super) terms: WorkTerms,
    /// The worker's name.
    pub(super) worker: String,
    pub(super) store: PathBuf,
    pub(super) config: Option<PathBuf>,
}

/// A job on its way.
pub(super) struct JobRun<'a> {
    setup: &'a Setup,
    leased: &'a LeasedJob,
    place: JobPlace,
    task: TaskFile,
    agent: Agent,
    validation: Option<String>,
    validated: Option<Validation>,
    step: watch::Sender<Step>,
    beating: AbortHandle,
}

impl Drop for JobRun<'_> {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

fn failed(error: std::io::Error) -> WorkError {
    WorkError::failed(format!("the worktree's files cannot be written: {error}"))
}

impl<'a> JobRun<'a> {
    /// Takes the worktree.
    pub(super) async fn begin(
        setup: &'a Setup,
        leased: &'a LeasedJob,
        place: JobPlace,
    ) -> Result<Self, WorkError> {
        if let Some(Lock { pid, began: Some(began), .. }) = Lock::read(&place.folder) {
            process::kill_left_behind(pid, began, &place.worktree.path);
        }
        let path = place.worktree.path.display().to_string();
        leased.place(&path, &place.branch).await?;
        let validation = validation::command(setup.terms.validation.as_deref(), &place.folder);
        let task = task_of(setup, leased, &place, validation.clone());
        let (step, now) = watch::channel(task.gander_job.step);
        let beating = tokio::spawn(beat(leased.handle.clone(), place.worktree.path.clone(), now));
        let agent = Agent {
            choice: setup.agent.clone(),
            store: setup.store.clone(),
            config: setup.config.clone(),
        };
        let mut run = Self {
            setup,
            leased,
            place,
            task,
            agent,
            validation,
            validated: None,
            step,
            beating: beating.abort_handle(),
        };
        run.lock(std::process::id())?;
        run.write()?;
        Ok(run)
    }

    fn lock(&self, pid: u32) -> Result<(), WorkError> {
        let lock = Lock {
            session: self.setup.worker.clone(),
            started: written(self.leased.handle.clock().wall()),
            task: self.task.task_id.clone(),
            pid,
            began: process::beginning(pid),
        };
        lock.write(&self.place.folder).map_err(failed)
    }

    fn write(&mut self) -> Result<(), WorkError> {
        self.task.write(&self.place.folder).map_err(failed)
    }

    fn enter(&mut self, step: Step) -> Result<(), WorkError> {
        self.task.enter(step, self.leased.handle.clock().wall());
        self.step.send_replace(step);
        self.write()
    }

    /// Does the job. The work is committed on its branch then.
    pub(super) async fn work(&mut self) -> Result<JobResult, WorkError> {
        let plan = if self.setup.terms.plan { Some(self.approved_plan().await?) } else { None };
        // A turn that had ended is not repeated; what follows it costs no model.
        let mut is_worked = matches!(
            self.task.gander_job.step,
            Step::Validating | Step::ImplValidationFailed | Step::NeedsReview | Step::ImplValidated
        ) && self.task.gander_job.words.is_empty();
        for _ in 0..MOST_TURNS {
            if !std::mem::take(&mut is_worked) || self.has_new_words() {
                self.work_a_turn(plan.as_deref()).await?;
            }
            if self.has_new_words() {
                continue;
            }
            if !self.is_validated().await? {
                continue;
            }
            if let Some(result) = self.reviewed().await? {
                self.enter(Step::ImplValidated)?;
                return Ok(result);
            }
        }
        Err(WorkError::failed(text::TOO_MANY_ROUNDS))
    }

    fn has_new_words(&self) -> bool {
        let said = self.leased.job().guidance.len();
        !self.task.gander_job.words.is_empty() || said > self.task.gander_job.guided
    }

    /// What people said since the last turn, and what else the next turn begins with.
    fn take_words(&mut self) -> Vec<String> {
        let guidance = self.leased.job().guidance;
        let new = guidance.get(self.task.gander_job.guided..).unwrap_or_default();
        let said: Vec<String> = new.iter().map(|said| said.text.clone()).collect();
        self.task.gander_job.guided = guidance.len();
        let mut words = std::mem::take(&mut self.task.gander_job.words);
        words.extend((!said.is_empty()).then(|| text::said(&said)));
        words
    }

    /// Has the agent plan, and people decide, until a plan is approved.
    async fn approved_plan(&mut self) -> Result<String, WorkError> {
        let request = self.leased.job().request;
        for _ in 0..MOST_TURNS {
            let plan = match self.task.gander_job.plan.clone() {
                Some(plan) => plan,
                None => {
                    let mut parts = vec![text::plan_prompt(&request.title, &request.prompt)];
                    parts.extend(self.take_words());
                    self.enter(Step::Planning)?;
                    self.leased.step(text::STEP_PLAN).await?;
                    let said = self.turn(parts.join("\n\n")).await?;
                    self.task.gander_job.plan = Some(said.clone());
                    self.task.gander_job.plans += 1;
                    said
                }
            };
            let step = self.task.gander_job.step;
            if matches!(step, Step::WorktreeClaimed | Step::Planning | Step::PlanningReview) {
                self.enter(Step::PlanningReview)?;
            }
            let question = Question {
                // A plan that was rejected is asked about again if the agent repeats it.
                about: format!("plan:{}:{}", self.task.gander_job.plans, digest(&plan)),
                title: text::plan_title(&request.title),
                kind: "design_review",
                insight: Insight {
                    observation: String::new(),
                    why_it_matters: text::PLAN_WHY.into(),
                    what_to_do: text::PLAN_WHAT.into(),
                },
                details: self.details(),
                body: plan.clone(),
                options: Vec::new(),
            };
            match self.ask(question).await? {
                Decided::No { reason } => {
                    self.task.gander_job.plan = None;
                    self.task.gander_job.words.push(text::rejected(&reason));
                }
                Decided::Yes { note: Some(note) } => return Ok(format!("{plan}\n\n{note}")),
                _ => return Ok(plan),
            }
        }
        Err(WorkError::failed(text::TOO_MANY_ROUNDS))
    }

    async fn ask(&self, question: Question) -> Result<Decided, WorkError> {
        self.leased.ask(&self.setup.agent.name(), question).await
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("job", self.task.task_id.clone()),
            ("branch", self.place.branch.clone()),
            ("worktree", self.place.shown()),
        ]
    }

    async fn work_a_turn(&mut self, plan: Option<&str>) -> Result<(), WorkError> {
        let request = self.leased.job().request;
        let was_begun = self.task.gander_job.step == Step::Implementing;
        let words = self.take_words();
        let whole = text::work_prompt(&request.title, &request.prompt, plan);
        let step = match (was_begun, words.is_empty()) {
            (true, true) => text::STEP_RESUME,
            (_, false) => text::STEP_AGAIN,
            (false, true) => text::STEP_WORK,
        };
        let mut parts = Vec::new();
        // An agent without a session knows nothing of its turns before.
        if self.task.gander_job.turns == 0 || self.task.gander_job.session.is_none() {
            parts.push(whole);
        }
        parts.extend((was_begun && words.is_empty()).then(|| text::INTERRUPTED.to_owned()));
        // Until the turn has ended, its words are kept for the worker after a crash.
        self.task.gander_job.words.clone_from(&words);
        parts.extend(words);
        self.enter(Step::Implementing)?;
        self.leased.step(step).await?;
        self.task.gander_job.said = self.turn(parts.join("\n\n")).await?;
        self.task.gander_job.words.clear();
        self.task.gander_job.turns += 1;
        self.enter(Step::Validating)
    }

    /// Has the agent do a turn; returns what it wrote last.
    async fn turn(&mut self, prompt: String) -> Result<String, WorkError> {
        if let AgentChoice::Stub(stub) = self.setup.agent {
            if self.task.gander_job.step == Step::Planning {
                return Ok("Leave a mark in the worktree.".into());
            }
            let path = &self.place.worktree.path;
            return tokio::select! {
                stop = self.leased.stopped() => Err(WorkError::Stopped(stop)),
                done = stub.work(self.leased, path) => Ok(done?.did),
            };
        }
        let mut prompt = prompt;
        loop {
            let guided = self.task.gander_job.guided;
            let journal = &self.task.gander_job;
            let end = self
                .agent
                .turn(self.leased, &self.place, journal, &prompt, |pid| {
                    // Without the lock, an agent that is left behind is not found.
                    if let Err(error) = self.lock(pid) {
                        tracing::warn!(?error, "the lock of a worktree was not written");
                    }
                })
                .await?;
            match end {
                TurnEnd::Done { said, session } => {
                    self.task.gander_job.session = session.or(journal.session.clone());
                    return Ok(said);
                }
                TurnEnd::Interrupted { session } => {
                    self.task.gander_job.session = session.or(journal.session.clone());
                    let all = self.leased.job().guidance;
                    let new = all.get(guided..).unwrap_or_default();
                    let said: Vec<String> = new.iter().map(|said| said.text.clone()).collect();
                    self.task.gander_job.guided = all.len();
                    prompt = match self.task.gander_job.session {
                        Some(_) => text::said(&said),
                        None => format!("{prompt}\n\n{}", text::said(&said)),
                    };
                    self.write()?;
                    self.leased.step(text::STEP_AGAIN).await?;
                }
            }
        }
    }

    /// Runs the project's check. No: the agent is to go on.
    async fn is_validated(&mut self) -> Result<bool, WorkError> {
        let Some(command) = self.validation.clone() else { return Ok(true) };
        self.enter(Step::Validating)?;
        self.leased.step(&text::step_validate(&command)).await?;
        let words: Vec<_> = ["sh", "-c", &command].map(std::ffi::OsString::from).to_vec();
        let (lines, heard) = tokio::sync::mpsc::channel(64);
        let late = async {
            tokio::select! {
                stop = self.leased.stopped() => stop,
                () = tokio::time::sleep(LONGEST_VALIDATION) => Stop::Late,
            }
        };
        let program =
            process::Program { command: &words, folder: &self.place.worktree.path, input: b"" };
        let ran =
            self.agent.watched(self.leased, heard, process::run(program, late, lines, |_| {}));
        let ran = ran.await;
        let how = match &ran.ended {
            Ended::Done => {
                self.validated = Some(Validation::Passed { command });
                return Ok(true);
            }
            Ended::Failed(how) | Ended::NotStarted(how) => how.clone(),
            Ended::Stopped(Stop::Late) => {
                format!("no end within {} min", LONGEST_VALIDATION.as_secs() / 60)
            }
            Ended::Stopped(stop) => return Err(WorkError::Stopped(stop.clone())),
        };
        let output = end_of(&ran.text());
        self.task.last_error_summary = Some(text::validation_observation(&command, &how));
        self.enter(Step::ImplValidationFailed)?;
        self.decided_after_failure(command, &how, output).await
    }

    async fn decided_after_failure(
        &mut self,
        command: String,
        how: &str,
        output: String,
    ) -> Result<bool, WorkError> {
        let (request, attempt) = (self.leased.job().request, self.leased.lease.attempt);
        let turns = self.task.gander_job.turns;
        let question = Question {
            about: format!("validation:{}:{turns}", attempt.unwrap_or_default()),
            title: text::validation_title(&request.title),
            kind: "test_failure",
            insight: Insight {
                observation: text::validation_observation(&command, how),
                why_it_matters: text::VALIDATION_WHY.into(),
                what_to_do: text::VALIDATION_WHAT.into(),
            },
            details: self.details(),
            body: output.clone(),
            options: vec![
                (text::RETRY, text::RETRY_NOTE),
                (text::ACCEPT, text::ACCEPT_NOTE),
                (text::FAIL, text::FAIL_NOTE),
            ],
        };
        let mut words = vec![text::failed_validation(&command, &output)];
        match self.ask(question).await? {
            Decided::Chosen(option) if option == text::ACCEPT => {
                self.validated = Some(Validation::Failed { command, output });
                return Ok(true);
            }
            Decided::Chosen(option) if option == text::RETRY => {}
            Decided::Answered(hint) => words.push(text::said(&[hint])),
            Decided::Yes { note } => words.extend(note.map(|note| text::said(&[note]))),
            Decided::Chosen(_) => {
                return Err(WorkError::failed(text::validation_observation(&command, how)));
            }
            Decided::No { reason } => return Err(WorkError::Failed(reason)),
        }
        self.task.gander_job.words.extend(words);
        self.write()?;
        Ok(false)
    }

    /// Commits what there is, and has people look at it. `None`: the agent is to go on.
    async fn reviewed(&mut self) -> Result<Option<JobResult>, WorkError> {
        let request = self.leased.job().request;
        let worktree = self.place.worktree.clone();
        let title: String = crate::core::untrusted::one_line(&request.title);
        let committed = worktree.commit(&title).await?;
        let commit = worktree.head().await?;
        let base = self.place.base.clone();
        let files = worktree.changed_since(&base).await?;
        self.task.last_commit_sha = Some(commit.clone());
        if committed.is_some() {
            self.leased.step(&text::step_commit(&commit, files.len())).await?;
        }
        let passed = !matches!(self.validated, Some(Validation::Failed { .. }));
        let validated = text::validated(self.validation.as_deref(), passed);
        let handoff = self.handed_on(&request.title, &files, &validated);
        if self.setup.terms.review && !files.is_empty() {
            self.enter(Step::NeedsReview)?;
            let mut details = self.details();
            details.push(("commit", commit.clone()));
            details.push(("files changed", files.len().to_string()));
            let question = Question {
                about: format!("review:{commit}:{}", self.task.gander_job.turns),
                title: text::review_title(&request.title),
                kind: "code_review",
                insight: Insight {
                    observation: handoff.did.clone(),
                    why_it_matters: validated,
                    what_to_do: text::REVIEW_WHAT.into(),
                },
                details,
                body: worktree.diff_since(&base).await?,
                options: Vec::new(),
            };
            if let Decided::No { reason } = self.ask(question).await? {
                self.task.gander_job.words.push(text::rejected(&reason));
                self.write()?;
                return Ok(None);
            }
        }
        Ok(Some(JobResult {
            handoff,
            validation: self.validated.clone(),
            commit: (!files.is_empty()).then_some(commit),
            files_changed: u32::try_from(files.len()).ok(),
            ..JobResult::default()
        }))
    }

    /// What is handed on: the agent's own words, beside what git knows.
    fn handed_on(&self, title: &str, files: &[String], validated: &str) -> Handoff {
        let written = match WrittenHandoff::read(&self.place.folder) {
            Ok(written) => written.unwrap_or_default(),
            Err(why) => {
                tracing::warn!(why, "the agent's handoff was not read");
                WrittenHandoff::default()
            }
        };
        let or = |text: String, other: String| if text.trim().is_empty() { other } else { text };
        let usual = if files.is_empty() { text::NOTHING_CHANGED } else { "" };
        let said = self.task.gander_job.said.clone();
        Handoff {
            goal: or(written.goal, title.to_owned()),
            did: or(written.did, or(said, usual.to_owned())),
            for_next: written.for_next_agent,
            files_touched: files.to_vec(),
            evidence: or(written.evidence, validated.to_owned()),
            assumptions: written.assumptions,
        }
    }

    /// Marks the worktree at the end of the attempt.
    pub(super) fn end(&mut self, step: Step, why: Option<&str>) -> Result<(), WorkError> {
        self.task.last_error_summary = why.map(str::to_owned);
        self.enter(step)?;
        self.unlock()
    }

    /// Lets others have the worktree, as it is.
    pub(super) fn unlock(&self) -> Result<(), WorkError> {
        Lock::remove(&self.place.folder).map_err(failed)
    }
}

/// The end of an output.
fn end_of(text: &str) -> String {
    let from = text.ceil_char_boundary(text.len().saturating_sub(LONGEST_OUTPUT));
    text[from..].to_owned()
}
