//! Brings a verdict to the agent: in `.agent-decision.json` beside the task file, by running the
//! configured command, or both.
//!
//! The file is written again at each scan until it has this content, and removed before the next
//! question: an old answer never answers it. The command runs at most once for each verdict: the
//! verdict is claimed first, so a crash in between runs nothing, and the question is asked anew
//! when the file has not changed for [`STALE_AFTER`].

use std::path::{Path, PathBuf};
use std::process::Stdio;

use gander_client::types::VerdictFile;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::command::{ApprovalCommand, CommandLine};
use super::heartbeat::STALE_AFTER;
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Outcome, State, Verdict};
use crate::disk::{self, FileError};
use crate::engine::{Handle, HandleError};
use crate::sources::child::without_secrets;
use crate::sources::inbox::schema::verdict_file;

/// The file that the agent reads.
pub(super) const DECISION_FILE: &str = ".agent-decision.json";
/// Size limit in bytes of a decision file that is read again.
const LONGEST_FILE: u64 = 64 << 10;

/// How the verdict on a waiting task reaches its agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnswerPlan {
    /// The task file.
    pub(super) file: PathBuf,
    pub(super) task_id: String,
    pub(super) task_state: String,
    /// Hash of the task file's text.
    pub(super) digest: String,
    pub(super) decision_file: DecisionFileUse,
    pub(super) command: ApprovalCommand,
}

/// Whether the agents of a folder read decision files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecisionFileUse {
    Written,
    Unused,
}

/// Hash of a task file's text.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The content of a decision file.
#[derive(Debug, Serialize, Deserialize)]
struct DecisionFile {
    task_id: String,
    task_state: String,
    #[serde(flatten)]
    verdict: VerdictFile,
}

/// A command that was started, kept in the store.
#[derive(Debug, Serialize, Deserialize)]
struct Started {
    digest: String,
    at: Time,
}

fn memo(id: DecisionId) -> String {
    format!("agent-task-run:{}", id.0)
}

/// The result of an attempt to deliver a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Nothing was to be done.
    Nothing,
    /// The file was written, or the command was started.
    Done,
    /// The file could not be written, with the reason. The next scan tries again.
    Failed(String),
}

impl AnswerPlan {
    /// Delivers a verdict that nobody has claimed.
    ///
    /// # Errors
    /// A store error.
    pub(super) async fn deliver(
        &self,
        handle: &Handle,
        decision: &Decision,
    ) -> Result<Delivery, HandleError> {
        let State::Resolved(resolved) = &decision.state else { return Ok(Delivery::Nothing) };
        let written = match self.decision_file {
            DecisionFileUse::Written => self.write(handle, decision).await,
            DecisionFileUse::Unused => Delivery::Nothing,
        };
        match (&self.command, &resolved.verdict) {
            // The command starts only after the file is there: the agent may read it.
            (ApprovalCommand::Runs(line), Verdict::Approved(_))
                if !matches!(written, Delivery::Failed(_)) =>
            {
                self.run(handle, decision.id, line).await
            }
            _ => Ok(written),
        }
    }

    /// Removes an answer to an earlier question, which the agent must not take for this one's.
    pub(super) async fn remove_old(&self) {
        if self.decision_file == DecisionFileUse::Unused {
            return;
        }
        let file = self.file.clone();
        let removed = tokio::task::spawn_blocking(move || remove_ours(&file)).await;
        match removed {
            Ok(Err(error)) if !error.is_absence() => {
                tracing::warn!(file = ?self.file, %error, "an old {DECISION_FILE} was not removed");
            }
            _ => {}
        }
    }

