//! Text of `gander work`: at the terminal, on the cards that its decisions become, and for agents.

use crate::core::untrusted::{one_line, plain};

/// A framework was found.
#[must_use]
pub fn framework(name: &str, manifest: &str) -> String {
    format!("found {name} ({})", one_line(manifest))
}

/// A call of a language model was found.
#[must_use]
pub fn model_call(library: &str, file: &str, line: usize) -> String {
    format!("found a call of {library} ({}:{line})", one_line(file))
}

/// No framework was found.
#[must_use]
pub fn no_framework(folder: &str) -> String {
    format!(
        "{folder} has no manifest of Next.js, React, Django, Flask, FastAPI, Laravel, Rails, \
         Rust, Go, Swift or Android, such as package.json or requirements.txt: name the project's \
         own folder"
    )
}

/// An interrupted run goes on.
#[must_use]
pub fn run_continued(run: &str) -> String {
    format!("goes on with the run {run}")
}

/// A run was interrupted by its person.
#[must_use]
pub fn run_stopped(run: &str) -> String {
    format!("stopped; the jobs were handed back. The same command goes on with the run {run}")
}

/// Everything of a run is over.
#[must_use]
pub fn drained(run: &str, done: usize, all: usize) -> String {
    format!("the queue is drained: {done} of {all} jobs of the run {run} are done")
}

/// A line about an event of a run.
#[must_use]
pub fn progress(event: &str, task: &str, label: &str, words: &str) -> String {
    let mark = match event {
        "task_enqueued" => "queued",
        "task_beyond_guard" => "guard",
        "task_started" => "started",
        "task_step" => "step",
        "task_completed" => "done",
        "task_not_needed" => "not needed",
        "task_failed" | "task_given_up" => "failed",
        "task_cancelled" => "cancelled",
        "task_handed_back" => "handed back",
        other => other,
    };
    let words = match words {
        "" => String::new(),
        words => format!(": {}", one_line(words)),
    };
    format!("{mark:<11} job {task} {}{words}", one_line(label))
}

/// A job waits for a decision.
#[must_use]
pub fn waits_for(job: i64, decision: i64) -> String {
    format!("job {job} waits for decision #{decision}: answer it on Discord or at a terminal")
}

/// A job needs a person.
#[must_use]
pub fn needs_person(job: i64, decision: Option<i64>) -> String {
    match decision {
        Some(decision) => waits_for(job, decision),
        None => format!("job {job} needs a person"),
    }
}

/// A job is halted or held.
#[must_use]
pub fn is_stopped(job: i64, state: &str) -> String {
    format!("job {job} is {state}, until a person lets it go on")
}

/// Title of the question about a plan.
#[must_use]
pub fn plan_title(title: &str) -> String {
    format!("Plan: {}", plain(title, 160).text)
}

/// What to do about a plan.
pub const PLAN_WHAT: &str = "Approve to let the agent work by this plan; a note goes to the agent. \
    After a rejection, the agent writes another plan with your reason.";
/// Why a plan matters.
pub const PLAN_WHY: &str = "The agent has changed nothing yet.";

/// Title of the question after a failed validation.
#[must_use]
pub fn validation_title(title: &str) -> String {
    format!("Validation failed: {}", plain(title, 160).text)
}

/// What was seen in a failed validation.
#[must_use]
pub fn validation_observation(command: &str, how: &str) -> String {
    format!("{} ended with {how}. The end of its output is below.", one_line(command))
}

/// Why a failed validation matters.
pub const VALIDATION_WHY: &str = "The agent says that it is done, and the project's own check \
    says that it is not.";
/// What to do about a failed validation.
pub const VALIDATION_WHAT: &str = "Choose, or answer with a hint: the agent tries again with the \
    hint and the output.";
/// The agent tries again.
pub const RETRY: &str = "Retry";
/// What a retry does.
pub const RETRY_NOTE: &str = "The agent reads the output and tries again.";
/// The work goes to review although its check failed.
pub const ACCEPT: &str = "Accept as it is";
/// What accepting does.
pub const ACCEPT_NOTE: &str = "The work goes to review, marked as not validated.";
/// The attempt ends as failed.
pub const FAIL: &str = "Fail the attempt";
/// What failing does.
pub const FAIL_NOTE: &str =
    "The attempt ends. After three failed attempts, the job needs a person.";

/// Title of the question about finished work.
#[must_use]
pub fn review_title(title: &str) -> String {
    format!("Ready for local review: {}", plain(title, 160).text)
}

/// What to do about finished work.
pub const REVIEW_WHAT: &str = "Approve to end the job as done. Nothing is pushed; the branch stays \
    on this machine. After a rejection, the agent goes on with your reason.";

/// What was validated.
#[must_use]
pub fn validated(command: Option<&str>, passed: bool) -> String {
    match (command, passed) {
        (None, _) => "No validation is configured, and there is no make check.".into(),
        (Some(command), true) => format!("{} passed.", one_line(command)),
        (Some(command), false) => {
            format!("{} failed, and a person accepted that.", one_line(command))
        }
    }
}

/// The prompt for a plan.
#[must_use]
pub fn plan_prompt(title: &str, prompt: &str) -> String {
    format!(
        "{}\n\nWrite a plan for this task and end. Change no file: a person reads \
         the plan first. Say which files you would change, in which order, and how you would check \
         the result.",
        task(title, prompt)
    )
}

/// The prompt for the work.
#[must_use]
pub fn work_prompt(title: &str, prompt: &str, plan: Option<&str>) -> String {
    let plan = plan.map(|plan| format!("\n\nA person approved this plan:\n\n{plan}"));
    format!(
        "{}{}\n\nYou work in a git worktree of your own. Do not push. At the \
         end, you may describe your work for the next agent in the file .agent-handoff.json, as \
         JSON with the texts goal, did, forNextAgent, evidence and assumptions.",
        task(title, prompt),
        plan.unwrap_or_default()
    )
}

