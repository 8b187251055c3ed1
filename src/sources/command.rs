//! Commands of the configuration that print decisions, one JSON object a line.
//!
//! | line | from | meaning |
//! |---|---|---|
//! | a question, as in `POST /v1/decisions`, with `dedup_key` | the command | asks, or revises |
//! | `{"withdraw": "KEY", "reason": "…"}` | the command | withdraws |
//! | `{"dedup_key": "KEY", "state": "resolved", …}` | Gander | the verdict, as in a verdict file |
//! | `{"dedup_key": "KEY", "state": "refused", "reason": "…"}` | Gander | what is wrong |
//!
//! A key is asked about once: for an answered question that the command prints again, perhaps after
//! a restart, it gets the answer again. A verdict is claimed once its line is written. A command
//! that ends is started again, after a pause that doubles up to [`LONGEST_PAUSE`].
//!
//! Does not depend on surfaces, the store's tables or permissions.

mod output;

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use gander_client::types::{Question, VerdictFile};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;

use self::output::{OutputLine, OutputLines, log_errors};
use super::child::without_secrets;
use super::inbox::schema::{refused_file, verdict_file};
use crate::core::decision::{COMMAND_KEY, Decision, State};
use crate::engine::{Filter, Handle, HandleError};
use crate::presentation::json::{self, ReadError};

/// Pause before a command is started again, at first.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause before a command is started again.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// After a run of this length, the pause is short again.
const STEADY: Duration = Duration::from_secs(60);
/// Pause before the next attempt after a store error.
const STORE_AGAIN: Duration = Duration::from_secs(5);
/// A command that does not read its input for this long gets its verdicts later.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// Longest key, in bytes.
const LONGEST_KEY: usize = 512;
const UNCONFIGURED: &str = "its command is not configured any more";

/// A command that prints decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSource {
    /// A plain name, unique among the commands.
    pub name: String,
    /// The program and its arguments. Never empty. No shell reads them.
    pub command: Vec<String>,
    /// The working directory.
    pub folder: PathBuf,
    /// The project of questions without a project.
    pub project: Option<String>,
}

impl CommandSource {
    fn prefix(&self) -> String {
        format!("{COMMAND_KEY}{}#", self.name)
    }
}

/// Runs every command, and withdraws the questions of commands that are no longer configured.
/// Never returns; dropping the future ends the commands.
pub async fn run(handle: Handle, commands: Vec<CommandSource>) {
    if let Err(error) = sweep(&handle, &commands).await {
        tracing::warn!(%error, "the questions of former commands were not withdrawn yet");
    }
    let mut running = JoinSet::new();
    for source in commands {
        running.spawn(supervise(handle.clone(), source));
    }
    while running.join_next().await.is_some() {}
    std::future::pending().await
}

