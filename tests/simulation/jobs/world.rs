//! A store and the model beside it. Each act is done to both, and both must agree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::authorization::Voter;
use gander::core::decision::{
    Choice, Decision, DecisionId, Expects, Person, Priority, Request, Terms, Verdict, Via,
};
use gander::core::jobs::{
    Enqueuer, Guards, Job, JobId, JobQuestion, JobRefused, JobRequest, JobRules, JobSource,
    LeaseRef, ProjectJobRules,
};
use gander::store::{AskAboutJob, ChangedJob, EnqueuedJob, Store, StoreError};

use super::model::{ASKED, JOBS_PER_RUN, Model, Now, Piece, RUNNING, RUNNING_IN, Reply, TOKENS};

pub(super) const PROJECTS: [&str; 3] = ["shop", "app", "site"];

/// Asks what the program asks, in the fewest words.
struct Plain;

impl AskAboutJob for Plain {
    fn question(&self, job: &Job, question: JobQuestion) -> (Request, Terms) {
        let choice = |name: &str| Choice { name: name.into(), description: String::new() };
        let options: Vec<Choice> =
            question.options().iter().map(|answer| choice(answer.word())).collect();
        let expects = if options.is_empty() { Expects::Approve } else { Expects::Choose };
        let title = format!("{}: {question:?}", job.id);
        (Request { title, expects, options, ..Request::default() }, Terms::default())
    }

    fn withdrawal(&self) -> String {
        "it went on".into()
    }
}

pub(super) fn words() -> Arc<dyn AskAboutJob> {
    Arc::new(Plain)
}

pub(super) fn maya() -> Person {
    Person::discord(7, "Maya")
}

pub(super) fn rules() -> JobRules {
    let own = |project: usize| {
        let running = u32::try_from(RUNNING_IN[project]).ok();
        (PROJECTS[project].to_owned(), ProjectJobRules { running, stall: None })
    };
    JobRules {
        running: u32::try_from(RUNNING).unwrap(),
        running_per_project: 1,
        guards: Guards {
            jobs_per_run: u32::try_from(JOBS_PER_RUN).unwrap(),
            depth: super::model::DEPTH,
            tokens: Some(TOKENS),
            cost_micro_usd: None,
        },
        stall: TimeDelta::milliseconds(super::model::STALL),
        projects: (0..PROJECTS.len()).map(own).collect(),
        ..JobRules::default()
    }
}

pub(super) struct World {
    path: PathBuf,
    store: Option<Store>,
    pub(super) model: Model,
    pub(super) now: Time,
}

pub(super) type Checked = Result<String, String>;

/// Fails unless both agree.
pub(super) fn agree<T: PartialEq + std::fmt::Debug>(
    what: &str,
    is: &T,
    should: &T,
) -> Result<(), String> {
    if is == should {
        Ok(())
    } else {
        Err(format!("{what}: it is {is:?}, and should be {should:?}"))
    }
}

impl World {
    pub(super) fn new(path: PathBuf) -> Self {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let store = Some(Store::open(&path, None, now).unwrap());
        Self { path, store, model: Model::default(), now }
    }

    pub(super) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn millis(&self) -> i64 {
        self.now.timestamp_millis()
    }

    /// The process dies and starts again.
    pub(super) fn restart(&mut self) {
        self.store = None;
        self.store = Some(Store::open(&self.path, None, self.now).unwrap());
    }

    pub(super) fn pass_time(&mut self, millis: i64) {
        self.now += TimeDelta::milliseconds(millis);
    }

