//! A sandbox with one library's bot on it, and Maya before it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use discord_sandbox::{JournalEntry, Options, Outcome, Person, Sandbox, Wire};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::task::JoinHandle;

use crate::bots::{Bot, Runs};

/// Long enough for nine bots on a loaded machine; nothing waits so long when all is well.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The permission ADMINISTRATOR: a bot may pin messages and give roles.
const ADMINISTRATOR: u64 = 1 << 3;

/// What went wrong, in words; or nothing.
pub(crate) type Checked<T = ()> = Result<T, String>;

pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) maya: Person,
    pub(crate) general: String,
    running: Running,
}

enum Running {
    Process { child: Child, log: JoinHandle<String> },
    Task(JoinHandle<String>),
}

impl Stage {
    /// Starts a sandbox and the bot, and waits until the bot has registered its command.
    pub(crate) async fn open(bot: &Bot, libraries: &Path) -> Checked<Self> {
        let sandbox = Sandbox::start(Options {
            privileged_intents: true,
            interaction_deadline: LIMIT,
            ..Options::default()
        })
        .await
        .map_err(|error| error.to_string())?;
        sandbox.set_role_permissions("bot", ADMINISTRATOR);
        // Above the roles that the bot gives and takes.
        sandbox.set_role_position("bot", 2);
        let maya = sandbox.user("maya").ok_or("no maya")?;
        let general = sandbox.addresses().channel_id("general").ok_or("no channel")?.to_owned();
        let running = Running::start(bot, &sandbox, libraries)?;
        let stage = Self { sandbox, maya, general, running };
        let ready = |sandbox: &Sandbox| {
            let registered = !sandbox.view("maya")?.commands.is_empty();
            (registered && sandbox.gateway_sessions() == 1).then_some(())
        };
        match stage.wait("the bot to be ready", ready).await {
            Ok(()) => Ok(stage),
            Err(error) => {
                let requests = stage.requests();
                let log = stage.close().await;
                Err(format!("{error}; it asked for {requests:?} and said:\n{log}"))
            }
        }
    }

    /// Maya uses the bot's command for a feature; an error if the bot did not answer.
    pub(crate) async fn use_command(&self, feature: &str) -> Checked<Outcome> {
        let options = json!({ "feature": feature });
        answered(self.maya.command(&self.general, "run", options).await)
    }

    pub(crate) async fn wait<T>(
        &self,
        what: &str,
        probe: impl FnMut(&Sandbox) -> Option<T>,
    ) -> Checked<T> {
        self.sandbox.wait_for(what, LIMIT, probe).await.map_err(|error| error.to_string())
    }

    /// Waits for a message with this content that Maya sees.
    pub(crate) async fn wait_for_message(&self, channel: &str, content: &str) -> Checked<Value> {
        let maya = &self.maya;
        self.wait(&format!("the message {content:?}"), |_| {
            maya.view().messages(channel).iter().find(|m| m["content"] == content).cloned()
        })
        .await
    }

    /// Entries of the journal so far.
    pub(crate) fn mark(&self) -> u64 {
        self.sandbox.journal(0).last().map_or(0, |entry| entry.n)
    }

    /// The requests since a mark.
    pub(crate) fn requests_since(&self, mark: u64) -> Vec<JournalEntry> {
        let mut entries = self.sandbox.journal(mark);
        entries.retain(|entry| entry.kind == Wire::Rest);
        entries
    }

    fn requests(&self) -> Vec<String> {
        let entries = self.requests_since(0).into_iter();
        entries.map(|entry| format!("{} {} {:?}", entry.method, entry.path, entry.status)).collect()
    }

    /// Ends the bot and the sandbox; what the bot said.
    pub(crate) async fn close(self) -> String {
        let log = match self.running {
            Running::Process { mut child, log } => {
                child.start_kill().ok();
                child.wait().await.ok();
                log.await.unwrap_or_default()
            }
            Running::Task(task) => {
                task.abort();
                task.await.unwrap_or_default()
            }
        };
        self.sandbox.shutdown().await;
        log
    }
}

impl Running {
    fn start(bot: &Bot, sandbox: &Sandbox, libraries: &Path) -> Checked<Self> {
        let Some(mut program) = bot.program(libraries) else {
            let Runs::Rust(start) = bot.runs else {
                return Err("no way to start it".to_owned());
            };
            return Ok(Self::Task(start(sandbox.addresses().clone())));
        };
        let addresses =
            serde_json::to_string(sandbox.addresses()).map_err(|error| error.to_string())?;
        let mut child = program
            .env("SANDBOX", addresses)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{program:?}: {error}"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let log = tokio::spawn(async move {
            let (out, err) = tokio::join!(read(out), read(err));
            out + &err
        });
        Ok(Self::Process { child, log })
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes).await.ok();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The outcome of an action that the bot answered.
pub(crate) fn answered(outcome: Outcome) -> Checked<Outcome> {
    match &outcome.error {
        None if outcome.ok => Ok(outcome),
        error => Err(error.clone().unwrap_or_else(|| "no answer".to_owned())),
    }
}

/// An error that names both sides if they differ.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: T, should: T) -> Checked {
    if is == should { Ok(()) } else { Err(format!("{what} is {is:?}, not {should:?}")) }
}
