//! Text of `gander acp`: for people on cards and at the terminal, and for the agent.

use crate::core::untrusted::{one_line, plain};
use crate::presentation::acp::{Context, StepStatus};

/// What the agent told of its work before it asked.
#[must_use]
pub fn context(context: &Context) -> String {
    let words = context.words.trim();
    let said = (!words.is_empty()).then(|| format!("The agent wrote before: {words}"));
    let step = |step: &crate::presentation::acp::PlanStep| {
        let mark = match step.status {
            StepStatus::Pending => ' ',
            StepStatus::InProgress => '>',
            StepStatus::Completed => 'x',
        };
        format!("[{mark}] {}", one_line(&step.words))
    };
    let plan = (!context.plan.is_empty()).then(|| "The agent's plan:".to_owned());
    let steps = context.plan.iter().map(step);
    said.into_iter().chain(plan).chain(steps).collect::<Vec<_>>().join("\n")
}

/// Title of a question that is too long for one.
#[must_use]
pub fn question(header: &str) -> String {
    match one_line(header).as_str() {
        "" => "Answer the agent".into(),
        header => format!("Answer the agent: {}", plain(header, 80).text),
    }
}

/// Name of the detail about options that outlast the call.
pub const ALWAYS: &str = "Options of the agent";
/// What an option that outlasts the call means.
pub const ALWAYS_NOTE: &str = "The agent named these options and decides what they cover. After \
    an option for more than this call, it may make such calls without asking Gander.";

/// What an option does, beside the agent's name for it.
pub const ALLOW_ONCE: &str = "Lets this call run, once.";
/// An option that outlasts the call.
pub const ALLOW_ALWAYS: &str = "Lets this call run. The agent does not ask about such calls again.";
/// An option that stops the call.
pub const REJECT_ONCE: &str = "Stops this call.";
/// An option that stops such calls.
pub const REJECT_ALWAYS: &str = "Stops this call, and such calls from now on.";
/// An option of a kind that is not known.
pub const UNKNOWN_KIND: &str = "Gander does not know what this option does.";

/// Why a person is asked: the agent told no arguments.
pub const ARGUMENTS_UNKNOWN: &str = "The agent told only words about this call, not its arguments: \
    what runs may be another thing than what you read.";

/// Why a question was withdrawn: the client ended the turn.
pub const TURN_CANCELLED: &str = "the client cancelled the agent's turn";
/// The agent no longer wants an answer.
pub const GIVEN_UP: &str = "the agent withdrew its request";
/// The agent used an id for two requests.
pub const SAME_ID: &str = "the agent asked two things under one number";
/// The client is gone.
pub const CLIENT_GONE: &str = "the client closed the connection";
/// The agent is gone.
pub const AGENT_GONE: &str = "the agent ended while it waited";
/// Gander was stopped.
pub const STOPPED: &str = "gander acp was stopped";

/// To the agent: more requests are open than Gander keeps.
pub const TOO_MANY: &str = "Too many requests wait for an answer: this one was not asked.";
/// To the agent: the request does not have the protocol's form.
pub const UNREADABLE: &str = "Gander cannot read this request, so nobody was asked.";
/// To the agent: the request's options cannot be answered.
pub const UNUSABLE: &str = "Nobody can answer this request: it needs two options or one to allow \
    the call once, each with an id of its own.";
/// To the agent: the request names a session that the client has not opened.
pub const OTHER_SESSION: &str = "The client has not opened this session, so nobody was asked.";
/// To the agent: the request is too long.
pub const TOO_LONG: &str = "This request is longer than a person can review.";
/// To the agent: the client has cancelled the turn, or is gone.
pub const CANCELLED: &str = "Nobody decided: the turn has ended.";
/// To the agent, as a client: what Gander does not offer.
pub const NOT_OFFERED: &str = "gander acp does not offer this";

/// On the card of a rejection: the agent does not learn why.
pub const REASON_UNTOLD: &str = "Rejected. The protocol has no field for the reason: the agent \
    learns only that the call may not run.";
/// On the card: the answer came too late.
pub const TOO_LATE: &str = "The agent no longer waited for this answer, and the call did not run.";
/// On the card: the call ended well or not, and the agent said no more.
#[must_use]
pub fn ended(text: &str) -> String {
    plain(text.trim(), LONGEST_OUTPUT).text
}