async fn sweep(handle: &Handle, commands: &[CommandSource]) -> Result<(), HandleError> {
    let filter =
        Filter { open_only: true, key_prefix: Some(COMMAND_KEY.to_owned()), ..Filter::default() };
    for decision in handle.approvals().list(filter).await? {
        let key = decision.request.dedup_key.as_deref().unwrap_or_default();
        if !commands.iter().any(|source| key.starts_with(&source.prefix())) {
            match handle.approvals().withdraw(decision.id, UNCONFIGURED).await {
                Ok(_) | Err(HandleError::Refused(..)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Runs a command again and again.
async fn supervise(handle: Handle, source: CommandSource) {
    let mut pause = FIRST_PAUSE;
    loop {
        let begun = tokio::time::Instant::now();
        let ended = run_once(&handle, &source).await;
        if begun.elapsed() >= STEADY {
            pause = FIRST_PAUSE;
        }
        let ended = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
        tracing::warn!(
            command = source.name,
            ended,
            "a command that prints decisions has ended; starting it again in {} s",
            pause.as_secs()
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Kills a command with all that it started, when dropped.
struct ProcessGroup(Option<rustix::process::Pid>);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // The group may have ended already.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

fn spawn(source: &CommandSource) -> std::io::Result<(Child, ProcessGroup)> {
    let Some((program, arguments)) = source.command.split_first() else {
        return Err(std::io::Error::other("there is no command"));
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&source.folder).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = without_secrets(&mut command).spawn()?;
    let leader = child.id().and_then(|id| i32::try_from(id).ok());
    Ok((child, ProcessGroup(leader.and_then(rustix::process::Pid::from_raw))))
}

async fn run_once(handle: &Handle, source: &CommandSource) -> std::io::Result<ExitStatus> {
    let (mut child, group) = spawn(source)?;
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(std::io::Error::other("its input and output are missing"));
    };
    let mut conversation = Conversation { handle, source, input: Some(input) };
    let mut lines = OutputLines::new(output);
    let mut hints = handle.hints();
    let mut errors = std::pin::pin!(log_errors(source.name.clone(), errors));
    conversation.deliver().await;
    loop {
        hints.mark_unchanged();
        tokio::select! {
            line = lines.next() => match line? {
                None => break,
                Some(OutputLine::TooLong) => {
                    tracing::warn!(command = source.name, "a line has more than 1 MiB: skipped");
                }
                Some(OutputLine::Text(text)) => conversation.take(&text).await,
            },
            // The handle holds the sender, so the channel cannot close.
            _ = hints.changed() => conversation.deliver().await,
            () = &mut errors => {}
        }
    }
    // A command without output has no purpose any more.
    drop(conversation);
    drop(group);
    child.wait().await
}

/// A line of the command that is no question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    withdraw: String,
    reason: Option<String>,
}

/// A line for the command.
#[derive(Serialize)]
struct Reply<'a> {
    dedup_key: &'a str,
    #[serde(flatten)]
    file: VerdictFile,
}

/// A running command's lines.
struct Conversation<'a> {
    handle: &'a Handle,
    source: &'a CommandSource,
    /// `None` once the command has closed its input.
    input: Option<ChildStdin>,
}

impl Conversation<'_> {
    /// Handles a line. A store error is waited out, so that no line is lost.
    async fn take(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        while let Err(error) = self.try_take(line).await {
            tracing::warn!(command = self.source.name, %error, "a line waits for the store");
            tokio::time::sleep(STORE_AGAIN).await;
        }
    }

    async fn try_take(&mut self, line: &str) -> Result<(), HandleError> {
        if let Ok(over) = serde_json::from_str::<Withdrawal>(line) {
            return self.withdraw(&over).await;
        }
        let question: Question = match json::read(line.as_bytes(), &[]) {
            Ok(question) => question,
            Err(
                ReadError::UnexpectedEnd(why)
                | ReadError::NotJson(why)
                | ReadError::InvalidContent(why),
            ) => {
                self.refuse("", &why).await;
                return Ok(());
            }
        };
        let key = question.dedup_key.clone().unwrap_or_default();
        if key.is_empty() || key.len() > LONGEST_KEY {
            self.refuse(&key, "dedup_key is missing or longer than 512 bytes").await;
            return Ok(());
        }
        if let Some(why) = question.validation_error() {
            self.refuse(&key, &why).await;
            return Ok(());
        }
        if let Some(latest) = self.latest(&key).await?
            && matches!(latest.state, State::Resolved(_))
        {
            self.tell(&latest).await;
            return Ok(());
        }
        let mut request = json::request(question, self.source.project.as_deref());
        request.dedup_key = Some(self.source.prefix() + &key);
        match self.handle.approvals().ask(request).await {
            Err(error @ (HandleError::InvalidRequest(_) | HandleError::Limited(_))) => {
                self.refuse(&key, &error.to_string()).await;
                Ok(())
            }
            asked => asked.map(drop),
        }
    }

    async fn latest(&self, key: &str) -> Result<Option<Decision>, HandleError> {
        let key = Some(self.source.prefix() + key);
        let filter = Filter { key, limit: 1, ..Filter::default() };
        Ok(self.handle.approvals().list(filter).await?.into_iter().next())
    }

    async fn withdraw(&self, over: &Withdrawal) -> Result<(), HandleError> {
        let Some(latest) = self.latest(&over.withdraw).await? else { return Ok(()) };
        let reason = over.reason.as_deref().unwrap_or("the command needs no answer any more");
        match self.handle.approvals().withdraw(latest.id, reason).await {
            // Answered meanwhile, or withdrawn before.
            Err(HandleError::Refused(..)) => Ok(()),
            withdrawn => withdrawn.map(drop),
        }
    }

    /// Sends the verdicts that nobody has claimed, oldest first.
    async fn deliver(&mut self) {
        let filter = Filter {
            key_prefix: Some(self.source.prefix()),
            state: Some("resolved".into()),
            ..Filter::default()
        };
        let resolved = match self.handle.approvals().list(filter).await {
            Ok(resolved) => resolved,
            Err(error) => {
                tracing::warn!(%error, "could not look for verdicts; trying again later");
                return;
            }
        };
        let is_unclaimed = |decision: &Decision| {
            decision.request.asked_by.is_none()
                && matches!(&decision.state, State::Resolved(it) if it.claimed_at.is_none())
        };
        for decision in resolved.into_iter().rev().filter(is_unclaimed) {
            self.tell(&decision).await;
        }
    }

    /// Sends a verdict, and claims it.
    async fn tell(&mut self, decision: &Decision) {
        let prefix = self.source.prefix();
        let key = decision.request.dedup_key.as_deref().and_then(|key| key.strip_prefix(&prefix));
        let file = verdict_file(decision, self.handle.time_scale());
        if self.write(&Reply { dedup_key: key.unwrap_or_default(), file }).await
            && let Err(error) = self.handle.approvals().claim(decision.id).await
        {
            tracing::warn!(decision = decision.id.0, %error, "a verdict that was sent may be sent \
                again");
        }
    }

    async fn refuse(&mut self, key: &str, why: &str) {
        tracing::warn!(command = self.source.name, key, why, "a line was refused");
        let file = refused_file(why, self.handle.now());
        self.write(&Reply { dedup_key: key, file }).await;
    }

    /// Writes a line. Returns whether the command can read it.
    async fn write(&mut self, reply: &Reply<'_>) -> bool {
        let Some(input) = &mut self.input else { return false };
        let line = serde_json::to_string(reply).unwrap_or_default() + "\n";
        match tokio::time::timeout(WRITE_WITHIN, input.write_all(line.as_bytes())).await {
            Ok(Ok(())) => true,
            // A part of the line may be written: what follows would be no line.
            Ok(Err(_)) | Err(_) => {
                self.input = None;
                false
            }
        }
    }
}
