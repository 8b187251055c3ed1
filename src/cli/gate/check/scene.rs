//! The surroundings of a trial: a folder with a store, a configuration and a workspace, the hook's
//! command for them, and a pretend approver.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::cli::gate::adapters::Agent;
use crate::cli::gate::command::{line_of, words_of};
use crate::cli::gate::contract::{Ended, Start};
use crate::cli::gate::hook_file::Found;
use crate::config::gates;
use crate::core::decision::authorization::Voter;
use crate::core::decision::{Decision, DecisionId, Person, Verdict, Via};
use crate::core::policy::rules::Rules;
use crate::disk::Folder;
use crate::engine::clock::{SystemClock, wall_time};
use crate::engine::event_log::watch;
use crate::engine::{Filter, Handle};
use crate::presentation::text::gate::check as words;
use crate::store::Store;

/// How long a trial may take: longer than any gate in a trial waits.
const LIMIT: Duration = Duration::from_secs(60);
/// How long the gate waits in a trial that somebody answers.
const PATIENCE: &str = "30s";

/// An installed gate, and where it is tried.
pub(super) struct Scene {
    pub(super) agent: Agent,
    /// The words that call the gate; `None` if its command was changed.
    words: Option<Vec<String>>,
    /// How long the installed gate waits for a person.
    pub(super) wait: Option<Duration>,
    /// How long the agent waits for the hook. `None`: for ever.
    pub(super) limit: Option<Duration>,
    folder: TempDir,
    handle: Handle,
}

/// How a hook of a trial differs from the installed one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Replaced<'a> {
    /// Not in its program.
    Nothing,
    /// The gate waits only so long.
    Patience(&'a str),
    /// Another program stands in the gate's place.
    Program(&'a [&'a str]),
}

impl Scene {
    /// # Errors
    /// The folder or the store could not be made, as text.
    pub(super) fn new(agent: Agent, found: &Found) -> Result<Self, String> {
        let said = |error: &dyn std::fmt::Display| format!("the check's own folder: {error}");
        let folder = tempfile::Builder::new().prefix("gander-check-").tempdir();
        let folder = folder.map_err(|error| said(&error))?;
        std::fs::create_dir(folder.path().join("work")).map_err(|error| said(&error))?;
        let place = Folder::open(folder.path()).map_err(|error| said(&error))?;
        for (file, text) in [("gander.toml", ""), (gates::FILE, gates::DEFAULTS)] {
            place.replace(Path::new(file), text.as_bytes()).map_err(|error| said(&error))?;
        }
        let store = Store::open(&folder.path().join("gander.db"), None, wall_time())
            .map_err(|error| said(&error))?;
        let clock = SystemClock::new(store.time_scale());
        let handle = Handle::new(Arc::new(store), Rules::default(), Arc::new(clock));
        let words = words_of(agent, &found.command);
        let wait = words.as_deref().and_then(|words| after(words, "--timeout"));
        let wait = wait.and_then(|wait| humantime::parse_duration(wait).ok());
        let contract = agent.contract();
        let limit = found.limit.map(Duration::from_millis).or(contract.usual_limit);
        let limit = limit.map(|limit| contract.longest_limit.map_or(limit, |it| it.min(limit)));
        Ok(Self { agent, words, wait, limit, folder, handle })
    }

