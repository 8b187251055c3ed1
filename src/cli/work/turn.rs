//! One turn of an agent: it is started with a prompt in the worktree, watched, and ended.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::agents::{AgentChoice, PromptBy, Steering, Turn};
use super::leased::LeasedJob;
use super::process::{self, Ended, Program, Ran};
use super::stopping::{Stop, WorkError};
use super::task_file::{Journal, SESSION};
use super::worktree::JobPlace;
use crate::cli::output;
use crate::core::untrusted::one_line;
use crate::presentation::text::work as text;

/// Most bytes of an agent's session id.
const LONGEST_SESSION: u64 = 1 << 10;
/// Most lines of an agent's last words.
const LAST_WORDS: usize = 40;
/// Lines at the end of a failed agent's output that say why.
const REASON_LINES: usize = 10;

/// An agent as a job's program.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) choice: AgentChoice,
    pub(super) store: PathBuf,
    pub(super) config: Option<PathBuf>,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TurnEnd {
    Done {
        said: String,
        session: Option<String>,
    },
    /// People said something that the agent is to read at once.
    Interrupted {
        session: Option<String>,
    },
}

impl Agent {
    /// Runs a turn to its end. `started` gets the number of the process.
    pub(super) async fn turn(
        &self,
        leased: &LeasedJob,
        place: &JobPlace,
        journal: &Journal,
        prompt: &str,
        started: impl FnOnce(u32),
    ) -> Result<TurnEnd, WorkError> {
        let gander = std::env::current_exe().map_err(WorkError::failed)?;
        let session_file = place.worktree.path.join(SESSION);
        let turn = Turn {
            prompt,
            goes_on: journal.turns > 0,
            session: journal.session.as_deref(),
            session_file: &session_file,
            store: &self.store,
            config: self.config.as_deref(),
        };
        let Some(launch) = self.choice.launch(&gander, &turn) else {
            return Err(WorkError::failed("the stub is no program"));
        };
        let (lines, heard) = mpsc::channel(256);
        let stop = async {
            let words = async {
                match launch.steering {
                    Steering::AtOnce => leased.guided_beyond(journal.guided).await,
                    Steering::BetweenTurns => std::future::pending().await,
                }
            };
            tokio::select! {
                stop = leased.stopped() => stop,
                () = words => Stop::Words,
            }
        };
        let input = match launch.prompt {
            PromptBy::Input => prompt.as_bytes(),
            PromptBy::Argument => b"",
        };
        let folder = &place.worktree.path;
        let program = Program { command: &launch.command, folder, input };
        let ran = self.watched(leased, heard, process::run(program, stop, lines, started)).await;
        let session = place.folder.read_text(Path::new(SESSION), LONGEST_SESSION).ok();
        let session = session.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let said = tail(&ran.last_lines, LAST_WORDS);
        match ran.ended {
            Ended::Done => Ok(TurnEnd::Done { said, session }),
            Ended::Stopped(Stop::Words) => Ok(TurnEnd::Interrupted { session }),
            Ended::Stopped(stop) => Err(WorkError::Stopped(stop)),
            Ended::NotStarted(why) => Err(WorkError::Failed(why)),
            Ended::Failed(how) => {
                let last = tail(&ran.last_lines, REASON_LINES);
                Err(WorkError::Failed(text::agent_failed(&self.choice.name(), &how, &last)))
            }
        }
    }

    /// Runs a program, shows its output, and tells the queue that there is output.
    pub(super) async fn watched(
        &self,
        leased: &LeasedJob,
        mut heard: mpsc::Receiver<String>,
        running: impl Future<Output = Ran>,
    ) -> Ran {
        tokio::pin!(running);
        let job = leased.lease.job;
        loop {
            tokio::select! {
                biased;
                Some(line) = heard.recv() => {
                    leased.saw_output();
                    output::progress(&format!("{job} | {}", one_line(&line)));
                }
                ran = &mut running => return ran,
            }
        }
    }
}

/// The last lines.
fn tail(lines: &[String], most: usize) -> String {
    lines[lines.len().saturating_sub(most)..].join("\n")
}
