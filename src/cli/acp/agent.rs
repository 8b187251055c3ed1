//! The agent's process: started with pipes, in a group of its own, and ended with everything that
//! it started.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::core::untrusted::one_line;

/// How long an agent may take to end after its standard input was closed.
const GRACE: Duration = Duration::from_secs(5);
/// How long an agent may take to end after it was told to.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// Variables with secrets of Gander, which no agent needs.
pub(in crate::cli) const OURS: [&str; 4] =
    ["GANDER_TOKEN", "GANDER_TOKEN_FILE", "DISCORD_TOKEN", "DISCORD_TOKEN_FILE"];

/// A running agent.
#[derive(Debug)]
pub(super) struct AgentProcess {
    child: Child,
}

/// Starts an agent: what it reads, and what it writes. Its standard error is ours.
///
/// # Errors
/// The program cannot be started, as text.
pub(super) fn start(
    command: &[OsString],
) -> Result<(AgentProcess, ChildStdin, ChildStdout), String> {
    let [program, arguments @ ..] = command else { return Err("no command was given".into()) };
    let mut command = tied_to_us(program, arguments);
    for secret in OURS {
        command.env_remove(secret);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    // A key pressed at the terminal is for Gander, which tells the agent.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| {
        format!("cannot start {}: {error}", one_line(&program.to_string_lossy()))
    })?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(stdin), Some(stdout)) => Ok((AgentProcess { child }, stdin, stdout)),
        _ => Err("the agent has no pipes".into()),
    }
}

/// The command, run so that the agent ends when this process does, however that ends.
pub(in crate::cli) fn tied_to_us(program: &OsString, arguments: &[OsString]) -> Command {
    #[cfg(target_os = "linux")]
    // After an update, the file of this program may be gone. A test's program is another one.
    if let Some(gander) =
        std::env::current_exe().ok().filter(|gander| gander.is_file() && !cfg!(test))
    {
        let mut command = Command::new(gander);
        command.arg("acp-agent").arg(std::process::id().to_string()).arg("--").arg(program);
        command.args(arguments);
        return command;
    }
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

impl AgentProcess {
    /// Waits until the agent ends by itself.
    ///
    /// # Errors
    /// The system's.
    pub(super) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends the agent, whose standard input is closed: waits, then tells it to end, then kills it.
    /// `None`: it did not end by itself.
    pub(super) async fn end(&mut self) -> Option<ExitStatus> {
        if let Ok(ended) = timeout(GRACE, self.child.wait()).await {
            return ended.ok();
        }
        self.signal(Signal::Terminate);
        if timeout(LAST_GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::Kill);
            let _ = self.child.kill().await;
        }
        None
    }

    /// Signals the agent and everything that it started.
    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok());
        let Some(group) = group.and_then(rustix::process::Pid::from_raw) else { return };
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        // It has just ended.
        let _ = rustix::process::kill_process_group(group, signal);
    }

    #[cfg(not(unix))]
    fn signal(&self, _: Signal) {}
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Terminate,
    Kill,
}

/// An exit status in words and as a number that a shell would give.
pub(in crate::cli) fn described(status: ExitStatus) -> (String, u8) {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            let code = u8::try_from(128 + signal).unwrap_or(u8::MAX);
            return (format!("signal {signal}"), code);
        }
    }
    let code = status.code().unwrap_or_default();
    (format!("exit status {code}"), u8::try_from(code).unwrap_or(u8::MAX))
}