    async fn write(&self, handle: &Handle, decision: &Decision) -> Delivery {
        let content = DecisionFile {
            task_id: self.task_id.clone(),
            task_state: self.task_state.clone(),
            verdict: verdict_file(decision, handle.time_scale()),
        };
        let text = serde_json::to_string(&content).unwrap_or_default() + "\n";
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || replace_if_other(&file, &text)).await;
        let failed =
            |why: String| Delivery::Failed(format!("{DECISION_FILE} cannot be written: {why}"));
        match written {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(error)) => failed(error.to_string()),
            Err(error) => failed(error.to_string()),
        }
    }

    /// Claims the verdict and starts the command.
    async fn run(
        &self,
        handle: &Handle,
        id: DecisionId,
        line: &CommandLine,
    ) -> Result<Delivery, HandleError> {
        let started = Started { digest: self.digest.clone(), at: handle.now() };
        let text = serde_json::to_string(&started).unwrap_or_default();
        handle.operations().put_memo(&memo(id), Some(text)).await?;
        match handle.approvals().claim(id).await {
            // Undone at this moment: nothing runs.
            Err(HandleError::Refused(..)) => return Ok(Delivery::Nothing),
            claimed => drop(claimed?),
        }
        tracing::info!(decision = id.0, command = %line, "approved: starting");
        match spawn(line) {
            Ok(child) => {
                tokio::spawn(report_end(handle.clone(), id, child));
            }
            Err(error) => {
                failed(handle, id, &format!("{} cannot be started: {error}", line.arguments[0]))
                    .await;
            }
        }
        Ok(Delivery::Done)
    }
}

/// Whether the command of a claimed verdict may still be at work: the task file is the one that the
/// verdict was about.
pub(super) async fn is_at_work(
    handle: &Handle,
    id: DecisionId,
    plan: &AnswerPlan,
) -> Result<bool, HandleError> {
    if !matches!(plan.command, ApprovalCommand::Runs(_)) {
        return Ok(false);
    }
    let Some(text) = handle.operations().memo(&memo(id)).await? else { return Ok(false) };
    let at_work = serde_json::from_str::<Started>(&text).is_ok_and(|started| {
        started.digest == plan.digest && handle.now() - started.at < STALE_AFTER
    });
    if !at_work {
        handle.operations().put_memo(&memo(id), None).await?;
    }
    Ok(at_work)
}

/// Starts a command that outlives the bot. Its output goes nowhere: a pipe would break with the
/// bot.
fn spawn(line: &CommandLine) -> std::io::Result<tokio::process::Child> {
    let Some((program, arguments)) = line.arguments.split_first() else {
        return Err(std::io::Error::other("there is no command"));
    };
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).current_dir(&line.folder).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    without_secrets(&mut command).spawn()
}

async fn report_end(handle: Handle, id: DecisionId, mut child: tokio::process::Child) {
    match child.wait().await {
        Ok(status) if status.success() => {
            let report =
                handle.approvals().report(id, Outcome::Succeeded, "the command ended well");
            if let Err(error) = report.await {
                tracing::warn!(decision = id.0, %error, "the command's end was not recorded");
            }
        }
        Ok(status) => failed(&handle, id, &format!("the command ended with {status}")).await,
        Err(error) => failed(&handle, id, &format!("the command was lost: {error}")).await,
    }
}

/// Reports a failure. The question is asked anew at the next scan, unless the task went on.
async fn failed(handle: &Handle, id: DecisionId, why: &str) {
    let reported = handle.approvals().report(id, Outcome::Failed, why).await.map(drop);
    let forgotten = handle.operations().put_memo(&memo(id), None).await;
    if let Err(error) = reported.and(forgotten) {
        tracing::warn!(decision = id.0, %error, why, "the command failed; not recorded");
    }
}

fn replace_if_other(task_file: &Path, text: &str) -> Result<Delivery, FileError> {
    let (folder, _) = disk::folder_and_name(task_file)?;
    let name = Path::new(DECISION_FILE);
    match folder.read_text(name, LONGEST_FILE) {
        Ok(found) if found == text => return Ok(Delivery::Nothing),
        _ => folder.replace(name, text.as_bytes())?,
    }
    Ok(Delivery::Done)
}

fn remove_ours(task_file: &Path) -> Result<(), FileError> {
    let (folder, _) = disk::folder_and_name(task_file)?;
    let name = Path::new(DECISION_FILE);
    let text = folder.read_text(name, LONGEST_FILE)?;
    if serde_json::from_str::<DecisionFile>(&text).is_ok_and(|file| file.verdict.id.is_some()) {
        folder.remove(name)?;
    }
    Ok(())
}
