//! The words about jobs: what the queue asks people, and states, steps and events in a line.

use chrono::TimeDelta;

use crate::core::Time;
use crate::core::decision::{
    Agent, Choice, Detail, Expects, Insight, Person, Priority, Question, Request, Risk,
};
use crate::core::jobs::{
    CancelReason, FailureCode, GuardReached, Job, JobAnswer, JobEvent, JobQuestion, JobRules,
    JobState, Move, NeedsReason, Usage, WaitReason,
};
use crate::core::untrusted::one_line;

/// Why the queue withdraws its question about a job.
pub const JOB_WENT_ON: &str = "the job went on without an answer";

/// The kind of the queue's questions.
const KIND: &str = "job";

/// The question about a job, as a request for a decision.
#[must_use]
pub fn job_question(job: &Job, question: JobQuestion, rules: &JobRules) -> Request {
    let title = one_line(&job.request.title);
    let asked = match question {
        JobQuestion::Guard(_) => format!("Enqueue one more job: {title}?"),
        JobQuestion::FailedTooOften => format!("{title}: how to go on after the failures?"),
        JobQuestion::Stuck => format!("{title}: no output, how to go on?"),
    };
    let options: Vec<Choice> = question.options().iter().map(|answer| option(*answer)).collect();
    let other = matches!(question, JobQuestion::FailedTooOften);
    let questions = if options.is_empty() {
        Vec::new()
    } else {
        vec![Question {
            id: "job".into(),
            text: asked.clone(),
            options: options.clone(),
            other,
            ..Question::default()
        }]
    };
    Request {
        title: asked,
        kind: KIND.into(),
        expects: if options.is_empty() { Expects::Approve } else { Expects::Choose },
        insight: insight(job, question, rules),
        details: details(job),
        project: job.request.project.clone(),
        agent: Agent { name: agent(job), session: Some(job.run.clone()) },
        job: Some(job.id.0.to_string()),
        risk: Risk::Medium,
        priority: job.request.priority.max(Priority::Normal),
        options,
        questions,
        ..Request::default()
    }
}

fn agent(job: &Job) -> String {
    let worker = job.lease().map(|lease| lease.worker.clone());
    worker.or_else(|| job.request.agent.clone()).unwrap_or_else(|| "gander".into())
}

fn option(answer: JobAnswer) -> Choice {
    let description = match answer {
        JobAnswer::Retry => "A worker tries again. Another answer is handed over as a hint",
        JobAnswer::GiveUp => "The job fails for good; what depends on it needs a person",
        JobAnswer::TakeOver => "You do it yourself; no worker gets it",
        JobAnswer::StopAndRetry => "The worker is stopped, and the attempt counts as failed",
        JobAnswer::KeepWaiting => "The worker gets as much time again",
    };
    Choice { name: answer.word().into(), description: description.into() }
}

fn insight(job: &Job, question: JobQuestion, rules: &JobRules) -> Insight {
    let (observation, why, what) = match question {
        JobQuestion::Guard(guard) => (
            format!(
                "An agent of the run {} wants to enqueue {}. {}",
                job.run,
                job.id,
                beyond(guard)
            ),
            "A run that enqueues without end costs time and money.",
            "Approve to enqueue this one job; reject to refuse this and more jobs of the run.",
        ),
        JobQuestion::FailedTooOften => (
            format!("{} attempts of {} failed. {}", job.failures + 1, job.id, last_failure(job)),
            "Without a hint, a further attempt will probably fail too.",
            "Retry, with a hint if you have one; give up; or take over.",
        ),
        JobQuestion::Stuck => (
            format!(
                "{} has given no output for {}.",
                job.id,
                span(rules.stall_in(&job.request.project))
            ),
            "It may wait for something that never comes, and keeps a place from other jobs.",
            "Look at its worktree. Stop it and retry, or give it more time.",
        ),
    };
    Insight { observation, why_it_matters: why.into(), what_to_do: what.into() }
}