fn task(title: &str, prompt: &str) -> String {
    if prompt.trim().is_empty() { title.to_owned() } else { format!("{title}\n\n{prompt}") }
}

/// The prompt after an interruption.
pub const INTERRUPTED: &str = "Your work on this task was interrupted. The worktree is as you left \
    it: look at what is done, and go on.";

/// What people said, for the agent.
#[must_use]
pub fn said(words: &[String]) -> String {
    format!("A person says:\n\n{}", words.join("\n\n"))
}

/// The prompt after a failed validation.
#[must_use]
pub fn failed_validation(command: &str, output: &str) -> String {
    format!("{command} failed. Mend what it found. The end of its output:\n\n{output}")
}

/// The prompt after a rejected review.
#[must_use]
pub fn rejected(reason: &str) -> String {
    format!("A person looked at your work and wants a change:\n\n{reason}")
}

/// End of a text that was cut.
pub const CUT: &str = "\n… the rest is in the worktree.\n";

/// A question was withdrawn, or nobody answered it.
#[must_use]
pub fn unanswered(decision: i64) -> String {
    format!("nobody answered decision #{decision}")
}

/// The work was interrupted too often by people's words, failed checks and rejections.
pub const TOO_MANY_ROUNDS: &str = "the agent had 20 turns, and the work is not accepted";

/// The steps that people see.
pub const STEP_PLAN: &str = "writes a plan";
/// The agent works.
pub const STEP_WORK: &str = "works";
/// The agent works on, with words of people or of a failed check.
pub const STEP_AGAIN: &str = "works on with what it was told";
/// An interrupted agent goes on.
pub const STEP_RESUME: &str = "goes on after an interruption";

/// The validation runs.
#[must_use]
pub fn step_validate(command: &str) -> String {
    format!("runs {}", one_line(command))
}

/// The work is committed.
#[must_use]
pub fn step_commit(commit: &str, files: usize) -> String {
    let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    format!("committed {} ({files})", commit.get(..12).unwrap_or(commit))
}

/// An agent ended badly.
#[must_use]
pub fn agent_failed(agent: &str, how: &str, last: &str) -> String {
    let last = last.trim();
    let end = if last.is_empty() { String::new() } else { format!(":\n{last}") };
    format!("{} ended with {how}{end}", one_line(agent))
}

/// Nothing was changed.
pub const NOTHING_CHANGED: &str = "No file was changed.";

/// Only stubs orchestrate.
pub const ONLY_STUBS: &str = "--orchestrate is a walking skeleton, which only a stub works on: \
    give --agent stub";

/// A worker begins.
#[must_use]
pub fn worker_started(worker: &str, project: &str, agent: &str, root: &str) -> String {
    format!("{worker} works on {} with {} in {root}", one_line(project), one_line(agent))
}

/// A worker was told to end.
pub const WORKER_STOPPED: &str = "stopped; its jobs were handed back, and their worktrees are kept";

/// A job begins.
#[must_use]
pub fn job_started(job: i64, title: &str) -> String {
    format!("job {job} begins: {title}")
}

/// A job is done.
#[must_use]
pub fn job_done(job: i64, title: &str, files: Option<u32>, commit: Option<&str>) -> String {
    let files = match files {
        None | Some(0) => "no file changed".to_owned(),
        Some(1) => "1 file changed".to_owned(),
        Some(files) => format!("{files} files changed"),
    };
    let commit = commit.map(|commit| format!(", {}", commit.get(..12).unwrap_or(commit)));
    format!("job {job} is done: {title} ({files}{})", commit.unwrap_or_default())
}

/// An attempt failed.
#[must_use]
pub fn job_failed(job: i64, title: &str, why: &str) -> String {
    format!("job {job} failed: {title}: {why}")
}

/// A job is no longer the worker's.
#[must_use]
pub fn job_lost(job: i64, title: &str, why: &str) -> String {
    format!("job {job} was stopped: {title}: {why}")
}

/// A worktree in the list.
#[must_use]
pub fn worktree(
    path: &str,
    job: Option<i64>,
    state: Option<&str>,
    uncommitted: usize,
    is_merged: bool,
) -> String {
    let of = match (job, state) {
        (Some(job), Some(state)) => format!("job {job} is {state}"),
        (Some(job), None) => format!("job {job} is not in this store"),
        (None, _) => "of no job of this store".into(),
    };
    let merged = if is_merged { "merged" } else { "not merged" };
    let work = match uncommitted {
        0 => "nothing uncommitted".to_owned(),
        1 => "1 file uncommitted".to_owned(),
        files => format!("{files} files uncommitted"),
    };
    format!("{}: {of}, {merged}, {work}", one_line(path))
}

/// Why a worktree is kept.
pub const UNCOMMITTED: &str = "it has uncommitted work, and nobody confirmed that it may be lost";

/// A worktree is kept.
#[must_use]
pub fn worktree_kept(path: &str, why: &str) -> String {
    format!("kept {}: {why}", one_line(path))
}

/// A worktree was removed.
#[must_use]
pub fn worktree_removed(path: &str) -> String {
    format!("removed {}", one_line(path))
}

/// The uncommitted work that would be lost.
#[must_use]
pub fn uncommitted(path: &str, files: &[String]) -> Vec<String> {
    let first = format!("{} has uncommitted work:", one_line(path));
    let files = files.iter().take(20).map(|file| format!("  {}", one_line(file)));
    std::iter::once(first).chain(files).collect()
}

/// Asks whether uncommitted work may be lost.
pub const CONFIRM_REMOVAL: &str = "Type remove to lose this work, anything else to keep it: ";