/// What an agent told before a call that is asked about anew, since the call changed after the
/// answer to a decision. `context`: of [`context`].
#[must_use]
pub fn changed(decision: i64, context: &str) -> String {
    let changed = format!(
        "What this call uses changed after #{decision} was answered. The call has not run, and \
         asks anew."
    );
    [changed.as_str(), context]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// On the card of an answered decision: the call did not run.
pub const NOT_RUN: &str = "What the call uses changed after the answer.";

/// Longest output of a call on its card, in characters.
const LONGEST_OUTPUT: usize = 400;

/// To the client: the session's mode asks nobody.
#[must_use]
pub fn mode_refused(mode: &str) -> String {
    format!(
        "Gander refuses the mode {:?}: in it, the agent asks nobody before a tool call. Set \
         another mode (in the client, or with --mode beside --prompt), or allow this one: start \
         gander acp with --allow-mode {}",
        one_line(mode),
        one_line(mode)
    )
}

/// To the person: the agent is in a mode that asks nobody.
#[must_use]
pub fn mode_entered(mode: &str) -> String {
    format!(
        "the agent is in the mode {:?} and asks nobody before a tool call: Gander sends it no \
         further prompt in this mode",
        one_line(mode)
    )
}

/// To the person: a line that is no message.
#[must_use]
pub fn garbage(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(&line[..line.len().min(200)]);
    format!("not a message, left out: {}", plain(&one_line(&line), 80).text)
}

/// To the person: a form that nobody can fill in here.
pub const FORM_DECLINED: &str = "a form that cannot be filled in on a card was declined";
/// To the person: the client answered what only Gander answers.
pub const NOT_ASKED: &str = "the client answered a request that it was never sent: left out";

/// To the person: the session, and how to come back to it.
#[must_use]
pub fn session(id: &str) -> String {
    let id = one_line(id);
    format!("session {id} (go on with it: --continue {id})")
}

/// To the person: what became of a tool call. `None`: nothing new.
#[must_use]
pub fn call_status(title: &str, status: Option<&str>) -> Option<String> {
    let title = plain(&one_line(title), 120).text;
    match status {
        Some("pending") => Some(format!("… {title}")),
        Some("completed") => Some(format!("✓ {title}")),
        Some("failed") => Some(format!("✗ {title}")),
        _ => None,
    }
}

/// The agent answered with an error.
#[must_use]
pub fn agent_error(error: Option<&serde_json::Value>) -> String {
    let message = error.and_then(|error| error["message"].as_str()).unwrap_or("no reason given");
    let details = error.and_then(|error| error["data"]["details"].as_str());
    let words = [Some(message), details].into_iter().flatten().map(one_line);
    format!("the agent refused: {}", words.collect::<Vec<_>>().join(": "))
}

/// The agent opened a session without a name.
pub const NO_SESSION: &str = "the agent did not name the session that it opened";
/// The agent cannot continue sessions.
pub const CANNOT_CONTINUE: &str = "this agent cannot continue a session: leave out --continue";

/// Why the agent stopped, if not because it was done.
#[must_use]
pub fn stopped(reason: &str) -> Option<String> {
    match reason {
        "end_turn" => None,
        "refusal" => Some("the agent refused the prompt".into()),
        "cancelled" => Some("the turn was cancelled".into()),
        "max_tokens" => Some("the agent reached its limit of tokens: it is not done".into()),
        "max_turn_requests" => Some("the agent reached its limit of steps: it is not done".into()),
        other => Some(format!("the agent stopped: {}", plain(&one_line(other), 80).text)),
    }
}

/// The agent's process ended.
#[must_use]
pub fn agent_ended(how: &str) -> String {
    format!("the agent ended ({how})")
}
/// The agent's process ended before its answer to the prompt.
#[must_use]
pub fn agent_died(how: &str, session: Option<&str>) -> String {
    let again = session.map(|id| format!(". Go on with --continue {}", one_line(id)));
    format!("the agent ended ({how}) before it was done{}", again.unwrap_or_default())
}

/// A line is longer than the limit.
#[must_use]
pub fn line_too_long(limit: usize) -> String {
    format!("a message is longer than {} MiB", limit >> 20)
}

/// To the person: nobody sees the question.
pub const UNSERVED: &str =
    "the bot (gander serve) is not running, so nobody has seen this yet: start it";

/// To the person: a person is asked.
#[must_use]
pub fn waiting(decision: i64) -> String {
    format!("waiting for a person to decide #{decision} …")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presentation::acp::PlanStep;

    #[test]
    fn what_is_said() {
        let step = |words: &str, status| PlanStep { words: words.into(), status };
        let told = Context {
            words: "The tests need a build.\n".into(),
            plan: vec![
                step("Look", StepStatus::Completed),
                step("Build\nall", StepStatus::InProgress),
                step("Test", StepStatus::Pending),
            ],
        };
        let error = serde_json::json!({ "code": -32603, "message": "Internal error",
            "data": { "details": "no key" } });
        let said = [
            context(&told),
            context(&Context::default()),
            changed(12, ""),
            changed(12, &context(&told)),
            question("DB"),
            question(" "),
            mode_refused("yolo"),
            mode_entered("yolo"),
            garbage(b"Listening on\x1b[31m port 7\xff"),
            session("s-1"),
            agent_error(Some(&error)),
            agent_error(None),
            ["end_turn", "refusal", "cancelled", "max_tokens", "max_turn_requests", "x"]
                .into_iter()
                .filter_map(stopped)
                .collect::<Vec<_>>()
                .join("\n"),
            agent_ended("signal 9"),
            agent_died("exit status 1", Some("s-1")),
            agent_died("exit status 1", None),
            line_too_long(16 << 20),
            waiting(3),
            [Some("pending"), Some("completed"), Some("failed"), None]
                .into_iter()
                .filter_map(|status| call_status("ls\n-l", status))
                .collect::<Vec<_>>()
                .join("\n"),
        ];
        insta::assert_snapshot!(said.join("\n\n"));
    }
}