fn beyond(guard: GuardReached) -> String {
    match guard {
        GuardReached::Jobs { limit } => format!("The run has its {limit} jobs."),
        GuardReached::Depth { limit } => {
            format!("It would be more than {limit} jobs away from the first.")
        }
        GuardReached::Tokens { limit, used } => {
            format!("The run has used {used} of {limit} tokens.")
        }
        GuardReached::Cost { limit, used } => {
            format!("The run has cost {} of {}.", dollars(used), dollars(limit))
        }
    }
}

fn last_failure(job: &Job) -> String {
    let Some(failure) = &job.last_failure else { return String::new() };
    let words = one_line(&failure.words);
    match failure.code {
        FailureCode::Reported if words.is_empty() => "The one before reported no reason.".into(),
        FailureCode::Reported => format!("The one before: {words}"),
        code => format!("The one before: {}.", failure_words(code)),
    }
}

/// How an attempt failed.
#[must_use]
pub const fn failure_words(code: FailureCode) -> &'static str {
    match code {
        FailureCode::Reported => "the worker reported a failure",
        FailureCode::LeaseLost => "the worker was no longer heard of",
        FailureCode::Stuck => "it gave no output and was stopped",
    }
}

fn details(job: &Job) -> Vec<Detail> {
    let detail = |name: &str, value: String| Detail { name: name.into(), value };
    let mut details = vec![
        detail("job", job.id.0.to_string()),
        detail("run", job.run.clone()),
        detail("used", usage_words(&job.usage)),
    ];
    let worktree = job.worktree.as_ref().map(|path| detail("worktree", path.clone()));
    let branch = job.branch.as_ref().map(|branch| detail("branch", branch.clone()));
    details.extend(worktree);
    details.extend(branch);
    details
}

