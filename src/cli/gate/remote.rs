//! A gate that asks a remote `gander serve`. The server's rules judge the call; local rules, if
//! any, can only be stricter. Only an explicit yes from the server allows the call.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use gander_client::types::{
    GateCoverage, GateFacts, GateFile, GateFileKind, GateRepository, GateScript, GateUnshown,
};
use gander_client::{AtLeast, Client, Error, GateAnswer, GateCall, GateVerdict, Outcome, Reaction};

use super::hook::HookInput;
use super::release::{Release, Settled, release};
use super::{ProjectClaim, local};
use crate::cli::{Common, LOCK_TIMEOUT};
use crate::config::gates;
use crate::core::decision::{ScriptContent, Unshown};
use crate::core::gate::ToolCall;
use crate::core::gate::edits::Before;
use crate::core::gate::facts::{Coverage, Facts, FileFact, GitRepository, PlaceKind, RunFile};
use crate::core::gate::rules::{Minimum, Ruling, judge};
use crate::engine::approvals::gates::GateReply;
use crate::presentation::text;

/// How far the server may exceed the gate's limit, once to name the decision and once to report its
/// state. Twice this is less than the extra time around the whole step (`stop::GRACE`).
const GRACE: Duration = Duration::from_secs(4);

/// Asks the server, within `limit`, whether the call may run.
///
/// # Errors
/// The server could not be asked, as text.
pub(super) async fn ask_server(
    client: &Client,
    hooked: &HookInput,
    common: &Common,
    limit: Duration,
) -> Result<Settled, String> {
    let began = Instant::now();
    let (mut asked, mut changed_since) = (hooked.call.clone(), None);
    let mut changed = None;
    loop {
        let takes_edits = hooked.takes_edits();
        let (context, at_least) = (None, None);
        let submission = Submission { call: &asked, context, at_least, changed_since, takes_edits };
        let (id, revision, words) = match submit(client, submission, common, limit).await? {
            // Without a decision, a rule or a grant has just allowed the call.
            Submitted::Reply(reply) => return Ok(Settled::by(reply, changed, asked)),
            Submitted::Asked { decision, revision, words } => (decision, revision, words),
        };
        let left = limit.saturating_sub(began.elapsed());
        let waited = tokio::time::timeout(left + GRACE, client.gate_wait(id, revision, left)).await;
        let reply = match waited {
            Ok(Ok(answer)) => understood(answer),
            Ok(Err(error)) if matches!(error.reaction(), Reaction::RetryAfter(_)) => {
                GateReply::Wait(text::gate::lost(&words, &error))
            }
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => GateReply::Wait(text::gate::lost(&words, &text::gate::silent(left))),
        };
        match release(&asked, &reply).await? {
            Release::Stands => return Ok(Settled { reply, call: asked }),
            Release::PlanChanged => {
                let words = text::gate::PLAN_NOT_RUN;
                // Only a record: the agent is denied in any case.
                if let Err(error) = client.report(id, Outcome::NotRun, words).await {
                    tracing::warn!("could not record that plan {id} was not carried out: {error}");
                }
                return Ok(Settled { reply: local::plan_changed(), call: asked });
            }
            Release::Changed(now) => (asked, changed_since, changed) = (*now, Some(id), None),
            Release::ByPerson(now, approved) => {
                (asked, changed_since, changed) = (*now, Some(id), Some(approved));
            }
        }
    }
}

/// A call for the server.
#[derive(Debug)]
pub(in crate::cli) struct Submission<'a> {
    pub(in crate::cli) call: &'a ToolCall,
    /// What the agent told before.
    pub(in crate::cli) context: Option<String>,
    /// Ask a person with at least these terms.
    pub(in crate::cli) at_least: Option<Minimum>,
    /// The decision by which the call was allowed, if the call's files changed before it ran.
    pub(in crate::cli) changed_since: Option<i64>,
    /// Whether the agent runs the call with other arguments, if the gate says so.
    pub(in crate::cli) takes_edits: bool,
}

