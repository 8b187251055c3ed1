//! What a gate says: to the person who is asked, and to the agent that is stopped. An agent must
//! know from it what to do next.

use chrono_tz::Tz;

use super::{given_by, standing};
use crate::core::Time;
use crate::core::decision::{Decision, DecisionId, Resolved};
use crate::core::ladder::Standing;
use crate::core::untrusted::{clean, one_line, plain};

/// A command, and what else the tool is called with.
#[must_use]
pub fn with_fields(command: String, fields: &serde_json::Map<String, serde_json::Value>) -> String {
    if fields.is_empty() {
        return command;
    }
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{command}\n\n[called with]\n{}", fields.join("\n"))
}

/// What is called with more than a command.
pub const MORE_THAN_COMMAND: &str =
    "It is called with more than a command: look at what stands below it.";

/// The name of the fact that says where a call runs.
pub const DIRECTORY: &str = "Directory";
/// The name of the fact that says which tool it is.
pub const TOOL: &str = "Tool";
/// Why a call with hidden characters is asked about.
pub const HIDDEN: &str = "It holds characters that cannot be seen, so that what runs is not what you read. Reject it unless you know why.";
/// Characters of a command or path in a title.
const SHORT: usize = 160;

/// The title of a command.
#[must_use]
pub fn run(command: &str, directory: Option<&str>) -> String {
    let lines = command.trim().lines().count();
    let first = command.trim().lines().next().unwrap_or_default();
    let more = if lines > 1 { format!(" … and {} more lines", lines - 1) } else { String::new() };
    let place = directory
        .map(|directory| format!(" in {}", plain(&one_line(directory), 40).text))
        .unwrap_or_default();
    format!("Run {}{more}{place}", plain(&one_line(first), SHORT).text)
}

/// The title of a change to a file.
#[must_use]
pub fn edit(path: &str, diff: &str, is_new: bool) -> String {
    let count = |mark: char, header: &str| {
        diff.lines().filter(|line| line.starts_with(mark) && !line.starts_with(header)).count()
    };
    let verb = if is_new { "Write new file" } else { "Edit" };
    format!(
        "{verb} {} (+{} −{})",
        plain(&one_line(path), SHORT).text,
        count('+', "+++"),
        count('-', "---")
    )
}

/// The title of any other tool call.
#[must_use]
pub fn tool(tool: &str, subject: Option<&str>) -> String {
    let subject = subject
        .map(|subject| format!(": {}", plain(&one_line(subject), SHORT).text))
        .unwrap_or_default();
    format!("Use {}{subject}", plain(&one_line(tool), 80).text)
}

/// To the agent: a person, or what holds for them, said yes.
#[must_use]
pub fn approved(decision: &Decision, resolved: &Resolved) -> String {
    let by = given_by(&resolved.by, resolved.via, |by| one_line(&by.name));
    format!("Approved {by} (decision {}).", decision.id)
}

/// To the agent: what a person said beside their yes.
#[must_use]
pub fn noted(resolved: &Resolved, note: &str) -> String {
    format!("{} approved this and says: {note}", one_line(&resolved.by.name))
}

/// To the agent: a person, or what holds for them, said no. The reason goes there word for word.
#[must_use]
pub fn rejected(decision: &Decision, resolved: &Resolved, reason: &str) -> String {
    let by = given_by(&resolved.by, resolved.via, |by| one_line(&by.name));
    format!("Rejected {by} (decision {}): {reason}", decision.id)
}

/// To the agent: nobody needs to be asked.
pub const ALLOWED: &str = "Allowed by the rules of the person who runs Gander.";

/// To the agent: it was approved for the session before.
#[must_use]
pub fn covered(id: DecisionId) -> String {
    format!("Approved for this session before (decision {id}).")
}

/// To the agent: a rule stops it.
#[must_use]
pub fn denied(reason: Option<&str>) -> String {
    let why = reason.map_or_else(|| ".".to_owned(), |reason| format!(": {}", clean(reason)));
    format!(
        "Never allowed here, by the rules of the person who runs Gander{why} Do not try it another way; find one that does not need it, or tell the person."
    )
}

/// To the agent: put off.
#[must_use]
pub fn deferred(decision: &Decision, until: Time, by: &str, zone: Tz) -> String {
    let until = until.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z");
    format!(
        "Not decided: {} put decision {} off until {until}. Do something else; the same call after that is the same decision.",
        one_line(by),
        decision.id
    )
}