/// What a job used: "not reported" where nobody said it.
#[must_use]
pub fn usage_words(usage: &Usage) -> String {
    let model = match (&usage.provider, &usage.model) {
        (Some(provider), Some(model)) => Some(format!("{provider} {model}")),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    let tokens = usage.tokens.map(|tokens| format!("{tokens} tokens"));
    let cost = usage.cost_micro_usd.map(dollars);
    let parts: Vec<String> = [model, tokens, cost].into_iter().flatten().collect();
    if parts.is_empty() { "not reported".into() } else { parts.join(", ") }
}

/// An amount of money, given in millionths of a US dollar.
#[must_use]
pub fn dollars(micro_usd: u64) -> String {
    let cents = micro_usd.div_ceil(10_000);
    format!("${}.{:02}", cents / 100, cents % 100)
}

fn span(span: TimeDelta) -> String {
    humantime::format_duration(span.to_std().unwrap_or_default()).to_string()
}

/// A job's state in words.
#[must_use]
pub fn job_state(state: &JobState) -> String {
    match state {
        JobState::Queued => "queued".into(),
        JobState::Running { lease, stuck } => {
            let stuck = if stuck.is_some() { ", no output" } else { "" };
            format!("running with {}{stuck}", lease.worker)
        }
        JobState::Waiting { on, why: WaitReason::Guard(_), .. } => {
            format!("beyond a guard, waits for {on}")
        }
        JobState::Waiting { on, .. } => format!("waits for {on}"),
        JobState::NeedsPerson { why, decision, .. } => {
            let why = match why {
                NeedsReason::FailedTooOften => "failed too often".into(),
                NeedsReason::DependencyFailed { on } => format!("{on}, which it needs, failed"),
            };
            let asked = decision.map_or_else(String::new, |id| format!(" ({id})"));
            format!("needs a person: {why}{asked}")
        }
        JobState::Held { by, .. } => format!("held by {}", by.name),
        JobState::Halted { .. } => "halted".into(),
        JobState::Done { .. } => "done".into(),
        JobState::NotNeeded { reason, .. } => format!("not needed: {}", one_line(reason)),
        JobState::Failed { by, words, .. } => format!("given up by {}{}", by.name, said(words)),
        JobState::Cancelled { cause: CancelReason::Person { by, words }, .. } => {
            format!("cancelled by {}{}", by.name, said(words))
        }
        JobState::Cancelled { cause: CancelReason::GuardRejected { decision }, .. } => {
            format!("not enqueued: {decision}")
        }
    }
}

fn said(words: &str) -> String {
    let words = one_line(words);
    if words.is_empty() { words } else { format!(": {words}") }
}

/// An event of a job or of the queue, in a line.
#[must_use]
pub fn job_event(event: &JobEvent, clock: impl Fn(Time) -> String) -> String {
    let by =
        |by: &Option<Person>| by.as_ref().map_or_else(String::new, |by| format!(" by {}", by.name));
    match event {
        JobEvent::Enqueued { beyond: None, .. } => "enqueued".into(),
        JobEvent::Enqueued { beyond: Some(beyond), .. } => {
            format!("enqueued beyond a guard: {} asks", beyond.decision)
        }
        JobEvent::GuardRaised { by } => format!("{} approved it beyond the guard", by.name),
        JobEvent::Leased { worker, .. } => format!("{worker} began"),
        JobEvent::Placed { worktree, branch } => {
            let at = worktree.iter().chain(branch).cloned().collect::<Vec<_>>().join(", ");
            format!("works in {at}")
        }
        JobEvent::Stepped { text } => one_line(text),
        JobEvent::WaitsFor { decision } => format!("waits for {decision}"),
        JobEvent::Resumed { .. } => "goes on".into(),
        JobEvent::WaiterGone => "its worker is gone; the question stays open".into(),
        JobEvent::Answered => "answered, waits for a worker".into(),
        JobEvent::Stuck { decision } => format!("no output: {decision} asks what to do"),
        JobEvent::Unstuck => "goes on after a time without output".into(),
        JobEvent::StuckUnanswered => "nobody said what to do without output".into(),
        JobEvent::AttemptFailed { code, words, decision, .. } => {
            let asked = decision.map_or_else(String::new, |id| format!("; {id} asks what to do"));
            format!("failed: {}{}{asked}", failure_words(*code), said(words))
        }
        JobEvent::HandedBack => "handed back".into(),
        JobEvent::NeedUnanswered => "nobody said what to do".into(),
        JobEvent::Finished { by: person, .. } => format!("done{}", by(person)),
        JobEvent::NotNeeded { reason, by: person } => {
            format!("not needed{}{}", by(person), said(reason))
        }
        JobEvent::GivenUp { by, words } => format!("given up by {}{}", by.name, said(words)),
        JobEvent::Cancelled { cause: CancelReason::Person { by, words } } => {
            format!("cancelled by {}{}", by.name, said(words))
        }
        JobEvent::Cancelled { cause: CancelReason::GuardRejected { decision } } => {
            format!("not enqueued beyond the guard: {decision}")
        }
        JobEvent::Held { by } => format!("held by {}", by.name),
        JobEvent::Released { by } => format!("released by {}", by.name),
        JobEvent::Retried { by, hint } => format!("retried by {}{}", by.name, said(hint)),
        JobEvent::Steered { by, text } => format!("{} says{}", by.name, said(text)),
        JobEvent::Moved { by, to } => format!("moved {} by {}", place(*to), by.name),
        JobEvent::AtRisk { deadline } => {
            format!("moved up: it is due {}, and nobody has begun", clock(*deadline))
        }
        JobEvent::DependencyFailed { on } => format!("{on}, which it needs, failed"),
        JobEvent::DependencyBack { on } => format!("{on}, which it needs, goes on"),
        JobEvent::Halted { by, project, stopped } => {
            let what = project.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
            let jobs = if stopped.is_empty() { String::new() } else { job_list(stopped) };
            format!("halt{what} by {}{jobs}", by.name)
        }
        JobEvent::HaltLifted { by, project, resumed } => {
            let what = project.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
            let jobs = if resumed.is_empty() { String::new() } else { job_list(resumed) };
            format!("end of the halt{what} by {}{jobs}", by.name)
        }
        JobEvent::Drained => "nothing is left in the queue".into(),
    }
}

fn job_list(jobs: &[crate::core::jobs::JobId]) -> String {
    let jobs: Vec<String> = jobs.iter().map(|job| job.0.to_string()).collect();
    format!(": jobs {}", jobs.join(", "))
}

const fn place(to: Move) -> &'static str {
    match to {
        Move::Up => "up",
        Move::Down => "down",
        Move::First => "to the front",
        Move::Last => "to the end",
        Move::Back => "back to its place",
    }
}
