//! `gander job`: the shared queue, for people and for workers.

mod act;
mod add;
mod show;
mod work;

use clap::{Args, Subcommand};

use super::{Common, Exit, Failure, Outcome, output};
use crate::core::decision::Person;
use crate::core::jobs::Job;
use crate::engine::{Handle, HandleError};
use crate::presentation::{json, text};

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 done, 1 refused: the job's state does not allow it, or no \
    job is ready, 2 bad usage or configuration, 75 the store was locked, 70 internal error")]
pub(super) struct JobArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Enqueue a job
    Add(Box<add::Add>),
    /// List jobs: what needs a person, what runs, what is queued
    List(show::List),
    /// Show a job and its history
    Show(show::ShowJob),
    /// Lease the next job, for a worker
    Next(work::Next),
    /// Renew a lease: at least every 2 minutes
    Renew(work::Renew),
    /// Say that a worker gave output, with a step for the history if there is one
    Output(work::Output),
    /// Say where a worker works
    Place(work::PlaceJob),
    /// Say that a worker waits for a decision, or goes on after one
    Wait(work::Wait),
    /// Hand a job back without a failure, because the worker ends
    HandBack(work::HandBack),
    /// End a job as done: of a worker, or by yourself
    Done(work::Done),
    /// End an attempt as failed; without a worker: give the job up
    Fail(work::Fail),
    /// End a job because there is nothing to do
    NotNeeded(work::NotNeeded),
    /// Cancel a job, also while a worker has it. Its worktree is kept
    Cancel(act::Cancel),
    /// Keep a job from workers, also while a worker has it
    Hold(act::Hold),
    /// Let workers have a held job again
    Release(act::Release),
    /// Try a job again, with a hint for the agent
    Retry(act::Retry),
    /// Say something to the job's agent
    Steer(act::Steer),
    /// Move a job within the queue of its project
    Move(act::MoveJob),
}

impl JobArgs {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        match self.command {
            Command::Add(add) => add.run(common).await,
            Command::List(list) => list.run(common).await,
            Command::Show(show) => show.run(common).await,
            Command::Next(next) => next.run(common).await,
            Command::Renew(renew) => renew.run(common).await,
            Command::Output(output) => output.run(common).await,
            Command::Place(place) => place.run(common).await,
            Command::Wait(wait) => wait.run(common).await,
            Command::HandBack(back) => back.run(common).await,
            Command::Done(done) => done.run(common).await,
            Command::Fail(fail) => fail.run(common).await,
            Command::NotNeeded(not_needed) => not_needed.run(common).await,
            Command::Cancel(cancel) => cancel.run(common).await,
            Command::Hold(hold) => hold.run(common).await,
            Command::Release(release) => release.run(common).await,
            Command::Retry(retry) => retry.run(common).await,
            Command::Steer(steer) => steer.run(common).await,
            Command::Move(moved) => moved.run(common).await,
        }
    }
}

/// The person at the terminal, by the configuration; else the user of this machine.
pub(super) fn person(common: &Common) -> Result<Person, Failure> {
    let terminal = common.config()?.terminal;
    Ok(terminal.map_or_else(
        || {
            let name = std::env::var("USER").ok().filter(|name| !name.trim().is_empty());
            Person { id: "local".into(), name: name.unwrap_or_else(|| "local user".into()) }
        },
        |voter| voter.person,
    ))
}

/// Prints a changed job, or why it did not change.
fn changed(common: &Common, handle: &Handle, result: Result<Job, HandleError>) -> Outcome {
    match result {
        Ok(job) => {
            print(common, handle, &job);
            Ok(Exit::Yes)
        }
        Err(error @ HandleError::JobRefused(..)) => Err(Failure::new(Exit::No, error)),
        Err(error) => Err(error.into()),
    }
}

fn print(common: &Common, handle: &Handle, job: &Job) {
    if common.json {
        output::json(&json::job(job, handle.time_scale()));
    } else {
        output::line(&format!("{}: {}", job.id, text::job_state(&job.state)));
    }
}
