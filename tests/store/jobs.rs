//! The queue in the store, through the API: one job for two workers, one source, guards, what
//! depends on what, halts; also when processes are killed.

use std::sync::Arc;

use chrono::TimeDelta;
use gander::core::Time;
use gander::core::decision::{Decision, DecisionId, Person, State, Verdict, Via};
use gander::core::jobs::{
    Enqueuer, Guards, Job, JobId, JobRefused, JobRequest, JobResult, JobRules, JobSource, JobState,
    LeaseRef, Move, Usage,
};
use gander::core::policy::rules::Rules;
use gander::engine::clock::{Clock as _, TestClock};
use gander::engine::{EnqueuedJob, Handle, HandleError, JobFilter, LeaseRequest};
use gander::store::Store;

use crate::common::engine::{handle_at, maya};

pub(crate) mod killed;
pub(crate) mod log;

pub(crate) fn noon() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

struct World {
    _folder: tempfile::TempDir,
    handle: Handle,
    clock: TestClock,
}

impl World {
    fn new(jobs: JobRules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at(noon());
        let rules = Rules { jobs, ..Rules::default() };
        let handle = handle_at(&folder.path().join("gander.db"), rules, &clock);
        Self { _folder: folder, handle, clock }
    }

    async fn add(&self, title: &str, change: impl FnOnce(&mut JobRequest)) -> Job {
        self.enqueue(title, change).await.unwrap().into_job()
    }

    async fn enqueue(
        &self,
        title: &str,
        change: impl FnOnce(&mut JobRequest),
    ) -> Result<EnqueuedJob, HandleError> {
        let mut request = JobRequest { title: title.into(), ..JobRequest::default() };
        change(&mut request);
        self.handle.jobs().enqueue(request).await
    }

    async fn lease(&self, worker: &str) -> Option<Job> {
        let request = LeaseRequest { worker: worker.into(), ..LeaseRequest::default() };
        self.handle.jobs().lease(request).await.unwrap()
    }

    /// Leases the next job, which must have this title.
    async fn leased(&self, title: &str) -> LeaseRef {
        let job = self.lease("ada").await.expect("a job is ready");
        assert_eq!(job.request.title, title);
        LeaseRef::of(&job).unwrap()
    }

    async fn state(&self, id: JobId) -> &'static str {
        self.handle.jobs().get(id).await.unwrap().state.word()
    }

    async fn decision_of(&self, id: JobId) -> Decision {
        let on = self.handle.jobs().get(id).await.unwrap().decision().expect("a question");
        self.handle.approvals().get(on).await.unwrap()
    }

    async fn answer(&self, decision: &Decision, verdict: Verdict) {
        let approvals = self.handle.approvals();
        approvals
            .resolve(decision.id, decision.revision, &maya(), Via::Terminal, verdict)
            .await
            .unwrap();
        self.handle.jobs().sweep().await.unwrap();
    }

    async fn finish(&self, lease: &LeaseRef) {
        self.handle.jobs().finish(lease, JobResult::default()).await.unwrap();
    }
}

fn person() -> Person {
    maya().person
}