/// To the agent: nobody has answered yet. `unserved`: no bot runs, so nobody sees it.
#[must_use]
pub fn undecided(
    decision: &Decision,
    stands: Option<&Standing>,
    now: Time,
    unserved: bool,
) -> String {
    let stands = stands.map(|stands| standing(stands, now).join("; ")).unwrap_or_default();
    let stands =
        if stands.is_empty() { String::new() } else { format!(" Where it stands: {stands}.") };
    let unserved = if unserved {
        " The bot is not running (gander serve), so nobody has been told of it yet: tell the person."
    } else {
        ""
    };
    format!(
        "Not decided yet: decision {} waits for a person.{stands}{unserved} Do something else and make the same call again later: it is \
         the same decision, and gets the answer if there is one.",
        decision.id
    )
}

/// To the agent: its question was taken back.
#[must_use]
pub fn withdrawn(decision: &Decision, reason: &str) -> String {
    format!(
        "Decision {} was taken back ({}). Make the call again if it is still needed.",
        decision.id,
        one_line(reason)
    )
}

/// To the agent: the file changed meanwhile, or the call is asked about otherwise.
#[must_use]
pub fn superseded(decision: &Decision) -> String {
    format!(
        "What decision {} is about changed while it waited, so nothing was decided on this. Make the call again.",
        decision.id
    )
}

/// To the agent: the gate could not do its work. Nothing runs then.
#[must_use]
pub fn broken(why: &str) -> String {
    format!(
        "Gander's gate could not ask, so the call is denied: {}. Tell the person who runs Gander; do not try another way.",
        one_line(why)
    )
}

/// Why a gate could not ask: a mistake of its own.
pub const FAILED: &str = "the gate itself failed";

/// Why a gate could not ask: the server's rules are broken. Where they lie is not said to those who
/// connect.
pub const NO_RULES: &str =
    "the rules of gates cannot be read on the machine of gander serve, whose log says why";

/// To the person: why a call is asked that the rules might allow.
pub const FROM_AFAR: &str = "It came over a connection: where it runs, and which files its names mean there, is not known here.";
/// Where a call runs of which that is not known.
pub const NOWHERE: &str = "not known";

/// To the person: a reason that the agent's side gave.
#[must_use]
pub fn theirs(reason: &str) -> String {
    format!("The gate on the agent's machine says: {reason}")
}

/// Nothing came back in time.
#[must_use]
pub fn silent(limit: std::time::Duration) -> String {
    format!("the server said nothing within {} s", limit.as_millis().div_ceil(1_000))
}

/// Another server than Gander, or a broken one.
pub const NO_NUMBER: &str = "the server said to wait, and not for what";

/// To the agent: what it was told before, where the server was lost afterwards.
#[must_use]
pub fn lost(words: &str, why: &impl std::fmt::Display) -> String {
    format!("{words} (It may have been answered meanwhile: {}.)", one_line(&why.to_string()))
}

/// As whom a gate asks over a connection.
#[must_use]
pub fn asks_as(caller: &str, projects: &[String]) -> String {
    let projects = if projects.is_empty() {
        "in every project".to_owned()
    } else {
        format!("in {}", projects.join(", "))
    };
    format!("works: it asks as {}, {projects}, by the rules there", one_line(caller))
}

/// How a gate reaches the decisions without a connection.
pub const BY_FILE: &str = "works on the store's file";

/// A connection by which no gate can ask.
#[must_use]
pub fn no_way(why: &str) -> String {
    format!("does not work, so every call is denied: {}", one_line(why))
}

/// Said after goose's hook was written into a project.
pub const GOOSE_FOLDER: &str = "goose stops at this gate only where it is started in this very folder, not below it; without --project it stops everywhere.";

/// What mends a connection by which no gate can ask.
pub const MEND_WAY: &str = "Start gander serve there, make a token (gander token create) for the file that --token-file names or for GANDER_TOKEN, and \
     install the gate anew with the right --connect; or without it, to work on the store's own file";

/// After the hooks of Codex were written: it does not run them yet.
pub const CODEX_TRUST: &str = "Codex runs no hook that you have not trusted: start codex, type /hooks, and trust both of Gander's. Until then it does \
                               not stop at the gate.";

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
            covered(DecisionId(142)),
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
            FROM_AFAR.to_owned(),
            asks_as("goose (token:3)", &["shop".to_owned()]),
            asks_as("goose (token:3)", &[]),
            no_way("no answer"),
            MEND_WAY.to_owned(),
            CODEX_TRUST.to_owned(),
            GOOSE_FOLDER.to_owned(),
        ];
        insta::assert_snapshot!(said.join("\n\n"));
    }
}