/// What became of a submitted call.
#[derive(Debug)]
pub(in crate::cli) enum Submitted {
    /// Nobody is asked.
    Reply(GateReply),
    /// A person decides, or has decided: wait for this decision. `words` are for the agent if no
    /// answer comes.
    Asked { decision: i64, revision: u32, words: String },
}

/// Submits a call, which takes `limit` at most.
///
/// # Errors
/// The server could not be asked, as text.
pub(in crate::cli) async fn submit(
    client: &Client,
    submission: Submission<'_>,
    common: &Common,
    limit: Duration,
) -> Result<Submitted, String> {
    let Submission { call, context, at_least, changed_since, takes_edits } = submission;
    let at_least = match judge_locally(common, call, at_least)? {
        LocalRuling::Denies(words) => return Ok(Submitted::Reply(GateReply::Deny(words))),
        LocalRuling::Asks(least) => Some(least),
        LocalRuling::Nothing => None,
    };
    let call = brought(call.clone(), project_of(&call.roots, common)?, at_least);
    let call = GateCall { context, changed_since, takes_edits, ..call };
    let impatient = client.clone().retry_for(LOCK_TIMEOUT.min(limit / 2));
    let brought = tokio::time::timeout(limit + GRACE, impatient.gate(&call)).await;
    let brought = brought
        .map_err(|_| text::gate::silent(limit + GRACE))?
        .map_err(|error| error.to_string())?;
    if brought.answer != GateVerdict::Wait {
        return Ok(Submitted::Reply(understood(brought)));
    }
    let (Some(decision), Some(revision)) = (brought.decision, brought.revision) else {
        return Err(text::gate::NO_NUMBER.to_owned());
    };
    Ok(Submitted::Asked { decision, revision, words: brought.words })
}

/// The project of a workspace for the server, which judges a claim by its own rules.
///
/// # Errors
/// A configuration cannot be read, as text.
pub(in crate::cli) fn project_of(
    roots: &[PathBuf],
    common: &Common,
) -> Result<Option<String>, String> {
    let user = super::config_of(common).map_err(|error| error.to_string())?;
    let project = ProjectClaim::of_workspace(roots, &user).map_err(|error| error.to_string())?;
    Ok(project.mapped.or(project.claimed))
}

/// The result of the local rules.
pub(in crate::cli) enum LocalRuling {
    Nothing,
    Asks(AtLeast),
    Denies(String),
}

/// Judges the call by the local rules: those that the installation named, and those in the user's
/// configuration folder, which can only be stricter. Without a file there is no local ruling: the
/// server applies the default rules.
pub(in crate::cli) fn judge_locally(
    common: &Common,
    call: &ToolCall,
    at_least: Option<Minimum>,
) -> Result<LocalRuling, String> {
    let mut strictest = Ruling::Allow;
    let mut read = None;
    for config in [common.config.as_deref(), None] {
        // A user without a home folder has no local rules.
        let Ok(file) = gates::file(config) else { continue };
        let missing = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        if read.as_ref() == Some(&file) || file.symlink_metadata().is_err_and(missing) {
            continue;
        }
        let rules = gates::load(config).map_err(|error| error.to_string())?;
        strictest = strictest.or_stricter(judge(&rules, call));
        read = Some(file);
    }
    let strictest = at_least.map_or(strictest.clone(), |least| strictest.raised(least));
    Ok(match strictest {
        Ruling::Allow => LocalRuling::Nothing,
        Ruling::Ask { risk, reason, .. } => {
            LocalRuling::Asks(AtLeast { risk, reason: reason.as_ref().map(text::gate::reason) })
        }
        Ruling::Deny { reason } => LocalRuling::Denies(text::gate::denied(reason.as_deref())),
    })
}

fn brought(call: ToolCall, project: Option<String>, at_least: Option<AtLeast>) -> GateCall {
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
        own_prompt,
        before,
        facts,
    } = call;
    let before_unknown = before == Before::Unknown;
    let before = before.text().map(str::to_owned);
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
        before_unknown,
        facts: Some(sent(facts)),
        project,
        own_prompt,
        context: None,
        at_least,
        changed_since: None,
        takes_edits: false,
    }
}

