//! Urgency, leases, guards, answers of people, and events as they are stored.

use chrono::TimeDelta;

use super::order::Score;
use super::*;
use crate::core::decision::{Decision, Person, Priority, Request, Revision, Terms, Verdict, Via};

fn noon() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn maya() -> Person {
    Person::discord(7, "Maya")
}

fn job() -> Job {
    let request = JobRequest { title: "Fix the login".into(), ..JobRequest::default() };
    Job::new(JobId(7), request, noon())
}

/// The job after an event, a minute after the event before.
fn after(job: Job, event: &JobEvent) -> Job {
    let seq = job.changed + 1;
    let at = noon() + TimeDelta::minutes(i64::try_from(seq).unwrap());
    job.evolve(event, at, seq)
}

fn leased(job: Job) -> (Job, LeaseRef) {
    let event = job.lease_to("ada".into(), noon() + TimeDelta::hours(1)).unwrap();
    let job = after(job, &event);
    let lease = LeaseRef::of(&job).unwrap();
    (job, lease)
}

#[test]
fn urgency_rises_with_the_deadline_and_falls_a_week_after_it() {
    let mut job = job();
    let value = |job: &Job, at| job.score(at).value;
    assert_eq!(job.score(noon()), Score { value: 2, from: None, until: None });
    let deadline = noon();
    job.request.deadline = Some(deadline);
    for (days, hours, boost) in [
        (-15, 0, 0),
        (-14, 0, 1),
        (-8, 0, 1),
        (-7, 0, 2),
        (-3, 0, 2),
        (-2, 0, 3),
        (0, -1, 3),
        (0, 0, 4),
        (6, 23, 4),
        (7, 0, 0),
        (400, 0, 0),
    ] {
        let at = deadline + TimeDelta::days(days) + TimeDelta::hours(hours);
        assert_eq!(value(&job, at), 2 + boost, "{days} d {hours} h");
        let score = job.score(at);
        assert!(score.from.is_none_or(|from| from <= at), "{score:?}");
        assert!(score.until.is_none_or(|until| until > at), "{score:?}");
        for edge in [score.from, score.until.map(|until| until - TimeDelta::milliseconds(1))] {
            assert_eq!(edge.map(|at| value(&job, at)), edge.map(|_| score.value));
        }
    }
    job.request.priority = Priority::Urgent;
    let first = after(job, &JobEvent::Moved { by: maya(), to: Move::First });
    assert!(value(&first, noon()) > 1_000);
}

#[test]
fn a_lease_is_told_from_an_earlier_lease_of_the_worker() {
    let (first, lease) = leased(job());
    let lost = first.lose_lease(noon() + TimeDelta::hours(2)).unwrap();
    assert_eq!(first.lose_lease(noon()), None, "the lease holds");
    let queued = after(first, &lost);
    assert_eq!((queued.state.word(), queued.failures), ("queued", 1));
    assert_eq!(
        queued.check_lease(&lease),
        Err(JobRefused::NotLeased { state: "queued" }),
        "the worker is told"
    );
    let (again, new) = leased(queued);
    assert_eq!((again.attempts, new.attempt), (2, Some(2)));
    assert!(again.check_lease(&new).is_ok());
    assert!(again.check_lease(&LeaseRef { attempt: None, ..lease.clone() }).is_ok());
    let other = Err(JobRefused::LeasedByOther { worker: "ada".into(), attempt: 2 });
    assert_eq!(again.check_lease(&lease), other);
}

#[test]
fn what_stops_a_job_is_told_to_its_worker() {
    let (job, lease) = leased(job());
    let stopped = |job: &Job| job.check_lease(&lease).unwrap_err();
    for (event, state) in [
        (job.hold(maya()).unwrap(), "held"),
        (job.cancel(maya(), String::new()).unwrap(), "cancelled"),
        (job.halt(maya()).unwrap(), "halted"),
    ] {
        let job = after(job.clone(), &event);
        assert_eq!(stopped(&job), JobRefused::Stopped { state });
        assert_eq!(job.liveness, None);
    }
    let done = after(job.clone(), &job.finish(&lease, JobResult::default()).unwrap());
    assert_eq!(stopped(&done), JobRefused::Over { state: "done" });
    assert_eq!(done.halt(maya()), None);
    assert_eq!(done.retry(maya(), String::new()), Err(JobRefused::Over { state: "done" }));
}