fn refused(result: Result<Job, HandleError>) -> JobRefused {
    match result {
        Err(HandleError::JobRefused(_, why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_job_is_leased_done_and_its_history_has_all_of_it() {
    let world = World::new(JobRules::default());
    let job = world.add("Fix the login", |job| job.prompt = "It fails on Fridays".into()).await;
    assert_eq!((job.id, job.run.as_str(), job.state.word()), (JobId(1), "job-1", "queued"));
    let lease = world.leased("Fix the login").await;
    let jobs = world.handle.jobs();
    jobs.place(&lease, Some("/w/1".into()), Some("fix".into())).await.unwrap();
    jobs.output(&lease, Some("reading")).await.unwrap();
    world.clock.advance(TimeDelta::minutes(1));
    jobs.renew(&lease).await.unwrap();
    world.clock.advance(TimeDelta::seconds(119));
    assert!(jobs.sweep().await.unwrap().is_empty(), "the lease was renewed");
    let mut result = JobResult { commit: Some("abc".into()), ..JobResult::default() };
    result.handoff.did = "a fix".into();
    result.usage = Usage { tokens: Some(5), ..Usage::default() };
    let done = jobs.finish(&lease, result.clone()).await.unwrap();
    assert_eq!(
        (done.state.word(), done.result, done.usage.tokens),
        ("done", Some(result), Some(5))
    );
    assert_eq!(done.request.prompt, "It fails on Fridays");
    let words: Vec<_> =
        jobs.history(JobId(1)).await.unwrap().iter().map(|logged| logged.event.word()).collect();
    assert_eq!(words, ["enqueued", "leased", "placed", "stepped", "finished"]);
    assert_eq!(refused(jobs.renew(&lease).await), JobRefused::Over { state: "done" });
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_ask_at_once_get_different_jobs() {
    let world =
        World::new(JobRules { running: 64, running_per_project: 64, ..JobRules::default() });
    for n in 0..32 {
        world.add(&format!("{n}"), |_| ()).await;
    }
    let leases = (0..48).map(|n| {
        let handle = world.handle.clone();
        tokio::spawn(async move {
            let request = LeaseRequest { worker: format!("w{n}"), ..LeaseRequest::default() };
            handle.jobs().lease(request).await.unwrap().map(|job| job.id)
        })
    });
    let mut got = Vec::new();
    for lease in leases.collect::<Vec<_>>() {
        got.extend(lease.await.unwrap());
    }
    got.sort_unstable();
    assert_eq!(got, (1..=32).map(JobId).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_source_is_queued_once_until_it_is_over() {
    let world = World::new(JobRules::default());
    let source = |job: &mut JobRequest| {
        job.source = Some(JobSource { name: "issues".into(), id: "9".into() });
    };
    let first = world.add("a", source).await;
    let same = world.enqueue("a, seen again", source).await.unwrap();
    assert!(matches!(&same, EnqueuedJob::Same(job) if job.id == first.id), "{same:?}");
    let jobs = world.handle.jobs();
    jobs.cancel(first.id, person(), "").await.unwrap();
    let second = world.add("b", source).await;
    assert_eq!(second.id, JobId(2));
    let why = refused(jobs.retry(first.id, person(), "").await);
    assert_eq!(why, JobRefused::SourceTaken(second.id));
}

#[tokio::test]
async fn the_order_is_priority_with_urgency_then_age_and_people_move_jobs() {
    use gander::core::decision::Priority;
    let world = World::new(JobRules { running_per_project: 9, ..JobRules::default() });
    world.add("old", |_| ()).await;
    world.add("young", |_| ()).await;
    world.add("high", |job| job.priority = Priority::High).await;
    let due =
        |days| move |job: &mut JobRequest| job.deadline = Some(noon() + TimeDelta::days(days));
    world.add("in ten days", due(10)).await;
    world.add("late", due(-1)).await;
    let stale = world.add("stale", due(-8)).await;
    world.handle.jobs().move_to(JobId(2), person(), Move::First).await.unwrap();
    for title in ["young", "late", "high", "in ten days", "old"] {
        world.leased(title).await;
    }
    // Twelve days later, nothing else is left.
    assert_eq!(world.lease("ada").await.unwrap().id, stale.id);
}

#[tokio::test]
async fn a_deadline_that_comes_near_moves_a_job_up_and_the_log_says_so() {
    let world = World::new(JobRules::default());
    world.add("first", |_| ()).await;
    let deadline = noon() + TimeDelta::days(20);
    let due = world.add("due", |job| job.deadline = Some(deadline)).await;
    let jobs = world.handle.jobs();
    assert_eq!(jobs.next_sweep().await.unwrap(), Some(deadline - TimeDelta::hours(48)));
    world.clock.set(deadline - TimeDelta::hours(48));
    assert_eq!(jobs.sweep().await.unwrap().at_risk, [due.id]);
    assert!(jobs.sweep().await.unwrap().is_empty(), "it is said once");
    let last = jobs.history(due.id).await.unwrap().pop().unwrap();
    assert_eq!(last.event.word(), "at_risk");
    world.leased("due").await;
}

#[tokio::test]
async fn projects_take_turns_and_limits_hold() {
    let world = World::new(JobRules { running: 5, running_per_project: 3, ..JobRules::default() });
    for _ in 0..6 {
        world.add("many", |job| job.project = "many".into()).await;
    }
    world.add("one", |job| job.project = "one".into()).await;
    let mut projects = Vec::new();
    while let Some(job) = world.lease("ada").await {
        projects.push(job.request.project);
    }
    assert_eq!(projects, ["many", "one", "many", "many"], "a turn each, and three at a time");
}

#[tokio::test]
async fn a_job_runs_after_all_that_it_depends_on() {
    let world = World::new(JobRules::default());
    let first = world.add("first", |_| ()).await;
    let second = world.add("second", |_| ()).await;
    let third = world.add("third", |job| job.depends_on = vec![first.id, second.id]).await;
    let (a, b) = (world.leased("first").await, world.leased("second").await);
    let jobs = world.handle.jobs();
    world.finish(&a).await;
    assert_eq!(jobs.blocked_by(third.id).await.unwrap(), [second.id]);
    assert!(world.lease("ada").await.is_none());
    jobs.give_up(second.id, person(), "no way").await.unwrap();
    assert_eq!(refused(jobs.renew(&b).await), JobRefused::Over { state: "failed" });
    assert_eq!(world.state(third.id).await, "needs_person");
    let why = refused(jobs.retry(third.id, person(), "").await);
    assert_eq!(why, JobRefused::DeadDependency(second.id));
    jobs.retry(second.id, person(), "another way").await.unwrap();
    assert_eq!(world.state(third.id).await, "queued");
    let again = world.leased("second").await;
    assert_eq!(jobs.get(second.id).await.unwrap().guidance[0].text, "another way");
    world.finish(&again).await;
    world.leased("third").await;
    let late = world.enqueue("late", |job| job.depends_on = vec![JobId(99)]).await;
    assert!(matches!(late, Err(HandleError::InvalidJob(_))), "{late:?}");
}

#[tokio::test]
async fn a_lost_worker_costs_an_attempt_and_the_third_needs_a_person() {
    let world = World::new(JobRules::default());
    let job = world.add("flaky", |_| ()).await;
    for attempt in 1..=3 {
        let lease = world.leased("flaky").await;
        assert_eq!(lease.attempt, Some(attempt));
        world.clock.advance(TimeDelta::minutes(2));
    }
    assert!(world.lease("ben").await.is_none());
    assert_eq!(world.state(job.id).await, "needs_person");
    let asked = world.decision_of(job.id).await;
    assert_eq!(asked.request.job.as_deref(), Some("1"));
    world.answer(&asked, Verdict::answered("mind the clock".into())).await;
    let again = world.handle.jobs().get(job.id).await.unwrap();
    assert_eq!((again.state.word(), again.failures), ("queued", 0));
    assert_eq!(again.guidance[0].text, "mind the clock");
    let asked = world.handle.approvals().get(asked.id).await.unwrap();
    assert!(matches!(asked.state, State::Resolved(resolved) if resolved.claimed_at.is_some()));
}

#[tokio::test]
async fn silence_is_asked_about_and_output_withdraws_the_question() {
    let world = World::new(JobRules { lease: TimeDelta::hours(9), ..JobRules::default() });
    let job = world.add("slow", |_| ()).await;
    let lease = world.leased("slow").await;
    let jobs = world.handle.jobs();
    world.clock.advance(TimeDelta::minutes(10));
    assert_eq!(jobs.sweep().await.unwrap().stuck, [job.id]);
    let asked = world.decision_of(job.id).await;
    jobs.output(&lease, None).await.unwrap();
    let asked = world.handle.approvals().get(asked.id).await.unwrap();
    assert_eq!(asked.state.word(), "withdrawn");
    world.clock.advance(TimeDelta::minutes(10));
    jobs.sweep().await.unwrap();
    let asked = world.decision_of(job.id).await;
    world.answer(&asked, Verdict::Chosen { option: "Stop and retry".into() }).await;
    assert_eq!(world.state(job.id).await, "queued");
    assert_eq!(refused(jobs.renew(&lease).await), JobRefused::NotLeased { state: "queued" });
}

#[tokio::test]
async fn an_agent_without_end_meets_a_guard_and_one_question() {
    let guards = Guards { jobs_per_run: 3, ..Guards::default() };
    let world = World::new(JobRules { guards, ..JobRules::default() });
    let by_agent = |job: &mut JobRequest| {
        job.run = Some("r".into());
        job.by = Enqueuer::Agent { name: "goose".into() };
    };
    for _ in 0..3 {
        assert!(matches!(world.enqueue("a", by_agent).await, Ok(EnqueuedJob::New(_))));
    }
    let beyond = world.enqueue("beyond", by_agent).await.unwrap();
    let EnqueuedJob::Asked(beyond) = beyond else { panic!("{beyond:?}") };
    for _ in 0..5 {
        let more = world.enqueue("more", by_agent).await;
        assert!(matches!(more, Err(HandleError::InvalidJob(_))), "{more:?}");
    }
    let asked = world.decision_of(beyond.id).await;
    assert_eq!(asked.id, DecisionId(1), "one question alone");
    world.answer(&asked, Verdict::approved()).await;
    assert_eq!(world.state(beyond.id).await, "queued");
    let next = world.add("next", by_agent).await;
    let asked = world.decision_of(next.id).await;
    world.answer(&asked, Verdict::Rejected { reason: "enough".into() }).await;
    assert_eq!(world.state(next.id).await, "cancelled");
    let more = world.enqueue("more", by_agent).await.unwrap_err().to_string();
    assert!(more.contains("refused more jobs in #2"), "{more}");
    world.add("a person's", |job| job.run = Some("r".into())).await;
}

#[tokio::test]
async fn a_halt_stops_everything_and_its_end_goes_on() {
    let world = World::new(JobRules::default());
    let running = world.add("running", |job| job.project = "shop".into()).await;
    let lease = world.leased("running").await;
    let jobs = world.handle.jobs();
    jobs.place(&lease, Some("/w/1".into()), None).await.unwrap();
    world.add("queued", |job| job.project = "app".into()).await;
    let stopped = jobs.halt(None, person()).await.unwrap();
    assert_eq!(stopped.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [running.id]);
    assert_eq!(refused(jobs.renew(&lease).await), JobRefused::Stopped { state: "halted" });
    assert!(world.lease("ben").await.is_none());
    let again = jobs.halt(None, person()).await.unwrap_err().to_string();
    assert_eq!(again, "the queue is halted already. Nothing was changed");
    let one = jobs.lift_halt(Some("shop".into()), person()).await.unwrap_err().to_string();
    assert!(one.starts_with("the whole queue is halted"), "{one}");
    let resumed = jobs.lift_halt(None, person()).await.unwrap();
    let resumed = &resumed.jobs[0];
    assert_eq!((resumed.state.word(), resumed.failures), ("queued", 0));
    assert_eq!(resumed.worktree.as_deref(), Some("/w/1"), "it is kept");
    jobs.halt(Some("shop".into()), person()).await.unwrap();
    world.leased("queued").await;
    assert!(world.lease("ben").await.is_none());
}

#[tokio::test]
async fn a_worker_that_waits_for_a_person_may_end_and_another_goes_on() {
    let world = World::new(JobRules::default());
    let job = world.add("planned", |_| ()).await;
    let lease = world.leased("planned").await;
    let request = gander::core::decision::Request { title: "Plan?".into(), ..Default::default() };
    let plan = world.handle.approvals().ask(request).await.unwrap().into_decision();
    let jobs = world.handle.jobs();
    jobs.wait_for(&lease, plan.id).await.unwrap();
    assert_eq!(refused(jobs.resume(&lease).await), JobRefused::StillOpen(plan.id));
    world.clock.advance(TimeDelta::minutes(3));
    jobs.sweep().await.unwrap();
    let waits = jobs.get(job.id).await.unwrap();
    assert!(matches!(waits.state, JobState::Waiting { lease: None, .. }), "{waits:?}");
    assert_eq!(waits.failures, 0, "a person took long, not the worker");
    world.answer(&plan, Verdict::approved()).await;
    assert_eq!(world.leased("planned").await.attempt, Some(2));
    let plan = world.handle.approvals().get(plan.id).await.unwrap();
    let unclaimed =
        matches!(plan.state, State::Resolved(resolved) if resolved.claimed_at.is_none());
    assert!(unclaimed, "the verdict is the agent's to claim");
}

#[tokio::test]
async fn a_follower_of_jobs_hears_of_jobs_and_a_follower_of_decisions_of_decisions() {
    let world = World::new(JobRules::default());
    let mut jobs = world.handle.jobs().follow(0);
    let mut decisions = world.handle.event_log().follow(0, Default::default());
    world.add("a", |_| ()).await;
    let request = gander::core::decision::Request { title: "Plan?".into(), ..Default::default() };
    world.handle.approvals().ask(request).await.unwrap();
    world.handle.jobs().halt(None, person()).await.unwrap();
    let words = |events: Vec<gander::core::jobs::LoggedJob>| {
        events.iter().map(|logged| logged.event.word()).collect::<Vec<_>>()
    };
    assert_eq!(words(jobs.try_next().await.unwrap().unwrap()), ["enqueued", "halted"]);
    assert_eq!(jobs.try_next().await.unwrap(), None);
    let heard = decisions.try_next().await.unwrap().unwrap();
    assert_eq!(heard.iter().map(|logged| logged.event.word()).collect::<Vec<_>>(), ["asked"]);
    assert_eq!((jobs.cursor(), decisions.cursor()), (3, 3));
    let all = world.handle.jobs().list(JobFilter::default()).await.unwrap();
    assert_eq!(all.len(), 1);
}

/// A store for tests without a handle.
pub(crate) fn store(path: &std::path::Path) -> Arc<Store> {
    Arc::new(Store::open(path, None, noon()).unwrap())
}

#[tokio::test]
async fn the_clock_is_the_handles() {
    let world = World::new(JobRules::default());
    world.clock.advance(TimeDelta::days(1));
    let job = world.add("a", |_| ()).await;
    assert_eq!(job.enqueued_at, world.clock.now());
}