    /// The folder in which the agent works.
    pub(super) fn project(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The hook's command for this scene. `None` if the installed command was changed.
    fn line(&self, replaced: Replaced<'_>) -> Option<String> {
        let mut words = self.words.clone()?;
        for flag in ["--connect", "--token-file", "--store", "--config"] {
            if let Some(at) = words.iter().position(|word| word == flag) {
                words.drain(at..(at + 2).min(words.len()));
            }
        }
        let place = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let patience = if let Replaced::Patience(wait) = replaced { wait } else { PATIENCE };
        set(&mut words, "--timeout", patience);
        if words.iter().any(|word| word == "--root") {
            set(&mut words, "--root", &place("work"));
        }
        words.extend(["--store".into(), place("gander.db")]);
        words.extend(["--config".into(), place("gander.toml")]);
        if let Replaced::Program(program) = replaced {
            words.splice(..1, program.iter().map(|word| (*word).to_owned()));
        }
        Some(line_of(self.agent, &words))
    }

    /// Writes a file in the agent's folder. Returns whether that was possible.
    pub(super) fn write(&self, name: &str, text: &str) -> bool {
        let folder = Folder::open(&self.project());
        folder.is_ok_and(|folder| folder.replace(Path::new(name), text.as_bytes()).is_ok())
    }

    /// What the agent sends for a command.
    pub(super) fn call(&self, command: &str) -> Vec<u8> {
        self.agent.sample(&self.project(), command).to_string().into_bytes()
    }

    /// Runs the hook as the agent does.
    ///
    /// # Errors
    /// The command was changed, as text.
    pub(super) async fn hook(
        &self,
        input: &[u8],
        replaced: Replaced<'_>,
    ) -> Result<Ended, &'static str> {
        let line = self.line(replaced).ok_or(words::CHANGED_HOOK)?;
        let mut command = started(self.agent.contract().start, &line, input);
        command.current_dir(self.project()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(variable) = self.agent.folder_variable() {
            command.env(variable, self.project());
        }
        let failed = |error: std::io::Error| Ended {
            status: Some(126),
            out: String::new(),
            err: error.to_string(),
        };
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Ok(failed(error)),
        };
        let stdin = child.stdin.take();
        let talk = async {
            if let Some(mut stdin) = stdin {
                // A hook that does not read on closes its end.
                let _ = stdin.write_all(input).await;
            }
            child.wait_with_output().await
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(match tokio::time::timeout(LIMIT, talk).await {
            Ok(Ok(ended)) => Ended {
                status: ended.status.code(),
                out: text(&ended.stdout),
                err: text(&ended.stderr),
            },
            Ok(Err(error)) => failed(error),
            Err(_) => Ended { status: None, out: String::new(), err: String::new() },
        })
    }

    /// Answers open decisions for ever, and counts them. `answer`: by the decision, and how many
    /// have been answered.
    pub(super) async fn approve(
        &self,
        answered: &AtomicUsize,
        answer: impl Fn(&Decision, usize) -> Option<Verdict>,
    ) -> Infallible {
        let store = self.folder.path().join("gander.db");
        let answering = async {
            let mut hints = self.handle.hints();
            let mut done: Vec<DecisionId> = Vec::new();
            loop {
                hints.mark_unchanged();
                let open = self.handle.approvals().list(Filter::default()).await;
                for decision in open.unwrap_or_default() {
                    if !decision.state.is_open() || done.contains(&decision.id) {
                        continue;
                    }
                    let Some(verdict) = answer(&decision, done.len()) else { continue };
                    if self.resolves(&decision, verdict).await {
                        done.push(decision.id);
                        answered.store(done.len(), Ordering::Relaxed);
                    }
                }
                if hints.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = answering => {}
            () = watch::run(self.handle.clone(), &store) => {}
        }
        // The store is gone: nothing more is asked.
        std::future::pending().await
    }

    async fn resolves(&self, decision: &Decision, verdict: Verdict) -> bool {
        let person = Person::discord(1, "The check");
        let voter = Voter { person, roles: Vec::new(), owner: true };
        let approvals = self.handle.approvals();
        let (id, revision) = (decision.id, decision.revision);
        approvals.resolve(id, revision, &voter, Via::Discord, verdict).await.is_ok()
    }
}

/// The word after a flag.
fn after<'a>(words: &'a [String], flag: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| word == flag)?;
    words.get(at + 1).map(String::as_str)
}

/// Replaces the word after a flag.
fn set(words: &mut [String], flag: &str, value: &str) {
    if let Some(at) = words.iter().position(|word| word == flag)
        && let Some(word) = words.get_mut(at + 1)
    {
        value.clone_into(word);
    }
}

/// The agent's way to start a hook.
fn started(start: Start, line: &str, input: &[u8]) -> Command {
    let own = || std::env::var_os("SHELL").map_or_else(|| "/bin/sh".into(), PathBuf::from);
    let run = |shell: &Path, flag: &str, line: &str| {
        let mut command = Command::new(shell);
        command.arg(flag).arg(line);
        command
    };
    match start {
        Start::Shell => run(Path::new("/bin/sh"), "-c", line),
        Start::Bash => run(Path::new("bash"), "-c", line),
        Start::Login => run(&own(), "-lc", line),
        Start::Heredoc => {
            let input = String::from_utf8_lossy(input);
            let line = format!("{line} <<'CURSOR_HOOK_EOF'\n{input}\nCURSOR_HOOK_EOF");
            run(&own(), "-lc", &line)
        }
    }
}