    pub(super) fn enqueue(
        &mut self,
        mut piece: Piece,
        parent: Option<i64>,
        agent: bool,
    ) -> Checked {
        let run = (parent.is_none() && agent).then(|| piece.run.clone());
        let request = JobRequest {
            title: "work".into(),
            prompt: "as always".into(),
            project: PROJECTS[piece.project].into(),
            priority: [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent]
                [usize::try_from(piece.weight - 1).unwrap()],
            deadline: piece.deadline.and_then(Time::from_timestamp_millis),
            depends_on: piece.needs.iter().copied().map(JobId).collect(),
            source: piece.source.map(|id| JobSource { name: "issues".into(), id: id.to_string() }),
            run,
            parent: parent.map(JobId),
            agent: piece.agent.map(str::to_owned),
            failure_limit: Some(piece.limit),
            by: if agent { Enqueuer::Agent { name: "goose".into() } } else { Enqueuer::Source },
            ..JobRequest::default()
        };
        let done = self.store().jobs().enqueue(request, rules(), words(), self.now);
        let model = &mut self.model;
        let id = model.pieces.keys().last().map_or(1, |last| last + 1);
        piece.id = id;
        if let Some(parent) = parent {
            (piece.run, piece.depth) =
                (model.piece(parent).run.clone(), model.piece(parent).depth + 1);
        } else if !agent {
            piece.run = format!("job-{id}");
        }
        let open = piece.source.and_then(|source| model.open_with_source(source));
        let beyond = agent && model.beyond(&piece.run, piece.depth);
        let dead = model.dead_dependency(&piece.needs).is_some();
        match done {
            Ok(EnqueuedJob::Same(job)) => agree("the known job", &Some(job.id.0), &open)?,
            _ if open.is_some() => return Err(format!("{open:?} has its source: {done:?}")),
            Err(StoreError::InvalidJob(why)) => {
                let stands = beyond && model.guard_stands(&piece.run);
                agree(&format!("{why}"), &true, &(dead || stands))?;
            }
            Err(error) => return Err(error.to_string()),
            Ok(_) if dead => return Err("it depends on what is over".into()),
            Ok(EnqueuedJob::New(job)) => {
                agree("beyond a guard", &false, &beyond)?;
                agree("its number", &job.id.0, &id)?;
                model.pieces.insert(id, piece);
            }
            Ok(EnqueuedJob::Asked(job)) => {
                agree("beyond a guard", &true, &(beyond && !model.guard_stands(&piece.run)))?;
                let asked = job.decision().ok_or("it asks nobody")?.0;
                model.pieces.insert(id, Piece { now: Now::Guarded(asked), ..piece });
            }
        }
        Ok(format!("enqueue {id}"))
    }

    pub(super) fn lease(
        &mut self,
        worker: &str,
        projects: &[usize],
        agent: Option<&'static str>,
    ) -> Result<Option<i64>, String> {
        let request = gander::store::LeaseRequest {
            worker: worker.into(),
            projects: projects.iter().map(|project| PROJECTS[*project].into()).collect(),
            agent: agent.map(str::to_owned),
            run: None,
        };
        let leased = self.store().jobs().lease(request, rules(), words(), self.now);
        let at = self.millis();
        self.model.expire(at);
        let next = self.model.next(projects, agent, at);
        agree("the next job", &leased.unwrap().map(|job| job.id.0), &next)?;
        if let Some(id) = next {
            self.model.leased(id, worker, at);
        }
        Ok(next)
    }

    /// Changes a job in the store, which must be allowed exactly if the model says so.
    pub(super) fn change(
        &mut self,
        id: i64,
        allowed: bool,
        act: impl FnOnce(&Job, Time) -> Result<Option<gander::core::jobs::JobEvent>, JobRefused>
        + Send
        + 'static,
    ) -> Result<bool, String> {
        let at = self.now;
        let done =
            self.store().jobs().change(JobId(id), words(), at, Box::new(move |job| act(job, at)));
        self.allowed(done.unwrap(), allowed)
    }

    pub(super) fn allowed(&self, done: ChangedJob, allowed: bool) -> Result<bool, String> {
        match done {
            Ok(_) if allowed => Ok(true),
            Err(_) if !allowed => Ok(false),
            Ok(job) => Err(format!("{} must refuse: {:?}", job.id, job.state)),
            Err(unchanged) => Err(format!("refused: {}", unchanged.why)),
        }
    }

