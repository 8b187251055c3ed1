//! Text for gates: to the person who is asked, and to the agent that is stopped. The text must tell
//! an agent what to do next.

pub mod agents;
pub mod check;
mod edits;
mod questions;

use chrono_tz::Tz;
use serde_json::{Map, Value};

pub use self::edits::{approved_as_changed, approved_changed, changed, not_handed_over};
pub use self::questions::{SERVER, answered, message, previews, unfit};
use super::{changed_plainly, given_by, grant_span, progress_lines};
use crate::core::Time;
use crate::core::decision::progress::Progress;
use crate::core::decision::{Decision, DecisionId, GrantSpan, Resolved};
use crate::core::gate::edits::Before;
use crate::core::gate::places::PlaceReason;
use crate::core::gate::rules::AskReason;
use crate::core::untrusted::{clean, one_line, plain, revealed_line};

/// What will run, with the other arguments of the tool call.
#[must_use]
pub fn with_fields(runs: String, beside: &Map<String, Value>) -> String {
    if beside.is_empty() {
        return runs;
    }
    let gap = match runs.as_str() {
        "" => "",
        // A diff ends with a line end.
        runs if runs.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{runs}{gap}[called with]\n{}", fields(beside))
}

/// Arguments of a tool call, one on each line.
#[must_use]
pub fn fields(fields: &Map<String, Value>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    let line = |(name, value): (&String, &Value)| {
        if name.chars().all(is_plain) {
            format!("{name}: {value}")
        } else {
            // As JSON, no name adds a line.
            format!("{}: {value}", Value::from(name.as_str()))
        }
    };
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The arguments of a tool as JSON.
#[must_use]
pub fn arguments(input: &Value) -> String {
    serde_json::to_string_pretty(input).unwrap_or_default()
}

/// Why a person is asked about a call.
#[must_use]
pub fn reason(reason: &AskReason) -> String {
    match reason {
        AskReason::Configured(words) => words.clone(),
        AskReason::HiddenCharacters => HIDDEN.to_owned(),
        AskReason::ExtraArguments => MORE_THAN_COMMAND.to_owned(),
        AskReason::NoPlan => NO_PLAN.to_owned(),
        AskReason::PlanGrants => PLAN_GRANTS.to_owned(),
        AskReason::Remote => REMOTE_CALL.to_owned(),
        AskReason::NotUnderstood => NOT_UNDERSTOOD.to_owned(),
        AskReason::UnknownOption => UNKNOWN_OPTION.to_owned(),
        AskReason::TooMuch => TOO_MUCH.to_owned(),
        AskReason::Interactive(also) => match also {
            Some(also) => format!("{INTERACTIVE} {}", self::reason(also)),
            None => INTERACTIVE.to_owned(),
        },
        AskReason::Place(place) => place_reason(*place).to_owned(),
        AskReason::UnknownArguments => UNKNOWN_ARGUMENTS.to_owned(),
        AskReason::Shadowed => SHADOWED.to_owned(),
        AskReason::NotTold => super::acp::ARGUMENTS_UNKNOWN.to_owned(),
        AskReason::Mentions(reason) => match reason {
            Some(reason) => format!("{MENTIONS} The rule says: {reason}"),
            None => MENTIONS.to_owned(),
        },
        AskReason::OwnPrompt(also) => match also {
            Some(also) => format!("{OWN_PROMPT} {}", self::reason(also)),
            None => OWN_PROMPT.to_owned(),
        },
    }
}

/// Why a person is asked about the place of a file.
#[must_use]
pub const fn place_reason(place: PlaceReason) -> &'static str {
    match place {
        PlaceReason::Secret => {
            "This place may hold secrets, and whatever an agent reads leaves your machine."
        }
        PlaceReason::SecretsInSearch => {
            "The search reads files that may hold secrets, and whatever an agent reads leaves \
             your machine."
        }
        PlaceReason::Own => "This is one of Gander's own files.",
        PlaceReason::Outside => "This is outside the agent's working folder.",
        PlaceReason::Autorun => {
            "This changes what agents may do, or what runs automatically on your machine."
        }
        PlaceReason::Instructions => "This changes the instructions that agents follow.",
        PlaceReason::Server => "This changes what runs on your servers.",
        PlaceReason::Repository => {
            "This may make git take the folder for a repository, and run programs that its files \
             name."
        }
        PlaceReason::Lifecycle => {
            "This may change which scripts run when somebody installs the package."
        }
        PlaceReason::TooMuch => {
            "The call takes in more files than the gate can check for secrets and links."
        }
    }
}

/// Reason: an agent may type into the program.
pub const INTERACTIVE: &str = "The program reads commands from a terminal: one yes is a shell. \
    The agent may type anything into the program later, and no gate sees the typed commands.";

/// Reason: the call has arguments that are not known.
pub const UNKNOWN_ARGUMENTS: &str = "The call has arguments that Gander does not know, or cannot \
    read for certain: they may mean other files, or give further rights. Read all of the call.";

/// Reason: files of the workspace decide what runs under a usual name.
pub const SHADOWED: &str = "Under this name, files of the agent's folder may run or decide what \
    runs: by the environment (PATH, for example), or by an agent's definition.";

/// Reason: a program may run text that mentions what a rule denies.
pub const MENTIONS: &str = "The call contains text with a command that your rules deny, and a \
    program may run it: read whether the text only mentions the command.";

/// Reason: the agent itself asks for more than the call.
pub const OWN_PROMPT: &str = "The agent itself asks for permission: an approval may let this call \
    run outside the agent's sandbox, or with more access than it has by itself.";

/// Reason: the command's syntax is not understood.
pub const NOT_UNDERSTOOD: &str = "Gander does not understand part of this command, so the rules \
    may have missed something: read all of the command.";

/// Reason: an option of a program that otherwise only reads.
pub const UNKNOWN_OPTION: &str = "Gander does not know an option of this command: it may read \
    other files, write files, or run a program.";

/// Reason: judging stopped before the end.
pub const TOO_MUCH: &str = "The call is too long or too deeply nested for the rules to check all \
    of it: read all of the call, or reject it and ask for smaller steps.";

/// Reason: the tool call has arguments beside the command.
pub const MORE_THAN_COMMAND: &str =
    "The call has arguments besides the command: they are listed below it.";

/// Reason: the agent wants to carry out a plan that nobody has seen.
pub const NO_PLAN: &str = "The call has no plan. An approval lets the agent carry out a plan that \
    you have not seen: reject it, and ask for the plan.";
/// Reason: with the plan, the agent asks for permissions.
pub const PLAN_GRANTS: &str = "With the plan, the agent asks for permissions (allowedPrompts): \
    an approval lets it do these without asking again.";

/// Name of the detail with the working directory of a call.
pub const DIRECTORY: &str = "Directory";
/// Name of the detail with the tool's name.
pub const TOOL: &str = "Tool";
/// Reason: the call contains hidden characters.
pub const HIDDEN: &str = "The call contains invisible characters: what runs differs from what \
    you read. Reject it unless you know why.";
/// Maximum characters of a command or path in a title.
const SHORT: usize = 160;

/// Title for a command.
#[must_use]
pub fn run(command: &str, directory: Option<&str>) -> String {
    let lines = command.trim().lines().count();
    let first = command.trim().lines().next().unwrap_or_default();
    let more = if lines > 1 { format!(" … and {} more lines", lines - 1) } else { String::new() };
    let place = directory
        .map(|directory| format!(" in {}", plain(&revealed_line(directory), 40).text))
        .unwrap_or_default();
    format!("Run {}{more}{place}", plain(&revealed_line(first), SHORT).text)
}

/// Title for a file change. `replaces`: what a file that is written anew replaces.
#[must_use]
pub fn edit(path: &str, diff: &str, replaces: Option<&Before>) -> String {
    let count = |mark: char, header: &str| {
        diff.lines().filter(|line| line.starts_with(mark) && !line.starts_with(header)).count()
    };
    let path = plain(&revealed_line(path), SHORT).text;
    let (added, removed) = (count('+', "+++"), count('-', "---"));
    match replaces {
        Some(Before::Absent) => format!("Write new file {path} (+{added} −{removed})"),
        Some(Before::Unknown) => {
            format!("Write {path} (+{added}, replacing content that could not be shown)")
        }
        Some(Before::Text(_)) | None => format!("Edit {path} (+{added} −{removed})"),
    }
}

/// Title for a plan: its first line that says something.
#[must_use]
pub fn plan(plan: &str) -> String {
    let first = plan.lines().map(|line| line.trim_start_matches(['#', ' ', '\t']).trim());
    let first = first.into_iter().find(|line| !line.is_empty()).unwrap_or_default();
    format!("Carry out the plan: {}", plain(&revealed_line(first), SHORT).text)
}

/// Title for any other tool call.
#[must_use]
pub fn tool(tool: &str, subject: Option<&str>) -> String {
    let subject = subject
        .map(|subject| format!(": {}", plain(&revealed_line(subject), SHORT).text))
        .unwrap_or_default();
    format!("Use {}{subject}", plain(&revealed_line(tool), 80).text)
}

/// To the agent: approved by a person or automatically.
#[must_use]
pub fn approved(decision: &Decision, resolved: &Resolved) -> String {
    let by = given_by(&resolved.by, resolved.via, |by| one_line(&by.name));
    format!("Approved {by} (decision {}).", decision.id)
}

/// To the agent: the note of a person's approval.
#[must_use]
pub fn noted(resolved: &Resolved, note: &str) -> String {
    format!("{} approved this and says: {note}", one_line(&resolved.by.name))
}

/// To the agent: rejected by a person or automatically. The reason is passed on word for word.
#[must_use]
pub fn rejected(decision: &Decision, resolved: &Resolved, reason: &str) -> String {
    let by = given_by(&resolved.by, resolved.via, |by| one_line(&by.name));
    format!("Rejected {by} (decision {}): {reason}", decision.id)
}

/// To the agent: a rule allows the call.
pub const ALLOWED: &str = "Allowed by the rules of the person who runs Gander.";

/// To the agent: an earlier approval for this long covers the call.
#[must_use]
pub fn covered(id: DecisionId, lasts: GrantSpan) -> String {
    format!("Approved {} before (decision {id}).", grant_span(lasts))
}

/// Why a question about a call is withdrawn: a grant that was given since lets the call through.
pub const COVERED_SINCE: &str = "a grant that was given since lets the call through";

/// To the agent: a rule denies the call.
#[must_use]
pub fn denied(reason: Option<&str>) -> String {
    let why = reason.map_or_else(|| ".".to_owned(), |reason| format!(": {}", clean(reason)));
    format!(
        "Denied by the rules of the person who runs Gander{why} Do not look for a way around \
         this; do without the call, or tell the person."
    )
}

/// To the agent: the decision is deferred.
#[must_use]
pub fn deferred(decision: &Decision, until: Time, by: &str, zone: Tz) -> String {
    let until = until.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
    format!(
        "Not decided: {} deferred decision {} until {until}. Do something else; after that, \
         repeat the same call for the same decision.",
        one_line(by),
        decision.id
    )
}

/// To the agent: no verdict yet. `unserved`: no bot is running, and therefore no person sees the
/// decision.
#[must_use]
pub fn undecided(
    decision: &Decision,
    progress: Option<&Progress>,
    now: Time,
    unserved: bool,
) -> String {
    let progress =
        progress.map(|progress| progress_lines(progress, now).join("; ")).unwrap_or_default();
    let progress =
        if progress.is_empty() { String::new() } else { format!(" Status: {progress}.") };
    let unserved = if unserved {
        " The bot (gander serve) is not running, so nobody has seen this yet: tell the person."
    } else {
        ""
    };
    let changed = decision.request.changes.as_ref().map(changed_plainly);
    let changed = changed.map(|changed| format!("{changed} ")).unwrap_or_default();
    format!(
        "{changed}Not decided yet: decision {} waits for a person.{progress}{unserved} Do \
         something else and repeat the same call later: it returns the answer of the same \
         decision.",
        decision.id
    )
}

/// To the agent: the decision was withdrawn.
#[must_use]
pub fn withdrawn(decision: &Decision, reason: &str) -> String {
    format!(
        "Decision {} was withdrawn ({}). Repeat the call if it is still needed.",
        decision.id,
        one_line(reason)
    )
}

/// To the agent: the file changed meanwhile, or the question about the call was revised.
#[must_use]
pub fn superseded(decision: &Decision) -> String {
    format!(
        "The subject of decision {} changed while it waited, so the call was not decided. Repeat \
         the call.",
        decision.id
    )
}

/// To the agent: the gate failed, and therefore the call is denied.
#[must_use]
pub fn broken(why: &str) -> String {
    format!(
        "Gander's gate could not ask, so the call is denied: {}. Tell the person who runs \
         Gander; do not look for a way around this.",
        one_line(why)
    )
}

/// To an agent whose plan was approved and then changed in its file.
pub const PLAN_CHANGED: &str = "The plan was approved, but its file has changed since a person \
    read it. Nothing was approved: ask again with the plan as it is now.";

/// To an agent whose call was approved beside its own prompt and then changed in its files.
pub const SEEN_NO_MORE: &str = "The call was approved, but its files have changed since a person \
    read them. Nothing was approved: make the call again.";

/// On the card of an approved plan: nothing was carried out.
pub const PLAN_NOT_RUN: &str = "The plan's file changed after the approval. The agent was told to \
    ask again with the plan as it is now.";

/// Failure reason: an internal error of the gate.
pub const FAILED: &str = "the gate failed";

/// Failure reason: the server's rules are invalid. Does not tell remote callers where the rules are
/// stored.
pub const NO_RULES: &str = "gander serve cannot read its gate rules; its log has the reason";

/// To the person: why a remote call needs an approval that the rules might otherwise give.
pub const REMOTE_CALL: &str = "The call came over a connection: Gander does not know where it \
    runs, or which files its paths name.";
/// Placeholder for an unknown working directory.
pub const UNKNOWN_DIRECTORY: &str = "not known";

/// To the person: a reason given by the agent's side.
#[must_use]
pub fn configured_reason(reason: &str) -> String {
    format!("The gate on the agent's machine says: {reason}")
}

/// The server did not answer in time.
#[must_use]
pub fn silent(limit: std::time::Duration) -> String {
    format!("the server did not answer within {} s", limit.as_millis().div_ceil(1_000))
}

/// The response came from a server other than Gander, or from a broken server.
pub const NO_NUMBER: &str = "the server said to wait, but not for which decision";

/// To the agent: the last known state, when the connection was lost afterwards.
#[must_use]
pub fn lost(words: &str, why: &impl std::fmt::Display) -> String {
    format!("{words} (It may have been answered since: {}.)", one_line(&why.to_string()))
}

/// The identity under which a gate asks over a connection.
#[must_use]
pub fn asks_as(caller: &str, projects: &[String]) -> String {
    let projects = if projects.is_empty() {
        "in every project".to_owned()
    } else {
        format!("in {}", projects.join(", "))
    };
    format!("works: asks as {}, {projects}, by the server's rules", one_line(caller))
}

/// Installed gates that their agents ignore.
#[must_use]
pub fn bypassed(agents: &[&str]) -> String {
    let mut agents = agents.to_vec();
    agents.dedup();
    format!(
        "the gate of {} is installed, but off: nothing stops there. The lines above say why",
        agents.join(" and of ")
    )
}

/// No agent has a gate.
pub const NO_GATE: &str = "no agent stops at the gate: install it with gander gate install AGENT";

/// What to do about a gate that is off.
pub const BYPASSED_REMEDY: &str =
    "Remove what switches it off, then check with: gander gate status";

/// The gate uses the store's file, without a connection.
pub const BY_FILE: &str = "works, with the store's file";

/// The same, while no bot runs.
pub const BY_FILE_UNSERVED: &str = "works, with the store's file; but gander serve does not run, \
    so nobody sees what the agent asks";

/// After the installation: what comes next. `is_served`: whether a bot runs that posts cards.
#[must_use]
pub fn next(agent: &str, is_served: bool) -> String {
    let serve = if is_served { "" } else { "start gander serve, which posts the cards, and " };
    format!("Next: {serve}restart {agent}. What is installed: gander gate status")
}

/// The gate's connection does not work.
#[must_use]
pub fn connection_broken(why: &str) -> String {
    format!("does not work, so every call is denied: {}", one_line(why))
}

/// Note after installing goose's hook in a project.
pub const GOOSE_FOLDER: &str = "goose uses this gate only when started in this folder, not in a \
    subfolder. Without --project, goose uses it everywhere.";

/// Remedy for a gate connection that does not work.
pub const CONNECTION_REMEDY: &str = "Start gander serve there, create a token (gander token \
    create) for --token-file or GANDER_TOKEN, and install the gate again with the right \
    --connect; or leave out --connect to use the store's file";

/// Note after installing the hooks of Codex: Codex does not run untrusted hooks.
pub const CODEX_TRUST: &str = "Codex does not run untrusted hooks: start codex, type /hooks, and \
    trust both of Gander's. Until then, the gate stops nothing.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decision::{Person, Request, Revision, Terms, Verdict, Via};

    #[test]
    fn what_the_agent_reads() {
        let at = Time::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
        let asked = Request { title: "Run git push in shop".into(), ..Request::default() };
        let asked = Decision::new(DecisionId(142), asked, Terms::default(), at);
        let event = asked
            .resolve(Verdict::approved(), Person::discord(1, "Maya"), Via::Discord, Revision(1))
            .unwrap();
        let decided = asked.clone().evolve(&event, at, 2);
        let resolved = decided.verdict().unwrap();
        let said = [
            ALLOWED.to_owned(),
            approved(&decided, resolved),
            noted(resolved, "Only this once"),
            covered(DecisionId(142), GrantSpan::Session),
            covered(DecisionId(142), GrantSpan::HOUR),
            rejected(&decided, resolved, "Not on a Friday"),
            denied(Some("Agents do not act as another user.")),
            denied(None),
            deferred(&asked, at, "Maya", Tz::UTC),
            undecided(&asked, None, at, false),
            undecided(&asked, None, at, true),
            withdrawn(&asked, "no longer needed"),
            superseded(&asked),
            broken("the store is locked by another process; nothing was written, try again"),
            broken(FAILED),
            broken(NO_RULES),
            broken(NO_NUMBER),
            broken(&silent(std::time::Duration::from_secs(15))),
            lost(&undecided(&asked, None, at, false), &silent(std::time::Duration::from_secs(15))),
            REMOTE_CALL.to_owned(),
            asks_as("goose (token:3)", &["shop".to_owned()]),
            asks_as("goose (token:3)", &[]),
            connection_broken("no answer"),
            CONNECTION_REMEDY.to_owned(),
            CODEX_TRUST.to_owned(),
            GOOSE_FOLDER.to_owned(),
        ];
        insta::assert_snapshot!(said.join("\n\n"));
    }
}
