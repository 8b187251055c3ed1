//! Words of `gander gate check`.

/// A trial in words.
#[derive(Debug, Clone, Copy)]
pub struct TrialWords {
    /// The name, as in the table of the manual.
    pub name: &'static str,
    /// What happens if the gate holds.
    pub means: &'static str,
}

const fn trial(name: &'static str, means: &'static str) -> TrialWords {
    TrialWords { name, means }
}

// The trials, in the order of the table.

/// A person approves.
pub const ALLOWED: TrialWords = trial("yes", "you approve, and the call runs");
/// A person rejects.
pub const DENIED: TrialWords = trial("no", "you reject, and the agent reads why");
/// Two hooks at once.
pub const TWO: TrialWords = trial("two at once", "of two calls, each gets its own answer");
/// A file that the call runs is changed between question and release.
pub const CHANGED: TrialWords =
    trial("changed file", "a file that changes after your approval is asked anew");
/// Nobody answers in time.
pub const UNANSWERED: TrialWords =
    trial("no answer", "nobody answers in time, and the call does not run");
/// The gate hangs.
pub const FROZEN: TrialWords = trial("gate hangs", "the gate never answers");
/// The gate is killed.
pub const KILLED: TrialWords =
    trial("gate killed", "the gate is killed, and the call does not run");
/// The program of the gate is missing.
pub const MISSING: TrialWords =
    trial("gate missing", "gander is removed, and the call does not run");
/// The gate writes what no agent understands.
pub const BROKEN: TrialWords =
    trial("gate garbles", "something else answers in the place of the gate");
/// The agent sends what is no JSON.
pub const GARBAGE: TrialWords =
    trial("garbage in", "the agent sends nonsense, and the call does not run");
/// The agent sends nothing.
pub const EMPTY: TrialWords =
    trial("nothing in", "the agent sends nothing, and the call does not run");
/// The agent sends a call of 1 MB.
pub const BIG: TrialWords = trial("1 MB in", "the call is too long to judge, and does not run");

/// What the pretend approver says to the agent.
pub const REASON: &str = "Not today, says the check of the gate";

/// The result of a trial that went as it should.
pub const HOLDS: &str = "holds";
/// The result of a trial where the agent itself goes on.
pub const OPEN: &str = "fails open";
/// The result of a trial where the gate is at fault.
pub const FAILS: &str = "FAILS";
/// The result of a trial that does not apply.
pub const NOT_APPLICABLE: &str = "not applicable";

/// Before what no gate of the agent stops.
pub const NOT_STOPPED: &str = "not stopped";

/// Why a trial fails open: the agent's own limit.
#[must_use]
pub fn gives_up(agent: &str, seconds: Option<u64>) -> String {
    match seconds {
        Some(seconds) => format!("{agent} runs the call after {seconds} s without an answer"),
        None => format!("{agent} runs the call without an answer"),
    }
}

/// Why a hanging gate holds: the agent denies.
#[must_use]
pub fn denies_late(agent: &str) -> String {
    format!("{agent} denies the call after its own limit")
}

/// Why a trial does not apply: the agent has no limit.
#[must_use]
pub fn waits_for_ever(agent: &str) -> String {
    format!("{agent} waits for ever")
}

/// Why a trial fails open: the agent takes the output for no objection.
#[must_use]
pub fn no_objection(agent: &str) -> String {
    format!("{agent} takes what is no answer for no objection")
}

/// The agent lets the call run although it should not.
pub const RAN: &str = "the call would run";
/// The agent denies a call that was approved.
pub const DID_NOT_RUN: &str = "the call would not run";
/// The agent does not hear why.
pub const NO_REASON: &str = "the agent does not hear the reason";
/// The wrong one of two.
pub const MIXED_UP: &str = "one call got the other's answer";
/// Nobody was asked.
pub const NOT_ASKED: &str = "nobody was asked";
/// The agent's limit for the hook comes before the gate's own.
#[must_use]
pub fn too_early(limit: u64, wait: u64) -> String {
    format!("the hook's limit is {limit} s, and the gate may need {wait} s: install it again")
}
/// The hook's command was changed.
pub const CHANGED_HOOK: &str =
    "the hook's command is not as gander writes it, so it cannot be tried: install it again";
/// No gate is installed. `agent`: the only one that was to be tried.
#[must_use]
pub fn nothing(agent: Option<&str>) -> String {
    let (whose, agent) = match agent {
        Some(agent) => (format!("{agent} has no gate"), agent),
        None => ("no agent has a gate".to_owned(), "AGENT"),
    };
    format!(
        "{whose} here: install it with gander gate install {agent}, or name the folder of a \
         project with --project"
    )
}

/// What the trials of an agent's gate come to.
#[must_use]
pub fn summary(agent: &str, title: &str, open: usize, failed: usize) -> String {
    let cases = |count: usize| if count == 1 { "1 case".into() } else { format!("{count} cases") };
    match (open, failed) {
        (0, 0) => "The gate holds.".to_owned(),
        (open, 0) => format!(
            "The gate holds except in {}: there, {title} itself runs the call, whatever a hook \
             does.",
            cases(open)
        ),
        (_, failed) => format!(
            "The gate FAILS in {}. Install it again: gander gate install {agent}. If it still \
             fails, do not rely on it.",
            cases(failed)
        ),
    }
}

/// How the behaviour of an agent is known.
#[must_use]
pub fn tried(agent: &str, version: &str) -> String {
    format!("seen with {agent} {version} itself")
}
/// Only a part of the agent was run.
#[must_use]
pub fn tried_part(what: &str) -> String {
    format!("seen with {what}")
}
/// Nothing of the agent was run.
#[must_use]
pub fn read(what: &str) -> String {
    format!("read in {what}: nothing was run")
}
