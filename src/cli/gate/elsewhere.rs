//! A gate that asks a remote `gander serve`. The server's rules judge the call; local rules, if
//! any, can only be stricter. Only an explicit yes from the server allows the call.

use std::time::{Duration, Instant};

use super::hook::Hooked;
use crate::cli::{Common, PATIENCE};
use crate::client::{Client, Error, Next};
use crate::config::{self, gates};
use crate::core::gate::ToolCall;
use crate::core::gate::rules::{Ruling, judge};
use crate::core::text;
use crate::engine::gates::Told;
use crate::wire::gate::{AtLeast, Verdict};
use crate::wire::{GateAnswer, GateCall};

/// How far the server may exceed the gate's limit, once to name the decision and once to report its
/// state. Twice this is less than the extra time around the whole step (`stop::GRACE`).
const GRACE: Duration = Duration::from_secs(4);

/// Asks the server, within `limit`, whether the call may run.
///
/// # Errors
/// The server could not be asked, as text.
pub(super) async fn told(
    client: &Client,
    hooked: &Hooked,
    own_prompt: bool,
    common: &Common,
    limit: Duration,
) -> Result<Told, String> {
    let began = Instant::now();
    let at_least = match own_rules(common, &hooked.call)? {
        Own::Denies(words) => return Ok(Told::Deny(words)),
        Own::Asks(least) => Some(least),
        Own::Nothing => None,
    };
    let user = common.config().map_err(|error| error.to_string())?;
    let asks = config::load_ask_defaults(&hooked.call.cwd, user.file.as_deref())
        .map_err(|error| error.to_string())?;
    let call = brought(hooked.call.clone(), asks.project, own_prompt, at_least);
    let impatient = client.clone().patience(PATIENCE.min(limit / 2));
    let brought = tokio::time::timeout(limit + GRACE, impatient.gate(&call)).await;
    let brought = brought
        .map_err(|_| text::gate::silent(limit + GRACE))?
        .map_err(|error| error.to_string())?;
    if brought.answer != Verdict::Wait {
        return Ok(understood(brought));
    }
    let (Some(id), Some(revision)) = (brought.decision, brought.revision) else {
        return Err(text::gate::NO_NUMBER.to_owned());
    };
    let left = limit.saturating_sub(began.elapsed());
    match tokio::time::timeout(left + GRACE, client.gate_wait(id, revision, left)).await {
        Ok(Ok(answer)) => Ok(understood(answer)),
        Ok(Err(error)) if matches!(error.next(), Next::Again(_)) => {
            Ok(Told::Wait(text::gate::lost(&brought.words, &error)))
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Ok(Told::Wait(text::gate::lost(&brought.words, &text::gate::silent(left)))),
    }
}

/// The result of the local rules.
enum Own {
    Nothing,
    Asks(AtLeast),
    Denies(String),
}

/// Judges the call by the local rules file. Without a file there is no local ruling: the server
/// applies the default rules.
fn own_rules(common: &Common, call: &ToolCall) -> Result<Own, String> {
    // A user without a home folder has no local rules.
    let Ok(file) = gates::file(common.config.as_deref()) else { return Ok(Own::Nothing) };
    if file.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(Own::Nothing);
    }
    let rules = gates::load(common.config.as_deref()).map_err(|error| error.to_string())?;
    Ok(match judge(&rules, call) {
        Ruling::Allow => Own::Nothing,
        Ruling::Ask { risk, reason, .. } => Own::Asks(AtLeast { risk, reason }),
        Ruling::Deny { reason } => Own::Denies(text::gate::denied(reason.as_deref())),
    })
}

fn brought(
    call: ToolCall,
    project: Option<String>,
    own_prompt: bool,
    at_least: Option<AtLeast>,
) -> GateCall {
    let ToolCall {
        agent,
        session,
        tool,
        input,
        cwd,
        roots,
        home,
        real,
        poses_as_repository,
        before,
    } = call;
    GateCall {
        agent,
        session,
        tool,
        input,
        cwd,
        roots,
        home,
        real,
        poses_as_repository,
        before,
        project,
        own_prompt,
        at_least,
    }
}

fn understood(answer: GateAnswer) -> Told {
    let GateAnswer { answer, words, note, .. } = answer;
    match answer {
        Verdict::Allow => Told::Allow { words, note },
        Verdict::Deny => Told::Deny(words),
        Verdict::Defer => Told::Defer(words),
        Verdict::Wait => Told::Wait(words),
    }
}

/// Checks the connection to a server. Returns the identity a gate has there, as text.
///
/// # Errors
/// The problem, as text.
pub(super) async fn looked(client: Client) -> Result<String, String> {
    // No retries: a check reports the present state.
    let client = client.patience(Duration::ZERO);
    let ready = tokio::time::timeout(PATIENCE, client.gate_ready())
        .await
        .map_err(|_| text::gate::silent(PATIENCE))?;
    let ready = ready.map_err(|error: Error| error.to_string())?;
    match ready.problem {
        Some(problem) => Err(problem),
        None => Ok(text::gate::asks_as(&ready.caller, &ready.projects)),
    }
}