    pub(super) fn sweep(&mut self) -> Result<(), String> {
        self.store().jobs().sweep(rules(), words(), self.now).unwrap();
        let at = self.millis();
        self.model.expire(at);
        self.model.settle(at);
        self.model.stall(at);
        self.model.find_risks(at);
        Ok(())
    }

    /// Asks a question of a worker's own.
    pub(super) fn ask(&mut self) -> i64 {
        let request = Request { title: "Go on?".into(), ..Request::default() };
        let asked = self.store().decisions().ask(request, Terms::default(), self.now).unwrap();
        asked.decision().id.0
    }

    /// A person answers, or the question is withdrawn.
    pub(super) fn reply(&mut self, id: i64, reply: Reply) -> Result<(), String> {
        let voter = Voter { person: maya(), roles: Vec::new(), owner: true };
        let decide = move |decision: &Decision| {
            let verdict = match reply {
                Reply::Withdraw => return Ok(Some(decision.withdraw("not needed".into())?)),
                Reply::Approve => Verdict::approved(),
                Reply::Reject => Verdict::Rejected { reason: "no".into() },
                Reply::Option(option) => Verdict::Chosen { option: option.into() },
            };
            Ok(Some(decision.resolve(verdict, voter, Via::Terminal, decision.revision)?))
        };
        let changed =
            self.store().decisions().change(DecisionId(id), self.now, Box::new(decide)).unwrap();
        changed.map_err(|unchanged| format!("#{id} could not be answered: {:?}", unchanged.why))?;
        self.model.replies.insert(id, reply);
        Ok(())
    }

    /// Everything that is stored must be as in the model.
    pub(super) fn compare(&mut self) -> Result<(), String> {
        let jobs = self.store().jobs().list(&gander::store::JobFilter::default()).unwrap();
        agree("the number of jobs", &jobs.len(), &self.model.pieces.len())?;
        for job in &jobs {
            let id = job.id.0;
            let piece = self.model.pieces.get_mut(&id).ok_or(format!("{} is unknown", job.id))?;
            let asked = job.decision().map(|decision| decision.0);
            match &mut piece.now {
                Now::Running { asked: number, .. } | Now::Failed3(number)
                    if *number == Some(ASKED) =>
                {
                    *number = asked;
                    agree("a question", &asked.is_some(), &true)?;
                }
                _ => {}
            }
            let of = |what: &str| format!("{what} of {}", job.id);
            agree(&of("state"), &job.state.word(), &piece.now.word())?;
            agree(&of("decision"), &asked, &piece.now.decision())?;
            let holder = |worker: &str, attempt: u32| (worker.to_owned(), attempt);
            let is = job.lease().map(|lease| holder(&lease.worker, lease.attempt));
            let should = piece.lease.as_ref().map(|lease| holder(&lease.worker, lease.attempt));
            agree(&of("lease"), &is, &should)?;
            let until = job.liveness.map(|liveness| liveness.until.timestamp_millis());
            agree(&of("end of lease"), &until, &piece.lease.as_ref().map(|lease| lease.until))?;
            let counts = (job.attempts, job.failures, job.usage.tokens, job.at_risk.is_some());
            let should = (piece.attempts, piece.failures, piece.tokens, piece.at_risk);
            agree(&of("counts"), &counts, &should)?;
            agree(&of("run"), &job.run, &piece.run)?;
        }
        self.compare_questions()
    }

    /// A question is open as long as its job waits for it.
    fn compare_questions(&self) -> Result<(), String> {
        let open = self.store().decisions().open_ids().unwrap();
        let mut open: Vec<i64> = open.into_iter().map(|id| id.0).collect();
        let asked = self.model.pieces.values().filter_map(|piece| piece.now.decision());
        let mut should: Vec<i64> =
            asked.filter(|id| !self.model.replies.contains_key(id)).collect();
        open.sort_unstable();
        should.sort_unstable();
        agree("the open questions", &open, &should)
    }
}

pub(super) fn lease_ref(id: i64, worker: &str, attempt: Option<u32>) -> LeaseRef {
    LeaseRef { job: JobId(id), worker: worker.into(), attempt }
}
