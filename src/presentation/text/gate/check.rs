//! Words of `gander gate check`.

// Names of the trials, in the order of the table.

/// A person approves.
pub const ALLOWED: &str = "yes";
/// A person rejects.
pub const DENIED: &str = "no";
/// Two hooks at once.
pub const TWO: &str = "two at once";
/// A file that the call runs is changed between question and release.
pub const CHANGED: &str = "changed file";
/// Nobody answers in time.
pub const UNANSWERED: &str = "no answer";
/// The gate hangs.
pub const FROZEN: &str = "gate hangs";
/// The gate is killed.
pub const KILLED: &str = "gate killed";
/// The program of the gate is missing.
pub const MISSING: &str = "gate missing";
/// The gate writes what no agent understands.
pub const BROKEN: &str = "gate garbles";
/// The agent sends what is no JSON.
pub const GARBAGE: &str = "garbage in";
/// The agent sends nothing.
pub const EMPTY: &str = "nothing in";
/// The agent sends a call of 1 MB.
pub const BIG: &str = "1 MB in";

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
/// No gate is installed.
pub const NOTHING: &str = "no gate is installed here: gander gate install AGENT";

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
