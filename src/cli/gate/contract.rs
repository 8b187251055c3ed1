//! What an agent does with what its hook leaves behind: with an answer, and with each way in which
//! a hook fails. `docs/gates.md` shows it as a table.

use std::time::Duration;

use serde_json::Value;

/// What becomes of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It does not run.
    Denies,
    /// It runs, unless settings of the agent's own stop it.
    Runs,
    /// The agent asks its user, whatever its settings.
    Asks,
}

/// How the contract is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The agent itself was run, with a scripted model. Its version.
    Ran(&'static str),
    /// Only the part of the agent that runs hooks was run. Which, and why not more.
    RanPart(&'static str),
    /// Nothing was run. What was read, and why.
    Read(&'static str),
}

/// How an agent starts the hook's command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// `/bin/sh -c COMMAND`, with the input on standard input.
    Shell,
    /// `bash -c COMMAND`, with the input on standard input.
    Bash,
    /// The user's shell with `-lc`, with the input on standard input.
    Login,
    /// The user's shell with `-lc`, and the input in a heredoc behind the command.
    Heredoc,
}

/// Where an answer says what it decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decides {
    /// The place in the JSON on standard output.
    pub(super) at: &'static str,
    /// What means yes.
    pub(super) yes: &'static str,
    /// What means no.
    pub(super) no: &'static str,
}

/// What an agent does with its hook's answers and failures.
#[derive(Debug)]
pub(super) struct Contract {
    pub(super) evidence: Evidence,
    pub(super) start: Start,
    /// `None`: no answer but exit status 2 counts.
    pub(super) decides: Option<Decides>,
    /// Whether JSON on standard output counts before the exit status.
    pub(super) output_first: bool,
    /// Exit status 0 without output.
    pub(super) empty: Fate,
    /// Exit status 0 with output that is no answer.
    pub(super) garbage: Fate,
    /// Exit status 2 without words.
    pub(super) silent: Fate,
    /// Any other exit status.
    pub(super) failed: Fate,
    /// The hook ended by a signal.
    pub(super) killed: Fate,
    /// The hook did not end within its limit.
    pub(super) late: Fate,
    /// The limit, if the hook file names none. `None`: the agent waits for ever.
    pub(super) usual_limit: Option<Duration>,
    /// After this time, the agent goes on whatever limit the hook file names.
    pub(super) longest_limit: Option<Duration>,
    /// What no hook can prevent, in the words of the table. Empty: nothing is known.
    pub(super) holes: &'static [&'static str],
}

/// What a hook left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// The exit status; `None` if a signal ended it.
    pub(super) status: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Contract {
    /// What the agent does with the call after this.
    pub(super) fn fate(&self, ended: &Ended) -> Fate {
        let out: Option<Value> = serde_json::from_str(ended.out.trim()).ok();
        let decided = self.decides.zip(out.as_ref()).map(|(decides, out)| {
            match out.pointer(decides.at).and_then(Value::as_str) {
                Some(word) if word == decides.yes => Fate::Runs,
                Some(word) if word == decides.no => Fate::Denies,
                _ => self.garbage,
            }
        });
        match (ended.status, decided) {
            (None, _) => self.killed,
            (Some(_), Some(decided)) if self.output_first => decided,
            (Some(2), _) if ended.err.trim().is_empty() => self.silent,
            (Some(2), _) => Fate::Denies,
            (Some(0), _) if ended.out.trim().is_empty() => self.empty,
            (Some(0), decided) => decided.unwrap_or(self.garbage),
            (Some(_), _) => self.failed,
        }
    }
}