/// The facts as they are sent.
fn sent(facts: Facts) -> GateFacts {
    let Facts { files, git, searched, own, homes, shadowed, runs, coverage } = facts;
    let file = |(path, FileFact { real, kind }): (PathBuf, FileFact)| GateFile {
        path,
        real,
        kind: match kind {
            PlaceKind::Missing => GateFileKind::Missing,
            PlaceKind::File => GateFileKind::File,
            PlaceKind::Folder => GateFileKind::Folder,
            PlaceKind::Private => GateFileKind::Private,
            PlaceKind::Key => GateFileKind::Key,
            PlaceKind::Repository => GateFileKind::Repository,
        },
    };
    let all = files
        .into_iter()
        .flat_map(|(path, facts)| facts.into_iter().map(move |fact| (path.clone(), fact)));
    GateFacts {
        files: all.map(file).collect(),
        git: match git {
            GitRepository::Unknown => GateRepository::Unknown,
            GitRepository::Own => GateRepository::Own,
            GitRepository::Foreign => GateRepository::Foreign,
        },
        searched,
        own,
        homes,
        shadowed: shadowed.into_iter().collect(),
        runs: runs.into_iter().map(script).collect(),
        coverage: match coverage {
            Coverage::Unknown => GateCoverage::Unknown,
            Coverage::Complete => GateCoverage::Complete,
            Coverage::Partial => GateCoverage::Partial,
        },
    }
}

/// A file that the call runs, as it is sent.
fn script((path, found): (PathBuf, RunFile)) -> GateScript {
    let missing = found == RunFile::Nothing;
    let (digest, text, unshown) = match found {
        RunFile::Nothing | RunFile::Found(ScriptContent::Unknown) => (None, None, None),
        RunFile::Found(ScriptContent::Text { digest, text }) => (Some(digest), Some(text), None),
        RunFile::Found(ScriptContent::Unshown { digest, why }) => {
            let unshown = match why {
                Unshown::TooLong => Some(GateUnshown::TooLong),
                Unshown::Binary => Some(GateUnshown::Binary),
                Unshown::Private => Some(GateUnshown::Private),
                Unshown::NotSent => None,
            };
            (Some(digest), None, unshown)
        }
    };
    GateScript { path, digest, missing, text, unshown }
}

pub(in crate::cli) fn understood(answer: GateAnswer) -> GateReply {
    let GateAnswer { answer, words, note, answers, input, decision, .. } = answer;
    match answer {
        GateVerdict::Allow if decision.is_none() => GateReply::Unasked(words),
        GateVerdict::Allow => GateReply::Allow { words, note },
        GateVerdict::Deny if !answers.is_empty() => {
            GateReply::Answer { words, answers: answers.into_iter().map(Into::into).collect() }
        }
        GateVerdict::Deny => match input {
            Some(input) => GateReply::AllowChanged { words, note: note.unwrap_or_default(), input },
            None => GateReply::Deny(words),
        },
        GateVerdict::Defer => GateReply::Defer(words),
        GateVerdict::Wait => GateReply::Wait(words),
    }
}

/// Checks the connection to a server. Returns the identity a gate has there, as text.
///
/// # Errors
/// The problem, as text.
pub(super) async fn looked(client: Client) -> Result<String, String> {
    // No retries: a check reports the present state.
    let client = client.retry_for(Duration::ZERO);
    let ready = tokio::time::timeout(LOCK_TIMEOUT, client.gate_ready())
        .await
        .map_err(|_| text::gate::silent(LOCK_TIMEOUT))?;
    let ready = ready.map_err(|error: Error| error.to_string())?;
    match ready.problem {
        Some(problem) => Err(problem),
        None => Ok(text::gate::asks_as(&ready.caller, &ready.projects)),
    }
}