#[test]
fn guards_hold_for_agents_alone() {
    let guards = Guards { tokens: Some(100), cost_micro_usd: Some(1), ..Guards::default() };
    let by_agent =
        JobRequest { by: Enqueuer::Agent { name: "goose".into() }, ..JobRequest::default() };
    let run = |jobs, tokens| RunTotals { jobs, usage: Usage { tokens, ..Usage::default() } };
    let reached = |request, depth, run| guards.reached(request, depth, &run);
    assert_eq!(reached(&by_agent, 3, run(29, Some(99))), None);
    assert_eq!(reached(&by_agent, 3, run(29, None)), None, "nobody reported any");
    assert_eq!(reached(&by_agent, 0, run(30, None)), Some(GuardReached::Jobs { limit: 30 }));
    assert_eq!(reached(&by_agent, 4, run(1, None)), Some(GuardReached::Depth { limit: 3 }));
    let tokens = Some(GuardReached::Tokens { limit: 100, used: 100 });
    assert_eq!(reached(&by_agent, 0, run(1, Some(100))), tokens);
    assert_eq!(reached(&JobRequest::default(), 9, run(99, Some(999))), None);
}

fn answered(job: &Job, verdict: Verdict, via: Via) -> Vec<JobEvent> {
    let mut decision =
        Decision::new(job.decision().unwrap(), Request::default(), Terms::default(), noon());
    decision.request.expects = crate::core::decision::Expects::Choose;
    let event = crate::core::decision::event::Event::Resolved {
        verdict,
        by: maya(),
        via,
        with: Vec::new(),
        grounds: crate::core::decision::authorization::Grounds::default(),
        attested: None,
    };
    assert_eq!(decision.revision, Revision(1));
    job.settle(&decision.evolve(&event, noon(), 1))
}

#[test]
fn an_answer_decides_what_becomes_of_a_job_that_failed_too_often() {
    let failed = JobEvent::AttemptFailed {
        code: FailureCode::Reported,
        words: "no".into(),
        usage: Usage::default(),
        decision: Some(DecisionId(3)),
    };
    let job = after(leased(job()).0, &failed);
    assert_eq!(job.question(), Some(JobQuestion::FailedTooOften));
    let option = |option: &str| Verdict::Chosen { option: option.into() };
    let by = maya();
    let retried = |hint: &str| vec![JobEvent::Retried { by: maya(), hint: hint.into() }];
    assert_eq!(answered(&job, option("Retry"), Via::Discord), retried(""));
    let hint = Verdict::answered("look at the log".into());
    assert_eq!(answered(&job, hint, Via::Discord), retried("look at the log"));
    let given_up = vec![JobEvent::GivenUp { by: by.clone(), words: String::new() }];
    assert_eq!(answered(&job, option("Give up"), Via::Discord), given_up);
    assert_eq!(answered(&job, option("Take over"), Via::Discord), [JobEvent::Held { by }]);
    let silence = Verdict::Rejected { reason: "nobody_answered".into() };
    assert_eq!(answered(&job, silence, Via::SafeDefault), [JobEvent::NeedUnanswered]);
}

#[test]
fn events_are_read_as_they_are_written_and_long_texts_apart() {
    let mut request = JobRequest { title: "t".into(), ..JobRequest::default() };
    request.prompt = "p".into();
    let enqueued =
        JobEvent::Enqueued { request: Box::new(request), run: "r".into(), depth: 1, beyond: None };
    let mut result = JobResult::default();
    result.handoff.did = "all".into();
    let finished = JobEvent::Finished { result: Box::new(result), by: Some(maya()) };
    for event in [enqueued, finished, JobEvent::WaiterGone, JobEvent::Drained] {
        let mut short = event.clone();
        let text = short.take_text();
        assert_eq!(text.is_some(), matches!(event.word(), "enqueued" | "finished"));
        let json = serde_json::to_string(&short).unwrap();
        assert!(json.starts_with(&format!(r#"{{"event":"{}""#, event.word())), "{json}");
        let mut read: JobEvent = serde_json::from_str(&json).unwrap();
        if let Some(text) = text {
            let text = serde_json::to_string(&text).unwrap();
            read.put_text(serde_json::from_str(&text).unwrap());
        }
        assert_eq!(read, event);
    }
}

#[test]
fn what_nobody_reported_stays_absent() {
    let mut usage = Usage::default();
    usage.add(&Usage::default());
    assert!(usage.is_unreported());
    usage.add(&Usage { tokens: Some(3), ..Usage::default() });
    usage.add(&Usage { tokens: Some(4), model: Some("m".into()), ..Usage::default() });
    assert_eq!((usage.tokens, usage.cost_micro_usd), (Some(7), None));
}

#[test]
fn invalid_requests_say_what_to_change() {
    let with = |change: fn(&mut JobRequest)| {
        let mut request = JobRequest { title: "t".into(), ..JobRequest::default() };
        change(&mut request);
        request.validate()
    };
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|job| job.title = " \u{200B}".into()), Err(InvalidJob::NoTitle));
    assert_eq!(with(|job| job.job_type = String::new()), Err(InvalidJob::NoName { what: "type" }));
    assert!(matches!(
        with(|job| job.prompt = "x".repeat(300_000)),
        Err(InvalidJob::TooLong { what: "prompt", .. })
    ));
    assert!(matches!(
        with(|job| job.depends_on = vec![JobId(1); 101]),
        Err(InvalidJob::Dependencies(101))
    ));
}
